//! What those who run the server ask: whether it lives, whether it is ready, how much goes on.

use std::fmt::Write as _;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::extract::{Request, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Extension, Router, middleware};
use fieldgate_core::Fieldgate;
use fieldgate_core::service::Maintenance;
use fieldgate_http_axum::{Unlogged, framed, problem};
use fieldgate_transport_mqtt::MqttEndpoint;
use tokio::time::Instant;

use crate::connections::Connections;
use crate::mqtt_metrics;

/// What the operations endpoints tell of.
#[derive(Debug)]
pub(crate) struct Operations {
    maintenance: Maintenance,
    mqtt: Arc<MqttEndpoint>,
    connections: [(&'static str, Arc<Connections>); 2],
    draining: AtomicBool,
    /// Readiness costs a write, so that it is found out once a second at most.
    probed: tokio::sync::Mutex<Option<(Instant, bool)>>,
    requests: Requests,
}

/// Counts answers.
#[derive(Debug, Default)]
struct Requests {
    by_status: Mutex<Vec<(u16, u64)>>,
    microseconds: AtomicU64,
}

impl Operations {
    pub(crate) fn new(
        maintenance: Maintenance,
        mqtt: Arc<MqttEndpoint>,
        http: &Arc<Connections>,
        https: &Arc<Connections>,
    ) -> Arc<Self> {
        Arc::new(Self {
            maintenance,
            mqtt,
            connections: [("http", Arc::clone(http)), ("https", Arc::clone(https))],
            draining: AtomicBool::new(false),
            probed: tokio::sync::Mutex::default(),
            requests: Requests::default(),
        })
    }

    /// From now on the server is not ready any more.
    pub(crate) fn drain(&self) {
        self.draining.store(true, Ordering::Relaxed);
    }

    /// The endpoints.
    pub(crate) fn router(self: &Arc<Self>) -> Router {
        Router::new()
            .route("/healthz", get(async || (Extension(Unlogged), "ok\n")))
            .route("/readyz", get(readyz))
            .route("/metrics", get(metrics))
            .with_state(Arc::clone(self))
    }

    /// Counts what a router answers, answers what it does not, and gives every answer the API's
    /// frame.
    pub(crate) fn counted(self: &Arc<Self>, router: Router, fieldgate: &Fieldgate) -> Router {
        let router = router.fallback(nothing_here);
        let counted = router.layer(middleware::from_fn_with_state(Arc::clone(self), count));
        framed(counted, fieldgate)
    }

    async fn is_ready(&self) -> bool {
        let mut probed = self.probed.lock().await;
        if let Some((at, ready)) = *probed
            && at.elapsed() < PROBE_LIFE
        {
            return ready;
        }
        let probe = tokio::time::timeout(PROBE_TIMEOUT, self.maintenance.probe()).await;
        let ready = match probe {
            Ok(Ok(())) => true,
            Ok(Err(error)) => {
                tracing::warn!(%error, "the storage does not work");
                false
            }
            Err(_) => {
                tracing::warn!("the storage does not answer");
                false
            }
        };
        *probed = Some((Instant::now(), ready));
        ready
    }

    fn metrics(&self) -> String {
        let mut text = String::new();
        metric(&mut text, "fieldgate_info", "gauge", "The running version.");
        sample(
            &mut text,
            &format!("fieldgate_info{{version=\"{VERSION}\"}}"),
            1,
        );
        let name = "fieldgate_http_connections";
        metric(&mut text, name, "gauge", "Open HTTP connections.");
        for (listener, connections) in &self.connections {
            let count = u64::try_from(connections.count()).unwrap_or(u64::MAX);
            sample(
                &mut text,
                &format!("{name}{{listener=\"{listener}\"}}"),
                count,
            );
        }
        let name = "fieldgate_http_requests_total";
        metric(&mut text, name, "counter", "Answered HTTP requests.");
        let by_status = self.requests.lock().clone();
        for (status, count) in &by_status {
            sample(&mut text, &format!("{name}{{status=\"{status}\"}}"), *count);
        }
        let name = "fieldgate_http_request_duration_seconds";
        metric(&mut text, name, "summary", "How long answers took.");
        let seconds = Duration::from_micros(self.requests.microseconds.load(Ordering::Relaxed));
        let _ = writeln!(text, "{name}_sum {}", seconds.as_secs_f64());
        let total: u64 = by_status.iter().map(|(_, count)| count).sum();
        sample(&mut text, &format!("{name}_count"), total);
        mqtt_metrics::write(&mut text, &self.mqtt.stats());
        text
    }
}

impl Requests {
    fn note(&self, status: StatusCode, took: Duration) {
        let micros = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        self.microseconds.fetch_add(micros, Ordering::Relaxed);
        let mut by_status = self.lock();
        let status = status.as_u16();
        match by_status.binary_search_by_key(&status, |(status, _)| *status) {
            Ok(at) => by_status[at].1 += 1,
            Err(at) => by_status.insert(at, (status, 1)),
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<(u16, u64)>> {
        self.by_status
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

async fn readyz(State(operations): State<Arc<Operations>>) -> Response {
    if operations.draining.load(Ordering::Relaxed) {
        return draining();
    }
    if operations.is_ready().await {
        return (Extension(Unlogged), "ready\n").into_response();
    }
    problem(
        StatusCode::SERVICE_UNAVAILABLE,
        "unavailable",
        "the storage does not work, see the log",
    )
}

async fn nothing_here() -> Response {
    problem(
        StatusCode::NOT_FOUND,
        "not_found",
        "there is nothing at this path: the API is below /api/v1, its pages at /docs",
    )
}

fn draining() -> Response {
    let mut response = problem(
        StatusCode::SERVICE_UNAVAILABLE,
        "unavailable",
        "the server is stopping: try again in a moment",
    );
    let headers = response.headers_mut();
    headers.insert(header::RETRY_AFTER, HeaderValue::from_static("5"));
    response
}

async fn metrics(State(operations): State<Arc<Operations>>) -> impl IntoResponse {
    let content_type = [(
        header::CONTENT_TYPE,
        "text/plain; version=0.0.4; charset=utf-8",
    )];
    (Extension(Unlogged), content_type, operations.metrics())
}

async fn count(
    State(operations): State<Arc<Operations>>,
    request: Request,
    next: Next,
) -> Response {
    let begin = Instant::now();
    let stopping = operations.draining.load(Ordering::Relaxed);
    let response = if stopping && !OWN_PATHS.contains(&request.uri().path()) {
        draining()
    } else {
        next.run(request).await
    };
    operations.requests.note(response.status(), begin.elapsed());
    response
}

/// Begins a metric.
pub(crate) fn metric(text: &mut String, name: &str, kind: &str, help: &str) {
    let _ = writeln!(text, "# HELP {name} {help}\n# TYPE {name} {kind}");
}

/// Writes a value of the metric that was begun last.
pub(crate) fn sample(text: &mut String, name: &str, value: impl std::fmt::Display) {
    let _ = writeln!(text, "{name} {value}");
}

const VERSION: &str = env!("CARGO_PKG_VERSION");
const OWN_PATHS: [&str; 3] = ["/healthz", "/readyz", "/metrics"];
const PROBE_LIFE: Duration = Duration::from_secs(1);
const PROBE_TIMEOUT: Duration = Duration::from_secs(5);
