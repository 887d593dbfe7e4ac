//! The quickstart where it is not as easy as on a fresh machine.

#![expect(
    clippy::unwrap_used,
    reason = "a test fails where something is not as it should be"
)]

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};

use fieldgate_tests::binaries::{command, workspace};
use fieldgate_tests::tools::success;
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
fn what_it_prints_runs_as_printed_and_an_interrupt_ends_everything() {
    let mut quickstart = Running(script().stdout(Stdio::piped()).spawn().unwrap());
    let child = &mut quickstart.0;
    let stdout = BufReader::new(child.stdout.take().unwrap());
    let mut directory = None;
    let mut commands = Vec::new();
    let mut started = Vec::new();
    for line in stdout.lines().map_while(Result::ok) {
        if let Some((_, rest)) = line.split_once("Everything it keeps lies in ") {
            directory = Some(rest.trim_end_matches('.').to_owned());
        }
        if line.starts_with("  curl ") || line.contains("fieldgate-server token ") {
            commands.push(line.trim().to_owned());
        }
        if line.starts_with("Ctrl-C ends server and device") {
            run_as_printed(&commands);
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

/// Asks for devices and readings, registers a second device and brings it online.
fn run_as_printed(commands: &[String]) {
    let [devices, readings, token] = commands else {
        panic!("{commands:?}");
    };
    let elsewhere = tempfile::tempdir().unwrap();
    let shell = |line: &str| success(line, &in_a_shell(elsewhere.path(), line));
    assert!(shell(devices).contains("greenhouse-7"));
    assert!(shell(readings).contains("timestamp"));
    let minted = shell(token);
    let (_, device) = minted.split_once("FIELDGATE_TOKEN=").unwrap();
    shell(&format!(
        "FIELDGATE_TOKEN={} --readings 1",
        device.trim_end()
    ));
    assert!(shell(devices).contains("greenhouse-8"));
}

#[test]
fn what_the_server_prints_runs_as_printed() {
    let elsewhere = tempfile::tempdir().unwrap();
    let mut server = command("fieldgate-server");
    let free = ["--http-listen", "--https-listen", "--mqtt-listen"];
    server
        .args(free.iter().flat_map(|flag| [*flag, "127.0.0.1:0"]))
        .args(["--data-dir", "data with spaces"])
        .current_dir(elsewhere.path())
        .stdout(Stdio::piped())
        .stderr(Stdio::null());
    let mut server = Running(server.spawn().unwrap());
    let stdout = BufReader::new(server.0.stdout.take().unwrap());
    let mut lines = stdout.lines().map_while(Result::ok);
    let printed = lines.find(|line| line.contains(" token greenhouse-7 "));
    let other = tempfile::tempdir().unwrap();
    let printed = printed.unwrap();
    let minted = success("token", &in_a_shell(other.path(), printed.trim()));
    assert!(minted.contains("greenhouse-7"), "{minted}");
}

/// A running quickstart or server. Ends when dropped, as by an interrupt.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        if matches!(self.0.try_wait(), Ok(None)) {
            let _ = kill_process(Pid::from_child(&self.0), Signal::INT);
            let _ = self.0.wait();
        }
    }
}

/// Runs a line as somebody pastes it into a terminal in another directory, without what a build has
/// made on the path.
fn in_a_shell(directory: &Path, line: &str) -> Output {
    let mut shell = Command::new("sh");
    shell.args(["-c", line]).current_dir(directory);
    shell.env("PATH", "/usr/local/bin:/usr/bin:/bin");
    for (variable, _) in std::env::vars_os() {
        if variable.to_string_lossy().starts_with("FIELDGATE_") {
            shell.env_remove(variable);
        }
    }
    shell.output().unwrap()
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
