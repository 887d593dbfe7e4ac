//! The server as a process: how long it takes to be ready, and how much memory it has then.

use std::fs::{self, File};
use std::io::{BufRead as _, BufReader};
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use fieldgate_core::model::id::OrganizationId;
use fieldgate_tests::{binaries, server};
use rustix::process::Signal;
use serde_json::Value;
use uuid::Uuid;

use crate::storage::client::Client;
use crate::storage::place::Place;

/// A running server. Ends when dropped.
pub(crate) struct Process {
    child: Child,
    /// Where it serves HTTP.
    pub(crate) address: String,
    /// The key of the first organization's operator.
    pub(crate) key: String,
    /// From its start to the line that says so.
    pub(crate) ready_after: Duration,
}

impl Process {
    /// Starts the server on a store, and waits until it serves.
    pub(crate) fn start(place: &Place) -> Self {
        let log = File::create(place.log()).expect("the log is writable");
        let mut command = binaries::command("fieldgate-server");
        command
            .args(["--ready-json", "--storage", &place.url, "--data-dir"])
            .arg(place.data_dir());
        for listener in ["--http-listen", "--https-listen", "--mqtt-listen"] {
            command.args([listener, "127.0.0.1:0"]);
        }
        let begun = Instant::now();
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(log)
            .spawn()
            .expect("the server can be started");
        let mut lines = BufReader::new(child.stdout.take().expect("it is piped")).lines();
        let ready = lines.find_map(|line| {
            let ready: Value = serde_json::from_str(&line.ok()?).ok()?;
            let url = ready.get("http")?.as_str()?;
            Some(
                url.strip_prefix("http://")?
                    .trim_end_matches('/')
                    .to_owned(),
            )
        });
        let ready_after = begun.elapsed();
        let Some(address) = ready else {
            let log = fs::read_to_string(place.log()).unwrap_or_default();
            panic!("the server does not start: {log}");
        };
        let key = fs::read_to_string(place.data_dir().join("admin.key"));
        Self {
            child,
            address,
            key: key.expect("the first start has made it").trim().to_owned(),
            ready_after,
        }
    }

    /// The organization that its first start has made.
    pub(crate) fn organization(&self, place: &Place) -> OrganizationId {
        let key = fs::read_to_string(place.data_dir().join("server.key"));
        let key = key.expect("the first start has made it");
        let mut client = Client::connect(&self.address);
        let body = client.get("/api/v1/organizations", key.trim()).body;
        let organizations: Value = serde_json::from_slice(&body).expect("JSON");
        let id = organizations["items"][0]["id"]
            .as_str()
            .expect("there is one");
        OrganizationId::from_uuid(id.parse::<Uuid>().expect("an id"))
    }

    /// How much of it lies in memory, in KiB.
    pub(crate) fn resident_kib(&self) -> f64 {
        resident_kib(self.child.id())
    }

    /// Ends it in good order.
    pub(crate) fn stop(mut self) {
        server::signal(&self.child, Signal::TERM);
        let status = self.child.wait().expect("it ends");
        assert!(status.success(), "the server ended with {status}");
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended by itself.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// How much of a process lies in memory, in KiB.
pub(crate) fn resident_kib(process: u32) -> f64 {
    let status = fs::read_to_string(format!("/proc/{process}/status")).expect("it runs");
    let mut lines = status.lines();
    let resident = lines.find_map(|line| line.strip_prefix("VmRSS:")?.trim().strip_suffix(" kB"));
    resident
        .and_then(|kib| kib.trim().parse().ok())
        .expect("Linux says it")
}
