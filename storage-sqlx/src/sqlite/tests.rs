//! What SQLite is told, how it finds what it is asked for, and what comes of damaged rows.

use std::error::Error as _;

use fieldgate_core::model::api_key::KeyOwner;
use fieldgate_core::model::component::ComponentFilter;
use fieldgate_core::model::device::{Device, DeviceFilter};
use fieldgate_core::model::id::{ComponentId, DeviceId, OrganizationId, SensorId, SiteId};
use fieldgate_core::model::limits::Limits;
use fieldgate_core::model::presence::DeviceStatus;
use fieldgate_core::model::reading::Value;
use fieldgate_core::model::sensor::SensorFilter;
use fieldgate_core::model::tag::TagSelector;
use fieldgate_core::storage::{
    ApiKeyStore as _, DeviceStore as _, Effects, OrganizationStore as _, ReportStore as _,
    ServerProof, SiteStore as _, StorageError,
};
use fieldgate_core::testing::fixtures::{
    api_key, batch, device, noon, organization, parse, reading, site, tags, unique,
};
use sqlx::Row as _;
use tempfile::TempDir;

use super::select::Select;
use super::sensor_filter::Lead;
use super::{SqliteStorage, component, device_filter, group, sensor_filter, tally};

#[tokio::test]
async fn the_settings_are_in_force() {
    let (storage, _directory) = fresh().await;
    let settings = [
        ("PRAGMA journal_mode", "wal"),
        ("PRAGMA synchronous", "2"),
        ("PRAGMA foreign_keys", "1"),
        ("PRAGMA busy_timeout", "5000"),
    ];
    for (pragma, expected) in settings {
        let row = storage
            .write(move |tx| Box::pin(async move { Ok(sqlx::query(pragma).fetch_one(tx).await?) }));
        let row = row.await.unwrap();
        let value = row.try_get(0).or_else(|_| {
            let number = row.try_get::<i64, _>(0);
            number.map(|number| number.to_string())
        });
        assert_eq!(value.unwrap(), expected, "{pragma}");
    }
    let mut reader = storage.reader().await.unwrap();
    let written = sqlx::query("DELETE FROM device").execute(&mut *reader);
    assert!(written.await.is_err(), "a reader can write");
}

#[tokio::test]
async fn lists_of_devices_are_led_by_an_index() {
    let (storage, _directory) = fresh().await;
    let organization = OrganizationId::new(noon(), unique());
    let after = Some(DeviceId::new(noon(), unique()));
    let all = DeviceFilter::default;
    let site_id = Some(SiteId::new(noon(), unique()));
    let cases = [
        ("(organization_id=? AND id>?)", all()),
        (
            "device_by_status (organization_id=? AND status=? AND id>?)",
            DeviceFilter {
                statuses: vec![DeviceStatus::Active],
                ..all()
            },
        ),
        (
            "device_by_site (organization_id=? AND site_id=? AND id>?)",
            DeviceFilter {
                site_id,
                statuses: vec![DeviceStatus::Active],
                ..all()
            },
        ),
        (
            "device_by_profile (organization_id=? AND profile=? AND id>?)",
            DeviceFilter {
                profile: Some(parse("pump@1.0")),
                ..all()
            },
        ),
        (
            "f USING PRIMARY KEY (organization_id=? AND tag=? AND owner_id>?)",
            DeviceFilter {
                tags: vec![parse("north"), parse("roof")],
                site_id,
                ..all()
            },
        ),
        (
            "f USING PRIMARY KEY (organization_id=? AND tag=? AND owner_id>?)",
            DeviceFilter {
                selector: Some(selector()),
                ..all()
            },
        ),
        (
            "(organization_id=? AND id=?)",
            DeviceFilter {
                word_prefix: Some("pum".to_owned()),
                ..all()
            },
        ),
    ];
    for (lead, filter) in cases {
        let columns = "EXPLAIN QUERY PLAN SELECT d.name";
        let mut select = device_filter::list_query(columns, organization, &filter, after);
        let mut reader = storage.reader().await.unwrap();
        let plan = select.query().fetch_all(&mut *reader).await.unwrap();
        let plan: Vec<String> = plan.iter().map(|row| row.get("detail")).collect();
        assert!(plan[0].ends_with(lead), "{filter:?}: {plan:#?}");
        assert!(!plan.concat().contains("TEMP B-TREE"), "{plan:#?}");
    }
}

#[tokio::test]
async fn groups_are_counted_by_the_index_of_tags() {
    let (storage, _directory) = fresh().await;
    let mut reader = storage.reader().await.unwrap();
    let mut select = Select::new("EXPLAIN QUERY PLAN ");
    select.sql(group::COUNT_BY_TAGS);
    let plan = select.query().fetch_all(&mut *reader).await.unwrap();
    let plan: Vec<String> = plan.iter().map(|row| row.get("detail")).collect();
    for needed in [
        "SEARCH device_tag USING PRIMARY KEY (organization_id=? AND tag=?)",
        "SEARCH device USING COVERING INDEX",
    ] {
        let found = plan.iter().any(|line| line.starts_with(needed));
        assert!(found, "{needed}: {plan:#?}");
    }
}

