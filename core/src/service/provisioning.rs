//! Provisioning: a device redeems its token for a certificate.
//!
//! The order is that of trust: the secret, the token's state, the request, the signature, the
//! record; only then the answer. A certificate that left the server is always on record, and a
//! crash at any point leaves an unused token or a recorded certificate.

use std::time::Duration;

use crate::error::{Error, InvalidField, Result};
use crate::model::certificate::{Certificate, CertificateFate};
use crate::model::csr::PublicKey;
use crate::model::presence::DeviceStatus;
use crate::model::secret::SecretHash;
use crate::model::serial::SerialNumber;
use crate::model::timestamp::Timestamp;
use crate::model::token::{RegistrationToken, TokenFate, TokenState, TokenText};
use crate::service::{Addresses, service};
use crate::storage::{Redemption, StorageError, TokenRefused};

service! {
    /// Provisioning devices.
    Provisioning
}

/// What a provisioned device is told.
#[derive(Clone, Debug, PartialEq)]
pub struct Provisioned {
    /// Its certificate, on record.
    pub certificate: Certificate,
    /// The issuing CA's certificate and the root's, in PEM.
    pub ca_chain_pem: String,
    /// The server's clock.
    pub server_time: Timestamp,
    /// Where to connect to.
    pub addresses: Addresses,
}

impl Provisioning {
    /// Redeems a token for a certificate over the key of a certificate signing request.
    ///
    /// `csr` is PKCS #10 in PEM or base64 DER. Only its public key is taken.
    ///
    /// # Errors
    ///
    /// [`Error::Unauthorized`] with `token_invalid`, in the same time for all who lack the secret;
    /// [`Error::Conflict`] with `token_used` or `device_inactive`; [`Error::Gone`] with
    /// `token_expired` or `token_revoked`; [`Error::Invalid`] with `csr_invalid`,
    /// `csr_key_in_use` or `csr_key_compromised`; [`Error::LimitReached`] with
    /// `certificate_limit`. The token stays as it was in all of these.
    pub async fn provision(&self, token: &str, csr: &str) -> Result<Provisioned> {
        let token = self.proven_token(token).await?;
        let now = self.parts.now();
        if let Some(refused) = refusal_by_state(token.state(now)) {
            if let Some(certificate) = self.retried(&token, csr, now).await? {
                return Ok(self.answer(certificate));
            }
            return Err(refusal(refused, now));
        }
        let storage = &self.parts.storage;
        let organization = token.organization_id;
        let Some(device) = storage.device(organization, token.device_id).await? else {
            return Err(token_invalid());
        };
        if device.presence.status() == DeviceStatus::Inactive {
            return Err(refusal(TokenRefused::DeviceInactive, now));
        }
        let key = self.parse_csr(csr)?;
        let signed = self.parts.ca.issue(organization, device.id, &key);
        let certificate = signed?;
        let limits = &self.parts.limits;
        let redeemed = storage
            .consume_token(organization, token.id, &certificate, limits, now)
            .await;
        let redeemed = match redeemed {
            Err(error @ StorageError::Unavailable { .. }) => {
                let recorded = self.recorded_after_all(&token, &certificate).await;
                Redemption::Recorded(recorded.ok_or(error)?)
            }
            redeemed => redeemed?,
        };
        match redeemed {
            Redemption::Recorded(certificate) => {
                tracing::info!(
                    device = %certificate.device_id,
                    serial = %certificate.serial_number,
                    key = %key.kind(),
                    "device provisioned"
                );
                Ok(self.answer(certificate))
            }
            // A twin of this request may have been faster, and its answer is still good for both.
            Redemption::Refused(TokenRefused::Used) => match storage.token(token.id).await? {
                Some(used) => match self.retried(&used, csr, now).await? {
                    Some(certificate) => Ok(self.answer(certificate)),
                    None => Err(refusal(TokenRefused::Used, now)),
                },
                None => Err(token_invalid()),
            },
            Redemption::Refused(refused) => Err(refusal(refused, now)),
        }
    }

    /// The certificate, if the storage has recorded it and failed to say so: the device would have
    /// lost its token for nothing.
    async fn recorded_after_all(
        &self,
        token: &RegistrationToken,
        signed: &Certificate,
    ) -> Option<Certificate> {
        let (storage, organization) = (&self.parts.storage, token.organization_id);
        let serial = &signed.serial_number;
        for pause in LOOK_AGAIN {
            tokio::time::sleep(pause).await;
            let recorded = match storage.token(token.id).await {
                Ok(Some(token)) if is_used_for(&token, serial) => {
                    storage
                        .certificate(organization, signed.device_id, serial)
                        .await
                }
                Ok(_) => return None,
                Err(error) => Err(error),
            };
            if let Ok(recorded) = recorded {
                return recorded.filter(|certificate| certificate.fate == CertificateFate::Good);
            }
        }
        None
    }

