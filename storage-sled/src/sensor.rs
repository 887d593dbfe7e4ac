//! Sensors in sled.

use std::collections::HashMap;

use async_trait::async_trait;
use fieldgate_core::model::device::Device;
use fieldgate_core::model::id::{ComponentId, DeviceId, OrganizationId, SensorId};
use fieldgate_core::model::key::Key;
use fieldgate_core::model::page::{Page, PageRequest};
use fieldgate_core::model::revision::Revision;
use fieldgate_core::model::sensor::{Sensor, SensorFilter, SensorSummary, SensorUpdate};
use fieldgate_core::storage::{SensorStore, StorageError, Unique};

use crate::SledStorage;
use crate::change::{Change, Source, View, check_revision};
use crate::error::Error;
use crate::keys::{self, KeyReader, Range};
use crate::record::Record as _;
use crate::scan::Order;
use crate::tally;
use crate::writer::Kind;

#[async_trait]
impl SensorStore for SledStorage {
    async fn sensor(
        &self,
        organization: OrganizationId,
        id: SensorId,
    ) -> Result<Option<Sensor>, StorageError> {
        self.read(move |reader| reader.look(|view| living(&view, organization, id)))
            .await
    }

    async fn sensors(
        &self,
        organization: OrganizationId,
        filter: &SensorFilter,
        page: PageRequest<SensorId>,
    ) -> Result<Page<Sensor>, StorageError> {
        let filter = filter.clone();
        self.read(move |reader| {
            let Some(range) = listed_range(organization, &filter, page.after) else {
                let after = page.after.map(|id| keys::sensor(organization, id));
                let range = Range::of(keys::sensors(organization)).after(after);
                return reader.page(range, Order::Ascending, page.limit, |view, _, octets| {
                    let sensor = Sensor::decode(octets)?;
                    let listed = filter.matches(&sensor)
                        && is_living(&view, &sensor)?
                        && device_matches(view, &filter, &sensor)?;
                    Ok(listed.then_some(sensor))
                });
            };
            reader.page(range, Order::Ascending, page.limit, |view, key, _| {
                let mut key = KeyReader::new(key);
                let (_, _) = (key.uuid()?, key.uuid()?);
                let id = SensorId::from_uuid(key.uuid()?);
                let sensor = living(&view, organization, id)?;
                let Some(sensor) = sensor.filter(|sensor| filter.matches(sensor)) else {
                    return Ok(None);
                };
                Ok(device_matches(view, &filter, &sensor)?.then_some(sensor))
            })
        })
        .await
    }

    async fn sensor_summary(
        &self,
        organization: OrganizationId,
    ) -> Result<SensorSummary, StorageError> {
        self.read(move |reader| reader.look(|view| tally::sensors(view, organization)))
            .await
    }

    async fn update_sensor(
        &self,
        organization: OrganizationId,
        id: SensorId,
        expected: Option<Revision>,
        update: &SensorUpdate,
    ) -> Result<Sensor, StorageError> {
        let update = update.clone();
        self.change(move |change| {
            let mut sensor = stored(change, organization, id)?;
            check_revision(sensor.revision, expected, "sensor")?;
            sensor.update(update)?;
            change.put_record(keys::sensor(organization, id), &sensor)?;
            Ok(sensor)
        })
        .await
    }

    async fn delete_sensor(
        &self,
        organization: OrganizationId,
        id: SensorId,
        expected: Option<Revision>,
    ) -> Result<(), StorageError> {
        self.change_as(Kind::Frugal, move |change| {
            let sensor = stored(change, organization, id)?;
            check_revision(sensor.revision, expected, "sensor")?;
            for key in all_keys(&sensor) {
                change.remove(key);
            }
            // Its readings are hidden by its absence, until they are purged.
            change.mark(keys::deleted_sensor(organization, id));
            Ok(())
        })
        .await
    }
}

/// A sensor of a component and a device that are there.
pub(crate) fn living(
    source: &impl Source,
    organization: OrganizationId,
    id: SensorId,
) -> Result<Option<Sensor>, Error> {
    let sensor: Option<Sensor> = source.record(&keys::sensor(organization, id))?;
    let Some(sensor) = sensor else {
        return Ok(None);
    };
    Ok(is_living(source, &sensor)?.then_some(sensor))
}

/// Notes that a sensor has no readings any more, where this change leaves it none.
pub(crate) fn forget_latest(
    change: &mut Change<'_>,
    organization: OrganizationId,
    id: SensorId,
) -> Result<(), Error> {
    for entry in change
        .entries(Range::of(keys::readings(organization, id)))
        .rev()
    {
        let (key, _) = entry?;
        if change.has(&key)? {
            return Ok(());
        }
    }
    let Some(mut sensor) = living(change, organization, id)? else {
        return Ok(());
    };
    sensor.latest = None;
    change.put_record(keys::sensor(organization, id), &sensor)
}

