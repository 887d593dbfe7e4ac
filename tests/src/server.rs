//! The server as a process.

use std::fs::{self, File};
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ExitStatus, Stdio};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;

use fieldgate_storage_sqlx::testing::{LossyProxy, TestCluster, TestDatabase};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::wait::PATIENCE;
use crate::{Api, binaries, postgres, tools};

/// A storage of the server.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum StorageKind {
    /// Forgets all when the process ends.
    Memory,
    /// A database of its own in the PostgreSQL server of the test run.
    Postgres,
    /// One directory, pure Rust.
    Sled,
    /// One file; the default.
    Sqlite,
}

/// How a server is to be started.
#[derive(Clone, Debug)]
pub struct ServerOptions {
    /// On which storage.
    pub storage: StorageKind,
    /// Further arguments.
    pub arguments: Vec<String>,
    /// Further environment variables.
    pub environment: Vec<(String, String)>,
    /// A program, with its arguments, that is to start the server.
    pub wrapper: Vec<String>,
    /// Whether answers of its PostgreSQL can be lost.
    pub may_lose_answers: bool,
}

impl From<StorageKind> for ServerOptions {
    fn from(storage: StorageKind) -> Self {
        Self {
            storage,
            arguments: Vec::new(),
            environment: Vec::new(),
            wrapper: Vec::new(),
            may_lose_answers: false,
        }
    }
}

/// A running server with a data directory of its own, on loopback. Ends when dropped.
#[derive(Debug)]
pub struct Server {
    options: ServerOptions,
    directory: TempDir,
    database: Option<TestDatabase>,
    proxy: Option<LossyProxy>,
    child: Child,
    ports: Ports,
}

#[derive(Clone, Copy, Debug, Default)]
struct Ports {
    http: u16,
    https: u16,
    mqtt: u16,
}

impl Server {
    /// Starts a server on a new data directory and on free ports, and waits until it serves.
    ///
    /// # Panics
    ///
    /// Where it does not come to serve.
    #[must_use]
    pub fn start(options: impl Into<ServerOptions>) -> Self {
        let options = options.into();
        let database = options.storage.database();
        Self::start_with(options, database)
    }

    /// Starts a server on a PostgreSQL of the test's own.
    ///
    /// # Panics
    ///
    /// Where it does not come to serve.
    #[must_use]
    pub fn start_on(cluster: &TestCluster) -> Self {
        let database = postgres::database_on(cluster);
        Self::start_with(StorageKind::Postgres.into(), Some(database))
    }

    fn start_with(options: ServerOptions, database: Option<TestDatabase>) -> Self {
        let directory = TempDir::with_prefix("fieldgate-").expect("a temporary directory");
        let proxy = database.as_ref().filter(|_| options.may_lose_answers);
        let proxy = proxy.map(|database| LossyProxy::before(database, directory.path()));
        let storage = match &proxy {
            Some(proxy) => proxy.url().to_owned(),
            None => options.storage.url(directory.path(), database.as_ref()),
        };
        match launch(&options, &storage, directory.path(), Ports::default()) {
            Ok((child, ports)) => Self {
                options,
                directory,
                database,
                proxy,
                child,
                ports,
            },
            Err(failure) => panic!("the server does not start: {failure}"),
        }
    }

    /// Starts the server, which has ended, again: on the same data directory and ports.
    ///
    /// # Panics
    ///
    /// Where it does not come to serve.
    pub fn restart(&mut self) {
        if let Err(failure) = self.try_restart() {
            panic!("the server does not start again: {failure}");
        }
    }

    /// From the next start on the server's clock is so many seconds ahead of the true time.
    ///
    /// # Panics
    ///
    /// Where libfaketime is not installed.
    pub fn set_clock_ahead(&mut self, seconds: u32) {
        let environment = &mut self.options.environment;
        environment.retain(|(name, _)| !FAKETIME.contains(&name.as_str()));
        if seconds > 0 {
            let values = [
                tools::faketime_library(),
                format!("+{seconds}s"),
                "1".to_owned(),
            ];
            let names = FAKETIME.map(str::to_owned);
            environment.extend(names.into_iter().zip(values));
        }
    }

