//! How the values of settings are read.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

pub(super) fn path(text: &str) -> Result<PathBuf, &'static str> {
    if text.is_empty() {
        return Err("a path is not empty");
    }
    Ok(PathBuf::from(text))
}

pub(super) fn address(text: &str) -> Result<SocketAddr, &'static str> {
    text.parse()
        .map_err(|_| "an address is written as 127.0.0.1:8080 or [::1]:8080")
}

pub(super) fn boolean(text: &str) -> Result<bool, &'static str> {
    text.parse().map_err(|_| "it is true or false")
}

pub(super) fn count(text: &str) -> Result<u32, &'static str> {
    let count = text.parse().map_err(|_| "it is a whole number")?;
    if count == 0 {
        return Err("it is at least 1");
    }
    Ok(count)
}

/// How many readings a device may send a second. One message has up to 10,000: with less, a device
/// could be deaf for minutes.
pub(super) fn rate(text: &str) -> Result<u32, &'static str> {
    match count(text)? {
        0..100 => Err("it is at least 100"),
        rate => Ok(rate),
    }
}

/// How many of something a device may have.
pub(super) fn limit(text: &str) -> Result<usize, &'static str> {
    let limit = count(text)?;
    if limit > LIMIT_MAX {
        return Err("it is at most 1000000");
    }
    usize::try_from(limit).map_err(|_| "it is a whole number")
}

pub(super) fn log_level(text: &str) -> Result<tracing::Level, &'static str> {
    match text {
        "error" | "warn" | "info" | "debug" | "trace" => {
            text.parse().map_err(|_| "it is a level of the log")
        }
        _ => Err("it is one of error, warn, info, debug and trace"),
    }
}

/// A DNS name or an IP address, as a certificate can carry it.
pub(super) fn host(text: &str) -> Result<String, &'static str> {
    if text.parse::<IpAddr>().is_ok() {
        return Ok(text.to_owned());
    }
    let label = |label: &str| {
        (1..=63).contains(&label.len())
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    };
    if text.len() > 253 || !text.split('.').all(label) {
        return Err("it is a DNS name or an IP address, without a scheme or a port");
    }
    Ok(text.to_ascii_lowercase())
}

pub(super) fn crl_url(text: &str) -> Result<String, &'static str> {
    let rest = text.strip_prefix("http://").unwrap_or_default();
    let printable = text.bytes().all(|byte| byte.is_ascii_graphic());
    if rest.is_empty() || rest.starts_with('/') || !printable {
        return Err("it is a plain http:// URL: a CRL is signed itself");
    }
    Ok(text.to_owned())
}

/// A span such as `365d`, `12h` or `90m`; `0` is for ever.
pub(super) fn retention(text: &str) -> Result<Option<Duration>, &'static str> {
    const WRONG: &str = "it is a span such as 365d, 12h or 90m, or 0 for ever";
    if text == "0" {
        return Ok(None);
    }
    let (number, unit) = text
        .split_at_checked(text.len().saturating_sub(1))
        .ok_or(WRONG)?;
    let seconds = UNITS
        .iter()
        .find_map(|(name, seconds)| (*name == unit).then_some(*seconds))
        .ok_or(WRONG)?;
    let number: u32 = number.parse().map_err(|_| WRONG)?;
    if number == 0 {
        return Err(WRONG);
    }
    Ok(Some(Duration::from_secs(u64::from(number) * seconds)))
}

/// The text that [`retention`] reads.
pub(super) fn retention_text(span: Option<Duration>) -> String {
    let Some(span) = span else {
        return "0".to_owned();
    };
    let whole = UNITS
        .iter()
        .find(|(_, seconds)| span.as_secs().is_multiple_of(*seconds));
    let (unit, seconds) = whole.copied().unwrap_or(("m", 60));
    format!("{}{unit}", span.as_secs() / seconds)
}

const LIMIT_MAX: u32 = 1_000_000;

/// The loopback address of IPv4.
pub(super) const LOOPBACK: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

/// All addresses of IPv4.
pub(super) const ANY: IpAddr = IpAddr::V4(Ipv4Addr::UNSPECIFIED);

const UNITS: [(&str, u64); 3] = [("d", 24 * 3600), ("h", 3600), ("m", 60)];
