//! The open connections of a listener: how many there may be, and which one goes for a newcomer.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::time::{Duration, Instant};
use tokio_util::sync::CancellationToken;

/// The open connections of a listener.
#[derive(Debug)]
pub(crate) struct Connections {
    limit: usize,
    open: Mutex<Open>,
}

#[derive(Debug, Default)]
struct Open {
    next: u64,
    /// By age.
    connections: BTreeMap<u64, Arc<Activity>>,
}

/// What goes on on a connection.
#[derive(Debug)]
pub(crate) struct Activity {
    requests: AtomicUsize,
    idle_since: Mutex<Instant>,
    evicted: CancellationToken,
}

/// The place of a connection; free again when this is dropped.
#[derive(Debug)]
pub(crate) struct Place {
    connections: Arc<Connections>,
    number: u64,
    activity: Arc<Activity>,
}

/// A request that is there as a whole and is being answered; done when this is dropped.
#[derive(Debug)]
pub(crate) struct Busy {
    activity: Arc<Activity>,
}

impl Connections {
    /// None yet, and at most `limit`.
    pub(crate) fn new(limit: usize) -> Arc<Self> {
        Arc::new(Self {
            limit,
            open: Mutex::default(),
        })
    }

    /// Takes a newcomer in. Where all places are taken the oldest connection without a whole
    /// request goes: one that is served is worth more than one that only waits, or sends its
    /// request octet by octet. `None` where all are being served.
    pub(crate) fn enter(self: &Arc<Self>) -> Option<Place> {
        let mut open = self.lock();
        if open.connections.len() >= self.limit {
            let idle = |activity: &Activity| activity.requests.load(Ordering::Relaxed) == 0;
            let oldest = open
                .connections
                .iter()
                .find_map(|(number, activity)| idle(activity).then_some(*number))?;
            if let Some(activity) = open.connections.remove(&oldest) {
                activity.evicted.cancel();
            }
        }
        let number = open.next;
        open.next += 1;
        let activity = Arc::new(Activity {
            requests: AtomicUsize::new(0),
            idle_since: Mutex::new(Instant::now()),
            evicted: CancellationToken::new(),
        });
        open.connections.insert(number, Arc::clone(&activity));
        Some(Place {
            connections: Arc::clone(self),
            number,
            activity,
        })
    }

    /// How many there are.
    pub(crate) fn count(&self) -> usize {
        self.lock().connections.len()
    }

    fn lock(&self) -> MutexGuard<'_, Open> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Place {
    /// What goes on there.
    pub(crate) const fn activity(&self) -> &Arc<Activity> {
        &self.activity
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.connections.lock().connections.remove(&self.number);
    }
}

impl Activity {
    /// Notes that a request has begun to arrive: the connection is not idle, though one that a
    /// newcomer may have.
    pub(crate) fn asked(&self) {
        *self.lock() = Instant::now();
    }

    /// Notes that a request is there as a whole and is being answered.
    pub(crate) fn begin(self: &Arc<Self>) -> Busy {
        self.requests.fetch_add(1, Ordering::Relaxed);
        Busy {
            activity: Arc::clone(self),
        }
    }

    /// Waits until the connection has to go: for a newcomer, or because nothing was asked on it
    /// for `idle`.
    pub(crate) async fn over(&self, idle: Duration) {
        tokio::select! {
            () = self.evicted.cancelled() => {}
            () = self.idled(idle) => {}
        }
    }

    async fn idled(&self, idle: Duration) {
        loop {
            let now = Instant::now();
            let end = if self.requests.load(Ordering::Relaxed) > 0 {
                now + idle
            } else {
                *self.lock() + idle
            };
            if end <= now {
                return;
            }
            tokio::time::sleep_until(end).await;
        }
    }

    fn lock(&self) -> MutexGuard<'_, Instant> {
        self.idle_since
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        *self.activity.lock() = Instant::now();
        self.activity.requests.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_oldest_idle_one_goes() {
        let connections = Connections::new(2);
        let first = connections.enter().unwrap();
        let second = connections.enter().unwrap();
        let busy = first.activity().begin();
        let third = connections.enter().unwrap();
        assert!(second.activity().evicted.is_cancelled());
        assert!(!first.activity().evicted.is_cancelled());
        let _busy = third.activity().begin();
        assert!(connections.enter().is_none());
        drop(busy);
        assert!(connections.enter().is_some());
        assert!(first.activity().evicted.is_cancelled());
    }

    #[tokio::test]
    async fn a_place_is_free_again() {
        let connections = Connections::new(1);
        drop(connections.enter().unwrap());
        assert_eq!(connections.count(), 0);
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_idle_goes_and_what_is_busy_stays() {
        let connections = Connections::new(1);
        let place = connections.enter().unwrap();
        let idle = Duration::from_secs(60);
        let begin = Instant::now();
        let busy = place.activity().begin();
        let waited = tokio::time::timeout(idle * 10, place.activity().over(idle)).await;
        assert!(waited.is_err());
        drop(busy);
        tokio::time::advance(idle / 2).await;
        place.activity().asked();
        place.activity().over(idle).await;
        assert_eq!(begin.elapsed().as_secs(), 690);
    }
}
