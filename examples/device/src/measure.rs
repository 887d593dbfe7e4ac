//! What the device measures on the machine it runs on; what it cannot measure it leaves out.

use std::fs;
use std::hash::{BuildHasher as _, RandomState};
use std::path::{Path, PathBuf};

use serde_json::{Map, Value, json};

/// The machine.
pub(crate) struct Machine {
    /// The network interface of the default route.
    interface: Option<String>,
}

impl Machine {
    pub(crate) fn find() -> Self {
        let routes = fs::read_to_string("/proc/net/route").unwrap_or_default();
        let default_route = routes.lines().skip(1).find_map(|line| {
            let mut fields = line.split_whitespace();
            let interface = fields.next()?;
            (fields.next()? == "00000000").then(|| interface.to_owned())
        });
        Self {
            interface: default_route,
        }
    }

    /// What it measures, for the server to know before the first reading.
    pub(crate) fn announcement(&self) -> Value {
        let sensor = |key: &str, kind: &str, unit: &str, name: &str| json!({"key": key, "valueType": kind, "unit": unit, "name": name});
        let mut components = vec![json!({
            "key": "machine",
            "name": "Machine",
            "sensors": [
                sensor("load", "DOUBLE", "1", "Load, average of a minute"),
                sensor("memory_available", "BIGINT", "By", "Available memory"),
                sensor("uptime", "DOUBLE", "s", "Time since it was started"),
            ],
        })];
        if let Some(interface) = &self.interface {
            components.push(json!({
                "key": "link",
                "name": format!("Network interface {interface}"),
                "sensors": [
                    sensor("speed", "BIGINT", "Mbit/s", "Speed of the link"),
                    sensor("received", "BIGINT", "By", "Received since it was started"),
                    sensor("sent", "BIGINT", "By", "Sent since it was started"),
                ],
            }));
        }
        json!({"firmwareVersion": env!("CARGO_PKG_VERSION"), "components": components})
    }

    /// One reading of every sensor.
    pub(crate) fn readings(&self) -> Value {
        let load = first_number(&fs::read_to_string("/proc/loadavg").unwrap_or_default());
        let machine = values([
            ("load", load.map(Value::from)),
            ("memory_available", available_memory().map(Value::from)),
            ("uptime", uptime().map(Value::from)),
        ]);
        let link = values([
            // Unknown for interfaces without a wire, which answer with -1 or an error.
            (
                "speed",
                self.link("speed")
                    .and_then(|speed| u64::try_from(speed).ok())
                    .map(Value::from),
            ),
            (
                "received",
                self.link("statistics/rx_bytes").map(Value::from),
            ),
            ("sent", self.link("statistics/tx_bytes").map(Value::from)),
        ]);
        let components = [("machine", machine), ("link", link)];
        components
            .into_iter()
            .filter(|(_, values)| !values.is_empty())
            .map(|(component, values)| json!({"component": component, "values": values}))
            .collect()
    }

    /// How the device itself is; nothing on a machine that does not say how long it has been up,
    /// since a report has to say that.
    pub(crate) fn health(&self, counters: &Counters) -> Option<Value> {
        // The kernel counts in hundredths; the API in whole seconds.
        let uptime = uptime()? as u64;
        let connection = match &self.interface {
            Some(name) if class(name).join("wireless").exists() => "WIFI",
            Some(name) if name.starts_with("ww") => "CELLULAR",
            Some(name) if class(name).join("device").exists() || name.starts_with('e') => {
                "ETHERNET"
            }
            _ => "OTHER",
        };
        let mut health = values([
            ("freeHeapBytes", available_memory().map(Value::from)),
            ("signalStrengthDbm", self.signal_strength().map(Value::from)),
        ]);
        health.insert("uptimeSeconds".to_owned(), uptime.into());
        health.insert("connectionType".to_owned(), connection.into());
        health.insert("readingsSent".to_owned(), counters.sent.into());
        health.insert("readingsDropped".to_owned(), counters.dropped.into());
        Some(Value::Object(health))
    }

    fn link(&self, name: &str) -> Option<i64> {
        let path = class(self.interface.as_ref()?).join(name);
        fs::read_to_string(path).ok()?.trim().parse().ok()
    }

    fn signal_strength(&self) -> Option<i64> {
        let wireless = fs::read_to_string("/proc/net/wireless").ok()?;
        let interface = self.interface.as_ref()?;
        let line = wireless.lines().find_map(|line| {
            let (name, rest) = line.split_once(':')?;
            (name.trim() == interface).then_some(rest)
        })?;
        line.split_whitespace()
            .nth(2)?
            .trim_end_matches('.')
            .parse()
            .ok()
    }
}

/// How many values have been stored and lost since the machine was started: kept over restarts of
/// the program, so that they go with the uptime.
pub(crate) struct Counters {
    path: PathBuf,
    boot: String,
    sent: u64,
    dropped: u64,
    /// How many are under way.
    pending: u64,
}

impl Counters {
    pub(crate) fn open(directory: &Path) -> Self {
        let path = directory.join("counters");
        let boot = fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default();
        let boot = boot.trim().to_owned();
        let kept = fs::read_to_string(&path).unwrap_or_default();
        let fields: Vec<&str> = kept.split_whitespace().collect();
        let (sent, dropped) = match fields.as_slice() {
            [kept, sent, dropped] if *kept == boot => {
                (sent.parse().unwrap_or(0), dropped.parse().unwrap_or(0))
            }
            _ => (0, 0),
        };
        let pending = 0;
        Self {
            path,
            boot,
            sent,
            dropped,
            pending,
        }
    }

    /// So many values are sent now. Those before of which nothing was heard are lost.
    pub(crate) fn begin(&mut self, values: u64) {
        self.dropped += self.pending;
        self.pending = values;
        self.keep();
    }

    /// The values that were sent last are stored.
    pub(crate) fn stored(&mut self) {
        self.sent += self.pending;
        self.pending = 0;
        self.keep();
    }

    /// To lose the file is no harm: the counters would begin at zero.
    fn keep(&self) {
        let dropped = self.dropped + self.pending;
        let line = format!("{} {} {dropped}\n", self.boot, self.sent);
        let _ = fs::write(&self.path, line);
    }
}

/// How many values a message of readings has.
pub(crate) fn count(readings: &Value) -> u64 {
    let components = readings.as_array().into_iter().flatten();
    let values = components.filter_map(|component| component["values"].as_object());
    values.map(|values| values.len() as u64).sum()
}

/// A number from 0 to 1 that differs from device to device and from call to call.
pub(crate) fn random_fraction() -> f64 {
    let random = RandomState::new().hash_one(());
    (random % 1000) as f64 / 1000.0
}

fn values<const N: usize>(measured: [(&str, Option<Value>); N]) -> Map<String, Value> {
    let measured = measured.into_iter();
    measured
        .filter_map(|(key, value)| Some((key.to_owned(), value?)))
        .collect()
}

fn class(interface: &str) -> PathBuf {
    Path::new("/sys/class/net").join(interface)
}

fn uptime() -> Option<f64> {
    first_number(&fs::read_to_string("/proc/uptime").ok()?)
}

fn available_memory() -> Option<u64> {
    let memory = fs::read_to_string("/proc/meminfo").ok()?;
    let line = memory
        .lines()
        .find_map(|line| line.strip_prefix("MemAvailable:"))?;
    let kibibytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kibibytes * 1024)
}

fn first_number(text: &str) -> Option<f64> {
    text.split_whitespace().next()?.parse().ok()
}
