//! The engines without Fieldgate: the same look-ups and writes on the same stores, as one would write
//! them by hand.

mod postgres;
mod sled;
mod sqlite;

pub(crate) use sqlite::COUNT_DEVICES;

use std::time::Duration;

use fieldgate_core::model::id::DeviceId;
use fieldgate_core::model::timestamp::Timestamp;

use crate::storage::listing::Listing;
use crate::storage::place::{Backend, Place};

/// An open engine.
pub(crate) enum Bare {
    Postgres(postgres::Engine),
    Sled(sled::Engine),
    Sqlite(sqlite::Engine),
}

impl Bare {
    /// Opens the engine of a store. That of sled needs it for itself.
    pub(crate) async fn open(place: &Place) -> Self {
        match place.backend {
            Backend::Postgres => Self::Postgres(postgres::Engine::open(place).await),
            Backend::Sled => Self::Sled(sled::Engine::open(place)),
            Backend::Sqlite => Self::Sqlite(sqlite::Engine::open(place).await),
        }
    }

    /// Looks a device up, which is there.
    pub(crate) async fn get(&self, device: DeviceId) {
        let found = match self {
            Self::Postgres(engine) => engine.get(device).await,
            Self::Sled(engine) => engine.get(device),
            Self::Sqlite(engine) => engine.get(device).await,
        };
        assert_eq!(found, 1, "the device is there");
    }

    /// Lists the first devices behind one; how many they are.
    pub(crate) async fn page(&self, listing: Listing, after: DeviceId) -> usize {
        match self {
            Self::Postgres(engine) => engine.page(listing, after).await,
            Self::Sled(engine) => engine.page(after),
            Self::Sqlite(engine) => engine.page(listing, after).await,
        }
    }

    /// Stores the readings of a message of a gateway, durably; how long that took.
    pub(crate) async fn insert(&mut self, gateway: usize, begin: Timestamp) -> Duration {
        match self {
            Self::Postgres(engine) => engine.insert(gateway, begin).await,
            Self::Sled(engine) => engine.insert(gateway, begin),
            Self::Sqlite(engine) => engine.insert(gateway, begin).await,
        }
    }

    /// Counts by a statement of SQLite; how many rows come of it.
    pub(crate) async fn count(&self, sql: &'static str) -> usize {
        match self {
            Self::Sqlite(engine) => engine.count(sql).await,
            Self::Postgres(_) | Self::Sled(_) => panic!("it is no SQLite"),
        }
    }

    pub(crate) async fn close(self) {
        match self {
            Self::Postgres(engine) => engine.close().await,
            Self::Sled(engine) => drop(engine),
            Self::Sqlite(engine) => engine.close().await,
        }
    }
}
