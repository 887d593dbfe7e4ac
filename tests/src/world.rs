//! A server with something of everything in it, in two organizations.

use reqwest::Method;
use serde_json::{Value, json};

use crate::snapshot::Snapshot;
use crate::{Answer, Api, Device, Registration, Server, ServerOptions};

/// A server with something of everything in it.
#[derive(Debug)]
pub struct World {
    /// The server, which turns nobody away for many failures.
    pub server: Server,
    /// The operator whose things most of it are.
    pub own: Api,
    /// The operator of another organization.
    pub foreign: Api,
    /// A device that was online, reported, and is offline.
    pub device: Device,
    /// A device of the other organization, which was never online.
    pub stranger: Device,
    /// A device that has not redeemed its token.
    pub open: Registration,
    /// A request for a certificate by a new key.
    pub csr: String,
    ids: Ids,
}

#[derive(Debug)]
struct Ids {
    site: String,
    group: String,
    component: String,
    sensor: String,
    organization: String,
    key: String,
}

/// A call of the API that takes a body, and a body that it takes.
#[derive(Clone, Debug)]
pub struct Writing {
    /// Who may call it.
    pub api: Api,
    /// By which method.
    pub method: Method,
    /// The path below `/api/v1`, as the OpenAPI document has it.
    pub template: &'static str,
    /// The whole path.
    pub path: String,
    /// A good body.
    pub body: Value,
    /// The pointers to all that is text for people, or a key.
    pub texts: &'static [&'static str],
}

impl World {
    /// Starts a server and fills it.
    ///
    /// # Panics
    ///
    /// Where something is refused.
    pub async fn new(options: impl Into<ServerOptions>) -> Self {
        let mut options = options.into();
        options.arguments.push("--failed-per-minute=1000000".into());
        let server = Server::start(options);
        let own = server.api();
        let foreign = server.second_organization().await;
        let make = async |api: &Api, path: &str, body: Value| {
            let made = api.post(&format!("/api/v1/{path}"), &body).await;
            text(&made.expect(201), "id")
        };
        let site = make(&own, "sites", json!({ "name": "North" })).await;
        let group = json!({ "name": "All", "selector": {} });
        let group = make(&own, "device-groups", group).await;
        let key = json!({ "name": "reader", "scopes": ["devices:read"] });
        let key = make(&own, "api-keys", key).await;
        let device = Device::enroll(&server, "reporting").await;
        report(&server, &own, &device).await;
        let sensor = device.sensor(&own, "temperature").await;
        let organization = json!({ "slug": "third", "name": "The third" });
        let organization = make(&server.server_api(), "organizations", organization).await;
        Self {
            stranger: Device::enroll_in(&server, &foreign, "stranger").await,
            open: Registration::new(&own, "open").await,
            csr: crate::csr::new_key().1,
            ids: Ids {
                site,
                group,
                component: text(&sensor, "componentId"),
                sensor: text(&sensor, "id"),
                organization,
                key,
            },
            server,
            own,
            foreign,
            device,
        }
    }

    /// All that the operators can see.
    pub async fn snapshot(&self) -> Snapshot {
        Snapshot::take(&self.server, &[&self.own, &self.foreign]).await
    }

    /// Waits until the device's sessions have ended.
    pub async fn settle(&self) {
        self.device.becomes(&self.own, "OFFLINE").await;
    }

    /// The paths below `/api/v1` of one object of each kind that the operator has.
    #[must_use]
    pub fn own_objects(&self) -> Vec<String> {
        let ids = &self.ids;
        vec![
            format!("devices/{}", self.device.id),
            format!("sites/{}", ids.site),
            format!("device-groups/{}", ids.group),
            format!("components/{}", ids.component),
            format!("sensors/{}", ids.sensor),
            format!("api-keys/{}", ids.key),
        ]
    }

