//! Says what happens again and again only now and then.

use std::time::Duration;

use tokio::time::Instant;

/// When something was said last, and how often it has happened since.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Throttle {
    said_at: Option<Instant>,
    unsaid: u64,
}

impl Throttle {
    /// Counts one more. Returns how many there were since they were said, where that is `window`
    /// ago or was never: now is the time to say it.
    pub(crate) fn count(&mut self, now: Instant, window: Duration) -> Option<u64> {
        self.unsaid += 1;
        if self.said_at.is_some_and(|at| now < at + window) {
            return None;
        }
        self.said_at = Some(now);
        Some(std::mem::take(&mut self.unsaid))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn once_in_a_window_it_is_said_how_many_there_were() {
        let (start, window) = (Instant::now(), Duration::from_secs(10));
        let at = |secs| start + Duration::from_secs(secs);
        let mut throttle = Throttle::default();
        assert_eq!(throttle.count(at(0), window), Some(1));
        assert_eq!(throttle.count(at(1), window), None);
        assert_eq!(throttle.count(at(9), window), None);
        assert_eq!(throttle.count(at(10), window), Some(3));
        assert_eq!(throttle.count(at(19), window), None);
    }
}
