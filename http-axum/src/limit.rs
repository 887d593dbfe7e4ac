//! How many wrong secrets an address may show in a minute.
//!
//! Only wrong ones count, and only wrong ones are turned away: the secrets have 256 random bits,
//! so the limit protects no guess, it keeps a broken client or a flood from being noticed late.
//! Shutting out whoever shares an address with one, as all devices behind a NAT do, would be a
//! gift to an attacker.

use std::collections::{HashMap, VecDeque};
use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::extract::ConnectInfo;
use axum::http::{Extensions, StatusCode};
use fieldgate_core::clock::Clock;
use fieldgate_core::model::timestamp::Timestamp;
use tokio::time::Instant;

use crate::problem::Problem;

/// The address of the client, as a request extension.
///
/// A host that knows better than the connection sets it, for example behind a proxy that it
/// trusts. Without it the peer's address counts, from axum's `ConnectInfo<SocketAddr>`.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub struct ClientAddress(pub IpAddr);

/// The address that a request comes from, as far as anybody knows.
pub(crate) fn client_address(extensions: &Extensions) -> Option<IpAddr> {
    let set = extensions.get::<ClientAddress>().map(|address| address.0);
    let peer = || {
        let peer = extensions.get::<ConnectInfo<SocketAddr>>()?;
        Some(peer.0.ip())
    };
    set.or_else(peer)
}

/// Limits failures by address, in bounded memory.
#[derive(Debug)]
pub(crate) struct FailureLimit {
    failures: Arc<Failures>,
    per_minute: u32,
}

/// The failures that limits count together.
#[derive(Debug)]
pub(crate) struct Failures {
    clock: Arc<dyn Clock>,
    windows: Mutex<Windows>,
}

#[derive(Debug, Default)]
struct Windows {
    by_source: HashMap<Source, Window>,
    /// The sources in the order in which their minutes began: one entry for each in `by_source`.
    order: VecDeque<Source>,
}

#[derive(Clone, Copy, Debug)]
struct Window {
    begun: Timestamp,
    failures: u32,
}

/// What counts as one address: of IPv6 the network that one customer is given, since he may choose
/// any address in it.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
enum Source {
    V4([u8; 4]),
    V6([u16; 4]),
    /// The host says nothing: then all share one.
    Unknown,
}

impl FailureLimit {
    /// A limit of so many failures a minute; zero refuses the first one.
    pub(crate) const fn new(failures: Arc<Failures>, per_minute: u32) -> Self {
        Self {
            failures,
            per_minute,
        }
    }

    /// Counts a failure of a request that has begun at `begun`, and returns when it is to be
    /// answered: all at the same time, whatever it took to find out. How long that was could tell
    /// a secret that is wrong from one that nobody has.
    ///
    /// # Errors
    ///
    /// As [`FailureLimit::count`].
    pub(crate) async fn refuse(
        &self,
        address: Option<IpAddr>,
        begun: Instant,
    ) -> Result<(), Problem> {
        let counted = self.count(address);
        tokio::time::sleep_until(begun + REFUSED_AFTER).await;
        counted
    }

    /// Counts a failure.
    ///
    /// # Errors
    ///
    /// The answer instead of that to the failure, where there were too many.
    pub(crate) fn count(&self, address: Option<IpAddr>) -> Result<(), Problem> {
        let source = Source::of(address);
        let now = self.failures.clock.now();
        let windows = self.failures.windows.lock();
        let mut windows = windows.unwrap_or_else(PoisonError::into_inner);
        windows.forget(now);
        let windows = &mut *windows;
        let window = windows.by_source.entry(source).or_insert_with(|| {
            windows.order.push_back(source);
            Window {
                begun: now,
                failures: 0,
            }
        });
        if window.failures < self.per_minute {
            window.failures += 1;
            return Ok(());
        }
        let passed = now.since(window.begun);
        Err(Problem::new(
            StatusCode::TOO_MANY_REQUESTS,
            "too_many_failures",
            "too many wrong secrets from this address: mend what sends them, and wait",
        )
        .retry_after(MINUTE.saturating_sub(passed)))
    }
}