    /// The token, if its secret is proven.
    async fn proven_token(&self, text: &str) -> Result<RegistrationToken> {
        let Some(shown) = TokenText::parse(text) else {
            return Err(token_invalid());
        };
        let found = self.parts.storage.token(shown.id).await?;
        // An unknown id costs the same comparison as a wrong secret.
        let hash = found.as_ref().map_or(NO_SECRET, |token| token.secret_hash);
        let proven = hash.matches(&shown.secret);
        found.filter(|_| proven).ok_or_else(token_invalid)
    }

    /// The certificate of a used token whose answer was lost, where the host allows that.
    async fn retried(
        &self,
        token: &RegistrationToken,
        csr: &str,
        now: Timestamp,
    ) -> Result<Option<Certificate>> {
        let (Some(window), TokenFate::Used { at, serial_number }) =
            (self.parts.provision_retry_window, &token.fate)
        else {
            return Ok(None);
        };
        let storage = &self.parts.storage;
        let organization = token.organization_id;
        let device = storage.device(organization, token.device_id).await?;
        let waiting =
            device.is_some_and(|device| device.presence.status() == DeviceStatus::Pending);
        if !waiting || now.since(*at) > window {
            return Ok(None);
        }
        let key = self.parse_csr(csr)?;
        let recorded = storage
            .certificate(organization, token.device_id, serial_number)
            .await?;
        Ok(recorded.filter(|certificate| {
            certificate.fate == CertificateFate::Good
                && certificate.public_key_sha256 == key.sha256()
        }))
    }

    fn parse_csr(&self, csr: &str) -> Result<PublicKey> {
        self.parts.ca.parse_csr(csr).map_err(|invalid| {
            let detail = invalid.to_string();
            csr_refused("csr_invalid", detail)
        })
    }

    fn answer(&self, certificate: Certificate) -> Provisioned {
        Provisioned {
            certificate,
            ca_chain_pem: self.parts.ca.chain_pem().to_owned(),
            server_time: self.parts.now(),
            addresses: self.parts.addresses.clone(),
        }
    }
}

fn is_used_for(token: &RegistrationToken, serial: &SerialNumber) -> bool {
    matches!(&token.fate, TokenFate::Used { serial_number, .. } if serial_number == serial)
}

const fn refusal_by_state(state: TokenState) -> Option<TokenRefused> {
    match state {
        TokenState::Pending => None,
        TokenState::Expired => Some(TokenRefused::Expired),
        TokenState::Revoked => Some(TokenRefused::Revoked),
        TokenState::Used => Some(TokenRefused::Used),
    }
}

fn refusal(refused: TokenRefused, now: Timestamp) -> Error {
    let gone = |code, detail: &str| Error::Gone {
        code,
        detail: detail.to_owned(),
    };
    match refused {
        TokenRefused::CertificateLimit { retry_at } => Error::LimitReached {
            code: "certificate_limit",
            detail: "the device was issued as many certificates as it may be in a day".to_owned(),
            retry_after: retry_at.since(now),
        },
        TokenRefused::DeviceInactive => Error::conflict(
            "device_inactive",
            "the device is INACTIVE: an operator has to set it ACTIVE first",
        ),
        TokenRefused::Expired => gone(
            "token_expired",
            "the token has expired: ask an operator for a new one",
        ),
        TokenRefused::KeyCompromised => csr_refused(
            "csr_key_compromised",
            "this key was revoked because it may be known to others: make a new one".to_owned(),
        ),
        TokenRefused::KeyInUse => csr_refused(
            "csr_key_in_use",
            "another device's certificate holds this key: every device makes its own".to_owned(),
        ),
        TokenRefused::Revoked => gone(
            "token_revoked",
            "the token was revoked: ask an operator for a new one",
        ),
        TokenRefused::Unknown => token_invalid(),
        TokenRefused::Used => Error::conflict(
            "token_used",
            "the token has been used: ask an operator for a new one for the same device",
        ),
    }
}

fn csr_refused(code: &'static str, detail: String) -> Error {
    Error::Invalid {
        code,
        detail: detail.clone(),
        fields: vec![InvalidField {
            pointer: "/csr".to_owned(),
            detail,
        }],
    }
}

fn token_invalid() -> Error {
    Error::Unauthorized {
        code: "token_invalid",
        detail: "the registration token is not valid".to_owned(),
    }
}

/// No secret has this hash, as far as anybody knows.
const NO_SECRET: SecretHash = SecretHash::from_bytes([0; 32]);

/// How long to wait before each look for a certificate whose record was not confirmed: a database
/// that has failed over is there again after seconds.
const LOOK_AGAIN: [Duration; 4] = [
    Duration::ZERO,
    Duration::from_millis(500),
    Duration::from_secs(1),
    Duration::from_secs(2),
];
