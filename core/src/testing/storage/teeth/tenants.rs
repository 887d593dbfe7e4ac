//! Faults that show or change what is another organization's.

use super::{Fault, FaultyStorage};
use crate::model::api_key::KeyOwner;
use crate::model::device::{Device, DeviceSummary};
use crate::model::id::{DeviceId, GroupId, OrganizationId};
use crate::model::idempotency::{IdempotencyKey, IdempotencyRecord};
use crate::model::revision::Revision;
use crate::storage::{
    DeviceStore, GroupStore, IdempotencyStore, Seen, ServerProof, SessionStore, StorageError,
};
use crate::testing::clauses::assert_caught;
use crate::testing::fixtures::noon;
use crate::testing::storage::{StorageFixture, group, idempotency, isolation};

impl FaultyStorage {
    pub(super) async fn device(
        &self,
        organization: OrganizationId,
        id: DeviceId,
    ) -> Result<Option<Device>, StorageError> {
        let mut found = self.inner.device(organization, id).await?;
        if self.has(Fault::ShowsEverybodys) {
            for other in self.everybody().await {
                found = found.or(self.inner.device(other, id).await?);
            }
        }
        Ok(found)
    }

    pub(super) async fn device_summary(
        &self,
        organization: OrganizationId,
    ) -> Result<DeviceSummary, StorageError> {
        let mut summary = self.inner.device_summary(organization).await?;
        if self.has(Fault::CountsEverybodys) {
            for other in self.everybody().await {
                summary.total += self.inner.device_summary(other).await?.total;
            }
        }
        Ok(summary)
    }

    pub(super) async fn group_sizes(
        &self,
        organization: OrganizationId,
        ids: &[GroupId],
    ) -> Result<Vec<u64>, StorageError> {
        let mut counts = self.inner.group_sizes(organization, ids).await?;
        if self.has(Fault::CountsFromTheEnd) {
            counts.reverse();
        }
        Ok(counts)
    }

    pub(super) async fn delete_group(
        &self,
        organization: OrganizationId,
        id: GroupId,
        expected: Option<Revision>,
    ) -> Result<(), StorageError> {
        self.inner.delete_group(organization, id, expected).await?;
        if self.has(Fault::TakesDevicesAlong) {
            for device in self.devices_of(organization).await {
                let deleted = self
                    .inner
                    .delete_device(organization, device.id, None, noon());
                deleted.await?;
            }
        }
        Ok(())
    }

    pub(super) async fn touch_devices(
        &self,
        server: ServerProof,
        seen: &[Seen],
    ) -> Result<(), StorageError> {
        let mut seen = seen.to_vec();
        if self.has(Fault::TouchesEverybodys) {
            for other in self.everybody().await {
                seen.extend(seen.clone().iter().map(|seen| Seen {
                    organization_id: other,
                    ..*seen
                }));
            }
        }
        self.inner.touch_devices(server, &seen).await
    }

    pub(super) async fn idempotency_record(
        &self,
        owner: KeyOwner,
        key: &IdempotencyKey,
    ) -> Result<Option<IdempotencyRecord>, StorageError> {
        let mut found = self.inner.idempotency_record(owner, key).await?;
        if self.has(Fault::SharesKeys) {
            for other in self.everybody().await {
                let owner = KeyOwner::Organization(other);
                found = found.or(self.inner.idempotency_record(owner, key).await?);
            }
        }
        Ok(found)
    }
}

#[tokio::test]
async fn faults_of_isolation_are_caught() {
    assert_catches!(isolation::devices, ShowsEverybodys, "left: Some(Device");
    assert_catches!(isolation::devices, CountsEverybodys, "left: 1");
    assert_catches!(
        isolation::certificates_and_sessions,
        TouchesEverybodys,
        "last_seen_at"
    );
    assert_catches!(
        idempotency::owners_are_apart,
        SharesKeys,
        "left: Some(IdempotencyRecord"
    );
}

#[tokio::test]
async fn faults_of_groups_are_caught() {
    assert_catches!(
        group::sizes_are_those_of_the_devices,
        CountsFromTheEnd,
        "TagSelector"
    );
    assert_catches!(
        group::delete_spares_the_devices,
        TakesDevicesAlong,
        "left: ["
    );
}
