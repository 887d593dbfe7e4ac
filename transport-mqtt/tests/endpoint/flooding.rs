//! Connections that do not become sessions, and devices that do not read.

use std::time::Duration;

use fieldgate_core::transport::topic::DeviceTopic;
use fieldgate_transport_mqtt::MqttOptions;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::support::packet::{Connect, PINGREQ, PINGRESP, PUBACK, publish, subscribe};
use crate::support::server::Server;
use crate::support::soon;

/// Raises the limit of file descriptors: both ends of every socket are in this process.
fn many_descriptors() {
    use rustix::process::{Resource, getrlimit, setrlimit};
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    setrlimit(Resource::Nofile, limit).unwrap();
}

async fn idle(server: &Server, count: usize) -> Vec<TcpStream> {
    let mut idle = Vec::with_capacity(count);
    for _ in 0..count {
        idle.push(TcpStream::connect(server.address).await.unwrap());
    }
    idle
}

async fn is_closed(stream: &mut TcpStream) {
    let mut rest = Vec::new();
    // A reset is an end, too.
    let _ = soon("the end", stream.read_to_end(&mut rest)).await;
}

#[tokio::test]
async fn a_handshake_takes_its_time_and_no_more() {
    let options = MqttOptions {
        handshake_timeout: Duration::from_millis(200),
        ..MqttOptions::default()
    };
    let server = Server::with(options).await;
    let mut silent = TcpStream::connect(server.address).await.unwrap();
    // Half a handshake: the first octets of a ClientHello.
    let mut half = TcpStream::connect(server.address).await.unwrap();
    half.write_all(b"\x16\x03\x01\x02\x00\x01\x00")
        .await
        .unwrap();
    let mut garbage = TcpStream::connect(server.address).await.unwrap();
    garbage.write_all(b"GET / HTTP/1.1\r\n\r\n").await.unwrap();
    for stream in [&mut silent, &mut half, &mut garbage] {
        is_closed(stream).await;
    }
    assert_eq!(server.endpoint.stats().handshakes_failed, 3);
}

#[tokio::test]
async fn a_connect_has_to_come() {
    let options = MqttOptions {
        connect_timeout: Duration::from_millis(200),
        ..MqttOptions::default()
    };
    let server = Server::with(options).await;
    let device = server.device();
    let mut silent = server.tls(&device).await;
    let mut half = server.tls(&device).await;
    half.send(&Connect::new(4, device.id).encode()[..10]).await;
    assert!(silent.ended().await.is_empty());
    assert!(half.ended().await.is_empty());
    assert_eq!(server.endpoint.stats().connects_missing, 2);
    assert!(server.inbox.events().is_empty());
}

#[tokio::test]
async fn the_oldest_unfinished_connection_goes() {
    let options = MqttOptions {
        unfinished_max: 3,
        handshake_timeout: Duration::from_secs(3600),
        ..MqttOptions::default()
    };
    let server = Server::with(options).await;
    let device = server.device();
    let mut session = server.connect(&device, 5).await;
    let mut idle = idle(&server, 4).await;
    is_closed(&mut idle[0]).await;
    let other = server.device();
    server.connect(&other, 5).await;
    is_closed(&mut idle[1]).await;
    session.send(&PINGREQ).await;
    assert_eq!(session.packet().await.kind(), PINGRESP);
    assert_eq!(server.endpoint.stats().connections_evicted, 2);
}

#[tokio::test]
async fn a_full_endpoint_keeps_its_sessions() {
    let options = MqttOptions {
        connections_max: 2,
        ..MqttOptions::default()
    };
    let server = Server::with(options).await;
    let mut first = server.connect(&server.device(), 5).await;
    let second = server.connect(&server.device(), 5).await;
    let mut refused = idle(&server, 1).await;
    is_closed(&mut refused[0]).await;
    assert_eq!(server.endpoint.stats().connections_refused, 1);
    first.send(&PINGREQ).await;
    assert_eq!(first.packet().await.kind(), PINGRESP);
    drop(second);
    server.inbox.wait_closed(1).await;
    // The place is free once the socket is closed.
    let device = server.device();
    soon("a place", async {
        let config = device.tls(&server.pki, rustls::DEFAULT_VERSIONS);
        while server.tls_with(config.clone()).await.is_err() {
            tokio::task::yield_now().await;
        }
    })
    .await;
}

