//! The database has done what it was asked, and the connection was lost before it could say so.

use fieldgate_tests::csr::new_key;
use fieldgate_tests::{
    Device, Registration, Server, ServerOptions, StorageKind, Version, eventually,
};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_device_gets_its_certificate_though_the_answer_of_the_database_is_lost() {
    let server = losing_answers();
    let api = server.api();
    let registration = Registration::new(&api, "pump-7").await;
    let (_, csr) = new_key();

    server.proxy().lose_the_answer_to("INSERT INTO certificate");
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

    server.proxy().lose_the_answer_to("DELETE FROM device");
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
