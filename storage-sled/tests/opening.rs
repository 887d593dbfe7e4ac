//! How a storage is opened and closed.
#![expect(
    clippy::unwrap_used,
    reason = "in a test, a failure has to name its line"
)]

mod beneath;

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use fieldgate_core::model::api_key::ApiKeyText;
use fieldgate_core::model::api_key::KeyOwner;
use fieldgate_core::model::secret::Secret;
use fieldgate_core::model::token::TokenText;
use fieldgate_core::storage::{
    ApiKeyStore as _, ArchiveStore as _, DeviceStore as _, Effects, MaintenanceStore as _,
    OrganizationStore as _, ServerProof, StorageError, TokenStore as _,
};
use fieldgate_core::testing::fixtures::{api_key, device, organization, token};
use fieldgate_storage_sled::{Durability, OpenError, SledStorage};

const SERVER: ServerProof = ServerProof::vouch();

#[tokio::test]
async fn a_directory_is_opened_once_at_a_time() {
    let dir = tempfile::tempdir().unwrap();
    let first = SledStorage::open(dir.path()).unwrap();
    let refused = SledStorage::open(dir.path()).unwrap_err();
    assert!(matches!(refused, OpenError::InUse { .. }), "{refused:?}");
    let told = refused.to_string();
    assert!(told.contains("is open already"), "{told}");
    assert!(told.contains(dir.path().to_str().unwrap()), "{told}");

    first.close().await;
    let second = SledStorage::open(dir.path()).unwrap();
    second.probe(SERVER).await.unwrap();

    // Without a close, the last handle lets go.
    let clone = second.clone();
    drop(second);
    assert!(SledStorage::open(dir.path()).is_err());
    drop(clone);
    SledStorage::open(dir.path()).unwrap();
}

#[tokio::test]
async fn a_closed_storage_is_not_available() {
    let dir = tempfile::tempdir().unwrap();
    let storage = SledStorage::open(dir.path()).unwrap();
    let other = storage.clone();
    storage.close().await;
    storage.close().await;
    let write = other.probe(SERVER).await;
    assert!(
        matches!(write, Err(StorageError::Unavailable { .. })),
        "{write:?}"
    );
    let read = other.organization(organization().id).await;
    assert!(
        matches!(read, Err(StorageError::Unavailable { .. })),
        "{read:?}"
    );
}

#[test]
fn a_missing_directory_is_made_for_its_owner_only() {
    let parent = tempfile::tempdir().unwrap();
    let dir = parent.path().join("data/registry");
    drop(SledStorage::open(&dir).unwrap());
    let mode = fs::metadata(&dir).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o700);
}

#[test]
fn what_it_keeps_is_its_owners_alone_in_any_directory() {
    let dir = tempfile::tempdir().unwrap();
    fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o755)).unwrap();
    drop(SledStorage::open(dir.path()).unwrap());
    let mut found = Vec::new();
    for entry in fs::read_dir(dir.path()).unwrap() {
        let entry = entry.unwrap();
        let mode = entry.metadata().unwrap().permissions().mode();
        assert_eq!(mode & 0o077, 0, "{:?}: {mode:o}", entry.path());
        found.push(entry.file_name());
    }
    found.sort();
    assert_eq!(found, ["db", "extent", "lock"]);
    let mode = fs::metadata(dir.path()).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o755);
}

#[test]
fn a_path_that_is_no_directory_is_refused() {
    let parent = tempfile::tempdir().unwrap();
    let file = parent.path().join("file");
    fs::write(&file, "something").unwrap();
    let refused = SledStorage::open(&file).unwrap_err();
    assert!(matches!(refused, OpenError::Io { .. }), "{refused:?}");
    assert_eq!(fs::read(&file).unwrap(), b"something");
}

#[test]
fn a_newer_format_is_refused_and_left_alone() {
    let dir = tempfile::tempdir().unwrap();
    drop(SledStorage::open(dir.path()).unwrap());
    let beneath = beneath::open(dir.path());
    let key = b"\0format";
    assert_eq!(beneath.get(key).unwrap().unwrap(), &2_u32.to_be_bytes());
    beneath.insert(key, &3_u32.to_be_bytes()).unwrap();
    let before: Vec<_> = beneath.iter().map(Result::unwrap).collect();
    drop(beneath);

    let refused = SledStorage::open(dir.path()).unwrap_err();
    let newer = OpenError::NewerFormat {
        path: dir.path().to_owned(),
        found: 3,
        supported: 2,
    };
    assert_eq!(refused.to_string(), newer.to_string());
    let beneath = beneath::open(dir.path());
    let after: Vec<_> = beneath.iter().map(Result::unwrap).collect();
    assert_eq!(after, before);
}

#[test]
fn what_is_something_else_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let other = beneath::open(dir.path());
    other.insert("theirs", "data").unwrap();
    drop(other);
    let refused = SledStorage::open(dir.path()).unwrap_err();
    assert!(matches!(refused, OpenError::Damaged { .. }), "{refused:?}");
    let other = beneath::open(dir.path());
    assert_eq!(other.get("theirs").unwrap().unwrap(), "data");

    // So is a database of sled where the storage itself would be.
    let refused = SledStorage::open(&dir.path().join("db")).unwrap_err();
    assert!(matches!(refused, OpenError::Damaged { .. }), "{refused:?}");
}

