//! Makes the records of an archive out of keys and values.

use fieldgate_core::model::certificate::Sha256Digest;
use fieldgate_core::model::component::Component;
use fieldgate_core::model::id::{ComponentId, DeviceId, OrganizationId, SensorId};
use fieldgate_core::model::sensor::{Sensor, ValueType};
use fieldgate_core::storage::{ArchiveRecord, RecordKind, RetainedTopic};
use sled::IVec;

use crate::error::Error;
use crate::keys::{self, KeyReader, Range};
use crate::record::{Record, decode_reading};
use crate::snapshot::Look;
use crate::space;

/// The kind of record under a key; none for what leads to records.
pub(crate) fn kind_of(key: &[u8]) -> Option<RecordKind> {
    let space = key.first()?;
    RecordKind::ALL
        .into_iter()
        .find(|kind| space::records(*kind).is_some_and(|prefix| prefix.first() == Some(space)))
}

/// Takes the records of one kind in their order, as far as they are to be seen.
pub(crate) struct Unpacker {
    kind: RecordKind,
    range: Range,
    at_end: bool,
    found: Vec<ArchiveRecord>,
    /// The sensor whose readings are being taken, and their type where it is to be seen.
    sensor: Option<(OrganizationId, SensorId, Option<ValueType>)>,
}

impl Unpacker {
    /// Those behind the one with a key.
    pub(crate) fn behind(kind: RecordKind, key: Option<Vec<u8>>) -> Self {
        let prefix = space::records(kind).unwrap_or_default();
        let mut range = Range::of(prefix.clone());
        if let Some(key) = key.filter(|key| !key.is_empty()) {
            let last = [prefix, key].concat();
            range = match kind {
                // It has several keys, all of which begin so.
                RecordKind::Retained => Range {
                    lower: Range::of(last).past(),
                    upper: range.upper,
                },
                _ => range.after(Some(last)),
            };
        }
        Self {
            kind,
            range,
            at_end: false,
            found: Vec::new(),
            sensor: None,
        }
    }

    pub(crate) fn found(&self) -> &[ArchiveRecord] {
        &self.found
    }

    pub(crate) const fn is_at_end(&self) -> bool {
        self.at_end
    }

    pub(crate) fn into_found(self) -> Vec<ArchiveRecord> {
        self.found
    }

    /// Takes some more, until there are `limit`.
    pub(crate) fn take(&mut self, look: &Look<'_>, limit: usize) -> Result<(), Error> {
        let mut last = None;
        let range = self.range.clone();
        for (count, entry) in look.entries(&range).enumerate() {
            let (key, value) = entry?;
            let is_enough = self.found.len() >= limit || count >= LOOK_MAX;
            // A record is taken as a whole.
            if is_enough && !self.goes_on(&key) {
                self.range = range.after(last);
                return Ok(());
            }
            self.add(look, &key, &value)?;
            last = Some(key.to_vec());
        }
        self.at_end = true;
        Ok(())
    }

    /// Whether a key belongs to the record that was found last.
    fn goes_on(&self, key: &[u8]) -> bool {
        let last = self
            .found
            .last()
            .filter(|last| last.kind() == RecordKind::Retained);
        last.is_some_and(|last| key[1..].starts_with(&last.bookmark().key))
    }

    fn add(&mut self, look: &Look<'_>, key: &[u8], value: &IVec) -> Result<(), Error> {
        if self.goes_on(key) {
            if let Some(ArchiveRecord::Retained { payload, .. }) = self.found.last_mut() {
                payload.extend_from_slice(value);
            }
            return Ok(());
        }
        let mut record = unpack(self.kind, key, value)?;
        if let ArchiveRecord::Reading(organization, reading) = &mut record {
            let Some(value_type) = self.value_type(look, *organization, reading.sensor_id)? else {
                return Ok(());
            };
            reading.value = reading.value.clone().as_type(value_type);
        } else if !is_seen(look, &record)? {
            return Ok(());
        }
        self.found.push(record);
        Ok(())
    }

