//! The one thread that writes: takes changes in turn, and makes several durable at once.

use std::fs::File;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::Arc;

use sled::Db;
use tokio::sync::mpsc::Receiver;
use tokio::sync::oneshot;

use crate::change::Change;
use crate::error::Error;
use crate::extent::Extent;
use crate::store::Shared;
use crate::sync::Syncer;
use crate::tally;

/// What a change is for, which decides when it is taken and when it is answered.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Kind {
    /// Answered once it is durable.
    Durable,
    /// Answered once it is applied: it may be lost with the power.
    Fleeting,
    /// Durable, and taken also while the disk has little room: it makes room, or has to be.
    Frugal,
}

/// What the writer is told.
pub(crate) enum Message {
    /// Take this change.
    Change(Job),
    /// Take what waits, and nothing more.
    Close,
}

/// A change that waits for its turn.
pub(crate) struct Job {
    kind: Kind,
    run: Box<dyn FnOnce(Turn<'_, '_>) -> Done + Send>,
}

/// What a job gets when its turn comes.
enum Turn<'a, 'b> {
    /// The reason why it gets none.
    Refused(Error),
    /// Its change.
    Yours(&'a mut Change<'b>),
}

/// What a job leaves.
struct Done {
    /// Whether its change is to be applied.
    good: bool,
    answer: Answer,
}

/// Tells the caller, once it is known whether the group is durable.
type Answer = Box<dyn FnOnce(Result<(), Error>) + Send>;

impl Job {
    /// A job, and where its outcome will be.
    pub(crate) fn new<T: Send + 'static>(
        kind: Kind,
        work: impl FnOnce(&mut Change<'_>) -> Result<T, Error> + Send + 'static,
    ) -> (Self, oneshot::Receiver<Result<T, Error>>) {
        let (sender, receiver) = oneshot::channel();
        let run = move |turn: Turn<'_, '_>| {
            let outcome = match turn {
                Turn::Yours(change) => work(change).and_then(|done| {
                    tally::settle(change)?;
                    Ok(done)
                }),
                Turn::Refused(error) => Err(error),
            };
            Done {
                good: outcome.is_ok(),
                answer: Box::new(move |durable| {
                    // The caller may have gone; what was done stays done.
                    let _ = sender.send(durable.and(outcome));
                }),
            }
        };
        let run = Box::new(run);
        (Self { kind, run }, receiver)
    }
}

/// What the writing thread owns.
pub(crate) struct Writer {
    pub(crate) db: Db,
    pub(crate) shared: Arc<Shared>,
    /// `None` where nobody waits for the disk.
    pub(crate) syncer: Option<Syncer>,
    pub(crate) extent: Extent,
    pub(crate) dir: PathBuf,
    pub(crate) free_space_min: u64,
    /// Held as long as anything else here.
    pub(crate) lock: File,
}

/// Changes that become durable together.
#[derive(Default)]
struct Group {
    answers: Vec<Answer>,
    /// How many octets were free on the disk when it began.
    free: u64,
    size: usize,
    wants_sync: bool,
    failed: bool,
}

impl Writer {
    /// Works until it is told to stop, or nobody is left to tell it anything.
    pub(crate) fn run(mut self, mut messages: Receiver<Message>) {
        while let Some(message) = messages.blocking_recv() {
            let mut group = Group {
                free: fs2::available_space(&self.dir).unwrap_or(u64::MAX),
                ..Group::default()
            };
            self.shared.begin_group();
            self.take(message, &mut group, &mut messages);
            while group.size < GROUP_SIZE_MAX && group.answers.len() < GROUP_CHANGES_MAX {
                let Ok(message) = messages.try_recv() else {
                    break;
                };
                self.take(message, &mut group, &mut messages);
            }
            self.finish(group);
        }
        // Fleeting changes may still wait in memory.
        if self.make_durable() && !self.shared.has_failed() {
            self.extent.close();
        }
        self.shared.close();
        drop(self.syncer);
        // sled panics if its last synchronization fails; whoever waited has been told already.
        let db = self.db;
        let _ = catch_unwind(AssertUnwindSafe(move || drop(db)));
        drop(self.lock);
    }

    fn take(&self, message: Message, group: &mut Group, messages: &mut Receiver<Message>) {
        let job = match message {
            Message::Change(job) => job,
            Message::Close => return messages.close(),
        };
        let mut change = Change::new(&self.db);
        let turn = match self.refusal(job.kind, group) {
            Some(error) => Turn::Refused(error),
            None => Turn::Yours(&mut change),
        };
        let run = job.run;
        // One that panics drops its sender: its caller gets an error, and nothing is applied.
        let Ok(done) = catch_unwind(AssertUnwindSafe(|| run(turn))) else {
            tracing::error!("a change of the storage panicked; nothing of it was written");
            return;
        };
        group.answers.push(done.answer);
        if !done.good {
            return;
        }
        group.size += change.size();
        if !change.is_empty() {
            group.wants_sync |= job.kind != Kind::Fleeting;
            group.failed |= !self.apply(change);
        }
    }

    fn refusal(&self, kind: Kind, group: &Group) -> Option<Error> {
        if group.failed || self.shared.has_failed() {
            return Some(Error::Failed);
        }
        let min = match kind {
            Kind::Durable | Kind::Fleeting => self.free_space_min,
            Kind::Frugal => self.free_space_min / 4,
        };
        let free = group.free;
        (free < min).then_some(Error::Full { free, min })
    }

    fn apply(&self, change: Change<'_>) -> bool {
        let _alone = self.shared.alone();
        let (key, number) = self.extent.next();
        let mut change = change;
        change.put(key, number);
        let apply = || {
            self.shared.snapshots.keep(&self.db, &change.keys())?;
            self.db.apply_batch(change.into_batch())
        };
        match catch_unwind(AssertUnwindSafe(apply)) {
            Ok(Ok(())) => true,
            Ok(Err(error)) => {
                tracing::error!(%error, "sled could not apply a batch");
                false
            }
            Err(_) => {
                tracing::error!("sled panicked while it applied a batch");
                false
            }
        }
    }

    /// Makes the group durable, and tells all who wait for it.
    fn finish(&mut self, group: Group) {
        let failed = group.failed || (group.wants_sync && !self.make_durable());
        self.shared.end_group(failed);
        for answer in group.answers {
            answer(if failed { Err(Error::Failed) } else { Ok(()) });
        }
    }

    fn make_durable(&mut self) -> bool {
        let flushed = catch_unwind(AssertUnwindSafe(|| self.db.flush()));
        match flushed {
            Ok(Ok(_)) => {}
            Ok(Err(error)) => {
                tracing::error!(%error, "sled could not write its log");
                return false;
            }
            Err(_) => {
                tracing::error!("sled panicked while it wrote its log");
                return false;
            }
        }
        let Some(syncer) = &mut self.syncer else {
            return true;
        };
        match syncer.sync() {
            Ok(()) => {
                self.extent.note();
                true
            }
            Err(error) => {
                tracing::error!(%error, "the disk could not be synchronized");
                false
            }
        }
    }
}

/// Small against the two segments of its log that sled fills before it writes over an old one, so
/// that nothing is written over before what replaces it is on the disk.
const GROUP_SIZE_MAX: usize = 256 * 1024;

const GROUP_CHANGES_MAX: usize = 512;