#[tokio::test]
async fn a_full_disk_stops_changes_and_nothing_else() {
    let dir = tempfile::tempdir().unwrap();
    let storage = SledStorage::open(dir.path()).unwrap();
    let known = organization();
    storage
        .create_organization(SERVER, &known, None, &Effects::NONE)
        .await
        .unwrap();
    storage.close().await;

    let full = SledStorage::builder(dir.path())
        .free_space_min(u64::MAX)
        .open()
        .unwrap();
    let device = device(known.id, "pump-7");
    let refused = full.create_device(&device, &Effects::NONE).await;
    assert!(
        matches!(refused, Err(StorageError::Unavailable { .. })),
        "{refused:?}"
    );
    assert_eq!(
        full.organization(known.id).await.unwrap(),
        Some(known.clone())
    );
    assert_eq!(full.device(known.id, device.id).await.unwrap(), None);
    full.close().await;

    let roomy = SledStorage::open(dir.path()).unwrap();
    roomy.create_device(&device, &Effects::NONE).await.unwrap();
}

#[tokio::test]
async fn no_secret_is_in_the_files() {
    let dir = tempfile::tempdir().unwrap();
    let storage = SledStorage::builder(dir.path())
        .durability(Durability::Process)
        .open()
        .unwrap();
    let known = organization();
    storage
        .create_organization(SERVER, &known, None, &Effects::NONE)
        .await
        .unwrap();
    let device = device(known.id, "pump-7");
    let mut token = token(&device);
    let mut key = api_key(KeyOwner::Organization(known.id));
    let token_text = TokenText {
        id: token.id,
        secret: Secret::from_random([0xa5; 32]),
    };
    let key_text = ApiKeyText {
        prefix: key.prefix,
        secret: Secret::from_random([0x5a; 32]),
    };
    token.secret_hash = token_text.secret.hash();
    key.secret_hash = key_text.secret.hash();
    storage
        .register_device(&device, &token, &Effects::NONE)
        .await
        .unwrap();
    storage.create_api_key(&key, &Effects::NONE).await.unwrap();
    assert_eq!(format!("{storage:?}"), "SledStorage { .. }");
    storage.close().await;

    let mut all = Vec::new();
    for entry in fs::read_dir(dir.path().join("db")).unwrap() {
        let path = entry.unwrap().path();
        if path.is_file() {
            all.extend(fs::read(path).unwrap());
        }
    }
    let holds = |part: &[u8]| all.windows(part.len()).any(|window| window == part);
    // The search works: what may be there is found.
    assert!(holds(b"pump-7"));
    assert!(holds(key.prefix.to_string().as_bytes()));
    for secret in [&token_text.secret, &key_text.secret] {
        assert!(!holds(secret.expose().as_bytes()));
    }
    assert!(!holds(&[0xa5; 8]));
    assert!(!holds(&[0x5a; 8]));
}

/// sled takes what does not read for the end of its log, and would go on without what comes behind.
#[tokio::test]
async fn no_damage_takes_records_away_in_silence() {
    let dir = tempfile::tempdir().unwrap();
    let storage = SledStorage::open(dir.path()).unwrap();
    let organization = organization();
    let created = storage.create_organization(SERVER, &organization, None, &Effects::NONE);
    created.await.unwrap();
    for name in ["zzzdamagedzzz", "one", "two", "three"] {
        let device = device(organization.id, name);
        storage
            .create_device(&device, &Effects::NONE)
            .await
            .unwrap();
    }
    storage.close().await;
    drop(storage);
    let whole = fs::read(dir.path().join("db/db")).unwrap();
    let name = b"zzzdamagedzzz";
    let places = (0..whole.len()).filter(|at| whole[*at..].starts_with(name));
    let places: Vec<usize> = places.collect();
    assert!(!places.is_empty());
    let mut refused = 0;
    for place in places {
        let copy = tempfile::tempdir().unwrap();
        fs::create_dir(copy.path().join("db")).unwrap();
        for file in ["db/conf", "extent"] {
            fs::copy(dir.path().join(file), copy.path().join(file)).unwrap();
        }
        let mut damaged = whole.clone();
        damaged[place + 1] ^= 1;
        fs::write(copy.path().join("db/db"), damaged).unwrap();
        let Ok(storage) = SledStorage::open(copy.path()) else {
            refused += 1;
            continue;
        };
        // An old form of the record was hit, which nobody reads any more; else it is found.
        let checked = storage.verify(SERVER).await;
        if checked.is_ok_and(|findings| findings.is_empty()) {
            let summary = storage.device_summary(organization.id).await.unwrap();
            assert_eq!(summary.total, 4, "records are gone, and nobody says so");
        }
    }
    assert!(refused > 0);
}
