//! A PostgreSQL server for tests: that of the whole run, or one of a test's own.

use std::fs::{self, File};
use std::os::unix::process::{CommandExt as _, parent_id};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

/// A PostgreSQL server of a test's own, which may be set up in its own way, and stopped and started
/// again. It ends with the process of the test.
#[derive(Debug)]
pub struct TestCluster {
    directory: PathBuf,
    address: String,
}

impl TestCluster {
    /// Starts one, with further lines of its configuration.
    ///
    /// # Panics
    ///
    /// Where PostgreSQL is not installed, or does not start.
    #[must_use]
    pub fn start(settings: &[&str]) -> Self {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let pid = std::process::id();
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let directory = directory(&format!("{pid}x{number}"));
        let address = start(&directory, pid, settings);
        Self { directory, address }
    }

    /// The address of its superuser.
    pub(super) fn address(&self) -> &str {
        &self.address
    }

    /// Where its files lie.
    #[must_use]
    pub fn data(&self) -> PathBuf {
        self.directory.join("data")
    }

    /// Stops it in good order: what is under way is broken off.
    ///
    /// # Panics
    ///
    /// Where it does not stop.
    pub fn stop(&self) {
        run(&self.directory, &["stop"]);
    }

    /// Stops it at once, so that it has to recover when it starts again.
    ///
    /// # Panics
    ///
    /// Where it does not stop.
    pub fn crash(&self) {
        run(&self.directory, &["crash"]);
    }

    /// Starts it again.
    ///
    /// # Panics
    ///
    /// Where it does not start.
    pub fn restart(&self) {
        run(&self.directory, &["start"]);
    }
}

/// The address of a superuser of the server that tests share: the one in
/// `FIELDGATE_TEST_POSTGRES_URL`, else one that was started for this run, and ends with it.
///
/// # Panics
///
/// Where there is none and none can be started; the message says what to do.
pub fn address() -> String {
    static OWN: OnceLock<String> = OnceLock::new();
    if let Ok(address) = std::env::var("FIELDGATE_TEST_POSTGRES_URL") {
        return address;
    }
    // nextest runs each test in a process of its own: all of them share the server of the run.
    match std::env::var("NEXTEST_RUN_ID") {
        Ok(run) => OWN.get_or_init(|| shared(&run)),
        Err(_) => OWN.get_or_init(|| {
            let pid = std::process::id();
            start(&directory(&pid.to_string()), pid, &[])
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
    let address = start(&directory, parent_id(), &[]);
    fs::write(known, &address).unwrap();
    address
}

/// Short, as the path of a socket may not have many characters.
fn directory(name: &str) -> PathBuf {
    let name: String = name.chars().filter(char::is_ascii_alphanumeric).collect();
    std::env::temp_dir().join(format!("fieldgate-pg-{}", &name[..name.len().min(16)]))
}

/// The address of one that ends with a process.
fn start(directory: &Path, watched: u32, settings: &[&str]) -> String {
    let watched = watched.to_string();
    run(directory, &[&[watched.as_str()], settings].concat())
}

/// What the script says.
fn run(directory: &Path, arguments: &[&str]) -> String {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../scripts/postgres.sh");
    let done = Command::new(script)
        .arg(directory)
        .args(arguments)
        // So that what interrupts the tests lets it clean up.
        .process_group(0)
        .output()
        .unwrap();
    let errors = String::from_utf8_lossy(&done.stderr);
    assert!(
        done.status.success(),
        "no PostgreSQL for tests: {arguments:?}: {errors}"
    );
    String::from_utf8(done.stdout).unwrap().trim().to_owned()
}
