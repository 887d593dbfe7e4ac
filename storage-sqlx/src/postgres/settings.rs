//! Where a PostgreSQL database is, and how long to wait for it.

use std::fmt;
use std::net::IpAddr;
use std::path::Path;
use std::str::FromStr;
use std::time::Duration;

use sqlx::ConnectOptions as _;
use sqlx::postgres::{PgConnectOptions, PgSslMode};

use crate::postgres::{PostgresOpenError, guard};

/// Where a PostgreSQL database is, and how long to wait for it.
///
/// It is parsed from an address such as
/// `postgres://fieldgate@db.example.org/fieldgate?sslmode=verify-full`. What that leaves open comes
/// from the variables that PostgreSQL's own programs read, `PGPASSWORD` and `PGSSLROOTCERT` among
/// them, and the password also from the file `~/.pgpass`, or the one in `PGPASSFILE`.
///
/// Besides PostgreSQL's own parameters the address takes these:
///
/// | parameter | meaning | default |
/// |---|---|---|
/// | `max_connections` | how many connections there are at most | 16 |
/// | `connect_timeout` | seconds to connect at the start | 10 |
/// | `acquire_timeout` | seconds that a call waits for a connection | 3 |
/// | `statement_timeout` | seconds that a statement may take | 30 |
/// | `lock_timeout` | seconds that a statement waits for a lock | 10 |
///
/// `sslmode=require` with `sslrootcert` is `verify-ca`, as it is for PostgreSQL's own programs;
/// `allow` is refused, as it would never use TLS.
///
/// `Debug` and errors never show the password.
#[derive(Clone)]
pub struct PostgresSettings {
    options: PgConnectOptions,
    pub(super) max_connections: u32,
    pub(super) connect_timeout: Duration,
    pub(super) acquire_timeout: Duration,
    pub(super) statement_timeout: Duration,
    pub(super) lock_timeout: Duration,
}

impl PostgresSettings {
    /// How to connect: under a name that an operator recognizes, and with nothing of what is sent
    /// in the log.
    pub(super) fn options(&self) -> PgConnectOptions {
        let millis = |timeout: Duration| timeout.as_millis().to_string();
        let options = self.options.clone().options([
            ("search_path", "fieldgate"),
            ("statement_timeout", &millis(self.statement_timeout)),
            ("lock_timeout", &millis(self.lock_timeout)),
            ("idle_in_transaction_session_timeout", &millis(IDLE_TIMEOUT)),
            // In seconds: a machine that is gone without a word does not hold its locks for long.
            ("tcp_keepalives_idle", "30"),
            ("tcp_keepalives_interval", "10"),
            ("tcp_keepalives_count", "3"),
        ]);
        options
            .application_name(guard::APPLICATION)
            .statement_cache_capacity(256)
            .disable_statement_logging()
    }

    /// How the connection connects that opens the database, and guards it from then on.
    pub(super) fn guard_options(&self) -> PgConnectOptions {
        self.options().application_name(guard::APPLICATION_OF_GUARD)
    }

    /// The name of the database server.
    pub(super) fn server(&self) -> String {
        let socket = self.options.get_socket();
        socket.map_or_else(
            || format!("{}:{}", self.options.get_host(), self.options.get_port()),
            |socket| {
                let file = format!(".s.PGSQL.{}", self.options.get_port());
                Path::new(socket).join(file).display().to_string()
            },
        )
    }

    /// The name of the role.
    pub(super) fn role(&self) -> String {
        self.options.get_username().to_owned()
    }

    /// The name of the database, which is that of the role where nothing says it.
    pub(super) fn database(&self) -> String {
        let named = self.options.get_database();
        named.map_or_else(|| self.role(), str::to_owned)
    }

    /// The same text for every way to write the place: which database of which server. Who signs
    /// in does not matter, and the password is not in it.
    #[must_use]
    pub fn identity(&self) -> String {
        format!("postgres://{}/{}", self.server(), self.database())
    }

