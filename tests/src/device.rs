//! A device: registered by an operator, provisioned with a key of its own.

use std::fs;
use std::path::PathBuf;

use serde_json::{Value, json};

use crate::tls::{Identity, split_pem};
use crate::{Answer, Api, Server, csr};

/// What an operator gets for naming a device.
#[derive(Clone, Debug)]
pub struct Registration {
    /// The token's text.
    pub token: String,
    /// The token's id.
    pub token_id: String,
    /// The device's id.
    pub device_id: String,
    /// The device's name.
    pub name: String,
    /// The whole answer.
    pub answer: Value,
}

/// A device with its certificate.
#[derive(Clone, Debug)]
pub struct Device {
    /// Its id.
    pub id: String,
    /// Whose it is.
    pub organization_id: String,
    /// Its name.
    pub name: String,
    /// The token that it has used.
    pub token: String,
    /// Its private key in PEM.
    pub key: String,
    /// Its certificate in PEM.
    pub certificate: String,
    /// The CA's chain in PEM, root last.
    pub chain: String,
    /// The serial number of the certificate.
    pub serial_number: String,
    /// The whole answer to the provisioning.
    pub answer: Value,
    directory: PathBuf,
}

impl Registration {
    /// Names a device.
    ///
    /// # Panics
    ///
    /// Where that is refused.
    pub async fn new(api: &Api, name: &str) -> Self {
        Self::with(api, &json!({ "deviceName": name })).await
    }

    /// Names a device, or mints a further token for one, by a body of one's own.
    ///
    /// # Panics
    ///
    /// Where that is refused.
    pub async fn with(api: &Api, body: &Value) -> Self {
        let answer = api.post("/api/v1/devices/registration/tokens", body).await;
        let answer = answer.expect(201);
        let text = |name: &str| answer[name].as_str().expect(name).to_owned();
        Self {
            token: text("token"),
            token_id: text("tokenId"),
            device_id: text("deviceId"),
            name: text("deviceName"),
            answer,
        }
    }

    /// Redeems the token.
    pub async fn provision(&self, api: &Api, csr: &str) -> Answer {
        provision(api, &self.token, csr).await
    }

    /// The state of the token, as an operator sees it.
    ///
    /// # Panics
    ///
    /// Where it is not to be seen.
    pub async fn state(&self, api: &Api) -> String {
        for state in ["PENDING", "USED", "REVOKED", "EXPIRED"] {
            let path = format!("/api/v1/devices/registration/tokens?state={state}");
            let tokens = api.list(&path).await;
            if let Some(token) = tokens.iter().find(|token| token["id"] == *self.token_id) {
                assert_eq!(token["state"], state, "{token}");
                return state.to_owned();
            }
        }
        panic!("the token {} is in no list", self.token_id)
    }
}

/// Redeems a token, without a key.
pub async fn provision(api: &Api, token: &str, csr: &str) -> Answer {
    let body = json!({ "token": token, "csr": csr });
    let api = api.without_key();
    api.post("/api/v1/devices/provision", &body).await
}

impl Device {
    /// Registers and provisions a device with a new P-256 key.
    ///
    /// # Panics
    ///
    /// Where that is refused.
    pub async fn enroll(server: &Server, name: &str) -> Self {
        Self::enroll_in(server, &server.api(), name).await
    }

    /// As [`Device::enroll`], in the organization of a key.
    ///
    /// # Panics
    ///
    /// Where that is refused.
    pub async fn enroll_in(server: &Server, api: &Api, name: &str) -> Self {
        let registration = Registration::new(api, name).await;
        Self::provision(server, &registration).await
    }

    /// Provisions a registered device with a new P-256 key.
    ///
    /// # Panics
    ///
    /// Where that is refused.
    pub async fn provision(server: &Server, registration: &Registration) -> Self {
        let (key, csr) = csr::new_key();
        let answer = registration.provision(&server.api(), &csr).await;
        Self::from_answer(server, registration, &key.serialize_pem(), &answer)
    }

    /// The device that an answer to a provisioning makes.
    ///
    /// # Panics
    ///
    /// Where it was refused.
    #[track_caller]
    #[must_use]
    pub fn from_answer(
        server: &Server,
        registration: &Registration,
        key: &str,
        answer: &Answer,
    ) -> Self {
        let answer = answer.expect(201);
        let text = |name: &str| answer[name].as_str().expect(name).to_owned();
        let device = Self {
            id: text("deviceId"),
            organization_id: text("organizationId"),
            name: registration.name.clone(),
            token: registration.token.clone(),
            key: key.to_owned(),
            certificate: text("certificate"),
            chain: text("caChain"),
            serial_number: text("serialNumber"),
            directory: server.scratch().join(text("serialNumber")),
            answer,
        };
        device
            .write_files()
            .expect("a temporary directory is writable");
        device
    }