/// Whatever is kept is looked up, and the next devices of a group that is being counted follow each
/// other in an index.
#[tokio::test]
async fn numbers_are_looked_up() {
    let (storage, _directory) = fresh().await;
    for (statement, searches) in [
        (tally::DEVICES, 1),
        (tally::SENSORS, 1),
        (tally::GROUPS, 3),
        (tally::DEVICES_BEHIND, 1),
    ] {
        let mut reader = storage.reader().await.unwrap();
        let mut select = Select::new("EXPLAIN QUERY PLAN ");
        select.sql(statement);
        let plan = select.query().fetch_all(&mut *reader).await.unwrap();
        let plan: Vec<String> = plan.iter().map(|row| row.get("detail")).collect();
        let found = plan.iter().filter(|line| line.starts_with("SEARCH"));
        assert_eq!(found.count(), searches, "{statement}: {plan:#?}");
        for line in &plan {
            let scan = line.starts_with("SCAN") && !line.contains("json_each");
            assert!(!scan && !line.contains("B-TREE"), "{plan:#?}");
        }
    }
}

#[tokio::test]
async fn lists_of_components_are_led_by_an_index() {
    let (storage, _directory) = fresh().await;
    let organization = OrganizationId::new(noon(), unique());
    let after = Some(ComponentId::new(noon(), unique()));
    let all = ComponentFilter::default;
    let of_device = ComponentFilter {
        device_id: Some(DeviceId::new(noon(), unique())),
        ..all()
    };
    let tagged = ComponentFilter {
        tags: vec![parse("north"), parse("roof")],
        ..all()
    };
    let profile = Some(parse("pump@1.0"));
    let by_device =
        "c USING INDEX sqlite_autoindex_component_3 (organization_id=? AND device_id=?)";
    let by_tag = "f USING PRIMARY KEY (organization_id=? AND tag=? AND owner_id>?)";
    let cases = [
        ("(organization_id=? AND id>?)", all()),
        (
            "component_by_profile (organization_id=? AND profile=? AND id>?)",
            ComponentFilter {
                profile: profile.clone(),
                ..all()
            },
        ),
        (by_device, of_device.clone()),
        (
            by_device,
            ComponentFilter {
                profile: profile.clone(),
                tags: tagged.tags.clone(),
                ..of_device
            },
        ),
        (by_tag, tagged.clone()),
        (by_tag, ComponentFilter { profile, ..tagged }),
    ];
    for (lead, filter) in cases {
        let columns = "EXPLAIN QUERY PLAN SELECT c.name";
        for after in [after, None] {
            let mut select = component::list_query(columns, organization, &filter, after);
            let mut reader = storage.reader().await.unwrap();
            let plan = select.query().fetch_all(&mut *reader).await.unwrap();
            let plan: Vec<String> = plan.iter().map(|row| row.get("detail")).collect();
            // The first page has no position to begin behind.
            let lead = after.map_or_else(
                || lead.replace(" AND id>?", "").replace(" AND owner_id>?", ""),
                |_| lead.to_owned(),
            );
            assert!(plan[0].ends_with(&lead), "{filter:?}: {plan:#?}");
            // Those of one device are few, and sorted.
            let sorted = plan.concat().contains("TEMP B-TREE");
            assert_eq!(sorted, filter.device_id.is_some(), "{plan:#?}");
        }
    }
}

#[tokio::test]
async fn lists_of_sensors_are_led_by_an_index() {
    let (storage, _directory) = fresh().await;
    let organization = OrganizationId::new(noon(), unique());
    let after = Some(SensorId::new(noon(), unique()));
    let all = SensorFilter::default;
    let device_id = Some(DeviceId::new(noon(), unique()));
    let at_site = SensorFilter {
        site_id: Some(SiteId::new(noon(), unique())),
        ..all()
    };
    let cases = [
        (
            "s USING INDEX sqlite_autoindex_sensor_2 (organization_id=? AND id>?)",
            all(),
        ),
        (
            "sensor_by_device (organization_id=? AND device_id=? AND id>?)",
            SensorFilter { device_id, ..all() },
        ),
        (
            "(organization_id=? AND component_id=?)",
            SensorFilter {
                component_id: Some(parse("019ecb27-227b-7000-8000-000000080000")),
                ..all()
            },
        ),
        (
            "device_by_site (organization_id=? AND site_id=?)",
            at_site.clone(),
        ),
        (
            "f USING PRIMARY KEY (organization_id=? AND tag=? AND owner_id>?)",
            SensorFilter {
                tags: vec![parse("north")],
                ..at_site
            },
        ),
        (
            "(organization_id=? AND id=?)",
            SensorFilter {
                device_selector: Some(selector()),
                ..all()
            },
        ),
        (
            "(organization_id=? AND id=?)",
            SensorFilter {
                word_prefix: Some("pum".to_owned()),
                ..all()
            },
        ),
    ];
    for (lead, filter) in cases {
        let columns = "EXPLAIN QUERY PLAN SELECT s.name";
        let mut reader = storage.reader().await.unwrap();
        let chosen = Lead::choose(&mut reader, organization, &filter).await;
        let chosen = chosen.unwrap();
        let mut select = sensor_filter::list_query(columns, organization, &filter, after, chosen);
        let plan = select.query().fetch_all(&mut *reader).await.unwrap();
        let plan: Vec<String> = plan.iter().map(|row| row.get("detail")).collect();
        assert!(plan[0].ends_with(lead), "{filter:?}: {plan:#?}");
    }
}

