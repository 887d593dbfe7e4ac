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
