//! Who gets through the TLS handshake.

use std::sync::Arc;
use std::time::Duration;

use fieldgate_core::clock::{Clock, SystemClock};
use fieldgate_core::testing::ManualClock;
use fieldgate_transport_mqtt::MqttOptions;
use rustls::pki_types::PrivateKeyDer;

use crate::support::client::Client;
use crate::support::packet::{Connect, PINGREQ, PINGRESP};
use crate::support::pki::{Pki, client_builder};
use crate::support::server::Server;

#[tokio::test]
async fn tls_1_2_and_1_3_and_every_part_of_the_chain() {
    let server = Server::start().await;
    let mut device = server.device();
    let leaf = device.chain[0].clone();
    let issuing = server.pki.ca.issuing_der().clone();
    let root = server.pki.ca.root_der().clone();
    for chain in [
        vec![leaf.clone()],
        vec![leaf.clone(), issuing.clone()],
        vec![leaf, issuing, root],
    ] {
        device.chain = chain;
        for version in [&rustls::version::TLS12, &rustls::version::TLS13] {
            let config = device.tls(&server.pki, &[version]);
            let mut client = server.tls_with(config).await.unwrap();
            let (_, tls) = client.stream.get_ref();
            assert_eq!(tls.peer_certificates().unwrap().len(), 3);
            client.send(&Connect::new(4, device.id).encode()).await;
            assert_eq!(client.packet().await.body, [0, 0]);
            client.send(&[0xe0, 0]).await;
            client.ended().await;
        }
    }
}

/// Sends a CONNECT as far as it goes; there must be no answer to it.
async fn is_shut_out(connected: std::io::Result<Client>) {
    if let Ok(mut client) = connected {
        // In TLS 1.3 a client learns of the refusal after its own part of the handshake.
        let _ = client.try_send(&Connect::new(4, "x").encode()).await;
        assert!(client.ended().await.is_empty());
    }
}

#[tokio::test]
async fn who_has_no_certificate_of_this_ca_is_shut_out() {
    let server = Server::start().await;
    let clock = SystemClock;
    let foreign = Pki::new(Arc::new(clock)).await;
    for version in [&rustls::version::TLS12, &rustls::version::TLS13] {
        let none = client_builder(&server.pki, &[version]).with_no_client_auth();
        is_shut_out(server.tls_with(none).await).await;

        // That of another CA, which has the same names.
        let stranger = foreign.device(&clock).tls(&server.pki, &[version]);
        is_shut_out(server.tls_with(stranger).await).await;

        // That of a server.
        let names = ["localhost".to_owned()];
        let certificate = server.pki.ca.server_certificate(&names).unwrap();
        let key = PrivateKeyDer::Pkcs8(certificate.private_key);
        let servers = client_builder(&server.pki, &[version])
            .with_client_auth_cert(certificate.chain, key)
            .unwrap();
        is_shut_out(server.tls_with(servers).await).await;
    }
    assert_eq!(server.endpoint.stats().handshakes_failed, 6);
    assert!(server.inbox.events().is_empty());
}

#[tokio::test]
async fn an_expired_certificate_is_shut_out() {
    let clock = Arc::new(ManualClock::new(SystemClock.now()));
    let server = Server::with_clock(MqttOptions::default(), clock.clone()).await;
    let device = server.device();
    let config = device.tls(&server.pki, rustls::DEFAULT_VERSIONS);
    let day = Duration::from_secs(24 * 3600);
    clock.advance(day * 89);
    server.connect(&device, 5).await;
    clock.advance(day * 2);
    is_shut_out(server.tls_with(config).await).await;
    assert_eq!(server.endpoint.stats().handshakes_failed, 1);
}

#[tokio::test]
async fn there_is_no_resumption() {
    let server = Server::start().await;
    let device = server.device();
    for version in [&rustls::version::TLS12, &rustls::version::TLS13] {
        // One configuration, so one memory of sessions.
        let config = device.tls(&server.pki, &[version]);
        for _ in 0..2 {
            let mut client = server.tls_with(config.clone()).await.unwrap();
            client.send(&Connect::new(4, device.id).encode()).await;
            assert_eq!(client.packet().await.body, [0, 0]);
            client.send(&PINGREQ).await;
            assert_eq!(client.packet().await.kind(), PINGRESP);
            let (_, tls) = client.stream.get_ref();
            let kind = tls.handshake_kind();
            assert_ne!(kind, Some(rustls::HandshakeKind::Resumed));
        }
    }
}
