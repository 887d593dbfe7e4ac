//! Runs a part of a test in a process of its own, which may be killed or traced.
//!
//! That process runs a test of the same file, which finds by [`role`] that it is the child.

use std::ffi::OsStr;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// The directory to work on and what to do, in a child process; `None` in the test that cargo runs.
pub(crate) fn role() -> Option<(PathBuf, String)> {
    let dir = std::env::var_os(DIR)?;
    Some((PathBuf::from(dir), std::env::var(TASK).unwrap()))
}

/// A command that runs only the test `name` of this file, as a child that works on `dir`.
///
/// It is run under another program, for example a tracer, if one is named with its arguments.
pub(crate) fn command(under: &[&OsStr], name: &str, dir: &Path, task: &str) -> Command {
    let test = std::env::current_exe().unwrap();
    let mut words = under.iter().copied().chain([test.as_os_str()]);
    let mut command = Command::new(words.next().unwrap());
    command
        .args(words)
        .args([name, "--exact", "--nocapture", "--test-threads=1"])
        .env(DIR, dir)
        .env(TASK, task)
        .stdin(Stdio::null())
        .stdout(Stdio::piped());
    command
}

/// Tells the parent something, in one line and one write.
pub(crate) fn say(line: &str) {
    let mut stdout = io::stdout().lock();
    stdout
        .write_all(format!("{MARK}{line}\n").as_bytes())
        .unwrap();
    stdout.flush().unwrap();
}

/// What a child has said, if it is in this line, be it its own or that of a trace.
pub(crate) fn said(line: &str) -> Option<&str> {
    let (_, said) = line.split_once(MARK)?;
    let end = said.find("\\n\"").unwrap_or(said.len());
    Some(&said[..end])
}

const DIR: &str = "FIELDGATE_SLED_TEST_DIR";
const TASK: &str = "FIELDGATE_SLED_TEST_TASK";
const MARK: &str = "child: ";