/// The contract suite has few devices only; of many, the list begins elsewhere.
#[tokio::test]
async fn sensors_are_listed_alike_wherever_the_list_begins() {
    let (storage, _directory) = fresh().await;
    let first = new_device(&storage).await;
    let organization = first.organization_id;
    let site = site(organization);
    storage.create_site(&site, &Effects::NONE).await.unwrap();
    let mut expected = 0;
    for number in 0..8 {
        let mut device = device(organization, &format!("device-{number}"));
        device.settings.tags = tags([&["north", "roof", "hot"][..], &["old"]][number % 2]);
        device.settings.site_id = (number < 4).then_some(site.id);
        let created = storage.create_device(&device, &Effects::NONE).await;
        created.unwrap();
        let readings = ["a", "b", "c"].map(|key| reading(key, noon(), Value::BigInt(7)));
        let limits = Limits::default();
        let stored = storage
            .store_readings(organization, device.id, &batch(readings), &limits)
            .await;
        expected += stored.unwrap().stored;
    }
    for filter in [
        SensorFilter {
            device_selector: Some(selector()),
            ..SensorFilter::default()
        },
        SensorFilter {
            site_id: Some(site.id),
            ..SensorFilter::default()
        },
    ] {
        let mut lists = Vec::new();
        for lead in [Lead::Devices, Lead::Sensors] {
            let columns = "SELECT s.id";
            let mut select = sensor_filter::list_query(columns, organization, &filter, None, lead);
            let mut reader = storage.reader().await.unwrap();
            let found = select.query().fetch_all(&mut *reader).await.unwrap();
            let ids = found.iter().map(|row| row.get::<Vec<u8>, _>(0));
            lists.push(ids.collect::<Vec<_>>());
        }
        assert_eq!(lists[0], lists[1]);
        assert_eq!(2 * lists[0].len(), expected, "{filter:?}");
    }
}

#[tokio::test]
async fn a_damaged_row_is_an_error_that_names_it() {
    let (storage, _directory) = fresh().await;
    let device = new_device(&storage).await;
    damage(&storage, "UPDATE device SET metadata = 'no JSON'").await;

    let error = storage.device(device.organization_id, device.id).await;

    let error = error.unwrap_err();
    assert!(matches!(error, StorageError::Backend { .. }), "{error:?}");
    let source = error.source().unwrap().to_string();
    assert!(source.contains("`device`"), "{source}");
    assert!(source.contains(&device.id.to_string()), "{source}");
}

#[tokio::test]
async fn a_damaged_key_is_an_error_without_its_hash() {
    let (storage, _directory) = fresh().await;
    let device = new_device(&storage).await;
    let owner = KeyOwner::Organization(device.organization_id);
    let key = api_key(owner);
    storage.create_api_key(&key, &Effects::NONE).await.unwrap();
    damage(
        &storage,
        "UPDATE api_key SET secret_hash = CAST(secret_hash || 'x' AS BLOB)",
    )
    .await;

    let error = storage.api_key(owner, key.id).await.unwrap_err();

    let text = format!("{error:?} {}", error.source().unwrap());
    assert!(text.contains(&key.id.to_string()), "{text}");
    let hash = key.secret_hash.as_bytes();
    let hexadecimal: String = hash.iter().map(|octet| format!("{octet:02x}")).collect();
    let decimal = format!("{}, {}", hash[0], hash[1]);
    assert!(!text.contains(&hexadecimal[..8]), "{text}");
    assert!(!text.contains(&decimal), "{text}");
}

async fn fresh() -> (SqliteStorage, TempDir) {
    let directory = tempfile::tempdir().unwrap();
    let storage = SqliteStorage::open(&directory.path().join("test.db")).await;
    (storage.unwrap(), directory)
}

fn selector() -> TagSelector {
    TagSelector {
        all: tags(&["north", "roof"]),
        any: tags(&["hot", "cold"]),
        none: tags(&["old"]),
    }
}

async fn new_device(storage: &SqliteStorage) -> Device {
    let organization = organization();
    storage
        .create_organization(ServerProof::vouch(), &organization, None, &Effects::NONE)
        .await
        .unwrap();
    let device = device(organization.id, "pump-7");
    let created = storage.create_device(&device, &Effects::NONE).await;
    created.unwrap();
    device
}

async fn damage(storage: &SqliteStorage, statement: &'static str) {
    let damaged = storage.write(move |tx| {
        Box::pin(async move {
            let done = sqlx::query(statement).execute(tx).await?;
            assert_eq!(done.rows_affected(), 1);
            Ok(())
        })
    });
    damaged.await.unwrap();
}
