//! The command-line tools of operators and of other people's devices.

use std::ffi::OsStr;
use std::fs;
use std::io::{ErrorKind, Write as _};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};

use crate::{Device, Server};

/// Runs `openssl` and gives what it writes to its output.
///
/// # Panics
///
/// Where it fails or is not installed.
pub fn openssl<I>(args: I) -> String
where
    I: IntoIterator,
    I::Item: AsRef<OsStr>,
{
    let output = run(command("openssl").args(args), b"");
    success("openssl", &output)
}

/// Runs `openssl` on some input, and gives both its outputs and whether it succeeded.
pub fn try_openssl<I>(args: I, input: &[u8]) -> (bool, String)
where
    I: IntoIterator,
    I::Item: AsRef<OsStr>,
{
    let output = run(command("openssl").args(args), input);
    let text = [&output.stdout[..], &output.stderr[..]].concat();
    let text = String::from_utf8_lossy(&text).into_owned();
    (output.status.success(), text)
}

/// What `openssl x509 -text` says of a certificate.
#[must_use]
pub fn describe_certificate(pem: &str) -> String {
    let (success, text) = try_openssl(["x509", "-noout", "-text"], pem.as_bytes());
    assert!(success, "openssl cannot read the certificate: {text}");
    text
}

/// The public key of a certificate in PEM.
#[must_use]
pub fn public_key(pem: &str) -> String {
    let (success, text) = try_openssl(["x509", "-noout", "-pubkey"], pem.as_bytes());
    assert!(success, "openssl cannot read the certificate: {text}");
    text
}

/// The certificates in PEM that a port of this machine presents in TLS, in its order.
#[must_use]
pub fn presented_chain(port: u16) -> Vec<String> {
    let address = format!("127.0.0.1:{port}");
    let name = ["-servername", "localhost", "-connect", &address];
    let (_, shown) = try_openssl(["s_client", "-showcerts"].iter().chain(&name), b"");
    // Behind the chain the leaf is shown once more.
    let (chain, _) = shown.split_once("Server certificate").unwrap_or_default();
    let blocks = chain.split(BEGIN).skip(1);
    blocks
        .map(|block| {
            let block = block.split(END).next().unwrap_or_default();
            format!("{BEGIN}{block}{END}\n")
        })
        .collect()
}

/// Publishes one message at QoS 1 by `mosquitto_pub`, and waits for its acknowledgement.
///
/// # Panics
///
/// Where it fails or is not installed.
pub fn mosquitto_pub(server: &Server, device: &Device, topic: &str, payload: &str) {
    let output = try_mosquitto_pub(server, device, topic, payload);
    success("mosquitto_pub", &output);
}

/// As [`mosquitto_pub`], whatever comes of it.
pub fn try_mosquitto_pub(server: &Server, device: &Device, topic: &str, payload: &str) -> Output {
    let mut publisher = mosquitto("mosquitto_pub", server, device);
    publisher.args(["-q", "1", "-t", topic, "-m", payload]);
    run(&mut publisher, b"")
}

/// A `mosquitto_sub` that holds a session until it is dropped.
#[derive(Debug)]
pub struct MosquittoSub {
    child: Child,
}

impl MosquittoSub {
    /// Subscribes a device to a topic; returns before it is connected.
    ///
    /// # Panics
    ///
    /// Where it is not installed.
    #[must_use]
    pub fn start(server: &Server, device: &Device, topic: &str) -> Self {
        let mut subscriber = mosquitto("mosquitto_sub", server, device);
        subscriber.args(["-q", "1", "-t", topic]);
        subscriber.stdin(Stdio::null()).stdout(Stdio::null());
        let child = subscriber
            .spawn()
            .unwrap_or_else(|error| missing(&subscriber, &error));
        Self { child }
    }

    /// Ends it as an operator would, by Ctrl-C: it says DISCONNECT first.
    ///
    /// # Panics
    ///
    /// Where it has ended already.
    pub fn interrupt(mut self) {
        crate::server::signal(&self.child, rustix::process::Signal::INT);
        self.child.wait().expect("it ends");
    }
}

impl Drop for MosquittoSub {
    fn drop(&mut self) {
        // It may have ended by itself.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// Runs a script by bash in a directory, with further environment variables.
#[must_use]
pub fn bash(script: &str, dir: &Path, environment: &[(&str, String)]) -> Output {
    let mut bash = command("bash");
    bash.args(["-euo", "pipefail", "-s"]).current_dir(dir);
    bash.envs(environment.iter().map(|(name, value)| (name, value)));
    run(&mut bash, script.as_bytes())
}

/// The path of the library by which a process gets another clock.
///
/// # Panics
///
/// Where it is not installed.
#[must_use]
pub fn faketime_library() -> String {
    let mut candidates = fs::read_dir("/usr/lib")
        .into_iter()
        .flatten()
        .filter_map(|entry| {
            let path = entry.ok()?.path().join("faketime/libfaketime.so.1");
            path.is_file().then(|| path.display().to_string())
        });
    candidates
        .next()
        .expect("libfaketime is not installed: run scripts/test.sh, which installs it")
}

/// `strace` as the wrapper of a program: as a grandchild of its own, so that the program stays the
/// child of the test.
#[must_use]
pub fn strace(arguments: &[&str]) -> Vec<String> {
    let always = ["strace", "-D", "-f", "-q", "-I", "1", "-o", "/dev/null"];
    let all = always.iter().chain(arguments);
    all.map(|argument| (*argument).to_owned()).collect()
}

/// What a tool wrote to its output.
///
/// # Panics
///
/// Where it has failed.
pub fn success(what: &str, output: &Output) -> String {
    let stdout = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(
        output.status.success(),
        "{what} failed ({}):\n{stdout}\n{}",
        output.status,
        String::from_utf8_lossy(&output.stderr)
    );
    stdout
}

fn mosquitto(tool: &str, server: &Server, device: &Device) -> Command {
    let mut client = command(tool);
    client
        .args(["-h", "localhost", "-p", &server.mqtt_port().to_string()])
        .args(["-i", &device.id])
        .arg("--cafile")
        .arg(device.root_file())
        .arg("--cert")
        .arg(device.certificate_file())
        .arg("--key")
        .arg(device.key_file());
    client
}

fn command(tool: &str) -> Command {
    Command::new(tool)
}

fn run(command: &mut Command, input: &[u8]) -> Output {
    command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = match command.spawn() {
        Ok(child) => child,
        Err(error) => missing(command, &error),
    };
    // A tool that fails early does not read all of it.
    let mut stdin = child.stdin.take().expect("it is piped");
    drop(stdin.write_all(input));
    drop(stdin);
    child.wait_with_output().expect("a tool ends")
}

fn missing(command: &Command, error: &std::io::Error) -> ! {
    let tool = command.get_program().display();
    assert!(
        error.kind() != ErrorKind::NotFound,
        "`{tool}` is not installed: run scripts/test.sh, which installs what the tests need"
    );
    panic!("`{tool}` cannot be run: {error}")
}

const BEGIN: &str = "-----BEGIN CERTIFICATE-----";
const END: &str = "-----END CERTIFICATE-----";
