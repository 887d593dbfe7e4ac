//! The database file: who may open it, and what is in it.
#![expect(
    clippy::unwrap_used,
    reason = "these are tests: a failure has to name its line"
)]

use std::collections::BTreeMap;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::Path;

use fieldgate_core::model::api_key::KeyOwner;
use fieldgate_core::model::secret::Secret;
use fieldgate_core::storage::{
    ApiKeyStore as _, ArchiveRecord, ArchiveStore as _, Effects, OrganizationStore as _,
    ServerProof, StorageError, TokenStore as _,
};
use fieldgate_core::testing::fixtures;
use fieldgate_storage_sqlx::{OpenError, SqliteBackup, SqliteStorage};
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions as _, Connection as _};

#[tokio::test]
async fn only_the_owner_may_read_the_files() {
    let directory = tempfile::tempdir().unwrap();
    let storage = open(directory.path()).await;
    create_organization(&storage).await;

    let names = names(directory.path());
    for name in &names {
        let metadata = std::fs::metadata(directory.path().join(name)).unwrap();
        assert_eq!(metadata.permissions().mode() & 0o777, 0o600, "{name}");
    }
    let expected = [
        "fieldgate.db",
        "fieldgate.db-shm",
        "fieldgate.db-wal",
        "fieldgate.db.lock",
    ];
    assert_eq!(names, expected);
    storage.close().await;
}

#[tokio::test]
async fn a_clean_end_leaves_one_file_with_all_in_it() {
    let directory = tempfile::tempdir().unwrap();
    let storage = open(directory.path()).await;
    let organization = create_organization(&storage).await;
    storage.close().await;

    assert!(!directory.path().join("fieldgate.db-wal").exists());
    let storage = open(directory.path()).await;
    let found = storage.organization(organization).await.unwrap();
    assert!(found.is_some());
    storage.close().await;
}

#[tokio::test]
async fn a_file_is_open_once_at_a_time() {
    let directory = tempfile::tempdir().unwrap();
    let first = open(directory.path()).await;

    let second = try_open(directory.path()).await;
    assert!(
        matches!(second, Err(OpenError::AlreadyOpen { .. })),
        "{second:?}"
    );

    first.close().await;
    open(directory.path()).await.close().await;
}

#[tokio::test]
async fn a_file_is_open_once_by_whatever_name() {
    let directory = tempfile::tempdir().unwrap();
    let first = open(directory.path()).await;
    let links = tempfile::tempdir().unwrap();
    let link = links.path().join("other.db");
    symlink(directory.path().join("fieldgate.db"), &link).unwrap();

    let second = SqliteStorage::open(&link).await;
    assert!(
        matches!(second, Err(OpenError::AlreadyOpen { .. })),
        "{second:?}"
    );

    first.close().await;
    let by_link = SqliteStorage::open(&link).await.unwrap();
    let second = try_open(directory.path()).await;
    assert!(
        matches!(second, Err(OpenError::AlreadyOpen { .. })),
        "{second:?}"
    );
    by_link.close().await;
    assert_eq!(names(links.path()), ["other.db"]);
}

#[tokio::test]
async fn a_link_to_nothing_is_refused_and_nothing_is_created() {
    let directory = tempfile::tempdir().unwrap();
    let link = directory.path().join("fieldgate.db");
    symlink(directory.path().join("elsewhere.db"), &link).unwrap();

    let refused = try_open(directory.path()).await;

    assert!(
        matches!(&refused, Err(OpenError::DanglingLink { path }) if *path == link),
        "{refused:?}"
    );
    assert_eq!(names(directory.path()), ["fieldgate.db"]);
}

#[tokio::test]
async fn a_closed_storage_is_unavailable_and_says_so() {
    let directory = tempfile::tempdir().unwrap();
    let storage = open(directory.path()).await;
    let other = storage.clone();
    storage.close().await;
    storage.close().await;

    let organization = fixtures::organization();
    let created = other
        .create_organization(ServerProof::vouch(), &organization, None, &Effects::NONE)
        .await;
    let found = other.organization(organization.id).await;
    for refused in [created.unwrap_err(), found.unwrap_err()] {
        assert!(
            matches!(refused, StorageError::Unavailable { backend, .. } if backend == "sqlite"),
            "{refused:?}"
        );
    }
}

