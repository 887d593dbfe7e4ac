//! Device groups in sled.

use std::ops::ControlFlow;

use async_trait::async_trait;
use fieldgate_core::model::device::Device;
use fieldgate_core::model::group::{DeviceGroup, GroupSettings};
use fieldgate_core::model::id::{GroupId, OrganizationId};
use fieldgate_core::model::page::{Page, PageRequest};
use fieldgate_core::model::revision::Revision;
use fieldgate_core::storage::{Effects, GroupStore, StorageError, Unique};

use crate::SledStorage;
use crate::change::{Source, check_revision};
use crate::error::Error;
use crate::keys::{self, KeyReader, Range};
use crate::record::Record as _;
use crate::scan::{Order, Reader};
use crate::tally;
use crate::writer::Kind;

#[async_trait]
impl GroupStore for SledStorage {
    async fn create_group(
        &self,
        group: &DeviceGroup,
        effects: &Effects,
    ) -> Result<(), StorageError> {
        let (organization, id) = (group.organization_id, group.id);
        let (group, effects) = (group.clone(), effects.clone());
        self.change(move |change| {
            change.effects(&effects)?;
            let organization = keys::organization(group.organization_id);
            change.require(&organization, "organization")?;
            let key = keys::group(group.organization_id, group.id);
            change.require_free(&key, Unique::Id)?;
            change.put_record(key, &group)
        })
        .await?;
        self.count_group(organization, id).await
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
        let updated = self
            .change(move |change| {
                let key = keys::group(organization, id);
                let stored = change.record(&key)?;
                let mut group: DeviceGroup = stored.ok_or(Error::not_found("device group"))?;
                check_revision(group.revision, expected, "device group")?;
                group.settings = settings;
                group.revision = group.revision.next();
                change.put_record(key, &group)?;
                Ok(group)
            })
            .await?;
        self.count_group(organization, id).await?;
        Ok(updated)
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

    async fn group_sizes(
        &self,
        organization: OrganizationId,
        ids: &[GroupId],
    ) -> Result<Vec<u64>, StorageError> {
        let ids = ids.to_vec();
        self.read(move |reader| {
            let size = |id| {
                let kept = reader.look(|view| tally::group(view, organization, id))?;
                kept.map_or_else(|| count(reader, organization, id), Ok)
            };
            ids.into_iter().map(size).collect()
        })
        .await
    }
}

impl SledStorage {
    /// Counts a group on until it is counted to its end, in steps that let others go between.
    async fn count_group(
        &self,
        organization: OrganizationId,
        id: GroupId,
    ) -> Result<(), StorageError> {
        let noted = keys::uncounted_group(organization, id);
        let mut more = self
            .read(move |reader| reader.look(|view| view.has(&noted)))
            .await?;
        while more {
            more = self
                .change(move |change| tally::count_on(change, organization, id))
                .await?;
        }
        Ok(())
    }

    /// Counts on at a group that has not been counted to its end; whether there was one.
    pub(crate) async fn count_any_group(&self) -> Result<bool, StorageError> {
        let found = self
            .read(|reader| {
                reader.look(|view| {
                    let mut all = view.entries(Range::of(keys::uncounted_groups()));
                    let Some((key, _)) = all.next().transpose()? else {
                        return Ok(None);
                    };
                    let mut key = KeyReader::new(&key);
                    let organization = OrganizationId::from_uuid(key.uuid()?);
                    Ok(Some((organization, GroupId::from_uuid(key.uuid()?))))
                })
            })
            .await?;
        let Some((organization, id)) = found else {
            return Ok(false);
        };
        self.change_as(Kind::Frugal, move |change| {
            tally::count_on(change, organization, id)
        })
        .await?;
        Ok(true)
    }
}

/// Counts the devices of a group that has not been counted to its end.
fn count(reader: Reader<'_>, organization: OrganizationId, id: GroupId) -> Result<u64, Error> {
    let group = reader.look(|view| view.record(&keys::group(organization, id)))?;
    let Some(group): Option<DeviceGroup> = group else {
        return Ok(0);
    };
    let mut size = 0;
    let devices = Range::of(keys::devices(organization));
    reader.each(devices, Order::Ascending, |_, _, octets| {
        let device = Device::decode(octets)?;
        size += u64::from(group.settings.selector.matches(&device.settings.tags));
        Ok(ControlFlow::Continue(()))
    })?;
    Ok(size)
}
