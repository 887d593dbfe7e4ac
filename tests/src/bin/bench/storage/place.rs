//! Where the stores are: a directory for each backend, which may stay for the next run.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use fieldgate_core::model::id::OrganizationId;
use fieldgate_core::storage::Storage;
use fieldgate_storage_sled::SledStorage;
use fieldgate_storage_sqlx::testing::server_address;
use fieldgate_storage_sqlx::{PostgresStorage, SqliteStorage};
use sqlx::postgres::PgConnection;
use sqlx::{AssertSqlSafe, Connection as _};
use tempfile::TempDir;
use uuid::Uuid;

use crate::storage::fill;
use crate::storage::fleet::Fleet;
use crate::storage::process::Process;

/// The durable backends.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Backend {
    Postgres,
    Sled,
    Sqlite,
}

impl Backend {
    pub(crate) const ALL: [Self; 3] = [Self::Sqlite, Self::Postgres, Self::Sled];

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Postgres => "PostgreSQL",
            Self::Sled => "sled",
            Self::Sqlite => "SQLite",
        }
    }

    /// As in the arguments, and in names of files.
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::Postgres => "postgres",
            Self::Sled => "sled",
            Self::Sqlite => "sqlite",
        }
    }
}

/// Where all stores are.
pub(crate) struct Places {
    directory: PathBuf,
    /// Goes with this value.
    _temporary: Option<TempDir>,
    /// The address of a superuser of PostgreSQL.
    postgres: String,
}

impl Places {
    /// In a directory that stays, or in one that goes.
    pub(crate) fn new(keep: Option<&Path>) -> Self {
        let temporary = keep
            .is_none()
            .then(|| TempDir::with_prefix("bench-").expect("a temporary directory"));
        let directory = keep.or(temporary.as_ref().map(TempDir::path));
        let directory = directory.expect("one of the two").to_owned();
        fs::create_dir_all(&directory).expect("the directory can be made");
        Self {
            directory: directory.canonicalize().expect("it is there"),
            _temporary: temporary,
            postgres: server_address(),
        }
    }

    /// A store of a backend that is filled, now or in an earlier run.
    pub(crate) async fn filled(&self, backend: Backend, devices: usize) -> Place {
        let directory = self.directory.join(backend.word());
        let mut place = Place {
            backend,
            fleet: Fleet {
                organization: OrganizationId::from_uuid(Uuid::nil()),
                devices,
            },
            url: self.url(backend, &directory),
            superuser: in_database(&self.postgres, DATABASE),
            directory,
        };
        if self.is_there(backend).await
            && let Some(organization) = place.noted()
        {
            place.fleet.organization = organization;
            return place;
        }
        // What is half filled is of no use.
        drop(fs::remove_dir_all(&place.directory));
        fs::create_dir_all(&place.directory).expect("the directory can be made");
        self.renew(backend).await;
        let process = Process::start(&place);
        place.fleet.organization = process.organization(&place);
        process.stop();
        let storage = place.open().await;
        fill::fill(&storage.port, place.fleet, backend.name()).await;
        storage.close().await;
        place.note();
        place
    }

    fn url(&self, backend: Backend, directory: &Path) -> String {
        match backend {
            Backend::Postgres => {
                let address = in_database(&self.postgres, DATABASE);
                let (_, rest) = address.split_once('@').expect("an address");
                format!("postgres://{DATABASE}:{DATABASE}@{rest}")
            }
            Backend::Sled => format!("sled://{}", directory.join("sled").display()),
            Backend::Sqlite => format!("sqlite://{}", directory.join("fieldgate.db").display()),
        }
    }

    async fn is_there(&self, backend: Backend) -> bool {
        if backend != Backend::Postgres {
            return true;
        }
        let mut connection = connect(&self.postgres).await;
        let found = sqlx::query("SELECT 1 FROM pg_database WHERE datname = $1")
            .bind(DATABASE)
            .fetch_optional(&mut connection)
            .await;
        found.expect("PostgreSQL answers").is_some()
    }

