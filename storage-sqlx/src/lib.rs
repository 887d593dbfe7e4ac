//! Fieldgate storage on SQL databases by sqlx: SQLite (feature `sqlite`).
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

#[cfg(feature = "sqlite")]
mod error;
#[cfg(feature = "sqlite")]
mod row;
#[cfg(feature = "sqlite")]
mod select;
#[cfg(feature = "sqlite")]
mod sqlite;

#[cfg(feature = "sqlite")]
pub use error::OpenError;
#[cfg(feature = "sqlite")]
pub use sqlite::{SqliteBackup, SqliteStorage};
