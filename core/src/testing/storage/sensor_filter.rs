//! Clauses of the filters of sensors: each alone and combined, held against
//! [`SensorFilter::matches`] and against what the sensors' devices are.

use std::collections::BTreeMap;

use super::announcement::announcing;
use super::world::{limits, new_organization, sensors_of};
use crate::model::device::{Device, DeviceUpdate};
use crate::model::id::{DeviceId, OrganizationId, SiteId};
use crate::model::sensor::{Sensor, SensorFilter, ValueType};
use crate::model::tag::TagSelector;
use crate::storage::Effects;
use crate::testing::fixtures::{device, noon, parse, site, tags};
use crate::testing::storage::Handle;

/// Each filter alone lists exactly what matches, by id.
pub async fn each_alone(storage: &Handle) {
    let world = World::populate(storage).await;
    for filter in world.single_filters() {
        world.assert_lists(storage, &filter).await;
    }
}

/// Each two filters together list exactly what matches both.
pub async fn each_two_together(storage: &Handle) {
    let world = World::populate(storage).await;
    let filters = world.single_filters();
    for (index, first) in filters.iter().enumerate() {
        for second in filters[index + 1..].iter().step_by(2) {
            world.assert_lists(storage, &both(first, second)).await;
        }
    }
}

/// All filters together list exactly what matches all.
pub async fn all_together(storage: &Handle) {
    let world = World::populate(storage).await;
    for sensor in world.sensors.iter().step_by(5) {
        let settings = &world.devices[&sensor.device_id].settings;
        let filter = SensorFilter {
            device_id: Some(sensor.device_id),
            component_id: Some(sensor.component_id),
            site_id: settings.site_id,
            device_selector: Some(TagSelector {
                all: settings.tags.clone(),
                ..TagSelector::default()
            }),
            value_types: vec![sensor.settings.value_type],
            tags: sensor.settings.tags.iter().cloned().collect(),
            word_prefix: Some(sensor.settings.name.to_string()),
        };
        assert!(world.matches(&filter, sensor), "{filter:?}");
        world.assert_lists(storage, &filter).await;
    }
}

/// A list follows the sensors' devices: where they move, their tags, and their end.
pub async fn lists_follow_the_devices(storage: &Handle) {
    let mut world = World::populate(storage).await;
    let ids: Vec<_> = world.devices.keys().copied().collect();
    let mut settings = world.devices[&ids[0]].settings.clone();
    settings.site_id = Some(world.sites[1]);
    settings.tags = tags(&["south", "moved"]);
    let update = DeviceUpdate {
        settings,
        status: None,
    };
    let changed = storage
        .update_device(world.organization, ids[0], None, &update, noon())
        .await;
    world.devices.insert(ids[0], changed.unwrap().device);
    let deleted = storage
        .delete_device(world.organization, ids[1], None, noon())
        .await;
    deleted.unwrap();
    world.devices.remove(&ids[1]);
    world.sensors.retain(|sensor| sensor.device_id != ids[1]);

    for filter in world.single_filters() {
        world.assert_lists(storage, &filter).await;
    }
}

struct World {
    organization: OrganizationId,
    sites: Vec<SiteId>,
    devices: BTreeMap<DeviceId, Device>,
    sensors: Vec<Sensor>,
}

impl World {
    /// Four devices at two sites, each with sensors of each type.
    async fn populate(storage: &Handle) -> Self {
        let organization = new_organization(storage).await;
        let mut sites = Vec::new();
        for _ in 0..2 {
            let site = site(organization);
            storage.create_site(&site, &Effects::NONE).await.unwrap();
            sites.push(site.id);
        }
        let mut devices = BTreeMap::new();
        let mut sensors = Vec::new();
        for number in 0..4 {
            let mut device = device(organization, &format!("device-{number}"));
            device.settings.site_id = [None, Some(sites[0]), Some(sites[1])][number % 3];
            device.settings.tags =
                tags([&["north"][..], &["south", "old"], &[], &["north"]][number]);
            let created = storage.create_device(&device, &Effects::NONE).await;
            created.unwrap();
            announce(storage, &device).await;
            for (index, sensor) in sensors_of(storage, &device).await.into_iter().enumerate() {
                let mut settings = sensor.settings.clone();
                settings.tags = tags([&[][..], &["roof"], &["roof", "hot"]][index % 3]);
                let updated = storage
                    .update_sensor(organization, sensor.id, None, &settings.clone().into())
                    .await;
                sensors.push(updated.unwrap());
            }
            devices.insert(device.id, device);
        }
        sensors.sort_by_key(|sensor| sensor.id);
        assert_eq!(sensors.len(), 24);
        Self {
            organization,
            sites,
            devices,
            sensors,
        }
    }

