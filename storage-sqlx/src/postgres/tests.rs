//! What PostgreSQL is told, how it can find what it is asked for, and what comes of damaged rows.

use std::error::Error as _;

use fieldgate_core::model::api_key::KeyOwner;
use fieldgate_core::model::component::ComponentFilter;
use fieldgate_core::model::device::{Device, DeviceFilter};
use fieldgate_core::model::id::{ComponentId, DeviceId, OrganizationId, SensorId, SiteId};
use fieldgate_core::model::presence::DeviceStatus;
use fieldgate_core::model::sensor::SensorFilter;
use fieldgate_core::storage::{
    ApiKeyStore as _, DeviceStore as _, Effects, OrganizationStore as _, ServerProof, StorageError,
};
use fieldgate_core::testing::fixtures::{api_key, device, noon, organization, parse, tags, unique};
use sqlx::Row as _;

use super::select::Select;
use super::sensor_filter::Lead;
use super::transaction::{View, scoped};
use super::{PostgresStorage, component, device_filter, sensor_filter};
use crate::testing::TestDatabase;

#[tokio::test]
async fn the_settings_are_in_force() {
    let database = TestDatabase::fresh().await;
    let weaken = format!(
        "ALTER DATABASE {} SET synchronous_commit = off",
        database.name()
    );
    database.execute(weaken).await;
    let storage = open(&database).await;
    for (name, expected) in [
        ("synchronous_commit", "on"),
        ("transaction_isolation", "read committed"),
        ("statement_timeout", "30s"),
        ("lock_timeout", "10s"),
        ("idle_in_transaction_session_timeout", "1min"),
        ("search_path", "fieldgate"),
        ("application_name", "fieldgate"),
        ("fieldgate.server", "on"),
        ("fieldgate.organization", ""),
    ] {
        let value: String = storage
            .write(View::Server, |tx| {
                scoped(async move {
                    let value = sqlx::query_scalar("SELECT current_setting($1)").bind(name);
                    Ok(value.fetch_one(tx).await?)
                })
            })
            .await
            .unwrap();
        assert_eq!(value, expected, "{name}");
    }
    let mut reader = storage.reader(View::Server).await.unwrap();
    let written = sqlx::query("DELETE FROM device").execute(&mut *reader);
    assert!(written.await.is_err(), "a reader can write");
}

#[tokio::test]
async fn a_look_by_one_message_sees_what_its_view_may_and_leaves_nothing_behind() {
    let database = TestDatabase::fresh().await;
    let storage = open(&database).await;
    let owner = organization();
    storage
        .create_organization(ServerProof::vouch(), &owner, None, &Effects::NONE)
        .await
        .unwrap();
    let device = device(owner.id, "pump-7");
    let created = storage.create_device(&device, &Effects::NONE).await;
    created.unwrap();
    let other = OrganizationId::new(noon(), unique());
    for (view, count) in [
        (View::Server, 1),
        (View::Organization(owner.id), 1),
        (View::Organization(other), 0),
    ] {
        let all = |select: &mut Select| {
            select.sql("SELECT count(*) FROM device WHERE true");
        };
        let seen = storage.look(view, all, |row| Ok(row.try_get::<i64, _>(0)?));
        assert_eq!(seen.await.unwrap(), Some(count), "{view:?}");
    }
    let left = sqlx::query_scalar("SELECT count(*) FROM device").fetch_one(&storage.pool);
    let left: i64 = left.await.unwrap();
    assert_eq!(left, 0, "a view outlives its look");
}

/// An index leads to what a filter chooses, in the order of the list, also with the conditions of
/// row-level security: those would keep it out where a comparison could leak.
#[tokio::test]
async fn lists_of_devices_are_led_by_an_index() {
    let database = TestDatabase::fresh().await;
    let storage = open(&database).await;
    let organization = OrganizationId::new(noon(), unique());
    let after = Some(DeviceId::new(noon(), unique()));
    let all = DeviceFilter::default;
    for (lead, filter) in [
        ("device_organization_id_id_key", all()),
        (
            "device_by_status",
            DeviceFilter {
                statuses: vec![DeviceStatus::Active],
                ..all()
            },
        ),
        (
            "device_by_site",
            DeviceFilter {
                site_id: Some(SiteId::new(noon(), unique())),
                ..all()
            },
        ),
        (
            "device_by_profile",
            DeviceFilter {
                profile: Some(parse("pump@1.0")),
                ..all()
            },
        ),
        (
            "device_tag_pkey",
            DeviceFilter {
                tags: vec![parse("north")],
                ..all()
            },
        ),
        (
            "device_word_pkey",
            DeviceFilter {
                word_prefix: Some("pum".to_owned()),
                ..all()
            },
        ),
    ] {
        let list = device_filter::list_query("EXPLAIN SELECT d.name", organization, &filter, after);
        assert_led(&storage, organization, list, lead).await;
    }
}

