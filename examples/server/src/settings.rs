//! The settings: where they come from, which one counts, and what they mean.

pub(crate) mod layer;
mod storage_url;
#[cfg(test)]
mod tests;
mod trusted_proxies;
mod value;

use std::net::SocketAddr;
use std::path::PathBuf;

use fieldgate_core::model::limits::Limits;
use fieldgate_core::service::Retention;
use fieldgate_transport_mqtt::MqttOptions;

pub(crate) use layer::{Given, Layer, Origin, Sources};
pub(crate) use storage_url::StorageUrl;
pub(crate) use trusted_proxies::TrustedProxies;

use crate::failure::Failure;

/// All settings, checked.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    /// Where CA, storage and keys lie.
    pub(crate) data_dir: PathBuf,
    /// What everything else is kept in.
    pub(crate) storage: StorageUrl,
    /// Where the API is served in clear.
    pub(crate) http_listen: SocketAddr,
    /// Where the API is served over TLS.
    pub(crate) https_listen: SocketAddr,
    /// Where devices connect.
    pub(crate) mqtt_listen: SocketAddr,
    /// The names by which devices reach the server; never empty.
    pub(crate) public_hosts: Vec<String>,
    /// Where devices' certificates say that the CRL is.
    pub(crate) crl_url: Option<String>,
    /// How long data is kept.
    pub(crate) retention: Retention,
    /// Whose `X-Forwarded-For` is believed.
    pub(crate) trusted_proxies: TrustedProxies,
    /// The certificate for HTTPS, where it is not one of the own CA.
    pub(crate) https_certificate: Option<CertificateFiles>,
    /// How much of everything a device may have.
    pub(crate) limits: Limits,
    /// How many readings a device may send a second.
    pub(crate) readings_per_second: u32,
    /// How many failed attempts an address has per minute.
    pub(crate) failed_per_minute: u32,
    /// How the log is written.
    pub(crate) log_format: LogFormat,
    /// How much the server logs.
    pub(crate) log_level: tracing::Level,
    report: Vec<Reported>,
}

/// A certificate chain and its key in PEM files.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct CertificateFiles {
    /// The chain, the server's certificate first.
    pub(crate) chain: PathBuf,
    /// The private key.
    pub(crate) key: PathBuf,
}

/// How the log is written.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum LogFormat {
    /// For people on a terminal, else JSON.
    Auto,
    /// For people.
    Human,
    /// One JSON object a line.
    Json,
}

/// One line of `fieldgate-server config`.
#[derive(Clone, Debug, Eq, PartialEq)]
struct Reported {
    name: &'static str,
    value: String,
    origin: Origin,
}

