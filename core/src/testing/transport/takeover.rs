//! Clauses for two sessions of one device.

use std::sync::Arc;

use crate::testing::transport::world::{World, assert_works, told_until_the_end};
use crate::testing::transport::{Event, TransportFixture};

/// The newer session stays; the older one is ended and closed.
pub async fn the_newer_session_stays<F: TransportFixture>() {
    let world = World::<F>::start().await;
    let credentials = world.fixture.credentials();
    let mut older = world.connect(&credentials).await;
    let mut newer = world.connect(&credentials).await;
    assert_eq!(told_until_the_end::<F>(&mut older).await, []);
    world.inbox.wait_closed(1).await;
    assert_eq!(world.inbox.events().last(), Some(&Event::Closed(1)));
    assert_works::<F>(&mut newer, 1).await;
    world.finish().await;
}

/// The epoch says which one is the newer, not the order in which they are answered.
pub async fn the_epoch_says_which_is_newer<F: TransportFixture>() {
    let world = World::<F>::start().await;
    let credentials = world.fixture.credentials();
    world.inbox.next_epoch(2);
    let mut newer = world.connect(&credentials).await;
    world.inbox.next_epoch(1);
    world.assert_shut_out(&credentials).await;
    world.inbox.wait_closed(1).await;
    assert_eq!(world.inbox.events().last(), Some(&Event::Closed(1)));
    assert_works::<F>(&mut newer, 1).await;
    world.finish().await;
}

/// Of many sessions that are opened at once the newest stays.
pub async fn of_many_at_once_the_newest_stays<F: TransportFixture>() {
    let world = World::<F>::start().await;
    let credentials = Arc::new(world.fixture.credentials());
    world.inbox.hold_openings(true);
    let connecting = (0..8).map(|_| {
        let (fixture, credentials) = (Arc::clone(&world.fixture), Arc::clone(&credentials));
        tokio::spawn(async move { fixture.connect(&credentials).await })
    });
    let connecting: Vec<_> = connecting.collect();
    world.wait_openings(8).await;
    world.inbox.hold_openings(false);
    world.inbox.wait_closed(7).await;
    let is_closed = |epoch: u64| world.inbox.events().contains(&Event::Closed(epoch));
    assert!((1..8).all(is_closed), "an older one is not closed");
    assert!(!is_closed(8), "the newest is closed");
    let mut devices = Vec::new();
    for connecting in connecting {
        devices.extend(connecting.await.unwrap());
    }
    drop(devices);
    world.finish().await;
}

/// Sessions of two devices do not take one another's place.
pub async fn other_devices_are_spared<F: TransportFixture>() {
    let world = World::<F>::start().await;
    let mut first = world.device().await;
    let mut second = world.device().await;
    assert_works::<F>(&mut first, 1).await;
    assert_works::<F>(&mut second, 2).await;
    world.finish().await;
}
