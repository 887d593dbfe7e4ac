//! Faults of components and sensors, and of the readings that are kept of them.

use super::{Fault, FaultyStorage, whole};
use crate::model::id::{ComponentId, OrganizationId, SensorId};
use crate::model::page::{Page, PageRequest};
use crate::model::reading::{Reading, TimeRange, Value};
use crate::model::revision::Revision;
use crate::model::sensor::{Sensor, SensorFilter};
use crate::model::timestamp::Timestamp;
use crate::storage::{ComponentStore, ReadingStore, SensorStore, StorageError};
use crate::testing::clauses::assert_caught;
use crate::testing::storage::{StorageFixture, component, ingestion, reading, value_types};

impl FaultyStorage {
    pub(super) async fn delete_component(
        &self,
        organization: OrganizationId,
        id: ComponentId,
        expected: Option<Revision>,
    ) -> Result<(), StorageError> {
        let filter = SensorFilter {
            component_id: Some(id),
            ..SensorFilter::default()
        };
        let sensors = self.inner.sensors(organization, &filter, whole()).await?;
        self.noted().sensors.extend(sensors.items);
        let deleted = self.inner.delete_component(organization, id, expected);
        deleted.await
    }

    pub(super) async fn sensor(
        &self,
        organization: OrganizationId,
        id: SensorId,
    ) -> Result<Option<Sensor>, StorageError> {
        let found = self.inner.sensor(organization, id).await?;
        if found.is_none() && self.has(Fault::LeavesSensors) {
            let left = self.noted();
            return Ok(left.sensors.iter().find(|it| it.id == id).cloned());
        }
        Ok(found)
    }

    pub(super) async fn sensors(
        &self,
        organization: OrganizationId,
        filter: &SensorFilter,
        page: PageRequest<SensorId>,
    ) -> Result<Page<Sensor>, StorageError> {
        let mut found = self.inner.sensors(organization, filter, page).await?;
        let noted = self.noted();
        if let Some(last) = &noted.last_reported
            && self.has(Fault::LatestIsTheLastToArrive)
        {
            for sensor in &mut found.items {
                sensor.latest = Some(last.clone());
            }
        }
        Ok(found)
    }

    pub(super) async fn readings(
        &self,
        organization: OrganizationId,
        sensor: SensorId,
        mut range: TimeRange,
        page: PageRequest<Timestamp>,
    ) -> Result<Page<Reading>, StorageError> {
        if self.has(Fault::IncludesTheEnd) {
            range.to = range.to.plus(std::time::Duration::from_millis(1));
        }
        let mut found = self
            .inner
            .readings(organization, sensor, range, page)
            .await?;
        let noted = self.noted();
        if self.has(Fault::LeavesReadings) && found.items.is_empty() && page.after.is_none() {
            let left = noted.readings.iter().filter(|it| it.sensor_id == sensor);
            found.items.extend(left.cloned());
        }
        for reading in &mut found.items {
            match (self.fault, &reading.value) {
                (Fault::OverwritesReadings, _) => {
                    if let Some(value) = noted.reported.get(&reading.timestamp) {
                        reading.value = value.clone();
                    }
                }
                (Fault::RoundsIntegers, Value::BigInt(number)) => {
                    reading.value = Value::BigInt(rounded(*number));
                }
                _ => {}
            }
        }
        Ok(found)
    }
}

/// As it comes back from a float of 64 bits.
fn rounded(number: i64) -> i64 {
    let Value::Double(float) = Value::widened(number) else {
        return number;
    };
    format!("{:.0}", float.as_f64()).parse().unwrap_or(number)
}

#[tokio::test]
async fn faults_of_parts_are_caught() {
    assert_catches!(
        component::delete_takes_sensors_and_readings_along,
        LeavesSensors,
        "left: Some(Sensor"
    );
    assert_catches!(
        ingestion::late_data_does_not_replace_the_latest,
        LatestIsTheLastToArrive,
        "left: Some(LatestReading"
    );
}

#[tokio::test]
async fn faults_of_readings_are_caught() {
    assert_catches!(
        ingestion::the_first_of_a_timestamp_stays,
        OverwritesReadings,
        "BigInt(6)"
    );
    assert_catches!(
        reading::the_history_is_newest_first,
        IncludesTheEnd,
        "TimeRange"
    );
    assert_catches!(
        value_types::numbers_are_kept_to_the_bit,
        RoundsIntegers,
        "9007199254740992"
    );
}