    /// From the next start on the server is started by another program; by none if empty.
    pub fn set_wrapper(&mut self, wrapper: Vec<String>) {
        self.options.wrapper = wrapper;
    }

    /// As [`Server::restart`], but says what is wrong where it does not come to serve.
    ///
    /// # Errors
    ///
    /// What it wrote before it ended.
    pub fn try_restart(&mut self) -> Result<(), String> {
        assert_ne!(self.options.storage, StorageKind::Memory, "it forgets all");
        self.kill();
        let storage = self.storage_url();
        let (child, ports) = launch(&self.options, &storage, self.directory.path(), self.ports)?;
        self.child = child;
        self.ports = ports;
        Ok(())
    }

    /// Ends the process at once, by SIGKILL, and waits for its end.
    ///
    /// # Panics
    ///
    /// Never, in practice.
    pub fn kill(&mut self) {
        // It may have ended by itself.
        drop(self.child.kill());
        self.child.wait().expect("a killed process ends");
    }

    /// Asks the process to end, by SIGTERM.
    ///
    /// # Panics
    ///
    /// Where it has ended already.
    pub fn terminate(&self) {
        signal(&self.child, Signal::TERM);
    }

    /// Waits for the end of the process.
    ///
    /// # Panics
    ///
    /// Where it does not end.
    pub async fn ended(&mut self) -> ExitStatus {
        let child = std::sync::Mutex::new(&mut self.child);
        crate::eventually("the server ends", || {
            let status = child.lock().expect("no panic").try_wait();
            async { status.expect("a child can be waited for") }
        })
        .await
    }

    /// The API as the operator of the first organization uses it, over plain HTTP.
    #[must_use]
    pub fn api(&self) -> Api {
        Api::new(self.http_url()).with_key(self.admin_key())
    }

    /// The API as whoever runs the server uses it.
    #[must_use]
    pub fn server_api(&self) -> Api {
        Api::new(self.http_url()).with_key(self.server_api_key())
    }

    /// The key of whoever runs the server.
    #[must_use]
    pub fn server_api_key(&self) -> String {
        self.secret_file("server.key")
    }

    /// Makes a second organization, and gives the API as its operator uses it.
    ///
    /// # Panics
    ///
    /// Where that is refused.
    pub async fn second_organization(&self) -> Api {
        let server = self.server_api();
        let body = json!({ "slug": "second", "name": "The second" });
        let organization = server
            .post("/api/v1/organizations", &body)
            .await
            .expect(201);
        let key = organization["adminKey"]
            .as_str()
            .expect("the key is shown once");
        Api::new(self.http_url()).with_key(key)
    }

    /// The API over HTTPS, with nothing but the root trusted and no key.
    pub async fn https_api(&self) -> Api {
        let root = self.root_pem().await;
        Api::over_tls(self.https_url(), &root)
    }

    /// The key of the first organization's operator.
    #[must_use]
    pub fn admin_key(&self) -> String {
        self.secret_file("admin.key")
    }

    /// The root of the CA in PEM, as the server gives it out.
    pub async fn root_pem(&self) -> String {
        let chain = Api::new(self.http_url()).get("/api/v1/ca/chain").await;
        let chain = chain.expect_text(200);
        crate::tls::split_pem(&chain)
            .pop()
            .expect("the root comes last")
    }

    /// A figure of `/metrics`.
    ///
    /// # Panics
    ///
    /// Where there is none of this name.
    pub async fn metric(&self, name: &str) -> usize {
        let metrics = Api::new(self.http_url())
            .get("/metrics")
            .await
            .expect_text(200);
        let mut values = metrics
            .lines()
            .filter_map(|line| line.strip_prefix(name)?.trim().parse().ok());
        values
            .next()
            .unwrap_or_else(|| panic!("no {name} in\n{metrics}"))
    }

    /// `http://127.0.0.1:…`
    #[must_use]
    pub fn http_url(&self) -> String {
        format!("http://127.0.0.1:{}", self.ports.http)
    }

    /// `https://localhost:…`
    #[must_use]
    pub fn https_url(&self) -> String {
        format!("https://localhost:{}", self.ports.https)
    }

    /// The port of the plain HTTP listener.
    #[must_use]
    pub const fn http_port(&self) -> u16 {
        self.ports.http
    }

