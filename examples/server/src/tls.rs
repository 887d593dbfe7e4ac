//! The certificate that HTTPS and MQTT present, made by the own CA and renewed in the background.

use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use anyhow::Context as _;
use fieldgate_core::Fieldgate;
use fieldgate_core::model::timestamp::Timestamp;
use rustls::ServerConfig;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use tokio_util::sync::CancellationToken;

use crate::failure::Failure;
use crate::settings::CertificateFiles;

/// The certificate at present; handshakes that begin later see its successor.
pub(crate) struct CurrentCertificate {
    current: RwLock<Arc<CertifiedKey>>,
}

impl CurrentCertificate {
    fn new(first: CertifiedKey) -> Arc<Self> {
        Arc::new(Self {
            current: RwLock::new(Arc::new(first)),
        })
    }

    fn replace(&self, next: CertifiedKey) {
        *self.current.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(next);
    }
}

impl fmt::Debug for CurrentCertificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CurrentCertificate")
    }
}

impl ResolvesServerCert for CurrentCertificate {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        let current = self.current.read().unwrap_or_else(PoisonError::into_inner);
        Some(Arc::clone(&current))
    }
}

/// The certificate of the own CA, with what is needed to renew it.
#[derive(Debug)]
pub(crate) struct OwnCertificate {
    fieldgate: Fieldgate,
    names: Vec<String>,
    provider: Arc<CryptoProvider>,
    current: Arc<CurrentCertificate>,
    renew_at: Timestamp,
}

impl OwnCertificate {
    /// Makes the first one, for the names by which devices reach the server.
    ///
    /// # Errors
    ///
    /// [`Failure`] where the CA refuses, for example a name.
    pub(crate) fn make(
        fieldgate: &Fieldgate,
        public_hosts: &[String],
        provider: &Arc<CryptoProvider>,
    ) -> Result<Self, Failure> {
        let names = names(public_hosts);
        let (first, renew_at) = issue(fieldgate, &names, provider)?;
        Ok(Self {
            fieldgate: fieldgate.clone(),
            names,
            provider: Arc::clone(provider),
            current: CurrentCertificate::new(first),
            renew_at,
        })
    }

    /// What listeners present.
    pub(crate) fn resolver(&self) -> Arc<CurrentCertificate> {
        Arc::clone(&self.current)
    }

    /// Renews it when two thirds of its life are over, until `stop`.
    pub(crate) async fn keep_renewed(mut self, stop: CancellationToken) {
        let mut pause = RENEWAL_CHECK;
        loop {
            // The clock of the day may jump, so it is asked often instead of slept out.
            tokio::select! {
                () = stop.cancelled() => return,
                () = tokio::time::sleep(pause) => {}
            }
            pause = RENEWAL_CHECK;
            if self.fieldgate.clock().now() < self.renew_at {
                continue;
            }
            match issue(&self.fieldgate, &self.names, &self.provider) {
                Ok((next, renew_at)) => {
                    self.current.replace(next);
                    self.renew_at = renew_at;
                    tracing::info!("the server's certificate was renewed");
                }
                Err(failure) => {
                    tracing::error!(
                        reason = failure.line(),
                        "the server's certificate could not be renewed"
                    );
                    pause = RENEWAL_RETRY;
                }
            }
        }
    }
}

/// The TLS configuration of the HTTPS listener.
///
/// # Errors
///
/// [`Failure`] where the files cannot be used.
pub(crate) fn https_config(
    own: &OwnCertificate,
    files: Option<&CertificateFiles>,
    provider: &Arc<CryptoProvider>,
) -> Result<ServerConfig, Failure> {
    let resolver = match files {
        None => own.resolver(),
        Some(files) => CurrentCertificate::new(load(files, provider)?),
    };
    let mut config = ServerConfig::builder_with_provider(Arc::clone(provider))
        .with_safe_default_protocol_versions()
        .context("TLS is not available")?
        .with_no_client_auth()
        .with_cert_resolver(resolver);
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(config)
}

fn issue(
    fieldgate: &Fieldgate,
    names: &[String],
    provider: &CryptoProvider,
) -> Result<(CertifiedKey, Timestamp), Failure> {
    let issued = fieldgate.ca().server_certificate(names);
    let issued = issued.map_err(Failure::configuration)?;
    let key = PrivateKeyDer::Pkcs8(issued.private_key);
    let certified = CertifiedKey::from_der(issued.chain, key, provider)
        .context("the server's certificate cannot be used")?;
    let now = fieldgate.clock().now();
    let renew_at = now.plus(issued.not_after.since(now) * 2 / 3);
    Ok((certified, renew_at))
}

fn load(files: &CertificateFiles, provider: &CryptoProvider) -> Result<CertifiedKey, Failure> {
    let refused = |what: &str, path: &std::path::Path, reason: &dyn fmt::Display| {
        Failure::configuration(format!("{what} {}: {reason}", path.display()))
    };
    let chain: Result<Vec<_>, _> =
        CertificateDer::pem_file_iter(&files.chain).and_then(Iterator::collect);
    let chain = chain.map_err(|error| refused("tls_cert", &files.chain, &error))?;
    if chain.is_empty() {
        let reason = "it has no certificate in PEM";
        return Err(refused("tls_cert", &files.chain, &reason));
    }
    let key = PrivateKeyDer::from_pem_file(&files.key)
        .map_err(|error| refused("tls_key", &files.key, &error))?;
    CertifiedKey::from_der(chain, key, provider)
        .map_err(|error| refused("tls_key", &files.key, &error))
}

/// The names in the certificate. Who reaches the server as `localhost` may as well use the address.
fn names(public_hosts: &[String]) -> Vec<String> {
    let mut names = public_hosts.to_vec();
    if names.iter().any(|name| name == "localhost") {
        names.extend(["127.0.0.1".to_owned(), "::1".to_owned()]);
    }
    names
}

const RENEWAL_CHECK: Duration = Duration::from_secs(60);
const RENEWAL_RETRY: Duration = Duration::from_secs(300);
