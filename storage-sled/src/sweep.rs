//! Finds what is no longer needed.
//!
//! Between the look and the removal nothing of it can come back: what was deleted is never written
//! again, and what is too old stays so. Where that is not quite so, the removal looks again.

use std::collections::HashSet;
use std::ops::ControlFlow;
use std::time::Duration;

use fieldgate_core::model::certificate::Certificate;
use fieldgate_core::model::component::Component;
use fieldgate_core::model::id::{
    ComponentId, DeviceId, OrganizationId, QuarantineId, SensorId, TokenId,
};
use fieldgate_core::model::quarantine::QuarantinedItem;
use fieldgate_core::model::sensor::Sensor;
use fieldgate_core::model::timestamp::Timestamp;
use fieldgate_core::model::token::RegistrationToken;
use fieldgate_core::storage::PurgePolicy;
use uuid::Uuid;

use crate::change::{Change, Source as _};
use crate::error::Error;
use crate::keys::{self, Day, KeyReader, Range};
use crate::record::Record;
use crate::retention::{HEALTH, Position, READINGS};
use crate::scan::{Order, Reader};
use crate::{certificate, component, quarantine, sensor, token};

/// Finds about `limit` records that are to go; what retention removes, from a position on.
pub(crate) fn find(
    reader: Reader<'_>,
    policy: &PurgePolicy,
    limit: usize,
    position: Position,
) -> Result<Found, Error> {
    let mut sweep = Sweep {
        reader,
        limit,
        found: Found::default(),
    };
    sweep.deleted_devices()?;
    sweep.deleted_components()?;
    sweep.deleted_sensors()?;
    sweep.orphans(policy.now)?;
    let readings = sweep.old(&READINGS, policy.readings_before, position.readings)?;
    let health = sweep.old(&HEALTH, policy.health_before, position.health)?;
    sweep.quarantine(policy.quarantined_before)?;
    sweep.idempotency(policy.idempotency_before)?;
    sweep.tokens(policy.now)?;
    let mut found = sweep.found;
    found.position = Position { readings, health };
    found.more |= found.unfinished;
    Ok(found)
}

/// What is to go.
#[derive(Default)]
pub(crate) struct Found {
    /// How many records.
    pub(crate) records: usize,
    /// Whether there may be more.
    pub(crate) more: bool,
    /// Whether retention has not come to its end, though there may be room.
    pub(crate) unfinished: bool,
    /// From where on it has to look in the next step.
    pub(crate) position: Position,
    keys: HashSet<Vec<u8>>,
    /// Sensors of which readings go.
    pub(crate) sensors: HashSet<(OrganizationId, SensorId)>,
    /// Days of which no record was left, with where the records would be.
    pub(crate) days: Vec<(Vec<u8>, Range)>,
    /// Records of requests, behind the keys that lead to them.
    idempotency: Vec<(Vec<u8>, Vec<u8>)>,
    /// Open tokens that have expired.
    tokens: Vec<(OrganizationId, TokenId)>,
}

impl Found {
    pub(crate) fn is_empty(&self) -> bool {
        self.keys.is_empty()
            && self.days.is_empty()
            && self.idempotency.is_empty()
            && self.tokens.is_empty()
    }

    pub(crate) fn remove(self, change: &mut Change<'_>, now: Timestamp) -> Result<(), Error> {
        for key in self.keys {
            change.remove(key);
        }
        for (organization, id) in self.sensors {
            sensor::forget_latest(change, organization, id)?;
        }
        for (key, records) in self.days {
            // A late record may have come since.
            if !change.any(records)? {
                change.remove(key);
            }
        }
        for (by_time, key) in self.idempotency {
            // The key may have been purged and used again since.
            if change.has(&by_time)? {
                change.remove(by_time);
                change.remove(key);
            }
        }
        for (organization, id) in self.tokens {
            token::note_expired(change, organization, id, now)?;
        }
        Ok(())
    }
}

/// Looks for what is to go, until there is enough for one step.
pub(crate) struct Sweep<'a> {
    reader: Reader<'a>,
    pub(crate) limit: usize,
    pub(crate) found: Found,
}