impl Settings {
    /// Merges the sources, the strongest first, and checks every value.
    ///
    /// # Errors
    ///
    /// [`Failure::Configuration`] that names the setting and where it comes from.
    pub(crate) fn resolve(sources: &Sources) -> Result<Self, Failure> {
        for name in NOT_YET {
            sources.refuse_not_yet(name)?;
        }
        let data_dir = sources.one("data_dir", value::path)?;
        let data_dir = data_dir.unwrap_or_else(|| PathBuf::from(DATA_DIR));
        let storage = sources.one("storage", str::parse)?;
        let storage = storage.unwrap_or_else(|| StorageUrl::Sqlite(data_dir.join(DATABASE_FILE)));
        let http_listen = sources.one("http_listen", value::address)?;
        let https_listen = sources.one("https_listen", value::address)?;
        let mqtt_listen = sources.one("mqtt_listen", value::address)?;
        let http_insecure = sources
            .one("http_insecure", value::boolean)?
            .unwrap_or(false);
        let retain_readings = sources.one("retain_readings", value::retention)?;
        let retain_health = sources.one("retain_health", value::retention)?;
        let retained = Retention::default();
        let readings_per_second = sources.one("readings_per_second", value::rate)?;
        let failed_per_minute = sources.one("failed_per_minute", value::count)?;
        let log_format = sources.one("log_format", str::parse)?;
        let mut settings = Self {
            data_dir,
            storage,
            http_listen: http_listen.unwrap_or(HTTP_LISTEN),
            https_listen: https_listen.unwrap_or(HTTPS_LISTEN),
            mqtt_listen: mqtt_listen.unwrap_or(MQTT_LISTEN),
            public_hosts: sources.many("public_host", value::host)?,
            crl_url: sources.one("crl_url", value::crl_url)?,
            retention: Retention {
                readings: retain_readings.unwrap_or(retained.readings),
                health: retain_health.unwrap_or(retained.health),
            },
            limits: limits(sources)?,
            trusted_proxies: TrustedProxies::new(sources.many("trusted_proxies", str::parse)?),
            https_certificate: https_certificate(sources)?,
            readings_per_second: readings_per_second
                .unwrap_or(MqttOptions::default().readings_per_second),
            failed_per_minute: failed_per_minute.unwrap_or(FAILED_PER_MINUTE),
            log_format: log_format.unwrap_or(LogFormat::Auto),
            log_level: sources
                .one("log_level", value::log_level)?
                .unwrap_or(tracing::Level::INFO),
            report: Vec::new(),
        };
        if settings.public_hosts.is_empty() {
            settings.public_hosts.push(PUBLIC_HOST.to_owned());
        }
        check_http(settings.http_listen, http_insecure)?;
        settings.report = settings.reported(sources, http_insecure);
        Ok(settings)
    }

    /// The name that devices are told.
    pub(crate) fn public_host(&self) -> &str {
        self.public_hosts
            .first()
            .map_or(PUBLIC_HOST, String::as_str)
    }

    /// All settings with their values and origins, as a TOML file would say it. Secrets are
    /// masked.
    pub(crate) fn describe(&self) -> String {
        let assignment = |line: &Reported| match line.value.as_str() {
            "" => format!("# {} is not set", line.name),
            value => format!("{} = {value}", line.name),
        };
        let width = |line: &Reported| assignment(line).chars().count();
        let width = self.report.iter().map(width).max().unwrap_or(0);
        self.report
            .iter()
            .map(|line| format!("{:width$}  # {}\n", assignment(line), line.origin))
            .collect()
    }

    fn reported(&self, sources: &Sources, http_insecure: bool) -> Vec<Reported> {
        let text = |text: &str| toml::Value::from(text).to_string();
        let path = |path: &PathBuf| text(&path.to_string_lossy());
        let list = |items: &[String]| toml::Value::from(items.to_vec()).to_string();
        let files = self.https_certificate.as_ref();
        let values = [
            ("data_dir", path(&self.data_dir)),
            ("storage", text(&self.storage.masked())),
            ("http_listen", text(&self.http_listen.to_string())),
            ("https_listen", text(&self.https_listen.to_string())),
            ("mqtt_listen", text(&self.mqtt_listen.to_string())),
            ("http_insecure", http_insecure.to_string()),
            ("public_host", list(&self.public_hosts)),
            ("trusted_proxies", list(&self.trusted_proxies.texts())),
            (
                "tls_cert",
                files.map_or_else(String::new, |files| path(&files.chain)),
            ),
            (
                "tls_key",
                files.map_or_else(String::new, |files| path(&files.key)),
            ),
            (
                "crl_url",
                self.crl_url.as_deref().map_or_else(String::new, text),
            ),
            (
                "retain_readings",
                text(&value::retention_text(self.retention.readings)),
            ),
            (
                "retain_health",
                text(&value::retention_text(self.retention.health)),
            ),
            (
                "components_per_device",
                self.limits.components_per_device.to_string(),
            ),
            (
                "sensors_per_device",
                self.limits.sensors_per_device.to_string(),
            ),
            (
                "quarantined_per_device",
                self.limits.quarantined_per_device.to_string(),
            ),
            (
                "certificates_per_day",
                self.limits.certificates_per_day.to_string(),
            ),
            ("readings_per_second", self.readings_per_second.to_string()),
            ("failed_per_minute", self.failed_per_minute.to_string()),
            ("log_format", text(self.log_format.as_str())),
            (
                "log_level",
                text(&self.log_level.to_string().to_lowercase()),
            ),
        ];
        let line = |(name, value): (&'static str, String)| Reported {
            name,
            value,
            origin: sources.origin(name),
        };
        values.into_iter().map(line).collect()
    }
}

