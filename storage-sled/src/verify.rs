//! Checks a tree: that each record reads, and that the keys that lead to records agree with them.

use std::collections::HashSet;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use fieldgate_core::model::group::DeviceGroup;
use fieldgate_core::storage::{ArchiveRecord, FINDINGS_MAX, Finding, RecordKind};
use sled::IVec;

use crate::error::Error;
use crate::footprint::{footprint, owners};
use crate::keys::{self, Range};
use crate::snapshot::{Look, Snapshot};
use crate::space::{self, Space};
use crate::store::Shared;
use crate::tally::{self, Deltas};
use crate::unpack::{kind_of, unpack};

/// Tells what is wrong in a snapshot of all keys.
pub(crate) fn verify(shared: &Shared, snapshot: &Snapshot) -> Result<Vec<Finding>, Error> {
    let mut check = Check::default();
    // What belongs to records is known before the keys that lead to them are looked at.
    each(shared, snapshot, &mut check, Check::record)?;
    each(shared, snapshot, &mut check, Check::link)?;
    check.missing();
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
    /// The numbers that are kept, as the records add up to them.
    tally: Deltas,
    /// Groups that are counted to their end, of the organizations whose devices follow.
    groups: Vec<DeviceGroup>,
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
        self.count(look, record)
    }

    /// Adds what a record adds to the numbers that are kept.
    fn count(&mut self, look: &Look<'_>, record: ArchiveRecord) -> Result<(), Error> {
        match record {
            ArchiveRecord::Group(it)
                if !look.has(&keys::uncounted_group(it.organization_id, it.id))? =>
            {
                self.groups.push(it);
            }
            ArchiveRecord::Device(it) => {
                tally::device(&mut self.tally, Some(&it), 1);
                for group in &self.groups {
                    if group.organization_id == it.organization_id
                        && group.settings.selector.matches(&it.settings.tags)
                    {
                        tally::member(&mut self.tally, it.organization_id, group.id, 1);
                    }
                }
            }
            ArchiveRecord::Sensor(it) => {
                let organization = it.organization_id;
                if look.has(&keys::component(organization, it.component_id))?
                    && look.has(&keys::device(organization, it.device_id))?
                {
                    let value_type = it.settings.value_type;
                    tally::sensor(&mut self.tally, organization, value_type, 1);
                }
            }
            _ => {}
        }
        Ok(())
    }

    /// A key that leads to a record, the other way round.
    fn link(&mut self, look: &Look<'_>, key: &[u8], value: &IVec) -> Result<(), Error> {
        if key.first() == Some(&(Space::Tally as u8)) {
            return self.number(look, key, value);
        }
        if space::is_link(key) && !self.links.contains(&hash(key)) {
            let place = space::describe(key);
            self.findings.push(Finding::new(
                format_args!("{place} {}", hexadecimal(&key[1..])),
                "it leads to no record",
            ));
        }
        Ok(())
    }

    /// A number that is kept. That of a group that is being counted is right when it is done.
    fn number(&mut self, look: &Look<'_>, key: &[u8], value: &IVec) -> Result<(), Error> {
        let expected = self.tally.remove(key).unwrap_or(0);
        let kept = <[u8; 8]>::try_from(&**value).map(u64::from_be_bytes);
        if kept.ok() != Some(expected.cast_unsigned()) && !tally::is_unfinished(look, key)? {
            self.wrong(key);
        }
        Ok(())
    }

    /// Numbers that are not there.
    fn missing(&mut self) {
        for (key, expected) in std::mem::take(&mut self.tally) {
            if expected != 0 {
                self.wrong(&key);
            }
        }
    }

    fn wrong(&mut self, key: &[u8]) {
        if self.findings.len() < FINDINGS_MAX {
            let place = format!("Tally {}", hexadecimal(&key[1..]));
            let problem = "the number is not that of what is there";
            self.findings.push(Finding::new(place, problem));
        }
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