impl Failures {
    /// None so far.
    pub(crate) fn new(clock: Arc<dyn Clock>) -> Arc<Self> {
        Arc::new(Self {
            clock,
            windows: Mutex::default(),
        })
    }
}

impl Windows {
    /// Forgets the minutes that are over, and the oldest one where there are too many.
    fn forget(&mut self, now: Timestamp) {
        while let Some(source) = self.order.front() {
            let begun = self.by_source.get(source).map(|window| window.begun);
            // A clock that was set back ends a minute too: it would last for ever otherwise.
            let over = begun.is_none_or(|begun| now < begun || now.since(begun) >= MINUTE);
            if !over && self.order.len() < SOURCES_MAX {
                return;
            }
            self.by_source.remove(source);
            self.order.pop_front();
        }
    }
}

impl Source {
    fn of(address: Option<IpAddr>) -> Self {
        match address.map(|address| address.to_canonical()) {
            None => Self::Unknown,
            Some(IpAddr::V4(address)) => Self::V4(address.octets()),
            Some(IpAddr::V6(address)) => Self::V6(network(address)),
        }
    }
}

const fn network(address: Ipv6Addr) -> [u16; 4] {
    let [first, second, third, fourth, ..] = address.segments();
    [first, second, third, fourth]
}

/// More than it takes to find a secret wrong.
const REFUSED_AFTER: Duration = Duration::from_millis(10);

const MINUTE: Duration = Duration::from_secs(60);

/// About 1 MB.
const SOURCES_MAX: usize = 16 * 1024;

#[cfg(test)]
mod tests {
    use super::*;
    use fieldgate_core::testing::ManualClock;

    fn limit(per_minute: u32) -> (Arc<ManualClock>, FailureLimit) {
        let clock = Arc::new(ManualClock::new(Timestamp::UNIX_EPOCH));
        let failures = Failures::new(Arc::clone(&clock) as Arc<dyn Clock>);
        let limit = FailureLimit::new(failures, per_minute);
        (clock, limit)
    }

    fn count(limit: &FailureLimit, address: &str) -> bool {
        limit.count(Some(address.parse().unwrap())).is_ok()
    }

    #[test]
    fn an_address_has_so_many_and_another_minute_brings_more() {
        let (clock, limit) = limit(2);
        assert!(count(&limit, "192.0.2.1") && count(&limit, "192.0.2.1"));
        assert!(!count(&limit, "192.0.2.1"));
        assert!(count(&limit, "192.0.2.2"));
        clock.advance(Duration::from_millis(59_999));
        assert!(!count(&limit, "192.0.2.1"));
        clock.advance(Duration::from_millis(1));
        assert!(count(&limit, "192.0.2.1"));
    }

    #[test]
    fn a_network_of_ipv6_is_one_address_and_mapped_ipv4_is_ipv4() {
        let (_, limit) = limit(1);
        assert!(count(&limit, "2001:db8::1"));
        assert!(!count(&limit, "2001:db8::ffff:2"));
        assert!(count(&limit, "2001:db8:0:1::1"));
        assert!(count(&limit, "192.0.2.1"));
        assert!(!count(&limit, "::ffff:192.0.2.1"));
    }

    #[test]
    fn memory_is_bounded() {
        let (_, limit) = limit(1);
        for number in 0..u32::try_from(SOURCES_MAX).unwrap() + 100 {
            let address = IpAddr::from((0x0a00_0000 + number).to_be_bytes());
            assert!(limit.count(Some(address)).is_ok());
        }
        let windows = limit.failures.windows.lock().unwrap();
        assert_eq!(windows.by_source.len(), SOURCES_MAX);
        assert_eq!(windows.order.len(), SOURCES_MAX);
    }

    #[test]
    fn a_clock_that_is_set_back_locks_nobody_out() {
        let (clock, limit) = limit(1);
        clock.advance(Duration::from_secs(1_000_000));
        assert!(count(&limit, "192.0.2.1") && !count(&limit, "192.0.2.1"));
        clock.set(Timestamp::UNIX_EPOCH);
        assert!(count(&limit, "192.0.2.1"));
    }
}
