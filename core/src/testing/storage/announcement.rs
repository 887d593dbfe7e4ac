//! Clauses of announcements in [`ReportStore`](crate::storage::ReportStore).

use super::world::{
    components_of, limits, new_device, only_sensor, pump, readings_of, report, sensors_of,
    snapshot, stored,
};
use crate::model::announcement::{
    AnnouncedComponent, AnnouncedSensor, Announcement, AnnouncementOutcome,
};
use crate::model::component::ComponentOrigin;
use crate::model::device::{Device, DeviceFilter};
use crate::model::limits::Limits;
use crate::model::reading::Value;
use crate::model::revision::Revision;
use crate::model::sensor::{TypeOrigin, ValueType};
use crate::storage::{Effects, StorageError};
use crate::testing::fixtures::{
    after, component, device, double, noon, parse, reading, seed, text,
};
use crate::testing::storage::Handle;

/// What is announced is there, as announced, and the answer maps each key to its id, in order.
pub async fn announced_things_are_there(storage: &Handle) {
    let pump = pump(storage).await;
    let mut announcement = announcing(&[
        (
            "bme280",
            &[
                ("temperature", ValueType::Double),
                ("count", ValueType::BigInt),
            ],
        ),
        ("door", &[]),
        (
            "display",
            &[("shows", ValueType::Text), ("lit", ValueType::Boolean)],
        ),
    ]);
    announcement.components[0].name = Some(parse("Klima <1>"));
    announcement.components[0].profile = Some(parse("environment@1.2"));
    announcement.components[0].sensors[0].name = Some(parse("Außen"));
    announcement.components[0].sensors[0].unit = Some(parse("Cel"));

    let outcome = announce(storage, &pump, &announcement).await;

    assert!(outcome.refused.is_empty(), "{outcome:?}");
    let keys = |components: &[AnnouncedComponent]| -> Vec<_> {
        let keys = components.iter().map(|component| component.key.clone());
        keys.collect()
    };
    let mapped: Vec<_> = outcome.components.iter().map(|it| it.key.clone()).collect();
    assert_eq!(mapped, keys(&announcement.components));
    for (announced, known) in announcement.components.iter().zip(&outcome.components) {
        let component = storage.component(pump.organization_id, known.id).await;
        let component = component.unwrap().unwrap();
        assert_eq!(component.key, announced.key);
        assert_eq!(component.device_id, pump.id);
        assert_eq!(component.origin, ComponentOrigin::Announced);
        assert_eq!(component.settings.profile, announced.profile);
        let name = announced
            .name
            .as_ref()
            .map_or(announced.key.as_str(), |name| name.as_str());
        assert_eq!(component.settings.name.as_str(), name);
        assert_eq!(component.revision, Revision::FIRST);
        assert_eq!(known.sensors.len(), announced.sensors.len());
        for (wanted, (key, id)) in announced.sensors.iter().zip(&known.sensors) {
            let sensor = storage.sensor(pump.organization_id, *id).await;
            let sensor = sensor.unwrap().unwrap();
            assert_eq!((&sensor.key, key), (&wanted.key, &wanted.key));
            assert_eq!(sensor.component_id, component.id);
            assert_eq!(sensor.settings.value_type, wanted.value_type);
            assert_eq!(sensor.settings.unit, wanted.unit);
            assert_eq!(sensor.type_origin, TypeOrigin::Announced);
            assert_eq!((sensor.latest, sensor.revision), (None, Revision::FIRST));
        }
    }
    assert_eq!(sensors_of(storage, &pump).await.len(), 4);
}

