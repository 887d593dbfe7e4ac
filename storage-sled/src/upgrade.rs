//! Brings what an earlier version has written to the format of this one.
//!
//! The number of the format is written last: an upgrade that was cut off begins anew at the next
//! start. It goes in small steps, each on the disk before the next one.

use fieldgate_core::model::device::Device;
use fieldgate_core::model::group::DeviceGroup;
use fieldgate_core::model::sensor::Sensor;
use sled::{Batch, Db, IVec};

use crate::change::View;
use crate::error::Error;
use crate::keys;
use crate::record::Record as _;
use crate::sensor;
use crate::space::Space;
use crate::sync::Syncer;
use crate::tally::{self, Deltas};

/// A database that nobody else works on.
pub(crate) struct Upgrade<'a> {
    pub(crate) db: &'a Db,
    /// `None` where nobody waits for the disk.
    pub(crate) syncer: Option<&'a mut Syncer>,
}

impl Upgrade<'_> {
    /// From format 1 to 2, which keeps numbers of devices and sensors.
    pub(crate) fn count(&mut self) -> Result<(), Error> {
        for space in [Space::Tally, Space::GroupByTag, Space::UncountedGroup] {
            self.each(space, |writes, key, _| {
                writes.push((key.clone(), None));
                Ok(())
            })?;
        }
        self.each(Space::Group, |writes, _, octets| {
            let group = DeviceGroup::decode(octets)?;
            let (organization, id) = (group.organization_id, group.id);
            for lead in tally::leads(&group.settings.selector) {
                let key = keys::group_by_tag(organization, lead, id);
                writes.push((key.into(), Some(IVec::default())));
            }
            let key = keys::uncounted_group(organization, id);
            writes.push((key.into(), Some(IVec::default())));
            Ok(())
        })?;
        let mut deltas = Deltas::new();
        self.each(Space::Device, |_, _, octets| {
            tally::device(&mut deltas, Some(&Device::decode(octets)?), 1);
            Ok(())
        })?;
        let db = self.db;
        self.each(Space::Sensor, |_, _, octets| {
            let sensor = Sensor::decode(octets)?;
            if sensor::is_living(&View::new(db), &sensor)? {
                let value_type = sensor.settings.value_type;
                tally::sensor(&mut deltas, sensor.organization_id, value_type, 1);
            }
            Ok(())
        })?;
        let mut deltas = deltas.into_iter().peekable();
        while deltas.peek().is_some() {
            let step = deltas.by_ref().take(STEP).map(|(key, count)| {
                let count = count.cast_unsigned().to_be_bytes();
                (key.into(), Some(IVec::from(&count)))
            });
            self.apply(step.collect())?;
        }
        Ok(())
    }

    /// Notes the format, once all else is on the disk.
    pub(crate) fn note(&mut self, format: u32) -> Result<(), Error> {
        let format = IVec::from(&format.to_be_bytes());
        self.apply(vec![(keys::meta("format").into(), Some(format))])
    }

    /// Shows each key and value of a space, with what is to be written for them.
    fn each(
        &mut self,
        space: Space,
        mut visit: impl FnMut(&mut Writes, &IVec, &IVec) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let mut entries = self.db.scan_prefix([space as u8]).peekable();
        while entries.peek().is_some() {
            let mut writes = Writes::new();
            for entry in entries.by_ref().take(STEP) {
                let (key, value) = entry?;
                visit(&mut writes, &key, &value)?;
            }
            self.apply(writes)?;
        }
        Ok(())
    }

    fn apply(&mut self, writes: Writes) -> Result<(), Error> {
        if writes.is_empty() {
            return Ok(());
        }
        let mut batch = Batch::default();
        for (key, value) in writes {
            match value {
                Some(value) => batch.insert(key, value),
                None => batch.remove(key),
            }
        }
        self.db.apply_batch(batch)?;
        self.db.flush()?;
        if let Some(syncer) = &mut self.syncer {
            syncer.sync().map_err(sled::Error::Io)?;
        }
        Ok(())
    }
}

/// Keys with their new values; without one they go.
type Writes = Vec<(IVec, Option<IVec>)>;

/// How many keys are looked at in one step.
const STEP: usize = 1000;

#[cfg(test)]
mod tests;