    /// What it shows in TLS: its certificate alone, which is enough.
    #[must_use]
    pub fn identity(&self) -> Identity {
        Identity {
            certificates: self.certificate.clone(),
            key: self.key.clone(),
        }
    }

    /// The topic of its readings.
    #[must_use]
    pub fn readings_topic(&self) -> String {
        format!("v1/readings/{}/{}", self.organization_id, self.id)
    }

    /// Another of its topics, for example `health`.
    #[must_use]
    pub fn topic(&self, level: &str) -> String {
        format!("v1/gateways/{}/{}/{level}", self.organization_id, self.id)
    }

    /// Its path in the API.
    #[must_use]
    pub fn path(&self) -> String {
        format!("/api/v1/devices/{}", self.id)
    }

    /// What the API says of it.
    pub async fn get(&self, api: &Api) -> Value {
        api.get(&self.path()).await.expect(200)
    }

    /// Waits until it has a status, and is online just as that says.
    pub async fn becomes(&self, api: &Api, status: &str) -> Value {
        let what = format!("the device {} is {status}", self.name);
        let device = crate::eventually(what, || async {
            let device = self.get(api).await;
            (device["status"] == status).then_some(device)
        })
        .await;
        if status != "MAINTENANCE" {
            assert_eq!(device["online"], status == "ACTIVE", "{device}");
        }
        device
    }

    /// Waits until it is online or not.
    pub async fn becomes_online(&self, api: &Api, online: bool) -> Value {
        crate::eventually(format!("{} has online={online}", self.name), || async {
            let device = self.get(api).await;
            (device["online"] == online).then_some(device)
        })
        .await
    }

    /// Sets its status as an operator, and gives the answer.
    pub async fn set_status(&self, api: &Api, status: &str) -> Answer {
        let body = json!({ "name": self.name, "status": status });
        api.put(&self.path(), &body).await
    }

    /// Its sensors.
    pub async fn sensors(&self, api: &Api) -> Vec<Value> {
        api.list(&format!("/api/v1/sensors?deviceId={}", self.id))
            .await
    }

    /// One of its sensors by its key.
    ///
    /// # Panics
    ///
    /// Where there is not exactly one.
    pub async fn sensor(&self, api: &Api, key: &str) -> Value {
        let mut sensors = self.sensors(api).await;
        sensors.retain(|sensor| sensor["key"] == key);
        assert_eq!(sensors.len(), 1, "sensors with the key {key}: {sensors:?}");
        sensors.remove(0)
    }

    /// The readings of one of its sensors, by the sensor's key.
    ///
    /// # Panics
    ///
    /// Where there is not exactly one such sensor.
    pub async fn readings(&self, api: &Api, key: &str) -> Vec<Value> {
        let sensor = self.sensor(api, key).await;
        let id = sensor["id"].as_str().expect("an id");
        api.list(&format!("/api/v1/readings/sensor/{id}")).await
    }

    /// What of it lies in the quarantine.
    pub async fn quarantine(&self, api: &Api) -> Vec<Value> {
        api.list(&format!("/api/v1/quarantine?deviceId={}", self.id))
            .await
    }

    /// Its certificates on record.
    pub async fn certificates(&self, api: &Api) -> Vec<Value> {
        certificates(api, &self.id).await
    }

    /// The file with its key.
    #[must_use]
    pub fn key_file(&self) -> PathBuf {
        self.directory.join("device.key")
    }

    /// The file with its certificate.
    #[must_use]
    pub fn certificate_file(&self) -> PathBuf {
        self.directory.join("device.crt")
    }

    /// The file with the root.
    #[must_use]
    pub fn root_file(&self) -> PathBuf {
        self.directory.join("root.crt")
    }

    /// The file with the issuing certificate.
    #[must_use]
    pub fn issuing_file(&self) -> PathBuf {
        self.directory.join("issuing.crt")
    }

    fn write_files(&self) -> std::io::Result<()> {
        fs::create_dir_all(&self.directory)?;
        fs::write(self.key_file(), &self.key)?;
        fs::write(self.certificate_file(), &self.certificate)?;
        let chain = split_pem(&self.chain);
        fs::write(self.issuing_file(), &chain[0])?;
        fs::write(self.root_file(), &chain[1])
    }
}

/// A device's certificates on record.
pub async fn certificates(api: &Api, device_id: &str) -> Vec<Value> {
    api.list(&format!("/api/v1/devices/{device_id}/certificates"))
        .await
}
