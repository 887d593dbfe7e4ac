//! Runs a child under `strace`.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::process::ExitStatusExt as _;
use std::path::Path;

use crate::child;

/// What the test `test` does as a child on `dir`, one call of the system per line.
///
/// Not with `--seccomp-bpf`, under which the tracer injects no signals, and errors only into calls
/// that are traced too.
pub(crate) fn trace(test: &str, options: &[&str], dir: &Path, task: &str) -> String {
    let out = tempfile::NamedTempFile::new().unwrap();
    let fault = options.iter().find(|option| option.contains("--inject="));
    let kills = fault.is_some_and(|fault| fault.contains("signal=KILL"));
    let always = ["strace", "-f", "--decode-fds=path"];
    let options = always.iter().chain(options).chain(&["-o"]);
    let mut under: Vec<&OsStr> = options.map(OsStr::new).collect();
    under.push(out.path().as_os_str());
    let run = child::command(&under, test, dir, task).output();
    let run = run.unwrap_or_else(|error| {
        panic!("{error}: this test needs `strace` (on Debian: apt-get install strace)")
    });
    let said = String::from_utf8_lossy(&run.stdout);
    // A child that was to be killed is killed; no other may fail.
    let killed = run.status.signal() == Some(SIGKILL);
    assert_eq!(killed, kills, "{fault:?}: {said}");
    assert!(killed || run.status.success(), "{said}");
    let trace = fs::read_to_string(out.path()).unwrap();
    // A fault that did not happen would prove nothing.
    let happened = kills || trace.contains("(INJECTED)") || trace.contains("(DELAYED)");
    assert!(fault.is_none() || happened, "{fault:?} did not happen");
    trace
}

const SIGKILL: i32 = 9;
