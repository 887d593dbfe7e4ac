//! What can go wrong, inside and at the door.

use std::io;
use std::path::PathBuf;

use fieldgate_core::model::Invalid;
use fieldgate_core::model::presence::StatusRefused;
use fieldgate_core::model::sensor::TypeMismatch;
use fieldgate_core::storage::{StorageError, Unique};

/// Why a storage could not be opened.
#[non_exhaustive]
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// sled cannot make sense of its files.
    #[error("the storage in {} is damaged or not one: restore it from a backup", path.display())]
    Damaged {
        /// The directory.
        path: PathBuf,
        /// What sled reported.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },

    /// Another process, or another storage in this one, has the directory open.
    #[error("the storage in {} is open already: only one process at a time can use it", path.display())]
    InUse {
        /// The directory.
        path: PathBuf,
    },

    /// The directory or a file in it cannot be made, read or written.
    #[error("the storage in {} cannot be opened", path.display())]
    Io {
        /// The directory or file.
        path: PathBuf,
        /// What the operating system reported.
        #[source]
        source: io::Error,
    },

    /// A newer version of Fieldgate wrote it.
    #[error(
        "the storage in {} has format {found}, and this version of Fieldgate reads formats up to \
         {supported}: use a newer version",
        path.display()
    )]
    NewerFormat {
        /// The directory.
        path: PathBuf,
        /// The format that it has.
        found: u32,
        /// The newest format that this version reads.
        supported: u32,
    },
}

/// What goes wrong inside; converted where it leaves.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// The storage was closed.
    #[error("the storage is closed")]
    Closed,

    /// A record does not decode.
    #[error("a stored {what} does not decode")]
    Decode {
        what: &'static str,
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },

    /// A record does not encode.
    #[error("a {what} does not encode")]
    Encode {
        what: &'static str,
        #[source]
        source: serde_json::Error,
    },

    /// A write or a synchronization failed, now or before.
    #[error("a write did not reach the disk: open the storage again, best after a restart")]
    Failed,

    /// The file system is nearly full.
    #[error("the disk has {free} bytes left, and changes stop below {min}: make room")]
    Full { free: u64, min: u64 },

    /// An invariant of this crate does not hold.
    #[error("a stored {what} is not where it has to be")]
    Misplaced { what: &'static str },

    /// More has changed than could be kept for a view of what was.
    #[error("too much has changed meanwhile: try again when there is less traffic")]
    Overtaken,

    /// Code that worked on the records panicked; nothing was written.
    #[error("the storage panicked, please report it")]
    Panicked,

    /// A record was written in a format that this version does not know.
    #[error("a stored {what} has format {found}: use a newer version of Fieldgate")]
    RecordFormat { what: &'static str, found: u8 },

    /// The port's own refusals.
    #[error(transparent)]
    Refused(StorageError),

    /// sled failed to read.
    #[error("sled failed")]
    Sled(#[source] sled::Error),
}

impl Error {
    pub(crate) const fn not_found(what: &'static str) -> Self {
        Self::Refused(StorageError::NotFound { what })
    }

    pub(crate) const fn taken(unique: Unique) -> Self {
        Self::Refused(StorageError::Taken(unique))
    }

    pub(crate) fn decode(
        what: &'static str,
        source: impl Into<Box<dyn std::error::Error + Send + Sync>>,
    ) -> Self {
        Self::Decode {
            what,
            source: source.into(),
        }
    }

    /// A record that does not decode because a part of it is no such value.
    pub(crate) fn invalid(what: &'static str) -> impl FnOnce(Invalid) -> Self {
        move |source| Self::decode(what, source)
    }
}

impl From<StorageError> for Error {
    fn from(error: StorageError) -> Self {
        Self::Refused(error)
    }
}

impl From<StatusRefused> for Error {
    fn from(refused: StatusRefused) -> Self {
        Self::Refused(refused.into())
    }
}

impl From<TypeMismatch> for Error {
    fn from(mismatch: TypeMismatch) -> Self {
        Self::Refused(mismatch.into())
    }
}

impl From<sled::Error> for Error {
    fn from(error: sled::Error) -> Self {
        Self::Sled(error)
    }
}

impl From<Error> for StorageError {
    fn from(error: Error) -> Self {
        match error {
            Error::Refused(refused) => refused,
            Error::Closed | Error::Failed | Error::Full { .. } | Error::Overtaken => {
                Self::Unavailable {
                    backend: BACKEND,
                    source: Box::new(error),
                }
            }
            Error::Decode { .. }
            | Error::Encode { .. }
            | Error::Misplaced { .. }
            | Error::Panicked
            | Error::RecordFormat { .. }
            | Error::Sled(_) => Self::Backend {
                backend: BACKEND,
                source: Box::new(error),
            },
        }
    }
}

const BACKEND: &str = "sled";
