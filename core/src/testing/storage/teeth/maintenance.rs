//! Faults of the removal of what is old.

use std::time::Duration;

use super::{Fault, FaultyStorage};
use crate::storage::{MaintenanceStore, PurgePolicy, Purged, ServerProof, StorageError};
use crate::testing::clauses::assert_caught;
use crate::testing::storage::{StorageFixture, maintenance};

impl FaultyStorage {
    pub(super) async fn purge(
        &self,
        server: ServerProof,
        policy: &PurgePolicy,
        mut limit: usize,
    ) -> Result<Purged, StorageError> {
        let mut policy = policy.clone();
        match self.fault {
            Fault::RemovesAllAtOnce => limit = usize::MAX,
            Fault::RemovesTheJustAsOld => {
                let later = policy.readings_before;
                policy.readings_before = later.map(|at| at.plus(Duration::from_millis(1)));
            }
            _ => {}
        }
        let mut purged = self.inner.purge(server, &policy, limit).await?;
        if self.has(Fault::SaysDoneTooEarly) {
            purged.more = false;
        }
        Ok(purged)
    }
}

#[tokio::test]
async fn faults_of_the_purge_are_caught() {
    assert_catches!(
        maintenance::retention_removes_what_is_older,
        RemovesTheJustAsOld,
        "left: 18"
    );
    assert_catches!(
        maintenance::retention_removes_what_is_older,
        RemovesAllAtOnce,
        "with 4"
    );
    assert_catches!(
        maintenance::retention_removes_what_is_older,
        SaysDoneTooEarly,
        "right: 17"
    );
}
