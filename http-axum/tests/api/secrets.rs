//! Secrets are shown once, to who may see them, and nowhere else.

use serde_json::json;

use fieldgate_http_axum::access::OPERATIONS;

use crate::support::{TOKENS, World, get, post};

#[tokio::test]
async fn answers_with_a_secret_are_not_stored() {
    let world = World::new().await;
    let (_, key) = world.organization("acme").await;
    for (path, key, body) in [
        (TOKENS, &key, json!({"deviceName": "one"})),
        (
            "/api/v1/api-keys",
            &key,
            json!({"name": "x", "scopes": ["admin"]}),
        ),
        (
            "/api/v1/organizations",
            &world.server_key,
            json!({"slug": "other", "name": "x"}),
        ),
    ] {
        for _ in 0..2 {
            let call = post(path)
                .key(key)
                .header("idempotency-key", path)
                .json(&body);
            let answer = world.send(call).await;
            answer.ok(201);
            assert_eq!(answer.header("cache-control"), Some("no-store"), "{path}");
        }
    }
}

#[tokio::test]
async fn no_other_answer_holds_a_secret() {
    let world = World::new().await;
    let acme = world.tenant("acme").await;
    let mut secrets = vec![acme.key.clone(), world.server_key.clone()];
    for (path, body, name) in [
        (TOKENS, json!({"deviceName": "one"}), "token"),
        (
            "/api/v1/api-keys",
            json!({"name": "x", "scopes": ["admin"]}),
            "key",
        ),
    ] {
        let made = world
            .send(post(path).key(&acme.key).json(&body))
            .await
            .ok(201);
        secrets.push(made[name].as_str().unwrap().to_owned());
    }
    // What makes a key or a token worth something is its last part.
    let secrets: Vec<String> = secrets
        .iter()
        .map(|secret| secret[secret.len() - 40..].to_owned())
        .collect();
    let mut looked_at = 0;
    for operation in OPERATIONS {
        if operation.method != axum::http::Method::GET {
            continue;
        }
        let path = acme
            .ids
            .iter()
            .fold(operation.path.to_owned(), |path, (name, id)| {
                path.replace(&format!("{{{name}}}"), id)
            });
        let path = format!("/api/v1{path}");
        for key in [&acme.key, &world.server_key] {
            let text = world.send(get(&path).key(key)).await.text();
            looked_at += usize::from(!text.is_empty());
            for secret in &secrets {
                assert!(!text.contains(secret), "{path}");
            }
        }
    }
    assert!(looked_at > 40, "{looked_at}");
    let states = "?state=PENDING&state=USED&state=REVOKED&state=EXPIRED";
    let tokens = world
        .send(get(&format!("{TOKENS}{states}")).key(&acme.key))
        .await
        .text();
    assert!(secrets.iter().all(|secret| !tokens.contains(secret)));
}
