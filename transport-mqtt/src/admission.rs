//! How many connections there may be, and which one goes when there is one too many.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::oneshot;

/// Counts connections: unfinished ones, oldest first, and finished ones.
#[derive(Debug)]
pub(crate) struct Admission {
    connections_max: usize,
    unfinished_max: usize,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    next: u64,
    /// Dropping a sender tells its connection to go.
    unfinished: BTreeMap<u64, oneshot::Sender<()>>,
    finished: usize,
}

/// The place of one connection; given up when this is dropped.
#[derive(Debug)]
pub(crate) struct Ticket {
    admission: Arc<Admission>,
    number: u64,
    is_finished: bool,
    evicted: oneshot::Receiver<()>,
}

/// What became of a newcomer.
#[derive(Debug)]
pub(crate) enum Admitted {
    /// It may come in; how many older ones had to go for it.
    In(Ticket, usize),
    /// There are only sessions, and as many as there may be.
    Full,
}

impl Admission {
    pub(crate) fn new(connections_max: usize, unfinished_max: usize) -> Arc<Self> {
        Arc::new(Self {
            connections_max: connections_max.max(1),
            unfinished_max: unfinished_max.max(1),
            state: Mutex::default(),
        })
    }

    /// Lets a newcomer in: where there is no room the oldest unfinished connection goes.
    pub(crate) fn admit(self: &Arc<Self>) -> Admitted {
        let mut state = self.lock();
        let mut evicted = 0;
        while state.unfinished.len() >= self.unfinished_max
            || state.unfinished.len() + state.finished >= self.connections_max
        {
            if state.unfinished.pop_first().is_none() {
                return Admitted::Full;
            }
            evicted += 1;
        }
        let (sender, receiver) = oneshot::channel();
        let number = state.next;
        state.next += 1;
        state.unfinished.insert(number, sender);
        drop(state);
        let ticket = Ticket {
            admission: Arc::clone(self),
            number,
            is_finished: false,
            evicted: receiver,
        };
        Admitted::In(ticket, evicted)
    }

    /// Makes the oldest unfinished connection go, to free what it holds. True if there was one.
    pub(crate) fn evict_oldest(&self) -> bool {
        self.lock().unfinished.pop_first().is_some()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Ticket {
    /// Returns when the connection has to go; never for a finished one.
    pub(crate) async fn evicted(&mut self) {
        if self.is_finished {
            std::future::pending::<()>().await;
        }
        // Nothing is ever sent: the sender is dropped.
        let _ = (&mut self.evicted).await;
    }

    /// Counts the connection as finished, so that it is not evicted any more. False if it was
    /// evicted already.
    pub(crate) fn finish(&mut self) -> bool {
        let mut state = self.admission.lock();
        let was_there = state.unfinished.remove(&self.number).is_some();
        if was_there {
            state.finished += 1;
            self.is_finished = true;
        }
        was_there
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        let mut state = self.admission.lock();
        if self.is_finished {
            state.finished -= 1;
        } else {
            state.unfinished.remove(&self.number);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn admit(admission: &Arc<Admission>) -> (Ticket, usize) {
        match admission.admit() {
            Admitted::In(ticket, evicted) => (ticket, evicted),
            Admitted::Full => panic!("full"),
        }
    }

    #[tokio::test]
    async fn the_oldest_unfinished_one_goes_for_a_newcomer() {
        let admission = Admission::new(10, 2);
        let (mut oldest, _) = admit(&admission);
        let (mut second, _) = admit(&admission);
        let (mut third, evicted) = admit(&admission);
        assert_eq!(evicted, 1);
        oldest.evicted().await;
        assert!(!oldest.finish());
        assert!(second.finish());
        assert!(third.finish());
    }

    #[test]
    fn sessions_do_not_go_for_a_newcomer() {
        let admission = Admission::new(2, 2);
        let (mut first, _) = admit(&admission);
        let (mut second, _) = admit(&admission);
        assert!(first.finish() && second.finish());
        assert!(matches!(admission.admit(), Admitted::Full));
        drop(first);
        let (_third, evicted) = admit(&admission);
        assert_eq!(evicted, 0);
    }

    #[test]
    fn an_unfinished_one_goes_where_sessions_fill_the_rest() {
        let admission = Admission::new(2, 2);
        let (mut session, _) = admit(&admission);
        assert!(session.finish());
        let (mut unfinished, _) = admit(&admission);
        let (_newcomer, evicted) = admit(&admission);
        assert_eq!(evicted, 1);
        assert!(!unfinished.finish());
    }
}