#[tokio::test]
async fn a_missing_directory_is_an_error_that_names_it() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("missing/fieldgate.db");
    let error = SqliteStorage::open(&path).await.unwrap_err();
    assert!(matches!(error, OpenError::Io { .. }), "{error:?}");
    assert!(error.to_string().contains("missing"), "{error}");
}

#[tokio::test]
async fn a_newer_schema_is_refused_and_left_alone() {
    let directory = tempfile::tempdir().unwrap();
    open(directory.path()).await.close().await;
    let path = directory.path().join("fieldgate.db");
    run(
        &path,
        "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time) \
         VALUES (4711, 'of the future', 1, x'00', 0)",
    )
    .await;
    let before = std::fs::read(&path).unwrap();

    let refused = try_open(directory.path()).await;

    let refused = refused.unwrap_err();
    assert!(
        matches!(refused, OpenError::NewerSchema { found: 4711, .. }),
        "{refused:?}"
    );
    assert_eq!(std::fs::read(&path).unwrap(), before);
}

#[tokio::test]
async fn a_database_of_something_else_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("fieldgate.db");
    std::fs::File::create(&path).unwrap();
    run(&path, "CREATE TABLE recipe (name TEXT)").await;

    let refused = try_open(directory.path()).await.unwrap_err();
    assert!(
        matches!(refused, OpenError::NotFieldgate { .. }),
        "{refused:?}"
    );

    std::fs::write(
        &path,
        "no database at all, but long enough to look like one",
    )
    .unwrap();
    let refused = try_open(directory.path()).await.unwrap_err();
    assert!(matches!(refused, OpenError::Database { .. }), "{refused:?}");
}

#[tokio::test]
async fn a_database_of_something_else_is_left_alone() {
    for statement in [
        "CREATE TABLE recipe (name TEXT)",
        "PRAGMA journal_mode = WAL; CREATE TABLE recipe (name TEXT)",
        "PRAGMA application_id = 4711",
    ] {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("fieldgate.db");
        std::fs::File::create(&path).unwrap();
        run(&path, statement).await;
        let before = std::fs::read(&path).unwrap();

        let refused = try_open(directory.path()).await.unwrap_err();

        assert!(
            matches!(refused, OpenError::NotFieldgate { .. }),
            "{statement}: {refused:?}"
        );
        assert!(std::fs::read(&path).unwrap() == before, "{statement}");
        let expected = ["fieldgate.db", "fieldgate.db.lock"];
        assert_eq!(names(directory.path()), expected, "{statement}");
    }
}

#[tokio::test]
async fn a_database_of_something_else_is_left_alone_with_its_log() {
    let origin = tempfile::tempdir().unwrap();
    let directory = tempfile::tempdir().unwrap();
    let options = SqliteConnectOptions::new()
        .filename(origin.path().join("recipes.db"))
        .create_if_missing(true);
    let mut other = options.connect().await.unwrap();
    sqlx::query("PRAGMA journal_mode = WAL; CREATE TABLE recipe (name TEXT)")
        .execute(&mut other)
        .await
        .unwrap();
    // As it is after the end of a process that did not close it: the table is in the log only.
    let mut before = Vec::new();
    for suffix in ["", "-wal"] {
        let copy = directory.path().join(format!("fieldgate.db{suffix}"));
        let copied = origin.path().join(format!("recipes.db{suffix}"));
        std::fs::copy(copied, &copy).unwrap();
        before.push((std::fs::read(&copy).unwrap(), copy));
    }

    let refused = try_open(directory.path()).await.unwrap_err();

    assert!(
        matches!(refused, OpenError::NotFieldgate { .. }),
        "{refused:?}"
    );
    for (octets, path) in before {
        assert!(std::fs::read(&path).unwrap() == octets, "{path:?}");
    }
    other.close().await.unwrap();
}

