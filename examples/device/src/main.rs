//! A device that comes online by itself: key, certificate, mutual TLS, readings. Read it aloud.

mod answer;
mod measure;
mod session;
mod state;

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context as _, Result, anyhow, ensure};
use clap::Parser;
use rcgen::{CertificateParams, DistinguishedName, DnType};
use serde_json::{Value, json};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;

use crate::answer::{ask, fingerprint, http, root_of, text};
use crate::measure::{Counters, Machine};
use crate::session::{Line, Session};
use crate::state::State;

/// Registers itself once with a one-time token, then reports what it measures on this machine.
///
/// The first time, --token, --server and --ca-fingerprint are needed; afterwards what lies in
/// --state is all it takes, and the token is not touched again until the certificate is over.
#[derive(Parser)]
#[command(version)]
struct Arguments {
    /// The one-time registration token. All users of this machine see what is said as an argument:
    /// the variable is the better place
    #[arg(long, env = "FIELDGATE_TOKEN", hide_env_values = true)]
    token: Option<String>,
    /// Where the server is, for example https://localhost:8443
    #[arg(long, value_name = "URL")]
    server: Option<String>,
    /// The SHA-256 of the CA's root certificate, in hexadecimal
    #[arg(long, value_name = "HEX")]
    ca_fingerprint: Option<String>,
    /// What vouches for the server's HTTPS certificate, where that is not Fieldgate's own CA: a
    /// file of certificates in PEM, or `system`
    #[arg(long, value_name = "FILE|system")]
    server_ca: Option<String>,
    /// Where key and certificate are kept
    #[arg(long, value_name = "DIR", default_value = "./fieldgate-device")]
    state: PathBuf,
    /// How many seconds lie between two reports
    #[arg(long, value_name = "SECONDS", default_value_t = 10)]
    #[arg(value_parser = clap::value_parser!(u64).range(1..))]
    interval: u64,
    /// End once so many reports have been acknowledged
    #[arg(long, value_name = "N")]
    readings: Option<u64>,
}

#[tokio::main]
async fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let Err(error) = run(&arguments).await else {
        return ExitCode::SUCCESS;
    };
    // Whatever went wrong, the token is nobody's business.
    let line = match &arguments.token {
        Some(token) if !token.is_empty() => format!("{error:#}").replace(token, "fgt1.***"),
        _ => format!("{error:#}"),
    };
    let _ = writeln!(std::io::stderr(), "fieldgate-device: {line}");
    ExitCode::FAILURE
}

async fn run(arguments: &Arguments) -> Result<()> {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let state = State::of(&arguments.state);
    let identity = match state.identity()? {
        Some(identity) if has_token(arguments) && is_over(&identity)? => {
            say("My certificate is over: I ask for a new one, with the token.");
            provision(arguments, &state).await?
        }
        Some(identity) => {
            let until = text(&identity, "/notAfter")?;
            say(format!(
                "I have a certificate already, until {until}: no token is needed."
            ));
            identity
        }
        None => provision(arguments, &state).await?,
    };
    stay_connected(arguments, &state, &identity).await
}

fn has_token(arguments: &Arguments) -> bool {
    let token = arguments.token.as_deref();
    token.is_some_and(|token| !token.is_empty())
}

/// Whether the time of the certificate is over, as far as I know the time.
#[expect(
    clippy::disallowed_methods,
    reason = "a device has the clock of its machine"
)]
fn is_over(identity: &Value) -> Result<bool> {
    let until = OffsetDateTime::parse(text(identity, "/notAfter")?, &Rfc3339)?;
    Ok(until < OffsetDateTime::now_utc())
}

/// From a token to a certificate.
async fn provision(arguments: &Arguments, state: &State) -> Result<Value> {
    let (token, server, expected) = enrollment(arguments)?;

    say("1. I ask the server for its CA. I trust nobody yet, so I say nothing else.");
    let stranger = http().tls_danger_accept_invalid_certs(true).build()?;
    let url = format!("{server}/api/v1/ca/chain");
    let (status, chain) = ask(stranger.get(&url)).await?;
    ensure!(status.is_success(), "{url} answers {status}");
    let root = root_of(&chain)?;
    ensure!(
        fingerprint(&root) == expected,
        "the server's CA does not have the fingerprint that you gave: I stop here, and have told \
         it nothing"
    );
    say("   Its root has the right fingerprint. I talk only to servers it vouches for now.");
    let trusted = match arguments.server_ca.as_deref() {
        None => http().tls_certs_only([reqwest::Certificate::from_der(&root)?]),
        Some("system") => http(),
        Some(file) => {
            let pem = std::fs::read(file).with_context(|| format!("{file} cannot be read"))?;
            http().tls_certs_only(reqwest::Certificate::from_pem_bundle(&pem)?)
        }
    };
    let trusted = trusted.build()?;

    say("2. I make my private key and write it down. It never leaves this machine.");
    state.make()?;
    let key = state.key()?;

    say("3. I ask for a certificate for it, with the token.");
    let mut wish = CertificateParams::default();
    wish.distinguished_name = DistinguishedName::new();
    wish.distinguished_name
        .push(DnType::CommonName, "fieldgate-device");
    let csr = wish.serialize_request(&key)?.pem()?;
    let request = trusted
        .post(format!("{server}/api/v1/devices/provision"))
        .header("content-type", "application/json")
        .body(json!({"token": token, "csr": csr}).to_string());
    let (status, answer) = ask(request).await?;
    let answer: Value = serde_json::from_str(&answer)
        .with_context(|| format!("the server answers {status}, and no JSON"))?;
    if !status.is_success() {
        return Err(refusal(&answer, &arguments.state));
    }
    ensure!(
        root_of(text(&answer, "/caChain")?)? == root,
        "the certificate comes from another CA than the server's"
    );
    state.keep_identity(&answer)?;
    let (me, until) = (text(&answer, "/deviceId")?, text(&answer, "/notAfter")?);
    say(format!("   I am device {me} until {until}."));
    Ok(answer)
}

