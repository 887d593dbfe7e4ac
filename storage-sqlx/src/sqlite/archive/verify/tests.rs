//! Each kind of damage is found, and named without what is kept there.

use fieldgate_core::model::limits::Limits;
use fieldgate_core::model::reading::Value;
use fieldgate_core::model::tag::TagSelector;
use fieldgate_core::storage::{
    ArchiveStore as _, Effects, Finding, GroupStore as _, OrganizationStore as _, ReportStore as _,
    ServerProof, TokenStore as _,
};
use fieldgate_core::testing::fixtures::{
    batch, device, group, noon, organization, quarantined, reading, tags, token,
};
use tempfile::TempDir;

use crate::sqlite::SqliteStorage;

#[tokio::test]
async fn each_kind_of_damage_is_found_and_named() {
    for (damage, place, problem) in DAMAGE {
        let (storage, _directory) = furnished().await;
        assert_eq!(findings(&storage).await, [], "before {damage}");
        spoil(&storage, damage).await;
        let found = findings(&storage).await;
        let named = found
            .iter()
            .any(|it| it.place.starts_with(place) && it.problem.contains(problem));
        assert!(named, "{damage}: {found:?}");
        for finding in &found {
            assert!(!finding.to_string().contains("secret"), "{finding}");
        }
    }
}

async fn furnished() -> (SqliteStorage, TempDir) {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("fieldgate.db");
    let storage = SqliteStorage::open(&path).await.unwrap();
    let organization = organization();
    let created =
        storage.create_organization(ServerProof::vouch(), &organization, None, &Effects::NONE);
    created.await.unwrap();
    let mut device = device(organization.id, "pump-7");
    device.settings.tags = tags(&["north"]);
    let token = token(&device);
    let registered = storage.register_device(&device, &token, &Effects::NONE);
    registered.await.unwrap();
    let readings = batch([reading("tank/level", noon(), Value::BigInt(1))]);
    let limits = Limits::default();
    let stored = storage.store_readings(organization.id, device.id, &readings, &limits);
    stored.await.unwrap();
    let group = group(organization.id, TagSelector::default());
    let created = storage.create_group(&group, &Effects::NONE).await;
    created.unwrap();
    let item = quarantined(&device);
    storage.store_quarantined(&item, &limits).await.unwrap();
    (storage, directory)
}

/// Changes the database behind the storage's back.
async fn spoil(storage: &SqliteStorage, damage: &'static str) {
    let spoilt = storage.write(move |tx| {
        Box::pin(async move {
            sqlx::query(damage).execute(tx).await?;
            Ok(())
        })
    });
    spoilt.await.unwrap();
}

async fn findings(storage: &SqliteStorage) -> Vec<Finding> {
    storage.verify(ServerProof::vouch()).await.unwrap()
}

/// What is done to the database; of what record it is told, and in which words.
const DAMAGE: [(&str, &str, &str); 16] = [
    (
        "UPDATE device SET name = 'secret' || name",
        "device ",
        "a word of its name",
    ),
    (
        "DELETE FROM device_word WHERE word = CAST('7' AS BLOB)",
        "device ",
        "a word of its name",
    ),
    (
        "INSERT INTO sensor_word (organization_id, word, owner_id) \
             SELECT organization_id, CAST('secret' AS BLOB), id FROM sensor",
        "sensor",
        "words in the index",
    ),
    ("DELETE FROM device_tag", "device ", "one of its tags"),
    (
        "INSERT INTO device_tag (organization_id, tag, owner_id) \
             SELECT organization_id, 'secret', id FROM device",
        "device ",
        "a tag that it has not",
    ),
    ("DELETE FROM component", "sensor ", "its component"),
    ("DELETE FROM sensor", "reading ", "no sensor"),
    ("DELETE FROM device", "token ", "no device"),
    (
        "UPDATE device SET certificate_serial_number = x'01', certificate_not_after = 5",
        "device ",
        "its certificate is not there",
    ),
    (
        "UPDATE reading SET value = x'07'",
        "reading ",
        "does not read",
    ),
    (
        "UPDATE token SET fate = 'SECRET'",
        "token ",
        "does not read",
    ),
    (
        "UPDATE device SET metadata = 'secret'",
        "device ",
        "does not read",
    ),
    (
        "UPDATE tally SET count = count + 1 WHERE kind = 'STATUS'",
        "organization ",
        "by status is wrong",
    ),
    (
        "UPDATE tally SET value = 'secret' WHERE kind = 'PROFILE'",
        "organization ",
        "by profile is wrong",
    ),
    (
        "DELETE FROM tally WHERE kind = 'VALUE_TYPE'",
        "organization ",
        "by type is wrong",
    ),
    (
        "UPDATE tally SET count = 7 WHERE kind = 'GROUP'",
        "device_group ",
        "the number of its devices",
    ),
];
