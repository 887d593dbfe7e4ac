//! Components in sled.

use async_trait::async_trait;
use fieldgate_core::model::component::{Component, ComponentFilter, ComponentSettings};
use fieldgate_core::model::id::{ComponentId, DeviceId, OrganizationId};
use fieldgate_core::model::key::Key;
use fieldgate_core::model::limits::Limits;
use fieldgate_core::model::page::{Page, PageRequest};
use fieldgate_core::model::revision::Revision;
use fieldgate_core::storage::{ComponentStore, Effects, StorageError, Unique};

use crate::SledStorage;
use crate::change::{Change, Source, check_revision};
use crate::error::Error;
use crate::keys::{self, KeyReader, Range};
use crate::record::Record as _;
use crate::scan::Order;
use crate::writer::Kind;

#[async_trait]
impl ComponentStore for SledStorage {
    async fn create_component(
        &self,
        component: &Component,
        limits: &Limits,
        effects: &Effects,
    ) -> Result<(), StorageError> {
        let (component, effects) = (component.clone(), effects.clone());
        let limit = limits.components_per_device;
        self.change(move |change| {
            change.effects(&effects)?;
            let (organization, device) = (component.organization_id, component.device_id);
            change.require_device(organization, device)?;
            require_free_id(change, organization, component.id)?;
            let key = keys::component_key(organization, device, &component.key);
            change.require_free(&key, Unique::ComponentKey)?;
            if count(change, organization, device)? >= limit {
                return Err(StorageError::LimitReached {
                    what: "components per device",
                    limit,
                }
                .into());
            }
            add(change, &component)
        })
        .await
    }

    async fn component(
        &self,
        organization: OrganizationId,
        id: ComponentId,
    ) -> Result<Option<Component>, StorageError> {
        self.read(move |reader| reader.look(|view| living(&view, organization, id)))
            .await
    }

    async fn components(
        &self,
        organization: OrganizationId,
        filter: &ComponentFilter,
        page: PageRequest<ComponentId>,
    ) -> Result<Page<Component>, StorageError> {
        let filter = filter.clone();
        self.read(move |reader| {
            let Some(device) = filter.device_id else {
                let after = page.after.map(|id| keys::component(organization, id));
                let range = Range::of(keys::components(organization)).after(after);
                return reader.page(range, Order::Ascending, page.limit, |view, _, octets| {
                    let component = Component::decode(octets)?;
                    let listed = filter.matches(&component)
                        && view.has(&keys::device(organization, component.device_id))?;
                    Ok(listed.then_some(component))
                });
            };
            let after = page.after;
            let after = after.map(|id| keys::component_of_device(organization, device, id));
            let range = Range::of(keys::components_of_device(organization, device)).after(after);
            reader.page(range, Order::Ascending, page.limit, |view, key, _| {
                let mut key = KeyReader::new(key);
                let (_, _) = (key.uuid()?, key.uuid()?);
                let component = living(&view, organization, ComponentId::from_uuid(key.uuid()?))?;
                Ok(component.filter(|component| filter.matches(component)))
            })
        })
        .await
    }

    async fn update_component(
        &self,
        organization: OrganizationId,
        id: ComponentId,
        expected: Option<Revision>,
        settings: &ComponentSettings,
    ) -> Result<Component, StorageError> {
        let settings = settings.clone();
        self.change(move |change| {
            let mut component = stored(change, organization, id)?;
            check_revision(component.revision, expected, "component")?;
            component.settings = settings;
            component.revision = component.revision.next();
            change.put_record(keys::component(organization, id), &component)?;
            Ok(component)
        })
        .await
    }

    async fn delete_component(
        &self,
        organization: OrganizationId,
        id: ComponentId,
        expected: Option<Revision>,
    ) -> Result<(), StorageError> {
        self.change_as(Kind::Frugal, move |change| {
            let component = stored(change, organization, id)?;
            check_revision(component.revision, expected, "component")?;
            for key in all_keys(&component) {
                change.remove(key);
            }
            // Its sensors are hidden by its absence, until they are purged.
            change.mark(keys::deleted_component(organization, id));
            Ok(())
        })
        .await
    }
}

/// A component of a living device.
pub(crate) fn living(
    source: &impl Source,
    organization: OrganizationId,
    id: ComponentId,
) -> Result<Option<Component>, Error> {
    let component: Option<Component> = source.record(&keys::component(organization, id))?;
    let Some(component) = component else {
        return Ok(None);
    };
    let lives = source.has(&keys::device(organization, component.device_id))?;
    Ok(lives.then_some(component))
}

/// The component that a device names so.
pub(crate) fn by_key(
    source: &impl Source,
    organization: OrganizationId,
    device: DeviceId,
    key: &Key,
) -> Result<Option<Component>, Error> {
    let Some(id) = source.octets(&keys::component_key(organization, device, key))? else {
        return Ok(None);
    };
    let id = ComponentId::from_uuid(KeyReader::value(&id).uuid()?);
    source.linked(&keys::component(organization, id)).map(Some)
}

/// How many components a device has.
pub(crate) fn count(
    change: &Change<'_>,
    organization: OrganizationId,
    device: DeviceId,
) -> Result<usize, Error> {
    let mut count = 0;
    for entry in change.entries(Range::of(keys::component_keys(organization, device))) {
        entry?;
        count += 1;
    }
    Ok(count)
}

/// Refuses the id of a component that is there, or that has left sensors behind.
pub(crate) fn require_free_id(
    change: &Change<'_>,
    organization: OrganizationId,
    id: ComponentId,
) -> Result<(), Error> {
    change.require_free(&keys::component(organization, id), Unique::Id)?;
    change.require_free(&keys::deleted_component(organization, id), Unique::Id)
}

/// Adds a component.
pub(crate) fn add(change: &mut Change<'_>, component: &Component) -> Result<(), Error> {
    let (organization, device) = (component.organization_id, component.device_id);
    let id = component.id;
    let key = keys::component_key(organization, device, &component.key);
    change.put(key, *id.as_bytes());
    change.mark(keys::component_of_device(organization, device, id));
    change.put_record(keys::component(organization, id), component)
}

/// All keys of a component.
pub(crate) fn all_keys(component: &Component) -> Vec<Vec<u8>> {
    let (organization, device) = (component.organization_id, component.device_id);
    vec![
        keys::component(organization, component.id),
        keys::component_key(organization, device, &component.key),
        keys::component_of_device(organization, device, component.id),
    ]
}

fn stored(
    change: &Change<'_>,
    organization: OrganizationId,
    id: ComponentId,
) -> Result<Component, Error> {
    living(change, organization, id)?.ok_or(Error::not_found("component"))
}
