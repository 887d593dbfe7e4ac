//! Faults of archives.

use async_trait::async_trait;

use super::{Fault, FaultyStorage};
use crate::storage::{
    Archive, ArchiveRecord, ArchiveStore, Bookmark, RecordKind, ServerProof, StorageError,
};
use crate::testing::clauses::assert_caught;
use crate::testing::storage::{StorageFixture, archive};

impl FaultyStorage {
    pub(super) async fn archive(
        &self,
        server: ServerProof,
        after: Option<&Bookmark>,
    ) -> Result<Box<dyn Archive>, StorageError> {
        let whole = self.inner.archive(server, after).await?;
        Ok(match self.fault {
            Fault::LeavesOutTheRetained => Box::new(Incomplete(whole)),
            _ => whole,
        })
    }

    pub(super) async fn import(
        &self,
        server: ServerProof,
        records: &[ArchiveRecord],
    ) -> Result<(), StorageError> {
        if self.has(Fault::ImportsOneByOne) {
            for record in records {
                let one = std::slice::from_ref(record);
                self.inner.import(server, one).await?;
            }
            return Ok(());
        }
        self.inner.import(server, records).await
    }
}

#[derive(Debug)]
struct Incomplete(Box<dyn Archive>);

#[async_trait]
impl Archive for Incomplete {
    async fn next(&mut self, limit: usize) -> Result<Vec<ArchiveRecord>, StorageError> {
        let mut records = self.0.next(limit).await?;
        records.retain(|record| record.kind() != RecordKind::Retained);
        Ok(records)
    }
}

#[tokio::test]
async fn faults_of_archives_are_caught() {
    assert_catches!(
        archive::it_has_everything_in_order,
        LeavesOutTheRetained,
        "Quarantined, Idempotency}"
    );
    assert_catches!(
        archive::an_import_is_whole_or_not_at_all,
        ImportsOneByOne,
        "left: ["
    );
}
