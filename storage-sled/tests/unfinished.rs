//! A start that was interrupted is no reason not to start again.

use std::fs;

use fieldgate_core::storage::{Effects, OrganizationStore as _, ServerProof};
use fieldgate_core::testing::fixtures::organization;
use fieldgate_storage_sled::SledStorage;

#[tokio::test]
async fn a_snapshot_that_was_never_finished_is_passed_over() {
    let dir = tempfile::tempdir().unwrap();
    let storage = SledStorage::open(dir.path()).unwrap();
    let known = organization();
    let created = storage.create_organization(ServerProof::vouch(), &known, None, &Effects::NONE);
    created.await.unwrap();
    storage.close().await;

    // Newer than any other, and cut off.
    let unfinished = dir.path().join("db/snap.00000000FFFFFFFF.generating");
    fs::write(&unfinished, "torn").unwrap();
    let storage = SledStorage::open(dir.path()).unwrap();
    assert_eq!(storage.organization(known.id).await.unwrap(), Some(known));
    assert!(!unfinished.exists());
}
