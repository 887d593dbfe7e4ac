//! The HTTP API: bad input, other organizations, keys, and the public documents of the CA.

use fieldgate_tests::tls::split_pem;
use fieldgate_tests::tools::try_openssl;
use fieldgate_tests::{Api, Device, Registration, Server, StorageKind};
use reqwest::Method;
use serde_json::{Value, json};

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
async fn bad_json_is_refused_and_changes_nothing() {
    let server = Server::start(StorageKind::Sqlite);
    let api = server.api();
    let path = "/api/v1/devices/registration/tokens";
    let deep = format!("{}{}", "[".repeat(10_000), "]".repeat(10_000));
    let deep_member = format!(
        r#"{{"deviceName": "a", "metadata": {}1{}}}"#,
        r#"{"a":"#.repeat(40),
        "}".repeat(40)
    );
    for malformed in [
        "",
        "{",
        "{}{}",
        "nonsense",
        r#"{"deviceName": "a", "deviceName": "b"}"#,
        r#"{"deviceName": "\ud800"}"#,
        r#"{"deviceName": "a", "expiresInSeconds": 1e400}"#,
        r#"{"deviceName": NaN}"#,
        &deep,
        &deep_member,
    ] {
        let answer = api.post_raw(path, malformed).await;
        answer.problem(400, "json_malformed");
    }
    api.post_raw(path, b"{\"deviceName\": \"\xff\"}")
        .await
        .problem(400, "json_malformed");
    for invalid in invalid_registrations() {
        api.post(path, &invalid)
            .await
            .problem(422, "validation_failed");
    }
    let unknown = json!({ "deviceName": "a", "devicename": "b" });
    let problem = api
        .post(path, &unknown)
        .await
        .problem(422, "validation_failed");
    assert_eq!(problem["errors"][0]["pointer"], "/devicename", "{problem}");

    let large = json!({ "deviceName": "a", "metadata": { "a": "x".repeat(100_000) } });
    let refused = api.post(path, &large).await;
    refused.problem(413, "body_too_large");
    assert_eq!(
        refused.header("connection"),
        "close",
        "the rest of the body is not read"
    );
    let as_text = |request: reqwest::RequestBuilder| request.body(r#"{"deviceName": "a"}"#);
    api.send(Method::POST, path, as_text)
        .await
        .problem(415, "unsupported_media_type");
    let zipped = |request: reqwest::RequestBuilder| {
        request
            .json(&json!({ "deviceName": "a" }))
            .header("content-encoding", "gzip")
    };
    api.send(Method::POST, path, zipped)
        .await
        .problem(415, "unsupported_media_type");
    assert_eq!(api.list("/api/v1/devices").await, Vec::<Value>::new());
}

/// Well-formed JSON that is no registration.
fn invalid_registrations() -> Vec<Value> {
    let many_tags: Vec<String> = (0..65).map(|number: u32| number.to_string()).collect();
    vec![
        json!({}),
        json!([]),
        json!("a"),
        json!({ "deviceName": 1 }),
        json!({ "deviceName": null }),
        json!({ "deviceName": "a", "tags": "b" }),
        json!({ "deviceName": "a", "tags": many_tags }),
        json!({ "deviceName": "a", "tags": ["x".repeat(65)] }),
        json!({ "deviceName": "a", "metadata": [] }),
        json!({ "deviceName": "a", "metadata": { "a": "x".repeat(11_000) } }),
        json!({ "deviceName": "a", "location": { "latitude": 91, "longitude": 0 } }),
        json!({ "deviceName": "a", "location": { "latitude": 0 } }),
        json!({ "deviceName": "a", "expiresInSeconds": -1 }),
        json!({ "deviceName": "a", "siteId": "01890000-0000-7000-8000-000000000000" }),
        json!({ "deviceName": "a", "siteId": "no id" }),
        json!({ "deviceName": "a", "deviceId": "01890000-0000-7000-8000-000000000000" }),
    ]
}

#[tokio::test]
async fn names_are_text_without_control_characters_and_not_too_long() {
    let server = Server::start(StorageKind::Sqlite);
    let api = server.api();
    for bad in [
        "",
        " ",
        "a\nb",
        "a\u{0}b",
        "\u{1b}[31m",
        "a\u{202e}b",
        " a",
        &"x".repeat(10_000),
    ] {
        let body = json!({ "deviceName": bad });
        let path = "/api/v1/devices/registration/tokens";
        let problem = api
            .post(path, &body)
            .await
            .problem(422, "validation_failed");
        assert_eq!(problem["errors"][0]["pointer"], "/deviceName", "{problem}");
        for path in ["/api/v1/devices", "/api/v1/sites", "/api/v1/device-groups"] {
            let body = json!({ "name": bad, "selector": {} });
            let answer = api.post(path, &body).await;
            assert_eq!(answer.status, 422, "{path} {bad:?}: {}", answer.text());
        }
    }
    let markup = r#"<img src=x onerror="alert(1)">'--; DROP TABLE devices"#;
    let registration = Registration::new(&api, markup).await;
    let answer = api
        .get(&format!("/api/v1/devices/{}", registration.device_id))
        .await;
    assert_eq!(
        answer.expect(200)["name"],
        markup,
        "it is text, and stays as it is"
    );
    assert_eq!(answer.header("content-type"), "application/json");
    assert_eq!(answer.header("x-content-type-options"), "nosniff");
    assert_eq!(api.list("/api/v1/devices").await.len(), 1);
    let taken = json!({ "deviceName": markup });
    let path = "/api/v1/devices/registration/tokens";
    api.post(path, &taken)
        .await
        .problem(409, "device_name_taken");
}

#[tokio::test]
async fn what_belongs_to_another_organization_is_not_there() {
    let server = Server::start(StorageKind::Sqlite);
    let own = server.api();
    let foreign = server.second_organization().await;
    let device = Device::enroll(&server, "secret-device").await;
    let mut client = device.connect(&server).await;
    client
        .publish_json(
            &device.readings_topic(),
            &json!({ "sensor": "a", "value": 1 }),
        )
        .await;
    let sensor = device.sensor(&own, "a").await;
    let sensor_id = sensor["id"].as_str().unwrap();
    let open = Registration::new(&own, "open").await;
    let absent = "01890000-0000-7000-8000-000000000000";
    for (path, id) in [
        ("/api/v1/devices/{}", device.id.as_str()),
        ("/api/v1/devices/{}/certificates", &device.id),
        ("/api/v1/devices/{}/health", &device.id),
        ("/api/v1/devices/{}/health/latest", &device.id),
        ("/api/v1/devices/{}/health/summary", &device.id),
        ("/api/v1/sensors/{}", sensor_id),
        (
            "/api/v1/components/{}",
            sensor["componentId"].as_str().unwrap(),
        ),
        ("/api/v1/readings/sensor/{}", sensor_id),
        ("/api/v1/readings/sensor/{}/window", sensor_id),
    ] {
        let ask = async |id: &str| {
            let mut problem = foreign
                .get(&path.replace("{}", id))
                .await
                .problem(404, "not_found");
            problem.as_object_mut().unwrap().remove("requestId");
            problem
        };
        own.get(&path.replace("{}", id))
            .await
            .expect_one_of(&[200, 404]);
        assert_eq!(ask(id).await, ask(absent).await, "{path}");
        assert_eq!(ask(absent).await, ask("no-id").await, "{path}");
    }
    change_nothing_of(&foreign, &device, &open).await;
    client.ping().await;
    assert_eq!(device.get(&own).await["name"], "secret-device");
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

/// Tries to change or to find what another organization has.
async fn change_nothing_of(foreign: &Api, device: &Device, open: &Registration) {
    let update = json!({ "name": "mine" });
    foreign
        .put(&device.path(), &update)
        .await
        .problem(404, "not_found");
    foreign
        .delete(&device.path())
        .await
        .problem(404, "not_found");
    let token = format!("/api/v1/devices/registration/tokens/{}", open.token_id);
    foreign.delete(&token).await.problem(404, "not_found");
    let body = json!({ "deviceId": device.id });
    let path = "/api/v1/devices/registration/tokens";
    foreign
        .post(path, &body)
        .await
        .problem(422, "validation_failed");
    for list in [
        "devices",
        "sensors",
        "components",
        "quarantine",
        "devices/registration/tokens",
    ] {
        assert_eq!(
            foreign.list(&format!("/api/v1/{list}")).await,
            Vec::<Value>::new(),
            "{list}"
        );
    }
    let path = format!("/api/v1/sensors?deviceId={}", device.id);
    assert_eq!(foreign.list(&path).await, Vec::<Value>::new());
    assert_eq!(
        foreign.get("/api/v1/devices/summary").await.expect(200)["total"],
        0
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
