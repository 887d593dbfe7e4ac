//! Devices in sled.

use async_trait::async_trait;
use fieldgate_core::model::device::{Device, DeviceFilter, DeviceSummary, DeviceUpdate};
use fieldgate_core::model::id::{DeviceId, OrganizationId, SiteId};
use fieldgate_core::model::page::{Page, PageRequest};
use fieldgate_core::model::revision::Revision;
use fieldgate_core::model::timestamp::Timestamp;
use fieldgate_core::storage::{
    DeletedDevice, DeviceChange, DeviceStore, Effects, StorageError, Unique,
};

use crate::SledStorage;
use crate::certificate;
use crate::change::{Change, Source, check_revision};
use crate::error::Error;
use crate::keys::{self, Range};
use crate::record::Record as _;
use crate::scan::Order;
use crate::tally;
use crate::token;
use crate::writer::Kind;

#[async_trait]
impl DeviceStore for SledStorage {
    async fn create_device(&self, device: &Device, effects: &Effects) -> Result<(), StorageError> {
        let (device, effects) = (device.clone(), effects.clone());
        self.change(move |change| {
            change.effects(&effects)?;
            create(change, &device)
        })
        .await
    }

    async fn device(
        &self,
        organization: OrganizationId,
        id: DeviceId,
    ) -> Result<Option<Device>, StorageError> {
        self.read(move |reader| reader.look(|view| view.record(&keys::device(organization, id))))
            .await
    }

    async fn devices(
        &self,
        organization: OrganizationId,
        filter: &DeviceFilter,
        page: PageRequest<DeviceId>,
    ) -> Result<Page<Device>, StorageError> {
        let filter = filter.clone();
        let after = page.after.map(|id| keys::device(organization, id));
        let range = Range::of(keys::devices(organization)).after(after);
        self.read(move |reader| {
            reader.page(range, Order::Ascending, page.limit, |_, _, octets| {
                let device = Device::decode(octets)?;
                Ok(filter.matches(&device).then_some(device))
            })
        })
        .await
    }

    async fn update_device(
        &self,
        organization: OrganizationId,
        id: DeviceId,
        expected: Option<Revision>,
        update: &DeviceUpdate,
        now: Timestamp,
    ) -> Result<DeviceChange, StorageError> {
        let update = update.clone();
        self.change(move |change| {
            let before = stored(change, organization, id)?;
            check_revision(before.revision, expected, "device")?;
            require_site(change, organization, update.settings.site_id)?;
            if update.settings.name != before.settings.name {
                let name = keys::device_name(organization, &update.settings.name);
                change.require_free(&name, Unique::DeviceName)?;
            }
            let mut device = before.clone();
            let ended = device.update(&update, now)?;
            replace(change, &before, &device)?;
            Ok(DeviceChange { device, ended })
        })
        .await
    }

    async fn delete_device(
        &self,
        organization: OrganizationId,
        id: DeviceId,
        expected: Option<Revision>,
        now: Timestamp,
    ) -> Result<DeletedDevice, StorageError> {
        self.change_as(Kind::Frugal, move |change| {
            let device = stored(change, organization, id)?;
            check_revision(device.revision, expected, "device")?;
            unlink(change, &device);
            change.remove(keys::device(organization, id));
            token::revoke_open(change, organization, id, now)?;
            certificate::orphan(change, organization, id, now)?;
            // What else it has is hidden by its absence, until it is purged.
            change.mark(keys::deleted_device(organization, id));
            Ok(DeletedDevice {
                ended: device.session,
            })
        })
        .await
    }

    async fn device_summary(
        &self,
        organization: OrganizationId,
    ) -> Result<DeviceSummary, StorageError> {
        self.read(move |reader| reader.look(|view| tally::devices(view, organization)))
            .await
    }
}

/// Adds a device.
pub(crate) fn create(change: &mut Change<'_>, device: &Device) -> Result<(), Error> {
    let organization = device.organization_id;
    change.require(&keys::organization(organization), "organization")?;
    change.require_free(&keys::device(organization, device.id), Unique::Id)?;
    // The id of a deleted device stays taken as long as there is anything left of it.
    change.require_free(&keys::deleted_device(organization, device.id), Unique::Id)?;
    if change.any(Range::of(keys::certificates(organization, device.id)))? {
        return Err(Error::taken(Unique::Id));
    }
    let name = keys::device_name(organization, &device.settings.name);
    change.require_free(&name, Unique::DeviceName)?;
    require_site(change, organization, device.settings.site_id)?;
    put(change, device)
}

/// The device as it is stored.
pub(crate) fn stored(
    source: &impl Source,
    organization: OrganizationId,
    id: DeviceId,
) -> Result<Device, Error> {
    let device = source.record(&keys::device(organization, id))?;
    device.ok_or(Error::not_found("device"))
}

/// Replaces a device, with all keys that lead to it.
pub(crate) fn replace(
    change: &mut Change<'_>,
    before: &Device,
    after: &Device,
) -> Result<(), Error> {
    unlink(change, before);
    put(change, after)
}

fn put(change: &mut Change<'_>, device: &Device) -> Result<(), Error> {
    let (organization, id) = (device.organization_id, device.id);
    let name = keys::device_name(organization, &device.settings.name);
    change.put(name, *id.as_bytes());
    if let Some(site) = device.settings.site_id {
        change.mark(keys::device_at_site(organization, site, id));
    }
    if let Some(session) = &device.session {
        change.mark(keys::session_of_node(&session.node, organization, id));
    }
    change.put_record(keys::device(organization, id), device)
}

/// Removes all keys that lead to a device.
fn unlink(change: &mut Change<'_>, device: &Device) {
    let (organization, id) = (device.organization_id, device.id);
    change.remove(keys::device_name(organization, &device.settings.name));
    if let Some(site) = device.settings.site_id {
        change.remove(keys::device_at_site(organization, site, id));
    }
    if let Some(session) = &device.session {
        change.remove(keys::session_of_node(&session.node, organization, id));
    }
}

fn require_site(
    change: &Change<'_>,
    organization: OrganizationId,
    site: Option<SiteId>,
) -> Result<(), Error> {
    match site {
        Some(site) if !change.has(&keys::site(organization, site))? => {
            Err(StorageError::UnknownSite.into())
        }
        _ => Ok(()),
    }
}
