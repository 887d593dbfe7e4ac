//! The device endpoint over real sockets and TLS.

#![expect(
    clippy::expect_used,
    clippy::unwrap_used,
    reason = "a test panics where it fails"
)]

mod support;

mod access;
mod acknowledging;
mod certificates;
mod connecting;
mod contract;
mod ending;
mod flooding;
mod malformed;
mod replying;
mod takeover;
mod whole;
mod wills;
