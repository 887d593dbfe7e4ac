//! Messages with readings on their way to the writer, which takes all that wait as one job.
//!
//! ```text
//!  callers ──message──> waiting; the first calls the writer
//!                       the writer's turn: takes what waits by then, up to a limit, and ingests it
//!  callers <─answers─── once that is committed
//! ```
//!
//! Where such a job fails, each of its messages becomes a job of its own: so that only the one that
//! it is owed to notices.

use std::collections::VecDeque;
use std::mem;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use fieldgate_core::model::ingestion::IngestOutcome;
use tokio::sync::oneshot;

use crate::error::Error;
use crate::sqlite::ingest::{Message, ingest};
use crate::sqlite::writer::Writer;

#[derive(Clone, Debug)]
pub(super) struct Intake {
    writer: Writer,
    waiting: Arc<Mutex<Waiting>>,
}

#[derive(Debug, Default)]
struct Waiting {
    messages: VecDeque<Pending>,
    /// Whether a job is on its way to take them.
    is_called: bool,
}

/// A message whose caller waits.
#[derive(Debug)]
struct Pending {
    message: Arc<Message>,
    answer: oneshot::Sender<Result<IngestOutcome, Error>>,
}

impl Intake {
    pub(super) fn new(writer: Writer) -> Self {
        Self {
            writer,
            waiting: Arc::default(),
        }
    }

    /// Stores a message; returns once that is committed.
    pub(super) async fn store(&self, message: Message) -> Result<IngestOutcome, Error> {
        let (answer, answered) = oneshot::channel();
        let message = Arc::new(message);
        let is_called = {
            let mut waiting = lock(&self.waiting);
            waiting.messages.push_back(Pending { message, answer });
            mem::replace(&mut waiting.is_called, true)
        };
        if !is_called {
            self.call();
        }
        answered.await.unwrap_or(Err(Error::Stopped))
    }

    /// Not in the caller's own task: it may go away, and others wait.
    fn call(&self) {
        tokio::spawn(self.clone().run());
    }

    async fn run(self) {
        let taken = Arc::new(Mutex::new(Vec::new()));
        let stored = {
            let (intake, taken) = (self.clone(), Arc::clone(&taken));
            let work = self.writer.write(ROWS, move |tx| {
                let messages = intake.take(&mut lock(&taken));
                Box::pin(async move { ingest(tx, &messages).await })
            });
            work.await
        };
        let mut taken = mem::take(&mut *lock(&taken));
        match stored {
            Ok(outcomes) => {
                for (pending, outcome) in taken.into_iter().zip(outcomes) {
                    pending.answer(Ok(outcome));
                }
            }
            Err(error) => {
                if taken.is_empty() {
                    // The job has not begun.
                    let mut waiting = lock(&self.waiting);
                    waiting.is_called = false;
                    taken.extend(waiting.messages.drain(..));
                }
                self.fail(taken, error);
            }
        }
    }

    /// Takes what waits for one job, and calls for another one if there is more.
    fn take(&self, taken: &mut Vec<Pending>) -> Vec<Arc<Message>> {
        let mut waiting = lock(&self.waiting);
        let mut rows = 0;
        while rows < ROWS
            && let Some(pending) = waiting.messages.pop_front()
        {
            // A caller that has gone away takes its message along.
            if !pending.answer.is_closed() {
                rows += pending.message.batch.items.len().max(1);
                taken.push(pending);
            }
        }
        waiting.is_called = !waiting.messages.is_empty();
        if waiting.is_called {
            self.call();
        }
        let messages = taken.iter();
        messages
            .map(|pending| Arc::clone(&pending.message))
            .collect()
    }

    fn fail(&self, mut taken: Vec<Pending>, error: Error) {
        match error {
            Error::Commit(cause) => {
                for pending in taken {
                    pending.answer(Err(Error::Commit(Arc::clone(&cause))));
                }
            }
            Error::Stopped => {
                for pending in taken {
                    pending.answer(Err(Error::Stopped));
                }
            }
            error if taken.len() == 1 => {
                if let Some(pending) = taken.pop() {
                    pending.answer(Err(error));
                }
            }
            _ => {
                for pending in taken {
                    tokio::spawn(self.clone().run_alone(pending));
                }
            }
        }
    }

    async fn run_alone(self, pending: Pending) {
        let message = Arc::clone(&pending.message);
        let weight = message.batch.items.len();
        let stored = self.writer.write(weight, move |tx| {
            Box::pin(async move {
                let outcomes = ingest(tx, &[message]).await?;
                Ok(outcomes.first().copied().unwrap_or_default())
            })
        });
        pending.answer(stored.await);
    }
}

impl Pending {
    fn answer(self, answer: Result<IngestOutcome, Error>) {
        // A caller that has gone away misses nothing.
        let _ = self.answer.send(answer);
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// How many readings a job takes in, about: as much as the largest message has.
const ROWS: usize = 1000;

#[cfg(test)]
mod tests;
