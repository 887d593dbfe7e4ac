//! Faults of devices: of their names, their revisions, and their end.

use super::{Fault, FaultyStorage, whole};
use crate::model::device::{Device, DeviceUpdate};
use crate::model::id::{DeviceId, OrganizationId};
use crate::model::reading::TimeRange;
use crate::model::revision::Revision;
use crate::model::sensor::SensorFilter;
use crate::model::tag::TagSelector;
use crate::model::timestamp::Timestamp;
use crate::storage::{
    DeletedDevice, DeviceChange, DeviceStore, Effects, GroupStore, ReadingStore, SensorStore,
    StorageError, Unique,
};
use crate::testing::clauses::assert_caught;
use crate::testing::fixtures::group;
use crate::testing::storage::{
    StorageFixture, concurrency, deletion, device, device_update, idempotency, races,
};

impl FaultyStorage {
    pub(super) async fn create_device(
        &self,
        device: &Device,
        effects: &Effects,
    ) -> Result<(), StorageError> {
        let id = device.organization_id;
        if self.has(Fault::FoldsCase) {
            let name = device.settings.name.as_str();
            let mut all = self.devices_of(id).await.into_iter();
            if all.any(|it| it.settings.name.as_str().eq_ignore_ascii_case(name)) {
                return Err(StorageError::Taken(Unique::DeviceName));
            }
        }
        let answer = self.inner.create_device(device, effects).await;
        match (self.fault, &answer) {
            (Fault::RemembersTheRefused, Err(StorageError::Taken(Unique::DeviceName))) => {
                let other = group(id, TagSelector::default());
                self.inner.create_group(&other, effects).await?;
                answer
            }
            (Fault::TakesNamesTwice, Err(StorageError::Taken(Unique::DeviceName))) => Ok(()),
            _ => answer,
        }
    }

    pub(super) async fn update_device(
        &self,
        organization: OrganizationId,
        id: DeviceId,
        expected: Option<Revision>,
        update: &DeviceUpdate,
        now: Timestamp,
    ) -> Result<DeviceChange, StorageError> {
        let expected = expected.filter(|_| !self.has(Fault::IgnoresRevisions));
        let read = self.inner.device(organization, id).await?;
        if self.has(Fault::LosesUpdates) {
            // Time for another one to read the same.
            tokio::task::yield_now().await;
        }
        let changed = self
            .inner
            .update_device(organization, id, expected, update, now);
        let mut change = match changed.await {
            Err(StorageError::Taken(Unique::DeviceName)) if self.has(Fault::TakesNamesTwice) => {
                let mut device = read.clone().unwrap();
                device.settings = update.settings.clone();
                DeviceChange {
                    device,
                    ended: None,
                }
            }
            answer => answer?,
        };
        if let Some(read) = read.filter(|_| self.has(Fault::LosesUpdates)) {
            change.device.revision = read.revision.next();
        }
        Ok(change)
    }

    pub(super) async fn delete_device(
        &self,
        organization: OrganizationId,
        id: DeviceId,
        expected: Option<Revision>,
        now: Timestamp,
    ) -> Result<DeletedDevice, StorageError> {
        let expected = expected.filter(|_| !self.has(Fault::IgnoresRevisions));
        let filter = SensorFilter {
            device_id: Some(id),
            ..SensorFilter::default()
        };
        for sensor in self
            .inner
            .sensors(organization, &filter, whole())
            .await?
            .items
        {
            let readings = self
                .inner
                .readings(organization, sensor.id, TimeRange::ALL, whole());
            let readings = readings.await?.items;
            self.noted().readings.extend(readings);
        }
        let deleted = self.inner.delete_device(organization, id, expected, now);
        let mut deleted = deleted.await?;
        if self.has(Fault::KeepsTheEnd) {
            deleted.ended = None;
        }
        Ok(deleted)
    }
}

#[tokio::test]
async fn faults_of_names_are_caught() {
    assert_catches!(device::names_are_exact, FoldsCase, "Taken(DeviceName)");
    assert_catches!(
        device::create_refuses_a_taken_name,
        TakesNamesTwice,
        "Ok(())"
    );
    assert_catches!(
        concurrency::one_device_of_a_name_is_created,
        TakesNamesTwice,
        "two have won"
    );
    assert_catches!(
        races::one_device_is_renamed_to_a_name,
        TakesNamesTwice,
        "two have won"
    );
    assert_catches!(
        idempotency::a_refused_change_has_no_effects,
        RemembersTheRefused,
        "Taken(IdempotencyKey)"
    );
}

#[tokio::test]
async fn faults_of_revisions_are_caught() {
    assert_catches!(
        device_update::update_checks_the_revision,
        IgnoresRevisions,
        "Ok(DeviceChange"
    );
    assert_catches!(
        deletion::it_checks_the_revision,
        IgnoresRevisions,
        "Ok(DeletedDevice"
    );
    assert_catches!(
        concurrency::one_update_of_a_revision_wins,
        IgnoresRevisions,
        "two have won"
    );
    assert_catches!(
        concurrency::updates_without_a_revision_all_count,
        LosesUpdates,
        "left: {"
    );
}

#[tokio::test]
async fn faults_of_deletions_are_caught() {
    assert_catches!(deletion::its_session_is_gone, KeepsTheEnd, "left: None");
    assert_catches!(
        deletion::what_it_had_is_gone,
        LeavesReadings,
        "readings_of(storage, &sensor)"
    );
}
