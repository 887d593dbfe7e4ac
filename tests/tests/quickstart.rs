//! The quickstart where it is not as easy as on a fresh machine.

#![expect(
    clippy::unwrap_used,
    reason = "a test fails where something is not as it should be"
)]

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use fieldgate_tests::binaries::workspace;
use rustix::process::{Pid, Signal, kill_process};

#[test]
fn ports_that_are_taken_are_replaced() {
    // Where one is taken already, that serves as well.
    let _held: Vec<_> = PORTS
        .iter()
        .map(|(port, _)| TcpListener::bind(("127.0.0.1", *port)))
        .collect();
    let run = script().arg("--once").output().unwrap();
    let said = String::from_utf8_lossy(&run.stdout);
    let complaint = String::from_utf8_lossy(&run.stderr);
    assert!(run.status.success(), "{said}{complaint}");
    for (port, name) in PORTS {
        let told = format!("Port {port} ({name}) is taken");
        assert!(complaint.contains(&told), "{complaint}");
    }
    assert!(said.contains("its first reading is stored"), "{said}");
}

#[test]
fn an_interrupt_ends_everything() {
    let mut quickstart = Running(script().stdout(Stdio::piped()).spawn().unwrap());
    let child = &mut quickstart.0;
    let stdout = BufReader::new(child.stdout.take().unwrap());
    let mut directory = None;
    let mut started = Vec::new();
    for line in stdout.lines().map_while(Result::ok) {
        if let Some((_, rest)) = line.split_once("Everything it keeps lies in ") {
            directory = Some(rest.trim_end_matches('.').to_owned());
        }
        if line.starts_with("Ctrl-C ends server and device") {
            started = programs_of(child.id());
            let script = Pid::from_child(child);
            kill_process(script, Signal::INT).unwrap();
        }
    }
    assert!(child.wait().unwrap().success());
    assert_eq!(started.len(), 2, "server and device: {started:?}");
    for process in started {
        assert!(!Path::new(&format!("/proc/{process}")).exists());
    }
    assert!(!Path::new(&directory.unwrap()).exists());
}

/// A running quickstart. Ends when dropped, as by an interrupt.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        if matches!(self.0.try_wait(), Ok(None)) {
            let _ = kill_process(Pid::from_child(&self.0), Signal::INT);
            let _ = self.0.wait();
        }
    }
}

fn script() -> Command {
    let mut command = Command::new("bash");
    command
        .current_dir(workspace())
        .arg("scripts/quickstart.sh")
        .stdin(Stdio::null());
    command
}

/// The server and the device that a script has started.
fn programs_of(script: u32) -> Vec<u32> {
    let children = fs::read_to_string(format!("/proc/{script}/task/{script}/children")).unwrap();
    let children = children.split_whitespace().map(|id| id.parse().unwrap());
    children
        .filter(|id| {
            let name = fs::read_to_string(format!("/proc/{id}/comm"));
            name.is_ok_and(|name| name.starts_with("fieldgate-"))
        })
        .collect()
}

const PORTS: [(u16, &str); 3] = [(8080, "HTTP"), (8443, "HTTPS"), (8883, "MQTT")];
