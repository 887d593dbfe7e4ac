//! Connections on which nothing comes, or something else than TLS.

use std::time::{Duration, Instant};

use fieldgate_tests::wait::soon;
use fieldgate_tests::world::World;
use fieldgate_tests::{Connect, MqttClient, StorageKind, Version};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

#[tokio::test]
async fn a_handshake_that_stops_half_way_is_cut_off_after_five_seconds() {
    let world = World::new(StorageKind::Sqlite).await;
    let before = world.snapshot().await;
    let hello = [0x16, 0x03, 0x01, 0x02, 0x00, 0x01];
    let ports = [world.server.mqtt_port(), world.server.https_port()];
    for port in ports {
        let (nothing, half) = tokio::join!(
            time_until_closed(port, b"", b""),
            // What is sent later earns no further time.
            time_until_closed(port, &hello, &[0x00]),
        );
        assert_five_seconds(nothing);
        assert_five_seconds(half);
    }
    before.assert_same(&world.snapshot().await);
}

#[tokio::test]
async fn a_connect_that_never_comes_is_cut_off_after_five_seconds() {
    let world = World::new(StorageKind::Sqlite).await;
    let before = world.snapshot().await;
    let connect = Connect::new(Version::V4, &*world.device.id).encode();
    let identity = world.device.identity();
    let wait = async |octets: &[u8]| {
        let begun = Instant::now();
        let opened = MqttClient::open(&world.server, Some(&identity)).await;
        let mut client = opened.unwrap();
        client.send(octets).await;
        assert_eq!(client.until_closed().await, []);
        assert_five_seconds(begun.elapsed());
    };
    tokio::join!(
        wait(b""),
        wait(&connect[..1]),
        wait(&connect[..connect.len() - 1])
    );
    before.assert_same(&world.snapshot().await);
}

#[tokio::test]
async fn what_is_no_tls_is_cut_off() {
    let world = World::new(StorageKind::Sqlite).await;
    let before = world.snapshot().await;
    let connect = Connect::new(Version::V4, &*world.device.id).encode();
    for octets in [&connect[..], b"GET / HTTP/1.1\r\n\r\n", &[0xff; 4096]] {
        let address = ("127.0.0.1", world.server.mqtt_port());
        let mut socket = TcpStream::connect(address).await.unwrap();
        socket.write_all(octets).await.unwrap();
        let mut answer = Vec::new();
        // Closed or reset, but closed.
        drop(soon("it is cut off", socket.read_to_end(&mut answer)).await);
        // At most a TLS alert: no CONNACK.
        assert!(answer.is_empty() || answer[0] == 0x15, "{answer:?}");
    }
    before.assert_same(&world.snapshot().await);
}

/// How long the server leaves a connection open on which it gets some octets at once, and some a
/// little later.
async fn time_until_closed(port: u16, first: &[u8], later: &[u8]) -> Duration {
    let begun = Instant::now();
    let mut socket = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
    socket.write_all(first).await.unwrap();
    let mut octet = [0];
    let early = tokio::time::timeout(Duration::from_secs(2), socket.read(&mut octet)).await;
    assert!(early.is_err(), "it was cut off before: {early:?}");
    socket.write_all(later).await.unwrap();
    let mut rest = Vec::new();
    // Closed or reset, but closed.
    drop(soon("it is cut off", socket.read_to_end(&mut rest)).await);
    begun.elapsed()
}

/// Five seconds, with much room for a busy machine on one side and little on the other.
#[track_caller]
fn assert_five_seconds(waited: Duration) {
    let (least, most) = (Duration::from_secs(4), Duration::from_secs(20));
    assert!((least..most).contains(&waited), "after {waited:?}");
}
