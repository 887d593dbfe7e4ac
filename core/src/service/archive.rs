//! Moves all records from one storage to another, and sums them up.

use std::collections::BTreeMap;
use std::fmt;

use ring::digest::{Context, SHA256};

use crate::model::certificate::Sha256Digest;
use crate::model::timestamp::Timestamp;
use crate::model::token::{TokenFate, TokenState};
use crate::storage::{
    Archive, ArchiveRecord, ArchiveStore, Bookmark, IMPORT_WEIGHT, RecordKind, ServerProof,
    StorageError,
};

/// What an archive holds: how many records of each kind, and the SHA-256 over all of them in their
/// order. Two storages with equal sums hold the same.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ArchiveSum {
    /// How many records there are of each kind; none is left out.
    pub counts: BTreeMap<RecordKind, u64>,
    /// The SHA-256 over [`ArchiveRecord::octets`], each behind its length as eight octets.
    pub sha256: Sha256Digest,
}

impl ArchiveSum {
    /// How many records there are.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.counts.values().sum()
    }
}

/// What is to become of the records on their way.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Carriage {
    /// They stay as they are.
    AsTheyAre,
    /// What they say is not of now, so that nothing of it must come to life again: tokens that could
    /// still be redeemed are revoked at this time, sessions ended, and numbers of CRLs go on behind
    /// all that may have been given since.
    Restored(Timestamp),
}

impl Carriage {
    /// What becomes of a record.
    #[must_use]
    pub fn apply(self, record: ArchiveRecord) -> ArchiveRecord {
        let Self::Restored(at) = self else {
            return record;
        };
        match record {
            ArchiveRecord::Token(mut token) if token.fate == TokenFate::Open => {
                token.fate = match token.state(at) {
                    TokenState::Expired => TokenFate::Expired,
                    _ => TokenFate::Revoked { at },
                };
                ArchiveRecord::Token(token)
            }
            ArchiveRecord::Device(mut device) => {
                if device.session.take().is_some() {
                    device.presence.session_closed(at);
                }
                ArchiveRecord::Device(device)
            }
            ArchiveRecord::IssuerCount {
                key_id,
                revocations,
                crl_number,
            } => ArchiveRecord::IssuerCount {
                key_id,
                revocations,
                // No more than one is made in a second, so that the time is ahead of all of them.
                crl_number: crl_number.max(unix_seconds(at)),
            },
            other => other,
        }
    }
}

/// Reads an archive step by step, and sums up what it gives.
pub struct Carrier {
    archive: Box<dyn Archive>,
    carriage: Carriage,
    counts: BTreeMap<RecordKind, u64>,
    context: Context,
}

impl Carrier {
    /// Reads `archive`, from its beginning on if the sum is to be that of all.
    #[must_use]
    pub fn new(archive: Box<dyn Archive>, carriage: Carriage) -> Self {
        Self {
            archive,
            carriage,
            counts: RecordKind::ALL.into_iter().map(|kind| (kind, 0)).collect(),
            context: Context::new(&SHA256),
        }
    }

    /// The next records; none at the end.
    ///
    /// # Errors
    ///
    /// As [`Archive::next`] has.
    pub async fn next(&mut self) -> Result<Vec<ArchiveRecord>, StorageError> {
        let records = self.archive.next(STEP).await?;
        let records = records
            .into_iter()
            .map(|record| self.carriage.apply(record));
        let records: Vec<_> = records.collect();
        for record in &records {
            let octets = record.octets();
            self.context.update(&(octets.len() as u64).to_be_bytes());
            self.context.update(&octets);
            *self.counts.entry(record.kind()).or_default() += 1;
        }
        Ok(records)
    }

    /// Puts the next records into a storage, and says where it stands; `None` at the end. What it
    /// has said is durable, so that whoever begins again behind the place that it named last loses
    /// nothing.
    ///
    /// # Errors
    ///
    /// As [`Archive::next`] and [`ArchiveStore::import`] have.
    pub async fn step(
        &mut self,
        target: &dyn ArchiveStore,
    ) -> Result<Option<Bookmark>, StorageError> {
        let records = self.next().await?;
        let mut rest = &records[..];
        while !rest.is_empty() {
            let (piece, behind) = rest.split_at(fitting(rest));
            target.import(ServerProof::vouch(), piece).await?;
            rest = behind;
        }
        Ok(records.last().map(ArchiveRecord::bookmark))
    }

    /// How many records it has given.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.counts.values().sum()
    }

    /// The sum of what it has given.
    #[must_use]
    pub fn sum(self) -> ArchiveSum {
        let mut octets = [0; 32];
        octets.copy_from_slice(self.context.finish().as_ref());
        ArchiveSum {
            counts: self.counts,
            sha256: Sha256Digest::from_bytes(octets),
        }
    }
}

impl fmt::Debug for Carrier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Carrier")
            .field("archive", &self.archive)
            .finish_non_exhaustive()
    }
}

/// How many of the records, at least one, go into one import.
fn fitting(records: &[ArchiveRecord]) -> usize {
    let mut weight = 0;
    let heavy = records.iter().position(|record| {
        weight += record.weight();
        weight > IMPORT_WEIGHT
    });
    heavy.map_or(records.len(), |at| at.max(1))
}

fn unix_seconds(at: Timestamp) -> u64 {
    u64::try_from(at.unix_millis() / 1000).unwrap_or(0)
}

/// How many records a step takes.
const STEP: usize = 500;

#[cfg(test)]
mod tests;
