//! Secrets are shown once, to who may see them, and nowhere else.

use std::io::Write;
use std::sync::{Arc, Mutex};

use fieldgate_http_axum::access::OPERATIONS;
use serde_json::json;
use tracing::Level;

use crate::support::{TOKENS, World, csr, get, post};

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

#[derive(Clone, Debug, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, text: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(text);
        Ok(text.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn no_secret_is_logged_at_any_level() {
    let log = Log::default();
    let writer = log.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_ansi(false)
        .with_max_level(Level::TRACE)
        .with_writer(move || writer.clone())
        .finish();
    let _guard = tracing::subscriber::set_default(subscriber);
    let world = World::new().await;
    let acme = world.tenant("acme").await;
    let made = post(TOKENS)
        .key(&acme.key)
        .json(&json!({"deviceName": "one"}));
    let token = world.send(made).await.ok(201)["token"].clone();
    let token = token.as_str().unwrap();
    let planted = "sk_0123456789abcdef_plantedplantedplantedplantedplantedplanted1";
    for call in [
        get("/api/v1/devices").key(planted),
        get("/api/v1/devices").header("authorization", planted),
        get(&format!("/api/v1/devices?key={planted}&token={token}")).key(&acme.key),
        get("/api/v1/none").header("x-request-id", "a planted, insane id"),
        post("/api/v1/devices")
            .key(&acme.key)
            .json(&json!({"name": "x", planted: 1})),
        post("/api/v1/devices")
            .key(&acme.key)
            .text(format!("{{{token}")),
        post("/api/v1/devices/provision").json(&json!({"token": token, "csr": planted})),
        post("/api/v1/devices/provision").json(&json!({"token": planted, "csr": ""})),
        post("/api/v1/devices/provision").json(&json!({"token": token, "csr": csr()})),
        post("/api/v1/devices/provision").json(&json!({"token": token, "csr": csr()})),
    ] {
        world.send(call).await;
    }
    let text = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    for secret in [
        "planted",
        "BEGIN",
        &token[28..],
        &acme.key[20..],
        &world.server_key[20..],
    ] {
        assert!(!text.contains(secret), "{secret}");
    }
    // It was written, and each line says which request it belongs to.
    let answered: Vec<_> = text
        .lines()
        .filter(|line| line.contains("answered"))
        .collect();
    assert!(answered.len() > 10);
    assert!(
        answered.iter().all(|line| line.contains("request{id=")),
        "{answered:?}"
    );
}
