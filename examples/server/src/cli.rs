//! The command line.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

use crate::failure::Failure;
use crate::settings::{Given, Layer, Origin, Settings, Sources, layer};

/// Registers devices, gives them certificates, and takes in what they report.
///
/// Every setting can be given as a flag, as a variable of the environment, or in a TOML file that
/// --config names; a flag is stronger than a variable, a variable stronger than the file.
#[derive(Debug, Parser)]
#[command(name = "fieldgate-server", version, after_help = EXAMPLES)]
pub(crate) struct Cli {
    /// What to do; `serve` if nothing is said.
    #[command(subcommand)]
    pub(crate) command: Option<Command>,

    /// A TOML file of settings; its keys are the flags' names with `_` for `-` [env:
    /// FIELDGATE_CONFIG]
    #[arg(long, value_name = "FILE", global = true)]
    pub(crate) config: Option<PathBuf>,

    /// Print one line of JSON with the addresses once it serves, for programs, and no key: the banner
    /// in its place shows the first key once, on a terminal only; `admin.key` in the data directory
    /// has it
    #[arg(long, global = true)]
    pub(crate) ready_json: bool,

    #[command(flatten)]
    pub(crate) flags: Flags,

    #[command(flatten)]
    not_yet: NotYet,
}

/// What the program can do.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Serve until SIGTERM or Ctrl-C (this is what happens without a command)
    Serve,
    /// Register a device and mint the token by which it comes online
    Token(Token),
    /// Show the CA
    #[command(subcommand)]
    Ca(Ca),
    /// Write all records to one file, while the server runs or not
    Backup(Backup),
    /// Put all records of a backup into an empty storage; the server has to be stopped
    Restore(Restore),
    /// Copy all records into another, empty storage; the server has to be stopped
    Migrate(Migrate),
    /// Look the whole storage over, while the server runs or not
    Check,
    /// Show all settings, their values and where these come from; secrets are masked
    Config,
}

/// Which token to mint.
#[derive(Args, Debug)]
pub(crate) struct Token {
    /// The name of the device, unique in the organization
    #[arg(value_name = "NAME")]
    pub(crate) name: String,

    /// The device is registered already: mint a new token for it, and revoke its open one
    #[arg(long)]
    pub(crate) again: bool,

    /// How long the token is good for: 60 seconds to 30 days (24 hours if nothing is said)
    #[arg(long, value_name = "SECONDS")]
    pub(crate) expires_in: Option<u64>,

    /// Where the device reaches the server (where it was last ready if nothing is said)
    #[arg(long, value_name = "URL", value_parser = server_url)]
    pub(crate) server: Option<String>,
}

/// A URL that can stand in a shell as it is.
fn server_url(text: &str) -> Result<String, &'static str> {
    let rest = text.strip_prefix("https://").unwrap_or_default();
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b".:-[]/_".contains(&byte);
    if rest.is_empty() || !rest.bytes().all(is_plain) {
        return Err("it is a URL such as https://gate.example.org:8443");
    }
    Ok(text.trim_end_matches('/').to_owned())
}

/// How to make a backup.
#[derive(Args, Debug)]
pub(crate) struct Backup {
    /// Where to write it; a file that is there stays, and the command fails
    #[arg(value_name = "FILE")]
    pub(crate) file: PathBuf,

    /// Put the CA's keys into it, locked by a passphrase
    #[arg(long, requires = "passphrase_file")]
    pub(crate) with_keys: bool,

    /// A file that only you can read, with the passphrase on its first line
    #[arg(long, value_name = "FILE", requires = "with_keys")]
    pub(crate) passphrase_file: Option<PathBuf>,
}

/// What to restore.
#[derive(Args, Debug)]
pub(crate) struct Restore {
    /// The backup
    #[arg(value_name = "FILE")]
    pub(crate) file: PathBuf,

    /// Restore the CA's keys too, which this file has the passphrase of
    #[arg(long, value_name = "FILE")]
    pub(crate) passphrase_file: Option<PathBuf>,
}

/// Where to move.
#[derive(Args, Debug)]
pub(crate) struct Migrate {
    /// The new storage: sqlite://FILE, sled://DIR or postgres://…
    #[arg(long, value_name = "URL")]
    pub(crate) to: String,
}

/// What to do with the CA.
#[derive(Clone, Copy, Debug, Subcommand)]
pub(crate) enum Ca {
    /// Show the root's fingerprint, the subjects and spans, and the chain in PEM
    Show,
}

/// The settings as flags.
#[derive(Args, Debug, Default)]
#[command(next_help_heading = "Settings")]
pub(crate) struct Flags {
    /// Where CA, storage and keys lie; made on the first start, for the own user alone [env:
    /// FIELDGATE_DATA_DIR] [default: ./fieldgate-data]
    #[arg(long, value_name = "DIR", global = true)]
    data_dir: Option<String>,

