//! Keeps device groups.

use std::fmt::Debug;

use async_trait::async_trait;

use crate::model::group::{DeviceGroup, GroupSettings};
use crate::model::id::{GroupId, OrganizationId};
use crate::model::page::{Page, PageRequest};
use crate::model::revision::Revision;
use crate::model::tag::TagSelector;
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

    /// How many of an organization's devices each selector chooses, in the order of the selectors.
    /// One look at the devices serves for all of them: a page of groups costs what one group does.
    async fn count_selected(
        &self,
        organization: OrganizationId,
        selectors: &[TagSelector],
    ) -> Result<Vec<u64>, StorageError>;
}