    /// Every call that takes a body, with one that it takes.
    #[must_use]
    #[rustfmt::skip]
    pub fn writings(&self) -> Vec<Writing> {
        let ids = &self.ids;
        let place = json!({ "latitude": 1.5, "longitude": 2.5, "label": "Roof" });
        let device = json!({ "name": "new", "location": place, "tags": ["a"], "metadata": { "b": 1 },
            "siteId": ids.site, "profile": "greenhouse@1.0" });
        let site = json!({ "name": "new", "description": "b", "location": place, "timeZone": "UTC" });
        let group = json!({ "name": "new", "description": "b",
            "selector": { "all": ["a"], "any": ["b"], "none": ["c"] } });
        let component = json!({ "name": "new", "profile": "climate@1.0", "tags": ["a"], "metadata": {} });
        let sensor = json!({ "name": "new", "valueType": "DOUBLE", "unit": "Cel", "tags": ["a"] });
        let key = json!({ "name": "new", "scopes": ["devices:read"], "expiresAt": "2999-01-01T00:00:00Z" });
        let organization = json!({ "slug": "new", "name": "new" });
        let registration = with(&with(&without(&device, "name"), "deviceName", "registered"),
            "expiresInSeconds", 600);
        let provision = json!({ "token": self.open.token, "csr": self.csr });
        let new_component = with(&with(&component, "deviceId", &*self.device.id), "key", "new");
        let created = with(&device, "name", "created");
        let updated = with(&with(&device, "name", "updated"), "status", "INACTIVE");
        let another = with(&organization, "slug", "another");

        let server = self.server.server_api();
        let (own, public) = (&self.own, &self.own.without_key());
        let device_texts = &["/name", "/location/label", "/tags/0", "/profile", "/siteId"][..];
        let site_texts = &["/name", "/description", "/location/label", "/timeZone"][..];
        let group_texts = &["/name", "/description", "/selector/all/0", "/selector/any/0", "/selector/none/0"][..];
        let call = |api: &Api, template: &'static str, id: &str, body: &Value, texts: &'static [&'static str]| Writing {
            api: api.clone(),
            method: if id.is_empty() { Method::POST } else { Method::PUT },
            template,
            path: match template.split_once('{') {
                Some((front, _)) => format!("/api/v1{front}{id}"),
                None => format!("/api/v1{template}"),
            },
            body: body.clone(),
            texts,
        };
        vec![
            call(&server, "/organizations", "", &organization, &["/slug", "/name"]),
            call(&server, "/organizations/{organizationId}", &ids.organization, &another, &["/slug", "/name"]),
            call(own, "/api-keys", "", &key, &["/name", "/scopes/0", "/expiresAt"]),
            call(own, "/api-keys/{apiKeyId}", &ids.key, &key, &["/name", "/scopes/0", "/expiresAt"]),
            call(own, "/devices/registration/tokens", "", &registration,
                &["/deviceName", "/location/label", "/tags/0", "/profile", "/siteId"]),
            call(public, "/devices/provision", "", &provision, &[]),
            call(own, "/devices", "", &created, device_texts),
            call(own, "/components", "", &new_component, &["/name", "/key", "/tags/0", "/profile", "/deviceId"]),
            call(own, "/components/{componentId}", &ids.component, &component, &["/name", "/tags/0", "/profile"]),
            call(own, "/sensors/{sensorId}", &ids.sensor, &sensor, &["/name", "/unit", "/tags/0", "/valueType"]),
            call(own, "/device-groups", "", &group, group_texts),
            call(own, "/device-groups/{groupId}", &ids.group, &group, group_texts),
            call(own, "/sites", "", &site, site_texts),
            call(own, "/sites/{siteId}", &ids.site, &site, site_texts),
            call(own, "/devices/{deviceId}", &self.device.id, &updated, device_texts),
        ]
    }
}

impl Writing {
    /// Sends some octets that are said to be JSON.
    pub async fn send(&self, body: impl Into<Vec<u8>>) -> Answer {
        let body = body.into();
        let finish = |request: reqwest::RequestBuilder| {
            let request = request.header("content-type", "application/json");
            request.body(body)
        };
        self.api.send(self.method.clone(), &self.path, finish).await
    }

    /// Sends the good body with another value at a pointer.
    ///
    /// # Panics
    ///
    /// Where there is nothing.
    pub async fn send_with(&self, pointer: &str, value: Value) -> Answer {
        let mut body = self.body.clone();
        *body.pointer_mut(pointer).expect("the good body has it") = value;
        self.send(body.to_string()).await
    }
}

/// Lets a device say something of everything.
async fn report(server: &Server, api: &Api, device: &Device) {
    let mut client = device.connect(server).await;
    let reading = json!({ "component": "climate", "sensor": "temperature", "value": 21.5 });
    client
        .publish_json(&device.readings_topic(), &reading)
        .await;
    client.publish(&device.readings_topic(), "no JSON").await;
    let health = json!({
        "uptimeSeconds": 1, "connectionType": "WIFI", "readingsSent": 2, "readingsDropped": 0,
    });
    client.publish_json(&device.topic("health"), &health).await;
    client.disconnect().await;
    device.becomes(api, "OFFLINE").await;
}

/// The same object with a further member, or another value of one.
#[must_use]
pub fn with(object: &Value, name: &str, value: impl Into<Value>) -> Value {
    let mut object = object.clone();
    object[name] = value.into();
    object
}

fn without(object: &Value, name: &str) -> Value {
    let mut object = object.clone();
    object.as_object_mut().expect("an object").remove(name);
    object
}

fn text(object: &Value, name: &str) -> String {
    object[name].as_str().expect(name).to_owned()
}
