//! Carries all records out of sled and in.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use fieldgate_core::model::certificate::IssuerKeyId;
use fieldgate_core::storage::{
    Archive, ArchiveRecord, ArchiveStore, Bookmark, Finding, RecordKind, ServerProof, StorageError,
};

use crate::SledStorage;
use crate::change::{Change, Source as _};
use crate::error::Error;
use crate::footprint::{footprint, owners};
use crate::keys::{self, KeyReader, Range};
use crate::snapshot::{Look, Snapshot};
use crate::store::Shared;
use crate::unpack::{Unpacker, kind_of};

#[async_trait]
impl ArchiveStore for SledStorage {
    async fn archive(
        &self,
        _server: ServerProof,
        after: Option<&Bookmark>,
    ) -> Result<Box<dyn Archive>, StorageError> {
        let place = after.cloned();
        let wanted = place.clone();
        let shared = self.shared();
        let opened = Arc::clone(&shared);
        let (snapshot, counts) = self
            .read(move |reader| {
                reader.look(|view| {
                    let wants = Box::new(move |key: &[u8]| is_ahead(wanted.as_ref(), key));
                    let snapshot = opened.snapshots.open(wants);
                    let counts = issuer_counts(&snapshot.look(view)?)?;
                    Ok((snapshot, counts))
                })
            })
            .await?;
        Ok(Box::new(Reading {
            shared,
            snapshot: Arc::new(snapshot),
            counts: counts.into(),
            kind: Some(
                place
                    .as_ref()
                    .map_or(RecordKind::ALL[0], |place| place.kind),
            ),
            place,
        }))
    }

    async fn import(
        &self,
        _server: ServerProof,
        records: &[ArchiveRecord],
    ) -> Result<(), StorageError> {
        let records = records.to_vec();
        self.change(move |change| records.iter().try_for_each(|record| put(change, record)))
            .await
    }

    async fn verify(&self, _server: ServerProof) -> Result<Vec<Finding>, StorageError> {
        let shared = self.shared();
        self.read(move |reader| {
            let all = Box::new(|_: &[u8]| true);
            let snapshot = reader.look(|_| Ok(shared.snapshots.open(all)))?;
            crate::verify::verify(&shared, &snapshot)
        })
        .await
    }
}

/// Puts a record, unless there is one with its key.
fn put(change: &mut Change<'_>, record: &ArchiveRecord) -> Result<(), Error> {
    let lives = match record {
        ArchiveRecord::Certificate(it) => {
            change.has(&keys::device(it.organization_id, it.device_id))?
        }
        _ => true,
    };
    let entries = footprint(record, lives)?;
    let each_alone = record.kind() == RecordKind::IssuerCount;
    if !each_alone
        && let Some(own) = entries.first()
        && change.has(&own.key)?
    {
        return Ok(());
    }
    for owner in owners(record) {
        change.require(&owner.key, owner.what)?;
    }
    for entry in entries {
        if let Some(unique) = entry.unique {
            change.require_free(&entry.key, unique)?;
        }
        if !change.has(&entry.key)? {
            change.put(entry.key, entry.value);
        }
    }
    Ok(())
}

/// An archive that is being read.
struct Reading {
    shared: Arc<Shared>,
    snapshot: Arc<Snapshot>,
    /// What is counted of issuers; they are few.
    counts: Arc<[ArchiveRecord]>,
    /// The kind that is read now; none at the end.
    kind: Option<RecordKind>,
    /// The last record that was read.
    place: Option<Bookmark>,
}

impl fmt::Debug for Reading {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut debug = f.debug_struct("Reading");
        debug.field("kind", &self.kind).finish_non_exhaustive()
    }
}

#[async_trait]
impl Archive for Reading {
    async fn next(&mut self, limit: usize) -> Result<Vec<ArchiveRecord>, StorageError> {
        while let Some(kind) = self.kind {
            let found = if kind == RecordKind::IssuerCount {
                self.next_counts(limit)
            } else {
                self.next_of(kind, limit).await?
            };
            if let Some(last) = found.last() {
                self.place = Some(last.bookmark());
                self.narrow();
                return Ok(found);
            }
            self.kind = kind.next();
            let place = self.kind.map(|kind| Bookmark {
                kind,
                key: Vec::new(),
            });
            self.place = place;
            self.narrow();
            self.snapshot.prune();
        }
        Ok(Vec::new())
    }
}

impl Reading {
    /// What lies behind need not be kept any more.
    fn narrow(&self) {
        let place = self.place.clone();
        let wants = Box::new(move |key: &[u8]| is_ahead(place.as_ref(), key));
        self.snapshot.narrow(wants);
    }

    fn next_counts(&self, limit: usize) -> Vec<ArchiveRecord> {
        let behind = |record: &&ArchiveRecord| {
            let place = self.place.as_ref();
            place.is_none_or(|place| record.bookmark() > *place)
        };
        let counts = self.counts.iter().filter(behind);
        counts.take(limit).cloned().collect()
    }

    async fn next_of(
        &self,
        kind: RecordKind,
        limit: usize,
    ) -> Result<Vec<ArchiveRecord>, StorageError> {
        let (shared, snapshot) = (Arc::clone(&self.shared), Arc::clone(&self.snapshot));
        let place = self.place.clone();
        let looked = tokio::task::spawn_blocking(move || {
            let mut unpacker = Unpacker::behind(kind, place.map(|place| place.key));
            while unpacker.found().len() < limit && !unpacker.is_at_end() {
                shared.look(|view| unpacker.take(&snapshot.look(view)?, limit))?;
            }
            Ok::<_, Error>(unpacker.into_found())
        });
        Ok(looked.await.map_err(|_| Error::Panicked)??)
    }
}

/// Whether an archive that has come to a place will still ask for a key: for records behind it, and
/// for what says whether these are to be seen.
fn is_ahead(place: Option<&Bookmark>, key: &[u8]) -> bool {
    let Some(kind) = kind_of(key) else {
        return false;
    };
    let asked = matches!(
        kind,
        RecordKind::Device | RecordKind::Component | RecordKind::Sensor
    );
    let ahead = place.is_none_or(|place| (kind, &key[1..]) > (place.kind, &place.key[..]));
    asked || ahead
}

fn issuer_counts(look: &Look<'_>) -> Result<Vec<ArchiveRecord>, Error> {
    let mut issuers = BTreeSet::new();
    for range in [
        keys::issuers(),
        keys::revocation_counts(),
        keys::crl_numbers(),
    ] {
        for entry in look.entries(&Range::of(range)) {
            let (key, _) = entry?;
            issuers.insert(KeyReader::new(&key).array::<20>()?);
        }
    }
    let number = |key: &[u8]| -> Result<u64, Error> {
        let octets = look.octets(key)?;
        octets.map_or(Ok(0), |octets| KeyReader::value(&octets).u64())
    };
    let issuers = issuers.into_iter().map(IssuerKeyId::from_bytes);
    issuers
        .map(|key_id| {
            Ok(ArchiveRecord::IssuerCount {
                key_id,
                revocations: number(&keys::revocation_count(key_id))?,
                crl_number: number(&keys::crl_number(key_id))?,
            })
        })
        .collect()
}
