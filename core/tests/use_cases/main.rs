//! The use-cases, assembled as a host assembles them, on the in-memory storage.

#![expect(clippy::unwrap_used, reason = "a test that cannot begin fails")]

mod api_keys;
mod idempotency;
mod presence;
mod provisioning;
mod registration;
mod reports;
mod signing;

use std::sync::Arc;
use std::time::Duration;

use fieldgate_core::ca::identity::CertificateIdentity;
use fieldgate_core::ca::key_store::MemoryKeyStore;
use fieldgate_core::model::device::DeviceSettings;
use fieldgate_core::model::id::{DeviceId, OrganizationId};
use fieldgate_core::model::presence::DeviceStatus;
use fieldgate_core::model::token::TokenLife;
use fieldgate_core::service::{Addresses, Provisioned};
use fieldgate_core::storage::{MemoryStorage, ServerProof};
use fieldgate_core::testing::{ManualClock, SequenceRandom};
use fieldgate_core::transport::{Inbox, LoopbackSession, LoopbackTransport};
use fieldgate_core::{Fieldgate, FieldgateBuilder};
use rcgen::{CertificateParams, KeyPair};

/// An assembled system with one organization, and a clock that stands still.
struct System {
    fieldgate: Fieldgate,
    clock: Arc<ManualClock>,
    transport: LoopbackTransport,
    organization: OrganizationId,
}

impl System {
    async fn new() -> Self {
        Self::with(|builder| builder).await
    }

    async fn with(configure: impl FnOnce(FieldgateBuilder) -> FieldgateBuilder) -> Self {
        let clock = Arc::new(ManualClock::new("2026-06-15T12:00:00Z".parse().unwrap()));
        let transport = LoopbackTransport::new(Arc::clone(&clock) as _);
        let builder = Fieldgate::builder()
            .storage(Arc::new(MemoryStorage::default()))
            .key_store(Arc::new(MemoryKeyStore::default()))
            .transport(Arc::new(transport.clone()))
            .clock(Arc::clone(&clock) as _)
            .random(Arc::new(SequenceRandom::default()))
            .addresses(Addresses {
                provision_endpoint: "https://localhost/api/v1/devices/provision".to_owned(),
                mqtt_host: "localhost".to_owned(),
                mqtt_port: 8883,
            });
        let fieldgate = configure(builder).build().await.unwrap();
        let (slug, name) = ("acme".parse().unwrap(), "Acme".parse().unwrap());
        let created = fieldgate
            .organizations()
            .create(ServerProof::vouch(), slug, name, None)
            .await
            .unwrap();
        Self {
            fieldgate,
            clock,
            transport,
            organization: created.organization.id,
        }
    }

    /// Registers a device; its id and its token.
    async fn register(&self, name: &str) -> (DeviceId, String) {
        let settings = DeviceSettings::named(name.parse().unwrap());
        let registered = self
            .fieldgate
            .registration()
            .register(self.organization, settings, TokenLife::default(), None)
            .await
            .unwrap();
        let token = registered.text.unwrap().to_string();
        (registered.token.device_id, token)
    }

    /// Another token for a device that is there.
    async fn mint(&self, device: DeviceId) -> String {
        let life = TokenLife::default();
        let minted = self
            .fieldgate
            .registration()
            .mint(self.organization, device, None, life, None)
            .await
            .unwrap();
        minted.text.unwrap().to_string()
    }

    /// Registers and provisions a device.
    async fn provisioned(&self, name: &str) -> (DeviceId, Provisioned) {
        let (device, token) = self.register(name).await;
        let provisioning = self.fieldgate.provisioning();
        (
            device,
            provisioning.provision(&token, &csr()).await.unwrap(),
        )
    }

    async fn connect(&self, provisioned: &Provisioned) -> LoopbackSession {
        let inbox: Arc<dyn Inbox> = Arc::new(self.fieldgate.gateway());
        let identity = identity(provisioned);
        let opened = self.transport.connect(inbox, &identity).await.unwrap();
        opened.unwrap()
    }

    async fn state(&self, device: DeviceId) -> (DeviceStatus, bool) {
        let devices = self.fieldgate.devices();
        let device = devices.device(self.organization, device).await.unwrap();
        (device.presence.status(), device.presence.online())
    }

    fn advance(&self, secs: u64) {
        self.clock.advance(Duration::from_secs(secs));
    }
}

/// A certificate signing request over a new key.
fn csr() -> String {
    csr_of(&KeyPair::generate().unwrap())
}

fn csr_of(key: &KeyPair) -> String {
    let params = CertificateParams::default();
    params.serialize_request(key).unwrap().pem().unwrap()
}

/// What a transport reads from the certificate.
fn identity(provisioned: &Provisioned) -> CertificateIdentity {
    let certificate = &provisioned.certificate;
    CertificateIdentity {
        organization_id: certificate.organization_id,
        device_id: certificate.device_id,
        serial_number: certificate.serial_number.clone(),
        not_after: certificate.not_after,
    }
}
