//! Messages with readings on their way to the writer, which takes all that wait as one job.
//!
//! ```text
//!  callers ──message──> waiting; the first calls the writer
//!                       the writer's turn: takes what waits by then, up to a limit, and ingests it
//!  callers <─answers─── once that is committed
//! ```
//!
//! A message that cannot be stored fails alone. Those of one device are stored in the order in which
//! they came, whatever fails beside them.

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
        let taken = Arc::new(Mutex::new(None));
        let stored = {
            let (intake, to_weigh, to_fill) =
                (self.clone(), Arc::clone(&taken), Arc::clone(&taken));
            let weight = move || lock(&to_weigh).as_deref().map_or(0, weight);
            let work = self.writer.write_weighed(weight, move |tx| {
                let taken = intake.take();
                let messages = taken.iter().map(|pending| Arc::clone(&pending.message));
                let messages: Vec<_> = messages.collect();
                *lock(&to_fill) = Some(taken);
                Box::pin(async move { ingest(tx, &messages).await })
            });
            work.await
        };
        let taken = lock(&taken).take();
        match stored {
            Ok(outcomes) => {
                for (pending, outcome) in taken.into_iter().flatten().zip(outcomes) {
                    pending.answer(outcome);
                }
            }
            Err(error) => {
                // A job that has not begun leaves them all.
                for pending in taken.unwrap_or_else(|| self.take_all()) {
                    pending.answer(Err(error.for_another()));
                }
            }
        }
    }

    /// Takes what waits for one job, and calls for another one if there is more.
    fn take(&self) -> Vec<Pending> {
        let mut waiting = lock(&self.waiting);
        let mut taken = Vec::new();
        let mut rows = 0;
        while let Some(pending) = waiting.messages.front() {
            // A caller that has gone away takes its message along.
            let is_wanted = !pending.answer.is_closed();
            if is_wanted {
                rows += pending.rows();
            }
            if rows > ROWS && !taken.is_empty() {
                break;
            }
            taken.extend(waiting.messages.pop_front().filter(|_| is_wanted));
        }
        waiting.is_called = !waiting.messages.is_empty();
        if waiting.is_called {
            self.call();
        }
        taken
    }

    /// Takes all that waits, so that the next message calls again.
    fn take_all(&self) -> Vec<Pending> {
        let mut waiting = lock(&self.waiting);
        waiting.is_called = false;
        waiting.messages.drain(..).collect()
    }
}

/// How many rows a job with these messages writes, about.
fn weight(taken: &[Pending]) -> usize {
    taken.iter().map(Pending::rows).sum()
}

impl Pending {
    fn rows(&self) -> usize {
        self.message.batch.items.len().max(1)
    }

    fn answer(self, answer: Result<IngestOutcome, Error>) {
        // A caller that has gone away misses nothing.
        let _ = self.answer.send(answer);
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// How many readings a job takes in at most. A message that has more is a job of its own.
const ROWS: usize = 1000;

#[cfg(test)]
mod tests;