    /// The port of the HTTPS listener.
    #[must_use]
    pub const fn https_port(&self) -> u16 {
        self.ports.https
    }

    /// The port of the device endpoint.
    #[must_use]
    pub const fn mqtt_port(&self) -> u16 {
        self.ports.mqtt
    }

    /// The number of the process.
    #[must_use]
    pub fn process_id(&self) -> u32 {
        self.child.id()
    }

    /// Ends the process that traces this one, if there is one; this one goes on.
    ///
    /// # Panics
    ///
    /// Where it does not end.
    pub async fn end_tracing(&self) {
        let status = format!("/proc/{}/status", self.child.id());
        let tracer = || {
            let status = fs::read_to_string(&status).expect("the server is there");
            let line = status
                .lines()
                .find_map(|line| line.strip_prefix("TracerPid:"));
            Pid::from_raw(line.and_then(|line| line.trim().parse().ok()).unwrap_or(0))
        };
        if let Some(tracer) = tracer() {
            kill_process(tracer, Signal::TERM).expect("it has not ended");
        }
        crate::eventually("nobody traces it", || async {
            tracer().is_none().then_some(())
        })
        .await;
    }

    /// A directory for the test's own files, which goes when the server goes.
    ///
    /// # Panics
    ///
    /// Where it cannot be written.
    #[must_use]
    pub fn scratch(&self) -> PathBuf {
        let scratch = self.directory.path().join("scratch");
        fs::create_dir_all(&scratch).expect("a temporary directory is writable");
        scratch
    }

    /// Where the server keeps all that it keeps.
    #[must_use]
    pub fn data_dir(&self) -> PathBuf {
        data_dir(self.directory.path())
    }

    /// The arguments that name its data directory and its storage.
    #[must_use]
    pub fn storage_arguments(&self) -> Vec<String> {
        storage_arguments(&self.storage_url(), &self.data_dir())
    }

    /// The password of the database, and all that is stored in it, where it has one.
    #[must_use]
    pub fn database(&self) -> Option<(&'static str, String)> {
        self.database.as_ref().map(postgres::content)
    }

    /// Puts a new database, which is empty, in the place of its own.
    pub fn renew_database(&mut self) {
        self.database = self.options.storage.database();
    }

    /// Changes its database behind its back.
    ///
    /// # Panics
    ///
    /// Where it has no database of its own.
    pub fn change_database(&self, statements: &str) {
        let database = self.database.as_ref().expect("it has a database");
        postgres::change(database, statements);
    }

    /// How many octets its database takes, where it has one of its own.
    #[must_use]
    pub fn database_size(&self) -> Option<u64> {
        self.database.as_ref().map(postgres::size)
    }

    /// What is between it and its database, and loses answers.
    ///
    /// # Panics
    ///
    /// Where it was not started for that.
    #[must_use]
    pub fn proxy(&self) -> &LossyProxy {
        let proxy = self.proxy.as_ref();
        proxy.expect("it was started with `may_lose_answers`")
    }

    fn storage_url(&self) -> String {
        if let Some(proxy) = &self.proxy {
            return proxy.url().to_owned();
        }
        let kind = self.options.storage;
        kind.url(self.directory.path(), self.database.as_ref())
    }

    /// What the server has written to its outputs.
    ///
    /// # Panics
    ///
    /// Where it cannot be read.
    #[must_use]
    pub fn log(&self) -> String {
        let log = fs::read(log_file(self.directory.path())).expect("the log is there");
        String::from_utf8_lossy(&log).into_owned()
    }

    fn secret_file(&self, name: &str) -> String {
        let path = self.data_dir().join(name);
        let text = fs::read_to_string(&path)
            .unwrap_or_else(|error| panic!("{} cannot be read: {error}", path.display()));
        text.trim().to_owned()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.kill();
        if thread::panicking() {
            show_log(self.directory.path());
        }
    }
}

/// Sends a signal to a process that was started here.
///
/// # Panics
///
/// Where it has ended already.
pub fn signal(child: &Child, signal: Signal) {
    let pid = i32::try_from(child.id()).ok().and_then(Pid::from_raw);
    kill_process(pid.expect("a process has a number"), signal).expect("it has not ended");
}

