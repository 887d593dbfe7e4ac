//! Serves: three listeners, the background work, and an end in good order.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use axum::Router;
use fieldgate_core::transport::Inbox;
use fieldgate_http_axum::{ApiOptions, router};
use rustls::crypto::CryptoProvider;
use tokio::net::TcpListener;
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::Instant;
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;

use crate::assembly::{Assembly, DevicePorts, authority, https_url};
use crate::connections::Connections;
use crate::data_dir::{DataDir, Held};
use crate::failure::Failure;
use crate::http_server::{CONNECTIONS_MAX, HttpServer};
use crate::ops::Operations;
use crate::settings::{Settings, StorageUrl};
use crate::shutdown::Signals;
use crate::tls::{self, OwnCertificate};
use crate::{api_client, background, key_files, log, print, private_file, server_calls};

/// Serves until a signal comes.
///
/// # Errors
///
/// [`Failure`] where it cannot begin, or does not end in good order.
pub(crate) async fn serve(settings: &Settings, ready_json: bool) -> Result<(), Failure> {
    log::start(settings.log_format, settings.log_level)?;
    let mut signals = Signals::take()?;
    let directory = match DataDir::hold(&settings.data_dir)? {
        Held::Here(directory) => directory,
        Held::Elsewhere => {
            return Err(Failure::runtime(format!(
                "the data directory {} is held by another process: stop it, or name another by \
                 --data-dir",
                settings.data_dir.display()
            )));
        }
    };
    raise_file_limit();
    let listeners = Listeners::bind(settings).await?;
    let assembly = Assembly::make(settings, &directory, listeners.device_ports()).await?;
    let started = Running::start(settings, &assembly, listeners);
    let running = match started {
        Ok(running) => running,
        Err(failure) => {
            assembly.storage.close().await;
            return Err(failure);
        }
    };
    warn(settings, &directory);
    let address = api_client::address_file(running.http, &running.https);
    let device_url = format!("{}\n", running.https);
    let announced = private_file::replace(&directory.address_file(), address.as_bytes())
        .and_then(|()| private_file::replace(&directory.device_url(), device_url.as_bytes()))
        .context("the addresses cannot be written to the data directory")
        .map_err(Failure::from)
        .and_then(|()| announce(settings, ready_json, &running, &assembly));
    let ended = match announced {
        Ok(()) => {
            tracing::info!(http = %running.http, https = running.https, mqtt = running.mqtt, "serving");
            running.wait(&mut signals).await
        }
        Err(failure) => Err(failure),
    };
    let stopped = tokio::select! {
        stopped = running.stop(&assembly, &directory) => stopped,
        signal = signals.next() => {
            Err(Failure::runtime(format!("a second signal ({signal}): ended at once")))
        }
    };
    ended.and(stopped)
}

/// The sockets, bound before anything else so that a free port that was picked is known.
struct Listeners {
    http: TcpListener,
    https: TcpListener,
    mqtt: TcpListener,
    addresses: [SocketAddr; 3],
}

impl Listeners {
    async fn bind(settings: &Settings) -> Result<Self, Failure> {
        let http = bind("--http-listen", settings.http_listen).await?;
        let https = bind("--https-listen", settings.https_listen).await?;
        let mqtt = bind("--mqtt-listen", settings.mqtt_listen).await?;
        let address = |listener: &TcpListener| {
            let address = listener.local_addr();
            address.context("a listener has no address")
        };
        let addresses = [address(&http)?, address(&https)?, address(&mqtt)?];
        Ok(Self {
            http,
            https,
            mqtt,
            addresses,
        })
    }

    const fn device_ports(&self) -> DevicePorts {
        let [_, https, mqtt] = self.addresses;
        DevicePorts {
            https: https.port(),
            mqtt: mqtt.port(),
        }
    }
}

async fn bind(flag: &str, address: SocketAddr) -> Result<TcpListener, Failure> {
    TcpListener::bind(address).await.map_err(|error| {
        let hint = match error.kind() {
            std::io::ErrorKind::AddrInUse => ": name another, or port 0 for a free one",
            _ => "",
        };
        Failure::runtime(format!("{flag} {address}: {error}{hint}"))
    })
}

