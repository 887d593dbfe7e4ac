//! Clauses for what the core ends.

use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::task::Poll;

use crate::testing::transport::world::{
    World, assert_thrown_out, assert_works, told_until_the_end,
};
use crate::testing::transport::{ConnectedDevice as _, Message, TransportFixture};

/// The live session ends and is closed; no other device's does.
pub async fn it_ends_the_live_session<F: TransportFixture>() {
    let world = World::<F>::start().await;
    let credentials = world.fixture.credentials();
    let mut device = world.connect(&credentials).await;
    let mut other = world.device().await;
    assert_works::<F>(&mut device, 1).await;
    world.disconnect(&credentials).await;
    assert_eq!(told_until_the_end::<F>(&mut device).await, []);
    world.inbox.wait_closed(1).await;
    assert_works::<F>(&mut other, 2).await;
    world.finish().await;
}

/// Where there is no session it returns, and the device may come in afterwards.
pub async fn it_needs_no_session<F: TransportFixture>() {
    let world = World::<F>::start().await;
    let credentials = world.fixture.credentials();
    world.disconnect(&credentials).await;
    let mut device = world.connect(&credentials).await;
    assert_works::<F>(&mut device, 1).await;
    world.disconnect(&credentials).await;
    world.inbox.wait_closed(1).await;
    world.disconnect(&credentials).await;
    let mut device = world.connect(&credentials).await;
    assert_works::<F>(&mut device, 2).await;
    world.finish().await;
}

/// When it returns, what was under way is stored or given up, and nothing more is handed on.
pub async fn nothing_is_handed_on_afterwards<F: TransportFixture>() {
    let world = World::<F>::start().await;
    let credentials = world.fixture.credentials();
    let mut device = world.connect(&credentials).await;
    world.inbox.hold_messages(true);
    device.send(Message::Reading(1)).await;
    world.inbox.wait_messages(1).await;
    let mut disconnecting = pin!(world.disconnect(&credentials));
    let has_returned = is_ready(disconnecting.as_mut()).await;
    if !has_returned {
        world.inbox.hold_messages(false);
        disconnecting.await;
    }
    let before = world.traffic();
    world.inbox.hold_messages(false);
    device.send(Message::Reading(2)).await;
    told_until_the_end::<F>(&mut device).await;
    world.inbox.wait_closed(1).await;
    assert_eq!(world.traffic(), before, "something came after a disconnect");
    world.finish().await;
}

/// A session that is about to be opened is ended before anything is handed on.
pub async fn it_ends_a_session_that_is_being_opened<F: TransportFixture>() {
    let world = World::<F>::start().await;
    let credentials = world.fixture.credentials();
    world.inbox.hold_openings(true);
    let connecting = world.try_connect(&credentials);
    let disconnecting = async {
        world.wait_openings(1).await;
        world.disconnect(&credentials).await;
        world.inbox.hold_openings(false);
    };
    let (device, ()) = tokio::join!(connecting, disconnecting);
    if let Some(mut device) = device {
        device.send(Message::Reading(1)).await;
        assert_thrown_out::<F>(device).await;
    }
    world.inbox.wait_closed(1).await;
    assert_eq!(world.received(), [], "a device that was shut out is heard");
    world.finish().await;
}

/// Polls a future once.
async fn is_ready(mut future: Pin<&mut impl Future<Output = ()>>) -> bool {
    poll_fn(|context| Poll::Ready(future.as_mut().poll(context).is_ready())).await
}
