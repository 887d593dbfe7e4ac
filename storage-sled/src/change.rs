//! How records are looked up and changed: a view of the tree, and one batch of changes on it.

use std::collections::BTreeMap;

use fieldgate_core::model::id::{DeviceId, OrganizationId};
use fieldgate_core::model::revision::Revision;
use fieldgate_core::storage::{Effects, StorageError, Unique};
use sled::{Batch, IVec, Tree};

use crate::error::Error;
use crate::keys::{self, Range};
use crate::record::Record;

/// Looks records up.
pub(crate) trait Source {
    /// Looks a value up.
    fn octets(&self, key: &[u8]) -> Result<Option<IVec>, Error>;

    /// The tree, without what a change is about to do to it.
    fn tree(&self) -> &Tree;

    /// Whether a key is there.
    fn has(&self, key: &[u8]) -> Result<bool, Error> {
        Ok(self.octets(key)?.is_some())
    }

    /// Looks a record up.
    fn record<T: Record>(&self, key: &[u8]) -> Result<Option<T>, Error> {
        let octets = self.octets(key)?;
        octets.map(|octets| T::decode(&octets)).transpose()
    }

    /// Looks a record up that another one leads to.
    fn linked<T: Record>(&self, key: &[u8]) -> Result<T, Error> {
        self.record(key)?.ok_or(Error::Misplaced { what: T::WHAT })
    }

    /// The keys and values in a range, **as they were before this change**.
    fn entries(
        &self,
        range: Range,
    ) -> Box<dyn DoubleEndedIterator<Item = Result<(IVec, IVec), Error>>> {
        if range.is_empty() {
            return Box::new(std::iter::empty());
        }
        let found = self.tree().range((range.lower, range.upper));
        Box::new(found.map(|entry| entry.map_err(Error::Sled)))
    }

    /// Whether there is a key in a range, as it was before this change.
    fn any(&self, range: Range) -> Result<bool, Error> {
        Ok(self.entries(range).next().transpose()?.is_some())
    }

    /// Refuses what names a device that is not there, or is deleted.
    fn require_device(&self, organization: OrganizationId, id: DeviceId) -> Result<(), Error> {
        self.require(&keys::device(organization, id), "device")
    }

    /// Refuses what names something that is not there.
    fn require(&self, key: &[u8], what: &'static str) -> Result<(), Error> {
        if self.has(key)? {
            Ok(())
        } else {
            Err(Error::not_found(what))
        }
    }

    /// Refuses what has to be unique and is there.
    fn require_free(&self, key: &[u8], unique: Unique) -> Result<(), Error> {
        if self.has(key)? {
            Err(Error::taken(unique))
        } else {
            Ok(())
        }
    }
}

/// Everything that has been applied.
#[derive(Clone, Copy)]
pub(crate) struct View<'a> {
    tree: &'a Tree,
}

impl<'a> View<'a> {
    pub(crate) const fn new(tree: &'a Tree) -> Self {
        Self { tree }
    }
}

impl Source for View<'_> {
    fn octets(&self, key: &[u8]) -> Result<Option<IVec>, Error> {
        Ok(self.tree.get(key)?)
    }

    fn tree(&self) -> &Tree {
        self.tree
    }
}

/// What one call changes: collected first, then applied as one batch.
///
/// A single look-up sees what the change has already noted; [`Source::entries`] does not.
pub(crate) struct Change<'a> {
    tree: &'a Tree,
    writes: BTreeMap<Vec<u8>, Option<Vec<u8>>>,
}

impl<'a> Change<'a> {
    pub(crate) const fn new(tree: &'a Tree) -> Self {
        Self {
            tree,
            writes: BTreeMap::new(),
        }
    }

    /// Notes a value.
    pub(crate) fn put(&mut self, key: Vec<u8>, value: impl Into<Vec<u8>>) {
        self.writes.insert(key, Some(value.into()));
    }

    /// Notes a key whose being there says all.
    pub(crate) fn mark(&mut self, key: Vec<u8>) {
        self.put(key, Vec::new());
    }

    /// Notes a record.
    pub(crate) fn put_record<T: Record>(&mut self, key: Vec<u8>, record: &T) -> Result<(), Error> {
        self.put(key, record.encode()?);
        Ok(())
    }

    /// Notes the end of a key.
    pub(crate) fn remove(&mut self, key: Vec<u8>) {
        self.writes.insert(key, None);
    }

    /// Notes the end of all keys in a range, which have to be few.
    pub(crate) fn remove_all(&mut self, range: Range) -> Result<(), Error> {
        for entry in self.entries(range) {
            let (key, _) = entry?;
            self.remove(key.to_vec());
        }
        Ok(())
    }

    /// Refuses the change if its idempotency key is taken, else notes it. The first step of each
    /// change that has effects.
    pub(crate) fn effects(&mut self, effects: &Effects) -> Result<(), Error> {
        if let Some(record) = &effects.idempotency {
            let key = keys::idempotency(record.owner, &record.key);
            self.require_free(&key, Unique::IdempotencyKey)?;
            let by_time = keys::idempotency_by_time(record.created_at, record.owner, &record.key);
            self.put(by_time, key.clone());
            self.put_record(key, record)?;
        }
        Ok(())
    }

    /// How many octets it writes.
    pub(crate) fn size(&self) -> usize {
        self.writes
            .iter()
            .map(|(key, value)| key.len() + value.as_ref().map_or(0, Vec::len))
            .sum()
    }

    /// Whether nothing changes.
    pub(crate) fn is_empty(&self) -> bool {
        self.writes.is_empty()
    }

    /// The keys that it changes.
    pub(crate) fn keys(&self) -> impl Iterator<Item = &[u8]> + Clone {
        self.writes.keys().map(Vec::as_slice)
    }

    /// What is to be applied.
    pub(crate) fn into_batch(self) -> Batch {
        let mut batch = Batch::default();
        for (key, value) in self.writes {
            match value {
                Some(value) => batch.insert(key, value),
                None => batch.remove(key),
            }
        }
        batch
    }
}

impl Source for Change<'_> {
    fn octets(&self, key: &[u8]) -> Result<Option<IVec>, Error> {
        match self.writes.get(key) {
            Some(value) => Ok(value.as_deref().map(IVec::from)),
            None => Ok(self.tree.get(key)?),
        }
    }

    fn tree(&self) -> &Tree {
        self.tree
    }
}

/// Refuses a change that was made from another revision.
pub(crate) fn check_revision(
    stored: Revision,
    expected: Option<Revision>,
    what: &'static str,
) -> Result<(), Error> {
    if expected.is_none_or(|expected| expected == stored) {
        Ok(())
    } else {
        Err(StorageError::StaleRevision { what }.into())
    }
}
