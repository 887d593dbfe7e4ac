//! The database file: who may open it, and what is in it.
#![expect(
    clippy::unwrap_used,
    reason = "these are tests: a failure has to name its line"
)]

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use fieldgate_core::model::api_key::KeyOwner;
use fieldgate_core::model::secret::Secret;
use fieldgate_core::storage::{
    ApiKeyStore as _, Effects, OrganizationStore as _, ServerProof, StorageError, TokenStore as _,
};
use fieldgate_core::testing::fixtures;
use fieldgate_storage_sqlx::{OpenError, SqliteStorage};
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions as _, Connection as _};

#[tokio::test]
async fn only_the_owner_may_read_the_files() {
    let directory = tempfile::tempdir().unwrap();
    let storage = open(directory.path()).await;
    create_organization(&storage).await;

    let mut names = Vec::new();
    for entry in std::fs::read_dir(directory.path()).unwrap() {
        let entry = entry.unwrap();
        let mode = entry.metadata().unwrap().permissions().mode() & 0o777;
        let name = entry.file_name().into_string().unwrap();
        assert_eq!(mode, 0o600, "{name}");
        names.push(name);
    }
    names.sort();
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
async fn a_closed_storage_is_unavailable_and_says_so() {
    let directory = tempfile::tempdir().unwrap();
    let storage = open(directory.path()).await;
    let other = storage.clone();
    storage.close().await;
    storage.close().await;

    let organization = fixtures::organization();
    let created = other
        .create_organization(ServerProof::vouch(), &organization, &Effects::NONE)
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

async fn try_open(directory: &Path) -> Result<SqliteStorage, OpenError> {
    SqliteStorage::open(&directory.join("fieldgate.db")).await
}

async fn open(directory: &Path) -> SqliteStorage {
    try_open(directory).await.unwrap()
}

async fn create_organization(storage: &SqliteStorage) -> fieldgate_core::model::id::OrganizationId {
    let organization = fixtures::organization();
    storage
        .create_organization(ServerProof::vouch(), &organization, &Effects::NONE)
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
