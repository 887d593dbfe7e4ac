//! Carries all records out and in, and over a check.

use std::collections::BTreeSet;
use std::sync::Arc;

use async_trait::async_trait;
use fieldgate_core::storage::{
    Archive, ArchiveRecord, ArchiveStore, Bookmark, FINDINGS_MAX, Finding, ServerProof,
    StorageError,
};
use tokio::task::spawn_blocking;

use crate::journal::Records;
use crate::{JournalStorage, unavailable};

#[async_trait]
impl ArchiveStore for JournalStorage {
    async fn archive(
        &self,
        server: ServerProof,
        after: Option<&Bookmark>,
    ) -> Result<Box<dyn Archive>, StorageError> {
        self.look(self.memory().archive(server, after)).await
    }

    async fn import(
        &self,
        server: ServerProof,
        records: &[ArchiveRecord],
    ) -> Result<(), StorageError> {
        self.change(self.memory().import(server, records)).await
    }

    /// Reads the file anew, and compares what it has with what it should have.
    async fn verify(&self, server: ServerProof) -> Result<Vec<Finding>, StorageError> {
        let mut findings = self.look(self.memory().verify(server)).await?;
        let books = Arc::clone(&self.books).read_owned().await;
        let looked_over = spawn_blocking(move || match books.journal.read() {
            Ok(found) => differences(&found, &books.records),
            Err(problem) => vec![Finding::new("file", problem)],
        });
        findings.extend(looked_over.await.map_err(unavailable)?);
        findings.truncate(FINDINGS_MAX);
        Ok(findings)
    }
}

fn differences(found: &Records, expected: &Records) -> Vec<Finding> {
    let places: BTreeSet<_> = found.keys().chain(expected.keys()).collect();
    let different = places.into_iter();
    let different = different.filter(|place| found.get(place) != expected.get(place));
    different
        .map(|place| Finding::new(place, "the file has another record here"))
        .collect()
}
