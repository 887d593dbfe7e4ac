//! Device groups in sled.

use std::ops::ControlFlow;

use async_trait::async_trait;
use fieldgate_core::model::device::Device;
use fieldgate_core::model::group::{DeviceGroup, GroupSettings};
use fieldgate_core::model::id::{GroupId, OrganizationId};
use fieldgate_core::model::page::{Page, PageRequest};
use fieldgate_core::model::revision::Revision;
use fieldgate_core::model::tag::{SelectorTally, TagSelector};
use fieldgate_core::storage::{Effects, GroupStore, StorageError, Unique};

use crate::SledStorage;
use crate::change::{Source, check_revision};
use crate::error::Error;
use crate::keys::{self, Range};
use crate::record::Record as _;
use crate::scan::Order;
use crate::writer::Kind;

#[async_trait]
impl GroupStore for SledStorage {
    async fn create_group(
        &self,
        group: &DeviceGroup,
        effects: &Effects,
    ) -> Result<(), StorageError> {
        let (group, effects) = (group.clone(), effects.clone());
        self.change(move |change| {
            change.effects(&effects)?;
            let organization = keys::organization(group.organization_id);
            change.require(&organization, "organization")?;
            let key = keys::group(group.organization_id, group.id);
            change.require_free(&key, Unique::Id)?;
            change.put_record(key, &group)
        })
        .await
    }

    async fn group(
        &self,
        organization: OrganizationId,
        id: GroupId,
    ) -> Result<Option<DeviceGroup>, StorageError> {
        self.read(move |reader| reader.look(|view| view.record(&keys::group(organization, id))))
            .await
    }

    async fn groups(
        &self,
        organization: OrganizationId,
        page: PageRequest<GroupId>,
    ) -> Result<Page<DeviceGroup>, StorageError> {
        let after = page.after.map(|id| keys::group(organization, id));
        let range = Range::of(keys::groups(organization)).after(after);
        self.read(move |reader| {
            reader.page(range, Order::Ascending, page.limit, |_, _, octets| {
                DeviceGroup::decode(octets).map(Some)
            })
        })
        .await
    }

    async fn update_group(
        &self,
        organization: OrganizationId,
        id: GroupId,
        expected: Option<Revision>,
        settings: &GroupSettings,
    ) -> Result<DeviceGroup, StorageError> {
        let settings = settings.clone();
        self.change(move |change| {
            let key = keys::group(organization, id);
            let stored = change.record(&key)?;
            let mut group: DeviceGroup = stored.ok_or(Error::not_found("device group"))?;
            check_revision(group.revision, expected, "device group")?;
            group.settings = settings;
            group.revision = group.revision.next();
            change.put_record(key, &group)?;
            Ok(group)
        })
        .await
    }

    async fn delete_group(
        &self,
        organization: OrganizationId,
        id: GroupId,
        expected: Option<Revision>,
    ) -> Result<(), StorageError> {
        self.change_as(Kind::Frugal, move |change| {
            let key = keys::group(organization, id);
            let stored = change.record(&key)?;
            let group: DeviceGroup = stored.ok_or(Error::not_found("device group"))?;
            check_revision(group.revision, expected, "device group")?;
            change.remove(key);
            Ok(())
        })
        .await
    }

    async fn count_selected(
        &self,
        organization: OrganizationId,
        selectors: &[TagSelector],
    ) -> Result<Vec<u64>, StorageError> {
        let selectors = selectors.to_vec();
        self.read(move |reader| {
            let mut tally = SelectorTally::new(&selectors);
            let devices = Range::of(keys::devices(organization));
            reader.each(devices, Order::Ascending, |_, _, octets| {
                tally.add(&Device::decode(octets)?.settings.tags, 1);
                Ok(ControlFlow::Continue(()))
            })?;
            Ok(tally.counts())
        })
        .await
    }
}
