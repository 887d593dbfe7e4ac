//! A view of the tree as it was at one time, while the writer goes on.
//!
//! sled keeps no old versions. But there is one writer: before it changes a key, it leaves what was
//! there to each snapshot that may still look at it. So a snapshot costs memory only for what
//! changes ahead of it.

use std::collections::BTreeMap;
use std::fmt;
use std::ops::Bound;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use sled::{IVec, Tree};

use crate::change::{Source as _, View};
use crate::error::Error;
use crate::keys::Range;

/// The snapshots that are open.
#[derive(Debug, Default)]
pub(crate) struct Snapshots {
    open: Mutex<Vec<Weak<Mutex<Kept>>>>,
}

impl Snapshots {
    /// Opens one, of all as it is now; to be called in a look. `wants` says of which keys it will
    /// still ask.
    pub(crate) fn open(&self, wants: Wants) -> Snapshot {
        let kept = Arc::new(Mutex::new(Kept {
            wants,
            before: BTreeMap::new(),
            size: 0,
            overtaken: false,
        }));
        lock(&self.open).push(Arc::downgrade(&kept));
        Snapshot { kept }
    }

    /// Keeps what is under keys that are going to be changed; to be called while nobody looks.
    pub(crate) fn keep<'k>(
        &self,
        tree: &Tree,
        keys: &(impl Iterator<Item = &'k [u8]> + Clone),
    ) -> Result<(), sled::Error> {
        let mut open = lock(&self.open);
        open.retain(|snapshot| snapshot.strong_count() > 0);
        for kept in open.iter().filter_map(Weak::upgrade) {
            let mut kept = lock(&kept);
            for key in keys.clone() {
                kept.keep(tree, key)?;
            }
        }
        Ok(())
    }
}

/// Says whether a snapshot will still ask for a key.
pub(crate) type Wants = Box<dyn Fn(&[u8]) -> bool + Send>;

/// The tree as it was.
pub(crate) struct Snapshot {
    kept: Arc<Mutex<Kept>>,
}

/// What was under keys that have changed since.
struct Kept {
    wants: Wants,
    before: BTreeMap<Vec<u8>, Option<IVec>>,
    size: usize,
    /// More has changed than can be kept.
    overtaken: bool,
}

impl Kept {
    fn keep(&mut self, tree: &Tree, key: &[u8]) -> Result<(), sled::Error> {
        if self.overtaken || self.before.contains_key(key) || !(self.wants)(key) {
            return Ok(());
        }
        let value = tree.get(key)?;
        self.size += size_of_entry(key, value.as_ref());
        self.before.insert(key.to_vec(), value);
        if self.size > KEPT_MAX {
            tracing::warn!("a backup or check is overtaken by changes and given up");
            self.overtaken = true;
            self.before = BTreeMap::new();
        }
        Ok(())
    }
}

impl Snapshot {
    /// From now on it will ask for other keys, fewer than before.
    pub(crate) fn narrow(&self, wants: Wants) {
        lock(&self.kept).wants = wants;
    }

    /// Lets go of what it will not ask for any more.
    pub(crate) fn prune(&self) {
        let mut kept = lock(&self.kept);
        let Kept {
            wants,
            before,
            size,
            ..
        } = &mut *kept;
        before.retain(|key, _| wants(key));
        *size = before
            .iter()
            .map(|(key, value)| size_of_entry(key, value.as_ref()))
            .sum();
    }

    /// A look, during which no batch is applied, so that it has to be short.
    pub(crate) fn look<'s>(&'s self, view: View<'s>) -> Result<Look<'s>, Error> {
        let kept = lock(&self.kept);
        if kept.overtaken {
            return Err(Error::Overtaken);
        }
        Ok(Look { view, kept })
    }
}

impl fmt::Debug for Snapshot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Snapshot").finish_non_exhaustive()
    }
}

impl fmt::Debug for Kept {
    /// Says nothing of the records.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Kept").finish_non_exhaustive()
    }
}