    /// What everything but the CA's keys is kept in: sqlite://FILE,
    /// postgres://USER@HOST/DATABASE (its password in PGPASSWORD or ~/.pgpass), sled://DIR or
    /// memory:// [env: FIELDGATE_STORAGE, or FIELDGATE_STORAGE_FILE names a file that says it]
    /// [default: the file fieldgate.db in the data directory]
    #[arg(long, value_name = "URL", global = true)]
    storage: Option<String>,

    /// Where the API is served in clear, for the operator at the machine or a reverse proxy; port
    /// 0 picks a free one [env: FIELDGATE_HTTP_LISTEN] [default: 127.0.0.1:8080]
    #[arg(long, value_name = "ADDRESS", global = true)]
    http_listen: Option<String>,

    /// Where the API is served over TLS [env: FIELDGATE_HTTPS_LISTEN] [default: 0.0.0.0:8443]
    #[arg(long, value_name = "ADDRESS", global = true)]
    https_listen: Option<String>,

    /// Where devices connect, by MQTT over mutual TLS [env: FIELDGATE_MQTT_LISTEN] [default:
    /// 0.0.0.0:8883]
    #[arg(long, value_name = "ADDRESS", global = true)]
    mqtt_listen: Option<String>,

    /// Serve the API in clear on an address that other machines reach: keys and tokens can then be
    /// read on the way [env: FIELDGATE_HTTP_INSECURE]
    #[arg(long, global = true)]
    http_insecure: bool,

    /// A name or address by which devices reach the server: stands in its certificate; the first
    /// one is what devices are told; repeatable [env: FIELDGATE_PUBLIC_HOST, separated by commas]
    /// [default: localhost]
    #[arg(long, value_name = "HOST", global = true)]
    public_host: Vec<String>,

    /// A reverse proxy, or a network of them, whose X-Forwarded-For is believed; repeatable [env:
    /// FIELDGATE_TRUSTED_PROXIES, separated by commas] [default: none]
    #[arg(long, value_name = "NETWORK", global = true)]
    trusted_proxies: Vec<String>,

    /// A certificate chain in PEM for HTTPS instead of one of Fieldgate's own CA; MQTT keeps its
    /// own [env: FIELDGATE_TLS_CERT]
    #[arg(long, value_name = "FILE", global = true)]
    tls_cert: Option<String>,

    /// The private key of --tls-cert in PEM [env: FIELDGATE_TLS_KEY]
    #[arg(long, value_name = "FILE", global = true)]
    tls_key: Option<String>,

    /// A plain http:// URL of the CRL, for devices' certificates [env: FIELDGATE_CRL_URL]
    /// [default: none]
    #[arg(long, value_name = "URL", global = true)]
    crl_url: Option<String>,

    /// How long readings are kept, such as 365d or 12h; 0 is for ever [env:
    /// FIELDGATE_RETAIN_READINGS] [default: 365d]
    #[arg(long, value_name = "SPAN", global = true)]
    retain_readings: Option<String>,

    /// How long health reports are kept [env: FIELDGATE_RETAIN_HEALTH] [default: 90d]
    #[arg(long, value_name = "SPAN", global = true)]
    retain_health: Option<String>,

    /// How many components a device may have [env: FIELDGATE_COMPONENTS_PER_DEVICE] [default: 64]
    #[arg(long, value_name = "COUNT", global = true)]
    components_per_device: Option<String>,

    /// How many sensors a device may have [env: FIELDGATE_SENSORS_PER_DEVICE] [default: 1024]
    #[arg(long, value_name = "COUNT", global = true)]
    sensors_per_device: Option<String>,

    /// How many refused items of a device are kept, of which the oldest goes first [env:
    /// FIELDGATE_QUARANTINED_PER_DEVICE] [default: 1000]
    #[arg(long, value_name = "COUNT", global = true)]
    quarantined_per_device: Option<String>,

    /// How many certificates a device may be issued within 24 hours [env:
    /// FIELDGATE_CERTIFICATES_PER_DAY] [default: 10]
    #[arg(long, value_name = "COUNT", global = true)]
    certificates_per_day: Option<String>,

    /// How many readings a device may send a second before it has to wait [env:
    /// FIELDGATE_READINGS_PER_SECOND] [default: 5000]
    #[arg(long, value_name = "COUNT", global = true)]
    readings_per_second: Option<String>,

    /// How many requests with a wrong key or token an address has per minute [env:
    /// FIELDGATE_FAILED_PER_MINUTE] [default: 30]
    #[arg(long, value_name = "COUNT", global = true)]
    failed_per_minute: Option<String>,

    /// How the log is written to standard error: human, json, or auto (human on a terminal, else
    /// json) [env: FIELDGATE_LOG_FORMAT] [default: auto]
    #[arg(long, value_name = "FORMAT", global = true)]
    log_format: Option<String>,

    /// How much is logged: error, warn, info, debug or trace [env: FIELDGATE_LOG_LEVEL] [default:
    /// info]
    #[arg(long, value_name = "LEVEL", global = true)]
    log_level: Option<String>,
}

