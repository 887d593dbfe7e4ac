//! What a device announces of itself, and how that changes what is known of it.

use crate::model::component::Component;
use crate::model::id::{ComponentId, DeviceId, OrganizationId, SensorId};
use crate::model::ingestion::{
    IdSeed, Ids, Inventory, InventoryChange, name_of, new_component, new_sensor,
};
use crate::model::key::Key;
use crate::model::limits::Limits;
use crate::model::profile::ProfileRef;
use crate::model::sensor::{Sensor, TypeOrigin, ValueType};
use crate::model::text::{FirmwareVersion, Name, Unit};
use crate::model::timestamp::Timestamp;

/// What a device announces of itself. It never deletes; announcing again changes nothing. What a
/// reading has made before it was announced gets its name, profile and unit by the announcement.
#[derive(Clone, Debug, PartialEq)]
pub struct Announcement {
    /// When it arrived.
    pub received_at: Timestamp,
    /// From which the ids of what it creates are made.
    pub seed: IdSeed,
    /// The version of its firmware.
    pub firmware_version: Option<FirmwareVersion>,
    /// What type of device it is.
    pub profile: Option<ProfileRef>,
    /// Its components.
    pub components: Vec<AnnouncedComponent>,
}

/// A component as its device announces it.
#[derive(Clone, Debug, PartialEq)]
pub struct AnnouncedComponent {
    /// How the device names it.
    pub key: Key,
    /// What people call it.
    pub name: Option<Name>,
    /// The sensor profile that it follows.
    pub profile: Option<ProfileRef>,
    /// Its sensors.
    pub sensors: Vec<AnnouncedSensor>,
}

/// A sensor as its device announces it.
#[derive(Clone, Debug, PartialEq)]
pub struct AnnouncedSensor {
    /// How the device names it.
    pub key: Key,
    /// The type of its values.
    pub value_type: ValueType,
    /// The unit of its values.
    pub unit: Option<Unit>,
    /// What people call it.
    pub name: Option<Name>,
}

/// What became of an announcement, in its order.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct AnnouncementOutcome {
    /// Each component that there is now, with its sensors.
    pub components: Vec<KnownComponent>,
    /// What was refused.
    pub refused: Vec<AnnouncementRefusal>,
}

/// A component that there is, with those of its sensors that were announced.
#[derive(Clone, Debug, PartialEq)]
pub struct KnownComponent {
    /// How the device names it.
    pub key: Key,
    /// Its identifier.
    pub id: ComponentId,
    /// Its announced sensors, by key and identifier.
    pub sensors: Vec<(Key, SensorId)>,
}

/// Something announced that was refused.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct AnnouncementRefusal {
    /// The component's key, as it was sent.
    pub component: String,
    /// The sensor's key, as it was sent; `None` where the component itself was refused.
    pub sensor: Option<String>,
    /// The kind of reason: `limit_exceeded`, `malformed` or `type_mismatch`.
    pub code: &'static str,
    /// The reason in words.
    pub detail: String,
}

/// Says what an announcement changes. Pure: the storage loads `inventory` (all components and
/// sensors that [`Announcement::components`] names, and the counts), and writes the result.
#[must_use]
pub fn plan_announcement(
    organization_id: OrganizationId,
    device_id: DeviceId,
    announcement: &Announcement,
    inventory: Inventory,
    limits: &Limits,
) -> (InventoryChange, AnnouncementOutcome) {
    let mut planner = Planner {
        organization_id,
        device_id,
        limits,
        ids: announcement.seed.ids(announcement.received_at),
        inventory,
        change: InventoryChange::default(),
        refused: Vec::new(),
    };
    let mut components = Vec::with_capacity(announcement.components.len());
    for announced in &announcement.components {
        match planner.component(announced) {
            Ok(component) => {
                let sensors = planner.sensors(&component, &announced.sensors);
                components.push(KnownComponent {
                    key: component.key,
                    id: component.id,
                    sensors,
                });
            }
            Err(refusal) => planner.refuse(&announced.key, None, refusal),
        }
    }
    let outcome = AnnouncementOutcome {
        components,
        refused: planner.refused,
    };
    (planner.change, outcome)
}

struct Planner<'a> {
    organization_id: OrganizationId,
    device_id: DeviceId,
    limits: &'a Limits,
    ids: Ids,
    inventory: Inventory,
    change: InventoryChange,
    refused: Vec<AnnouncementRefusal>,
}