/// A look at a snapshot.
pub(crate) struct Look<'s> {
    view: View<'s>,
    kept: MutexGuard<'s, Kept>,
}

impl Look<'_> {
    /// What was under a key.
    pub(crate) fn octets(&self, key: &[u8]) -> Result<Option<IVec>, Error> {
        match self.kept.before.get(key) {
            Some(value) => Ok(value.clone()),
            None => self.view.octets(key),
        }
    }

    /// Whether a key was there.
    pub(crate) fn has(&self, key: &[u8]) -> Result<bool, Error> {
        Ok(self.octets(key)?.is_some())
    }

    /// The keys and values that were in a range, in order.
    pub(crate) fn entries(
        &self,
        range: &Range,
    ) -> impl Iterator<Item = Result<(IVec, IVec), Error>> + '_ {
        let bounds = (as_slice(&range.lower), as_slice(&range.upper));
        let empty = range.is_empty();
        let before = (!empty).then(|| self.kept.before.range::<[u8], _>(bounds));
        let mut before = before.into_iter().flatten().peekable();
        let mut now = self.view.entries(range.clone()).peekable();
        std::iter::from_fn(move || {
            loop {
                let kept = before.peek().map(|(key, _)| key.as_slice());
                let ahead = match (kept, now.peek()) {
                    (Some(kept), Some(Ok((key, _)))) if kept <= &**key => {
                        if kept == &**key {
                            now.next();
                        }
                        true
                    }
                    (Some(_), None) => true,
                    _ => false,
                };
                if !ahead {
                    return now.next();
                }
                if let Some((key, Some(value))) = before.next() {
                    return Some(Ok((IVec::from(key.as_slice()), value.clone())));
                }
            }
        })
    }
}

fn as_slice(bound: &Bound<Vec<u8>>) -> Bound<&[u8]> {
    bound.as_ref().map(Vec::as_slice)
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn size_of_entry(key: &[u8], value: Option<&IVec>) -> usize {
    key.len() + value.map_or(0, |value| value.len()) + ENTRY_SIZE
}

/// How many octets a snapshot keeps at most.
const KEPT_MAX: usize = 64 * 1024 * 1024;

/// What an entry takes besides its key and value, about.
const ENTRY_SIZE: usize = 96;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_snapshot_keeps_so_much_and_then_gives_up() {
        let directory = tempfile::tempdir().unwrap();
        let db = sled::open(directory.path()).unwrap();
        let keys: Vec<_> = (0..=KEPT_MAX / VALUE)
            .map(|key| key.to_be_bytes())
            .collect();
        for key in &keys {
            db.insert(key, vec![7; VALUE]).unwrap();
        }
        let snapshots = Snapshots::default();
        let snapshot = snapshots.open(Box::new(|_| true));
        let spared = snapshots.open(Box::new(|key| key.last() == Some(&1)));
        let keep = |keys: &[[u8; 8]]| {
            let keys = keys.iter().map(<[u8; 8]>::as_slice);
            snapshots.keep(&db, &keys).unwrap();
        };
        keep(&keys[..2]);
        for key in &keys[..2] {
            db.remove(key).unwrap();
        }
        let look = snapshot.look(View::new(&db)).unwrap();
        assert_eq!(look.octets(&keys[1]).unwrap().unwrap().len(), VALUE);
        let all = Range::of(Vec::new());
        assert_eq!(look.entries(&all).count(), keys.len());
        drop(look);

        keep(&keys);

        let overtaken = snapshot.look(View::new(&db)).map(drop).unwrap_err();
        assert!(matches!(overtaken, Error::Overtaken), "{overtaken}");
        let look = spared.look(View::new(&db)).unwrap();
        assert!(look.has(&keys[1]).unwrap());
        assert!(!look.has(&keys[0]).unwrap());
    }

    const VALUE: usize = 512 * 1024;
}
