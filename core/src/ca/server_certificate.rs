//! Certificates for the servers that devices and operators talk to.

use std::time::Duration;

use rustls_pki_types::{CertificateDer, PrivatePkcs8KeyDer, ServerName};

use crate::ca::error::IssueError;
use crate::ca::leaf::Name;
use crate::ca::policy::DAY;
use crate::model::timestamp::Timestamp;

/// A server's certificate with its own key, which is made for it and kept nowhere else.
#[derive(Debug)]
pub struct ServerCertificate {
    /// The certificate, that of the issuing CA and that of the root, so that a device which knows
    /// only the root's fingerprint can check it.
    pub chain: Vec<CertificateDer<'static>>,
    /// The private key. Its `Debug` shows nothing of it.
    pub private_key: PrivatePkcs8KeyDer<'static>,
    /// The end of the certificate; make a new one well before.
    pub not_after: Timestamp,
}

/// Reads DNS names and IP addresses; one that comes twice is taken once.
pub(super) fn parse_names(names: &[String]) -> Result<Vec<Name>, IssueError> {
    let refused = |name: &str, reason| IssueError::InvalidName {
        name: name.chars().take(NAME_SHOWN_MAX).collect(),
        reason,
    };
    if names.is_empty() {
        return Err(refused("", "a server needs at least one name"));
    }
    if names.len() > NAMES_MAX {
        return Err(refused("", "a server has at most 100 names"));
    }
    let mut parsed = Vec::new();
    for name in names {
        let name = match ServerName::try_from(name.as_str()) {
            Ok(ServerName::DnsName(dns)) => Name::Dns(dns.as_ref().to_ascii_lowercase()),
            Ok(ServerName::IpAddress(address)) => Name::Ip(address.into()),
            _ => return Err(refused(name, "it is neither a DNS name nor an IP address")),
        };
        if !parsed.contains(&name) {
            parsed.push(name);
        }
    }
    Ok(parsed)
}

/// The common name: for people only, since programs go by the subject alternative names.
pub(super) fn common_name(names: &[Name]) -> String {
    names
        .first()
        .map(|name| match name {
            Name::Dns(name) => name.clone(),
            Name::Ip(address) => address.to_string(),
        })
        .filter(|name| name.len() <= COMMON_NAME_LEN_MAX)
        .unwrap_or_else(|| "Fieldgate server".to_owned())
}

/// How long a server's certificate is valid.
pub const SERVER_VALIDITY: Duration = Duration::from_secs(90 * DAY.as_secs());

/// The most names of one server.
pub const NAMES_MAX: usize = 100;

const NAME_SHOWN_MAX: usize = 100;

/// ub-common-name, RFC 5280, appendix A.1.
const COMMON_NAME_LEN_MAX: usize = 64;
