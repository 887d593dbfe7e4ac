//! A clock that stands still until a test moves it.

use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use crate::clock::Clock;
use crate::model::timestamp::Timestamp;

/// A clock that stands still until it is moved, also backwards.
///
/// ```
/// use std::time::Duration;
///
/// use fieldgate_core::clock::Clock;
/// use fieldgate_core::model::timestamp::Timestamp;
/// use fieldgate_core::testing::ManualClock;
///
/// let clock = ManualClock::new(Timestamp::UNIX_EPOCH);
/// clock.advance(Duration::from_millis(1500));
/// assert_eq!(clock.now().unix_millis(), 1500);
/// ```
#[derive(Debug)]
pub struct ManualClock {
    unix_millis: AtomicI64,
}

impl ManualClock {
    /// A clock that shows `now`.
    #[must_use]
    pub const fn new(now: Timestamp) -> Self {
        Self {
            unix_millis: AtomicI64::new(now.unix_millis()),
        }
    }

    /// Moves it forwards.
    pub fn advance(&self, duration: Duration) {
        self.set(self.now().plus(duration));
    }

    /// Sets it.
    pub fn set(&self, now: Timestamp) {
        self.unix_millis.store(now.unix_millis(), Ordering::SeqCst);
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        let unix_millis = self.unix_millis.load(Ordering::SeqCst);
        Timestamp::from_unix_millis(unix_millis).unwrap_or(Timestamp::UNIX_EPOCH)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_moves_when_told() {
        let clock = ManualClock::new(Timestamp::UNIX_EPOCH);
        assert_eq!(clock.now(), Timestamp::UNIX_EPOCH);
        clock.advance(Duration::from_secs(2));
        assert_eq!(clock.now().unix_millis(), 2000);
        clock.set(Timestamp::MAX);
        assert_eq!(clock.now(), Timestamp::MAX);
    }
}
