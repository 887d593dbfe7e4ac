//! What the tests of the endpoint share: a CA, a server, an inbox that the test owns, and a client
//! that can also do wrong.

pub(crate) mod client;
pub(crate) mod inbox;
pub(crate) mod packet;
pub(crate) mod pki;
pub(crate) mod server;
pub(crate) mod topics;

use std::future::Future;
use std::time::Duration;

/// Waits for something that has to happen; far longer than it should take.
pub(crate) async fn soon<T>(what: &str, future: impl Future<Output = T>) -> T {
    match tokio::time::timeout(Duration::from_secs(30), future).await {
        Ok(value) => value,
        Err(_) => panic!("waited in vain: {what}"),
    }
}
