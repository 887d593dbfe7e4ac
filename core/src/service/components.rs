//! The use-cases around components.

use crate::error::{Error, Result};
use crate::model::component::{Component, ComponentFilter, ComponentOrigin, ComponentSettings};
use crate::model::id::{ComponentId, DeviceId, OrganizationId};
use crate::model::key::Key;
use crate::model::page::{Page, PageRequest};
use crate::model::revision::Revision;
use crate::service::idempotency::{lost_to_twin, resource_gone};
use crate::service::{Created, IdempotentRequest, service};
use crate::storage::StorageError;

service! {
    /// The use-cases around components.
    Components
}

/// A component that an operator wants to make.
#[derive(Clone, Debug, PartialEq)]
pub struct NewComponent {
    /// The device that it is a part of.
    pub device_id: DeviceId,
    /// How the device names it.
    pub key: Key,
    /// What the operator says of it.
    pub settings: ComponentSettings,
}

impl Components {
    /// Makes a component by hand.
    ///
    /// # Errors
    ///
    /// [`Error::Conflict`] with `component_key_taken` or `limit_reached`; [`Error::Invalid`] for an
    /// unknown device.
    pub async fn create(
        &self,
        organization: OrganizationId,
        new: NewComponent,
        request: Option<&IdempotentRequest>,
    ) -> Result<Created<Component>> {
        if let Some(component) = self.replayed(organization, request).await? {
            return Ok(Created::replayed(component));
        }
        let component = Component {
            id: ComponentId::new(self.parts.now(), self.parts.id_octets()?),
            organization_id: organization,
            device_id: new.device_id,
            key: new.key,
            origin: ComponentOrigin::Manual,
            settings: new.settings,
            revision: Revision::FIRST,
        };
        let effects = self.parts.effects(request, component.id.as_uuid());
        let storage = &self.parts.storage;
        let created = storage
            .create_component(&component, &self.parts.limits, &effects)
            .await;
        match created {
            Err(error) if lost_to_twin(&error) => {
                let twin = self.replayed(organization, request).await?;
                twin.map(Created::replayed).ok_or_else(|| error.into())
            }
            Err(StorageError::NotFound { .. }) => {
                Err(Error::invalid_field("/deviceId", "there is no such device"))
            }
            created => Ok(created.map(|()| Created::new(component))?),
        }
    }

    /// Looks one up.
    ///
    /// # Errors
    ///
    /// [`Error::NotFound`].
    pub async fn component(
        &self,
        organization: OrganizationId,
        id: ComponentId,
    ) -> Result<Component> {
        let found = self.parts.storage.component(organization, id).await?;
        found.ok_or(Error::NotFound { what: "component" })
    }

    /// Lists the components that match, by id.
    ///
    /// # Errors
    ///
    /// As [`Error`] says in general.
    pub async fn list(
        &self,
        organization: OrganizationId,
        filter: &ComponentFilter,
        page: PageRequest<ComponentId>,
    ) -> Result<Page<Component>> {
        let storage = &self.parts.storage;
        Ok(storage.components(organization, filter, page).await?)
    }

    /// Changes the settings.
    ///
    /// # Errors
    ///
    /// [`Error::NotFound`], [`Error::StaleRevision`].
    pub async fn update(
        &self,
        organization: OrganizationId,
        id: ComponentId,
        expected: Option<Revision>,
        settings: &ComponentSettings,
    ) -> Result<Component> {
        let storage = &self.parts.storage;
        let updated = storage.update_component(organization, id, expected, settings);
        Ok(updated.await?)
    }

    /// Removes a component with its sensors and their readings.
    ///
    /// # Errors
    ///
    /// [`Error::NotFound`], [`Error::StaleRevision`].
    pub async fn delete(
        &self,
        organization: OrganizationId,
        id: ComponentId,
        expected: Option<Revision>,
    ) -> Result<()> {
        let storage = &self.parts.storage;
        Ok(storage.delete_component(organization, id, expected).await?)
    }

    async fn replayed(
        &self,
        organization: OrganizationId,
        request: Option<&IdempotentRequest>,
    ) -> Result<Option<Component>> {
        let Some(resource) = self.parts.replay(request).await? else {
            return Ok(None);
        };
        let id = ComponentId::from_uuid(resource);
        let found = self.parts.storage.component(organization, id).await?;
        found.map(Some).ok_or_else(resource_gone)
    }
}
