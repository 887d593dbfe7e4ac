//! Faults of sessions.

use super::{Fault, FaultyStorage};
use crate::model::id::{DeviceId, OrganizationId};
use crate::model::presence::{NodeId, SessionEpoch};
use crate::model::serial::SerialNumber;
use crate::model::timestamp::Timestamp;
use crate::storage::{
    DeviceStore, OpenedSession, ServerProof, SessionRefused, SessionStore, StorageError,
};
use crate::testing::clauses::assert_caught;
use crate::testing::fixtures::noon;
use crate::testing::storage::{StorageFixture, concurrency, session, settlement};

impl FaultyStorage {
    pub(super) async fn open_session(
        &self,
        organization: OrganizationId,
        device: DeviceId,
        serial_number: &SerialNumber,
        node: &NodeId,
        mut now: Timestamp,
    ) -> Result<Result<OpenedSession, SessionRefused>, StorageError> {
        if self.has(Fault::LetsTheExpiredIn) {
            now = now.min(noon());
        }
        let opened = self
            .inner
            .open_session(organization, device, serial_number, node, now);
        let mut opened = opened.await?;
        if let Ok(opened) = &mut opened
            && self.has(Fault::DisplacesNobody)
        {
            opened.displaced = None;
        }
        Ok(opened)
    }

    pub(super) async fn close_session(
        &self,
        organization: OrganizationId,
        device: DeviceId,
        epoch: SessionEpoch,
        now: Timestamp,
    ) -> Result<bool, StorageError> {
        let stored = self.inner.device(organization, device).await?;
        let epoch = match stored {
            Some(device) if self.has(Fault::ClosesWhateverIsOpen) => device.session_epoch,
            _ => epoch,
        };
        let closed = self.inner.close_session(organization, device, epoch, now);
        closed.await
    }

    pub(super) async fn settle_sessions(
        &self,
        server: ServerProof,
        node: &NodeId,
        now: Timestamp,
        limit: usize,
    ) -> Result<usize, StorageError> {
        let settled = self.inner.settle_sessions(server, node, now, limit).await?;
        if self.has(Fault::SettlesForOthers) {
            return Ok(settled + self.settle_everybodys(server, now).await?);
        }
        Ok(settled)
    }

    pub(super) async fn settle_everybodys(
        &self,
        server: ServerProof,
        now: Timestamp,
    ) -> Result<usize, StorageError> {
        let mut settled = 0;
        for id in self.everybody().await {
            let devices = self.devices_of(id).await.into_iter();
            for session in devices.filter_map(|it| it.session) {
                let closed = self.inner.settle_sessions(server, &session.node, now, 1);
                settled += closed.await?;
            }
        }
        Ok(settled)
    }
}

#[tokio::test]
async fn faults_of_sessions_are_caught() {
    assert_catches!(
        session::an_expired_certificate_is_refused,
        LetsTheExpiredIn,
        "right: Err(CertificateNotGood)"
    );
    assert_catches!(
        session::a_takeover_with_the_old_end_last,
        ClosesWhateverIsOpen,
        "!close("
    );
    assert_catches!(
        session::a_takeover_with_the_old_end_last,
        DisplacesNobody,
        "None"
    );
    assert_catches!(
        concurrency::sessions_get_numbers_of_their_own,
        DisplacesNobody,
        "left: [0, 0"
    );
    assert_catches!(settlement::nodes_are_exact, SettlesForOthers, "left: 1");
}
