//! The storage: how it is opened and closed, and how calls reach its records.

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock, RwLockWriteGuard};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use fieldgate_core::storage::StorageError;
use sled::{Db, Tree};
use tokio::sync::{mpsc, watch};

use crate::change::{Change, View};
use crate::directory;
use crate::error::{Error, OpenError};
use crate::extent::Extent;
use crate::keys;
use crate::retention::Position;
use crate::scan::Reader;
use crate::snapshot::Snapshots;
use crate::sync::Syncer;
use crate::unfinished;
use crate::upgrade::Upgrade;
use crate::writer::{Job, Kind, Message, Writer};

/// Keeps everything in a sled directory.
///
/// A clone is another handle to the same records. The directory stays locked until the last handle
/// is gone or [`SledStorage::close`] was called; dropping the last handle waits for what is under
/// way.
#[derive(Clone)]
pub struct SledStorage {
    handle: Arc<Handle>,
}

/// How much a storage may lose.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Durability {
    /// What was answered survives the loss of power: each group of changes waits for the disk.
    #[default]
    Disk,
    /// What was answered survives the end of the process, killed or not, but not the loss of power
    /// or a crash of the operating system: then the changes of the last moments can be gone, and in
    /// bad luck more. It does not keep the storage port's promise; for tests and for data that can
    /// be had again.
    Process,
}

/// Sets a [`SledStorage`] up.
#[derive(Clone, Debug)]
pub struct SledStorageBuilder {
    dir: PathBuf,
    durability: Durability,
    cache_capacity: u64,
    free_space_min: u64,
}

impl SledStorage {
    /// Opens the storage in a directory, which is made (mode 0700) where it is missing. What it
    /// keeps there is its owner's alone, whatever the directory's own mode is.
    ///
    /// It waits for the disk; call it before the work starts, or on a thread that may wait.
    ///
    /// # Errors
    ///
    /// See [`OpenError`].
    pub fn open(dir: &Path) -> Result<Self, OpenError> {
        Self::builder(dir).open()
    }

    /// Opens the storage in a directory with other settings than the usual ones.
    #[must_use]
    pub fn builder(dir: &Path) -> SledStorageBuilder {
        SledStorageBuilder {
            dir: dir.to_owned(),
            durability: Durability::default(),
            cache_capacity: 64 * MIB,
            free_space_min: 32 * MIB,
        }
    }

    /// Finishes what is under way, and lets go of the directory. Calls after it fail with
    /// [`StorageError::Unavailable`], on every handle.
    pub async fn close(&self) {
        if let Some(messages) = &self.handle.messages {
            // It fails where the storage is closed already.
            let _ = messages.send(Message::Close).await;
        }
        let shared = Arc::clone(&self.handle.shared);
        shared.closed().await;
        let writer = self.handle.take_writer();
        if let Some(writer) = writer {
            let _ = tokio::task::spawn_blocking(move || writer.join()).await;
        }
    }

    pub(crate) fn position(&self) -> Position {
        let position = self.handle.position.lock();
        position.unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(crate) fn set_position(&self, position: Position) {
        let current = self.handle.position.lock();
        *current.unwrap_or_else(PoisonError::into_inner) = position;
    }

    pub(crate) fn shared(&self) -> Arc<Shared> {
        Arc::clone(&self.handle.shared)
    }

    /// Looks records up.
    pub(crate) async fn read<T: Send + 'static>(
        &self,
        work: impl FnOnce(Reader<'_>) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, StorageError> {
        let shared = Arc::clone(&self.handle.shared);
        let looked = tokio::task::spawn_blocking(move || {
            let outcome = work(Reader::new(&shared));
            (outcome, shared.group.load(Ordering::SeqCst))
        });
        let (outcome, group) = looked.await.map_err(|_| Error::Panicked)?;
        self.handle.shared.durable(group).await?;
        Ok(outcome?)
    }

    /// Changes records, and returns when the change is durable.
    pub(crate) async fn change<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Change<'_>) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, StorageError> {
        self.change_as(Kind::Durable, work).await
    }

    /// Changes records in a way that is not the usual one.
    pub(crate) async fn change_as<T: Send + 'static>(
        &self,
        kind: Kind,
        work: impl FnOnce(&mut Change<'_>) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, StorageError> {
        let messages = self.handle.messages.as_ref().ok_or(Error::Closed)?;
        let (job, outcome) = Job::new(kind, work);
        let sent = messages.send(Message::Change(job)).await;
        sent.map_err(|_| Error::Closed)?;
        Ok(outcome.await.map_err(|_| Error::Panicked)??)
    }
}

impl fmt::Debug for SledStorage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SledStorage").finish_non_exhaustive()
    }
}