/// Flags that have a name already, and are refused.
#[derive(Args, Debug, Default)]
#[command(next_help_heading = "Not in this version yet, and refused")]
struct NotYet {
    /// The passphrase by which the CA's keys are locked; now they lie in clear in files of mode 0600
    #[arg(long, value_name = "FILE", global = true)]
    ca_passphrase_file: Option<String>,

    /// Do not start while the CA's keys lie in clear
    #[arg(long, global = true)]
    require_encrypted_key: bool,

    /// Where devices connect by MQTT over WebSocket
    #[arg(long, value_name = "ADDRESS", global = true)]
    mqtt_ws_listen: Option<String>,

    /// Where accepted readings are repeated to local subscribers
    #[arg(long, value_name = "ADDRESS", global = true)]
    fanout_listen: Option<String>,
}

impl Cli {
    /// The settings out of the flags, the environment and the file.
    ///
    /// # Errors
    ///
    /// [`Failure::Configuration`].
    pub(crate) fn settings(&self) -> Result<Settings, Failure> {
        let variables = layer::variables(std::env::vars_os())?;
        let from_variable = || std::env::var_os(layer::CONFIG).map(PathBuf::from);
        let file = match self.config.clone().or_else(from_variable) {
            Some(path) => layer::file(&path)?,
            None => Layer::new(),
        };
        let mut flags = self.flags.layer();
        flags.extend(self.not_yet.layer());
        Settings::resolve(&Sources::new(flags, variables, file))
    }
}

impl Flags {
    fn layer(&self) -> Layer {
        let singles = [
            ("data_dir", &self.data_dir),
            ("storage", &self.storage),
            ("http_listen", &self.http_listen),
            ("https_listen", &self.https_listen),
            ("mqtt_listen", &self.mqtt_listen),
            ("tls_cert", &self.tls_cert),
            ("tls_key", &self.tls_key),
            ("crl_url", &self.crl_url),
            ("retain_readings", &self.retain_readings),
            ("retain_health", &self.retain_health),
            ("components_per_device", &self.components_per_device),
            ("sensors_per_device", &self.sensors_per_device),
            ("quarantined_per_device", &self.quarantined_per_device),
            ("certificates_per_day", &self.certificates_per_day),
            ("readings_per_second", &self.readings_per_second),
            ("failed_per_minute", &self.failed_per_minute),
            ("log_format", &self.log_format),
            ("log_level", &self.log_level),
        ];
        let lists = [
            ("public_host", &self.public_host),
            ("trusted_proxies", &self.trusted_proxies),
        ];
        let singles = singles
            .into_iter()
            .filter_map(|(name, value)| Some((name, vec![value.clone()?])));
        let lists = lists
            .into_iter()
            .filter(|(_, values)| !values.is_empty())
            .map(|(name, values)| (name, values.clone()));
        let insecure = self
            .http_insecure
            .then(|| ("http_insecure", vec!["true".to_owned()]));
        singles
            .chain(lists)
            .chain(insecure)
            .map(|(name, values)| given(name, values))
            .collect()
    }
}

impl NotYet {
    fn layer(&self) -> Layer {
        let required = self.require_encrypted_key.then(|| "true".to_owned());
        let flags = [
            ("ca_passphrase_file", &self.ca_passphrase_file),
            ("require_encrypted_key", &required),
            ("mqtt_ws_listen", &self.mqtt_ws_listen),
            ("fanout_listen", &self.fanout_listen),
        ];
        let flags = flags.into_iter();
        let set = flags.filter_map(|(name, value)| Some((name, vec![value.clone()?])));
        set.map(|(name, values)| given(name, values)).collect()
    }
}

fn given(name: &'static str, values: Vec<String>) -> (&'static str, Given) {
    let origin = Origin::Flag(format!("--{}", name.replace('_', "-")));
    (name, Given { values, origin })
}

const EXAMPLES: &str = "\
Examples:
  fieldgate-server
      Serve with the defaults: everything lies in ./fieldgate-data, the API is on
      http://127.0.0.1:8080 and https://localhost:8443, devices connect to port 8883.
  fieldgate-server token greenhouse-7
      Register a device; prints its one-time token and what to run on the device.
  fieldgate-server --public-host gate.example.org --data-dir /var/lib/fieldgate
      Serve devices that reach this machine as gate.example.org.
  fieldgate-server backup /backups/fieldgate-2026-11-25
      Back everything up but the CA's keys; --with-keys --passphrase-file FILE adds these.
  fieldgate-server restore /backups/fieldgate-2026-11-25 --data-dir /var/lib/fieldgate-new
      Restore it into a new data directory.
  fieldgate-server migrate --to sled:///var/lib/fieldgate/registry
      Move from one storage to another; given again it goes on where it was cut off.
  fieldgate-server config --config /etc/fieldgate.toml
      Check a file of settings, and see what every setting comes to.";
