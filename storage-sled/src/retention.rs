//! Finds the readings and health reports that are too old.
//!
//! They are found by notes: a key for each day and each owner, a sensor or a device, of which there
//! is a record. A step looks at so many notes only, and the next one goes on where it has come to:
//! so the cost of a step does not grow with the fleet.

use std::ops::ControlFlow;

use fieldgate_core::model::id::{DeviceId, OrganizationId, SensorId};
use fieldgate_core::model::timestamp::Timestamp;
use uuid::Uuid;

use crate::error::Error;
use crate::keys::{self, Day, KeyReader, Range};
use crate::sweep::Sweep;

/// Behind which notes a search goes on; from the first one where there is none.
#[derive(Clone, Debug, Default)]
pub(crate) struct Position {
    pub(crate) readings: Option<Vec<u8>>,
    pub(crate) health: Option<Vec<u8>>,
}

/// Records that a device adds by time, and that retention removes.
pub(crate) struct Series {
    days: fn() -> Vec<u8>,
    days_from: fn(Day) -> Vec<u8>,
    /// The key of a record, of the owner that the key of the day names.
    record: fn(OrganizationId, Uuid, Timestamp) -> Vec<u8>,
    /// The sensor that the owner is, if it is one.
    sensor: fn(Uuid) -> Option<SensorId>,
}

pub(crate) const READINGS: Series = Series {
    days: keys::reading_days,
    days_from: keys::reading_days_from,
    record: |organization, id, at| keys::reading(organization, SensorId::from_uuid(id), at),
    sensor: |id| Some(SensorId::from_uuid(id)),
};

pub(crate) const HEALTH: Series = Series {
    days: keys::health_days,
    days_from: keys::health_days_from,
    record: |organization, id, at| keys::health_report(organization, DeviceId::from_uuid(id), at),
    sensor: |_| None,
};

impl Series {
    /// Where the records of an owner from the begin of a day until `end` are.
    fn records(
        &self,
        organization: OrganizationId,
        owner: Uuid,
        day: Day,
        end: Timestamp,
    ) -> Range {
        let end = (self.record)(organization, owner, end);
        Range::of((self.record)(organization, owner, day.begin())).before(Some(end))
    }
}

impl Sweep<'_> {
    /// Looks for what is older than `before` behind a note. Returns behind which note the next step
    /// has to look; `None` at the end.
    ///
    /// A note of which there was something is looked at again, to see that it can go.
    pub(crate) fn old(
        &mut self,
        series: &Series,
        before: Option<Timestamp>,
        from: Option<Vec<u8>>,
    ) -> Result<Option<Vec<u8>>, Error> {
        let Some(before) = before else {
            return Ok(None);
        };
        let behind = (series.days_from)(Day::of(before).next());
        let days = Range::of((series.days)()).before(Some(behind));
        let days = days.after(from.clone());
        let mut done = from;
        let mut at_end = !self.found.more;
        let mut clean = true;
        let mut looked = 0;
        self.each(days, |sweep, key, _| {
            if looked >= sweep.limit.max(1) {
                at_end = false;
                return Ok(ControlFlow::Break(()));
            }
            looked += 1;
            let mut parts = KeyReader::new(key);
            let day = parts.day()?;
            let (organization, owner) = (OrganizationId::from_uuid(parts.uuid()?), parts.uuid()?);
            let end = day.next().begin();
            let old = series.records(organization, owner, day, before.min(end));
            let mut left = false;
            sweep.each(old, |sweep, key, _| {
                left = true;
                Ok(sweep.take([key.to_vec()]))
            })?;
            if left && let Some(sensor) = (series.sensor)(owner) {
                sweep.found.sensors.insert((organization, sensor));
            }
            clean &= !left;
            if clean {
                done = Some(key.to_vec());
            }
            if !left && end <= before {
                let whole = series.records(organization, owner, day, end);
                sweep.found.days.push((key.to_vec(), whole));
            }
            at_end = !sweep.found.more;
            Ok(sweep.enough())
        })?;
        let finished = at_end && clean;
        self.found.unfinished |= !finished;
        Ok(done.filter(|_| !finished))
    }
}
