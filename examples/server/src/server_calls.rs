//! What other commands ask of the running server, because it holds the storage.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use axum::routing::post;
use fieldgate_core::storage::{Finding, ServerProof, Storage};
use fieldgate_http_axum::access::Access;
use fieldgate_http_axum::{ApiOptions, guarded, problem};
use serde_json::json;

use crate::backup_command;
use crate::progress::Progress;

/// What the calls work with.
#[derive(Debug)]
struct Calls {
    storage: Arc<dyn Storage>,
    /// The kind of storage.
    source: &'static str,
    data_dir: PathBuf,
    /// Held while one is under way: each reads all of the storage.
    busy: tokio::sync::Mutex<()>,
}

/// The calls: for keys of the server alone.
pub(crate) fn router(
    storage: Arc<dyn Storage>,
    source: &'static str,
    data_dir: &Path,
    options: &ApiOptions,
) -> Router {
    let calls = Arc::new(Calls {
        storage,
        source,
        data_dir: data_dir.to_owned(),
        busy: tokio::sync::Mutex::default(),
    });
    let router = Router::new()
        .route("/api/v1/server/backup", post(backup))
        .route("/api/v1/server/check", post(check))
        .with_state(calls);
    guarded(router, Access::Server, options)
}

/// Makes a backup in the data directory, and names the file: whoever may take it can read the
/// directory.
async fn backup(State(calls): State<Arc<Calls>>) -> Response {
    let Ok(_busy) = calls.busy.try_lock() else {
        return busy();
    };
    let made = backup_command::make(
        &*calls.storage,
        calls.source,
        &calls.data_dir,
        Progress::unseen(),
    );
    match made.await {
        Ok(path) => {
            let name = path.file_name().map(|name| name.to_string_lossy());
            axum::Json(json!({"file": name})).into_response()
        }
        Err(error) => failed("the backup", &error),
    }
}

/// Checks the storage.
async fn check(State(calls): State<Arc<Calls>>) -> Response {
    let Ok(_busy) = calls.busy.try_lock() else {
        return busy();
    };
    match calls.storage.verify(ServerProof::vouch()).await {
        Ok(findings) => {
            let findings: Vec<String> = findings.iter().map(Finding::to_string).collect();
            axum::Json(json!({"findings": findings})).into_response()
        }
        Err(error) => failed("the check", &error.into()),
    }
}

fn busy() -> Response {
    let detail = "another backup or check is under way: try again when it is done";
    problem(StatusCode::CONFLICT, "busy", detail)
}

fn failed(what: &str, error: &anyhow::Error) -> Response {
    tracing::error!(error = format!("{error:#}"), "{what} failed");
    let detail = format!("{what} failed, the server's log says why");
    problem(StatusCode::INTERNAL_SERVER_ERROR, "internal", detail)
}
