//! All that operators can see of a server, to show that something has changed nothing of it.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::{Api, Server};

/// All that operators can see of a server at a time: each value by where it is found.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Snapshot(BTreeMap<String, String>);

impl Snapshot {
    /// Walks all lists of the server and of some organizations, to their last pages.
    pub async fn take(server: &Server, organizations: &[&Api]) -> Self {
        let mut snapshot = Self(BTreeMap::new());
        let by_server = server.server_api();
        for list in ["organizations", "api-keys"] {
            snapshot.list(&by_server, "", list).await;
        }
        for (number, api) in organizations.iter().enumerate() {
            snapshot.organization(api, &format!("{number}:")).await;
        }
        snapshot
    }

    /// What differs in a later snapshot: where, and how.
    #[must_use]
    pub fn changes(&self, later: &Self) -> Vec<Change> {
        let mut changes = Vec::new();
        let places = self.0.keys().chain(later.0.keys());
        for place in places.collect::<std::collections::BTreeSet<_>>() {
            let (before, after) = (self.0.get(place), later.0.get(place));
            if before != after {
                changes.push(Change {
                    place: place.clone(),
                    before: before.cloned(),
                    after: after.cloned(),
                });
            }
        }
        changes
    }

    /// Checks that a later snapshot is the same.
    ///
    /// # Panics
    ///
    /// Where it is not.
    #[track_caller]
    pub fn assert_same(&self, later: &Self) {
        self.assert_same_but(later, |_| false);
    }

    /// Checks that a later snapshot is the same but for what may differ.
    ///
    /// # Panics
    ///
    /// Where something else differs.
    #[track_caller]
    pub fn assert_same_but(&self, later: &Self, may_differ: impl Fn(&Change) -> bool) {
        let mut changes = self.changes(later);
        changes.retain(|change| !may_differ(change));
        assert!(changes.is_empty(), "it has changed: {changes:#?}");
    }

    async fn organization(&mut self, api: &Api, prefix: &str) {
        for list in LISTS {
            self.list(api, prefix, list).await;
        }
        self.object(api, prefix, "devices/summary").await;
        for device in api.list("/api/v1/devices").await {
            let path = format!("devices/{}", id(&device));
            self.list(api, prefix, &format!("{path}/health")).await;
            self.certificates(api, prefix, &path).await;
        }
        for sensor in api.list("/api/v1/sensors").await {
            let readings = format!("readings/sensor/{}", id(&sensor));
            self.list(api, prefix, &readings).await;
        }
        for group in api.list("/api/v1/device-groups").await {
            let members = format!("device-groups/{}/devices", id(&group));
            self.list(api, prefix, &members).await;
        }
    }

    /// The certificates of a device, and the CRLs of their issuers: as octets, so that a new number
    /// shows as well.
    async fn certificates(&mut self, api: &Api, prefix: &str, device: &str) {
        let list = format!("{device}/certificates");
        self.list(api, prefix, &list).await;
        for certificate in api.list(&format!("/api/v1/{list}")).await {
            let issuer = certificate["issuerKeyId"].as_str().expect("an issuer");
            let path = format!("ca/crl/{issuer}.crl");
            let crl = api.get(&format!("/api/v1/{path}")).await;
            assert_eq!(crl.status, 200, "{}", crl.text());
            self.0.insert(path, format!("{:02x?}", crl.body));
        }
    }

    async fn object(&mut self, api: &Api, prefix: &str, path: &str) {
        let object = api.get(&format!("/api/v1/{path}")).await.expect(200);
        self.note(&format!("{prefix}{path}"), &object);
    }

    async fn list(&mut self, api: &Api, prefix: &str, list: &str) {
        let items = api.list(&format!("/api/v1/{list}")).await;
        // Where they stand in the list may change when one is added; what they say may not.
        for (number, item) in items.iter().enumerate() {
            let name = ["id", "serialNumber", "timestamp"]
                .iter()
                .find_map(|name| item[*name].as_str())
                .map_or_else(|| number.to_string(), str::to_owned);
            self.note(&format!("{prefix}{list}/{name}"), item);
        }
    }

    /// Notes a value member by member.
    fn note(&mut self, place: &str, value: &Value) {
        match value {
            Value::Object(members) if !members.is_empty() => {
                for (name, member) in members {
                    if !WRITTEN_LATE.contains(&name.as_str()) {
                        self.note(&format!("{place}/{name}"), member);
                    }
                }
            }
            value => {
                let twice = self.0.insert(place.to_owned(), value.to_string());
                assert_eq!(twice, None, "{place} is there twice");
            }
        }
    }
}

/// What differs between two snapshots.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Change {
    /// Where, for example `0:devices/01…/name`: the number is that of the organization.
    pub place: String,
    /// What was there; `None` where nothing was.
    pub before: Option<String>,
    /// What is there.
    pub after: Option<String>,
}

impl Change {
    /// Whether it says no more than when a device last came or went.
    #[must_use]
    pub fn is_of_time(&self) -> bool {
        self.place.ends_with("/statusChangedAt")
    }

    /// Whether it is an item that has come into the quarantine.
    #[must_use]
    pub fn is_newly_quarantined(&self) -> bool {
        self.place.contains(":quarantine/") && self.before.is_none()
    }
}

fn id(item: &Value) -> &str {
    item["id"].as_str().expect("an id")
}

/// What the server writes down some time after it was so, and some of it for the looking alone.
const WRITTEN_LATE: [&str; 2] = ["lastSeenAt", "lastUsedAt"];

/// The lists of an organization.
const LISTS: [&str; 11] = [
    "api-keys",
    "components",
    "device-groups",
    "devices",
    "devices/registration/tokens?state=EXPIRED",
    "devices/registration/tokens?state=PENDING",
    "devices/registration/tokens?state=REVOKED",
    "devices/registration/tokens?state=USED",
    "quarantine",
    "sensors",
    "sites",
];
