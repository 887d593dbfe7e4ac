//! Provisioning over HTTP, the token consumed and the certificate on record, beside the bare call
//! that signs a certificate.

use std::sync::Arc;
use std::time::{Duration, Instant};

use fieldgate_tests::{Api, Registration, Server, StorageKind, csr};
use rcgen::{
    BasicConstraints, CertificateParams, CertificateSigningRequestParams, CertifiedIssuer, IsCa,
    KeyPair,
};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use crate::{Extent, median, per_second};

const REQUESTS: usize = 500;
const CONCURRENT: usize = 64;

/// Measures, and prints a table.
pub(crate) async fn run(extent: Extent) {
    let Extent { rounds, share } = extent;
    let count = REQUESTS / share;
    println!("\nprovision: {count} requests with P-256 keys on SQLite, {rounds} rounds");
    let requests: Vec<String> = (0..count).map(|_| csr::new_key().1).collect();
    let (mut bare, mut alone, mut together) = (Vec::new(), Vec::new(), Vec::new());
    for round in 0..rounds {
        bare.push(micros(bare_call(&requests)));
        let (single, all) = over_http(&requests).await;
        alone.push(micros(single));
        together.push(per_second(count, all));
        println!("  round {} of {rounds} done", round + 1);
    }
    let (bare, alone, together) = (median(bare), median(alone), median(together));
    println!("  | what | time | of the bare call |");
    println!("  |---|---|---|");
    println!("  | bare rcgen: read the request, sign | {bare:.0} us | 1.0 |");
    println!(
        "  | HTTP, one client, durable: median | {alone:.0} us | {:.1} |",
        alone / bare
    );
    println!(
        "  | HTTP, {CONCURRENT} clients, durable: per request | {:.0} us ({together:.0} per second) \
         | {:.1} |",
        1e6 / together,
        1e6 / together / bare
    );
}

/// The median time of reading a request and signing a certificate for its key.
fn bare_call(requests: &[String]) -> Duration {
    let mut params = CertificateParams::default();
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    let key = KeyPair::generate().expect("a key");
    let issuer = CertifiedIssuer::self_signed(params, key).expect("an issuer");
    let mut times = Vec::with_capacity(requests.len());
    for request in requests {
        let start = Instant::now();
        let read = CertificateSigningRequestParams::from_pem(request).expect("a request");
        let params = CertificateParams::default();
        let certificate = params.signed_by(&read.public_key, &issuer);
        drop(certificate.expect("a certificate").pem());
        times.push(start.elapsed());
    }
    times.sort();
    times[times.len() / 2]
}

/// The median latency of one client, and the time that all requests take with many clients.
async fn over_http(requests: &[String]) -> (Duration, Duration) {
    let server = Server::start(StorageKind::Sqlite);
    let operator = server.api();
    let device = operator.without_key();

    let mut times = Vec::new();
    for (number, request) in requests.iter().enumerate() {
        let registration = Registration::new(&operator, &format!("alone-{number}")).await;
        let start = Instant::now();
        provision(&device, &registration, request).await;
        times.push(start.elapsed());
    }
    times.sort();
    let alone = times[times.len() / 2];

    // New keys, since a key belongs to one device.
    let mut prepared = Vec::new();
    for number in 0..requests.len() {
        let registration = Registration::new(&operator, &format!("together-{number}")).await;
        prepared.push((registration, csr::new_key().1));
    }
    let gate = Arc::new(Semaphore::new(CONCURRENT));
    let start = Instant::now();
    let mut tasks = JoinSet::new();
    for (registration, request) in prepared {
        let (gate, device) = (Arc::clone(&gate), device.clone());
        tasks.spawn(async move {
            let _permit = gate.acquire().await.expect("it is open");
            provision(&device, &registration, &request).await;
        });
    }
    tasks.join_all().await;
    (alone, start.elapsed())
}

async fn provision(api: &Api, registration: &Registration, request: &str) {
    registration.provision(api, request).await.expect(201);
}

fn micros(time: Duration) -> f64 {
    time.as_secs_f64() * 1e6
}
