//! Runs a child under `strace`.

use std::ffi::OsStr;
use std::fs;
use std::path::Path;

use crate::child;

/// What the child `works_in_a_process_of_its_own` does on `dir`, one call of the system per line.
pub(crate) fn trace(options: &[&str], dir: &Path, task: &str) -> String {
    let out = tempfile::NamedTempFile::new().unwrap();
    let always = ["strace", "-f", "--decode-fds=path", "--seccomp-bpf"];
    let options = always.iter().chain(options).chain(&["-o"]);
    let mut under: Vec<&OsStr> = options.map(OsStr::new).collect();
    under.push(out.path().as_os_str());
    let run = child::command(&under, "works_in_a_process_of_its_own", dir, task).output();
    let run = run.unwrap_or_else(|error| {
        panic!("{error}: this test needs `strace` (on Debian: apt-get install strace)")
    });
    let said = String::from_utf8_lossy(&run.stdout);
    assert!(run.status.success(), "{said}");
    fs::read_to_string(out.path()).unwrap()
}
