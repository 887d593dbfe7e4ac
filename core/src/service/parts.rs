//! What every service works with.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use crate::ca::CertificateAuthority;
use crate::clock::Clock;
use crate::error::Result;
use crate::model::api_key::KeyOwner;
use crate::model::id::{ApiKeyId, DeviceId};
use crate::model::ingestion::IdSeed;
use crate::model::limits::Limits;
use crate::model::presence::NodeId;
use crate::model::timestamp::Timestamp;
use crate::random::{Random, random_array};
use crate::service::Retention;
use crate::service::certificates::CrlState;
use crate::service::receipts::Receipts;
use crate::service::sessions::Sessions;
use crate::storage::{Seen, Storage};
use crate::transport::Transport;

/// The parts of an assembled system.
#[derive(Debug)]
pub(crate) struct Parts {
    pub(crate) storage: Arc<dyn Storage>,
    pub(crate) transport: Arc<dyn Transport>,
    pub(crate) ca: CertificateAuthority,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) random: Arc<dyn Random>,
    pub(crate) limits: Limits,
    pub(crate) retention: Retention,
    pub(crate) addresses: Addresses,
    pub(crate) provision_retry_window: Option<Duration>,
    pub(crate) node: NodeId,
    pub(crate) sessions: Sessions,
    /// When devices were last heard of, until it is written down.
    pub(crate) seen: Mutex<HashMap<DeviceId, Seen>>,
    /// The last time of receipt that readings without a timestamp were given.
    pub(crate) receipts: Receipts,
    /// When keys were last used, until it is written down.
    pub(crate) used_keys: Mutex<HashMap<ApiKeyId, (KeyOwner, Timestamp)>>,
    /// Held while a key that manages keys is taken away, so that no two of them go for each other.
    pub(crate) key_removal: tokio::sync::Mutex<()>,
    /// Held while a CRL is made, so that numbers and contents go up together.
    pub(crate) crl: tokio::sync::Mutex<CrlState>,
}

/// Where devices reach the system; they are told so.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Addresses {
    /// The URL of the provisioning endpoint.
    pub provision_endpoint: String,
    /// The name of the device endpoint's host.
    pub mqtt_host: String,
    /// Its port.
    pub mqtt_port: u16,
}

impl Parts {
    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Random octets for a new id.
    pub(crate) fn id_octets(&self) -> Result<[u8; 10]> {
        Ok(random_array(&*self.random)?)
    }

    pub(crate) fn id_seed(&self) -> Result<IdSeed> {
        Ok(IdSeed::from_random(self.id_octets()?))
    }
}