fn launch(
    options: &ServerOptions,
    storage: &str,
    directory: &Path,
    ports: Ports,
) -> Result<(Child, Ports), String> {
    let log_path = log_file(directory);
    let log = File::options().create(true).append(true).open(&log_path);
    let mut log = log.expect("the log is writable");
    let data_dir = data_dir(directory);
    let address = |port: u16| format!("127.0.0.1:{port}");
    let mut command = binaries::command_under(&options.wrapper, "fieldgate-server");
    command
        .arg("--ready-json")
        .args(storage_arguments(storage, &data_dir))
        .args(["--http-listen", &address(ports.http)])
        .args(["--https-listen", &address(ports.https)])
        .args(["--mqtt-listen", &address(ports.mqtt)])
        .args(&options.arguments)
        .envs(
            options
                .environment
                .iter()
                .map(|(name, value)| (name, value)),
        )
        .current_dir(directory)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(log.try_clone().expect("a file can be shared"));
    let mut child = command.spawn().map_err(|error| error.to_string())?;
    let stdout = child.stdout.take().expect("it is piped");
    let (ready, is_ready) = mpsc::channel();
    thread::spawn(move || {
        for line in BufReader::new(stdout).lines().map_while(Result::ok) {
            if let Some(ports) = Ports::parse(&line) {
                // Nobody waits for a second one.
                let _ = ready.send(ports);
            }
            drop(writeln!(log, "{line}"));
        }
    });
    match is_ready.recv_timeout(PATIENCE) {
        Ok(ports) => Ok((child, ports)),
        Err(failure) => {
            drop(child.kill());
            let status = child.wait().expect("a killed process ends");
            let why = match failure {
                RecvTimeoutError::Disconnected => "it ended",
                RecvTimeoutError::Timeout => "it never said that it was ready",
            };
            let log = fs::read_to_string(&log_path).unwrap_or_default();
            Err(format!("{why} ({status})\n{log}"))
        }
    }
}

impl Ports {
    /// Reads the line by which the server says that it serves.
    fn parse(line: &str) -> Option<Self> {
        let ready: Value = serde_json::from_str(line).ok()?;
        let port = |name: &str, scheme: &str| -> Option<u16> {
            let url = ready.get(name)?.as_str()?.strip_prefix(scheme)?;
            url.trim_end_matches('/').rsplit(':').next()?.parse().ok()
        };
        Some(Self {
            http: port("http", "http://")?,
            https: port("https", "https://")?,
            mqtt: port("mqtt", "mqtts://")?,
        })
    }
}

impl StorageKind {
    fn database(self) -> Option<TestDatabase> {
        (self == Self::Postgres).then(postgres::database)
    }

    fn url(self, directory: &Path, database: Option<&TestDatabase>) -> String {
        let data_dir = data_dir(directory);
        match self {
            Self::Memory => "memory://".to_owned(),
            Self::Postgres => database.expect("it has one").url(),
            Self::Sled => format!("sled://{}", data_dir.join("sled").display()),
            Self::Sqlite => format!("sqlite://{}", data_dir.join("fieldgate.db").display()),
        }
    }
}

fn storage_arguments(storage: &str, data_dir: &Path) -> Vec<String> {
    let data_dir = data_dir.display().to_string();
    vec![
        "--data-dir".to_owned(),
        data_dir,
        "--storage".to_owned(),
        storage.to_owned(),
    ]
}

fn data_dir(directory: &Path) -> PathBuf {
    directory.join("data")
}

fn log_file(directory: &Path) -> PathBuf {
    directory.join("server.log")
}

#[expect(
    clippy::print_stderr,
    reason = "the test runner shows it with the failure"
)]
fn show_log(directory: &Path) {
    let log = fs::read(log_file(directory)).unwrap_or_default();
    let log = String::from_utf8_lossy(&log);
    let skipped = log.lines().count().saturating_sub(LOG_LINES_SHOWN);
    eprintln!("---- the server's last words ----");
    for line in log.lines().skip(skipped) {
        eprintln!("{line}");
    }
}

const FAKETIME: [&str; 3] = ["LD_PRELOAD", "FAKETIME", "FAKETIME_DONT_FAKE_MONOTONIC"];

const LOG_LINES_SHOWN: usize = 25;