#[tokio::test]
async fn lists_of_components_are_led_by_an_index() {
    let database = TestDatabase::fresh().await;
    let storage = open(&database).await;
    let organization = OrganizationId::new(noon(), unique());
    let after = Some(ComponentId::new(noon(), unique()));
    let all = ComponentFilter::default;
    for (lead, filter) in [
        ("component_organization_id_id_key", all()),
        (
            "component_by_profile",
            ComponentFilter {
                profile: Some(parse("pump@1.0")),
                ..all()
            },
        ),
        (
            "component_tag_pkey",
            ComponentFilter {
                tags: vec![parse("north")],
                ..all()
            },
        ),
    ] {
        let list = component::list_query("EXPLAIN SELECT c.name", organization, &filter, after);
        assert_led(&storage, organization, list, lead).await;
    }
}

#[tokio::test]
async fn lists_of_sensors_are_led_by_an_index() {
    let database = TestDatabase::fresh().await;
    let storage = open(&database).await;
    let organization = OrganizationId::new(noon(), unique());
    let after = Some(SensorId::new(noon(), unique()));
    let all = SensorFilter::default;
    let device_id = Some(DeviceId::new(noon(), unique()));
    for (lead, chosen, filter) in [
        ("sensor_organization_id_id_key", Lead::Sensors, all()),
        (
            "sensor_by_device",
            Lead::Sensors,
            SensorFilter { device_id, ..all() },
        ),
        (
            "sensor_tag_pkey",
            Lead::Tag,
            SensorFilter {
                tags: vec![parse("north")],
                ..all()
            },
        ),
        (
            "sensor_word_pkey",
            Lead::Sensors,
            SensorFilter {
                word_prefix: Some("pum".to_owned()),
                ..all()
            },
        ),
    ] {
        let columns = "EXPLAIN SELECT s.name";
        let list = sensor_filter::list_query(columns, organization, &filter, after, chosen);
        assert_led(&storage, organization, list, lead).await;
    }
}

async fn assert_led(
    storage: &PostgresStorage,
    organization: OrganizationId,
    mut list: Select,
    lead: &str,
) {
    let mut reader = storage.reader(organization).await.unwrap();
    // Small tables are read as a whole, and few rows sorted: this asks for what it could do.
    let large = "SET LOCAL enable_seqscan = off; SET LOCAL enable_bitmapscan = off; \
                 SET LOCAL enable_sort = off";
    sqlx::raw_sql(large).execute(&mut *reader).await.unwrap();
    let plan = list.query().fetch_all(&mut *reader).await.unwrap();
    let plan: Vec<String> = plan.iter().map(|row| row.get(0)).collect();
    let led = plan
        .iter()
        .position(|line| line.contains(&format!("using {lead}")));
    let led = led.unwrap_or_else(|| panic!("not by {lead}: {plan:#?}"));
    assert!(
        plan[led + 1].contains("Index Cond: ((organization_id"),
        "{plan:#?}"
    );
    assert!(!plan.concat().contains("Seq Scan"), "{plan:#?}");
}

#[tokio::test]
async fn a_damaged_row_is_an_error_that_names_it() {
    let database = TestDatabase::fresh().await;
    let storage = open(&database).await;
    let device = new_device(&storage).await;
    let damage = "UPDATE fieldgate.device SET metadata = 'no JSON'";
    database.execute(damage.to_owned()).await;

    let error = storage.device(device.organization_id, device.id).await;

    let error = error.unwrap_err();
    assert!(matches!(error, StorageError::Backend { .. }), "{error:?}");
    let source = error.source().unwrap().to_string();
    assert!(source.contains("`device`"), "{source}");
    assert!(source.contains(&device.id.to_string()), "{source}");
}

#[tokio::test]
async fn a_damaged_key_is_an_error_without_its_hash() {
    let database = TestDatabase::fresh().await;
    let storage = open(&database).await;
    let device = new_device(&storage).await;
    let owner = KeyOwner::Organization(device.organization_id);
    let key = api_key(owner);
    storage.create_api_key(&key, &Effects::NONE).await.unwrap();
    let damage = "UPDATE fieldgate.api_key SET secret_hash = secret_hash || 'x'";
    database.execute(damage.to_owned()).await;

    let error = storage.api_key(owner, key.id).await.unwrap_err();

    let text = format!("{error:?} {}", error.source().unwrap());
    assert!(text.contains(&key.id.to_string()), "{text}");
    let hash = key.secret_hash.as_bytes();
    let hexadecimal: String = hash.iter().map(|octet| format!("{octet:02x}")).collect();
    assert!(!text.contains(&hexadecimal[..8]), "{text}");
    let decimal = format!("{}, {}", hash[0], hash[1]);
    assert!(!text.contains(&decimal), "{text}");
}

async fn open(database: &TestDatabase) -> PostgresStorage {
    let settings = database.url().parse().unwrap();
    PostgresStorage::open(&settings).await.unwrap()
}

async fn new_device(storage: &PostgresStorage) -> Device {
    let organization = organization();
    storage
        .create_organization(ServerProof::vouch(), &organization, None, &Effects::NONE)
        .await
        .unwrap();
    let mut device = device(organization.id, "pump-7");
    device.settings.tags = tags(&["north"]);
    let created = storage.create_device(&device, &Effects::NONE).await;
    created.unwrap();
    device
}
