//! What other commands ask of the running server, because it holds the storage.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use axum::Router;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::middleware::{self, Next};
use axum::response::{IntoResponse as _, Response};
use axum::routing::post;
use fieldgate_core::model::api_key::{KeyOwner, Scope};
use fieldgate_core::storage::{Finding, ServerProof, Storage};
use fieldgate_http_axum::{ApiKeyAuthenticator, Authenticator as _, problem};
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
    authenticator: ApiKeyAuthenticator,
    /// Held while one is under way: each reads all of the storage.
    busy: tokio::sync::Mutex<()>,
}

/// The calls: for keys of the server alone.
pub(crate) fn router(
    storage: Arc<dyn Storage>,
    source: &'static str,
    data_dir: &Path,
    authenticator: ApiKeyAuthenticator,
) -> Router {
    let calls = Arc::new(Calls {
        storage,
        source,
        data_dir: data_dir.to_owned(),
        authenticator,
        busy: tokio::sync::Mutex::default(),
    });
    Router::new()
        .route("/api/v1/server/backup", post(backup))
        .route("/api/v1/server/check", post(check))
        .layer(middleware::from_fn_with_state(Arc::clone(&calls), admit))
        .with_state(calls)
}

/// Lets in whoever runs the server.
async fn admit(State(calls): State<Arc<Calls>>, request: Request, next: Next) -> Response {
    let (parts, body) = request.into_parts();
    match calls.authenticator.authenticate(&parts).await {
        Ok(caller)
            if caller.owner == KeyOwner::Server && caller.scopes.contains(&Scope::Server) =>
        {
            next.run(Request::from_parts(parts, body)).await
        }
        Ok(_) => problem(
            StatusCode::FORBIDDEN,
            "scope_missing",
            "this needs a key of the server, with the scope `server`",
        ),
        Err(_) => problem(
            StatusCode::UNAUTHORIZED,
            "key_invalid",
            "this needs a key of the server",
        ),
    }
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
