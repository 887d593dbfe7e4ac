//! The database goes away under a running server, and comes back.

use fieldgate_tests::csr::new_key;
use fieldgate_tests::{
    Device, Registration, Server, ServerOptions, StorageKind, Version, eventually,
};
use serde_json::json;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_its_database_a_server_promises_nothing_and_goes_on_later() {
    let server = Server::start(StorageKind::Postgres);
    let api = server.api();
    let device = Device::enroll(&server, "pump-7").await;
    let registration = Registration::new(&api, "fan-1").await;
    let mut client = device.connect(&server).await;
    let at = "2026-11-25T10:00:00.000Z";
    let topic = device.readings_topic();
    let first = json!({ "sensor": "n", "value": 1, "timestamp": at });
    client.publish_json(&topic, &first).await;

    server.let_in(false);

    let answer = api.get(&device.path()).await;
    assert_eq!(answer.status, 503, "{}", answer.text());
    assert!(answer.header("retry-after").parse::<u32>().unwrap() > 0);
    let (_, csr) = new_key();
    let answer = registration.provision(&api, &csr).await;
    assert_eq!(answer.status, 503, "{}", answer.text());
    let answer = api.without_key().get("/readyz").await;
    assert_eq!(answer.status, 503, "{}", answer.text());
    let second = json!({ "sensor": "n", "value": 2 });
    let cut_off = client.publish_to_be_cut_off(&topic, second.to_string());
    assert_eq!(cut_off.await, [], "a message was acknowledged");

    server.let_in(true);

    eventually("the server is ready", || async {
        let ready = api.without_key().get("/readyz").await;
        (ready.status == 200).then_some(())
    })
    .await;
    // The token was not used up by the request that failed.
    registration.provision(&api, &csr).await.expect(201);
    assert_eq!(device.readings(&api, "n").await.len(), 1);
    let mut client = device.connect(&server).await;
    let third = json!({ "sensor": "n", "value": 3 });
    client.publish_json(&topic, &third).await;
    assert_eq!(device.readings(&api, "n").await.len(), 2);
}

/// The database has done what it was asked, and the connection was lost before it could say so.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_device_gets_its_certificate_though_the_answer_of_the_database_is_lost() {
    let server = losing_answers();
    let api = server.api();
    let registration = Registration::new(&api, "pump-7").await;
    let (_, csr) = new_key();

    server
        .proxy()
        .lose_the_answer_to("INSERT INTO fieldgate.certificate");
    let answer = registration.provision(&api, &csr).await.expect(201);

    assert_eq!(server.proxy().lost(), 1);
    let path = format!("/api/v1/devices/{}/certificates", registration.device_id);
    let recorded = api.list(&path).await;
    assert_eq!(recorded.len(), 1);
    assert_eq!(recorded[0]["serialNumber"], answer["serialNumber"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_device_is_shut_out_though_the_answer_of_the_database_is_lost() {
    let server = losing_answers();
    let api = server.api();
    let device = Device::enroll(&server, "pump-7").await;
    let mut client = device.connect(&server).await;

    server.proxy().lose_the_answer_to("fieldgate.device");
    let answer = api.delete(&device.path()).await;

    assert_eq!((answer.status, server.proxy().lost()), (503, 1));
    assert_eq!(client.until_closed().await, []);
    assert_eq!(api.delete(&device.path()).await.status, 404);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_device_is_not_shown_online_by_a_session_that_nobody_has() {
    let server = losing_answers();
    let device = Device::enroll(&server, "pump-7").await;

    server.proxy().lose_the_answer_to("session_epoch");
    let refused = device.try_connect(&server, Version::V5).await;

    // Server unavailable.
    assert_eq!((refused, server.proxy().lost()), (Some(0x88), 1));
    eventually("it is shown offline", || async {
        let shown = device.get(&server.api()).await;
        (shown["status"] == "OFFLINE" && shown["online"] == false).then_some(())
    })
    .await;
}

fn losing_answers() -> Server {
    Server::start(ServerOptions {
        may_lose_answers: true,
        ..StorageKind::Postgres.into()
    })
}