    fn matches(&self, filter: &SensorFilter, sensor: &Sensor) -> bool {
        let settings = &self.devices[&sensor.device_id].settings;
        let selector = filter.device_selector.as_ref();
        filter.matches(sensor)
            && (filter.site_id.is_none() || filter.site_id == settings.site_id)
            && selector.is_none_or(|selector| selector.matches(&settings.tags))
    }

    async fn assert_lists(&self, storage: &Handle, filter: &SensorFilter) {
        let matching = self
            .sensors
            .iter()
            .filter(|sensor| self.matches(filter, sensor));
        let expected: Vec<_> = matching.collect();
        for limit in [5, 500] {
            let found = all_pages!(
                limit,
                |page| storage.sensors(self.organization, filter, page),
                |sensor| sensor.id
            );
            let found: Vec<_> = found.iter().collect();
            assert_eq!(found, expected, "{filter:?} by {limit}");
        }
    }

    fn single_filters(&self) -> Vec<SensorFilter> {
        let any = SensorFilter::default;
        let mut filters = vec![any()];
        filters.extend(self.devices.keys().take(2).map(|id| SensorFilter {
            device_id: Some(*id),
            ..any()
        }));
        filters.extend(self.sensors.iter().step_by(9).map(|it| SensorFilter {
            component_id: Some(it.component_id),
            ..any()
        }));
        filters.extend(self.sites.iter().map(|id| SensorFilter {
            site_id: Some(*id),
            ..any()
        }));
        for (all, either, none) in [
            (&["north"][..], &[][..], &[][..]),
            (&[], &["north", "old"], &["south"]),
            (&[], &[], &["north"]),
            (&[], &[], &[]),
        ] {
            filters.push(SensorFilter {
                device_selector: Some(TagSelector {
                    all: tags(all),
                    any: tags(either),
                    none: tags(none),
                }),
                ..any()
            });
        }
        filters.extend(
            [
                vec![ValueType::BigInt],
                vec![ValueType::Text, ValueType::Boolean],
                ValueType::ALL.to_vec(),
            ]
            .map(|value_types| SensorFilter {
                value_types,
                ..any()
            }),
        );
        filters.extend(
            [&["roof"][..], &["roof", "hot"], &["Roof"]].map(|wanted| SensorFilter {
                tags: wanted.iter().map(|tag| parse(tag)).collect(),
                ..any()
            }),
        );
        filters.extend(
            ["temp", "AUSSEN", "süd", "SÜ", "%", "air t"].map(|prefix| SensorFilter {
                word_prefix: Some(prefix.to_owned()),
                ..any()
            }),
        );
        filters
    }
}

async fn announce(storage: &Handle, device: &Device) {
    let mut announcement = announcing(&[
        (
            "bme280",
            &[
                ("temperature", ValueType::Double),
                ("humidity", ValueType::Double),
                ("count", ValueType::BigInt),
            ],
        ),
        (
            "door",
            &[
                ("open", ValueType::Boolean),
                ("says", ValueType::Text),
                ("opened", ValueType::BigInt),
            ],
        ),
    ]);
    let names = [
        "Air Temperature",
        "aussen-SÜD",
        "100% count",
        "Außen",
        "temp_2",
        "TEMPO",
    ];
    let sensors = announcement
        .components
        .iter_mut()
        .flat_map(|component| &mut component.sensors);
    for (sensor, name) in sensors.zip(names) {
        sensor.name = Some(parse(name));
    }
    let stored = storage
        .store_announcement(device.organization_id, device.id, &announcement, &limits())
        .await;
    assert!(stored.unwrap().refused.is_empty());
}

/// What matches the one and the other, as far as one filter can say so.
fn both(first: &SensorFilter, second: &SensorFilter) -> SensorFilter {
    let (one, two) = (first.clone(), second.clone());
    SensorFilter {
        device_id: one.device_id.or(two.device_id),
        component_id: one.component_id.or(two.component_id),
        site_id: one.site_id.or(two.site_id),
        device_selector: one.device_selector.or(two.device_selector),
        value_types: [one.value_types, two.value_types].concat(),
        tags: [one.tags, two.tags].concat(),
        word_prefix: one.word_prefix.or(two.word_prefix),
    }
}
