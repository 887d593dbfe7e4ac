//! Clauses of [`ComponentStore`](crate::storage::ComponentStore).

use super::world::{
    limits, new_device, new_organization, only_sensor, pump, readings_of, report, sensors_of,
    snapshot,
};
use crate::model::component::{Component, ComponentFilter, ComponentSettings};
use crate::model::device::Device;
use crate::model::id::{ComponentId, DeviceId};
use crate::model::limits::Limits;
use crate::model::reading::{TimeRange, Value};
use crate::model::revision::Revision;
use crate::storage::{Effects, StorageError, Unique};
use crate::testing::fixtures::{component, device, metadata, noon, parse, reading, tags};
use crate::testing::storage::Handle;

/// A created component can be read back, unchanged, with all that it can say or only its name.
pub async fn create_then_read(storage: &Handle) {
    let pump = pump(storage).await;
    let plain = component(&pump, "plain");
    let full = Component {
        settings: full_settings(),
        ..component(&pump, "A-Z_a.z-0")
    };

    for component in [plain, full] {
        create(storage, &component).await.unwrap();
        assert_eq!(stored(storage, &component).await, component);
    }
}

/// A taken id is refused.
pub async fn create_refuses_a_taken_id(storage: &Handle) {
    let pump = pump(storage).await;
    let first = component(&pump, "bme280");
    create(storage, &first).await.unwrap();
    let second = Component {
        id: first.id,
        ..component(&pump, "other")
    };

    let answer = create(storage, &second).await;

    assert_refused!(answer, StorageError::Taken(Unique::Id));
    assert_eq!(stored(storage, &first).await, first);
}

/// A key is taken only once in a device, to the letter, whoever made its holder; other devices
/// may have it too.
pub async fn create_refuses_a_taken_key(storage: &Handle) {
    let pump = pump(storage).await;
    let fan = new_device(storage, pump.organization_id, "fan-1").await;
    report(
        storage,
        &pump,
        [reading("reported/n", noon(), Value::BigInt(1))],
    )
    .await;
    create(storage, &component(&pump, "bme280")).await.unwrap();
    let before = snapshot(storage, pump.organization_id).await;

    for key in ["bme280", "reported"] {
        let answer = create(storage, &component(&pump, key)).await;
        assert_refused!(answer, StorageError::Taken(Unique::ComponentKey));
    }
    assert_eq!(snapshot(storage, pump.organization_id).await, before);

    create(storage, &component(&pump, "BME280")).await.unwrap();
    create(storage, &component(&fan, "bme280")).await.unwrap();
}

/// A component needs a device, of its own organization.
pub async fn create_needs_a_device(storage: &Handle) {
    let pump = pump(storage).await;
    let unknown = device(pump.organization_id, "unknown");
    let mut foreign = pump.clone();
    foreign.organization_id = new_organization(storage).await;

    for device in [unknown, foreign] {
        let component = component(&device, "bme280");
        let answer = create(storage, &component).await;
        assert_refused!(answer, StorageError::NotFound { .. });
        let found = storage
            .component(device.organization_id, component.id)
            .await;
        assert_eq!(found.unwrap(), None);
    }
}

/// A device has only so many components, whoever makes them; a deleted one leaves room.
pub async fn the_limit_holds(storage: &Handle) {
    let pump = pump(storage).await;
    let fan = new_device(storage, pump.organization_id, "fan-1").await;
    create(storage, &component(&fan, "x")).await.unwrap();
    let limits = Limits {
        components_per_device: 2,
        ..limits()
    };
    let add = async |key: &str| {
        let component = component(&pump, key);
        let answer = storage
            .create_component(&component, &limits, &Effects::NONE)
            .await;
        answer.map(|()| component.id)
    };
    report(
        storage,
        &pump,
        [reading("reported/n", noon(), Value::BigInt(1))],
    )
    .await;
    let second = add("b").await.unwrap();

    assert_refused!(add("c").await, StorageError::LimitReached { limit: 2, .. });

    let deleted = storage
        .delete_component(pump.organization_id, second, None)
        .await;
    deleted.unwrap();
    add("c").await.unwrap();
    assert_refused!(add("d").await, StorageError::LimitReached { limit: 2, .. });
}

/// An update changes the settings and raises the revision by one.
pub async fn update_changes_the_settings(storage: &Handle) {
    let pump = pump(storage).await;
    let mut component = component(&pump, "bme280");
    create(storage, &component).await.unwrap();

    for settings in [full_settings(), component.settings.clone()] {
        let updated = storage
            .update_component(
                pump.organization_id,
                component.id,
                Some(component.revision),
                &settings,
            )
            .await
            .unwrap();
        component.settings = settings;
        component.revision = component.revision.next();
        assert_eq!(updated, component);
        assert_eq!(stored(storage, &component).await, component);
    }
}

/// A change from another revision than the stored one is refused, be it an update or a deletion.
pub async fn changes_check_the_revision(storage: &Handle) {
    let pump = pump(storage).await;
    let component = component(&pump, "bme280");
    create(storage, &component).await.unwrap();
    let wrong = Some(Revision::FIRST.next());

    let answer = storage
        .update_component(pump.organization_id, component.id, wrong, &full_settings())
        .await;

    assert_refused!(answer, StorageError::StaleRevision { .. });
    let answer = storage
        .delete_component(pump.organization_id, component.id, wrong)
        .await;
    assert_refused!(answer, StorageError::StaleRevision { .. });
    assert_eq!(stored(storage, &component).await, component);
    let right = Some(component.revision);
    storage
        .delete_component(pump.organization_id, component.id, right)
        .await
        .unwrap();
}