    /// Makes the database anew, which belongs to a role that is no superuser.
    async fn renew(&self, backend: Backend) {
        if backend != Backend::Postgres {
            return;
        }
        let mut connection = connect(&self.postgres).await;
        for statement in [
            format!("DROP DATABASE IF EXISTS {DATABASE} WITH (FORCE)"),
            format!("DROP ROLE IF EXISTS {DATABASE}"),
            format!("CREATE ROLE {DATABASE} LOGIN PASSWORD '{DATABASE}'"),
            format!("CREATE DATABASE {DATABASE} OWNER {DATABASE}"),
        ] {
            let done = sqlx::raw_sql(AssertSqlSafe(statement)).execute(&mut connection);
            done.await.expect("a superuser may do that");
        }
    }
}

/// A filled store.
#[derive(Clone, Debug)]
pub(crate) struct Place {
    pub(crate) backend: Backend,
    pub(crate) fleet: Fleet,
    /// As the server takes it.
    pub(crate) url: String,
    /// The address of the database for a superuser, past row-level security.
    pub(crate) superuser: String,
    directory: PathBuf,
}

impl Place {
    pub(crate) fn data_dir(&self) -> PathBuf {
        self.directory.join("data")
    }

    pub(crate) fn log(&self) -> PathBuf {
        self.directory.join("server.log")
    }

    /// Notes that it is filled.
    fn note(&self) {
        let organization = self.fleet.organization.as_uuid();
        let note = format!("{} {organization}", self.fleet.devices);
        fs::write(self.directory.join("filled"), note).expect("it is writable");
    }

    /// The organization that it was filled for, if it was, with as many devices.
    fn noted(&self) -> Option<OrganizationId> {
        let note = fs::read_to_string(self.directory.join("filled")).ok()?;
        let (devices, organization) = note.split_once(' ')?;
        let is_whole = devices.parse() == Ok(self.fleet.devices);
        let organization = organization.parse::<Uuid>().ok()?;
        is_whole.then_some(OrganizationId::from_uuid(organization))
    }

    /// The file or the directory of the store.
    pub(crate) fn path(&self) -> &Path {
        let (_, path) = self.url.split_once("://").expect("a URL");
        Path::new(path)
    }

    /// The storage, in this process.
    pub(crate) async fn open(&self) -> Open {
        match self.backend {
            Backend::Postgres => {
                let settings = self.url.parse().expect("an address");
                let storage = PostgresStorage::open(&settings).await.expect("it opens");
                Open::new(storage.clone(), async move { storage.close().await })
            }
            Backend::Sled => {
                let storage = SledStorage::open(self.path()).expect("it opens");
                Open::new(storage.clone(), async move { storage.close().await })
            }
            Backend::Sqlite => {
                let storage = SqliteStorage::open(self.path()).await.expect("it opens");
                Open::new(storage.clone(), async move { storage.close().await })
            }
        }
    }
}

/// An open storage, and how it is closed.
pub(crate) struct Open {
    pub(crate) port: Arc<dyn Storage>,
    close: std::pin::Pin<Box<dyn Future<Output = ()> + Send>>,
}

impl Open {
    fn new(storage: impl Storage, close: impl Future<Output = ()> + Send + 'static) -> Self {
        Self {
            port: Arc::new(storage),
            close: Box::pin(close),
        }
    }

    pub(crate) async fn close(self) {
        self.close.await;
    }
}

/// The address of another database of the same server.
fn in_database(address: &str, database: &str) -> String {
    let (place, query) = address.split_once('?').unwrap_or((address, ""));
    let (server, _) = place.rsplit_once('/').expect("an address names a database");
    format!("{server}/{database}?{query}")
}

async fn connect(address: &str) -> PgConnection {
    PgConnection::connect(address)
        .await
        .expect("PostgreSQL is there")
}

/// Also the name of the role, and its password.
const DATABASE: &str = "fieldgate_bench";
