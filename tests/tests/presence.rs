//! Presence: a device is shown online exactly while it has a session.

#![expect(
    clippy::unwrap_used,
    reason = "a test fails where something is not as it should be"
)]

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use fieldgate_tests::packet;
use fieldgate_tests::{Connect, Device, MqttClient, Server, StorageKind, Version, storage_tests};
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

storage_tests!(
    each: [
        a_disconnect_ends_it,
        the_loss_of_the_socket_ends_it,
        silence_beyond_the_keep_alive_time_ends_it,
        a_takeover_never_shows_the_device_offline,
        old_and_new_session_at_the_same_time_end_up_online,
        in_maintenance_sessions_go_on_and_the_status_stays,
        inactive_ends_the_session_and_refuses_new_ones,
        a_deleted_device_loses_its_session_at_once,
    ],
    durable: [
        after_a_crash_nobody_is_online_until_it_is_back,
        a_server_that_is_stopped_leaves_devices_offline,
    ],
);

async fn a_disconnect_ends_it(storage: StorageKind) {
    let server = Server::start(storage);
    let api = server.api();
    let device = Device::enroll(&server, "tidy").await;
    for version in [Version::V4, Version::V5] {
        let client = device.connect_by(&server, version).await;
        let online = device.get(&api).await;
        assert_eq!(
            (&online["status"], &online["online"]),
            (&"ACTIVE".into(), &true.into())
        );
        client.disconnect().await;
        device.becomes(&api, "OFFLINE").await;
    }
    let summary = api.get("/api/v1/devices/summary").await.expect(200);
    assert_eq!(summary["online"], 0, "{summary}");
}

async fn the_loss_of_the_socket_ends_it(storage: StorageKind) {
    let server = Server::start(storage);
    let api = server.api();
    let device = Device::enroll(&server, "unplugged").await;
    drop(device.connect(&server).await);
    device.becomes(&api, "OFFLINE").await;
}

async fn silence_beyond_the_keep_alive_time_ends_it(storage: StorageKind) {
    let server = Server::start(storage);
    let api = server.api();
    let device = Device::enroll(&server, "silent").await;
    let connect = Connect::new(Version::V4, &*device.id).keep_alive(1);
    let identity = device.identity();
    let (mut client, code) = MqttClient::connect(&server, &identity, &connect).await;
    assert_eq!(code, Some(0));
    client.ping().await;
    // The socket stays open all the time.
    device.becomes(&api, "OFFLINE").await;
    assert_eq!(client.until_closed().await, []);
}

async fn a_takeover_never_shows_the_device_offline(storage: StorageKind) {
    let server = Server::start(storage);
    let api = server.api();
    let device = Device::enroll(&server, "twice").await;
    let mut held = device.connect_by(&server, Version::V5).await;

    let over = Arc::new(AtomicBool::new(false));
    let watcher = {
        let (device, api, over) = (device.clone(), api.clone(), Arc::clone(&over));
        tokio::spawn(async move {
            let mut looks = 0;
            while !over.load(Ordering::Relaxed) {
                let seen = device.get(&api).await;
                assert_eq!(
                    (&seen["status"], &seen["online"]),
                    (&"ACTIVE".into(), &true.into())
                );
                looks += 1;
            }
            looks
        })
    };
    for _ in 0..10 {
        let newer = device.connect_by(&server, Version::V5).await;
        let last_words = held.until_closed().await;
        assert_eq!(last_words.len(), 1, "{last_words:?}");
        assert_eq!(last_words[0].kind, packet::DISCONNECT);
        assert_eq!(last_words[0].disconnect_reason(), SESSION_TAKEN_OVER);
        held = newer;
        held.ping().await;
    }
    over.store(true, Ordering::Relaxed);
    assert!(watcher.await.unwrap() > 0);
    held.disconnect().await;
    device.becomes(&api, "OFFLINE").await;
}

async fn old_and_new_session_at_the_same_time_end_up_online(storage: StorageKind) {
    let server = Server::start(storage);
    let api = server.api();
    let device = Device::enroll(&server, "hasty").await;
    let mut held = device.connect(&server).await;
    for round in 0..10 {
        // Which of the two the server learns first is left to chance.
        let (newer, ()) = if round % 2 == 0 {
            tokio::join!(device.connect(&server), async { drop(held) })
        } else {
            tokio::join!(device.connect(&server), held.disconnect())
        };
        held = newer;
        held.ping().await;
        device.becomes(&api, "ACTIVE").await;
    }
    // Nothing of the older sessions comes later.
    held.ping().await;
    assert_eq!(device.get(&api).await["online"], true);
    held.disconnect().await;
    device.becomes(&api, "OFFLINE").await;
}

