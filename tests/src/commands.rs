//! The server's program as an operator runs it, beside a server or without one.

use std::ops::Range;
use std::path::{Path, PathBuf};
use std::process::Output;

use serde_json::{Value, json};

use crate::{Server, StorageKind, binaries};

/// Readings of the sensor `level` of the component `tank`, one a second, each with its number.
#[must_use]
pub fn readings(range: Range<i64>) -> Value {
    range
        .map(|number| {
            let (minute, second) = (number / 60 % 60, number % 60);
            let time = format!(
                "2026-06-{:02}T{:02}:{minute:02}:{second:02}Z",
                1 + number / 86_400,
                number / 3600 % 24
            );
            json!({"component": "tank", "sensor": "level", "timestamp": time, "value": number})
        })
        .collect()
}

/// Runs the program on the data directory and the storage of a server.
///
/// # Panics
///
/// Where it does not start.
pub fn run(server: &Server, arguments: &[&str]) -> Output {
    run_on(server, None, arguments)
}

/// The same, on another storage where one is named.
///
/// # Panics
///
/// Where it does not start.
pub fn run_on(server: &Server, storage: Option<&str>, arguments: &[&str]) -> Output {
    let mut command = binaries::command("fieldgate-server");
    let mut own = server.storage_arguments();
    if let Some(url) = storage {
        own[3] = url.to_owned();
    }
    command
        .args(arguments)
        .args(own)
        .output()
        .expect("the program starts")
}

/// Where a storage lies in a data directory.
#[must_use]
pub fn storage_of(data_dir: &Path, storage: StorageKind) -> PathBuf {
    data_dir.join(match storage {
        StorageKind::Sled => "sled",
        _ => "fieldgate.db",
    })
}

/// What a program has complained of.
#[must_use]
pub fn complaint(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}
