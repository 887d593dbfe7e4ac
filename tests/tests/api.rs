//! The HTTP API: keys, lists, and the public documents of the CA.

use fieldgate_tests::tls::split_pem;
use fieldgate_tests::tools::try_openssl;
use fieldgate_tests::{Api, Device, Registration, Server, StorageKind};
use serde_json::json;

#[tokio::test]
async fn the_ca_chain_and_the_crl_are_public_and_verify() {
    let server = Server::start(StorageKind::Sqlite);
    let api = server.api();
    let public = server.https_api().await;
    let chain = public.get("/api/v1/ca/chain").await;
    let chain = split_pem(&chain.expect_text(200));
    assert_eq!(chain.len(), 2, "issuing first, root last");
    let device = Device::enroll(&server, "revoked").await;
    assert_eq!(chain.concat(), device.chain);

    let certificates = device.certificates(&api).await;
    let issuer = certificates[0]["issuerKeyId"].as_str().unwrap();
    let path = format!("/api/v1/ca/crl/{issuer}.crl");
    let crl = async |name: &str| {
        let answer = public.get(&path).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        let file = server.scratch().join(name);
        std::fs::write(&file, &answer.body).unwrap();
        let issuing = device.issuing_file();
        let (file, issuing) = (file.to_str().unwrap(), issuing.to_str().unwrap());
        let from = ["crl", "-inform", "DER", "-in", file, "-noout"];
        let verify = ["-text", "-CAfile", issuing];
        let (verified, text) = try_openssl([&from[..], &verify].concat(), b"");
        assert!(verified && text.contains("verify OK"), "{text}");
        text
    };
    let empty = crl("empty.crl").await;
    assert!(empty.contains("No Revoked Certificates"), "{empty}");
    assert!(empty.contains("X509v3 CRL Number"), "{empty}");
    api.delete(&device.path()).await.expect_empty(204);
    let full = crl("full.crl").await;
    assert!(
        full.to_lowercase().contains(&device.serial_number),
        "{full}"
    );

    for path in [
        "/api/v1/ca/crl/00.crl",
        "/api/v1/ca/crl/x",
        "/api/v1/ca/crl/..%2f..%2fca.crl",
    ] {
        public.get(path).await.problem(404, "not_found");
    }
}

#[tokio::test]
async fn keys_are_asked_for_and_wrong_ones_are_limited() {
    let server = Server::start(StorageKind::Sqlite);
    let api = server.api();
    let missing = api.without_key().get("/api/v1/devices").await;
    missing.problem(401, "key_missing");
    assert!(missing.header("www-authenticate").starts_with("Bearer"));
    let body = json!({ "name": "reader", "scopes": ["devices:read"] });
    let minted = api.post("/api/v1/api-keys", &body).await.expect(201);
    let reader = api.with_key(minted["key"].as_str().unwrap());
    reader.get("/api/v1/devices").await.expect(200);
    let path = "/api/v1/devices/registration/tokens";
    reader
        .post(path, &json!({ "deviceName": "a" }))
        .await
        .problem(403, "forbidden");
    server
        .server_api()
        .get("/api/v1/devices")
        .await
        .problem(403, "forbidden");
    api.get("/api/v1/organizations")
        .await
        .problem(403, "forbidden");
    server
        .server_api()
        .get("/api/v1/organizations")
        .await
        .expect(200);

    let revoke = format!("/api/v1/api-keys/{}", minted["id"].as_str().unwrap());
    api.delete(&revoke).await.expect_empty(204);
    assert_eq!(reader.get("/api/v1/devices").await.status, 401);
    let wrong = api.with_key("sk_0000000000000000_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA");
    let limited = fieldgate_tests::eventually("wrong keys are limited", || async {
        let answer = wrong.get("/api/v1/devices").await;
        (answer.status != 401).then_some(answer)
    })
    .await;
    limited.problem(429, "too_many_failures");
    api.get("/api/v1/devices").await.expect(200);
}

#[tokio::test]
async fn lists_go_page_by_page_and_cursors_are_nobody_elses() {
    let server = Server::start(StorageKind::Sqlite);
    let api = server.api();
    for number in 0..7 {
        Registration::new(&api, &format!("device-{number}")).await;
    }
    let mut names = Vec::new();
    let mut cursor = String::new();
    loop {
        let page = api
            .get(&format!("/api/v1/devices?limit=3{cursor}"))
            .await
            .expect(200);
        let items = page["items"].as_array().unwrap();
        assert!(items.len() <= 3);
        names.extend(
            items
                .iter()
                .map(|device| device["name"].as_str().unwrap().to_owned()),
        );
        let Some(next) = page["nextCursor"].as_str() else {
            break;
        };
        cursor = format!("&cursor={next}");
        let elsewhere = api.get(&format!("/api/v1/sensors?limit=3{cursor}")).await;
        assert!(elsewhere.status < 500, "{}", elsewhere.text());
    }
    assert_eq!(
        names,
        (0..7)
            .map(|number| format!("device-{number}"))
            .collect::<Vec<_>>()
    );
}

#[tokio::test]
async fn of_two_keys_that_revoke_each_other_one_stays() {
    let server = Server::start(StorageKind::Sqlite);
    let keys = "/api/v1/api-keys";
    let mint = async |api: &Api| {
        let body = json!({ "name": "key", "scopes": ["admin"] });
        let minted = api.post(keys, &body).await.expect(201);
        let text = |name: &str| minted[name].as_str().unwrap().to_owned();
        (format!("{keys}/{}", text("id")), api.with_key(text("key")))
    };
    let first = server.api();
    let (mut path, mut api) = mint(&first).await;
    for key in api.list(keys).await {
        let other = format!("{keys}/{}", key["id"].as_str().unwrap());
        if other != path {
            api.delete(&other).await.expect_empty(204);
        }
    }
    for _ in 0..20 {
        let (other_path, other) = mint(&api).await;
        let (one, two) = tokio::join!(api.delete(&other_path), other.delete(&path));
        match (one.status, two.status) {
            (204, 409 | 401) => {}
            (409 | 401, 204) => (path, api) = (other_path, other),
            statuses => panic!("{statuses:?}"),
        }
        assert_eq!(api.list(keys).await.len(), 1);
    }
}