impl SledStorageBuilder {
    /// How much the storage may lose; [`Durability::Disk`] unless said otherwise.
    #[must_use]
    pub const fn durability(mut self, durability: Durability) -> Self {
        self.durability = durability;
        self
    }

    /// How many octets of records sled keeps in memory, about; 64 MiB unless said otherwise.
    #[must_use]
    pub const fn cache_capacity(mut self, octets: u64) -> Self {
        self.cache_capacity = octets;
        self
    }

    /// How many octets have to be free on the disk for a change to be taken; 32 MiB unless said
    /// otherwise. Deleting, purging and ending sessions go on to a quarter of it. Look-ups always
    /// go on.
    #[must_use]
    pub const fn free_space_min(mut self, octets: u64) -> Self {
        self.free_space_min = octets;
        self
    }

    /// Opens the storage.
    ///
    /// # Errors
    ///
    /// See [`OpenError`].
    pub fn open(&self) -> Result<SledStorage, OpenError> {
        let dir = &self.dir;
        let io = |source| OpenError::Io {
            path: dir.clone(),
            source,
        };
        directory::create(dir).map_err(io)?;
        let lock = directory::lock(dir)?;
        let db_dir = self.db_dir();
        if db_dir.is_file() {
            return Err(self.damaged("it holds a sled database of something else"));
        }
        directory::create(&db_dir).map_err(io)?;
        unfinished::remove(&db_dir).map_err(io)?;
        let db = self.open_sled(&db_dir)?;
        let format = self.format(&db)?;
        let extent = Extent::open(dir, &db).map_err(|reason| self.damaged(reason))?;
        let mut syncer = match self.durability {
            Durability::Disk => {
                db.flush().map_err(|error| self.damaged(error))?;
                Some(Syncer::new(&db_dir).map_err(io)?)
            }
            Durability::Process => None,
        };
        if format < FORMAT {
            let mut upgrade = Upgrade {
                db: &db,
                syncer: syncer.as_mut(),
            };
            let upgraded = upgrade.count().and_then(|()| upgrade.note(FORMAT));
            upgraded.map_err(|error| self.damaged(error))?;
        }
        let shared = Arc::new(Shared::new(Tree::clone(&db)));
        let (messages, receiver) = mpsc::channel(MESSAGES_MAX);
        let writer = Writer {
            db,
            shared: Arc::clone(&shared),
            syncer,
            extent,
            dir: dir.clone(),
            free_space_min: self.free_space_min,
            lock,
        };
        let writer = thread::Builder::new()
            .name(WRITER_NAME.to_owned())
            .spawn(move || writer.run(receiver))
            .map_err(io)?;
        Ok(SledStorage {
            handle: Arc::new(Handle {
                shared,
                messages: Some(messages),
                writer: Mutex::new(Some(writer)),
                position: Mutex::default(),
            }),
        })
    }

    /// What sled writes has the modes that the process gives: so it lies in a directory of its
    /// own, which is the owner's alone whatever the one around it is.
    fn db_dir(&self) -> PathBuf {
        self.dir.join("db")
    }

    fn open_sled(&self, db_dir: &Path) -> Result<Db, OpenError> {
        let config = || {
            sled::Config::new()
                .path(db_dir)
                .cache_capacity(self.cache_capacity)
                .segment_size(SEGMENT_SIZE)
                .flush_every_ms(Some(CLEAN_EVERY_MS))
        };
        for _ in 0..SLED_LOCK_TRIES {
            // sled panics on some kinds of damage.
            match catch_unwind(AssertUnwindSafe(|| config().open())) {
                Ok(Ok(db)) => return Ok(db),
                Ok(Err(sled::Error::Io(error))) if error.to_string().contains(SLED_LOCK_HELD) => {
                    thread::sleep(SLED_LOCK_PAUSE);
                }
                Ok(Err(sled::Error::Io(source))) => {
                    return Err(OpenError::Io {
                        path: self.dir.clone(),
                        source,
                    });
                }
                Ok(Err(error)) => return Err(self.damaged(error)),
                Err(_) => return Err(self.damaged("sled panicked")),
            }
        }
        Err(OpenError::InUse {
            path: self.dir.clone(),
        })
    }

    /// The format of what is there; that of this version where there is nothing.
    fn format(&self, db: &Tree) -> Result<u32, OpenError> {
        let key = keys::meta("format");
        let stored = db.get(&key).map_err(|error| self.damaged(error))?;
        let Some(stored) = stored else {
            if !db.is_empty() {
                return Err(self.damaged("it holds something else"));
            }
            let format = FORMAT.to_be_bytes();
            db.insert(key, &format)
                .map_err(|error| self.damaged(error))?;
            return Ok(FORMAT);
        };
        let stored = <[u8; 4]>::try_from(&*stored)
            .map_err(|_| self.damaged("its format number is damaged"))?;
        let found = u32::from_be_bytes(stored);
        if found > FORMAT {
            return Err(OpenError::NewerFormat {
                path: self.dir.clone(),
                found,
                supported: FORMAT,
            });
        }
        Ok(found)
    }