/// The three things that a device has to be told, once.
fn enrollment(arguments: &Arguments) -> Result<(&str, &str, String)> {
    let missing = |flag: &str| {
        format!(
            "{flag} is needed the first time: the operator gets it from `fieldgate-server token NAME`"
        )
    };
    let token = arguments.token.as_deref();
    let token = token.with_context(|| missing("--token"))?;
    let server = arguments.server.as_deref();
    let server = server.with_context(|| missing("--server"))?;
    ensure!(
        server.starts_with("https://"),
        "--server begins with https://"
    );
    let expected = arguments.ca_fingerprint.as_deref();
    let expected = expected.with_context(|| missing("--ca-fingerprint"))?;
    let expected = expected.replace(':', "").to_lowercase();
    ensure!(
        expected.len() == 64 && expected.bytes().all(|byte| byte.is_ascii_hexdigit()),
        "--ca-fingerprint is no SHA-256: that has 64 hexadecimal digits"
    );
    Ok((token, server.trim_end_matches('/'), expected))
}

/// What the device tells the operator when it gets no certificate.
fn refusal(problem: &Value, state: &Path) -> anyhow::Error {
    let detail = problem["detail"].as_str().unwrap_or("no reason is given");
    let code = problem["code"].as_str().unwrap_or("no code");
    match code {
        "token_used" | "token_expired" | "token_revoked" => anyhow!(
            "the server refuses: {detail} ({code}). The operator gets a new token for me by \
             `fieldgate-server token --again NAME`; start me with it, and with --state {} as \
             before: I keep my key",
            state.display()
        ),
        code => anyhow!("the server refuses: {detail} ({code})"),
    }
}

/// Connects, and does so again, a little later each time.
async fn stay_connected(arguments: &Arguments, state: &State, identity: &Value) -> Result<()> {
    let mut stopped = stop_signal()?;
    let mut progress = Progress {
        reports: 0,
        counters: Counters::open(state.directory()),
    };
    let mut pause = FIRST_PAUSE;
    loop {
        let before = progress.reports;
        let mut session = Session::open(state, identity)?;
        let ended = tokio::select! {
            talked = talk(&mut session.line, arguments, &mut progress) => talked,
            broken = &mut session.network => Err(broken.unwrap_or_else(Into::into)),
            _ = stopped.wait_for(|stop| *stop) => Ok(()),
        };
        let Err(error) = ended else {
            say("I say good-bye.");
            session.good_bye().await;
            return Ok(());
        };
        if progress.reports > before {
            pause = FIRST_PAUSE;
        }
        // All devices lose a server at one moment; they should not all come back at one.
        let wait = pause.mul_f64(0.5 + measure::random_fraction() / 2.0);
        say(format!(
            "I am offline: {error:#}. I try again in {wait:.1?}."
        ));
        pause = (pause * 2).min(LAST_PAUSE);
        tokio::select! {
            () = tokio::time::sleep(wait) => {}
            _ = stopped.wait_for(|stop| *stop) => return Ok(()),
        }
    }
}

/// How far the device has come.
struct Progress {
    reports: u64,
    counters: Counters,
}

/// What is said on a connection: who I am, what I measure, and then what I have measured.
async fn talk(line: &mut Line<'_>, arguments: &Arguments, progress: &mut Progress) -> Result<()> {
    line.subscribe("announceResult").await?;
    say("4. I am connected: the server knows me by my certificate alone.");
    line.publish("status", &json!({"status": "online"}), true)
        .await?;

    let machine = Machine::find();
    line.publish("announce", &machine.announcement(), false)
        .await?;
    let result = line.next().await?;
    say(format!("5. I have told what I measure: {}", short(&result)));

    let mut ticks = tokio::time::interval(Duration::from_secs(arguments.interval));
    loop {
        ticks.tick().await;
        let readings = machine.readings();
        let counters = &mut progress.counters;
        // They count as lost until the server has said that it has them.
        counters.begin(measure::count(&readings));
        line.publish("readings", &readings, false).await?;
        counters.stored();
        if let Some(health) = machine.health(counters) {
            line.tell("health", &health).await?;
        }
        progress.reports += 1;
        let number = progress.reports;
        say(format!(
            "   Report {number} is stored: {}",
            short(&readings)
        ));
        if arguments.readings.is_some_and(|wanted| number >= wanted) {
            return Ok(());
        }
    }
}

/// Turns true when somebody wants the device to stop.
fn stop_signal() -> Result<watch::Receiver<bool>> {
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let (stop, stopped) = watch::channel(false);
    tokio::spawn(async move {
        tokio::select! { _ = interrupt.recv() => {}, _ = terminate.recv() => {} }
        let _ = stop.send(true);
    });
    Ok(stopped)
}

fn short(value: &Value) -> String {
    let text = value.to_string();
    let end = text.char_indices().nth(SHOWN_MAX);
    end.map_or_else(|| text.clone(), |(end, _)| format!("{}…", &text[..end]))
}

fn say(line: impl AsRef<str>) {
    let _ = writeln!(std::io::stdout(), "{}", line.as_ref());
}

const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LAST_PAUSE: Duration = Duration::from_secs(60);
const SHOWN_MAX: usize = 200;