    /// Whether the database server has to prove that it is the one in the address, or is on this
    /// machine.
    pub(super) fn proves_the_server(&self) -> bool {
        // An address of IPv6 has brackets around it.
        let host = self.options.get_host();
        let host = host.trim_start_matches('[').trim_end_matches(']');
        let is_here = self.options.get_socket().is_some()
            || host.starts_with('/')
            || host == "localhost"
            || host.parse().is_ok_and(|ip: IpAddr| ip.is_loopback());
        is_here || matches!(self.options.get_ssl_mode(), PgSslMode::VerifyFull)
    }

    /// How long a call may take: a database that answers ends it earlier.
    pub(super) fn call_timeout(&self) -> Duration {
        self.acquire_timeout + 2 * self.statement_timeout
    }
}

/// The address without the password.
impl fmt::Display for PostgresSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (role, server, database) = (self.role(), self.server(), self.database());
        write!(f, "postgres://{role}@{server}/{database}")
    }
}

impl FromStr for PostgresSettings {
    type Err = PostgresOpenError;

    fn from_str(address: &str) -> Result<Self, Self::Err> {
        let (place, query) = address.split_once('?').unwrap_or((address, ""));
        if !SCHEMES.iter().any(|scheme| place.starts_with(scheme)) {
            return Err(wrong("it does not begin with postgres://"));
        }
        let (mut max_connections, mut timeouts) = (16, [10, 3, 30, 10]);
        let mut passed_on = Vec::new();
        let (mut ssl_mode, mut root) = (variable("PGSSLMODE"), variable("PGSSLROOTCERT"));
        for parameter in query.split('&').filter(|parameter| !parameter.is_empty()) {
            let (key, value) = parameter.split_once('=').unwrap_or((parameter, ""));
            if key == "max_connections" {
                max_connections = number(key, value)?;
            } else if let Some(index) = TIMEOUTS.iter().position(|known| *known == key) {
                timeouts[index] = number(key, value)?;
            } else if PARAMETERS.contains(&key) {
                match key {
                    "sslmode" => ssl_mode = Some(value.to_owned()),
                    "sslrootcert" => root = Some(value.to_owned()),
                    _ => {}
                }
                passed_on.push(parameter);
            } else {
                return Err(wrong(format!("there is no parameter `{key}`")));
            }
        }
        let address = format!("{place}?{}", passed_on.join("&"));
        // What the parser reports might repeat a part of the password.
        let ssl_mode = agreed(ssl_mode.as_deref(), root.is_some())?;
        let options = address.parse::<PgConnectOptions>();
        let options = options.map_err(|_: sqlx::Error| wrong("it is no URL of a database"))?;
        let [connect, acquire, statement, lock] =
            timeouts.map(|seconds| Duration::from_secs(seconds.into()));
        Ok(Self {
            options: options.ssl_mode(ssl_mode),
            max_connections,
            connect_timeout: connect,
            acquire_timeout: acquire,
            statement_timeout: statement,
            lock_timeout: lock,
        })
    }
}

impl fmt::Debug for PostgresSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PostgresSettings")
            .field("server", &self.server())
            .field("database", &self.database())
            .field("role", &self.role())
            .finish_non_exhaustive()
    }
}

/// What is meant by an `sslmode`, which PostgreSQL's own programs take to prove more where there is
/// a root to prove it by.
fn agreed(mode: Option<&str>, has_root: bool) -> Result<PgSslMode, PostgresOpenError> {
    match mode.unwrap_or("prefer") {
        "disable" => Ok(PgSslMode::Disable),
        "prefer" => Ok(PgSslMode::Prefer),
        "require" if !has_root => Ok(PgSslMode::Require),
        "require" | "verify-ca" => Ok(PgSslMode::VerifyCa),
        "verify-full" => Ok(PgSslMode::VerifyFull),
        // Nor may one be ignored that is misspelt.
        _ => Err(wrong(
            "`sslmode`, or PGSSLMODE, is one of disable, prefer, require, verify-ca and verify-full",
        )),
    }
}

fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

fn wrong(reason: impl Into<String>) -> PostgresOpenError {
    let reason = reason.into();
    PostgresOpenError::Address { reason }
}

fn number(key: &str, value: &str) -> Result<u32, PostgresOpenError> {
    let number = value.parse().ok();
    let number = number.filter(|number| (1..=MOST).contains(number));
    number.ok_or_else(|| wrong(format!("`{key}` is a number from 1 to {MOST}")))
}

