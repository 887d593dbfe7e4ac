//! A server with one record of each kind that can be told from all others in a file.

use fieldgate_tests::tls::split_pem;
use fieldgate_tests::{Api, Device, Registration, Server, StorageKind};
use serde_json::{Value, json};

pub(crate) struct Furnished {
    pub(crate) server: Server,
    marked: Vec<Marked>,
    /// What can be read, and by whom.
    readable: Vec<(Api, String)>,
}

/// A record with a text that is in it.
#[derive(Clone, Debug)]
pub(crate) struct Marked {
    pub(crate) text: String,
    /// How a check names it.
    pub(crate) name: String,
    /// Where it is read by itself.
    pub(crate) path: Option<String>,
}

impl Furnished {
    pub(crate) async fn new(storage: StorageKind) -> Self {
        Self::of(Server::start(storage)).await
    }

    pub(crate) async fn of(server: Server) -> Self {
        let api = server.api();
        let mut world = Self {
            server,
            marked: Vec::new(),
            readable: Vec::new(),
        };
        for (kind, path, body) in [
            (
                "site",
                "sites",
                json!({ "name": "zqsite", "timeZone": "UTC" }),
            ),
            (
                "group",
                "device-groups",
                json!({ "name": "zqgroup", "selector": {} }),
            ),
            (
                "api-key",
                "api-keys",
                json!({ "name": "zqkey", "scopes": ["devices:read"] }),
            ),
        ] {
            let made = api.post(&format!("/api/v1/{path}"), &body).await;
            let id = text(&made.expect(201), "id");
            world.mark(&api, text(&body, "name"), kind, &id, Some(path));
        }
        let server_api = world.server.server_api();
        let body = json!({ "slug": "zqslug", "name": "zqorganization" });
        let made = server_api.post("/api/v1/organizations", &body).await;
        let id = text(&made.expect(201), "id");
        let name = "zqorganization".to_owned();
        world.mark(
            &server_api,
            name,
            "organization",
            &id,
            Some("organizations"),
        );
        let open = Registration::new(&api, "zqtoken").await;
        world.mark(&api, "zqtoken".to_owned(), "token", &open.token_id, None);
        world.device(&api).await;
        world
    }

    /// A device that says something of everything.
    async fn device(&mut self, api: &Api) {
        let device = Device::enroll(&self.server, "reporting").await;
        let body = json!({ "name": "reporting", "metadata": { "zqdevice": 1 } });
        api.put(&device.path(), &body).await.expect(200);
        let mut client = device.connect(&self.server).await;
        let topic = device.readings_topic();
        let reading = json!({ "component": "zqcomponent", "sensor": "zqsensor",
            "value": "zqreading", "timestamp": "2026-11-25T10:00:00Z" });
        client.publish_json(&topic, &reading).await;
        client.publish(&topic, "zqraw, and no JSON").await;
        let health = json!({ "uptimeSeconds": 1, "connectionType": "WIFI", "readingsSent": 2,
            "readingsDropped": 0, "extra": { "zqhealth": 1 }, "timestamp": "2026-11-25T10:00:00Z" });
        client.publish_json(&device.topic("health"), &health).await;
        client.disconnect().await;
        device.becomes(api, "OFFLINE").await;
        let sensor = device.sensor(api, "zqsensor").await;
        let (sensor, component) = (text(&sensor, "id"), text(&sensor, "componentId"));
        let line = |pem: &str| pem.lines().nth(4).unwrap().to_owned();
        let mut mark = |word: &str, kind, id: &str, path| {
            self.mark(api, word.to_owned(), kind, id, path);
        };
        mark("zqdevice", "device", &device.id, Some("devices"));
        mark("zqcomponent", "component", &component, Some("components"));
        mark("zqsensor", "sensor", &sensor, Some("sensors"));
        mark("zqreading", "reading of sensor", &sensor, None);
        mark("zqhealth", "health of device", &device.id, None);
        let quarantined = device.quarantine(api).await;
        let id = text(&quarantined[0], "id");
        mark("zqraw", "quarantined", &id, None);
        let serial = &device.serial_number;
        let certificate = line(&device.certificate);
        mark(&certificate, "certificate", serial, None);
        let issuing = line(&split_pem(&device.chain)[0]);
        mark(&issuing, "issuer", "", None);
    }

    fn mark(&mut self, api: &Api, text: String, kind: &str, id: &str, path: Option<&str>) {
        let path = path.map(|path| format!("/api/v1/{path}/{id}"));
        self.readable
            .extend(path.iter().map(|path| (api.clone(), path.clone())));
        let name = format!("{kind} {id}");
        self.marked.push(Marked { text, name, path });
    }

    pub(crate) fn marked(&self) -> Vec<Marked> {
        self.marked.clone()
    }

    /// Ends the server, which puts all into one file.
    pub(crate) async fn end(&mut self) {
        self.server.terminate();
        let status = self.server.ended().await;
        assert!(status.success(), "{status}");
    }

    /// Checks that a record is refused by itself, and each other one is there.
    pub(crate) async fn assert_rest_is_readable(&self, damaged: &Marked) {
        for (api, path) in &self.readable {
            let answer = api.get(path).await;
            let expected = if damaged.path.as_ref() == Some(path) {
                500
            } else {
                200
            };
            let text = answer.text();
            assert_eq!(answer.status, expected, "{path} beside {damaged:?}: {text}");
        }
    }
}

fn text(object: &Value, name: &str) -> String {
    object[name].as_str().unwrap().to_owned()
}
