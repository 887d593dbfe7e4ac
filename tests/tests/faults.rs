//! A fault at every single write and sync of one provisioning: the process killed, the disk broken,
//! the disk full.
//!
//! On SQLite one thread does all the writing, so that its writes can be counted. sled writes on
//! several; there each of the first writes of any of them is hit, and each sync, which the start of
//! the server takes the first of.

#![expect(
    clippy::expect_used,
    clippy::unwrap_used,
    reason = "a test fails where something is not as it should be"
)]

use std::collections::BTreeMap;
use std::fs;

use fieldgate_tests::csr::new_key;
use fieldgate_tests::device::certificates;
use fieldgate_tests::tools::strace;
use fieldgate_tests::{Api, Registration, Server, StorageKind};
use reqwest::Method;
use serde_json::json;

#[tokio::test]
async fn a_kill_at_any_write_leaves_an_unused_token_or_a_recorded_certificate() {
    let mut sweep = Sweep::new("signal=KILL").await;
    let mut answered = 0;
    for (write, registration) in sweep.steps() {
        let answer = sweep.provision(write, &registration).await;
        if answer.is_some() {
            answered += 1;
        }
        sweep.server.kill();
        sweep.note(registration, answer);
    }
    assert!(answered < sweep.writes, "no kill came in time");
    sweep.settle().await;
}

#[tokio::test]
async fn a_broken_disk_at_any_write_burns_no_token_and_recovers() {
    recovers_from("error=EIO").await;
}

#[tokio::test]
async fn a_full_disk_at_any_write_burns_no_token_and_recovers() {
    recovers_from("error=ENOSPC").await;
}

async fn recovers_from(fault: &str) {
    let mut sweep = Sweep::new(fault).await;
    let mut failed = 0;
    for (write, registration) in sweep.steps() {
        let answer = sweep.provision(write, &registration).await;
        let (status, _) = answer.clone().expect("the server is there");
        let mut answer = answer;
        if status != 201 {
            assert_eq!(status, 503, "at write {write}");
            failed += 1;
            // The fault passes, and the same server goes on.
            sweep.server.end_tracing().await;
            sweep
                .server
                .api()
                .get("/api/v1/devices?limit=1")
                .await
                .expect(200);
            let (_, csr) = new_key();
            let again = registration.provision(&sweep.server.api(), &csr).await;
            again.expect_one_of(&[201, 409]);
            answer = (again.status == 201).then(|| (201, serial_in(&again.expect(201))));
        }
        sweep.server.kill();
        sweep.note(registration, answer);
    }
    assert!(failed > 0, "no fault came in time");
    sweep.settle().await;
}

#[tokio::test]
async fn sled_survives_a_kill_at_any_write() {
    sled_survives("pwrite64", "signal=KILL").await;
}

#[tokio::test]
async fn sled_survives_a_kill_at_any_sync() {
    sled_survives("fdatasync", "signal=KILL").await;
}

#[tokio::test]
async fn sled_survives_a_full_disk_at_any_write() {
    sled_survives("pwrite64", "error=ENOSPC").await;
}

#[tokio::test]
async fn sled_survives_a_broken_disk_at_any_sync() {
    sled_survives("fdatasync", "error=EIO").await;
}

/// Hits one of the first calls of any thread after another: some in the start of the server, the
/// rest in one of the provisionings that follow. sled goes on after a restart only, and always then.
async fn sled_survives(call: &str, fault: &str) {
    let mut server = Server::start(StorageKind::Sled);
    let mut hit = 0;
    for nth in 1..=SLED_CALLS {
        let mut registrations = Vec::new();
        for number in 0..SLED_TOKENS {
            let name = format!("device-{nth}-{number}");
            registrations.push(Registration::new(&server.api(), &name).await);
        }
        let inject = format!("inject={call}:{fault}:when={nth}");
        server.kill();
        server.set_wrapper(strace(&["-e", &inject]));
        let mut outcomes = Vec::new();
        if server.try_restart().is_ok() {
            for registration in registrations {
                let answer = redeem(&server, &registration).await;
                let status = answer.as_ref().map(|(status, _)| *status);
                outcomes.push((registration, answer));
                if status != Some(201) {
                    assert!(matches!(status, None | Some(503)), "{status:?}");
                    hit += 1;
                    break;
                }
            }
        }
        server.kill();
        server.set_wrapper(Vec::new());
        server.restart();
        for (registration, answer) in &outcomes {
            settle(&server.api(), registration, answer.as_ref()).await;
        }
    }
    assert!(hit > 0, "no fault came in time");
}

/// A status, and the serial number where there is one.
type Answer = (u16, Option<String>);

/// One provisioning after the other, each with a fault one write later.
struct Sweep {
    server: Server,
    fault: String,
    /// How many writes a start takes, and how many a provisioning.
    starting: usize,
    writes: usize,
    registrations: Vec<Registration>,
    outcomes: Vec<(Registration, Option<Answer>)>,
}

