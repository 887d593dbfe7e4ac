//! A system with two organizations that have one of everything.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use fieldgate_core::Fieldgate;
use fieldgate_core::ca::identity::CertificateIdentity;
use fieldgate_core::ca::key_store::MemoryKeyStore;
use fieldgate_core::model::announcement::{AnnouncedComponent, AnnouncedSensor};
use fieldgate_core::model::api_key::{ApiKeySettings, Grant, KeyOwner, Scope};
use fieldgate_core::model::health::ConnectionType;
use fieldgate_core::model::id::{DeviceId, OrganizationId};
use fieldgate_core::model::quarantine::{QuarantineReason, Rejection};
use fieldgate_core::model::sensor::ValueType;
use fieldgate_core::model::serial::SerialNumber;
use fieldgate_core::model::timestamp::Timestamp;
use fieldgate_core::service::Addresses;
use fieldgate_core::storage::{MemoryStorage, ServerProof};
use fieldgate_core::testing::{ManualClock, fixtures};
use fieldgate_core::transport::{HealthReport, Inbound, LoopbackSession, LoopbackTransport};
use fieldgate_http_axum::{ApiOptions, api};
use serde_json::{Value, json};

use super::client::{Answer, Call, get, post};

/// A system, and the routes to it.
#[derive(Debug)]
pub(crate) struct World {
    pub(crate) fieldgate: Fieldgate,
    pub(crate) router: Router,
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) transport: LoopbackTransport,
    pub(crate) server_key: String,
}

/// An organization with one of everything. All its names begin with its marker.
#[derive(Debug)]
pub(crate) struct Tenant {
    pub(crate) id: OrganizationId,
    pub(crate) marker: &'static str,
    /// A key with all scopes.
    pub(crate) key: String,
    /// The ids of its things, by the names that they have in paths.
    pub(crate) ids: BTreeMap<&'static str, String>,
    pub(crate) session: LoopbackSession,
}

impl World {
    pub(crate) async fn new() -> Self {
        Self::with(|options| options).await
    }

    pub(crate) async fn with(change: impl FnOnce(ApiOptions) -> ApiOptions) -> Self {
        let clock = Arc::new(ManualClock::new(fixtures::noon()));
        let transport = LoopbackTransport::new(Arc::clone(&clock) as _);
        let fieldgate = Fieldgate::builder()
            .storage(Arc::new(MemoryStorage::default()))
            .key_store(Arc::new(MemoryKeyStore::new()))
            .clock(Arc::clone(&clock) as _)
            .transport(Arc::new(transport.clone()))
            .addresses(Addresses {
                provision_endpoint: "https://fieldgate.test/api/v1/devices/provision".to_owned(),
                mqtt_host: "fieldgate.test".to_owned(),
                mqtt_port: 8883,
            })
            .build()
            .await
            .unwrap();
        let options = change(ApiOptions::new(&fieldgate));
        let (router, _) = api(fieldgate.clone(), options);
        let mut world = Self {
            fieldgate,
            router,
            clock,
            transport,
            server_key: String::new(),
        };
        world.server_key = world.mint(KeyOwner::Server, &[Scope::Server]).await;
        world
    }

    /// A key of an owner with just these scopes.
    pub(crate) async fn mint(&self, owner: KeyOwner, scopes: &[Scope]) -> String {
        let scopes: BTreeSet<_> = scopes.iter().copied().collect();
        let new = ApiKeySettings {
            name: fixtures::parse("test key"),
            scopes: scopes.clone(),
            expires_at: None,
        };
        let grant = Grant {
            scopes,
            expires_at: None,
        };
        let keys = self.fieldgate.api_keys();
        let minted = keys.mint(owner, &grant, new, None).await.unwrap();
        minted.text.unwrap().as_str().to_owned()
    }

    /// An organization, and a key of it with all scopes.
    pub(crate) async fn organization(&self, marker: &str) -> (OrganizationId, String) {
        let made = self
            .fieldgate
            .organizations()
            .create(
                ServerProof::vouch(),
                fixtures::parse(marker),
                fixtures::parse(&format!("{marker} organization")),
                None,
            )
            .await
            .unwrap();
        let key = made.admin_key.unwrap().as_str().to_owned();
        (made.organization.id, key)
    }

    pub(crate) async fn send(&self, call: Call) -> Answer {
        call.send(&self.router).await
    }