impl LogFormat {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Human => "human",
            Self::Json => "json",
        }
    }
}

impl std::str::FromStr for LogFormat {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        [Self::Auto, Self::Human, Self::Json]
            .into_iter()
            .find(|format| format.as_str() == text)
            .ok_or_else(|| "it is one of auto, human and json".to_owned())
    }
}

fn https_certificate(sources: &Sources) -> Result<Option<CertificateFiles>, Failure> {
    let chain = sources.one("tls_cert", value::path)?;
    let key = sources.one("tls_key", value::path)?;
    match (chain, key) {
        (Some(chain), Some(key)) => Ok(Some(CertificateFiles { chain, key })),
        (None, None) => Ok(None),
        _ => Err(Failure::configuration(
            "tls_cert and tls_key belong together: set both, or none for a certificate of \
             Fieldgate's own CA",
        )),
    }
}

fn limits(sources: &Sources) -> Result<Limits, Failure> {
    let mut limits = Limits::default();
    for (name, limit) in [
        ("components_per_device", &mut limits.components_per_device),
        ("sensors_per_device", &mut limits.sensors_per_device),
        ("quarantined_per_device", &mut limits.quarantined_per_device),
        ("certificates_per_day", &mut limits.certificates_per_day),
    ] {
        if let Some(set) = sources.one(name, value::limit)? {
            *limit = set;
        }
    }
    Ok(limits)
}

fn check_http(listen: SocketAddr, insecure: bool) -> Result<(), Failure> {
    if insecure || listen.ip().is_loopback() {
        return Ok(());
    }
    Err(Failure::configuration(format!(
        "http_listen {listen} would serve keys and tokens in clear to other machines: listen on \
         127.0.0.1, use the HTTPS listener, or confirm with --http-insecure",
    )))
}

/// The names of all settings, as a TOML file writes them.
pub(crate) const NAMES: [&str; 21] = [
    "data_dir",
    "storage",
    "http_listen",
    "https_listen",
    "mqtt_listen",
    "http_insecure",
    "public_host",
    "trusted_proxies",
    "tls_cert",
    "tls_key",
    "crl_url",
    "retain_readings",
    "retain_health",
    "components_per_device",
    "sensors_per_device",
    "quarantined_per_device",
    "certificates_per_day",
    "readings_per_second",
    "failed_per_minute",
    "log_format",
    "log_level",
];

/// Settings that are promised and not there yet. To ignore one would be worse than not to know it:
/// who asks for locked keys must not get open ones.
pub(crate) const NOT_YET: [&str; 4] = [
    "ca_passphrase_file",
    "require_encrypted_key",
    "mqtt_ws_listen",
    "fanout_listen",
];

/// Settings that may hold a secret, and so can be read from a file named by `…_FILE`.
pub(crate) const SECRETS: [&str; 1] = ["storage"];

/// Settings that can have more than one value.
pub(crate) const LISTS: [&str; 2] = ["public_host", "trusted_proxies"];

const DATA_DIR: &str = "./fieldgate-data";
/// The file of the embedded default storage, in the data directory.
pub(crate) const DATABASE_FILE: &str = "fieldgate.db";
const HTTP_LISTEN: SocketAddr = SocketAddr::new(value::LOOPBACK, 8080);
const HTTPS_LISTEN: SocketAddr = SocketAddr::new(value::ANY, 8443);
const MQTT_LISTEN: SocketAddr = SocketAddr::new(value::ANY, 8883);
const PUBLIC_HOST: &str = "localhost";
const FAILED_PER_MINUTE: u32 = 30;
