//! Registering devices: an operator names a device and gets a one-time token for it.

use crate::error::{Error, Result};
use crate::model::device::{Device, DeviceSettings};
use crate::model::id::{DeviceId, OrganizationId, TokenId};
use crate::model::page::{Page, PageRequest};
use crate::model::secret::{Secret, SecretText};
use crate::model::text::Name;
use crate::model::token::{RegistrationToken, TokenFate, TokenLife, TokenState, TokenText};
use crate::random::random_array;
use crate::service::idempotency::{lost_to_twin, resource_gone};
use crate::service::{Addresses, IdempotentRequest, service};
use crate::storage::StorageError;

service! {
    /// Registering devices, and their tokens.
    Registration
}

/// A minted token.
#[derive(Debug)]
pub struct Registered {
    /// The token as it is kept.
    pub token: RegistrationToken,
    /// Its text, shown this once; `None` in a replay.
    pub text: Option<SecretText>,
}

impl Registration {
    /// Names a device and mints its first token.
    ///
    /// # Errors
    ///
    /// [`Error::Conflict`] with `device_name_taken`; [`Error::Invalid`] for an unknown site.
    pub async fn register(
        &self,
        organization: OrganizationId,
        settings: DeviceSettings,
        life: TokenLife,
        request: Option<&IdempotentRequest>,
    ) -> Result<Registered> {
        if let Some(twin) = self.replayed(organization, request).await? {
            return Ok(twin);
        }
        let now = self.parts.now();
        let id = DeviceId::new(now, self.parts.id_octets()?);
        let device = Device::register(id, organization, settings, now);
        let registered = self.mint_token(&device, life)?;
        let effects = self.parts.effects(request, registered.token.id.as_uuid());
        let storage = &self.parts.storage;
        match storage
            .register_device(&device, &registered.token, &effects)
            .await
        {
            Err(error) if lost_to_twin(&error) => {
                let twin = self.replayed(organization, request).await?;
                twin.ok_or_else(|| error.into())
            }
            created => Ok(created.map(|()| registered)?),
        }
    }

    /// Mints a token for a device that is there, and revokes its open one. The device's status
    /// stays as it is.
    ///
    /// # Errors
    ///
    /// [`Error::Invalid`] for an unknown device, or where `name` is not the device's.
    pub async fn mint(
        &self,
        organization: OrganizationId,
        device: DeviceId,
        name: Option<&Name>,
        life: TokenLife,
        request: Option<&IdempotentRequest>,
    ) -> Result<Registered> {
        if let Some(twin) = self.replayed(organization, request).await? {
            return Ok(twin);
        }
        let unknown = || Error::invalid_field("/deviceId", "there is no such device");
        let storage = &self.parts.storage;
        let device = storage
            .device(organization, device)
            .await?
            .ok_or_else(unknown)?;
        if name.is_some_and(|name| *name != device.settings.name) {
            return Err(Error::invalid_field(
                "/deviceName",
                "the device has another name: leave it out beside `deviceId`, or name it as it is",
            ));
        }
        let registered = self.mint_token(&device, life)?;
        let effects = self.parts.effects(request, registered.token.id.as_uuid());
        match storage.create_token(&registered.token, &effects).await {
            Err(error) if lost_to_twin(&error) => {
                let twin = self.replayed(organization, request).await?;
                twin.ok_or_else(|| error.into())
            }
            // It was there, and was deleted meanwhile.
            Err(StorageError::NotFound { .. }) => Err(unknown()),
            created => Ok(created.map(|()| registered)?),
        }
    }

    /// Lists the tokens that are in one of `states`, by id.
    ///
    /// # Errors
    ///
    /// As [`Error`] says in general.
    pub async fn list(
        &self,
        organization: OrganizationId,
        states: &[TokenState],
        page: PageRequest<TokenId>,
    ) -> Result<Page<(RegistrationToken, TokenState)>> {
        let now = self.parts.now();
        let storage = &self.parts.storage;
        let page = storage.tokens(organization, states, now, page).await?;
        let items = page.items.into_iter().map(|token| {
            let state = token.state(now);
            (token, state)
        });
        Ok(Page {
            items: items.collect(),
            more: page.more,
        })
    }

    /// Revokes a token.
    ///
    /// # Errors
    ///
    /// [`Error::NotFound`], also where it was revoked before or has expired; [`Error::Conflict`]
    /// with `token_used`.
    pub async fn revoke(&self, organization: OrganizationId, id: TokenId) -> Result<()> {
        let now = self.parts.now();
        match self
            .parts
            .storage
            .revoke_token(organization, id, now)
            .await?
        {
            TokenState::Pending => Ok(()),
            TokenState::Used => Err(Error::conflict(
                "token_used",
                "the token has been used: it is worth nothing any more",
            )),
            TokenState::Expired | TokenState::Revoked => Err(Error::NotFound { what: "token" }),
        }
    }

    /// Where devices reach the system.
    #[must_use]
    pub fn addresses(&self) -> &Addresses {
        &self.parts.addresses
    }

    fn mint_token(&self, device: &Device, life: TokenLife) -> Result<Registered> {
        let now = self.parts.now();
        let id = TokenId::new(now, self.parts.id_octets()?);
        let secret = Secret::from_random(random_array(&*self.parts.random)?);
        let token = RegistrationToken {
            id,
            organization_id: device.organization_id,
            device_id: device.id,
            device_name: device.settings.name.clone(),
            created_at: now,
            expires_at: now.plus(life.as_duration()),
            secret_hash: secret.hash(),
            fate: TokenFate::Open,
        };
        let text = TokenText { id, secret }.expose();
        Ok(Registered {
            token,
            text: Some(text),
        })
    }

    async fn replayed(
        &self,
        organization: OrganizationId,
        request: Option<&IdempotentRequest>,
    ) -> Result<Option<Registered>> {
        let Some(resource) = self.parts.replay(request).await? else {
            return Ok(None);
        };
        let found = self.parts.storage.token(TokenId::from_uuid(resource));
        let token = found
            .await?
            .filter(|token| token.organization_id == organization)
            .ok_or_else(resource_gone)?;
        Ok(Some(Registered { token, text: None }))
    }
}