/// The code and the words of a refusal.
type Refusal = (&'static str, String);

impl Planner<'_> {
    fn component(&mut self, announced: &AnnouncedComponent) -> Result<Component, Refusal> {
        if let Some(component) = self.inventory.component_mut(&announced.key) {
            let before = component.clone();
            describe(component, announced);
            let component = component.clone();
            if component != before {
                self.change.put_component(component.clone());
            }
            return Ok(component);
        }
        let limit = self.limits.components_per_device;
        if self.inventory.component_count >= limit {
            let detail = format!("a device has at most {limit} components");
            return Err(("limit_exceeded", detail));
        }
        let mut component = new_component(
            ComponentId::from_uuid(self.ids.next_id()),
            self.organization_id,
            self.device_id,
            announced.key.clone(),
        );
        describe(&mut component, announced);
        self.inventory.add_component(component.clone());
        self.change.new_components.push(component.clone());
        Ok(component)
    }

    fn sensors(
        &mut self,
        component: &Component,
        announced: &[AnnouncedSensor],
    ) -> Vec<(Key, SensorId)> {
        let mut known = Vec::with_capacity(announced.len());
        for wanted in announced {
            match self.sensor(component, wanted) {
                Ok(id) => known.push((wanted.key.clone(), id)),
                Err(refusal) => self.refuse(&component.key, Some(&wanted.key), refusal),
            }
        }
        known
    }

    fn sensor(
        &mut self,
        component: &Component,
        wanted: &AnnouncedSensor,
    ) -> Result<SensorId, Refusal> {
        if let Some(sensor) = self.inventory.sensor_mut(component.id, &wanted.key) {
            let before = sensor.clone();
            adopt(sensor, wanted).map_err(|detail| ("type_mismatch", detail))?;
            let id = sensor.id;
            if *sensor != before {
                self.change.put_sensor(sensor.clone());
            }
            return Ok(id);
        }
        let limit = self.limits.sensors_per_device;
        if self.inventory.sensor_count >= limit {
            let detail = format!("a device has at most {limit} sensors");
            return Err(("limit_exceeded", detail));
        }
        let mut sensor = new_sensor(
            SensorId::from_uuid(self.ids.next_id()),
            component,
            wanted.key.clone(),
            wanted.value_type,
            TypeOrigin::Announced,
        );
        describe_sensor(&mut sensor, wanted);
        let id = sensor.id;
        self.inventory.add_sensor(sensor.clone());
        self.change.new_sensors.push(sensor);
        Ok(id)
    }

    fn refuse(&mut self, component: &Key, sensor: Option<&Key>, (code, detail): Refusal) {
        self.refused.push(AnnouncementRefusal {
            component: component.to_string(),
            sensor: sensor.map(Key::to_string),
            code,
            detail,
        });
    }
}

/// Fills in name and profile where there is none yet: an operator may have set them.
fn describe(component: &mut Component, announced: &AnnouncedComponent) {
    let settings = &mut component.settings;
    name(&mut settings.name, &component.key, announced.name.as_ref());
    if settings.profile.is_none() {
        settings.profile.clone_from(&announced.profile);
    }
}

/// Fills in name and unit where there is none yet: an operator may have set them.
fn describe_sensor(sensor: &mut Sensor, wanted: &AnnouncedSensor) {
    let settings = &mut sensor.settings;
    name(&mut settings.name, &sensor.key, wanted.name.as_ref());
    if settings.unit.is_none() {
        settings.unit.clone_from(&wanted.unit);
    }
}

/// Gives a name to what only has its key for one.
fn name(name: &mut Name, key: &Key, announced: Option<&Name>) {
    if let Some(announced) = announced.filter(|_| *name == name_of(key)) {
        *name = announced.clone();
    }
}

/// Brings a known sensor in line with its announcement.
fn adopt(sensor: &mut Sensor, wanted: &AnnouncedSensor) -> Result<(), String> {
    if sensor.settings.value_type != wanted.value_type {
        if sensor.type_origin == TypeOrigin::Profile {
            return Err(format!("the profile says {}", sensor.settings.value_type));
        }
        sensor
            .set_type(wanted.value_type, TypeOrigin::Announced)
            .map_err(|mismatch| mismatch.to_string())?;
    } else if sensor.type_origin == TypeOrigin::Inferred {
        sensor.type_origin = TypeOrigin::Announced;
    }
    describe_sensor(sensor, wanted);
    Ok(())
}
