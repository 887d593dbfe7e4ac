//! Keeps registration tokens, and redeems them.

use async_trait::async_trait;
use fieldgate_core::model::certificate::Certificate;
use fieldgate_core::model::device::Device;
use fieldgate_core::model::id::{OrganizationId, TokenId};
use fieldgate_core::model::limits::Limits;
use fieldgate_core::model::page::{Page, PageRequest};
use fieldgate_core::model::timestamp::Timestamp;
use fieldgate_core::model::token::{RegistrationToken, TokenState};
use fieldgate_core::storage::{Effects, Redemption, StorageError, TokenStore};

use crate::JournalStorage;

#[async_trait]
impl TokenStore for JournalStorage {
    async fn register_device(
        &self,
        device: &Device,
        token: &RegistrationToken,
        effects: &Effects,
    ) -> Result<(), StorageError> {
        self.change(self.memory().register_device(device, token, effects))
            .await
    }

    async fn create_token(
        &self,
        token: &RegistrationToken,
        effects: &Effects,
    ) -> Result<(), StorageError> {
        self.change(self.memory().create_token(token, effects))
            .await
    }

    async fn token(&self, id: TokenId) -> Result<Option<RegistrationToken>, StorageError> {
        self.look(self.memory().token(id)).await
    }

    async fn tokens(
        &self,
        organization: OrganizationId,
        states: &[TokenState],
        now: Timestamp,
        page: PageRequest<TokenId>,
    ) -> Result<Page<RegistrationToken>, StorageError> {
        self.look(self.memory().tokens(organization, states, now, page))
            .await
    }

    async fn revoke_token(
        &self,
        organization: OrganizationId,
        id: TokenId,
        now: Timestamp,
    ) -> Result<TokenState, StorageError> {
        self.change(self.memory().revoke_token(organization, id, now))
            .await
    }

    async fn consume_token(
        &self,
        organization: OrganizationId,
        id: TokenId,
        certificate: &Certificate,
        limits: &Limits,
        now: Timestamp,
    ) -> Result<Redemption, StorageError> {
        self.change(
            self.memory()
                .consume_token(organization, id, certificate, limits, now),
        )
        .await
    }
}
