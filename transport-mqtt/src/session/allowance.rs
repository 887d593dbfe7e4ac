//! How much a device may send.

use std::time::Duration;

use tokio::time::Instant;

/// How many readings a device may send a second, and how many at once beyond that.
///
/// Kept as the time up to which the device has used its share, were it to send evenly: one number,
/// and nothing to refill.
#[derive(Debug)]
pub(crate) struct Allowance {
    each: Duration,
    ahead_max: Duration,
    used_until: Instant,
}

impl Allowance {
    pub(crate) fn new(per_second: u32, at_once: u32, now: Instant) -> Self {
        let each = Duration::from_secs(1) / per_second.max(1);
        Self {
            each,
            ahead_max: each * at_once,
            used_until: now,
        }
    }

    /// Counts what has come in.
    pub(crate) fn spend(&mut self, readings: usize, now: Instant) {
        let readings = u32::try_from(readings).unwrap_or(u32::MAX);
        self.used_until = self.used_until.max(now) + self.each.saturating_mul(readings);
    }

    /// From when on the device may send again; `None` where it may.
    pub(crate) fn resumes_at(&self, now: Instant) -> Option<Instant> {
        let at = self.used_until.checked_sub(self.ahead_max)?;
        (at > now).then_some(at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_sends_evenly_never_waits() {
        let start = Instant::now();
        let mut allowance = Allowance::new(100, 10, start);
        for step in 0..1000 {
            let now = start + Duration::from_millis(10) * step;
            assert_eq!(allowance.resumes_at(now), None);
            allowance.spend(1, now);
        }
    }

    #[test]
    fn who_sends_much_at_once_waits_for_its_share() {
        let start = Instant::now();
        let mut allowance = Allowance::new(100, 10, start);
        allowance.spend(10, start);
        assert_eq!(allowance.resumes_at(start), None);
        allowance.spend(100, start);
        let resumes = start + Duration::from_secs(1);
        assert_eq!(allowance.resumes_at(start), Some(resumes));
        assert_eq!(allowance.resumes_at(resumes), None);
    }
}
