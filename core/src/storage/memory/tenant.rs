//! What one organization has.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::component::Component;
use crate::model::device::Device;
use crate::model::group::DeviceGroup;
use crate::model::health::DeviceHealth;
use crate::model::id::{ComponentId, DeviceId, GroupId, QuarantineId, SensorId, SiteId, TokenId};
use crate::model::key::Key;
use crate::model::organization::Organization;
use crate::model::quarantine::QuarantinedItem;
use crate::model::reading::Reading;
use crate::model::sensor::Sensor;
use crate::model::site::Site;
use crate::model::text::Name;
use crate::model::timestamp::Timestamp;
use crate::model::token::RegistrationToken;
use crate::storage::{RetainedTopic, StorageError};

/// What one organization has. Nothing in it leads to another one.
#[derive(Clone)]
pub(super) struct Tenant {
    pub(super) organization: Organization,
    pub(super) sites: BTreeMap<SiteId, Site>,
    pub(super) groups: BTreeMap<GroupId, DeviceGroup>,
    pub(super) devices: BTreeMap<DeviceId, Device>,
    pub(super) tokens: BTreeMap<TokenId, RegistrationToken>,
    pub(super) components: BTreeMap<ComponentId, Component>,
    pub(super) sensors: BTreeMap<SensorId, Sensor>,
    pub(super) readings: BTreeMap<SensorId, BTreeMap<Timestamp, Reading>>,
    pub(super) health: BTreeMap<DeviceId, BTreeMap<Timestamp, DeviceHealth>>,
    pub(super) quarantine: BTreeMap<QuarantineId, QuarantinedItem>,
    pub(super) retained: BTreeMap<(DeviceId, RetainedTopic), Vec<u8>>,

    // What has to be unique, and what a device has: point keys, kept by the methods below.
    device_names: BTreeMap<Name, DeviceId>,
    component_keys: BTreeMap<DeviceId, BTreeMap<Key, ComponentId>>,
    sensor_keys: BTreeMap<ComponentId, BTreeMap<Key, SensorId>>,
    open_tokens: BTreeMap<DeviceId, TokenId>,
    quarantined: BTreeMap<DeviceId, BTreeSet<QuarantineId>>,
}

impl Tenant {
    /// An organization that has nothing yet.
    pub(super) const fn new(organization: Organization) -> Self {
        Self {
            organization,
            sites: BTreeMap::new(),
            groups: BTreeMap::new(),
            devices: BTreeMap::new(),
            tokens: BTreeMap::new(),
            components: BTreeMap::new(),
            sensors: BTreeMap::new(),
            readings: BTreeMap::new(),
            health: BTreeMap::new(),
            quarantine: BTreeMap::new(),
            retained: BTreeMap::new(),
            device_names: BTreeMap::new(),
            component_keys: BTreeMap::new(),
            sensor_keys: BTreeMap::new(),
            open_tokens: BTreeMap::new(),
            quarantined: BTreeMap::new(),
        }
    }

    /// The device, to change it; not its name.
    pub(super) fn device_mut(&mut self, id: DeviceId) -> Result<&mut Device, StorageError> {
        self.devices
            .get_mut(&id)
            .ok_or(StorageError::NotFound { what: "device" })
    }

    /// Refuses what names a device that is not there.
    pub(super) fn require_device(&self, id: DeviceId) -> Result<(), StorageError> {
        if self.devices.contains_key(&id) {
            Ok(())
        } else {
            Err(StorageError::NotFound { what: "device" })
        }
    }

    /// The device of this name.
    pub(super) fn device_named(&self, name: &Name) -> Option<DeviceId> {
        self.device_names.get(name).copied()
    }

    /// Puts a device in the place of the one with its id, if there is one.
    pub(super) fn put_device(&mut self, device: Device) {
        let name = device.settings.name.clone();
        let id = device.id;
        if let Some(before) = self.devices.insert(id, device) {
            self.device_names.remove(&before.settings.name);
        }
        self.device_names.insert(name, id);
    }

