//! Client certificates of a foreign CA, expired ones, ones that are not on record, and none.

use fieldgate_tests::tls::Identity;
use fieldgate_tests::world::World;
use fieldgate_tests::{Connect, MqttClient, StorageKind, Version, forge};

#[tokio::test]
async fn who_has_no_certificate_of_a_device_is_shut_out_by_tls() {
    let world = World::new(StorageKind::Sqlite).await;
    let (server, device) = (&world.server, &world.device);
    let before = world.snapshot().await;
    let expired = forge::identity_by_own_ca(server, device, forge::Span::Over);
    for (what, identity) in [
        ("none", None),
        ("a foreign CA's", Some(forge::foreign_identity(device))),
        ("an expired one", Some(expired)),
        (
            "a server's",
            Some(forge::server_identity_by_own_ca(server, device)),
        ),
    ] {
        assert_shut_out(&world, identity.as_ref(), what).await;
    }
    before.assert_same(&world.snapshot().await);
    // The endpoint is well, and the device itself is let in.
    device.connect(server).await.disconnect().await;
}

#[tokio::test]
async fn a_certificate_that_is_not_on_record_is_refused_though_the_ca_signed_it() {
    let world = World::new(StorageKind::Sqlite).await;
    let (server, device) = (&world.server, &world.device);
    let before = world.snapshot().await;
    let unrecorded = forge::identity_by_own_ca(server, device, forge::Span::Now);
    for (version, refused) in [(Version::V4, 0x05), (Version::V5, 0x87)] {
        let connect = Connect::new(version, &*device.id);
        let (_, code) = MqttClient::connect(server, &unrecorded, &connect).await;
        assert_eq!(code, Some(refused));
    }
    before.assert_same(&world.snapshot().await);
    device.connect(server).await.disconnect().await;
}

/// Checks that TLS does not let a client in: no CONNACK comes, not even a refusing one.
async fn assert_shut_out(world: &World, identity: Option<&Identity>, what: &str) {
    if let Ok(mut client) = MqttClient::open(&world.server, identity).await {
        let connect = Connect::new(Version::V4, &*world.device.id);
        client.send(&connect.encode()).await;
        assert_eq!(client.next().await, None, "{what}");
    }
}
