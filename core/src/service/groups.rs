//! The use-cases around device groups.

use crate::error::{Error, Result};
use crate::model::device::{Device, DeviceFilter};
use crate::model::group::{DeviceGroup, GroupSettings};
use crate::model::id::{DeviceId, GroupId, OrganizationId};
use crate::model::page::{Page, PageRequest};
use crate::model::revision::Revision;
use crate::service::idempotency::{lost_to_twin, resource_gone};
use crate::service::{Created, IdempotentRequest, service};

service! {
    /// The use-cases around device groups.
    Groups
}

/// A group, and how many devices belong to it.
#[derive(Clone, Debug, PartialEq)]
pub struct CountedGroup {
    /// The group.
    pub group: DeviceGroup,
    /// How many devices belong to it.
    pub device_count: u64,
}

impl Groups {
    /// Makes a group.
    ///
    /// # Errors
    ///
    /// As [`Error`] says in general.
    pub async fn create(
        &self,
        organization: OrganizationId,
        settings: GroupSettings,
        request: Option<&IdempotentRequest>,
    ) -> Result<Created<CountedGroup>> {
        if let Some(group) = self.replayed(organization, request).await? {
            return Ok(Created::replayed(group));
        }
        let now = self.parts.now();
        let group = DeviceGroup {
            id: GroupId::new(now, self.parts.id_octets()?),
            organization_id: organization,
            settings,
            created_at: now,
            revision: Revision::FIRST,
        };
        let effects = self.parts.effects(request, group.id.as_uuid());
        match self.parts.storage.create_group(&group, &effects).await {
            Err(error) if lost_to_twin(&error) => {
                let twin = self.replayed(organization, request).await?;
                twin.map(Created::replayed).ok_or_else(|| error.into())
            }
            Err(error) => Err(error.into()),
            Ok(()) => Ok(Created::new(self.counted(group).await?)),
        }
    }

    /// Looks one up.
    ///
    /// # Errors
    ///
    /// [`Error::NotFound`].
    pub async fn group(&self, organization: OrganizationId, id: GroupId) -> Result<CountedGroup> {
        let found = self.parts.storage.group(organization, id).await?;
        self.counted(found.ok_or(Error::NotFound { what: "group" })?)
            .await
    }

    /// Lists all, by id.
    ///
    /// # Errors
    ///
    /// As [`Error`] says in general.
    pub async fn list(
        &self,
        organization: OrganizationId,
        page: PageRequest<GroupId>,
    ) -> Result<Page<CountedGroup>> {
        let page = self.parts.storage.groups(organization, page).await?;
        let ids: Vec<_> = page.items.iter().map(|it| it.id).collect();
        let storage = &self.parts.storage;
        let counts = storage.group_sizes(organization, &ids).await?;
        let counted = page.items.into_iter().zip(counts);
        let items = counted.map(|(group, device_count)| CountedGroup {
            group,
            device_count,
        });
        Ok(Page {
            items: items.collect(),
            more: page.more,
        })
    }

    /// Lists the devices that belong to a group, by id.
    ///
    /// # Errors
    ///
    /// [`Error::NotFound`].
    pub async fn devices(
        &self,
        organization: OrganizationId,
        id: GroupId,
        page: PageRequest<DeviceId>,
    ) -> Result<Page<Device>> {
        let found = self.parts.storage.group(organization, id).await?;
        let group = found.ok_or(Error::NotFound { what: "group" })?;
        let filter = DeviceFilter {
            selector: Some(group.settings.selector),
            ..DeviceFilter::default()
        };
        Ok(self
            .parts
            .storage
            .devices(organization, &filter, page)
            .await?)
    }

    /// Changes the settings.
    ///
    /// # Errors
    ///
    /// [`Error::NotFound`], [`Error::StaleRevision`].
    pub async fn update(
        &self,
        organization: OrganizationId,
        id: GroupId,
        expected: Option<Revision>,
        settings: &GroupSettings,
    ) -> Result<CountedGroup> {
        let storage = &self.parts.storage;
        let group = storage
            .update_group(organization, id, expected, settings)
            .await?;
        self.counted(group).await
    }

    /// Removes a group; its devices stay.
    ///
    /// # Errors
    ///
    /// [`Error::NotFound`], [`Error::StaleRevision`].
    pub async fn delete(
        &self,
        organization: OrganizationId,
        id: GroupId,
        expected: Option<Revision>,
    ) -> Result<()> {
        Ok(self
            .parts
            .storage
            .delete_group(organization, id, expected)
            .await?)
    }

    async fn counted(&self, group: DeviceGroup) -> Result<CountedGroup> {
        let storage = &self.parts.storage;
        let counts = storage
            .group_sizes(group.organization_id, &[group.id])
            .await?;
        Ok(CountedGroup {
            group,
            device_count: counts.into_iter().sum(),
        })
    }

    async fn replayed(
        &self,
        organization: OrganizationId,
        request: Option<&IdempotentRequest>,
    ) -> Result<Option<CountedGroup>> {
        let Some(resource) = self.parts.replay(request).await? else {
            return Ok(None);
        };
        let id = GroupId::from_uuid(resource);
        let found = self.parts.storage.group(organization, id).await?;
        let group = found.ok_or_else(resource_gone)?;
        self.counted(group).await.map(Some)
    }
}
