//! What the CA writes into certificates beyond the names.

use std::time::Duration;

use crate::model::certificate::IssuerKeyId;

/// What the CA writes into certificates beyond the names.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct CertificatePolicy {
    /// How long a device's certificate is valid; 90 days.
    pub validity: Duration,
    /// Where the issuing CA's CRL is to be had, over plain HTTP; none. `{issuerKeyId}` in it
    /// stands for the key id of the issuing CA.
    pub crl_url: Option<String>,
    /// How long a root that is made is valid; 20 years.
    pub root_validity: Duration,
    /// How long an issuing CA that is made is valid; 5 years.
    pub issuing_validity: Duration,
}

impl CertificatePolicy {
    /// Says what is wrong with it, if anything is.
    pub(super) fn check(&self) -> Result<(), &'static str> {
        let shortest = self
            .validity
            .min(self.root_validity)
            .min(self.issuing_validity);
        if shortest < VALIDITY_MIN {
            return Err("certificates must be valid for at least a minute");
        }
        let Some(url) = &self.crl_url else {
            return Ok(());
        };
        // A relying party would need this very CRL to check the certificate of an HTTPS server.
        let rest = url
            .strip_prefix("http://")
            .ok_or("the URL of the CRL must begin with http://")?;
        let printable = url.bytes().all(|byte| byte.is_ascii_graphic());
        if rest.is_empty() || rest.starts_with('/') || !printable || url.len() > CRL_URL_LEN_MAX {
            return Err(
                "the URL of the CRL must be a URL with a host, of at most 1,000 characters",
            );
        }
        Ok(())
    }

    pub(super) fn crl_url(&self, issuer: IssuerKeyId) -> Option<String> {
        let url = self.crl_url.as_ref()?;
        Some(url.replace("{issuerKeyId}", &issuer.to_string()))
    }
}

impl Default for CertificatePolicy {
    fn default() -> Self {
        Self {
            validity: 90 * DAY,
            crl_url: None,
            root_validity: 7_305 * DAY,
            issuing_validity: 1_826 * DAY,
        }
    }
}

pub(super) const DAY: Duration = Duration::from_secs(86_400);

const VALIDITY_MIN: Duration = Duration::from_secs(60);

const CRL_URL_LEN_MAX: usize = 1_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_crl_comes_over_plain_http() {
        let check = |url: &str| {
            CertificatePolicy {
                crl_url: Some(url.to_owned()),
                ..CertificatePolicy::default()
            }
            .check()
        };
        assert!(check("http://ca.example/crl/{issuerKeyId}.crl").is_ok());
        for url in [
            "",
            "https://a/b",
            "http://",
            "http:///b",
            "http://a/b c",
            "http://a/ä",
        ] {
            assert!(check(url).is_err(), "{url}");
        }
        assert!(check(&format!("http://a/{}", "b".repeat(1_000))).is_err());
    }
}
