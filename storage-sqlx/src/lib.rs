//! Fieldgate storage on SQL databases by sqlx: SQLite (feature `sqlite`) and PostgreSQL (feature
//! `postgres`).
//!
//! ```no_run
//! # async fn example() -> Result<(), fieldgate_storage_sqlx::OpenError> {
//! use fieldgate_storage_sqlx::SqliteStorage;
//!
//! let storage = SqliteStorage::open("fieldgate.db".as_ref()).await?;
//! // …
//! storage.close().await;
//! # Ok(())
//! # }
//! ```
//!
//! # What SQLite promises
//!
//! Everything that [`fieldgate_core::storage`] asks for. In particular:
//!
//! * **A change is answered when it is durable**: the database is in WAL mode with
//!   `synchronous=FULL`. Changes that wait at the same time share a transaction and its
//!   synchronization; a lone one waits for nobody.
//! * **One process at a time**: a lock beside the file keeps a second one away.
//! * **A full or broken disk is an outage, not an end**: changes are undone and told as unavailable,
//!   look-ups go on, and all goes on when the disk does.
//! * **Damage is noticed**: every row has a checksum, which `verify` compares.
//!
//! # What PostgreSQL promises
//!
//! The same, as far as the server keeps its own promise about a commit; one with `fsync` off is
//! refused. Behind the port's own care, row-level security shows each call the rows of its
//! organization alone. One server works on a database at a time, and one that has lost it to another
//! does nothing more. A transaction that was in the way of another one is tried again; what takes too
//! long is cut off and told as unavailable.

mod error;
#[cfg(feature = "postgres")]
mod postgres;
mod row;
mod select;
#[cfg(feature = "sqlite")]
mod sqlite;
#[cfg(feature = "testing")]
pub mod testing;

#[cfg(feature = "sqlite")]
pub use error::OpenError;
#[cfg(feature = "postgres")]
pub use postgres::{PostgresOpenError, PostgresSettings, PostgresStorage};
#[cfg(feature = "sqlite")]
pub use sqlite::{SqliteBackup, SqliteStorage};