    /// Removes a device and all that it has here.
    pub(super) fn remove_device(&mut self, id: DeviceId) -> Option<Device> {
        let device = self.devices.remove(&id)?;
        self.device_names.remove(&device.settings.name);
        self.tokens.retain(|_, token| token.device_id != id);
        self.open_tokens.remove(&id);
        for component in self.component_keys.remove(&id).unwrap_or_default().values() {
            self.remove_component(*component);
        }
        self.health.remove(&id);
        for item in self.quarantined.remove(&id).unwrap_or_default() {
            self.quarantine.remove(&item);
        }
        self.retained.retain(|(device, _), _| *device != id);
        Some(device)
    }

    /// The token of a device that nothing has been recorded of.
    pub(super) fn open_token_mut(&mut self, device: DeviceId) -> Option<&mut RegistrationToken> {
        let id = self.open_tokens.get(&device)?;
        self.tokens.get_mut(id)
    }

    /// Adds an open token.
    pub(super) fn put_open_token(&mut self, token: RegistrationToken) {
        self.open_tokens.insert(token.device_id, token.id);
        self.tokens.insert(token.id, token);
    }

    /// Notes that a device has no open token any more.
    pub(super) fn close_token(&mut self, device: DeviceId) {
        self.open_tokens.remove(&device);
    }

    /// The component that a device names so.
    pub(super) fn component_of(&self, device: DeviceId, key: &Key) -> Option<&Component> {
        let id = self.component_keys.get(&device)?.get(key)?;
        self.components.get(id)
    }

    /// How many components a device has.
    pub(super) fn component_count(&self, device: DeviceId) -> usize {
        self.component_keys.get(&device).map_or(0, BTreeMap::len)
    }

    /// Adds a component.
    pub(super) fn add_component(&mut self, component: Component) {
        self.component_keys
            .entry(component.device_id)
            .or_default()
            .insert(component.key.clone(), component.id);
        self.components.insert(component.id, component);
    }

    /// Removes a component with its sensors and their readings.
    pub(super) fn remove_component(&mut self, id: ComponentId) -> Option<Component> {
        let component = self.components.remove(&id)?;
        if let Some(keys) = self.component_keys.get_mut(&component.device_id) {
            keys.remove(&component.key);
        }
        for sensor in self.sensor_keys.remove(&id).unwrap_or_default().values() {
            self.sensors.remove(sensor);
            self.readings.remove(sensor);
        }
        Some(component)
    }

    /// The sensor that a device names so, of a component.
    pub(super) fn sensor_of(&self, component: ComponentId, key: &Key) -> Option<&Sensor> {
        let id = self.sensor_keys.get(&component)?.get(key)?;
        self.sensors.get(id)
    }

    /// How many sensors a device has.
    pub(super) fn sensor_count(&self, device: DeviceId) -> usize {
        let components = self.component_keys.get(&device).into_iter().flatten();
        components
            .filter_map(|(_, component)| self.sensor_keys.get(component))
            .map(BTreeMap::len)
            .sum()
    }

    /// Adds a sensor.
    pub(super) fn add_sensor(&mut self, sensor: Sensor) {
        self.sensor_keys
            .entry(sensor.component_id)
            .or_default()
            .insert(sensor.key.clone(), sensor.id);
        self.sensors.insert(sensor.id, sensor);
    }

    /// Removes a sensor with its readings.
    pub(super) fn remove_sensor(&mut self, id: SensorId) -> Option<Sensor> {
        let sensor = self.sensors.remove(&id)?;
        if let Some(keys) = self.sensor_keys.get_mut(&sensor.component_id) {
            keys.remove(&sensor.key);
        }
        self.readings.remove(&id);
        Some(sensor)
    }

    /// Adds an item; the oldest of its device go where there are more than `limit`.
    pub(super) fn add_quarantined(&mut self, item: QuarantinedItem, limit: usize) {
        let ring = self.quarantined.entry(item.device_id).or_default();
        ring.insert(item.id);
        self.quarantine.insert(item.id, item);
        while ring.len() > limit {
            if let Some(oldest) = ring.pop_first() {
                self.quarantine.remove(&oldest);
            }
        }
    }

    /// Removes an item.
    pub(super) fn remove_quarantined(&mut self, id: QuarantineId) -> Option<QuarantinedItem> {
        let item = self.quarantine.remove(&id)?;
        if let Some(ring) = self.quarantined.get_mut(&item.device_id) {
            ring.remove(&id);
        }
        Some(item)
    }
}