const SCHEMES: [&str; 2] = ["postgres://", "postgresql://"];

/// In the order in which they are used above.
const TIMEOUTS: [&str; 4] = [
    "connect_timeout",
    "acquire_timeout",
    "statement_timeout",
    "lock_timeout",
];

/// Those of PostgreSQL that make sense here. The password is not among them, as a part of an
/// address before the host is the place for it.
const PARAMETERS: [&str; 8] = [
    "dbname",
    "host",
    "port",
    "sslcert",
    "sslkey",
    "sslmode",
    "sslrootcert",
    "user",
];

const MOST: u32 = 10_000;

/// A transaction never waits for anything but the database.
const IDLE_TIMEOUT: Duration = Duration::from_secs(60);

#[cfg(test)]
mod tests {
    use sqlx::postgres::PgSslMode;

    use super::{PostgresSettings, agreed};

    #[test]
    fn an_address_says_where_and_how_long() {
        let address =
            "postgres://me:hush@db:6000/plant?max_connections=3&lock_timeout=7&sslmode=require";
        let settings: PostgresSettings = address.parse().unwrap();
        assert_eq!(settings.server(), "db:6000");
        assert_eq!(
            (settings.role(), settings.database()),
            ("me".into(), "plant".into())
        );
        assert_eq!(settings.max_connections, 3);
        assert_eq!(settings.lock_timeout.as_secs(), 7);
        assert_eq!(settings.statement_timeout.as_secs(), 30);
        let text = format!("{settings:?}");
        assert!(!text.contains("hush"), "{text}");
        assert_eq!(settings.to_string(), "postgres://me@db:6000/plant");
    }

    #[test]
    fn a_server_elsewhere_proves_itself_by_its_full_name_only() {
        for (address, proven) in [
            ("postgres://db/plant", false),
            ("postgres://db/plant?sslmode=disable", false),
            ("postgres://10.0.0.7/plant?sslmode=require", false),
            ("postgres://db/plant?sslmode=verify-ca", false),
            ("postgres://db/plant?sslmode=verify-full", true),
            ("postgres://localhost/plant", true),
            ("postgres://127.0.0.1/plant?sslmode=disable", true),
            ("postgres://[::1]/plant", true),
            ("postgres://me@localhost/plant?host=/run/postgresql", true),
        ] {
            let settings: PostgresSettings = address.parse().unwrap();
            assert_eq!(settings.proves_the_server(), proven, "{address}");
        }
    }

    #[test]
    fn a_root_is_there_to_prove_something() {
        let mode = |mode, root| agreed(Some(mode), root).unwrap();
        assert!(matches!(mode("require", false), PgSslMode::Require));
        assert!(matches!(mode("require", true), PgSslMode::VerifyCa));
        assert!(matches!(mode("prefer", true), PgSslMode::Prefer));
        assert!(matches!(agreed(None, true).unwrap(), PgSslMode::Prefer));
        // sqlx reads the variable too, and passes over what it does not know.
        for wrong in ["verify_full", "allow", ""] {
            agreed(Some(wrong), false).unwrap_err();
        }
    }

    #[test]
    fn what_is_wrong_is_said_without_the_password() {
        for (address, reason) in [
            ("mysql://me:hush@db/plant", "begin with postgres://"),
            ("postgres://me:hush@db:port/plant", "no URL"),
            (
                "postgres://me:hush@db/plant?passwrod=hush",
                "no parameter `passwrod`",
            ),
            (
                "postgres://me:hush@db/plant?lock_timeout=0",
                "`lock_timeout` is a number",
            ),
            (
                "postgres://me:hush@db/plant?max_connections=hush",
                "`max_connections` is a number",
            ),
            ("postgres://me:hush@db/plant?sslmode=hush", "`sslmode`"),
            ("postgres://me:hush@db/plant?sslmode=allow", "`sslmode`"),
        ] {
            let error = address.parse::<PostgresSettings>().unwrap_err();
            let text = format!("{error} {error:?}");
            assert!(text.contains(reason), "{text}");
            assert!(!text.contains("hush"), "{text}");
        }
    }
}