impl Sweep {
    async fn new(fault: &str) -> Self {
        let mut server = Server::start(StorageKind::Sqlite);
        let mut registrations = Vec::new();
        for number in 0..WRITES_MAX {
            let name = format!("device-{number}");
            registrations.push(Registration::new(&server.api(), &name).await);
        }
        let starting = writes_of(&mut server, None).await;
        let first = registrations.pop().unwrap();
        let all = writes_of(&mut server, Some(&first)).await;
        assert!(all > starting, "a provisioning writes");
        let writes = all - starting;
        assert!(writes + 1 < registrations.len(), "{writes} writes");
        Self {
            server,
            fault: fault.to_owned(),
            starting,
            writes,
            registrations,
            outcomes: Vec::new(),
        }
    }

    /// Each write of a provisioning, and one beyond, with a token for it.
    fn steps(&mut self) -> Vec<(usize, Registration)> {
        let writes = self.starting + 1..=self.starting + self.writes + 1;
        writes.zip(self.registrations.drain(..)).collect()
    }

    /// Redeems a token with a fault at the given write; `None` where no answer comes.
    async fn provision(&mut self, write: usize, registration: &Registration) -> Option<Answer> {
        let inject = format!("inject={WRITES}:{}:when={write}", self.fault);
        self.server.kill();
        self.server.set_wrapper(strace(&["-e", &inject]));
        self.server.restart();
        redeem(&self.server, registration).await
    }

    fn note(&mut self, registration: Registration, answer: Option<Answer>) {
        self.outcomes.push((registration, answer));
    }

    /// Starts without faults, and checks what has become of each token.
    async fn settle(&mut self) {
        self.server.set_wrapper(Vec::new());
        self.server.restart();
        let api = self.server.api();
        for (registration, answer) in &self.outcomes {
            settle(&api, registration, answer.as_ref()).await;
        }
    }
}

/// Redeems a token; `None` where no answer comes.
async fn redeem(server: &Server, registration: &Registration) -> Option<Answer> {
    let (_, csr) = new_key();
    let body = json!({ "token": registration.token, "csr": csr });
    let api = server.api().without_key();
    let path = "/api/v1/devices/provision";
    let answer = api
        .try_send(Method::POST, path, |request| request.json(&body))
        .await;
    let answer = answer.ok()?;
    let serial = (answer.status == 201).then(|| serial_in(&answer.expect(201)));
    Some((answer.status, serial.flatten()))
}

/// Checks what has become of a token: an answer has its record, and without one it can be redeemed.
async fn settle(api: &Api, registration: &Registration, answer: Option<&Answer>) {
    let recorded = certificates(api, &registration.device_id).await;
    let serials: Vec<_> = recorded
        .iter()
        .map(|found| &found["serialNumber"])
        .collect();
    match answer {
        Some((201, serial)) => assert_eq!(serials, [&json!(serial)]),
        _ if registration.state(api).await == "USED" => assert_eq!(serials.len(), 1),
        _ => {
            assert_eq!(serials.len(), 0);
            let (_, csr) = new_key();
            registration.provision(api, &csr).await.expect(201);
        }
    }
}

/// How many writes the writing thread makes from the start, with or without a provisioning.
async fn writes_of(server: &mut Server, registration: Option<&Registration>) -> usize {
    let trace = server.scratch().join("trace");
    server.kill();
    let only_writes = format!("trace={WRITES}");
    server.set_wrapper(strace(&["-e", &only_writes, "-o", trace.to_str().unwrap()]));
    server.restart();
    if let Some(registration) = registration {
        let (_, csr) = new_key();
        registration
            .provision(&server.api(), &csr)
            .await
            .expect(201);
    }
    server.kill();
    // The trace is complete when the tracer has ended, which is right after the traced one.
    fieldgate_tests::eventually("the trace is complete", || async {
        let text = fs::read_to_string(&trace).ok()?;
        let mut by_thread: BTreeMap<&str, usize> = BTreeMap::new();
        for line in text.lines() {
            let (thread, call) = line.split_once(' ')?;
            if WRITES
                .split(',')
                .any(|name| call.trim_start().starts_with(name))
            {
                *by_thread.entry(thread).or_default() += 1;
            }
        }
        text.contains("+++ killed by SIGKILL +++")
            .then(|| by_thread.into_values().max())?
    })
    .await
}

fn serial_in(answer: &serde_json::Value) -> Option<String> {
    answer["serialNumber"].as_str().map(str::to_owned)
}

/// By which SQLite writes.
const WRITES: &str = "pwrite64,fsync,fdatasync";

const WRITES_MAX: usize = 60;

const SLED_CALLS: usize = 8;

/// Enough for each thread of sled to come to so many writes.
const SLED_TOKENS: usize = 30;
