//! Clauses for ends that nobody but the device and the transport bring about.

use crate::model::timestamp::Timestamp;
use crate::testing::transport::world::{World, assert_works, told_until_the_end};
use crate::testing::transport::{ConnectedDevice as _, Event, Message, TransportFixture};

/// A session that its device ends is closed, and the device may come again.
pub async fn a_device_that_leaves<F: TransportFixture>() {
    let world = World::<F>::start().await;
    let credentials = world.fixture.credentials();
    for count in 1..=2 {
        let mut device = world.connect(&credentials).await;
        assert_works::<F>(&mut device, 1).await;
        device.leave().await;
        world.inbox.wait_closed(count).await;
    }
    world.finish().await;
}

/// A session whose connection is lost is closed.
pub async fn a_device_that_is_lost<F: TransportFixture>() {
    let world = World::<F>::start().await;
    let device = world.device().await;
    let mut other = world.device().await;
    device.lose().await;
    world.inbox.wait_closed(1).await;
    assert_eq!(world.inbox.events().last(), Some(&Event::Closed(1)));
    assert_works::<F>(&mut other, 1).await;
    world.finish().await;
}

/// A session is closed after what it has handed on; nothing comes afterwards.
pub async fn a_message_under_way<F: TransportFixture>() {
    let world = World::<F>::start().await;
    for (at, leaves) in [true, false].into_iter().enumerate() {
        let mut device = world.device().await;
        world.inbox.hold_messages(true);
        device.send(Message::Reading(1)).await;
        world.inbox.wait_messages(at + 1).await;
        let ending = tokio::spawn(async move {
            match leaves {
                true => device.leave().await,
                false => device.lose().await,
            }
        });
        tokio::task::yield_now().await;
        world.inbox.hold_messages(false);
        ending.await.unwrap();
        world.inbox.wait_closed(at + 1).await;
    }
    world.finish().await;
}

/// An end that could not be noted is noted as soon as it can be.
pub async fn an_end_is_noted_in_the_end<F: TransportFixture>() {
    let world = World::<F>::start().await;
    world.inbox.fail_closings(3);
    world.device().await.lose().await;
    world.inbox.wait_closed(1).await;
    assert_eq!(world.inbox.closings_failed(), 3);
    world.finish().await;
}

/// A session ends with its certificate.
pub async fn the_end_of_the_certificate<F: TransportFixture>() {
    let world = World::<F>::start().await;
    world.inbox.set_not_after(Timestamp::UNIX_EPOCH);
    world.assert_shut_out(&world.fixture.credentials()).await;
    world.inbox.wait_closed(1).await;
    world.finish().await;
}

/// A transport that stops ends its sessions, and has noted their ends when it has stopped.
pub async fn the_stop_of_the_transport<F: TransportFixture>() {
    let world = World::<F>::start().await;
    let mut devices = Vec::new();
    for number in 1..=3 {
        let mut device = world.device().await;
        assert_works::<F>(&mut device, number).await;
        devices.push(device);
    }
    world.fixture.stop().await;
    let closed = world.inbox.count(|event| matches!(event, Event::Closed(_)));
    assert_eq!(closed, 3, "closed when the transport has stopped");
    for device in &mut devices {
        assert_eq!(told_until_the_end::<F>(device).await, []);
    }
    world.finish().await;
}

/// A transport that has stopped lets nobody in, and hands nothing on.
pub async fn nothing_comes_after_the_stop<F: TransportFixture>() {
    let world = World::<F>::start().await;
    let credentials = world.fixture.credentials();
    let mut device = world.connect(&credentials).await;
    world.fixture.stop().await;
    let before = world.inbox.events();
    device.send(Message::Reading(1)).await;
    let again = world.try_connect(&credentials).await;
    assert!(again.is_none(), "let in by a transport that has stopped");
    assert_eq!(world.inbox.events(), before, "something came in");
    world.finish().await;
}
