//! `fieldgate-server check`: looks the whole storage over.

use std::fmt::Write as _;
use std::io::Write as _;

use anyhow::Context as _;
use fieldgate_core::storage::{FINDINGS_MAX, ServerProof};
use serde_json::Value;

use crate::api_client::ApiClient;
use crate::data_dir::{self, DataDir, Held};
use crate::failure::Failure;
use crate::key_files;
use crate::print;
use crate::settings::Settings;
use crate::storage::OpenStorage;

/// Checks the storage and prints what is wrong. To standard error goes what is as it is meant to be,
/// and a danger all the same.
///
/// # Errors
///
/// [`Failure`] where something is wrong, or where it cannot be checked.
pub(crate) async fn check(settings: &Settings) -> Result<(), Failure> {
    let findings = match DataDir::hold_present(&settings.data_dir)? {
        Held::Elsewhere => by_server(settings).await?,
        Held::Here(_directory) => {
            let storage = OpenStorage::open_whole(settings).await?;
            let found = storage.port().verify(ServerProof::vouch()).await;
            storage.close().await;
            let found = found.context("the storage cannot be checked")?;
            found.iter().map(ToString::to_string).collect()
        }
    };
    let ca = data_dir::ca(&settings.data_dir);
    if ca.exists() {
        let mut stderr = std::io::stderr().lock();
        let at = ca.display();
        let _ = writeln!(stderr, "warning: {} ({at})", key_files::IN_CLEAR);
    }
    if findings.is_empty() {
        return print(&format!(
            "{}: nothing is wrong\n",
            settings.storage.masked()
        ));
    }
    let mut text = String::new();
    for finding in &findings {
        let _ = writeln!(text, "{finding}");
    }
    print(&text)?;
    let more = if findings.len() >= FINDINGS_MAX {
        "at least "
    } else {
        ""
    };
    Err(Failure::runtime(format!(
        "{more}{} thing(s) are wrong in {}: the rest can be read; restore a backup, or report it",
        findings.len(),
        settings.storage.masked()
    )))
}

async fn by_server(settings: &Settings) -> anyhow::Result<Vec<String>> {
    let key = data_dir::server_key(&settings.data_dir);
    let client = ApiClient::find_as(&settings.data_dir, &key)?;
    let answer = client.work("/api/v1/server/check").await?.success()?;
    let findings = answer.get("findings").and_then(Value::as_array);
    let findings = findings.context("the answer has no findings")?;
    let texts = findings.iter().filter_map(Value::as_str);
    Ok(texts.map(str::to_owned).collect())
}
