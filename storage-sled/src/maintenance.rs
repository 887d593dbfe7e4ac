//! Removes from sled what is no longer needed, in small steps.
//!
//! What is to go is found by a [reader](crate::sweep), so that the writer is kept only for the
//! removal.

use std::mem;

use async_trait::async_trait;
use fieldgate_core::storage::{MaintenanceStore, PurgePolicy, Purged, ServerProof, StorageError};

use crate::SledStorage;
use crate::change::Source as _;
use crate::error::Error;
use crate::keys::{self, KeyReader};
use crate::sweep;
use crate::writer::Kind;

#[async_trait]
impl MaintenanceStore for SledStorage {
    async fn purge(
        &self,
        _server: ServerProof,
        policy: &PurgePolicy,
        limit: usize,
    ) -> Result<Purged, StorageError> {
        let uncounted = self.count_any_group().await?;
        let now = policy.now;
        let policy = policy.clone();
        let position = self.position();
        let mut found = self
            .read(move |reader| sweep::find(reader, &policy, limit, position))
            .await?;
        let position = mem::take(&mut found.position);
        let purged = Purged {
            removed: found.records,
            more: found.more || uncounted,
        };
        if !found.is_empty() {
            self.change_as(Kind::Frugal, move |change| found.remove(change, now))
                .await?;
        }
        self.set_position(position);
        Ok(purged)
    }

    async fn probe(&self, _server: ServerProof) -> Result<(), StorageError> {
        let written = self
            .change(|change| {
                let key = keys::meta("probe");
                let count = match change.octets(&key)? {
                    Some(octets) => KeyReader::value(&octets).u64()?.wrapping_add(1),
                    None => 0,
                };
                change.put(key, count.to_be_bytes());
                Ok(count)
            })
            .await?;
        self.read(move |reader| {
            let read = reader.look(|view| view.octets(&keys::meta("probe")))?;
            let read = read.ok_or(Error::Misplaced { what: "probe" })?;
            // Another probe may have counted on since.
            if KeyReader::value(&read).u64()? < written {
                return Err(Error::Misplaced { what: "probe" });
            }
            Ok(())
        })
        .await
    }
}
