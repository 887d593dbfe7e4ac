//! The device endpoint over real sockets and TLS.

mod support;

mod access;
mod acknowledging;
mod certificates;
mod connecting;
mod ending;
mod flooding;
mod malformed;
mod replying;
mod takeover;
mod whole;
mod wills;