/// What runs.
struct Running {
    http: SocketAddr,
    https: String,
    mqtt: String,
    operations: Arc<Operations>,
    /// Stops HTTPS and MQTT.
    stop: CancellationToken,
    /// Stops HTTP, which goes on for a little longer to say that the server is not ready.
    stop_http: CancellationToken,
    /// Stops the background work, which goes on until the listeners have stopped.
    stop_background: CancellationToken,
    /// In the order in which they stop; HTTP is the last one.
    listeners: Vec<(&'static str, JoinHandle<()>)>,
    background: JoinSet<()>,
}

impl Running {
    fn start(
        settings: &Settings,
        assembly: &Assembly,
        listeners: Listeners,
    ) -> Result<Self, Failure> {
        let fieldgate = &assembly.fieldgate;
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let certificate = OwnCertificate::make(fieldgate, &settings.public_hosts, &provider)?;
        let https =
            tls::https_config(&certificate, settings.https_certificate.as_ref(), &provider)?;
        let (http_connections, https_connections) = (
            Connections::new(CONNECTIONS_MAX),
            Connections::new(CONNECTIONS_MAX),
        );
        let operations = Operations::new(
            fieldgate.maintenance(),
            Arc::clone(&assembly.mqtt),
            &http_connections,
            &https_connections,
        );
        let mut options = ApiOptions::new(fieldgate);
        options.failed_per_minute = settings.failed_per_minute;
        let calls = calls(settings, assembly, &options);
        let api = router(fieldgate.clone(), options);
        let (stop, stop_http) = (CancellationToken::new(), CancellationToken::new());
        let server = |router: Router, connections: Arc<Connections>| HttpServer {
            router,
            tls: None,
            trusted_proxies: settings.trusted_proxies.clone(),
            connections,
            stop: stop_http.clone(),
        };
        let own = operations.router().merge(calls);
        let clear = operations.counted(api.clone().merge(own), fieldgate);
        let clear = server(clear, http_connections);
        let secure = HttpServer {
            tls: Some(TlsAcceptor::from(Arc::new(https))),
            stop: stop.clone(),
            ..server(operations.counted(api, fieldgate), https_connections)
        };
        let ports = listeners.device_ports();
        let [http, ..] = listeners.addresses;
        let mqtt = serve_mqtt(
            assembly,
            &certificate,
            &provider,
            listeners.mqtt,
            stop.clone(),
        )?;
        let tasks = vec![
            ("MQTT", mqtt),
            ("HTTPS", tokio::spawn(secure.serve(listeners.https))),
            ("HTTP", tokio::spawn(clear.serve(listeners.http))),
        ];
        let stop_background = CancellationToken::new();
        let mut background = JoinSet::new();
        let maintenance = || fieldgate.maintenance();
        background.spawn(background::write_seen(
            maintenance(),
            stop_background.clone(),
        ));
        background.spawn(background::purge(maintenance(), stop_background.clone()));
        background.spawn(certificate.keep_renewed(stop_background.clone()));
        Ok(Self {
            http,
            https: https_url(settings, ports.https),
            mqtt: format!("mqtts://{}", authority(settings.public_host(), ports.mqtt)),
            operations,
            stop,
            stop_http,
            stop_background,
            listeners: tasks,
            background,
        })
    }

    /// Waits for a signal, or for a listener that ends without one.
    async fn wait(&self, signals: &mut Signals) -> Result<(), Failure> {
        let mut check = tokio::time::interval(LISTENER_CHECK);
        loop {
            tokio::select! {
                signal = signals.next() => {
                    tracing::info!(signal, "stopping");
                    return Ok(());
                }
                _ = check.tick() => {
                    let ended = self.listeners.iter().find(|(_, task)| task.is_finished());
                    if let Some((name, _)) = ended {
                        return Err(Failure::runtime(format!("the {name} listener has ended")));
                    }
                }
            }
        }
    }

