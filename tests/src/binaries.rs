//! Finds the project's programs, and builds them where they are missing or out of date.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::SystemTime;

/// A command that runs a program of this workspace, without what the environment would set it to.
///
/// # Panics
///
/// As [`program`].
#[must_use]
pub fn command(name: &str) -> Command {
    command_under(&[], name)
}

/// As [`command`], with the program started by another one, for example by `strace`.
///
/// # Panics
///
/// As [`program`].
#[must_use]
pub fn command_under(wrapper: &[String], name: &str) -> Command {
    let program = program(name);
    let mut command = match wrapper {
        [] => Command::new(program),
        [outer, arguments @ ..] => {
            let mut command = Command::new(outer);
            command.args(arguments).arg(program);
            command
        }
    };
    for (variable, _) in std::env::vars_os() {
        if variable.to_string_lossy().starts_with("FIELDGATE_") {
            command.env_remove(variable);
        }
    }
    command
}

/// The path of a program of this workspace: `fieldgate-server` or `fieldgate-device`.
///
/// They lie next to the test executables. `FIELDGATE_TESTS_BIN_DIR` names another directory, whose
/// programs are taken as they are.
///
/// # Panics
///
/// Where it is not there and cannot be built.
#[must_use]
pub fn program(name: &str) -> PathBuf {
    if let Some(dir) = std::env::var_os("FIELDGATE_TESTS_BIN_DIR") {
        let path = Path::new(&dir).join(name);
        assert!(path.is_file(), "there is no {}", path.display());
        return path;
    }
    let dir = profile_dir();
    build(&dir);
    dir.join(name)
}

/// The root of the workspace.
#[must_use]
pub fn workspace() -> PathBuf {
    let package = Path::new(env!("CARGO_MANIFEST_DIR"));
    package.parent().expect("it is a member").to_owned()
}

/// `target/debug` or `target/release`, whichever the running program lies in: a test in `deps`
/// there, the benchmarks right there.
fn profile_dir() -> PathBuf {
    let program = std::env::current_exe().expect("a program has a path");
    let dir = program.parent().expect("a program lies in a directory");
    let dir = match dir.parent() {
        Some(profile) if dir.ends_with("deps") => profile,
        _ => dir,
    };
    dir.to_owned()
}

/// Builds the programs, unless that has been done since the last change of a source. One test does
/// it, the others wait for it.
fn build(dir: &Path) {
    let stamp = dir.join(".fieldgate-tests-built");
    if is_current(&stamp, dir) {
        return;
    }
    let lock = File::create(dir.join(".fieldgate-tests-lock")).expect("target is writable");
    lock.lock().expect("a lock can be taken");
    if is_current(&stamp, dir) {
        return;
    }
    let being_built = dir.join(".fieldgate-tests-building");
    fs::write(&being_built, "").expect("target is writable");
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.current_dir(workspace()).args(["build", "--locked"]);
    for name in PROGRAMS {
        cargo.args(["-p", name]);
    }
    if dir.ends_with("release") {
        cargo.arg("--release");
    }
    cargo.arg("--target-dir").arg(dir.parent().expect("target"));
    let built = cargo.output().expect("cargo can be run");
    assert!(
        built.status.success(),
        "the programs under test do not build:\n{}",
        String::from_utf8_lossy(&built.stderr)
    );
    // The time of its writing is that of the start: what changed meanwhile is built again.
    fs::rename(&being_built, &stamp).expect("target is writable");
}

fn is_current(stamp: &Path, dir: &Path) -> bool {
    let Some(built) = modified(stamp) else {
        return false;
    };
    let there = PROGRAMS.iter().all(|name| dir.join(name).is_file());
    let unchanged = SOURCES.iter().all(|source| {
        let newest = newest_change(&workspace().join(source));
        newest.is_none_or(|newest| newest < built)
    });
    there && unchanged
}

fn newest_change(path: &Path) -> Option<SystemTime> {
    if path.is_file() {
        return modified(path);
    }
    let entries = fs::read_dir(path).ok()?;
    entries
        .filter_map(|entry| newest_change(&entry.ok()?.path()))
        .max()
}

fn modified(path: &Path) -> Option<SystemTime> {
    fs::metadata(path).ok()?.modified().ok()
}

const PROGRAMS: [&str; 2] = ["fieldgate-server", "fieldgate-device"];

/// What the programs are made of.
const SOURCES: [&str; 15] = [
    "Cargo.lock",
    "Cargo.toml",
    "core/Cargo.toml",
    "core/src",
    "storage-sled/Cargo.toml",
    "storage-sled/src",
    "storage-sqlx",
    "transport-mqtt/Cargo.toml",
    "transport-mqtt/src",
    "http-axum/Cargo.toml",
    "http-axum/src",
    "examples/server/Cargo.toml",
    "examples/server/src",
    "examples/device/Cargo.toml",
    "examples/device/src",
];