async fn in_maintenance_sessions_go_on_and_the_status_stays(storage: StorageKind) {
    let server = Server::start(storage);
    let api = server.api();
    let device = Device::enroll(&server, "serviced").await;
    device
        .set_status(&api, "MAINTENANCE")
        .await
        .problem(409, "device_never_connected");

    let mut client = device.connect(&server).await;
    let set = device.set_status(&api, "MAINTENANCE").await.expect(200);
    assert_eq!(
        (&set["status"], &set["online"]),
        (&"MAINTENANCE".into(), &true.into())
    );
    let reading = json!({ "sensor": "a", "value": 1 });
    client
        .publish_json(&device.readings_topic(), &reading)
        .await;
    assert_eq!(device.readings(&api, "a").await.len(), 1);
    client.disconnect().await;
    assert_eq!(
        device.becomes_online(&api, false).await["status"],
        "MAINTENANCE"
    );
    let client = device.connect(&server).await;
    assert_eq!(
        device.becomes_online(&api, true).await["status"],
        "MAINTENANCE"
    );

    let enabled = device.set_status(&api, "ACTIVE").await.expect(200);
    assert_eq!(
        (&enabled["status"], &enabled["online"]),
        (&"ACTIVE".into(), &true.into())
    );
    client.disconnect().await;
    device.becomes(&api, "OFFLINE").await;
    for refused in ["OFFLINE", "PENDING", "BROKEN"] {
        let answer = device.set_status(&api, refused).await;
        if refused == "OFFLINE" {
            assert_eq!(
                answer.expect(200)["status"],
                "OFFLINE",
                "naming it changes nothing"
            );
        } else {
            answer.problem(422, "validation_failed");
        }
    }
}

