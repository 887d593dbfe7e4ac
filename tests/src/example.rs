//! The example device as a process.

use std::io::{BufRead as _, BufReader, Read as _};
use std::path::Path;
use std::process::{Child, ExitStatus, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::thread;

use crate::binaries;
use crate::wait::PATIENCE;

/// A running example device. Ends when dropped.
#[derive(Debug)]
pub struct ExampleDevice {
    child: Child,
    lines: Receiver<String>,
}

impl ExampleDevice {
    /// Starts it with some arguments, with what it keeps in `state`.
    ///
    /// # Panics
    ///
    /// Where it cannot be run.
    #[must_use]
    pub fn start(state: &Path, arguments: &[&str]) -> Self {
        let mut child = binaries::command("fieldgate-device")
            .arg("--state")
            .arg(state)
            .args(["--interval", "1"])
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the example device can be run");
        let (said, lines) = mpsc::channel();
        let stdout = child.stdout.take().expect("it is piped");
        thread::spawn(move || {
            for line in BufReader::new(stdout).lines().map_while(Result::ok) {
                // Whether somebody still listens does not matter.
                let _ = said.send(line);
            }
        });
        Self { child, lines }
    }

    /// Waits until it says a line that begins so; false where it ends before.
    ///
    /// # Panics
    ///
    /// Where it does neither.
    #[must_use]
    pub fn says(&self, beginning: &str) -> bool {
        loop {
            match self.lines.recv_timeout(PATIENCE) {
                Ok(line) if line.trim_start().starts_with(beginning) => return true,
                Ok(_) => {}
                Err(mpsc::RecvTimeoutError::Disconnected) => return false,
                Err(mpsc::RecvTimeoutError::Timeout) => panic!("it never says {beginning:?}"),
            }
        }
    }

    /// Ends it at once.
    ///
    /// # Panics
    ///
    /// Never, in practice.
    pub fn kill(mut self) {
        self.child.kill().expect("it is a child");
        self.child.wait().expect("a killed process ends");
    }

    /// Waits for its end: how it ended, and its complaint.
    ///
    /// # Panics
    ///
    /// Where it does not end.
    #[must_use]
    pub fn ended(mut self) -> (ExitStatus, String) {
        // It closes its output when it ends.
        let ended = !self.says("never said");
        assert!(ended, "it does not end");
        let mut complaint = String::new();
        let mut stderr = self.child.stderr.take().expect("it is piped");
        stderr.read_to_string(&mut complaint).expect("it is text");
        let status = self.child.wait().expect("a child can be waited for");
        (status, complaint)
    }
}

impl Drop for ExampleDevice {
    fn drop(&mut self) {
        // It may have ended by itself.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}
