//! The use-cases around devices.

use crate::error::{Error, Result};
use crate::model::device::{Device, DeviceFilter, DeviceSettings, DeviceSummary, DeviceUpdate};
use crate::model::id::{DeviceId, OrganizationId};
use crate::model::page::{Page, PageRequest};
use crate::model::presence::DeviceStatus;
use crate::model::revision::Revision;
use crate::service::idempotency::{lost_to_twin, resource_gone};
use crate::service::{Created, IdempotentRequest, service};
use crate::storage::StorageError;
use crate::transport::DisconnectReason;

service! {
    /// The use-cases around devices.
    Devices
}

impl Devices {
    /// Names a device without minting a token for it.
    ///
    /// # Errors
    ///
    /// [`Error::Conflict`] with `device_name_taken`; [`Error::Invalid`] for an unknown site.
    pub async fn create(
        &self,
        organization: OrganizationId,
        settings: DeviceSettings,
        request: Option<&IdempotentRequest>,
    ) -> Result<Created<Device>> {
        if let Some(device) = self.replayed(organization, request).await? {
            return Ok(Created::replayed(device));
        }
        let now = self.parts.now();
        let id = DeviceId::new(now, self.parts.id_octets()?);
        let device = Device::register(id, organization, settings, now);
        let effects = self.parts.effects(request, id.as_uuid());
        match self.parts.storage.create_device(&device, &effects).await {
            Err(error) if lost_to_twin(&error) => {
                let twin = self.replayed(organization, request).await?;
                twin.map(Created::replayed).ok_or_else(|| error.into())
            }
            created => Ok(created.map(|()| Created::new(device))?),
        }
    }

    /// Looks one up.
    ///
    /// # Errors
    ///
    /// [`Error::NotFound`].
    pub async fn device(&self, organization: OrganizationId, id: DeviceId) -> Result<Device> {
        let found = self.parts.storage.device(organization, id).await?;
        found.ok_or(Error::NotFound { what: "device" })
    }

    /// Lists the devices that match, by id.
    ///
    /// # Errors
    ///
    /// As [`Error`] says in general.
    pub async fn list(
        &self,
        organization: OrganizationId,
        filter: &DeviceFilter,
        page: PageRequest<DeviceId>,
    ) -> Result<Page<Device>> {
        let storage = &self.parts.storage;
        Ok(storage.devices(organization, filter, page).await?)
    }

    /// Counts the devices by status, presence, site and profile.
    ///
    /// # Errors
    ///
    /// As [`Error`] says in general.
    pub async fn summary(&self, organization: OrganizationId) -> Result<DeviceSummary> {
        Ok(self.parts.storage.device_summary(organization).await?)
    }

    /// Changes settings and status. A session that has to end for it has ended when this returns;
    /// where the future is dropped before, setting INACTIVE again ends it.
    ///
    /// # Errors
    ///
    /// [`Error::NotFound`], [`Error::StaleRevision`]; [`Error::Conflict`] with `device_name_taken`
    /// or `device_never_connected`; [`Error::Invalid`] for an unknown site or a status that cannot
    /// be set.
    pub async fn update(
        &self,
        organization: OrganizationId,
        id: DeviceId,
        expected: Option<Revision>,
        update: &DeviceUpdate,
    ) -> Result<Device> {
        let now = self.parts.now();
        let storage = &self.parts.storage;
        let changed = storage
            .update_device(organization, id, expected, update, now)
            .await;
        // The storage cannot say whether the device was shut out.
        if matches!(changed, Err(StorageError::Unavailable { .. }))
            && update.status == Some(DeviceStatus::Inactive)
        {
            self.disconnect(organization, id).await;
        }
        let change = changed?;
        // Not only where this change ended a session on record: an earlier call may have been given
        // up between its commit and its disconnect, and one session may be about to open.
        if change.device.presence.status() == DeviceStatus::Inactive {
            self.disconnect(organization, id).await;
        }
        Ok(change.device)
    }

    /// Deletes a device: it is gone from every answer, its name is free, its tokens and
    /// certificates are revoked, its session has ended when this returns. Its data is removed in
    /// the background.
    ///
    /// # Errors
    ///
    /// [`Error::NotFound`], [`Error::StaleRevision`].
    pub async fn delete(
        &self,
        organization: OrganizationId,
        id: DeviceId,
        expected: Option<Revision>,
    ) -> Result<()> {
        let now = self.parts.now();
        let storage = &self.parts.storage;
        let deleted = storage.delete_device(organization, id, expected, now).await;
        // Also without a session on record: one may be about to open. And where it is gone already,
        // or may be: the storage may have failed behind the change, of this call or an earlier one.
        if matches!(
            deleted,
            Ok(_) | Err(StorageError::NotFound { .. } | StorageError::Unavailable { .. })
        ) {
            self.disconnect(organization, id).await;
        }
        deleted?;
        Ok(())
    }

    async fn disconnect(&self, organization: OrganizationId, id: DeviceId) {
        let reason = DisconnectReason::NotAuthorized;
        let transport = &self.parts.transport;
        transport.disconnect(organization, id, reason).await;
    }

    async fn replayed(
        &self,
        organization: OrganizationId,
        request: Option<&IdempotentRequest>,
    ) -> Result<Option<Device>> {
        let Some(resource) = self.parts.replay(request).await? else {
            return Ok(None);
        };
        let id = DeviceId::from_uuid(resource);
        let found = self.parts.storage.device(organization, id).await?;
        found.map(Some).ok_or_else(resource_gone)
    }
}