    fn damaged(&self, source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> OpenError {
        OpenError::Damaged {
            path: self.dir.clone(),
            source: source.into(),
        }
    }
}

/// What all handles share; the writer ends with it.
struct Handle {
    shared: Arc<Shared>,
    messages: Option<mpsc::Sender<Message>>,
    writer: Mutex<Option<JoinHandle<()>>>,
    /// Where the search for what retention removes has come to.
    position: Mutex<Position>,
}

impl Handle {
    fn take_writer(&self) -> Option<JoinHandle<()>> {
        let mut writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        writer.take()
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        // The writer works off what it was sent, and ends when nobody can send any more.
        self.messages = None;
        if let Some(writer) = self.take_writer() {
            let _ = writer.join();
        }
    }
}

/// What the writer and the readers share.
pub(crate) struct Shared {
    /// `None` once the storage is closed. Changed only while a batch is applied.
    tree: RwLock<Option<Tree>>,
    /// The number of the group of changes that has begun last.
    group: AtomicU64,
    progress: watch::Sender<Progress>,
    pub(crate) snapshots: Snapshots,
}

/// How far the writer has come.
#[derive(Clone, Copy, Debug, Default)]
struct Progress {
    /// The last group that is durable.
    durable: u64,
    failed: bool,
    closed: bool,
}

impl Shared {
    fn new(tree: Tree) -> Self {
        Self {
            tree: RwLock::new(Some(tree)),
            group: AtomicU64::new(0),
            progress: watch::Sender::new(Progress::default()),
            snapshots: Snapshots::default(),
        }
    }

    /// Looks at the tree while no batch is applied.
    pub(crate) fn look<T>(
        &self,
        work: impl FnOnce(View<'_>) -> Result<T, Error>,
    ) -> Result<T, Error> {
        let tree = self.tree.read().unwrap_or_else(PoisonError::into_inner);
        let tree = tree.as_ref().ok_or(Error::Closed)?;
        work(View::new(tree))
    }

    /// Keeps readers away.
    pub(crate) fn alone(&self) -> RwLockWriteGuard<'_, Option<Tree>> {
        self.tree.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whoever sees something of the group from now on has to wait for its end.
    pub(crate) fn begin_group(&self) {
        self.group.fetch_add(1, Ordering::SeqCst);
    }

    pub(crate) fn end_group(&self, failed: bool) {
        let group = self.group.load(Ordering::SeqCst);
        self.progress.send_modify(|progress| {
            progress.failed |= failed;
            if !progress.failed {
                progress.durable = group;
            }
        });
    }

    pub(crate) fn has_failed(&self) -> bool {
        self.progress.borrow().failed
    }

    pub(crate) fn close(&self) {
        *self.alone() = None;
        self.progress.send_modify(|progress| progress.closed = true);
    }

    /// Waits until a group is durable.
    async fn durable(&self, group: u64) -> Result<(), Error> {
        let mut progress = self.progress.subscribe();
        let reached = progress.wait_for(|progress| progress.failed || progress.durable >= group);
        let reached = *reached.await.map_err(|_| Error::Closed)?;
        if reached.failed {
            return Err(Error::Failed);
        }
        Ok(())
    }

    async fn closed(&self) {
        let mut progress = self.progress.subscribe();
        let _ = progress.wait_for(|progress| progress.closed).await;
    }
}

/// The newest format of the whole that this version reads, and the one that it writes.
const FORMAT: u32 = 2;

const MIB: u64 = 1024 * 1024;

/// Changes that may wait for the writer before callers wait for a place.
const MESSAGES_MAX: usize = 1024;

/// At most 15 characters, for Linux.
const WRITER_NAME: &str = "fieldgate-sled";

/// The size of the pieces that sled's log is made of. A page of more than a quarter of it would
/// become a file of its own, which sled does not write as safely: no page of ours is as large.
const SEGMENT_SIZE: usize = 4 * 1024 * 1024;

/// How often sled moves records out of segments that are mostly garbage.
const CLEAN_EVERY_MS: u64 = 500;

const SLED_LOCK_HELD: &str = "could not acquire lock";
const SLED_LOCK_TRIES: u32 = 500;
const SLED_LOCK_PAUSE: Duration = Duration::from_millis(20);
