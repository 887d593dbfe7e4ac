//! The contract of the storage port: one function per clause, grouped by noun.
//!
//! Each clause gets a fresh, empty storage. The bodies live in functions and not in the macros, so
//! that a failure names a line, and rustfmt, clippy and the editor see them.
#![expect(
    clippy::unwrap_used,
    reason = "these are the bodies of tests: a failure has to name its line"
)]

#[macro_use]
mod world;

pub mod agreement;
pub mod announcement;
pub mod api_key;
pub mod archive;
pub mod archive_view;
mod archive_world;
pub mod atomicity;
pub mod certificate;
pub mod component;
pub mod concurrency;
pub mod counts;
pub mod deletion;
pub mod device;
pub mod device_filter;
pub mod device_update;
pub mod durable;
pub mod extremes;
pub mod group;
pub mod health;
pub mod idempotency;
pub mod ids;
pub mod ingestion;
pub mod isolation;
mod list_of_clauses;
pub mod lists;
pub mod maintenance;
pub mod organization;
pub mod pages;
pub mod quarantine;
pub mod races;
pub mod reading;
pub mod redemption;
pub mod reopening;
pub mod retained;
pub mod sensor;
pub mod sensor_filter;
pub mod session;
pub mod settlement;
pub mod site;
#[cfg(test)]
mod teeth;
pub mod times;
pub mod token;
pub mod value_types;

use std::sync::Arc;

use async_trait::async_trait;

use crate::storage::{ServerProof, Storage};

/// A handle to the storage that a clause tries.
pub type Handle = Arc<dyn Storage>;

/// Asserts that a check of the storage finds nothing, as behind each clause.
pub async fn assert_sound(storage: &Handle) {
    let found = storage.verify(ServerProof::vouch()).await;
    assert_eq!(found.unwrap(), [], "what the clause has left behind");
}

/// What a backend gives to the suite: a fresh storage per test.
#[async_trait]
pub trait StorageFixture: Sized + Send + Sync {
    /// A fresh, empty storage of its own; the fixture owns what must outlive it, for example a
    /// temporary directory.
    async fn fresh() -> Self;

    /// A handle to it.
    fn storage(&self) -> Arc<dyn Storage>;

    /// Closes the storage (all handles that the fixture holds) and opens what it left behind.
    async fn reopen(self) -> Self;
}
