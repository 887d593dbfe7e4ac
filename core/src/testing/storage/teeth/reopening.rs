//! Faults of what is there after a reopen.

use super::{Fault, FaultyStorage};
use crate::storage::{CertificateStore, ServerProof};
use crate::testing::clauses::assert_caught;
use crate::testing::fixtures::{issuer_key_id, noon};
use crate::testing::storage::{durable, reopening};

impl FaultyStorage {
    pub(super) async fn reopened(self) -> Self {
        match self.fault {
            Fault::ForgetsOnReopening => return Self::with(self.fault),
            Fault::RestartsNumbers => {
                let last = self.inner.next_crl_number(issuer_key_id(1)).await;
                self.noted().restarted_at = last.unwrap();
            }
            Fault::SettlesOnReopening => {
                let settled = self.settle_everybodys(ServerProof::vouch(), noon()).await;
                settled.unwrap();
            }
            _ => {}
        }
        self
    }
}

#[tokio::test]
async fn faults_of_reopening_are_caught() {
    assert_catches!(
        after a reopen durable::every_answer_is_the_same,
        ForgetsOnReopening,
        "left: ["
    );
    assert_catches!(after a reopen durable::readings_stay, ForgetsOnReopening, "left: []");
    assert_catches!(
        after a reopen reopening::every_record_is_the_same,
        ForgetsOnReopening,
        "left: []"
    );
    assert_catches!(after a reopen durable::the_ca_goes_on, RestartsNumbers, "right: 4");
    assert_catches!(
        after a reopen durable::sessions_wait_to_be_settled,
        SettlesOnReopening,
        "session: None"
    );
}
