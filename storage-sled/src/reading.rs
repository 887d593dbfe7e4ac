//! Stored readings in sled; they are written by the [report store](crate::report).

use async_trait::async_trait;
use fieldgate_core::model::id::{OrganizationId, SensorId};
use fieldgate_core::model::page::{Page, PageRequest};
use fieldgate_core::model::reading::{Reading, TimeRange};
use fieldgate_core::model::timestamp::Timestamp;
use fieldgate_core::storage::{ReadingStore, StorageError};

use crate::SledStorage;
use crate::change::Change;
use crate::change::Source as _;
use crate::error::Error;
use crate::keys::{self, Day, KeyReader, Range};
use crate::record::{decode_reading, encode_reading};
use crate::sensor;

#[async_trait]
impl ReadingStore for SledStorage {
    async fn readings(
        &self,
        organization: OrganizationId,
        sensor: SensorId,
        range: TimeRange,
        page: PageRequest<Timestamp>,
    ) -> Result<Page<Reading>, StorageError> {
        // Newest first: what comes after a position is what lies ahead of its key.
        let end = page.after.map_or(range.to, |after| range.to.min(after));
        let range = Range::of(keys::readings(organization, sensor))
            .from(keys::reading(organization, sensor, range.from))
            .before(Some(keys::reading(organization, sensor, end)));
        self.read(move |reader| {
            reader.look(|view| {
                let Some(sensor) = sensor::living(&view, organization, sensor)? else {
                    return Ok(Page::cut(Vec::new(), page.limit));
                };
                // A page is short enough for one look, so its type is that of its readings.
                let mut found = Vec::new();
                let newest_first = view.entries(range).rev();
                for entry in newest_first.take(page.limit.as_usize() + 1) {
                    let (key, octets) = entry?;
                    let mut key = KeyReader::new(&key);
                    let (_, _) = (key.uuid()?, key.uuid()?);
                    let mut reading = decode_reading(sensor.id, key.timestamp()?, &octets)?;
                    reading.value = reading.value.as_type(sensor.settings.value_type);
                    found.push(reading);
                }
                Ok(Page::cut(found, page.limit))
            })
        })
        .await
    }
}

/// Adds a reading if there is none of that sensor and timestamp; whether it did.
pub(crate) fn add(
    change: &mut Change<'_>,
    organization: OrganizationId,
    reading: &Reading,
) -> Result<bool, Error> {
    let (sensor, at) = (reading.sensor_id, reading.timestamp);
    let key = keys::reading(organization, sensor, at);
    if change.has(&key)? {
        return Ok(false);
    }
    change.put(key, encode_reading(reading));
    let day = keys::reading_day(Day::of(at), organization, sensor);
    if !change.has(&day)? {
        change.mark(day);
    }
    Ok(true)
}
