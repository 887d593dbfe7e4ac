//! Opens the storage that the settings name.

use std::path::Path;
use std::sync::Arc;

use anyhow::Context as _;
use fieldgate_core::storage::{MemoryStorage, Storage};
use fieldgate_storage_sled::SledStorage;
use fieldgate_storage_sqlx::{PostgresStorage, SqliteStorage};

use crate::failure::Failure;
use crate::settings::{Settings, StorageUrl};
use crate::transfer;

/// An open storage.
#[derive(Clone, Debug)]
pub(crate) enum OpenStorage {
    Memory(Arc<MemoryStorage>),
    Postgres(Arc<PostgresStorage>),
    Sled(Arc<SledStorage>),
    Sqlite(Arc<SqliteStorage>),
}

impl OpenStorage {
    /// Opens a storage, and makes it where it is missing.
    ///
    /// # Errors
    ///
    /// [`Failure`] where it cannot be opened, above all where another process holds it.
    pub(crate) async fn open(url: &StorageUrl) -> Result<Self, Failure> {
        let failed = || format!("the storage {} cannot be opened", url.masked());
        match url {
            StorageUrl::Memory => Ok(Self::Memory(Arc::default())),
            StorageUrl::Postgres(settings) => {
                let opened = PostgresStorage::open(settings).await;
                Ok(Self::Postgres(Arc::new(opened.with_context(failed)?)))
            }
            StorageUrl::Sled(path) => {
                let opened = SledStorage::open(path).with_context(failed)?;
                Ok(Self::Sled(Arc::new(opened)))
            }
            StorageUrl::Sqlite(path) => {
                check_parent(path)?;
                let opened = SqliteStorage::open(path).await.with_context(failed)?;
                Ok(Self::Sqlite(Arc::new(opened)))
            }
        }
    }

    /// Opens a storage that is there, and not only half of it.
    ///
    /// # Errors
    ///
    /// [`Failure`] where it is not, and as [`OpenStorage::open`] has.
    pub(crate) async fn open_whole(settings: &Settings) -> Result<Self, Failure> {
        let url = &settings.storage;
        transfer::refuse_half(&settings.data_dir, url)?;
        if !url.is_present() {
            return Err(Failure::runtime(format!(
                "there is no storage {}: name the right one by --storage or --data-dir",
                url.masked()
            )));
        }
        Self::open(url).await
    }

    /// The storage as the core takes it.
    pub(crate) fn port(&self) -> Arc<dyn Storage> {
        match self {
            Self::Memory(storage) => Arc::clone(storage) as Arc<dyn Storage>,
            Self::Postgres(storage) => Arc::clone(storage) as Arc<dyn Storage>,
            Self::Sled(storage) => Arc::clone(storage) as Arc<dyn Storage>,
            Self::Sqlite(storage) => Arc::clone(storage) as Arc<dyn Storage>,
        }
    }

    /// Finishes what is under way and closes the files or connections; every later call fails.
    pub(crate) async fn close(&self) {
        match self {
            Self::Memory(_) => {}
            Self::Postgres(storage) => storage.close().await,
            Self::Sled(storage) => storage.close().await,
            Self::Sqlite(storage) => storage.close().await,
        }
    }
}

fn check_parent(path: &Path) -> Result<(), Failure> {
    let parent = path
        .parent()
        .filter(|parent| !parent.as_os_str().is_empty());
    if parent.is_none_or(Path::is_dir) {
        return Ok(());
    }
    Err(Failure::configuration(format!(
        "storage: there is no directory for {}: make it first",
        path.display()
    )))
}
