//! What stores of earlier formats are kept with stays the same.
//!
//! The only test of its process: ids are counted up from its start.

use std::sync::Arc;

use fieldgate_core::storage::{MemoryStorage, Storage};
use fieldgate_core::testing::specimen;

#[tokio::test]
async fn it_makes_the_records_that_are_kept() {
    let storage: Arc<dyn Storage> = Arc::new(MemoryStorage::default());
    specimen::fill(&storage).await;
    if std::env::var_os("BLESS").is_some() {
        let file = concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/src/testing/specimen/records.txt"
        );
        std::fs::write(file, specimen::records(&storage).await).unwrap();
        return;
    }
    specimen::assert_holds(&storage).await;
}
