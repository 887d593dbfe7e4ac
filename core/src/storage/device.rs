//! Keeps devices.

use std::fmt::Debug;

use async_trait::async_trait;

use crate::model::device::{Device, DeviceFilter, DeviceSummary, DeviceUpdate};
use crate::model::id::{DeviceId, OrganizationId};
use crate::model::page::{Page, PageRequest};
use crate::model::presence::Session;
use crate::model::revision::Revision;
use crate::model::timestamp::Timestamp;
use crate::storage::{Effects, StorageError};

/// Keeps [`Device`] records.
///
/// # Contract
///
/// * A device's name is unique among the living devices of its organization, to the letter.
/// * A site that a device names belongs to its organization: [`StorageError::UnknownSite`]
///   otherwise.
#[async_trait]
pub trait DeviceStore: Debug + Send + Sync + 'static {
    /// Adds a device without a token.
    ///
    /// # Errors
    ///
    /// [`StorageError::Taken`] for its id or name; [`StorageError::NotFound`] for its
    /// organization; [`StorageError::UnknownSite`].
    async fn create_device(&self, device: &Device, effects: &Effects) -> Result<(), StorageError>;

    /// Looks one up.
    async fn device(
        &self,
        organization: OrganizationId,
        id: DeviceId,
    ) -> Result<Option<Device>, StorageError>;

    /// Lists the devices that match, by id.
    async fn devices(
        &self,
        organization: OrganizationId,
        filter: &DeviceFilter,
        page: PageRequest<DeviceId>,
    ) -> Result<Page<Device>, StorageError>;

    /// Applies an operator's change by [`Device::update`]. Where a session has to end for it, the
    /// stored one is gone when this returns.
    ///
    /// # Errors
    ///
    /// [`StorageError::NotFound`], [`StorageError::StaleRevision`],
    /// [`StorageError::StatusRefused`], [`StorageError::Taken`] for the name,
    /// [`StorageError::UnknownSite`].
    async fn update_device(
        &self,
        organization: OrganizationId,
        id: DeviceId,
        expected: Option<Revision>,
        update: &DeviceUpdate,
        now: Timestamp,
    ) -> Result<DeviceChange, StorageError>;

    /// Deletes a device in one step: it is gone from every answer, its name is free, its open
    /// tokens are revoked, its certificates that are not expired are revoked for
    /// cessationOfOperation, its session is gone. Its certificate records stay, for the CRL.
    ///
    /// # Errors
    ///
    /// [`StorageError::NotFound`], [`StorageError::StaleRevision`].
    async fn delete_device(
        &self,
        organization: OrganizationId,
        id: DeviceId,
        expected: Option<Revision>,
        now: Timestamp,
    ) -> Result<DeletedDevice, StorageError>;

    /// How many devices an organization has. The numbers are kept with every change, so that
    /// nothing is counted here.
    async fn device_summary(
        &self,
        organization: OrganizationId,
    ) -> Result<DeviceSummary, StorageError>;
}

/// A changed device.
#[derive(Clone, Debug, PartialEq)]
pub struct DeviceChange {
    /// The device as it is now.
    pub device: Device,
    /// The session that has to end for the change.
    pub ended: Option<Session>,
}

/// A deleted device.
#[derive(Clone, Debug, PartialEq)]
pub struct DeletedDevice {
    /// The session that has to end.
    pub ended: Option<Session>,
}
