//! A database of its own for a test.

use std::collections::hash_map::{DefaultHasher, RandomState};
use std::hash::{BuildHasher as _, Hash as _, Hasher as _};
use std::sync::atomic::{AtomicU32, Ordering};

use sqlx::postgres::{PgConnectOptions, PgConnection};
use sqlx::{AssertSqlSafe, ConnectOptions as _, Connection as _};

use crate::PostgresStorage;
use crate::postgres::MIGRATIONS;
use crate::testing::cluster::{self, TestCluster};

/// A database with the schema and nothing in it; it is dropped with this value.
///
/// Two roles may use it, which are no superusers: the owner of the schema, and one that it has
/// admitted.
#[derive(Debug)]
pub struct TestDatabase {
    name: String,
    admin: Address,
}

impl TestDatabase {
    /// Makes one.
    ///
    /// # Panics
    ///
    /// Where there is no server for tests; the message says what to do.
    pub async fn fresh() -> Self {
        Self::at(&cluster::address()).await
    }

    /// Makes one on a server of the test's own.
    ///
    /// # Panics
    ///
    /// Where that does not run.
    pub async fn fresh_on(cluster: &TestCluster) -> Self {
        Self::at(cluster.address()).await
    }

    async fn at(address: &str) -> Self {
        let admin = Address::parse(address);
        let template = template(&admin).await;
        let database = Self {
            name: unique_name(),
            admin,
        };
        let mut connection = connect(&database.admin.to_string()).await;
        let create = format!(
            "CREATE DATABASE {} OWNER {OWNER} TEMPLATE {template}",
            database.name
        );
        execute(&mut connection, create).await;
        connection.close().await.unwrap();
        database
    }

    /// Makes one without the schema, which belongs to the owner.
    ///
    /// # Panics
    ///
    /// Where there is no server for tests; the message says what to do.
    pub async fn bare() -> Self {
        let database = Self::fresh().await;
        let mut connection = connect(&database.admin_url()).await;
        execute(&mut connection, "DROP SCHEMA fieldgate CASCADE".to_owned()).await;
        connection.close().await.unwrap();
        database
    }

    /// Its address for the role that a server uses.
    #[must_use]
    pub fn url(&self) -> String {
        self.admin.with(APP, &self.name)
    }

    /// Its address for the owner of the schema.
    #[must_use]
    pub fn owner_url(&self) -> String {
        self.admin.with(OWNER, &self.name)
    }

    /// Its address for a superuser.
    #[must_use]
    pub fn admin_url(&self) -> String {
        let Address { user, .. } = &self.admin;
        self.admin.with(user, &self.name)
    }

    /// Runs statements in it as a superuser, past the storage.
    ///
    /// # Panics
    ///
    /// Where they fail.
    pub async fn execute(&self, statements: String) {
        let mut connection = connect(&self.admin_url()).await;
        execute(&mut connection, statements).await;
        connection.close().await.unwrap();
    }

    /// The password of both roles.
    #[must_use]
    pub const fn password(&self) -> &'static str {
        PASSWORD
    }

    /// All that is stored in it, as text.
    ///
    /// # Panics
    ///
    /// Where the server cannot be reached.
    pub async fn dump(&self) -> String {
        let mut connection = connect(&self.admin_url()).await;
        // Octets that are letters show as letters.
        execute(&mut connection, "SET bytea_output = 'escape'".to_owned()).await;
        let tables: Vec<String> = sqlx::query_scalar(
            "SELECT oid::regclass::text FROM pg_class WHERE relkind = 'r' \
             AND relnamespace = 'fieldgate'::regnamespace",
        )
        .fetch_all(&mut connection)
        .await
        .unwrap();
        let mut dump = String::new();
        for table in tables {
            let rows = format!("SELECT string_agg(t::text, chr(10)) FROM {table} AS t");
            let rows = sqlx::query_scalar(AssertSqlSafe(rows)).fetch_one(&mut connection);
            let rows: Option<String> = rows.await.unwrap();
            dump.extend([table.as_str(), "\n", &rows.unwrap_or_default(), "\n"]);
        }
        connection.close().await.unwrap();
        dump
    }

    /// How many octets its files take.
    ///
    /// # Panics
    ///
    /// Where the server cannot be reached.
    pub async fn size(&self) -> u64 {
        let mut connection = connect(&self.admin.to_string()).await;
        let size = sqlx::query_scalar("SELECT pg_database_size($1)").bind(&self.name);
        let size: i64 = size.fetch_one(&mut connection).await.unwrap();
        connection.close().await.unwrap();
        u64::try_from(size).unwrap()
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Ends all connections to it, as a server does that is shut down.
    ///
    /// # Panics
    ///
    /// Where the server cannot be reached.
    pub async fn disconnect_all(&self) {
        let mut connection = connect(&self.admin.to_string()).await;
        let end = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1";
        let ended = sqlx::query(end).bind(&self.name).execute(&mut connection);
        ended.await.unwrap();
        connection.close().await.unwrap();
    }
}