/// What a reading has made before it was announced gets its name, profile and unit then; what an
/// operator has set stays.
pub async fn an_announcement_describes_what_is_there(storage: &Handle) {
    let pump = pump(storage).await;
    let id = pump.organization_id;
    report(
        storage,
        &pump,
        [reading("temperature", noon(), double(1.5))],
    )
    .await;
    let mut announcement = announcing(&[("main", &[("temperature", ValueType::Double)])]);
    let announced = &mut announcement.components[0];
    announced.name = Some(parse("Klima"));
    announced.profile = Some(parse("environment@1.2"));
    announced.sensors[0].name = Some(parse("Außen"));
    announced.sensors[0].unit = Some(parse("Cel"));

    announce(storage, &pump, &announcement).await;

    let component = components_of(storage, &pump).await.remove(0);
    let sensor = only_sensor(storage, &pump).await;
    assert_eq!(component.settings.name.as_str(), "Klima");
    assert_eq!(component.settings.profile, Some(parse("environment@1.2")));
    assert_eq!(sensor.settings.name.as_str(), "Außen");
    assert_eq!(sensor.settings.unit, Some(parse("Cel")));
    assert_eq!(component.revision, Revision::FIRST);
    assert_eq!(sensor.revision, Revision::FIRST);

    let (mut called, mut bound) = (sensor.settings.clone(), component.settings.clone());
    called.name = parse("Operator's");
    let called = called.into();
    bound.profile = Some(parse("greenhouse@1.0"));
    let updated = storage.update_sensor(id, sensor.id, None, &called);
    updated.await.unwrap();
    let updated = storage.update_component(id, component.id, None, &bound);
    updated.await.unwrap();
    let before = snapshot(storage, id).await;
    announcement.seed = seed();
    announce(storage, &pump, &announcement).await;
    assert_eq!(snapshot(storage, id).await, before);
}

/// Where several are there, each gets what is announced of it.
pub async fn an_announcement_describes_each_of_several(storage: &Handle) {
    let pump = pump(storage).await;
    let paths = ["a/x", "a/y", "b/x", "b/y"];
    let readings = paths.map(|path| reading(path, noon(), double(1.5)));
    report(storage, &pump, readings).await;
    let sensors: &[(&str, ValueType)] = &[("x", ValueType::Double), ("y", ValueType::Double)];
    let mut announcement = announcing(&[("a", sensors), ("b", sensors)]);
    for component in &mut announcement.components {
        component.name = Some(parse(&format!("Part {}", component.key)));
        for sensor in &mut component.sensors {
            sensor.name = Some(parse(&format!("{} of {}", sensor.key, component.key)));
        }
    }

    announce(storage, &pump, &announcement).await;

    let components = components_of(storage, &pump).await;
    assert_eq!(components.len(), 2);
    for component in &components {
        let name = format!("Part {}", component.key);
        assert_eq!(component.settings.name.as_str(), name);
    }
    let sensors = sensors_of(storage, &pump).await;
    assert_eq!(sensors.len(), 4);
    for sensor in sensors {
        let component = components.iter().find(|it| it.id == sensor.component_id);
        let name = format!("{} of {}", sensor.key, component.unwrap().key);
        assert_eq!(sensor.settings.name.as_str(), name);
    }
}

/// Announcing again changes nothing, gives the same ids, and never deletes.
pub async fn announcing_again_changes_nothing(storage: &Handle) {
    let pump = pump(storage).await;
    let mut announcement = announcing(&[
        ("bme280", &[("temperature", ValueType::Double)]),
        ("door", &[("open", ValueType::Boolean)]),
    ]);
    let first = announce(storage, &pump, &announcement).await;
    let before = snapshot(storage, pump.organization_id).await;

    announcement.seed = seed();
    announcement.received_at = after(60);
    let second = announce(storage, &pump, &announcement).await;
    assert_eq!(second, first);
    announcement.seed = seed();
    announcement.components.pop();
    announce(storage, &pump, &announcement).await;

    assert_eq!(snapshot(storage, pump.organization_id).await, before);
}