    fn value_type(
        &mut self,
        look: &Look<'_>,
        organization: OrganizationId,
        id: SensorId,
    ) -> Result<Option<ValueType>, Error> {
        if let Some((of, sensor, value_type)) = self.sensor
            && (of, sensor) == (organization, id)
        {
            return Ok(value_type);
        }
        let octets = look.octets(&keys::sensor(organization, id))?;
        let sensor = octets.map(|octets| Sensor::decode(&octets)).transpose()?;
        let seen = match sensor {
            Some(sensor) => {
                let value_type = sensor.settings.value_type;
                let record = ArchiveRecord::Sensor(Box::new(sensor));
                is_seen(look, &record)?.then_some(value_type)
            }
            None => None,
        };
        self.sensor = Some((organization, id, seen));
        Ok(seen)
    }
}

/// Makes a record out of its own key and value; of a retained message, the first piece.
pub(crate) fn unpack(kind: RecordKind, key: &[u8], value: &[u8]) -> Result<ArchiveRecord, Error> {
    let mut parts = KeyReader::new(key);
    Ok(match kind {
        RecordKind::Organization => ArchiveRecord::Organization(Record::decode(value)?),
        RecordKind::ApiKey => ArchiveRecord::ApiKey(Record::decode(value)?),
        RecordKind::Issuer => ArchiveRecord::Issuer(Record::decode(value)?),
        RecordKind::IssuerCount => return Err(Error::Misplaced { what: "count" }),
        RecordKind::CompromisedKey => {
            ArchiveRecord::CompromisedKey(Sha256Digest::from_bytes(parts.array()?))
        }
        RecordKind::Site => ArchiveRecord::Site(Record::decode(value)?),
        RecordKind::Group => ArchiveRecord::Group(Record::decode(value)?),
        RecordKind::Device => ArchiveRecord::Device(Box::new(Record::decode(value)?)),
        RecordKind::Token => ArchiveRecord::Token(Record::decode(value)?),
        RecordKind::Certificate => ArchiveRecord::Certificate(Box::new(Record::decode(value)?)),
        RecordKind::Component => {
            ArchiveRecord::Component(Box::new(<Component as Record>::decode(value)?))
        }
        RecordKind::Sensor => ArchiveRecord::Sensor(Box::new(Record::decode(value)?)),
        RecordKind::Reading => {
            let organization = OrganizationId::from_uuid(parts.uuid()?);
            let sensor = SensorId::from_uuid(parts.uuid()?);
            let reading = decode_reading(sensor, parts.timestamp()?, value)?;
            ArchiveRecord::Reading(organization, reading)
        }
        RecordKind::Health => {
            let organization = OrganizationId::from_uuid(parts.uuid()?);
            ArchiveRecord::Health(organization, Box::new(Record::decode(value)?))
        }
        RecordKind::Quarantined => ArchiveRecord::Quarantined(Record::decode(value)?),
        RecordKind::Retained => ArchiveRecord::Retained {
            organization_id: OrganizationId::from_uuid(parts.uuid()?),
            device_id: DeviceId::from_uuid(parts.uuid()?),
            topic: topic(parts.array()?)?,
            payload: value.to_vec(),
        },
        RecordKind::Idempotency => ArchiveRecord::Idempotency(Record::decode(value)?),
    })
}

fn topic([octet]: [u8; 1]) -> Result<RetainedTopic, Error> {
    [RetainedTopic::ConfigReported, RetainedTopic::Status]
        .into_iter()
        .find(|topic| keys::topic_octet(*topic) == octet)
        .ok_or(Error::Misplaced {
            what: "retained message",
        })
}

/// Whether the device of a record, and its component, are there; others are always to be seen.
fn is_seen(look: &Look<'_>, record: &ArchiveRecord) -> Result<bool, Error> {
    let device =
        |organization: OrganizationId, id: DeviceId| look.has(&keys::device(organization, id));
    match record {
        ArchiveRecord::Token(it) => device(it.organization_id, it.device_id),
        ArchiveRecord::Component(it) => device(it.organization_id, it.device_id),
        ArchiveRecord::Sensor(it) => {
            let component: ComponentId = it.component_id;
            Ok(look.has(&keys::component(it.organization_id, component))?
                && device(it.organization_id, it.device_id)?)
        }
        ArchiveRecord::Health(organization, it) => device(*organization, it.device_id),
        ArchiveRecord::Quarantined(it) => device(it.organization_id, it.device_id),
        ArchiveRecord::Retained {
            organization_id,
            device_id,
            ..
        } => device(*organization_id, *device_id),
        _ => Ok(true),
    }
}

/// How many keys a look may take in.
const LOOK_MAX: usize = 256;