impl Sweep<'_> {
    fn deleted_devices(&mut self) -> Result<(), Error> {
        self.each(Range::of(keys::deleted_devices()), |sweep, key, _| {
            let mut ids = KeyReader::new(key);
            let organization = OrganizationId::from_uuid(ids.uuid()?);
            let device = DeviceId::from_uuid(ids.uuid()?);
            sweep.sensors(keys::sensors_of_device(organization, device))?;
            sweep.records(
                keys::components_of_device(organization, device),
                |id| keys::component(organization, ComponentId::from_uuid(id)),
                |component: &Component| component::all_keys(component),
            )?;
            sweep.records(
                keys::tokens_of_device(organization, device),
                |id| keys::token(organization, TokenId::from_uuid(id)),
                |token: &RegistrationToken| token::all_keys(token),
            )?;
            sweep.records(
                keys::quarantine_of_device(organization, device),
                |id| keys::quarantined(organization, QuarantineId::from_uuid(id)),
                |item: &QuarantinedItem| quarantine::all_keys(item),
            )?;
            let reports = Range::of(keys::health_reports(organization, device));
            sweep.each(reports, |sweep, key, _| {
                let at = time_of(key)?;
                let day = keys::health_day(Day::of(at), organization, device);
                Ok(sweep.take([key.to_vec(), day]))
            })?;
            let retained = Range::of(keys::all_retained(organization, device));
            sweep.each(retained, |sweep, key, _| Ok(sweep.take([key.to_vec()])))?;
            Ok(sweep.done(key))
        })
    }

    fn deleted_components(&mut self) -> Result<(), Error> {
        self.each(Range::of(keys::deleted_components()), |sweep, key, _| {
            let mut ids = KeyReader::new(key);
            let organization = OrganizationId::from_uuid(ids.uuid()?);
            let component = ComponentId::from_uuid(ids.uuid()?);
            sweep.sensors(keys::sensors_of_component(organization, component))?;
            Ok(sweep.done(key))
        })
    }

    fn deleted_sensors(&mut self) -> Result<(), Error> {
        self.each(Range::of(keys::deleted_sensors()), |sweep, key, _| {
            let mut ids = KeyReader::new(key);
            let organization = OrganizationId::from_uuid(ids.uuid()?);
            sweep.readings_of(organization, SensorId::from_uuid(ids.uuid()?))?;
            Ok(sweep.done(key))
        })
    }

    /// Sensors that links lead to, each behind its readings.
    fn sensors(&mut self, links: Vec<u8>) -> Result<(), Error> {
        self.each(Range::of(links), |sweep, key, _| {
            let mut ids = KeyReader::new(key);
            let organization = OrganizationId::from_uuid(ids.uuid()?);
            let _owner = ids.uuid()?;
            let id = SensorId::from_uuid(ids.uuid()?);
            sweep.readings_of(organization, id)?;
            if sweep.found.more {
                return Ok(ControlFlow::Break(()));
            }
            let record = keys::sensor(organization, id);
            let stored = sweep.reader.look(|view| view.record::<Sensor>(&record))?;
            Ok(stored.map_or(ControlFlow::Continue(()), |stored| {
                sweep.take(sensor::all_keys(&stored))
            }))
        })
    }

    fn readings_of(&mut self, organization: OrganizationId, id: SensorId) -> Result<(), Error> {
        let readings = Range::of(keys::readings(organization, id));
        self.each(readings, |sweep, key, _| {
            let day = keys::reading_day(Day::of(time_of(key)?), organization, id);
            Ok(sweep.take([key.to_vec(), day]))
        })
    }

    /// Records that links with their ids lead to.
    fn records<T: Record>(
        &mut self,
        links: Vec<u8>,
        record: impl Fn(Uuid) -> Vec<u8>,
        all_keys: impl Fn(&T) -> Vec<Vec<u8>>,
    ) -> Result<(), Error> {
        self.each(Range::of(links), |sweep, key, _| {
            let mut ids = KeyReader::new(key);
            let (_, _) = (ids.uuid()?, ids.uuid()?);
            let record = record(ids.uuid()?);
            let stored = sweep.reader.look(|view| view.record::<T>(&record))?;
            Ok(stored.map_or(ControlFlow::Continue(()), |stored| {
                sweep.take(all_keys(&stored))
            }))
        })
    }

    /// Certificates of deleted devices that have expired.
    fn orphans(&mut self, now: Timestamp) -> Result<(), Error> {
        let expired = Range::of(keys::orphans_by_end()).before(Some(keys::orphans_from(now)));
        self.each(expired, |sweep, key, _| {
            let mut parts = KeyReader::new(key);
            let _end = parts.timestamp()?;
            let organization = OrganizationId::from_uuid(parts.uuid()?);
            let device = DeviceId::from_uuid(parts.uuid()?);
            let record = keys::certificate(organization, device, parts.u64()?);
            let look = |view: crate::change::View<'_>| view.record::<Certificate>(&record);
            Ok(match sweep.reader.look(look)? {
                Some(stored) => sweep.take(certificate::all_keys(&stored)),
                None => ControlFlow::Continue(()),
            })
        })
    }

    fn quarantine(&mut self, before: Timestamp) -> Result<(), Error> {
        let old = Range::of(keys::quarantine_by_time()).before(Some(keys::quarantine_from(before)));
        self.each(old, |sweep, key, _| {
            let mut parts = KeyReader::new(key);
            let _at = parts.timestamp()?;
            let organization = OrganizationId::from_uuid(parts.uuid()?);
            let record = keys::quarantined(organization, QuarantineId::from_uuid(parts.uuid()?));
            let look = |view: crate::change::View<'_>| view.record::<QuarantinedItem>(&record);
            Ok(match sweep.reader.look(look)? {
                Some(stored) => sweep.take(quarantine::all_keys(&stored)),
                None => ControlFlow::Continue(()),
            })
        })
    }

    fn idempotency(&mut self, before: Timestamp) -> Result<(), Error> {
        let all = Range::of(keys::all_idempotency_by_time());
        let old = all.before(Some(keys::idempotency_from(before)));
        self.each(old, |sweep, key, record| {
            let taken = sweep.take([]);
            if taken.is_continue() {
                let link = (key.to_vec(), record.to_vec());
                sweep.found.idempotency.push(link);
            }
            Ok(taken)
        })
    }

    /// Open tokens that have expired; they stay, and are noted as such.
    fn tokens(&mut self, now: Timestamp) -> Result<(), Error> {
        let behind = keys::open_tokens_from(now.plus(Duration::from_millis(1)));
        let expired = Range::of(keys::open_tokens_by_end()).before(Some(behind));
        let at_most = self.limit.max(1);
        self.each(expired, |sweep, key, _| {
            if sweep.found.tokens.len() >= at_most {
                sweep.found.more = true;
                return Ok(ControlFlow::Break(()));
            }
            let mut parts = KeyReader::new(key);
            let _end = parts.timestamp()?;
            let organization = OrganizationId::from_uuid(parts.uuid()?);
            let id = TokenId::from_uuid(parts.uuid()?);
            sweep.found.tokens.push((organization, id));
            Ok(ControlFlow::Continue(()))
        })
    }

    /// Takes a record with all its keys, if there is room; `Break` if there is none.
    pub(crate) fn take(&mut self, keys: impl IntoIterator<Item = Vec<u8>>) -> ControlFlow<()> {
        let mut keys = keys.into_iter().peekable();
        let known = keys.peek().is_some_and(|key| self.found.keys.contains(key));
        if known {
            return ControlFlow::Continue(());
        }
        if self.found.records >= self.limit {
            self.found.more = true;
            return ControlFlow::Break(());
        }
        self.found.records += 1;
        self.found.keys.extend(keys);
        ControlFlow::Continue(())
    }

    /// Takes the note that something was deleted, once nothing of it is left.
    fn done(&mut self, key: &[u8]) -> ControlFlow<()> {
        if !self.found.more {
            self.found.keys.insert(key.to_vec());
        }
        self.enough()
    }

    pub(crate) const fn enough(&self) -> ControlFlow<()> {
        if self.found.more {
            ControlFlow::Break(())
        } else {
            ControlFlow::Continue(())
        }
    }

    /// Shows each key of a range and its value, until there is enough.
    pub(crate) fn each(
        &mut self,
        mut range: Range,
        mut visit: impl FnMut(&mut Self, &[u8], &[u8]) -> Result<ControlFlow<()>, Error>,
    ) -> Result<(), Error> {
        while !self.found.more {
            // The visitor looks by itself, so it is called between two looks.
            let reader = self.reader;
            let mut entries = Vec::new();
            reader.each(range.clone(), Order::Ascending, |_, key, value| {
                entries.push((key.to_vec(), value.to_vec()));
                Ok(if entries.len() < ENTRIES_MAX {
                    ControlFlow::Continue(())
                } else {
                    ControlFlow::Break(())
                })
            })?;
            for (key, value) in &entries {
                if visit(self, key, value)?.is_break() {
                    return Ok(());
                }
            }
            match entries.pop() {
                Some((last, _)) => range = range.after(Some(last)),
                None => return Ok(()),
            }
        }
        Ok(())
    }
}

/// The time at the end of the key of a reading or a health report.
fn time_of(key: &[u8]) -> Result<Timestamp, Error> {
    let mut key = KeyReader::new(key);
    let (_, _) = (key.uuid()?, key.uuid()?);
    key.timestamp()
}

const ENTRIES_MAX: usize = 64;
