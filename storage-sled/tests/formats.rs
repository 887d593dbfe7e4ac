//! Stores of each format that there ever was: they open, with all that they held.
//!
//! How they are made says `tests/stores/README.md`.
#![expect(
    clippy::unwrap_used,
    reason = "in a test, a failure has to name its line"
)]

mod beneath;

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use fieldgate_core::storage::Storage;
use fieldgate_core::testing::specimen;
use fieldgate_storage_sled::SledStorage;

#[tokio::test]
async fn a_store_of_each_format_opens_with_all_that_it_held() {
    let stores: Vec<_> = (1..1000)
        .map(|format| (format, place(format)))
        .filter(|(_, store)| store.exists())
        .collect();
    assert_eq!(stores.first().map(|(format, _)| *format), Some(1));
    let newest = newest().await;
    for (format, store) in stores {
        let dir = tempfile::tempdir().unwrap();
        copy(&store, dir.path());
        assert_eq!(format_of(dir.path()), format);

        let storage = SledStorage::open(dir.path()).unwrap();
        specimen::assert_holds(&handle(&storage)).await;
        storage.close().await;

        assert_eq!(format_of(dir.path()), newest);
    }
}

#[tokio::test]
async fn a_store_of_the_newest_format_is_kept() {
    let newest = newest().await;
    let store = place(newest);
    if store.exists() {
        return;
    }
    let made = std::env::var_os("BLESS").is_some();
    assert!(
        made,
        "no store of format {newest} is kept: make it, by `BLESS=1 cargo nextest run -p \
         fieldgate-storage-sled --test formats`"
    );
    let dir = tempfile::tempdir().unwrap();
    let storage = SledStorage::open(dir.path()).unwrap();
    specimen::fill(&handle(&storage)).await;
    storage.close().await;
    copy(dir.path(), &store);
}

/// The format of a new store.
async fn newest() -> u32 {
    let dir = tempfile::tempdir().unwrap();
    SledStorage::open(dir.path()).unwrap().close().await;
    format_of(dir.path())
}

fn format_of(dir: &Path) -> u32 {
    let stored = beneath::open(dir).get(b"\0format").unwrap().unwrap();
    u32::from_be_bytes(stored.as_ref().try_into().unwrap())
}

fn handle(storage: &SledStorage) -> Arc<dyn Storage> {
    Arc::new(storage.clone())
}

fn place(format: u32) -> PathBuf {
    let stores = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/stores");
    PathBuf::from(stores).join(format.to_string())
}

/// Copies what lies in the directory of a store, but for its lock.
fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to.join("db")).unwrap();
    for file in ["extent", "db/conf", "db/db"] {
        fs::copy(from.join(file), to.join(file)).unwrap();
    }
}
