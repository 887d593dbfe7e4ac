//! What goes wrong with a database, and what a caller hears of it.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use fieldgate_core::storage::{StorageError, Unique};

/// Why a storage was not opened.
#[non_exhaustive]
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Another storage, of this process or another one, has the file open.
    #[error("`{path}` is open already: stop the other server on it, or choose another file")]
    AlreadyOpen {
        /// The database file.
        path: PathBuf,
    },

    /// The file is a backup, and no storage to work on.
    #[error("`{path}` is a backup: restore it into a storage")]
    Backup {
        /// The file.
        path: PathBuf,
    },

    /// The path is a symbolic link to nothing.
    #[error(
        "`{path}` is a symbolic link to a file that is not there: restore the file, or choose \
         the path of the file itself"
    )]
    DanglingLink {
        /// The link.
        path: PathBuf,
    },

    /// The database failed.
    #[error("the database `{path}` cannot be opened")]
    Database {
        /// The database file.
        path: PathBuf,
        /// What the database reported.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },

    /// The file system failed.
    #[error("the file `{path}` cannot be used")]
    Io {
        /// The file.
        path: PathBuf,
        /// What the file system reported.
        #[source]
        source: io::Error,
    },

    /// A newer version of this software has written the file.
    #[error(
        "`{path}` has schema {found}, and this version knows those up to {known}: use the newer \
         version that has written it"
    )]
    NewerSchema {
        /// The database file.
        path: PathBuf,
        /// The schema of the file.
        found: i64,
        /// The newest schema that this version knows.
        known: i64,
    },

    /// The file is no backup.
    #[error("`{path}` is no backup of this software")]
    NotBackup {
        /// The file.
        path: PathBuf,
    },

    /// The file is a database of something else.
    #[error("`{path}` is a database of something else: choose another file")]
    NotFieldgate {
        /// The database file.
        path: PathBuf,
    },

    /// Another version of this software has written the backup.
    #[error(
        "the backup `{path}` has schema {found}, and this version restores those of {known}: use \
         the version that has written it"
    )]
    OtherSchema {
        /// The file.
        path: PathBuf,
        /// The schema of the file.
        found: i64,
        /// The schema of this version.
        known: i64,
    },

    /// The database does not keep what it is told, for example on a network file system.
    #[error("the database `{path}` does not take the setting {setting}")]
    Setting {
        /// The database file.
        path: PathBuf,
        /// The setting.
        setting: &'static str,
    },
}

/// Why a call failed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// The transaction of the call, and of others with it, failed; where its COMMIT did, it is not
    /// known whether it is there.
    #[error("the transaction failed")]
    Commit(#[source] Arc<sqlx::Error>),

    /// A row does not agree with its checksum.
    #[cfg(feature = "sqlite")]
    #[error("the {record} is damaged: its checksum does not agree with it; run `check`")]
    Damaged { record: String },

    /// What was written is not there.
    #[error("what was written does not read back")]
    Lost,

    /// The call panicked.
    #[error("the call ended by a panic")]
    Panicked,

    /// What the contract says.
    #[error(transparent)]
    Refused(#[from] StorageError),

    /// A row does not decode.
    #[error("the row {id} of table `{table}` does not decode, column {column}")]
    Row {
        table: &'static str,
        id: String,
        column: usize,
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },

    /// The database failed.
    #[error(transparent)]
    Sqlx(#[from] sqlx::Error),

    /// The storage has been closed.
    #[error("the storage is closed")]
    Stopped,

    /// Another server has opened the database meanwhile.
    #[error("another server has taken the database over: stop this one")]
    TakenOver,

    /// The database did not answer in time; it is not known what it has done.
    #[error("the database did not answer in time")]
    TimedOut,
}

impl Error {
    /// The same for another call, as far as it is owed to more than one.
    pub(crate) fn for_another(&self) -> Self {
        match self {
            Self::Commit(cause) => Self::Commit(Arc::clone(cause)),
            Self::Panicked => Self::Panicked,
            _ => Self::Stopped,
        }
    }

    pub(crate) const fn not_found(what: &'static str) -> Self {
        Self::Refused(StorageError::NotFound { what })
    }

    pub(crate) const fn stale(what: &'static str) -> Self {
        Self::Refused(StorageError::StaleRevision { what })
    }

    pub(crate) const fn taken(what: Unique) -> Self {
        Self::Refused(StorageError::Taken(what))
    }

    /// What a caller hears.
    pub(crate) fn into_storage_error(self, dialect: &Dialect) -> StorageError {
        let available = match self {
            Self::Refused(refused) => return refused,
            Self::Commit(_) | Self::Stopped | Self::TakenOver | Self::TimedOut => false,
            Self::Sqlx(ref error) => !dialect.is_outage(error),
            #[cfg(feature = "sqlite")]
            Self::Damaged { .. } => true,
            Self::Lost | Self::Panicked | Self::Row { .. } => true,
        };
        let backend = dialect.backend;
        let source = Box::new(self);
        if available {
            StorageError::Backend { backend, source }
        } else {
            StorageError::Unavailable { backend, source }
        }
    }
}

/// How a database reports its errors.
#[derive(Debug)]
pub(crate) struct Dialect {
    /// Its name.
    pub(crate) backend: &'static str,
    /// Whether an error code of it says that it cannot work now, and may later.
    pub(crate) is_outage_code: fn(&str) -> bool,
}

impl Dialect {
    /// Whether the database cannot work now, and may later.
    fn is_outage(&self, error: &sqlx::Error) -> bool {
        match error {
            sqlx::Error::Database(error) => error
                .code()
                .is_some_and(|code| (self.is_outage_code)(&code)),
            sqlx::Error::Io(_)
            | sqlx::Error::PoolClosed
            | sqlx::Error::PoolTimedOut
            | sqlx::Error::Tls(_)
            | sqlx::Error::WorkerCrashed => true,
            _ => false,
        }
    }
}
