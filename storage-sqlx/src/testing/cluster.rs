//! Finds the PostgreSQL server of a test run, or starts it.

use std::fs::{self, File};
use std::os::unix::process::{CommandExt as _, parent_id};
use std::path::Path;
use std::process::Command;
use std::sync::OnceLock;

/// The address of a superuser of the server that tests use: the one in
/// `FIELDGATE_TEST_POSTGRES_URL`, else one that was started for this run, and ends with it.
///
/// # Panics
///
/// Where there is none and none can be started; the message says what to do.
pub(super) fn address() -> String {
    static OWN: OnceLock<String> = OnceLock::new();
    if let Ok(address) = std::env::var("FIELDGATE_TEST_POSTGRES_URL") {
        return address;
    }
    // nextest runs each test in a process of its own: all of them share the server of the run.
    match std::env::var("NEXTEST_RUN_ID") {
        Ok(run) => OWN.get_or_init(|| shared(&run)),
        Err(_) => OWN.get_or_init(|| {
            let pid = std::process::id();
            start(&directory(&pid.to_string()), pid)
        }),
    }
    .clone()
}

/// The server of a run, which the first test starts.
fn shared(run: &str) -> String {
    let directory = directory(run);
    let lock = File::create(directory.with_extension("lock")).unwrap();
    lock.lock().unwrap();
    let known = directory.with_extension("address");
    if let Ok(address) = fs::read_to_string(&known)
        && directory.exists()
    {
        return address;
    }
    let address = start(&directory, parent_id());
    fs::write(known, &address).unwrap();
    address
}

/// Short, as the path of a socket may not have many characters.
fn directory(name: &str) -> std::path::PathBuf {
    let name: String = name.chars().filter(char::is_ascii_alphanumeric).collect();
    std::env::temp_dir().join(format!("fieldgate-pg-{}", &name[..name.len().min(16)]))
}

fn start(directory: &Path, watched: u32) -> String {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../scripts/postgres.sh");
    let started = Command::new(script)
        .arg(directory)
        .arg(watched.to_string())
        // So that what interrupts the tests lets it clean up.
        .process_group(0)
        .output()
        .unwrap();
    let errors = String::from_utf8_lossy(&started.stderr);
    assert!(
        started.status.success(),
        "no PostgreSQL for tests: {errors}"
    );
    String::from_utf8(started.stdout).unwrap().trim().to_owned()
}
