//! Why a PostgreSQL database was not opened.

/// Why a storage was not opened. None of them says a password.
#[non_exhaustive]
#[derive(Debug, thiserror::Error)]
pub enum PostgresOpenError {
    /// The address does not say which database, or says something unknown.
    #[error(
        "the address of the database is wrong: {reason}; it looks like \
         postgres://user@host:5432/database?sslmode=verify-full"
    )]
    Address {
        /// What is wrong.
        reason: String,
    },

    /// Another server has the database open.
    #[error("the database `{database}` is open already: stop the other server on it")]
    AlreadyOpen {
        /// Which.
        database: String,
    },

    /// The database server cannot be reached.
    #[error("cannot connect to {server}: is PostgreSQL running there, and reachable from here?")]
    Unreachable {
        /// Where.
        server: String,
        /// What went wrong.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },

    /// The database server does not let the role in.
    #[error(
        "{server} does not let the role `{role}` in: check its name, its password (in \
         PGPASSWORD or ~/.pgpass) and pg_hba.conf"
    )]
    SignIn {
        /// Where.
        server: String,
        /// Who.
        role: String,
        /// What the database reported.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },

    /// TLS with the database server does not come about, above all as its certificate does not
    /// prove who it is.
    #[error(
        "no TLS connection to {server} that `sslmode` allows: its certificate has to be for the \
         host in the address, and by a CA in `sslrootcert` or one that the system trusts"
    )]
    Tls {
        /// Where.
        server: String,
        /// What went wrong.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },

    /// There is no such database.
    #[error(
        "there is no database `{database}` on {server}: create it by `CREATE DATABASE \
         {database} OWNER …`"
    )]
    DatabaseMissing {
        /// Which.
        database: String,
        /// Where.
        server: String,
    },

    /// The database server is too old.
    #[error("PostgreSQL {found} is too old: use version 15 or a later one")]
    TooOld {
        /// The version of the server.
        found: String,
    },

    /// The role sees the rows of all organizations, whatever it is told.
    #[error(
        "the role `{role}` is a superuser or has BYPASSRLS, so that row-level security would not \
         hold: use a role of its own (docs/postgres.md)"
    )]
    RoleTooMighty {
        /// Who.
        role: String,
    },

    /// The database server may lose what it has confirmed, or does not keep every text.
    #[error("the database server has {setting}: set it to {needed}")]
    Setting {
        /// The setting, with its value.
        setting: String,
        /// The value that it has to have.
        needed: &'static str,
    },

    /// The schema is missing or old, and the role may not change that.
    #[error(
        "the schema `fieldgate` is missing or older than this version, and the role `{role}` may \
         not change it: start once as the owner of the database, then let the owner run `SELECT \
         fieldgate.admit('{role}')` (docs/postgres.md)"
    )]
    NotMigrated {
        /// Who.
        role: String,
    },

    /// The role may not work with the tables.
    #[error(
        "the role `{role}` may not use the schema `fieldgate`: let its owner run `SELECT \
         fieldgate.admit('{role}')` (docs/postgres.md)"
    )]
    NotAdmitted {
        /// Who.
        role: String,
    },

    /// A newer version of this software has written the schema.
    #[error(
        "the database has schema {found}, and this version knows those up to {known}: use the \
         newer version that has written it"
    )]
    NewerSchema {
        /// The schema of the database.
        found: i64,
        /// The newest schema that this version knows.
        known: i64,
    },

    /// The database failed.
    #[error("the database cannot be opened")]
    Database(#[source] Box<dyn std::error::Error + Send + Sync>),
}
