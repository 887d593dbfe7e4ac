//! The assembled system, and the builder by which a host assembles it from parts.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use crate::ca::key_store::KeyStore;
use crate::ca::policy::CertificatePolicy;
use crate::ca::signer::Signer;
use crate::ca::{CertificateAuthority, OpenCaError};
use crate::clock::{Clock, SystemClock};
use crate::model::certificate::Issuer;
use crate::model::limits::Limits;
use crate::model::presence::NodeId;
use crate::random::{Random, SystemRandom};
use crate::service::receipts::Receipts;
use crate::service::sessions::Sessions;
use crate::service::{
    Addresses, ApiKeys, Certificates, Components, Devices, Gateway, Groups, Health, Maintenance,
    Organizations, Parts, Provisioning, Quarantine, Readings, Registration, Retention, Sensors,
    Sites,
};
use crate::storage::{ServerProof, Storage, StorageError};
use crate::transport::{LoopbackTransport, Transport};

/// An assembled system: gives out the services. A clone is another handle to it.
#[derive(Clone, Debug)]
pub struct Fieldgate {
    parts: Arc<Parts>,
}

macro_rules! services {
    ($($(#[$doc:meta])* $method:ident: $service:ident),+ $(,)?) => {
        impl Fieldgate {$(
            $(#[$doc])*
            #[must_use]
            pub fn $method(&self) -> $service {
                $service::new(Arc::clone(&self.parts))
            }
        )+}
    };
}

services! {
    /// API keys.
    api_keys: ApiKeys,
    /// Certificates, the chain, the CRL.
    certificates: Certificates,
    /// Components.
    components: Components,
    /// Devices.
    devices: Devices,
    /// The inbox of transports.
    gateway: Gateway,
    /// Device groups.
    groups: Groups,
    /// Health reports.
    health: Health,
    /// Background work.
    maintenance: Maintenance,
    /// Organizations.
    organizations: Organizations,
    /// Provisioning.
    provisioning: Provisioning,
    /// The quarantine.
    quarantine: Quarantine,
    /// Readings.
    readings: Readings,
    /// Registration tokens.
    registration: Registration,
    /// Sensors.
    sensors: Sensors,
    /// Sites.
    sites: Sites,
}

impl Fieldgate {
    /// Begins to assemble a system.
    #[must_use]
    pub fn builder() -> FieldgateBuilder {
        FieldgateBuilder::default()
    }

    /// The CA, for the TLS configuration of listeners.
    #[must_use]
    pub fn ca(&self) -> &CertificateAuthority {
        &self.parts.ca
    }

    /// The clock that all parts go by.
    #[must_use]
    pub fn clock(&self) -> &Arc<dyn Clock> {
        &self.parts.clock
    }
}

/// Assembles a [`Fieldgate`] from parts. `storage`, `addresses`, and `key_store` or `signer` are
/// needed.
#[derive(Debug, Default)]
pub struct FieldgateBuilder {
    storage: Option<Arc<dyn Storage>>,
    ca_keys: Option<CaKeys>,
    transport: Option<Arc<dyn Transport>>,
    clock: Option<Arc<dyn Clock>>,
    random: Option<Arc<dyn Random>>,
    limits: Limits,
    retention: Retention,
    certificate_policy: CertificatePolicy,
    addresses: Option<Addresses>,
    provision_retry_window: Option<Duration>,
    node: Option<NodeId>,
}

impl FieldgateBuilder {
    /// Where everything but keys is kept.
    #[must_use]
    pub fn storage(mut self, storage: Arc<dyn Storage>) -> Self {
        self.storage = Some(storage);
        self
    }

    /// Where the CA's keys are kept; they are made there on the first start.
    #[must_use]
    pub fn key_store(mut self, key_store: Arc<dyn KeyStore>) -> Self {
        self.ca_keys = Some(CaKeys::Kept(key_store));
        self
    }

    /// What signs for a CA that is there already, instead of a key store: the issuing key stays in
    /// hardware, for example. `chain_pem` is the certificate of the issuing CA, then that of the
    /// root.
    #[must_use]
    pub fn signer(mut self, signer: Arc<dyn Signer>, chain_pem: impl Into<String>) -> Self {
        self.ca_keys = Some(CaKeys::Elsewhere(signer, chain_pem.into()));
        self
    }

    /// What carries messages to and from devices; a [`LoopbackTransport`] by default.
    #[must_use]
    pub fn transport(mut self, transport: Arc<dyn Transport>) -> Self {
        self.transport = Some(transport);
        self
    }

    /// The clock; the machine's by default.
    #[must_use]
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = Some(clock);
        self
    }

    /// The source of random octets; the operating system's by default.
    #[must_use]
    pub fn random(mut self, random: Arc<dyn Random>) -> Self {
        self.random = Some(random);
        self
    }

    /// How much of everything a device may have.
    #[must_use]
    pub fn limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// How long data is kept.
    #[must_use]
    pub fn retention(mut self, retention: Retention) -> Self {
        self.retention = retention;
        self
    }

    /// What a device's certificate says.
    #[must_use]
    pub fn certificate_policy(mut self, policy: CertificatePolicy) -> Self {
        self.certificate_policy = policy;
        self
    }

    /// Where devices reach the system.
    #[must_use]
    pub fn addresses(mut self, addresses: Addresses) -> Self {
        self.addresses = Some(addresses);
        self
    }

    /// Lets a device whose answer was lost repeat its provisioning for so long: with the same
    /// token and key it gets the same certificate, until its first session. Off by default.
    #[must_use]
    pub const fn provision_retry_window(mut self, window: Duration) -> Self {
        self.provision_retry_window = Some(window);
        self
    }

    /// The name of this server among those on the storage; `main` by default.
    #[must_use]
    pub fn node(mut self, node: NodeId) -> Self {
        self.node = Some(node);
        self
    }

    /// Assembles the system: opens the CA (and makes it on the first start), and settles the
    /// sessions that an earlier run of this node left open.
    ///
    /// # Errors
    ///
    /// [`BuildError`].
    pub async fn build(self) -> Result<Fieldgate, BuildError> {
        let storage = self.storage.ok_or(BuildError::Missing("storage"))?;
        let ca_keys = self.ca_keys.ok_or(BuildError::Missing("key_store"))?;
        let addresses = self.addresses.ok_or(BuildError::Missing("addresses"))?;
        let clock = self.clock.unwrap_or_else(|| Arc::new(SystemClock));
        let random = self.random.unwrap_or_else(|| Arc::new(SystemRandom));
        let node = self.node.unwrap_or_else(NodeId::main);

        let known = storage.issuers().await?;
        let parts = (Arc::clone(&clock), Arc::clone(&random));
        let ca = ca_keys.open(self.certificate_policy, parts, &known).await?;
        let issuer = ca.issuer();
        if !known.iter().any(|known| known.key_id == issuer.key_id) {
            storage.create_issuer(ServerProof::vouch(), issuer).await?;
        }
        settle(&*storage, &node, &*clock).await?;

        let transport = self
            .transport
            .unwrap_or_else(|| Arc::new(LoopbackTransport::new(Arc::clone(&clock))));
        Ok(Fieldgate {
            parts: Arc::new(Parts {
                storage,
                transport,
                ca,
                clock,
                random,
                limits: self.limits,
                retention: self.retention,
                addresses,
                provision_retry_window: self.provision_retry_window,
                node,
                sessions: Sessions::default(),
                seen: Mutex::new(HashMap::new()),
                receipts: Receipts::default(),
                used_keys: Mutex::new(HashMap::new()),
                key_removal: tokio::sync::Mutex::default(),
                crl: tokio::sync::Mutex::default(),
            }),
        })
    }
}

/// Where the CA's keys are.
#[derive(Debug)]
enum CaKeys {
    /// In a key store.
    Kept(Arc<dyn KeyStore>),
    /// In a signer, with the chain in PEM.
    Elsewhere(Arc<dyn Signer>, String),
}

impl CaKeys {
    async fn open(
        self,
        policy: CertificatePolicy,
        (clock, random): (Arc<dyn Clock>, Arc<dyn Random>),
        known: &[Issuer],
    ) -> Result<CertificateAuthority, OpenCaError> {
        match self {
            Self::Kept(key_store) => {
                CertificateAuthority::open(key_store, policy, clock, random, known).await
            }
            Self::Elsewhere(signer, chain) => {
                CertificateAuthority::with_signer(signer, &chain, policy, clock, random, known)
            }
        }
    }
}

/// Closes what an earlier run left open, so that nobody shows online who is not.
async fn settle(
    storage: &dyn Storage,
    node: &NodeId,
    clock: &dyn Clock,
) -> Result<(), StorageError> {
    let server = ServerProof::vouch();
    let mut settled = 0;
    loop {
        let now = clock.now();
        let step = storage
            .settle_sessions(server, node, now, SETTLE_STEP)
            .await?;
        settled += step;
        if step == 0 {
            break;
        }
    }
    if settled > 0 {
        tracing::info!(settled, "sessions of an earlier run settled");
    }
    Ok(())
}

/// Why a system could not be assembled.
#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    /// The CA could not be opened.
    #[error("the CA could not be opened")]
    Ca(#[from] OpenCaError),
    /// A part is missing.
    #[error("a Fieldgate needs `{0}`: call that method of the builder")]
    Missing(&'static str),
    /// The storage failed.
    #[error("the storage failed")]
    Storage(#[from] StorageError),
}

const SETTLE_STEP: usize = 1000;