impl Drop for TestDatabase {
    fn drop(&mut self) {
        let (admin, name) = (self.admin.to_string(), self.name.clone());
        let dropped = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread();
            let runtime = { runtime }.enable_all().build().unwrap();
            runtime.block_on(async {
                let mut connection = connect(&admin).await;
                let drop = format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)");
                execute(&mut connection, drop).await;
            });
        });
        // A test that fails has more to say than a database that stays.
        drop(dropped.join());
    }
}

/// An address, in the parts that change.
#[derive(Clone, Debug)]
struct Address {
    user: String,
    /// The user with the password.
    sign_in: String,
    host: String,
    database: String,
    query: String,
}

impl Address {
    fn parse(address: &str) -> Self {
        let parts = (|| {
            let (_, rest) = address.split_once("://")?;
            let (rest, query) = rest.split_once('?').unwrap_or((rest, ""));
            let (sign_in, rest) = rest.split_once('@')?;
            let (host, database) = rest.split_once('/')?;
            Some(Self {
                user: sign_in.split(':').next()?.to_owned(),
                sign_in: sign_in.to_owned(),
                host: host.to_owned(),
                database: database.to_owned(),
                query: query.to_owned(),
            })
        })();
        parts.expect("FIELDGATE_TEST_POSTGRES_URL is postgres://superuser@host/postgres")
    }

    fn with(&self, user: &str, database: &str) -> String {
        let sign_in = match user {
            APP | OWNER => format!("{user}:{PASSWORD}"),
            _ => self.sign_in.clone(),
        };
        let (host, query) = (&self.host, &self.query);
        format!("postgres://{sign_in}@{host}/{database}?{query}")
    }
}

impl std::fmt::Display for Address {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.with(&self.user, &self.database))
    }
}

/// The name of the database that all others are copies of; who comes first makes it.
async fn template(admin: &Address) -> String {
    let mut hasher = DefaultHasher::new();
    MIGRATIONS.hash(&mut hasher);
    let name = format!("fieldgate_template_{:016x}", hasher.finish());
    let mut connection = connect(&admin.to_string()).await;
    execute(&mut connection, format!("SELECT pg_advisory_lock({LOCK})")).await;
    let made: bool = sqlx::query_scalar(
        "SELECT EXISTS (SELECT 1 FROM pg_database WHERE datname = $1 AND datistemplate)",
    )
    .bind(&name)
    .fetch_one(&mut connection)
    .await
    .unwrap();
    if !made {
        make_template(&mut connection, admin, &name).await;
    }
    // With the connection the lock ends.
    connection.close().await.unwrap();
    name
}

async fn make_template(connection: &mut PgConnection, admin: &Address, name: &str) {
    for role in [APP, OWNER] {
        let create = format!(
            "DO $$ BEGIN IF NOT EXISTS (SELECT 1 FROM pg_roles WHERE rolname = '{role}') THEN \
             CREATE ROLE {role} LOGIN PASSWORD '{PASSWORD}'; END IF; END $$"
        );
        execute(connection, create).await;
    }
    execute(
        connection,
        format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)"),
    )
    .await;
    execute(connection, format!("CREATE DATABASE {name} OWNER {OWNER}")).await;
    let settings = admin.with(OWNER, name).parse().unwrap();
    PostgresStorage::open(&settings)
        .await
        .unwrap()
        .close()
        .await;
    let mut owner = connect(&admin.with(OWNER, name)).await;
    execute(&mut owner, format!("SELECT fieldgate.admit('{APP}')")).await;
    owner.close().await.unwrap();
    execute(
        connection,
        format!("ALTER DATABASE {name} IS_TEMPLATE true"),
    )
    .await;
}

async fn connect(url: &str) -> PgConnection {
    let options: PgConnectOptions = url.parse().unwrap();
    options.disable_statement_logging().connect().await.unwrap()
}

/// Runs a statement that takes no values; all that is in it is this module's own.
async fn execute(connection: &mut PgConnection, statement: String) {
    let done = sqlx::raw_sql(AssertSqlSafe(statement)).execute(connection);
    done.await.unwrap();
}

fn unique_name() -> String {
    static NUMBER: AtomicU32 = AtomicU32::new(0);
    let number = NUMBER.fetch_add(1, Ordering::Relaxed);
    // The keys of each are random: another run may have had the same number of a process.
    let random = RandomState::new().build_hasher().finish();
    format!("fieldgate_test_{random:016x}_{number}")
}

const APP: &str = "fieldgate_test_app";

const OWNER: &str = "fieldgate_test_owner";

/// Of roles that own nothing but tests.
const PASSWORD: &str = "tests-and-nothing-else";

/// Under which the template is made.
const LOCK: i64 = 0x4647_7431;