#[tokio::test]
async fn what_only_the_log_holds_is_there_after_a_crash() {
    let origin = tempfile::tempdir().unwrap();
    let storage = open(origin.path()).await;
    let organization = create_organization(&storage).await;
    let directory = tempfile::tempdir().unwrap();
    for name in ["fieldgate.db", "fieldgate.db-wal"] {
        std::fs::copy(origin.path().join(name), directory.path().join(name)).unwrap();
    }
    storage.close().await;

    let storage = open(directory.path()).await;

    let found = storage.organization(organization).await.unwrap();
    assert!(found.is_some());
    storage.close().await;
}

#[tokio::test]
async fn the_files_hold_hashes_and_no_secret() {
    let directory = tempfile::tempdir().unwrap();
    let storage = open(directory.path()).await;
    let organization = create_organization(&storage).await;
    let secrets = [
        *b"the secret of the key, 32 octets",
        *b"and the one of the token, as wel",
    ];
    let [of_key, of_token] = secrets.map(Secret::from_random);

    let mut key = fixtures::api_key(KeyOwner::Organization(organization));
    key.secret_hash = of_key.hash();
    storage.create_api_key(&key, &Effects::NONE).await.unwrap();
    let device = fixtures::device(organization, "pump-7");
    let mut token = fixtures::token(&device);
    token.secret_hash = of_token.hash();
    let registered = storage
        .register_device(&device, &token, &Effects::NONE)
        .await;
    registered.unwrap();

    let mut octets = Vec::new();
    for entry in std::fs::read_dir(directory.path()).unwrap() {
        octets.extend(std::fs::read(entry.unwrap().path()).unwrap());
    }
    let holds = |part: &[u8]| octets.windows(part.len()).any(|window| window == part);
    for secret in [&of_key, &of_token] {
        assert!(holds(secret.hash().as_bytes()));
        assert!(!holds(secret.expose().as_bytes()));
    }
    for secret in secrets {
        assert!(!holds(&secret));
    }
    storage.close().await;
}

/// The names of the files in a directory, in order.
fn names(directory: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(directory).unwrap();
    let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<_> = names.collect();
    names.sort();
    names
}

async fn try_open(directory: &Path) -> Result<SqliteStorage, OpenError> {
    SqliteStorage::open(&directory.join("fieldgate.db")).await
}

async fn open(directory: &Path) -> SqliteStorage {
    try_open(directory).await.unwrap()
}

async fn create_organization(storage: &SqliteStorage) -> fieldgate_core::model::id::OrganizationId {
    let organization = fixtures::organization();
    storage
        .create_organization(ServerProof::vouch(), &organization, None, &Effects::NONE)
        .await
        .unwrap();
    organization.id
}

/// Runs a statement past the storage.
async fn run(path: &Path, statement: &'static str) {
    let options = SqliteConnectOptions::new().filename(path);
    let mut connection = options.connect().await.unwrap();
    sqlx::query(statement)
        .execute(&mut connection)
        .await
        .unwrap();
    connection.close().await.unwrap();
}

/// Sealing wants the file for itself; whoever has read it before must be gone by then.
#[tokio::test]
async fn a_file_is_sealed_at_once_after_it_was_read_and_is_no_storage_then() {
    for _ in 0..50 {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("backup");
        let storage = SqliteStorage::open(&path).await.unwrap();
        let records = [ArchiveRecord::Organization(fixtures::organization())];
        let server = ServerProof::vouch();
        storage.import(server, &records).await.unwrap();
        let mut archive = storage.archive(server, None).await.unwrap();
        while !archive.next(100).await.unwrap().is_empty() {}
        let notes = BTreeMap::from([("manifest".to_owned(), "all of it".to_owned())]);
        storage.seal(&notes).await.unwrap();

        assert_eq!(names(directory.path()), ["backup"]);
        let refused = SqliteStorage::open(&path).await.unwrap_err();
        assert!(matches!(refused, OpenError::Backup { .. }), "{refused}");
        let backup = SqliteBackup::open(&path).await.unwrap();
        assert_eq!(backup.note("manifest"), Some("all of it"));
        assert_eq!(backup.note("other"), None);
        let mut archive = backup.archive(None).await.unwrap();
        let found = archive.next(100).await.unwrap();
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].octets(), records[0].octets());
    }
}
