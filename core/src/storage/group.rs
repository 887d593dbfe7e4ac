//! Keeps device groups.

use std::fmt::Debug;

use async_trait::async_trait;

use crate::model::group::{DeviceGroup, GroupSettings};
use crate::model::id::{GroupId, OrganizationId};
use crate::model::page::{Page, PageRequest};
use crate::model::revision::Revision;
use crate::storage::{Effects, StorageError};

/// Keeps [`DeviceGroup`] records.
#[async_trait]
pub trait GroupStore: Debug + Send + Sync + 'static {
    /// Adds a group.
    ///
    /// # Errors
    ///
    /// [`StorageError::Taken`] for its id; [`StorageError::NotFound`] where its organization is
    /// not there.
    async fn create_group(
        &self,
        group: &DeviceGroup,
        effects: &Effects,
    ) -> Result<(), StorageError>;

    /// Looks one up.
    async fn group(
        &self,
        organization: OrganizationId,
        id: GroupId,
    ) -> Result<Option<DeviceGroup>, StorageError>;

    /// Lists an organization's groups, by id.
    async fn groups(
        &self,
        organization: OrganizationId,
        page: PageRequest<GroupId>,
    ) -> Result<Page<DeviceGroup>, StorageError>;

    /// Changes the settings.
    ///
    /// # Errors
    ///
    /// [`StorageError::NotFound`], [`StorageError::StaleRevision`].
    async fn update_group(
        &self,
        organization: OrganizationId,
        id: GroupId,
        expected: Option<Revision>,
        settings: &GroupSettings,
    ) -> Result<DeviceGroup, StorageError>;

    /// Removes a group; its devices stay.
    ///
    /// # Errors
    ///
    /// [`StorageError::NotFound`], [`StorageError::StaleRevision`].
    async fn delete_group(
        &self,
        organization: OrganizationId,
        id: GroupId,
        expected: Option<Revision>,
    ) -> Result<(), StorageError>;

    /// How many devices belong to each of some groups of an organization, in the order of the ids;
    /// 0 for one that is not there. The numbers are kept with every change of a device and of a
    /// group, so that nothing is counted here.
    async fn group_sizes(
        &self,
        organization: OrganizationId,
        ids: &[GroupId],
    ) -> Result<Vec<u64>, StorageError>;
}