    /// Stops taking, finishes what is under way, disconnects the devices, closes the storage.
    async fn stop(mut self, assembly: &Assembly, directory: &DataDir) -> Result<(), Failure> {
        let deadline = Instant::now() + STOP_LISTENERS;
        self.operations.drain();
        self.stop.cancel();
        let mut late = Vec::new();
        for (name, mut task) in self.listeners {
            if name == "HTTP" {
                self.stop_http.cancel();
            }
            if tokio::time::timeout_at(deadline, &mut task).await.is_err() {
                task.abort();
                late.push(name);
            }
        }
        self.stop_background.cancel();
        let joined = async { while self.background.join_next().await.is_some() {} };
        if tokio::time::timeout(STOP_BACKGROUND, joined).await.is_err() {
            self.background.abort_all();
            late.push("background");
        }
        let closed = tokio::time::timeout(STOP_STORAGE, assembly.storage.close()).await;
        let removed = private_file::remove(&directory.address_file());
        removed.context("server.json cannot be removed")?;
        if closed.is_err() {
            return Err(Failure::runtime("the storage did not close in time"));
        }
        if !late.is_empty() {
            tracing::warn!(?late, "cut off: it did not end in time");
        }
        tracing::info!("stopped");
        Ok(())
    }
}

fn calls(settings: &Settings, assembly: &Assembly, options: &ApiOptions) -> Router {
    server_calls::router(
        assembly.storage.port(),
        settings.storage.scheme(),
        &settings.data_dir,
        options,
    )
}

fn serve_mqtt(
    assembly: &Assembly,
    certificate: &OwnCertificate,
    provider: &Arc<CryptoProvider>,
    listener: TcpListener,
    stop: CancellationToken,
) -> Result<JoinHandle<()>, Failure> {
    let fieldgate = &assembly.fieldgate;
    let tls = fieldgate_transport_mqtt::device_tls_config(
        fieldgate.ca(),
        certificate.resolver(),
        Arc::clone(provider),
        Arc::clone(fieldgate.clock()),
    );
    let tls = tls.context("the TLS of the device endpoint")?;
    let inbox: Arc<dyn Inbox> = Arc::new(fieldgate.gateway());
    let clock = Arc::clone(fieldgate.clock());
    let endpoint = Arc::clone(&assembly.mqtt);
    Ok(tokio::spawn(async move {
        endpoint
            .serve(
                listener,
                Arc::new(tls),
                inbox,
                clock,
                stop.cancelled_owned(),
            )
            .await;
    }))
}

/// Thousands of devices need thousands of descriptors; most systems give 1,024 unless asked.
fn raise_file_limit() {
    use rustix::process::{Resource, getrlimit, setrlimit};

    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    if let Err(error) = setrlimit(Resource::Nofile, limit) {
        tracing::warn!(%error, "the limit of open files stays as it is");
    }
}

fn warn(settings: &Settings, directory: &DataDir) {
    tracing::warn!(
        directory = %directory.ca().display(),
        "{}", key_files::IN_CLEAR
    );
    if matches!(settings.storage, StorageUrl::Memory) {
        tracing::warn!("the storage is memory://: everything in it is gone when the server ends");
    }
    if !settings.http_listen.ip().is_loopback() {
        tracing::warn!("the HTTP listener serves keys and tokens in clear to other machines");
    }
}

fn announce(
    settings: &Settings,
    ready_json: bool,
    running: &Running,
    assembly: &Assembly,
) -> Result<(), Failure> {
    let http = format!("http://{}", api_client::reachable(running.http));
    if ready_json {
        let ready = serde_json::json!({"http": http, "https": running.https, "mqtt": running.mqtt});
        return print(&format!("{ready}\n"));
    }
    print(&crate::banner::banner(
        settings,
        &http,
        &running.https,
        &running.mqtt,
        assembly,
    ))
}

const LISTENER_CHECK: Duration = Duration::from_secs(1);

/// Together well under the 10 seconds that a service manager waits.
const STOP_LISTENERS: Duration = Duration::from_secs(6);
const STOP_BACKGROUND: Duration = Duration::from_secs(1);
const STOP_STORAGE: Duration = Duration::from_secs(2);
