//! Faults of tokens and of what is issued for them.

use super::{Fault, FaultyStorage};
use crate::model::certificate::Certificate;
use crate::model::device::Device;
use crate::model::id::{OrganizationId, TokenId};
use crate::model::limits::Limits;
use crate::model::timestamp::Timestamp;
use crate::model::token::{RegistrationToken, TokenFate, TokenState};
use crate::storage::{
    DeviceStore, Effects, Redemption, StorageError, TokenRefused, TokenStore, Unique,
};
use crate::testing::clauses::assert_caught;
use crate::testing::storage::{
    StorageFixture, agreement, atomicity, concurrency, idempotency, isolation, redemption, token,
};

impl FaultyStorage {
    pub(super) async fn register_device(
        &self,
        device: &Device,
        token: &RegistrationToken,
        effects: &Effects,
    ) -> Result<(), StorageError> {
        match self.fault {
            Fault::ForgetsRequests => {
                let none = &Effects::NONE;
                self.inner.register_device(device, token, none).await
            }
            Fault::RegistersInSteps => {
                self.inner.create_device(device, effects).await?;
                // Time for others to look, and for the caller to go away.
                for _ in 0..3 {
                    tokio::task::yield_now().await;
                }
                self.inner.create_token(token, &Effects::NONE).await
            }
            _ => self.inner.register_device(device, token, effects).await,
        }
    }

    pub(super) async fn token(
        &self,
        id: TokenId,
    ) -> Result<Option<RegistrationToken>, StorageError> {
        let mut found = self.inner.token(id).await?;
        if let Some(token) = &mut found
            && self.has(Fault::ForgetsRevocations)
            && matches!(token.fate, TokenFate::Revoked { .. })
        {
            token.fate = TokenFate::Open;
        }
        Ok(found)
    }

    pub(super) async fn revoke_token(
        &self,
        organization: OrganizationId,
        id: TokenId,
        now: Timestamp,
    ) -> Result<TokenState, StorageError> {
        let found = self.inner.revoke_token(organization, id, now).await?;
        Ok(match self.fault {
            Fault::RevokesWhateverItIs => TokenState::Pending,
            _ => found,
        })
    }

    pub(super) async fn consume_token(
        &self,
        organization: OrganizationId,
        id: TokenId,
        certificate: &Certificate,
        limits: &Limits,
        now: Timestamp,
    ) -> Result<Redemption, StorageError> {
        let mut limits = limits.clone();
        if self.has(Fault::CountsNoCertificates) {
            limits.certificates_per_day = usize::MAX;
        }
        let owner = match self.inner.token(id).await? {
            Some(token) if self.has(Fault::RedeemsForAnybody) => token.organization_id,
            _ => organization,
        };
        let consumed = self
            .inner
            .consume_token(owner, id, certificate, &limits, now);
        let answer = consumed.await;
        let forged = Ok(Redemption::Recorded(certificate.clone()));
        match (self.fault, &answer) {
            (Fault::KeepsTheSequence, Ok(Redemption::Recorded(_)))
            | (Fault::RedeemsTwice, Ok(Redemption::Refused(TokenRefused::Used)))
            | (Fault::TakesSerialsTwice, Err(StorageError::Taken(Unique::CertificateSerial))) => {
                forged
            }
            _ => answer,
        }
    }
}

#[tokio::test]
async fn faults_of_registrations_are_caught() {
    assert_catches!(token::register_is_all_or_nothing, RegistersInSteps, "fan-1");
    assert_catches!(
        atomicity::a_registration_is_seen_as_a_whole,
        RegistersInSteps,
        "a device without its token"
    );
    assert_catches!(
        atomicity::a_dropped_call_is_whole_or_nothing,
        RegistersInSteps,
        "without its token"
    );
    assert_catches!(
        idempotency::every_change_brings_its_effects,
        ForgetsRequests,
        "right: Some(IdempotencyRecord"
    );
    assert_catches!(
        concurrency::one_request_of_a_key_is_carried_out,
        ForgetsRequests,
        "two have won"
    );
}

#[tokio::test]
async fn faults_of_tokens_are_caught() {
    assert_catches!(
        token::a_new_token_revokes_the_open_one,
        ForgetsRevocations,
        "fate: Open"
    );
    assert_catches!(
        agreement::a_redemption_and_a_revocation_agree,
        ForgetsRevocations,
        "left: Open"
    );
    assert_catches!(
        token::revoke_says_what_it_found,
        RevokesWhateverItIs,
        "right: Revoked"
    );
    assert_catches!(
        isolation::tokens,
        RedeemsForAnybody,
        "right: Refused(Unknown)"
    );
}

#[tokio::test]
async fn faults_of_redemptions_are_caught() {
    assert_catches!(
        redemption::a_used_token_is_refused,
        RedeemsTwice,
        "right: Refused(Used)"
    );
    assert_catches!(
        concurrency::one_redemption_of_a_token_wins,
        RedeemsTwice,
        "left: 64"
    );
    assert_catches!(
        redemption::an_unknown_token_is_refused,
        RedeemsForAnybody,
        "right: Refused(Unknown)"
    );
    assert_catches!(
        redemption::the_certificate_limit_holds,
        CountsNoCertificates,
        "right: Refused(CertificateLimit"
    );
    assert_catches!(
        redemption::a_taken_serial_number_changes_nothing,
        TakesSerialsTwice,
        "Ok(Recorded("
    );
    assert_catches!(
        redemption::it_records_all_of_it,
        KeepsTheSequence,
        "issue_sequence: 77"
    );
}
