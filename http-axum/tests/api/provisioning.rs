//! Provisioning over HTTP, and the public files of the CA.

use serde_json::{Value, json};

use crate::support::{Answer, TOKENS, World, csr, delete, get, post, put};

async fn register(world: &World, key: &str, body: Value) -> (String, String) {
    let made = world.send(post(TOKENS).key(key).json(&body)).await.ok(201);
    let text = |name: &str| made[name].as_str().unwrap().to_owned();
    (text("token"), text("deviceId"))
}

async fn provision(world: &World, token: &str, csr: &str) -> Answer {
    let body = json!({"token": token, "csr": csr});
    world
        .send(post("/api/v1/devices/provision").json(&body))
        .await
}

#[tokio::test]
async fn a_token_is_worth_one_certificate() {
    let world = World::new().await;
    let (organization, key) = world.organization("acme").await;
    let made = post(TOKENS).key(&key).json(&json!({"deviceName": "one"}));
    let made = world.send(made).await.ok(201);
    let device = made["deviceId"].as_str().unwrap();
    let token = made["token"].as_str().unwrap();
    assert!(
        token.starts_with("fgt1.") && token.len() == 5 + 22 + 1 + 43,
        "{token}"
    );
    assert_eq!(
        made["provisionEndpoint"],
        "https://fieldgate.test/api/v1/devices/provision"
    );
    let fingerprint = world.fieldgate.certificates().root_fingerprint();
    assert_eq!(made["caFingerprintSha256"], fingerprint.to_string());
    let answer = provision(&world, token, &csr()).await;
    let body = answer.ok(201);
    assert_eq!(body["deviceId"], device);
    assert_eq!(body["organizationId"], organization.to_string());
    assert_eq!(body["mqtt"]["clientId"], device);
    assert_eq!(body["mqtt"]["host"], "fieldgate.test");
    assert_eq!(body["mqtt"]["port"], 8883);
    let readings = format!("v1/readings/{organization}/{device}");
    assert_eq!(body["mqtt"]["topics"]["readings"], readings);
    let result = format!("v1/gateways/{organization}/{device}/announce/result");
    assert_eq!(body["mqtt"]["topics"]["announceResult"], result);
    let certificate = body["certificate"].as_str().unwrap();
    assert_eq!(certificate.matches("BEGIN CERTIFICATE").count(), 1);
    assert_eq!(
        body["caChain"]
            .as_str()
            .unwrap()
            .matches("BEGIN CERTIFICATE")
            .count(),
        2
    );
    let path = format!("/api/v1/devices/{device}");
    let found = world.send(get(&path).key(&key)).await.ok(200);
    let expected = json!({
        "serialNumber": body["serialNumber"],
        "notAfter": body["notAfter"],
    });
    assert_eq!(
        (&found["certificate"], &found["status"]),
        (&expected, &json!("PENDING"))
    );
    let path = format!(
        "{path}/certificates/{}",
        body["serialNumber"].as_str().unwrap()
    );
    let record = world.send(get(&path).key(&key)).await.ok(200);
    assert_eq!(
        (&record["pem"], &record["state"]),
        (&body["certificate"], &json!("ACTIVE"))
    );
    assert_eq!(record["issueSequence"], 1);

    let again = provision(&world, token, &csr()).await;
    again.problem(409, "token_used");
}

#[tokio::test]
async fn who_lacks_the_secret_learns_nothing() {
    let world = World::new().await;
    let (_, key) = world.organization("acme").await;
    let (token, device) = register(&world, &key, json!({"deviceName": "one"})).await;
    let (other, _) = register(&world, &key, json!({"deviceName": "two"})).await;
    let secret = |token: &str| token.rsplit('.').next().unwrap().to_owned();
    let mut wrong = vec![
        String::new(),
        "x".to_owned(),
        "fgt1..".to_owned(),
        key.clone(),
        token.replace("fgt1", "fgt2"),
        token.replace(&secret(&token), &secret(&other)),
        format!("fgt1.{}.{}", "A".repeat(22), secret(&token)),
    ];
    let mut answers = Vec::new();
    for token in &wrong {
        let answer = provision(&world, token, "garbage").await;
        answer.problem(401, "token_invalid");
        answers.push(answer.without_request_id());
    }
    // Used, expired, revoked, of an inactive device, deleted: all the same.
    world.provision(&token).await;
    let swapped = token.replace(&secret(&token), &secret(&other));
    answers.push(
        provision(&world, &swapped, "garbage")
            .await
            .without_request_id(),
    );
    world.advance(24 * 3600);
    answers.push(
        provision(&world, &swapped, "garbage")
            .await
            .without_request_id(),
    );
    let path = format!("/api/v1/devices/{device}");
    world.send(delete(&path).key(&key)).await.ok(204);
    let deleted = provision(&world, &token, "garbage").await;
    deleted.problem(401, "token_invalid");
    answers.push(deleted.without_request_id());
    wrong.clear();
    assert!(answers.windows(2).all(|pair| pair[0] == pair[1]));
}

