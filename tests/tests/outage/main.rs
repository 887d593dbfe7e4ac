//! The database goes away under a running server, and comes back.

#![expect(
    clippy::unwrap_used,
    reason = "a test fails where something is not as it should be"
)]

mod load;
mod lost_answers;

use std::sync::Arc;

use fieldgate_storage_sqlx::testing::TestCluster;
use fieldgate_tests::csr::new_key;
use fieldgate_tests::{Device, Registration, Server, eventually};
use load::Load;
use serde_json::json;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_its_database_a_server_promises_nothing_and_goes_on_later() {
    let cluster = TestCluster::start(&[]);
    let server = Server::start_on(&cluster);
    let api = server.api();
    let device = Device::enroll(&server, "pump-7").await;
    let registration = Registration::new(&api, "fan-1").await;
    let mut client = device.connect(&server).await;
    let at = "2026-11-25T10:00:00.000Z";
    let topic = device.readings_topic();
    let first = json!({ "sensor": "n", "value": 1, "timestamp": at });
    client.publish_json(&topic, &first).await;

    cluster.stop();

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

    cluster.restart();

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

/// Stopped in good order, and by a crash: there are only right answers and 503, and what was
/// answered is there.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_database_that_stops_and_starts_under_load_costs_time_only() {
    let cluster = TestCluster::start(&[]);
    let server = Arc::new(Server::start_on(&cluster));
    let load = Load::begin(&server).await;
    for stop in [TestCluster::stop, TestCluster::crash] {
        load.is_served().await;
        stop(&cluster);
        load.is_put_off().await;
        let ready = server.api().without_key().get("/readyz").await;
        assert_eq!(ready.status, 503, "{}", ready.text());
        cluster.restart();
        load.is_served().await;
    }
    load.end(&server).await;
}