#[tokio::test]
async fn idle_sockets_do_not_stop_an_honest_device() {
    many_descriptors();
    let server = Server::start().await;
    let mut early = server.connect(&server.device(), 5).await;
    let idle = idle(&server, 1500).await;
    let mut honest = server.connect(&server.device(), 5).await;
    for client in [&mut early, &mut honest] {
        client.send(&PINGREQ).await;
        assert_eq!(client.packet().await.kind(), PINGRESP);
    }
    drop(idle);
    assert_eq!(server.endpoint.stats().connections_evicted, 0);
}

#[tokio::test]
async fn a_device_that_does_not_read_harms_itself_only() {
    let options = MqttOptions {
        write_timeout: Duration::from_millis(500),
        outbound_max_bytes: 64 * 1024,
        goodbye_timeout: Duration::from_millis(100),
        expiry_check_interval: Duration::from_secs(3600),
        ..MqttOptions::default()
    };
    let server = Server::with(options).await;
    let device = server.device();
    let connect = Connect::new(4, device.id).keep_alive(u16::MAX);
    let mut slow = server.connect_with(&device, &connect).await;
    let mut other = server.connect(&server.device(), 5).await;
    let result = device.topic(DeviceTopic::AnnounceResult);
    slow.send(&subscribe(4, 1, &[(&result, 0)])).await;
    // Each of these is answered by some 200 KB, of which nothing is read.
    let sensors = vec!["7"; 2000].join(",");
    let payload = format!(r#"{{"components":[{{"key":"c","sensors":[{sensors}]}}]}}"#);
    let announce = device.topic(DeviceTopic::Announce);
    let packet = publish(4, 0, announce.as_bytes(), 0, payload.as_bytes());
    let flooding = async { while slow.try_send(&packet).await.is_ok() {} };
    soon("the end of the slow one", async {
        tokio::select! {
            () = flooding => {}
            () = server.inbox.wait_closed(1) => {}
        }
    })
    .await;
    server.inbox.wait_closed(1).await;
    assert_eq!(server.endpoint.stats().slow_readers, 1);
    other.send(&PINGREQ).await;
    assert_eq!(other.packet().await.kind(), PINGRESP);
}

fn readings(count: usize) -> Vec<u8> {
    let item = r#"{"sensor":"s","value":1}"#;
    format!("[{}]", vec![item; count].join(",")).into_bytes()
}

#[tokio::test]
async fn who_sends_more_than_its_share_waits_and_nobody_else_does() {
    let options = MqttOptions {
        readings_per_second: 1,
        ..MqttOptions::default()
    };
    let server = Server::with(options).await;
    let (greedy, modest) = (server.device(), server.device());
    let mut flood = server.connect(&greedy, 5).await;
    flood.publish(&greedy.readings(), 1, &readings(600)).await;
    assert_eq!(flood.packet().await.kind(), PUBACK);
    flood.publish(&greedy.readings(), 2, &readings(600)).await;
    let mut other = server.connect(&modest, 5).await;
    other.publish(&modest.readings(), 1, &readings(1)).await;
    assert_eq!(other.packet().await.kind(), PUBACK);
    assert_eq!(server.inbox.messages().len(), 2);
    assert_eq!(server.endpoint.stats().publishes, 2);
    // Who comes again has used its share already.
    let mut again = server.connect(&greedy, 5).await;
    again.publish(&greedy.readings(), 1, &readings(1)).await;
    other.publish(&modest.readings(), 2, &readings(1)).await;
    assert_eq!(other.packet().await.kind(), PUBACK);
    assert_eq!(server.endpoint.stats().publishes, 3);
}

/// Its keep-alive does not run out while nothing is read from it.
#[tokio::test]
async fn who_has_waited_for_its_share_goes_on() {
    let options = MqttOptions {
        readings_per_second: 10,
        ..MqttOptions::default()
    };
    let server = Server::with(options).await;
    let device = server.device();
    let connect = Connect::new(5, device.id).keep_alive(1);
    let mut client = server.connect_with(&device, &connect).await;
    client.publish(&device.readings(), 1, &readings(50)).await;
    client.publish(&device.readings(), 2, &readings(1)).await;
    for id in [1, 2] {
        let answer = client.packet().await;
        assert_eq!((answer.kind(), answer.packet_id()), (PUBACK, id));
    }
}
