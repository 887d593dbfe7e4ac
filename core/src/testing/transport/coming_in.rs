//! Clauses for who comes in.

use crate::storage::SessionRefused;
use crate::testing::transport::world::{World, assert_works};
use crate::testing::transport::{Event, TransportFixture};

/// The inbox is asked about the device of the certificate, once per connection.
pub async fn a_device_is_the_one_of_its_certificate<F: TransportFixture>() {
    let world = World::<F>::start().await;
    let mut expected = Vec::new();
    for _ in 0..2 {
        let credentials = world.fixture.credentials();
        for _ in 0..2 {
            let device = world.connect(&credentials).await;
            expected.push(world.fixture.identity(&credentials));
            drop(device);
        }
    }
    assert_eq!(world.inbox.identities(), expected, "who was asked about");
    world.finish().await;
}

/// Whom the inbox refuses is not let in, whatever the reason.
pub async fn who_is_refused_is_not_let_in<F: TransportFixture>() {
    let world = World::<F>::start().await;
    for refusal in [
        SessionRefused::CertificateNotGood,
        SessionRefused::DeviceInactive,
        SessionRefused::UnknownDevice,
    ] {
        world.inbox.refuse(Some(refusal));
        let device = world.try_connect(&world.fixture.credentials()).await;
        assert!(device.is_none(), "let in though refused: {refusal}");
    }
    world.finish().await;
}

/// Where it is not known whether a device may come in, it is not let in; later it is.
pub async fn who_is_not_known_is_not_let_in<F: TransportFixture>() {
    let world = World::<F>::start().await;
    let credentials = world.fixture.credentials();
    world.inbox.fail_openings(true);
    let device = world.try_connect(&credentials).await;
    assert!(device.is_none(), "let in though nobody said so");
    world.inbox.fail_openings(false);
    let mut device = world.connect(&credentials).await;
    assert_works::<F>(&mut device, 1).await;
    world.finish().await;
}

/// A session that is opened when its device has gone is closed.
pub async fn an_opening_is_carried_through<F: TransportFixture>() {
    let world = World::<F>::start().await;
    let credentials = world.fixture.credentials();
    world.inbox.hold_openings(true);
    tokio::select! {
        _ = world.fixture.connect(&credentials) => panic!("let in before the inbox has answered"),
        () = world.wait_openings(1) => {}
    }
    world.inbox.hold_openings(false);
    world.inbox.wait_closed(1).await;
    assert_eq!(
        world.inbox.events(),
        [Event::Opening, Event::Opened(1), Event::Closed(1)]
    );
    world.finish().await;
}

/// A device that waits for its answer keeps no other waiting.
pub async fn openings_do_not_wait_for_one_another<F: TransportFixture>() {
    let world = World::<F>::start().await;
    let mut first = world.device().await;
    let late = world.fixture.credentials();
    world.inbox.hold_openings(true);
    let connecting = world.connect(&late);
    let meanwhile = async {
        world.wait_openings(2).await;
        assert_works::<F>(&mut first, 1).await;
        world.inbox.hold_openings(false);
    };
    let (mut second, ()) = tokio::join!(connecting, meanwhile);
    assert_works::<F>(&mut second, 2).await;
    world.finish().await;
}
