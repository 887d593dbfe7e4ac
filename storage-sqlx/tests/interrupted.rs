//! A first start that was interrupted is no reason not to start again.
#![cfg(feature = "sqlite")]

use std::fs;

use fieldgate_core::storage::{MaintenanceStore as _, ServerProof};
use fieldgate_storage_sqlx::SqliteStorage;

#[tokio::test]
async fn a_database_that_was_torn_as_it_was_made_is_made_anew() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("fieldgate.db");
    // The first page, of which the power has left the half; and SQLite's journal of it, which says
    // that the file was empty before.
    let mut page = vec![0; 4096];
    page[512..1024].fill(7);
    fs::write(&path, page).unwrap();
    let mut journal = vec![0xd9, 0xd5, 0x05, 0xf9, 0x20, 0xa1, 0x63, 0xd7];
    let (records, nonce, pages, sector, page): (u32, u32, u32, u32, u32) = (0, 1, 0, 512, 4096);
    for number in [records, nonce, pages, sector, page] {
        journal.extend(number.to_be_bytes());
    }
    journal.resize(512, 0);
    fs::write(directory.path().join("fieldgate.db-journal"), journal).unwrap();

    let storage = SqliteStorage::open(&path).await.unwrap();
    storage.probe(ServerProof::vouch()).await.unwrap();
    storage.close().await;
}