/// Updating or deleting what is not there is an error.
pub async fn changes_need_a_record(storage: &Handle) {
    let pump = pump(storage).await;
    let id = pump.organization_id;
    let unknown = component(&pump, "unknown");

    let answer = storage
        .update_component(id, unknown.id, None, &unknown.settings)
        .await;
    assert_refused!(answer, StorageError::NotFound { .. });
    let answer = storage.delete_component(id, unknown.id, None).await;
    assert_refused!(answer, StorageError::NotFound { .. });
    assert_eq!(storage.component(id, unknown.id).await.unwrap(), None);
}

/// A deleted component is gone at once with its sensors and their readings; its key is free, and
/// what comes under it begins with nothing.
pub async fn delete_takes_sensors_and_readings_along(storage: &Handle) {
    let pump = pump(storage).await;
    let id = pump.organization_id;
    report(
        storage,
        &pump,
        [reading("kept/n", noon(), Value::BigInt(1))],
    )
    .await;
    let before = snapshot(storage, id).await;
    report(
        storage,
        &pump,
        [reading("gone/n", noon(), Value::BigInt(2))],
    )
    .await;
    let sensors = sensors_of(storage, &pump).await;
    let gone = sensors
        .iter()
        .find(|it| it.latest.as_ref().unwrap().value == Value::BigInt(2));
    let gone = gone.unwrap();

    let deleted = storage.delete_component(id, gone.component_id, None).await;
    deleted.unwrap();

    assert_eq!(
        storage.component(id, gone.component_id).await.unwrap(),
        None
    );
    assert_eq!(storage.sensor(id, gone.id).await.unwrap(), None);
    let readings = all_pages!(
        9,
        |page| storage.readings(id, gone.id, TimeRange::ALL, page),
        |it| it.timestamp
    );
    assert!(readings.is_empty());
    assert_eq!(snapshot(storage, id).await, before);
    let answer = storage.delete_component(id, gone.component_id, None).await;
    assert_refused!(answer, StorageError::NotFound { .. });

    let kept = only_sensor(storage, &pump).await;
    let deleted = storage.delete_component(id, kept.component_id, None).await;
    deleted.unwrap();
    let outcome = report(
        storage,
        &pump,
        [reading("gone/n", noon(), Value::Boolean(true))],
    )
    .await;
    assert_eq!((outcome.stored, outcome.quarantined), (1, 0));
    let heir = only_sensor(storage, &pump).await;
    assert!(heir.id != gone.id && heir.component_id != gone.component_id);
    let readings = readings_of(storage, &heir).await;
    assert_eq!(readings, [(noon(), Value::Boolean(true))]);
}

/// The list holds the components that match, by id, in pages of any size: each filter alone and
/// all together, held against [`ComponentFilter::matches`].
pub async fn the_list_is_by_id_and_filtered(storage: &Handle) {
    let pump = pump(storage).await;
    let fan = new_device(storage, pump.organization_id, "fan-1").await;
    let mut all = Vec::new();
    for number in 0..16 {
        let device = if number % 2 == 0 { &pump } else { &fan };
        let mut component = component(device, &format!("c{number}"));
        component.settings.tags = tags([&[][..], &["a"], &["a", "b"], &["A"]][number % 4]);
        let profile = [None, Some("env@1.0"), Some("env@1.1")][number % 3];
        component.settings.profile = profile.map(parse);
        create(storage, &component).await.unwrap();
        all.push(component);
    }
    all.sort_by_key(|component| component.id);

    for device_id in [None, Some(pump.id), Some(fan.id), Some(unknown(&pump))] {
        for profile in [None, Some("env@1.0"), Some("env@1.1"), Some("env@2.0")] {
            for wanted in [&[][..], &["a"], &["a", "b"], &["A"], &["c"]] {
                let filter = ComponentFilter {
                    device_id,
                    profile: profile.map(parse),
                    tags: wanted.iter().map(|tag| parse(tag)).collect(),
                };
                let matching = all.iter().filter(|component| filter.matches(component));
                let expected: Vec<_> = matching.map(|component| component.id).collect();
                for limit in [2, 500] {
                    let found = ids(storage, &pump, &filter, limit).await;
                    assert_eq!(found, expected, "{filter:?} by {limit}");
                }
            }
        }
    }
}

async fn create(storage: &Handle, component: &Component) -> Result<(), StorageError> {
    storage
        .create_component(component, &limits(), &Effects::NONE)
        .await
}

async fn stored(storage: &Handle, component: &Component) -> Component {
    let found = storage
        .component(component.organization_id, component.id)
        .await;
    found.unwrap().unwrap()
}

async fn ids(
    storage: &Handle,
    device: &Device,
    filter: &ComponentFilter,
    limit: u16,
) -> Vec<ComponentId> {
    let found = all_pages!(
        limit,
        |page| storage.components(device.organization_id, filter, page),
        |component| component.id
    );
    found.iter().map(|component| component.id).collect()
}

fn unknown(pump: &Device) -> DeviceId {
    device(pump.organization_id, "unknown").id
}

fn full_settings() -> ComponentSettings {
    ComponentSettings {
        name: parse("Klima <1> \"Süd\""),
        profile: Some(parse("environment@1.2")),
        tags: tags(&["roof", "Dach süd"]),
        metadata: metadata(),
    }
}