/// The sensor that a device names so, of a component that is there.
pub(crate) fn by_key(
    source: &impl Source,
    organization: OrganizationId,
    component: ComponentId,
    key: &Key,
) -> Result<Option<Sensor>, Error> {
    let Some(id) = source.octets(&keys::sensor_key(organization, component, key))? else {
        return Ok(None);
    };
    let id = SensorId::from_uuid(KeyReader::value(&id).uuid()?);
    source.linked(&keys::sensor(organization, id)).map(Some)
}

/// How many sensors a device has, without those of deleted components.
pub(crate) fn count(
    change: &Change<'_>,
    organization: OrganizationId,
    device: DeviceId,
) -> Result<usize, Error> {
    let mut components = HashMap::new();
    let mut count = 0;
    for entry in change.entries(Range::of(keys::sensors_of_device(organization, device))) {
        let (_, component) = entry?;
        let component = ComponentId::from_uuid(KeyReader::value(&component).uuid()?);
        let lives = match components.get(&component) {
            Some(lives) => *lives,
            None => {
                let lives = change.has(&keys::component(organization, component))?;
                components.insert(component, lives);
                lives
            }
        };
        count += usize::from(lives);
    }
    Ok(count)
}

/// Refuses the id of a sensor that is there, or that has left readings behind.
pub(crate) fn require_free_id(
    change: &Change<'_>,
    organization: OrganizationId,
    id: SensorId,
) -> Result<(), Error> {
    change.require_free(&keys::sensor(organization, id), Unique::Id)?;
    change.require_free(&keys::deleted_sensor(organization, id), Unique::Id)
}

/// Adds a sensor.
pub(crate) fn add(change: &mut Change<'_>, sensor: &Sensor) -> Result<(), Error> {
    let (organization, device) = (sensor.organization_id, sensor.device_id);
    let (component, id) = (sensor.component_id, sensor.id);
    let key = keys::sensor_key(organization, component, &sensor.key);
    change.put(key, *id.as_bytes());
    let of_device = keys::sensor_of_device(organization, device, id);
    change.put(of_device, *component.as_bytes());
    change.mark(keys::sensor_of_component(organization, component, id));
    change.put_record(keys::sensor(organization, id), sensor)
}

/// All keys of a sensor.
pub(crate) fn all_keys(sensor: &Sensor) -> Vec<Vec<u8>> {
    let (organization, device) = (sensor.organization_id, sensor.device_id);
    let (component, id) = (sensor.component_id, sensor.id);
    vec![
        keys::sensor(organization, id),
        keys::sensor_key(organization, component, &sensor.key),
        keys::sensor_of_device(organization, device, id),
        keys::sensor_of_component(organization, component, id),
    ]
}

fn stored(
    change: &Change<'_>,
    organization: OrganizationId,
    id: SensorId,
) -> Result<Sensor, Error> {
    living(change, organization, id)?.ok_or(Error::not_found("sensor"))
}

pub(crate) fn is_living(source: &impl Source, sensor: &Sensor) -> Result<bool, Error> {
    let organization = sensor.organization_id;
    Ok(
        source.has(&keys::component(organization, sensor.component_id))?
            && source.has(&keys::device(organization, sensor.device_id))?,
    )
}

/// The shortest range of links that a filter leaves; `None` for all of the organization's sensors.
fn listed_range(
    organization: OrganizationId,
    filter: &SensorFilter,
    after: Option<SensorId>,
) -> Option<Range> {
    if let Some(component) = filter.component_id {
        let after = after.map(|id| keys::sensor_of_component(organization, component, id));
        let all = keys::sensors_of_component(organization, component);
        return Some(Range::of(all).after(after));
    }
    let device = filter.device_id?;
    let after = after.map(|id| keys::sensor_of_device(organization, device, id));
    let all = keys::sensors_of_device(organization, device);
    Some(Range::of(all).after(after))
}

/// The part of a filter that concerns the sensor's device.
fn device_matches(view: View<'_>, filter: &SensorFilter, sensor: &Sensor) -> Result<bool, Error> {
    if filter.site_id.is_none() && filter.device_selector.is_none() {
        return Ok(true);
    }
    let key = keys::device(sensor.organization_id, sensor.device_id);
    let Some(device) = view.record::<Device>(&key)? else {
        return Ok(false);
    };
    let settings = &device.settings;
    let selector = filter.device_selector.as_ref();
    Ok(
        (filter.site_id.is_none() || filter.site_id == settings.site_id)
            && selector.is_none_or(|selector| selector.matches(&settings.tags)),
    )
}
