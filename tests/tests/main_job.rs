//! The main job: a real device comes online by itself, reports, and goes offline.

#![expect(
    clippy::unwrap_used,
    reason = "a test fails where something is not as it should be"
)]

use fieldgate_tests::csr::{self, KeyType};
use fieldgate_tests::tls::client_config;
use fieldgate_tests::tools::{self, MosquittoSub};
use fieldgate_tests::wait::soon;
use fieldgate_tests::{Device, Registration, Server, StorageKind, eventually, storage_tests};
use rumqttc::{AsyncClient, Event, Incoming, MqttOptions, PublishOptions, QoS, Transport};

storage_tests!(each: [
    a_device_made_of_openssl_and_mosquitto_comes_online_and_reports,
    a_device_with_a_rust_mqtt_client_comes_online_and_reports,
], durable: []);

async fn a_device_made_of_openssl_and_mosquitto_comes_online_and_reports(storage: StorageKind) {
    let server = Server::start(storage);
    let api = server.api();

    let registration = Registration::new(&api, "greenhouse-7").await;
    let answer = &registration.answer;
    assert_eq!(registration.name, "greenhouse-7");
    assert_eq!(
        answer["provisionEndpoint"],
        format!("{}/api/v1/devices/provision", server.https_url())
    );
    let pending = api
        .get(&format!("/api/v1/devices/{}", registration.device_id))
        .await
        .expect(200);
    assert_eq!(
        (&pending["status"], &pending["online"]),
        (&"PENDING".into(), &false.into())
    );
    assert!(
        pending.get("firstSessionAt").is_none_or(|at| at.is_null()),
        "{pending}"
    );

    // The device trusts nothing but the root whose fingerprint it was given.
    let (key, csr) = csr::by_openssl(&server.scratch(), csr::P256, &[]);
    let https = server.https_api().await;
    let provisioned = registration.provision(&https, &csr).await;
    let device = Device::from_answer(&server, &registration, &key, &provisioned);
    assert_eq!(device.id, registration.device_id);
    assert_eq!(device.answer["mqtt"]["host"], "localhost");
    assert_eq!(device.answer["mqtt"]["port"], server.mqtt_port());
    assert_eq!(device.answer["mqtt"]["clientId"], *device.id);
    assert_eq!(
        device.answer["mqtt"]["topics"]["readings"],
        device.readings_topic()
    );
    assert_eq!(
        device.answer["mqtt"]["topics"]["announceResult"],
        device.topic("announce/result")
    );
    assert_eq!(
        device.get(&api).await["status"],
        "PENDING",
        "a certificate is no session"
    );

    let reading = r#"{"component": "bme280", "sensor": "temperature", "value": 21.5}"#;
    tools::mosquitto_pub(&server, &device, &device.readings_topic(), reading);
    // The acknowledgement came after the reading was stored.
    let readings = device.readings(&api, "temperature").await;
    assert_eq!(readings.len(), 1, "{readings:?}");
    assert_eq!(readings[0]["value"], 21.5);
    let sensor = device.sensor(&api, "temperature").await;
    assert_eq!(sensor["latest"]["value"], 21.5, "{sensor}");
    assert_eq!(sensor["latest"]["timestamp"], readings[0]["timestamp"]);
    let offline = device.becomes(&api, "OFFLINE").await;
    assert!(offline["firstSessionAt"].is_string(), "{offline}");

    let subscriber = MosquittoSub::start(&server, &device, &device.topic("announce/result"));
    device.becomes(&api, "ACTIVE").await;
    subscriber.interrupt();
    device.becomes(&api, "OFFLINE").await;
}

async fn a_device_with_a_rust_mqtt_client_comes_online_and_reports(storage: StorageKind) {
    let server = Server::start(storage);
    let api = server.api();
    let device = Device::enroll(&server, "pump").await;

    let mut options = MqttOptions::new(&*device.id, ("localhost", server.mqtt_port()));
    let tls = client_config(&server.root_pem().await, Some(&device.identity()));
    options.set_transport(Transport::tls_with_config(tls.into()));
    options.set_keep_alive(30);
    let (client, mut events) = AsyncClient::builder(options).capacity(10).build();
    let topic = device.readings_topic();
    let reading = r#"[{"sensor": "flow", "value": 3, "timestamp": "2026-01-02T03:04:05.678Z"}]"#;
    let at_least_once = PublishOptions::new(QoS::AtLeastOnce);
    client.publish(topic, reading, at_least_once).await.unwrap();
    let acknowledged = async {
        loop {
            if let Event::Incoming(Incoming::PubAck(_)) = events.poll().await.unwrap() {
                break;
            }
        }
    };
    soon("the reading is acknowledged", acknowledged).await;

    let now = device.get(&api).await;
    assert_eq!(
        (&now["status"], &now["online"]),
        (&"ACTIVE".into(), &true.into())
    );
    let readings = device.readings(&api, "flow").await;
    assert_eq!(readings[0]["value"], 3);
    assert_eq!(readings[0]["timestamp"], "2026-01-02T03:04:05.678Z");

    client.disconnect().await.unwrap();
    let ended = async { while events.poll().await.is_ok() {} };
    soon("the client is done", ended).await;
    device.becomes(&api, "OFFLINE").await;
}

async fn comes_online_with(key_type: KeyType) {
    let server = Server::start(StorageKind::Sqlite);
    let api = server.api();
    let registration = Registration::new(&api, "meter").await;
    let (key, csr) = csr::by_openssl(&server.scratch(), key_type, &[]);
    let answer = registration.provision(&api, &csr).await;
    let device = Device::from_answer(&server, &registration, &key, &answer);
    tools::mosquitto_pub(
        &server,
        &device,
        &device.readings_topic(),
        r#"{"sensor": "a", "value": 1}"#,
    );
    assert_eq!(device.readings(&api, "a").await.len(), 1);
    eventually("its certificate is in use", || async {
        let certificates = device.certificates(&api).await;
        (certificates.len() == 1 && certificates[0]["state"] == "ACTIVE").then_some(())
    })
    .await;
}

#[tokio::test]
async fn a_device_with_a_p256_key_comes_online() {
    comes_online_with(csr::P256).await;
}

#[tokio::test]
async fn a_device_with_a_p384_key_comes_online() {
    comes_online_with(csr::P384).await;
}

#[tokio::test]
async fn a_device_with_an_ed25519_key_comes_online() {
    comes_online_with(csr::ED25519).await;
}

#[tokio::test]
async fn a_device_with_an_rsa_2048_key_comes_online() {
    comes_online_with(csr::RSA_2048).await;
}

#[tokio::test]
async fn a_device_with_an_rsa_4096_key_comes_online() {
    comes_online_with(csr::RSA_4096).await;
}
