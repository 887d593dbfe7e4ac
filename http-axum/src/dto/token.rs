//! Registration and its tokens in JSON.

use std::str::FromStr;

use fieldgate_core::Error;
use fieldgate_core::model::Invalid;
use fieldgate_core::model::certificate::Sha256Digest;
use fieldgate_core::model::device::DeviceSettings;
use fieldgate_core::model::id::DeviceId;
use fieldgate_core::model::text::Name;
use fieldgate_core::model::token as model;
use fieldgate_core::service::{Addresses, Registered};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::dto::device::CreateDevice;
use crate::dto::enums::TokenState;
use crate::dto::page::page;
use crate::dto::{Check, Location, Metadata};
use crate::extract::{FromQuery, QueryPairs};
use crate::problem::Problem;

/// A registration token, without its secret.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct RegistrationToken {
    /// Its identifier.
    #[schema(format = "uuid")]
    id: String,
    /// The one device that it provisions.
    #[schema(format = "uuid")]
    device_id: String,
    /// The device's name when the token was minted.
    #[schema(example = "greenhouse-7")]
    device_name: String,
    /// When it was minted.
    #[schema(format = "date-time")]
    created_at: String,
    /// From when on it is worth nothing.
    #[schema(format = "date-time")]
    expires_at: String,
    /// What has become of it.
    state: TokenState,
}

impl From<(model::RegistrationToken, model::TokenState)> for RegistrationToken {
    fn from((token, state): (model::RegistrationToken, model::TokenState)) -> Self {
        Self {
            id: token.id.to_string(),
            device_id: token.device_id.to_string(),
            device_name: token.device_name.to_string(),
            created_at: token.created_at.to_string(),
            expires_at: token.expires_at.to_string(),
            state: state.into(),
        }
    }
}

page! {
    /// A page of registration tokens.
    RegistrationTokenPage of RegistrationToken
}

/// Which tokens a list holds.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct TokenQuery {
    /// In one of these states; PENDING if absent.
    #[param(value_type = Vec<TokenState>)]
    state: Vec<StateText>,
}

impl TokenQuery {
    /// The states.
    pub(crate) fn states(&self) -> Vec<model::TokenState> {
        if self.state.is_empty() {
            return vec![model::TokenState::Pending];
        }
        self.state.iter().map(|state| state.0).collect()
    }
}

impl FromQuery for TokenQuery {
    fn from_query(query: &mut QueryPairs) -> Result<Self, Problem> {
        let state = query.all("state")?;
        Ok(Self { state })
    }
}

#[derive(Clone, Copy, Debug)]
struct StateText(model::TokenState);

impl FromStr for StateText {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        let known = TokenState::ALL.iter();
        known
            .copied()
            .find(|state| state.to_string() == text)
            .map(Self)
            .ok_or_else(|| Invalid::new("a state is one of PENDING, USED, REVOKED and EXPIRED"))
    }
}

/// A device to be registered, or to be given a new token.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(crate) struct RegisterDevice {
    /// The device's name; unique in the organization. Needed unless `deviceId` is there.
    #[schema(min_length = 1, max_length = 128, example = "greenhouse-7")]
    device_name: Option<String>,
    /// The site that it belongs to.
    #[schema(format = "uuid")]
    site_id: Option<String>,
    /// Its tags.
    #[schema(max_items = 64)]
    tags: Option<Vec<String>>,
    /// Where it is.
    location: Option<Location>,
    /// Anything else.
    metadata: Option<Metadata>,
    /// What type of device it is: `name@major.minor`.
    #[schema(example = "greenhouse@1.0")]
    profile: Option<String>,
    /// Mints a new token for this device instead of registering one. Beside it only
    /// `expiresInSeconds` and the device's own name may stand.
    #[schema(format = "uuid")]
    device_id: Option<String>,
    /// How long the token lives; a day if absent.
    #[schema(minimum = 60, maximum = 2_592_000, default = 86_400)]
    expires_in_seconds: Option<u64>,
}

/// What a registration is about.
#[derive(Debug)]
pub(crate) enum Registration {
    /// A new device.
    New(DeviceSettings),
    /// A device that is there, and the name that was given with it.
    Known(DeviceId, Option<Name>),
}

impl RegisterDevice {
    /// Whether it is about a device that is there.
    pub(crate) const fn names_device(&self) -> bool {
        self.device_id.is_some()
    }

    /// What it is about, and how long the token lives.
    pub(crate) fn parse(self) -> Result<(Registration, model::TokenLife), Error> {
        let mut check = Check::default();
        let life = match self.expires_in_seconds {
            None => Some(model::TokenLife::default()),
            Some(secs) => check.take("/expiresInSeconds", model::TokenLife::from_secs(secs)),
        };
        let registration = match &self.device_id {
            Some(id) => self.known(&mut check, id),
            None => self.new_device(&mut check),
        };
        registration.zip(life).ok_or_else(|| check.into_error())
    }

    fn known(&self, check: &mut Check, id: &str) -> Option<Registration> {
        let mut excluded = false;
        for (pointer, is_there) in [
            ("/siteId", self.site_id.is_some()),
            ("/tags", self.tags.is_some()),
            ("/location", self.location.is_some()),
            ("/metadata", self.metadata.is_some()),
            ("/profile", self.profile.is_some()),
        ] {
            if is_there {
                excluded = true;
                let detail = "this cannot stand beside `deviceId`: change the device by PUT";
                check.fault(pointer, detail);
            }
        }
        let id = check.parse("/deviceId", id);
        let name = check.optional("/deviceName", self.device_name.as_ref());
        let known = Registration::Known(id?, name?);
        (!excluded).then_some(known)
    }

    fn new_device(self, check: &mut Check) -> Option<Registration> {
        let Some(name) = self.device_name else {
            check.fault(
                "/deviceName",
                "this field is needed unless `deviceId` is there",
            );
            return None;
        };
        let device = CreateDevice {
            name,
            location: self.location,
            tags: self.tags,
            metadata: self.metadata,
            site_id: self.site_id,
            profile: self.profile,
        };
        device.parse(check, "/deviceName").map(Registration::New)
    }
}

/// A token, and what the device needs beside it.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct MintedToken {
    /// The token's identifier.
    #[schema(format = "uuid")]
    token_id: String,
    /// The token itself, shown this once; null when the request is a repetition.
    #[schema(required = true, example = "fgt1.<tokenId>.<secret>")]
    token: Option<String>,
    /// The one device that it provisions.
    #[schema(format = "uuid")]
    device_id: String,
    /// The device's name.
    #[schema(example = "greenhouse-7")]
    device_name: String,
    /// Where the device redeems it.
    #[schema(example = "https://fieldgate.example:8443/api/v1/devices/provision")]
    provision_endpoint: String,
    /// The SHA-256 of the root certificate's DER, in lower-case hexadecimal: what the device
    /// checks before it trusts the server.
    ca_fingerprint_sha256: String,
    /// From when on the token is worth nothing.
    #[schema(format = "date-time")]
    expires_at: String,
}

impl MintedToken {
    /// The answer to a registration.
    pub(crate) fn new(
        registered: Registered,
        addresses: &Addresses,
        root_fingerprint: Sha256Digest,
    ) -> Self {
        let token = registered.token;
        Self {
            token_id: token.id.to_string(),
            token: registered.text.map(|text| text.as_str().to_owned()),
            device_id: token.device_id.to_string(),
            device_name: token.device_name.to_string(),
            provision_endpoint: addresses.provision_endpoint.clone(),
            ca_fingerprint_sha256: root_fingerprint.to_string(),
            expires_at: token.expires_at.to_string(),
        }
    }
}
