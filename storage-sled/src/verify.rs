//! Checks a tree: that each record reads, and that the keys that lead to records agree with them.

use std::collections::HashSet;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use fieldgate_core::storage::{ArchiveRecord, FINDINGS_MAX, Finding, RecordKind};
use sled::IVec;

use crate::error::Error;
use crate::footprint::{footprint, owners};
use crate::keys::{self, Range};
use crate::snapshot::{Look, Snapshot};
use crate::space;
use crate::store::Shared;
use crate::unpack::{kind_of, unpack};

/// Tells what is wrong in a snapshot of all keys.
pub(crate) fn verify(shared: &Shared, snapshot: &Snapshot) -> Result<Vec<Finding>, Error> {
    let mut check = Check::default();
    // What belongs to records is known before the keys that lead to them are looked at.
    each(shared, snapshot, &mut check, Check::record)?;
    each(shared, snapshot, &mut check, Check::link)?;
    Ok(check.findings)
}

type Visit = fn(&mut Check, &Look<'_>, &[u8], &IVec) -> Result<(), Error>;

fn each(
    shared: &Shared,
    snapshot: &Snapshot,
    check: &mut Check,
    visit: Visit,
) -> Result<(), Error> {
    let mut range = Range::of(Vec::new());
    loop {
        let last = shared.look(|view| {
            let look = snapshot.look(view)?;
            let mut last = None;
            for entry in look.entries(&range).take(LOOK_MAX) {
                let (key, value) = entry?;
                visit(check, &look, &key, &value)?;
                last = Some(key.to_vec());
            }
            Ok(last)
        })?;
        let Some(last) = last else {
            return Ok(());
        };
        if check.findings.len() >= FINDINGS_MAX {
            return Ok(());
        }
        range = range.after(Some(last));
    }
}

#[derive(Default)]
struct Check {
    findings: Vec<Finding>,
    /// Hashes of the keys that lead to records, as the records ask for them.
    links: HashSet<u64>,
}

impl Check {
    fn record(&mut self, look: &Look<'_>, key: &[u8], value: &IVec) -> Result<(), Error> {
        let Some(kind) = kind_of(key) else {
            return Ok(());
        };
        // What the error says of the record may be secret.
        let Ok(record) = unpack(kind, key, value) else {
            self.find(kind, key, "the record does not read");
            return Ok(());
        };
        if kind == RecordKind::Retained {
            return Ok(());
        }
        if [&[key[0]], &record.bookmark().key[..]].concat() != key {
            self.find(kind, key, "the record lies under a key that is not its own");
        }
        for owner in owners(&record) {
            let was = owner.deleted.map_or(Ok(false), |note| look.has(&note))?;
            if !was && !look.has(&owner.key)? {
                let problem = format!("its {} is not there", owner.what);
                self.find(kind, key, problem);
            }
        }
        let lives = match &record {
            ArchiveRecord::Certificate(it) => {
                look.has(&keys::device(it.organization_id, it.device_id))?
            }
            _ => true,
        };
        for entry in footprint(&record, lives)?.into_iter().skip(1) {
            if look.octets(&entry.key)?.as_deref() != Some(&entry.value[..]) {
                let problem = format!("it is not found by {}", space::describe(&entry.key));
                self.find(kind, key, problem);
            }
            self.links.insert(hash(&entry.key));
        }
        Ok(())
    }

    /// A key that leads to a record, the other way round.
    fn link(&mut self, _: &Look<'_>, key: &[u8], _: &IVec) -> Result<(), Error> {
        if space::is_link(key) && !self.links.contains(&hash(key)) {
            let place = space::describe(key);
            self.findings.push(Finding::new(
                format_args!("{place} {}", hexadecimal(&key[1..])),
                "it leads to no record",
            ));
        }
        Ok(())
    }

    fn find(&mut self, kind: RecordKind, key: &[u8], problem: impl Into<String>) {
        let place = format!("{kind} {}", hexadecimal(&key[1..]));
        self.findings.push(Finding::new(place, problem));
    }
}

fn hash(key: &[u8]) -> u64 {
    let mut hasher = DefaultHasher::new();
    key.hash(&mut hasher);
    hasher.finish()
}

/// The ids in a key, as far as they are no text.
fn hexadecimal(key: &[u8]) -> String {
    key.iter().map(|octet| format!("{octet:02x}")).collect()
}

/// How many keys a look may take in.
const LOOK_MAX: usize = 256;

#[cfg(test)]
mod tests;