/// The firmware version and the profile become those announced, where there is one; that is no
/// change by an operator.
pub async fn firmware_and_profile_are_taken_over(storage: &Handle) {
    let pump = pump(storage).await;
    let mut expected = pump.clone();
    let mut announcement = announcing(&[]);
    for (version, profile) in [
        (Some("1.0"), None),
        (None, Some("logger@1.0")),
        (None, None),
        (Some("1.1"), Some("logger@2.0")),
    ] {
        announcement.firmware_version = version.map(parse);
        announcement.profile = profile.map(parse);
        announce(storage, &pump, &announcement).await;
        if version.is_some() {
            expected.firmware_version = version.map(parse);
        }
        if profile.is_some() {
            expected.settings.profile = profile.map(parse);
        }
        assert_eq!(stored(storage, &pump).await, expected);
    }
    let filter = DeviceFilter {
        profile: Some(parse("logger@2.0")),
        ..Default::default()
    };
    let found = all_pages!(
        9,
        |page| storage.devices(pump.organization_id, &filter, page),
        |it| it.id
    );
    assert_eq!(found, [expected]);
}

/// Over the limits nothing is created: it is refused by name, and the rest is taken.
pub async fn limits_refuse_what_is_too_much(storage: &Handle) {
    let pump = pump(storage).await;
    let limits = Limits {
        components_per_device: 2,
        sensors_per_device: 3,
        ..limits()
    };
    let announcement = announcing(&[
        ("a", &[("1", ValueType::Text), ("2", ValueType::Text)]),
        ("b", &[("3", ValueType::Text), ("4", ValueType::Text)]),
        ("c", &[("5", ValueType::Text)]),
    ]);

    let outcome = storage
        .store_announcement(pump.organization_id, pump.id, &announcement, &limits)
        .await
        .unwrap();

    let refused: Vec<_> = outcome
        .refused
        .iter()
        .map(|it| (it.component.as_str(), it.sensor.as_deref(), it.code))
        .collect();
    assert_eq!(
        refused,
        [
            ("b", Some("4"), "limit_exceeded"),
            ("c", None, "limit_exceeded")
        ]
    );
    assert_eq!(components_of(storage, &pump).await.len(), 2);
    assert_eq!(sensors_of(storage, &pump).await.len(), 3);
    // What is there already is counted, whoever made it.
    let answer = storage
        .create_component(&component(&pump, "d"), &limits, &Effects::NONE)
        .await;
    assert_refused!(answer, StorageError::LimitReached { limit: 2, .. });
    let again = storage
        .store_announcement(pump.organization_id, pump.id, &announcement, &limits)
        .await;
    assert_eq!(again.unwrap(), outcome);
}

/// The limits are those of one device: what others have does not count.
pub async fn limits_are_per_device(storage: &Handle) {
    let pump = pump(storage).await;
    let fan = new_device(storage, pump.organization_id, "fan-1").await;
    let limits = Limits {
        components_per_device: 1,
        sensors_per_device: 1,
        ..limits()
    };
    for device in [&pump, &fan] {
        let outcome = storage
            .store_announcement(
                device.organization_id,
                device.id,
                &announcing(&[("bme280", &[("temperature", ValueType::Double)])]),
                &limits,
            )
            .await
            .unwrap();
        assert!(outcome.refused.is_empty(), "{outcome:?}");
    }
    assert_ne!(
        only_sensor(storage, &pump).await.id,
        only_sensor(storage, &fan).await.id
    );
}

/// An announced type replaces an inferred one where no stored reading contradicts it.
pub async fn an_announced_type_replaces_an_inferred_one(storage: &Handle) {
    let pump = pump(storage).await;
    report(storage, &pump, [reading("m/n", noon(), Value::BigInt(21))]).await;
    assert_eq!(
        only_sensor(storage, &pump).await.type_origin,
        TypeOrigin::Inferred
    );

    let wider = announcing(&[("m", &[("n", ValueType::Double)])]);
    let outcome = announce(storage, &pump, &wider).await;

    assert!(outcome.refused.is_empty(), "{outcome:?}");
    let sensor = only_sensor(storage, &pump).await;
    assert_eq!(sensor.settings.value_type, ValueType::Double);
    assert_eq!(sensor.type_origin, TypeOrigin::Announced);
    assert_eq!(sensor.latest.as_ref().unwrap().value, double(21.0));
    assert_eq!(
        readings_of(storage, &sensor).await,
        [(noon(), double(21.0))]
    );
}

