//! An endpoint that runs out of file descriptors. This test is alone in its process, whose limit
//! it lowers.

#![expect(
    clippy::expect_used,
    clippy::unwrap_used,
    reason = "a test panics where it fails"
)]

#[path = "endpoint/support/mod.rs"]
#[expect(dead_code, reason = "the other tests use the rest of it")]
mod support;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tokio::net::TcpStream;

use crate::support::packet::{PINGREQ, PINGRESP};
use crate::support::server::Server;
use crate::support::soon;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sessions_live_on_and_accepting_recovers() {
    let server = Server::start().await;
    let mut session = server.connect(&server.device(), 5).await;
    let newcomer = server.device();
    let before = getrlimit(Resource::Nofile);
    let open = std::fs::read_dir("/proc/self/fd").unwrap().count() as u64;
    lower(before, open + 40);

    // Both ends are in this process: somewhere in the middle neither finds a descriptor.
    let mut flood = Vec::new();
    soon("an accept fails", async {
        while server.endpoint.stats().accepts_failed == 0 {
            match TcpStream::connect(server.address).await {
                Ok(stream) => flood.push(stream),
                // The listener makes room by giving up the oldest; then this fills it again.
                Err(_) => tokio::task::yield_now().await,
            }
        }
    })
    .await;
    session.send(&PINGREQ).await;
    assert_eq!(session.packet().await.kind(), PINGRESP);
    drop(flood);
    setrlimit(Resource::Nofile, before).unwrap();
    let mut client = server.connect(&newcomer, 5).await;
    client.send(&PINGREQ).await;
    assert_eq!(client.packet().await.kind(), PINGRESP);
}

fn lower(before: Rlimit, current: u64) {
    let limit = Rlimit {
        current: Some(current),
        ..before
    };
    setrlimit(Resource::Nofile, limit).unwrap();
}