async fn inactive_ends_the_session_and_refuses_new_ones(storage: StorageKind) {
    let server = Server::start(storage);
    let api = server.api();
    let device = Device::enroll(&server, "barred").await;
    let mut client = device.connect_by(&server, Version::V5).await;
    let topic = device.readings_topic();
    client
        .publish_json(&topic, &json!({ "sensor": "a", "value": 1 }))
        .await;

    let set = device.set_status(&api, "INACTIVE").await.expect(200);
    assert_eq!(
        (&set["status"], &set["online"]),
        (&"INACTIVE".into(), &false.into())
    );
    // The session has ended: nothing of it is taken any more.
    let last_words = client
        .publish_to_be_cut_off(&topic, r#"{"sensor": "a", "value": 2}"#)
        .await;
    assert!(
        last_words
            .iter()
            .all(|packet| packet.kind == packet::DISCONNECT),
        "{last_words:?}"
    );
    assert_eq!(device.readings(&api, "a").await.len(), 1);

    assert_eq!(device.try_connect(&server, Version::V4).await, Some(0x05));
    assert_eq!(device.try_connect(&server, Version::V5).await, Some(0x87));
    let still = device.get(&api).await;
    assert_eq!(
        (&still["status"], &still["online"]),
        (&"INACTIVE".into(), &false.into())
    );

    assert_eq!(
        device.set_status(&api, "ACTIVE").await.expect(200)["status"],
        "OFFLINE"
    );
    let client = device.connect(&server).await;
    device.becomes(&api, "ACTIVE").await;
    client.disconnect().await;
}

async fn a_deleted_device_loses_its_session_at_once(storage: StorageKind) {
    let server = Server::start(storage);
    let api = server.api();
    let device = Device::enroll(&server, "doomed").await;
    let mut client = device.connect(&server).await;
    let topic = device.readings_topic();
    client
        .publish_json(&topic, &json!({ "sensor": "a", "value": 1 }))
        .await;
    let sensor = device.sensor(&api, "a").await["id"]
        .as_str()
        .unwrap()
        .to_owned();

    api.delete(&device.path()).await.expect_empty(204);
    let last_words = client
        .publish_to_be_cut_off(&topic, r#"{"sensor": "a", "value": 2}"#)
        .await;
    assert_eq!(last_words, []);
    for path in [
        device.path(),
        format!("{}/certificates", device.path()),
        format!("{}/health", device.path()),
        format!("/api/v1/sensors/{sensor}"),
        format!("/api/v1/readings/sensor/{sensor}"),
    ] {
        api.get(&path).await.problem(404, "not_found");
    }
    assert_eq!(device.sensors(&api).await.len(), 0);
    let refused = device.try_connect(&server, Version::V4).await;
    assert!(refused.is_none_or(|code| code == 0x05), "{refused:?}");

    // Its name is free.
    let heir = Device::enroll(&server, "doomed").await;
    assert_ne!(heir.id, device.id);
    heir.connect(&server).await.disconnect().await;
}

async fn after_a_crash_nobody_is_online_until_it_is_back(storage: StorageKind) {
    let mut server = Server::start(storage);
    let api = server.api();
    let mut devices = Vec::new();
    let mut clients = Vec::new();
    for name in ["a", "b", "c"] {
        let device = Device::enroll(&server, name).await;
        clients.push(device.connect(&server).await);
        devices.push(device);
    }
    devices[2].set_status(&api, "MAINTENANCE").await.expect(200);
    server.kill();
    for client in &mut clients {
        client.until_closed().await;
    }
    server.restart();

    let summary = api.get("/api/v1/devices/summary").await.expect(200);
    assert_eq!(summary["online"], 0, "{summary}");
    for (device, status) in devices.iter().zip(["OFFLINE", "OFFLINE", "MAINTENANCE"]) {
        let now = device.get(&api).await;
        assert_eq!(
            (&now["status"], &now["online"]),
            (&status.into(), &false.into())
        );
    }
    assert!(server.log().contains("sessions of an earlier run settled"));
    let client = devices[0].connect(&server).await;
    devices[0].becomes(&api, "ACTIVE").await;
    let summary = api.get("/api/v1/devices/summary").await.expect(200);
    assert_eq!(summary["online"], 1, "{summary}");
    client.disconnect().await;
}

async fn a_server_that_is_stopped_leaves_devices_offline(storage: StorageKind) {
    let mut server = Server::start(storage);
    let api = server.api();
    let device = Device::enroll(&server, "orderly").await;
    let mut client = device.connect_by(&server, Version::V5).await;
    let topic = device.readings_topic();
    client
        .publish_json(&topic, &json!({ "sensor": "a", "value": 1 }))
        .await;
    let before = device.becomes(&api, "ACTIVE").await;
    let mut under_way = half_a_request(&server).await;

    let begin = Instant::now();
    server.terminate();
    let last_words = client.until_closed().await;
    let reasons: Vec<_> = last_words
        .iter()
        .map(packet::Packet::disconnect_reason)
        .collect();
    assert_eq!(reasons, [SERVER_SHUTTING_DOWN], "{last_words:?}");
    // What was under way is answered.
    under_way.write_all(b"}").await.unwrap();
    let mut answer = String::new();
    under_way.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 422"), "{answer}");
    let status = server.ended().await;
    assert_eq!(status.code(), Some(0), "{status}");
    // Before a service manager would lose its patience.
    assert!(begin.elapsed() < Duration::from_secs(10));

    server.restart();
    let after = device.get(&api).await;
    assert_eq!(
        (&after["status"], &after["online"]),
        (&"OFFLINE".into(), &false.into())
    );
    assert!(after["lastSeenAt"].as_str() >= before["lastSeenAt"].as_str());
    // It was settled when the server stopped, not when it started.
    assert!(!server.log().contains("sessions of an earlier run settled"));
    assert_eq!(device.readings(&api, "a").await.len(), 1);
}

/// A request whose head the server has read, and whose body has only begun.
async fn half_a_request(server: &Server) -> TcpStream {
    let address = ("127.0.0.1", server.http_port());
    let mut socket = TcpStream::connect(address).await.unwrap();
    let head = "POST /api/v1/devices/provision HTTP/1.1\r\nhost: a\r\nexpect: 100-continue\r\n\
        content-type: application/json\r\ncontent-length: 2\r\n\r\n";
    socket.write_all(head.as_bytes()).await.unwrap();
    let go_on = b"HTTP/1.1 100 Continue\r\n\r\n";
    let mut answer = vec![0; go_on.len()];
    socket.read_exact(&mut answer).await.unwrap();
    assert_eq!(answer, go_on);
    socket.write_all(b"{").await.unwrap();
    socket
}

const SESSION_TAKEN_OVER: u8 = 0x8e;

const SERVER_SHUTTING_DOWN: u8 = 0x8b;
