//! Keeps registration tokens, and redeems them.

use std::fmt::Debug;

use async_trait::async_trait;

use crate::model::certificate::Certificate;
use crate::model::device::Device;
use crate::model::id::{OrganizationId, TokenId};
use crate::model::limits::Limits;
use crate::model::page::{Page, PageRequest};
use crate::model::timestamp::Timestamp;
use crate::model::token::{RegistrationToken, TokenState};
use crate::storage::{Effects, StorageError};

/// Keeps [`RegistrationToken`] records: hashes, never secrets.
///
/// # Contract
///
/// * One device has at most one open token; a new one revokes the older.
/// * Of any number of concurrent redemptions of a token exactly one is recorded.
#[async_trait]
pub trait TokenStore: Debug + Send + Sync + 'static {
    /// Adds a device together with its first token.
    ///
    /// # Errors
    ///
    /// As [`create_device`](crate::storage::DeviceStore::create_device).
    async fn register_device(
        &self,
        device: &Device,
        token: &RegistrationToken,
        effects: &Effects,
    ) -> Result<(), StorageError>;

    /// Adds a token for a device that is there, and revokes its open one at the new one's
    /// `created_at`.
    ///
    /// # Errors
    ///
    /// [`StorageError::NotFound`] for the device; [`StorageError::Taken`] for the id.
    async fn create_token(
        &self,
        token: &RegistrationToken,
        effects: &Effects,
    ) -> Result<(), StorageError>;

    /// Looks a token up: the first step of a provisioning, and a look-up that cannot name the
    /// organization. `None` also for the token of a deleted device.
    async fn token(&self, id: TokenId) -> Result<Option<RegistrationToken>, StorageError>;

    /// Lists the tokens of an organization that are in one of `states` at `now`, by id.
    async fn tokens(
        &self,
        organization: OrganizationId,
        states: &[TokenState],
        now: Timestamp,
        page: PageRequest<TokenId>,
    ) -> Result<Page<RegistrationToken>, StorageError>;

    /// Revokes an open token. A token that is no longer open is left as it is: the answer is the
    /// state that it was found in, [`TokenState::Pending`] if it was revoked by this call.
    ///
    /// # Errors
    ///
    /// [`StorageError::NotFound`].
    async fn revoke_token(
        &self,
        organization: OrganizationId,
        id: TokenId,
        now: Timestamp,
    ) -> Result<TokenState, StorageError>;

    /// Uses a token and records the certificate that was signed for it, both or neither.
    ///
    /// The checks, in this order, are made in the same atomic step: the token is there, its device
    /// too, and they are those that the certificate names ([`TokenRefused::Unknown`]); the token's state at `now`; the device is not
    /// INACTIVE; no other device's good, unexpired certificate holds the same public key, and no
    /// certificate with it was ever revoked for keyCompromise ([`TokenRefused::KeyInUse`],
    /// [`TokenRefused::KeyCompromised`]); the device was issued fewer than
    /// [`Limits::certificates_per_day`] certificates in the 24 hours before `now`
    /// ([`TokenRefused::CertificateLimit`]).
    ///
    /// The recorded certificate has the device's next `issue_sequence`, whatever `certificate`
    /// says, and becomes the device's newest. A good certificate of the device that was never used
    /// turns superseded; one that was used stays good until the new one is used.
    ///
    /// # Errors
    ///
    /// [`StorageError::Taken`] for the serial number: among those of the issuer, and those of the
    /// device whoever has issued them, as that is how a certificate is looked up.
    async fn consume_token(
        &self,
        organization: OrganizationId,
        id: TokenId,
        certificate: &Certificate,
        limits: &Limits,
        now: Timestamp,
    ) -> Result<Redemption, StorageError>;
}

/// What became of a redemption.
#[derive(Clone, Debug, PartialEq)]
#[expect(
    clippy::large_enum_variant,
    reason = "made once per provisioning, and moved once"
)]
pub enum Redemption {
    /// The token is used, the certificate on record; here as it was recorded.
    Recorded(Certificate),
    /// Nothing has changed.
    Refused(TokenRefused),
}

/// Why a token was not redeemed.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum TokenRefused {
    /// The device was issued as many certificates as it may be in a day.
    CertificateLimit {
        /// When the oldest of them is a day old.
        retry_at: Timestamp,
    },
    /// The device is INACTIVE.
    DeviceInactive,
    /// The token has expired.
    Expired,
    /// The key was revoked because somebody else may know it.
    KeyCompromised,
    /// Another device's certificate holds the key.
    KeyInUse,
    /// The token was revoked.
    Revoked,
    /// There is no such token, its device is gone, or the certificate names another one.
    Unknown,
    /// The token was used.
    Used,
}