#[tokio::test]
async fn who_holds_the_secret_is_told_what_is_wrong() {
    let world = World::new().await;
    let (_, key) = world.organization("acme").await;
    let (token, device) = register(&world, &key, json!({"deviceName": "one"})).await;
    for bad in ["", "garbage", "-----BEGIN CERTIFICATE REQUEST-----\n"] {
        let problem = provision(&world, &token, bad)
            .await
            .problem(422, "csr_invalid");
        assert_eq!(problem["errors"][0]["pointer"], "/csr");
    }
    let set = async |status: &str| {
        let body = json!({"name": "one", "status": status});
        let path = format!("/api/v1/devices/{device}");
        world.send(put(&path).key(&key).json(&body)).await.ok(200);
    };
    set("INACTIVE").await;
    provision(&world, &token, &csr())
        .await
        .problem(409, "device_inactive");
    set("ACTIVE").await;
    // The token is as good as before.
    let own = csr();
    provision(&world, &token, &own).await.ok(201);
    let (other, _) = register(&world, &key, json!({"deviceName": "two"})).await;
    provision(&world, &other, &own)
        .await
        .problem(422, "csr_key_in_use");

    let (replaced, id) = register(&world, &key, json!({"deviceName": "three"})).await;
    let (late, _) = register(&world, &key, json!({"deviceId": id})).await;
    provision(&world, &replaced, &csr())
        .await
        .problem(410, "token_revoked");
    world.advance(24 * 3600);
    provision(&world, &late, &csr())
        .await
        .problem(410, "token_expired");
}

#[tokio::test]
async fn fields_that_are_missing_are_named_and_secrets_are_not_repeated() {
    let world = World::new().await;
    for (body, pointer) in [
        (json!({"csr": "x"}), "/token"),
        (json!({"token": "fgt1.planted.secret"}), "/csr"),
        (
            json!({"token": "x", "csr": {"fgt1.planted.secret": 1}}),
            "/csr",
        ),
        (
            json!({"token": ["fgt1.planted.secret"], "csr": "x"}),
            "/token",
        ),
        (json!("fgt1.planted.secret"), ""),
    ] {
        let answer = world
            .send(post("/api/v1/devices/provision").json(&body))
            .await;
        assert_eq!(answer.pointers(), [pointer]);
        assert!(!answer.text().contains("planted"), "{}", answer.text());
    }
}

#[tokio::test]
async fn an_idempotency_key_means_nothing_here() {
    let world = World::new().await;
    let (_, key) = world.organization("acme").await;
    let (token, _) = register(&world, &key, json!({"deviceName": "one"})).await;
    let body = json!({"token": token, "csr": csr()});
    let call = || {
        let call = post("/api/v1/devices/provision").json(&body);
        call.header("idempotency-key", "k")
    };
    world.send(call()).await.ok(201);
    world.send(call()).await.problem(409, "token_used");
}

#[tokio::test]
async fn the_chain_is_public() {
    let world = World::new().await;
    let answer = world.send(get("/api/v1/ca/chain")).await;
    assert_eq!(answer.status, 200);
    let media_type = answer.header("content-type");
    assert_eq!(media_type, Some("application/pem-certificate-chain"));
    assert_eq!(answer.text(), world.fieldgate.certificates().ca_chain_pem());
    assert!(!answer.text().contains("PRIVATE"));
}

#[tokio::test]
async fn the_crl_is_public_and_has_a_tag() {
    let world = World::new().await;
    let issuer = world.fieldgate.certificates().issuer_key_id();
    let path = format!("/api/v1/ca/crl/{issuer}.crl");
    let answer = world.send(get(&path)).await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.header("content-type"), Some("application/pkix-crl"));
    assert!(answer.header("cache-control").unwrap().contains("public"));
    assert_eq!(answer.body[0], 0x30);
    let tag = answer.header("etag").unwrap();
    let again = world.send(get(&path).header("if-none-match", tag)).await;
    assert_eq!((again.status.as_u16(), again.body.len()), (304, 0));
    assert_eq!(again.header("etag"), Some(tag));
    // A revocation makes another one.
    let acme = world.tenant("acme").await;
    let device = format!("/api/v1/devices/{}", acme.ids["deviceId"]);
    world.send(delete(&device).key(&acme.key)).await.ok(204);
    let newer = world.send(get(&path).header("if-none-match", tag)).await;
    assert_eq!(newer.status, 200);
    assert!(newer.body.len() > answer.body.len());
    for other in [
        format!("/api/v1/ca/crl/{issuer}"),
        format!("/api/v1/ca/crl/{}.crl", "0".repeat(40)),
        "/api/v1/ca/crl/none.crl".to_owned(),
        "/api/v1/ca/crl/..%2f..%2fissuing.crl".to_owned(),
    ] {
        world.send(get(&other)).await.problem(404, "not_found");
    }
}
