//! The bodies that are arriving: how many there may be, and which one goes for a newcomer.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::oneshot;

/// The bodies that are arriving.
#[derive(Debug)]
pub(crate) struct Arrivals {
    max: usize,
    open: Mutex<Open>,
}

#[derive(Debug, Default)]
struct Open {
    next: u64,
    /// By age. Dropping a sender tells its arrival to go.
    by_age: BTreeMap<u64, oneshot::Sender<Infallible>>,
}

/// The place of one of them; free again when this is dropped.
#[derive(Debug)]
pub(crate) struct Arrival {
    arrivals: Arc<Arrivals>,
    number: u64,
    evicted: oneshot::Receiver<Infallible>,
}

impl Arrivals {
    /// None yet, and at most `max`.
    pub(crate) fn new(max: usize) -> Arc<Self> {
        Arc::new(Self {
            max,
            open: Mutex::default(),
        })
    }

    /// Takes a newcomer in. Where all places are taken the oldest one goes: an honest body is
    /// there in a moment, and what has been arriving for longest is the least likely to be one.
    pub(crate) fn enter(self: &Arc<Self>) -> Arrival {
        let mut open = self.lock();
        if open.by_age.len() >= self.max {
            open.by_age.pop_first();
        }
        let (sender, evicted) = oneshot::channel();
        let number = open.next;
        open.next += 1;
        open.by_age.insert(number, sender);
        Arrival {
            arrivals: Arc::clone(self),
            number,
            evicted,
        }
    }

    fn lock(&self) -> MutexGuard<'_, Open> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Arrival {
    /// Returns when it has to go.
    pub(crate) async fn evicted(&mut self) {
        // Nothing is ever sent: the sender is dropped.
        let _ = (&mut self.evicted).await;
    }
}

impl Drop for Arrival {
    fn drop(&mut self) {
        self.arrivals.lock().by_age.remove(&self.number);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_oldest_goes_for_a_newcomer() {
        let arrivals = Arrivals::new(2);
        let mut first = arrivals.enter();
        let second = arrivals.enter();
        let _third = arrivals.enter();
        first.evicted().await;
        drop((first, second));
        let mut fourth = arrivals.enter();
        assert!(fourth.evicted.try_recv().is_err());
        assert_eq!(arrivals.lock().by_age.len(), 2);
    }
}
