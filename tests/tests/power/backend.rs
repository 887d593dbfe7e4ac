//! The storages that the proof is led for.

use std::fmt::Debug;
use std::path::Path;
use std::sync::Arc;

use fieldgate_core::storage::Storage;
use fieldgate_storage_sled::{Durability, SledStorage};
use fieldgate_storage_sqlx::SqliteStorage;

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Backend {
    Sqlite,
    Sled,
    /// sled that does not wait for the disk.
    SledForProcess,
}

#[derive(Debug)]
pub(crate) enum Opened {
    Sqlite(SqliteStorage),
    Sled(SledStorage),
}

impl Backend {
    const ALL: [Self; 3] = [Self::Sqlite, Self::Sled, Self::SledForProcess];

    pub(crate) fn parse(name: &str) -> Self {
        let mut all = Self::ALL.into_iter();
        all.find(|backend| format!("{backend:?}") == name).unwrap()
    }

    /// Opens the storage in a directory.
    pub(crate) async fn open(self, dir: &Path) -> Result<Opened, String> {
        match self {
            Self::Sqlite => open_sqlite(dir).await,
            Self::Sled => open_sled(dir, Durability::Disk),
            Self::SledForProcess => open_sled(dir, Durability::Process),
        }
    }

    /// Opens what the disk may hold. What is written to it need not be waited for.
    pub(crate) async fn open_copy(self, dir: &Path) -> Result<Opened, String> {
        match self {
            Self::Sqlite => open_sqlite(dir).await,
            Self::Sled | Self::SledForProcess => open_sled(dir, Durability::Process),
        }
    }
}

impl Opened {
    pub(crate) fn storage(&self) -> Arc<dyn Storage> {
        match self {
            Self::Sqlite(storage) => Arc::new(storage.clone()),
            Self::Sled(storage) => Arc::new(storage.clone()),
        }
    }

    pub(crate) async fn close(self) {
        match self {
            Self::Sqlite(storage) => storage.close().await,
            Self::Sled(storage) => storage.close().await,
        }
    }
}

async fn open_sqlite(dir: &Path) -> Result<Opened, String> {
    let opened = SqliteStorage::open(&dir.join("fieldgate.db")).await;
    Ok(Opened::Sqlite(opened.map_err(not_opened)?))
}

fn open_sled(dir: &Path, durability: Durability) -> Result<Opened, String> {
    let opened = SledStorage::builder(dir).durability(durability).open();
    Ok(Opened::Sled(opened.map_err(not_opened)?))
}

fn not_opened(error: impl Debug) -> String {
    format!("not opened: {error:?}")
}
