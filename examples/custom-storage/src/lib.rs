//! A storage of one's own: everything in memory, and each change in a file before it is answered.
//!
//! `docs/storage.md` leads through it step by step. What it shows is what a storage adds to the
//! rules: what a call changes becomes durable as a whole, before anybody sees it. The rules
//! themselves, such as who may redeem a token, it leaves to the reference of the core,
//! [`MemoryStorage`]; a storage that keeps its records elsewhere writes them anew, one noun after the
//! other.
//!
//! It is for a small installation: all records have to fit into memory, and each change compares all
//! of them.
//!
//! | file | what it has |
//! |---|---|
//! | `lib.rs` | the storage: how a call is passed on, and when it is answered |
//! | `journal.rs`, `entry.rs` | the file |
//! | `difference.rs` | what a call has changed |
//! | `port/*.rs` | the traits of the storage port, one file per noun |

mod difference;
mod entry;
mod journal;
mod port;

use std::error::Error;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use fieldgate_core::model::Invalid;
use fieldgate_core::storage::{
    ArchiveRecord, ArchiveStore as _, MemoryStorage, ServerProof, StorageError,
};
use tokio::sync::RwLock;
use tokio::task::spawn_blocking;

use crate::difference::difference;
use crate::journal::{Journal, Records};

/// Keeps everything in memory, and each change in a file. A clone is another handle to the same
/// records; the last one lets go of the file.
#[derive(Clone, Debug)]
pub struct JournalStorage {
    memory: MemoryStorage,
    books: Arc<RwLock<Books>>,
}

/// The file, and what it has. Who reads holds it for reading, so that nobody sees what is not on
/// the disk yet.
struct Books {
    journal: Journal,
    records: Records,
}

impl JournalStorage {
    /// Opens the storage in a file, which is made where it is missing.
    ///
    /// # Errors
    ///
    /// See [`OpenError`].
    pub async fn open(path: &Path) -> Result<Self, OpenError> {
        let own = path.to_owned();
        let opened = spawn_blocking(move || Journal::open(&own)).await;
        let (journal, records) = opened.map_err(|error| OpenError::Io {
            path: path.to_owned(),
            source: error.into(),
        })??;
        let memory = MemoryStorage::default();
        fill(&memory, &records)
            .await
            .map_err(|source| OpenError::Records {
                path: path.to_owned(),
                source,
            })?;
        Ok(Self {
            memory,
            books: Arc::new(RwLock::new(Books { journal, records })),
        })
    }

    /// The records in memory.
    const fn memory(&self) -> &MemoryStorage {
        &self.memory
    }

    /// Looks something up.
    async fn look<T: Send>(
        &self,
        call: impl Future<Output = Result<T, StorageError>> + Send,
    ) -> Result<T, StorageError> {
        let books = self.books.read().await;
        books.check()?;
        call.await
    }

    /// Changes what need not be durable. It becomes so with the next change that is.
    async fn pass<T: Send>(
        &self,
        call: impl Future<Output = Result<T, StorageError>> + Send,
    ) -> Result<T, StorageError> {
        self.look(call).await
    }

    /// Changes something, and returns when it is on the disk.
    async fn change<T: Send>(
        &self,
        call: impl Future<Output = Result<T, StorageError>> + Send,
    ) -> Result<T, StorageError> {
        let mut books = Arc::clone(&self.books).write_owned().await;
        books.check()?;
        let answer = call.await?;
        let all = all(&self.memory).await?;
        // The lock goes along: where the caller goes away meanwhile, and this future is dropped, the
        // change is written all the same before anybody sees it. Nothing above has to wait once the
        // lock is there, so that no future is dropped between the two.
        let written = spawn_blocking(move || books.write(&all)).await;
        written.map_err(unavailable)??;
        Ok(answer)
    }
}

impl Books {
    fn check(&self) -> Result<(), StorageError> {
        let broken = self.journal.broken();
        broken.map_or(Ok(()), |reason| Err(unavailable(reason.to_owned())))
    }

    /// Writes what is not as the file has it.
    fn write(&mut self, all: &[ArchiveRecord]) -> Result<(), StorageError> {
        let changes = difference(&self.records, all);
        if !changes.is_empty() {
            self.journal.append(&changes).map_err(unavailable)?;
        }
        journal::apply(&mut self.records, changes);
        Ok(())
    }
}

impl fmt::Debug for Books {
    /// Says nothing of the records.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Books").finish_non_exhaustive()
    }
}

/// Why a storage was not opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// An entry of the file was damaged, and there are others behind it.
    #[error("`{path}` is damaged at octet {at}: restore it from a copy")]
    Damaged {
        /// The file.
        path: PathBuf,
        /// Where the entry begins.
        at: usize,
    },

    /// Somebody else has it open.
    #[error("`{path}` is locked: another process has the storage open")]
    InUse {
        /// The file that is locked.
        path: PathBuf,
    },

    /// The file could not be read or written.
    #[error("`{path}` cannot be read or written")]
    Io {
        /// The file.
        path: PathBuf,
        /// What the operating system says.
        source: io::Error,
    },

    /// The records do not belong together.
    #[error("the records of `{path}` do not belong together")]
    Records {
        /// The file.
        path: PathBuf,
        /// What is wrong with them.
        source: Box<dyn Error + Send + Sync>,
    },
}

/// Puts the records of a file into memory: in the order of an archive, in which what is referred to
/// comes before what refers to it.
async fn fill(
    memory: &MemoryStorage,
    records: &Records,
) -> Result<(), Box<dyn Error + Send + Sync>> {
    let read: Result<Vec<_>, Invalid> = records
        .values()
        .map(|octets| ArchiveRecord::from_octets(octets))
        .collect();
    memory.import(SERVER, &read?).await?;
    Ok(())
}

/// All records in memory, in the order of an archive.
async fn all(memory: &MemoryStorage) -> Result<Vec<ArchiveRecord>, StorageError> {
    memory.archive(SERVER, None).await?.next(usize::MAX).await
}

fn unavailable(source: impl Into<Box<dyn Error + Send + Sync>>) -> StorageError {
    StorageError::Unavailable {
        backend: "journal",
        source: source.into(),
    }
}

/// The code of `docs/storage.md`, which has to compile.
#[cfg(doctest)]
#[doc = include_str!("../../../docs/storage.md")]
pub struct Guide;

/// The storage itself asks for all records, across organizations.
const SERVER: ServerProof = ServerProof::vouch();
