//! Carries all records of a storage out, into another one, and over a check.

mod decode;
mod encode;
mod record;

use std::fmt::{self, Debug, Display};

use async_trait::async_trait;

pub use record::{ArchiveRecord, Bookmark, RecordKind};

use crate::storage::{ServerProof, StorageError};

/// Carries all records out and in as they are: ids, revisions, fates, epochs, counters, hashes.
///
/// # Contract
///
/// * Equal records make equal archives, whatever the backend: the same records in the same order.
/// * What nobody can see any more is in no archive: what deleted devices, components and sensors
///   left behind for the purge. Certificates of deleted devices are in it, for the CRL.
#[async_trait]
pub trait ArchiveStore: Debug + Send + Sync + 'static {
    /// All records as they are now, behind a bookmark where there is one. Later changes are not in
    /// it, and no writer waits for it. It may hold resources, so it should be read to its end, or
    /// dropped.
    async fn archive(
        &self,
        server: ServerProof,
        after: Option<&Bookmark>,
    ) -> Result<Box<dyn Archive>, StorageError>;

    /// Puts records as they are, in one atomic step. Those that refer to others come behind them, in
    /// this call or in an earlier one. A record whose key is there already is left as it is, so that
    /// the same call again changes nothing. A certificate of a device that is not there is that of a
    /// deleted one.
    ///
    /// The records of a call have together at most about [`IMPORT_WEIGHT`].
    ///
    /// # Errors
    ///
    /// [`StorageError::Taken`] where another record has what has to be unique;
    /// [`StorageError::NotFound`] where what a record belongs to is not there.
    async fn import(
        &self,
        server: ServerProof,
        records: &[ArchiveRecord],
    ) -> Result<(), StorageError>;

    /// Checks that the backend's own structures are sound, that each record reads, and that what is
    /// kept to find records (names, tags, words, lists) agrees with them, in both directions. Tells
    /// the first [`FINDINGS_MAX`] things that are not so. Writers need not wait for it.
    async fn verify(&self, server: ServerProof) -> Result<Vec<Finding>, StorageError>;
}

/// All records of a storage as they were at one time, in the order of their [`Bookmark`]s: what is
/// referred to comes before what refers to it.
#[async_trait]
pub trait Archive: Debug + Send {
    /// The next records, at most `limit`; none at the end.
    ///
    /// # Errors
    ///
    /// [`StorageError::Backend`] for a record that does not read;
    /// [`StorageError::Unavailable`] also where so much has been changed meanwhile that the view
    /// could not be kept.
    async fn next(&mut self, limit: usize) -> Result<Vec<ArchiveRecord>, StorageError>;
}

/// Something that is not as it has to be. Says where it is, and nothing of what is kept there.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Finding {
    /// The kind of record or the structure, and its id where it has one.
    pub place: String,
    /// What is wrong.
    pub problem: String,
}

impl Finding {
    /// Notes that something is wrong somewhere.
    pub fn new(place: impl Display, problem: impl Into<String>) -> Self {
        Self {
            place: place.to_string(),
            problem: problem.into(),
        }
    }
}

impl Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.place, self.problem)
    }
}

/// How many findings a check tells.
pub const FINDINGS_MAX: usize = 1000;

/// How much one import takes, as [`ArchiveRecord::weight`] counts it: a backend may have to write it
/// as one piece. A single record may be heavier.
pub const IMPORT_WEIGHT: usize = 128 * 1024;