/// A type that contradicts stored readings is refused, and changes nothing.
pub async fn a_contradicting_type_is_refused(storage: &Handle) {
    let pump = pump(storage).await;
    report(storage, &pump, [reading("m/n", noon(), text("on"))]).await;
    let before = snapshot(storage, pump.organization_id).await;

    let other = announcing(&[("m", &[("n", ValueType::Boolean)])]);
    let outcome = announce(storage, &pump, &other).await;

    assert_eq!(outcome.refused.len(), 1, "{outcome:?}");
    assert_eq!(outcome.refused[0].code, "type_mismatch");
    assert_eq!(outcome.refused[0].sensor.as_deref(), Some("n"));
    assert_eq!(snapshot(storage, pump.organization_id).await, before);
}

/// A sensor without readings takes any announced type.
pub async fn a_type_without_readings_may_change(storage: &Handle) {
    let pump = pump(storage).await;
    for value_type in ValueType::ALL {
        let announcement = announcing(&[("m", &[("n", value_type)])]);
        let outcome = announce(storage, &pump, &announcement).await;
        assert!(outcome.refused.is_empty(), "{outcome:?}");
        let sensor = only_sensor(storage, &pump).await;
        assert_eq!(sensor.settings.value_type, value_type);
    }
}

/// What an operator has said since, name and unit, stays.
pub async fn what_operators_said_stays(storage: &Handle) {
    let pump = pump(storage).await;
    let mut announcement = announcing(&[("m", &[("n", ValueType::Double)])]);
    announcement.components[0].sensors[0].unit = Some(parse("Cel"));
    announce(storage, &pump, &announcement).await;
    let sensor = only_sensor(storage, &pump).await;
    let mut settings = sensor.settings.clone();
    settings.name = parse("Renamed");
    settings.unit = Some(parse("K"));
    let updated = storage
        .update_sensor(
            pump.organization_id,
            sensor.id,
            None,
            &settings.clone().into(),
        )
        .await
        .unwrap();

    announcement.components[0].sensors[0].name = Some(parse("Other"));
    announce(storage, &pump, &announcement).await;

    assert_eq!(only_sensor(storage, &pump).await, updated);
}

/// A device that is not there announces nothing.
pub async fn it_needs_a_device(storage: &Handle) {
    let organization = pump(storage).await.organization_id;
    let before = snapshot(storage, organization).await;
    let unknown = device(organization, "unknown");

    let answer = storage
        .store_announcement(
            organization,
            unknown.id,
            &announcing(&[("m", &[("n", ValueType::Double)])]),
            &limits(),
        )
        .await;

    assert_refused!(answer, StorageError::NotFound { .. });
    assert_eq!(snapshot(storage, organization).await, before);
}

/// An announcement of components with their sensors.
pub(super) fn announcing(components: &[(&str, &[(&str, ValueType)])]) -> Announcement {
    let sensor = |(key, value_type): &(&str, ValueType)| AnnouncedSensor {
        key: parse(key),
        value_type: *value_type,
        unit: None,
        name: None,
    };
    let component = |(key, sensors): &(&str, &[(&str, ValueType)])| AnnouncedComponent {
        key: parse(key),
        name: None,
        profile: None,
        sensors: sensors.iter().map(sensor).collect(),
    };
    Announcement {
        received_at: noon(),
        seed: seed(),
        firmware_version: None,
        profile: None,
        components: components.iter().map(component).collect(),
    }
}

async fn announce(
    storage: &Handle,
    device: &Device,
    announcement: &Announcement,
) -> AnnouncementOutcome {
    storage
        .store_announcement(device.organization_id, device.id, announcement, &limits())
        .await
        .unwrap()
}
