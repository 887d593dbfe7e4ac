//! How much a device may send.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// Up to when a device has used its share, were it to send evenly. It belongs to the device, not to
/// one of its sessions: who comes again has used what it had used before.
#[derive(Clone, Debug)]
pub(crate) struct Share(Arc<Mutex<Instant>>);

/// How much a device may send a second: readings, and packets of any kind.
#[derive(Debug)]
pub(crate) struct Allowance {
    each: Duration,
    ahead_max: Duration,
    share: Share,
}

impl Share {
    /// Nothing of it is used.
    pub(crate) fn unused(now: Instant) -> Self {
        Self(Arc::new(Mutex::new(now)))
    }

    /// Whether it says nothing any more that a new one would not say.
    pub(crate) fn is_unused(&self, now: Instant) -> bool {
        *self.lock() <= now
    }

    fn lock(&self) -> MutexGuard<'_, Instant> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Allowance {
    pub(crate) fn new(per_second: u32, share: Share) -> Self {
        let each = Duration::from_secs(1) / per_second.max(1);
        Self {
            each,
            ahead_max: each * per_second.saturating_mul(SECONDS_AHEAD),
            share,
        }
    }

    /// Counts what has come in.
    pub(crate) fn spend(&self, count: usize, now: Instant) {
        let count = u32::try_from(count).unwrap_or(u32::MAX);
        let mut used_until = self.share.lock();
        *used_until = (*used_until).max(now) + self.each.saturating_mul(count);
    }

    /// From when on the device may send again; `None` where it may. What it sends then may be as
    /// large as any: it is counted afterwards.
    pub(crate) fn resumes_at(&self, now: Instant) -> Option<Instant> {
        let at = self.share.lock().checked_sub(self.ahead_max)?;
        (at > now).then_some(at)
    }
}

/// How many seconds' worth a device may send at once.
const SECONDS_AHEAD: u32 = 2;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_sends_evenly_never_waits() {
        let start = Instant::now();
        let allowance = Allowance::new(100, Share::unused(start));
        for step in 0..1000 {
            let now = start + Duration::from_millis(10) * step;
            assert_eq!(allowance.resumes_at(now), None);
            allowance.spend(1, now);
        }
    }

    #[test]
    fn who_sends_much_at_once_waits_for_its_share() {
        let start = Instant::now();
        let allowance = Allowance::new(100, Share::unused(start));
        allowance.spend(200, start);
        assert_eq!(allowance.resumes_at(start), None);
        allowance.spend(100, start);
        let resumes = start + Duration::from_secs(1);
        assert_eq!(allowance.resumes_at(start), Some(resumes));
        assert_eq!(allowance.resumes_at(resumes), None);
    }

    #[test]
    fn a_device_has_one_share_in_all_its_sessions() {
        let start = Instant::now();
        let share = Share::unused(start);
        Allowance::new(100, share.clone()).spend(300, start);
        assert!(!share.is_unused(start));
        let next = Allowance::new(100, share.clone());
        assert!(next.resumes_at(start).is_some());
        assert!(share.is_unused(start + Duration::from_secs(3)));
    }
}