    /// An organization with one of everything.
    pub(crate) async fn tenant(&self, marker: &'static str) -> Tenant {
        let (id, key) = self.organization(marker).await;
        let mut ids = BTreeMap::from([("organizationId", id.to_string())]);
        let make = async |path: &str, body: Value| {
            let made = self.send(post(path).key(&key).json(&body)).await.ok(201);
            (made["id"].as_str().unwrap_or_default().to_owned(), made)
        };
        let named = |what: &str| format!("{marker} {what}");
        ids.insert("siteId", {
            let location = json!({"latitude": 53.5, "longitude": 10.5});
            let body = json!({"name": named("site"), "description": named("site"),
                "location": location, "timeZone": "Europe/Berlin"});
            make("/api/v1/sites", body).await.0
        });
        ids.insert("groupId", {
            let selector = json!({"all": [marker]});
            let body = json!({"name": named("group"), "description": named("group"),
                "selector": selector});
            make("/api/v1/device-groups", body).await.0
        });
        ids.insert("apiKeyId", {
            let body = json!({"name": named("key"), "scopes": ["devices:read"]});
            make("/api/v1/api-keys", body).await.0
        });
        let body = json!({
            "deviceName": named("device"),
            "siteId": ids["siteId"],
            "tags": [marker],
            "location": {"latitude": 53.5, "longitude": 10.5, "label": marker},
            "metadata": {"marker": marker},
            "profile": format!("{marker}@1.0"),
        });
        let (_, first) = make(TOKENS, body).await;
        let device = first["deviceId"].as_str().unwrap().to_owned();
        ids.insert("deviceId", device.clone());
        let provisioned = self.provision(first["token"].as_str().unwrap()).await;
        let serial = provisioned["serialNumber"].as_str().unwrap().to_owned();
        ids.insert("serialNumber", serial.clone());
        let (_, second) = make(TOKENS, json!({"deviceId": device})).await;
        ids.insert("tokenId", second["tokenId"].as_str().unwrap().to_owned());
        ids.insert("componentId", {
            let body = json!({
                "deviceId": device,
                "key": format!("{marker}-part"),
                "profile": format!("{marker}-part@1.0"),
                "tags": [marker],
            });
            make("/api/v1/components", body).await.0
        });
        let session = self.connect(id, &device, &serial).await;
        self.report(&session, marker).await;
        for (name, list) in [("sensorId", "sensors"), ("quarantineId", "quarantine")] {
            let found = self.send(get(&format!("/api/v1/{list}")).key(&key)).await;
            let found = found.ok(200)["items"][0]["id"].as_str().map(str::to_owned);
            ids.insert(name, found.unwrap());
        }
        let issuer = self.fieldgate.certificates().issuer_key_id();
        ids.insert("issuerKeyId", issuer.to_string());
        Tenant {
            id,
            marker,
            key,
            ids,
            session,
        }
    }

    /// Redeems a token over a new key.
    pub(crate) async fn provision(&self, token: &str) -> Value {
        let body = json!({"token": token, "csr": csr()});
        let call = post("/api/v1/devices/provision").json(&body);
        self.send(call).await.ok(201)
    }

    /// Opens a session of a device with its certificate.
    pub(crate) async fn connect(
        &self,
        organization: OrganizationId,
        device: &str,
        serial: &str,
    ) -> LoopbackSession {
        let device: DeviceId = fixtures::parse(device);
        let serial: SerialNumber = fixtures::parse(serial);
        let certificates = self.fieldgate.certificates();
        let (certificate, _) = certificates
            .certificate(organization, device, &serial)
            .await
            .unwrap();
        let identity = CertificateIdentity {
            organization_id: organization,
            device_id: device,
            serial_number: serial,
            not_after: certificate.not_after,
        };
        let gateway = Arc::new(self.fieldgate.gateway());
        let session = self.transport.connect(gateway, &identity).await;
        session.unwrap().unwrap()
    }

    /// An announcement, three readings, two health reports and something for the quarantine.
    async fn report(&self, session: &LoopbackSession, marker: &str) {
        let at = |secs| fixtures::before(secs);
        session.send(announcement(marker)).await.unwrap();
        let path = format!("{marker}-part/temperature");
        let readings = (1..=3).map(|secs| {
            let value = fixtures::double(f64::from(u32::try_from(secs).unwrap()) + 0.5);
            let mut reading = fixtures::reading(&path, at(secs), value);
            reading.metadata = Some(fixtures::parse(r#"{"battery": 0.5}"#));
            Ok(reading)
        });
        let readings = Inbound::Readings(readings.collect());
        session.send(readings).await.unwrap();
        for secs in [20, 10] {
            let report = self.health_report(at(secs), 1000 - secs, 90 - secs, 1);
            session.send(report).await.unwrap();
        }
        let raw = format!("{{\"marker\": \"{marker}\"}}");
        let detail = "not a reading";
        let rejection = Rejection::new(QuarantineReason::Malformed, detail, raw.as_bytes());
        session.send(Inbound::Refused(rejection)).await.unwrap();
    }

    pub(crate) fn health_report(
        &self,
        at: Timestamp,
        uptime: u64,
        sent: u64,
        dropped: u64,
    ) -> Inbound {
        Inbound::Health(HealthReport {
            timestamp: Some(at),
            uptime_seconds: uptime,
            free_heap_bytes: Some(1024),
            signal_strength_dbm: Some(-60),
            connection_type: ConnectionType::Wifi,
            readings_sent: sent,
            readings_dropped: dropped,
            extra: Some(fixtures::parse(r#"{"load": 0.5}"#)),
            raw: "{}".into(),
        })
    }

    pub(crate) fn advance(&self, secs: u64) {
        self.clock.advance(Duration::from_secs(secs));
    }
}

/// What a device says of its firmware, and of the unit of its one sensor.
fn announcement(marker: &str) -> Inbound {
    let sensor = AnnouncedSensor {
        key: fixtures::parse("temperature"),
        name: None,
        value_type: ValueType::Double,
        unit: Some(fixtures::parse("Cel")),
    };
    let component = AnnouncedComponent {
        key: fixtures::parse(&format!("{marker}-part")),
        name: None,
        profile: None,
        sensors: vec![sensor],
    };
    Inbound::Announce {
        firmware_version: Some(fixtures::parse("1.2.3")),
        profile: None,
        components: vec![component],
        refused: Vec::new(),
    }
}

/// A certificate signing request over a new key.
pub(crate) fn csr() -> String {
    let key = rcgen::KeyPair::generate().unwrap();
    let request = rcgen::CertificateParams::default();
    let request = request.serialize_request(&key).unwrap();
    request.pem().unwrap()
}

pub(crate) const TOKENS: &str = "/api/v1/devices/registration/tokens";
