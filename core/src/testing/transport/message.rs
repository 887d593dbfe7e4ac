//! Clauses for messages of devices, and what is answered.

use crate::testing::transport::world::{World, assert_works, next, told_until_the_end};
use crate::testing::transport::{ConnectedDevice as _, Message, Told, TransportFixture};

/// Messages are handed on in the order in which the device sent them, with its session's handle.
pub async fn they_are_handed_on_in_order<F: TransportFixture>() {
    let world = World::<F>::start().await;
    let mut device = world.device().await;
    let mut sent = Vec::new();
    for number in 1..=20 {
        let message = match number % 3 {
            0 => Message::Announcement(number),
            _ => Message::Reading(number),
        };
        device.send(message).await;
        sent.push((1, message));
    }
    world.inbox.wait_messages(20).await;
    assert_eq!(world.received(), sent, "what came in");
    world.finish().await;
}

/// Messages of two devices come in by their own sessions.
pub async fn each_comes_by_its_own_session<F: TransportFixture>() {
    let world = World::<F>::start().await;
    let mut first = world.device().await;
    let mut second = world.device().await;
    for number in 1..=5 {
        first.send(Message::Reading(number)).await;
        assert_eq!(next::<F>(&mut first).await, Told::Acknowledged(number));
        second.send(Message::Reading(10 + number)).await;
        assert_eq!(
            next::<F>(&mut second).await,
            Told::Acknowledged(10 + number)
        );
    }
    for (epoch, message) in world.received() {
        let sender = if message.number() > 10 { 2 } else { 1 };
        assert_eq!(epoch, sender, "the session of {message:?}");
    }
    world.finish().await;
}

/// A message is acknowledged when it is stored, and not before.
pub async fn it_is_acknowledged_when_it_is_stored<F: TransportFixture>() {
    let world = World::<F>::start().await;
    let mut device = world.device().await;
    for (at, message) in [Message::Reading(1), Message::Announcement(2)]
        .into_iter()
        .enumerate()
    {
        world.inbox.hold_messages(true);
        device.send(message).await;
        world.inbox.wait_messages(at + 1).await;
        let told = device.told_by_now().await;
        assert_eq!(told, [], "acknowledged before it is stored");
        world.inbox.hold_messages(false);
        let told = next::<F>(&mut device).await;
        assert_eq!(told, Told::Acknowledged(message.number()));
    }
    world.finish().await;
}

/// A message that could not be stored is not acknowledged, and its device can know.
pub async fn what_failed_is_not_acknowledged<F: TransportFixture>() {
    let world = World::<F>::start().await;
    for (at, message) in [Message::Reading(1), Message::Announcement(2)]
        .into_iter()
        .enumerate()
    {
        let credentials = world.fixture.credentials();
        let mut device = world.connect(&credentials).await;
        world.inbox.fail_message(2 * at);
        device.send(message).await;
        let told = next::<F>(&mut device).await;
        assert!(
            told == Told::Ended || told == Told::Refused(message.number()),
            "it is not stored: {told:?}"
        );
        // Sent again it is stored, be it by a new session.
        if told == Told::Ended {
            device = world.connect(&credentials).await;
        }
        device.send(message).await;
        let told = next::<F>(&mut device).await;
        assert_eq!(told, Told::Acknowledged(message.number()));
        device.leave().await;
    }
    world.finish().await;
}

/// Where the device is gone, its session ends.
pub async fn a_device_that_is_gone_has_no_session<F: TransportFixture>() {
    let world = World::<F>::start().await;
    let mut device = world.device().await;
    world.inbox.device_gone();
    device.send(Message::Reading(1)).await;
    let told = told_until_the_end::<F>(&mut device).await;
    assert!(!told.contains(&Told::Acknowledged(1)), "{told:?}");
    world.inbox.wait_closed(1).await;
    world.finish().await;
}

/// Replies come in the order of what they reply to.
pub async fn replies_come_in_order<F: TransportFixture>() {
    let world = World::<F>::start().await;
    let mut device = world.device().await;
    for number in 1..=10 {
        device.send(Message::Announcement(number)).await;
    }
    let mut replies = Vec::new();
    while replies.len() < 10 {
        match next::<F>(&mut device).await {
            Told::Reply(number) => replies.push(number),
            Told::Acknowledged(_) => {}
            told => panic!("neither acknowledged nor replied to: {told:?}"),
        }
    }
    assert_eq!(replies, (1..=10).collect::<Vec<_>>(), "the replies");
    world.finish().await;
}

/// A reply goes to the device that has asked, and to no other.
pub async fn a_reply_goes_to_its_own_device<F: TransportFixture>() {
    let world = World::<F>::start().await;
    let mut first = world.device().await;
    let mut second = world.device().await;
    first.send(Message::Announcement(1)).await;
    second.send(Message::Announcement(2)).await;
    for (device, number) in [(&mut first, 1), (&mut second, 2)] {
        let mut told = Vec::new();
        while told.len() < 2 {
            told.push(next::<F>(device).await);
        }
        told.extend(device.told_by_now().await);
        let expected = [Told::Acknowledged(number), Told::Reply(number)];
        assert_eq!(told, expected, "what a device is told");
    }
    world.finish().await;
}

/// A device whose messages take long keeps no other waiting.
pub async fn devices_do_not_wait_for_one_another<F: TransportFixture>() {
    let world = World::<F>::start().await;
    let mut slow = world.device().await;
    let mut quick = world.device().await;
    world.inbox.hold_messages(true);
    slow.send(Message::Announcement(1)).await;
    world.inbox.wait_messages(1).await;
    world.inbox.release(1);
    assert_works::<F>(&mut quick, 2).await;
    world.inbox.hold_messages(false);
    assert_eq!(next::<F>(&mut slow).await, Told::Acknowledged(1));
    world.finish().await;
}
