//! The TLS of the device endpoint.

use std::sync::Arc;
use std::time::Duration;

use fieldgate_core::ca::CertificateAuthority;
use fieldgate_core::clock::Clock;
use fieldgate_core::model::timestamp::Timestamp;
use rustls::crypto::CryptoProvider;
use rustls::server::WebPkiClientVerifier;
use rustls::server::{NoServerSessionStorage, ResolvesServerCert, VerifierBuilderError};
use rustls::time_provider::TimeProvider;
use rustls::{RootCertStore, ServerConfig};
use rustls_pki_types::UnixTime;

/// Makes the TLS configuration of a device endpoint: TLS 1.2 and 1.3, client certificates of this
/// CA required, no resumption and no early data.
///
/// A device may send its certificate alone or with its chain. Whether the certificate is still
/// good is asked later, when the session is opened; that is why there is no resumption, which
/// would skip what is checked here.
///
/// # Errors
///
/// [`TlsConfigError`] where provider and CA do not fit together.
pub fn device_tls_config(
    ca: &CertificateAuthority,
    server_certificate: Arc<dyn ResolvesServerCert>,
    provider: Arc<CryptoProvider>,
    clock: Arc<dyn Clock>,
) -> Result<ServerConfig, TlsConfigError> {
    let mut anchors = RootCertStore::empty();
    // The issuing certificate is an anchor, too, for devices that send their leaf alone.
    for der in [ca.root_der(), ca.issuing_der()] {
        anchors.add(der.clone()).map_err(TlsConfigError::Tls)?;
    }
    let verifier =
        WebPkiClientVerifier::builder_with_provider(Arc::new(anchors), Arc::clone(&provider))
            .build()?;
    let mut config = ServerConfig::builder_with_details(provider, Arc::new(ClockTime(clock)))
        .with_protocol_versions(&[&rustls::version::TLS13, &rustls::version::TLS12])
        .map_err(TlsConfigError::Tls)?
        .with_client_cert_verifier(verifier)
        .with_cert_resolver(server_certificate);
    config.session_storage = Arc::new(NoServerSessionStorage {});
    config.send_tls13_tickets = 0;
    config.max_early_data_size = 0;
    Ok(config)
}

/// Why there is no TLS configuration.
#[derive(Debug, thiserror::Error)]
pub enum TlsConfigError {
    /// The CA's certificates cannot be used, or the provider cannot speak the versions.
    #[error("the TLS library refused")]
    Tls(#[source] rustls::Error),
    /// Client certificates cannot be verified.
    #[error("client certificates cannot be verified")]
    Verifier(#[from] VerifierBuilderError),
}

/// The time by the clock that everything else goes by.
#[derive(Debug)]
struct ClockTime(Arc<dyn Clock>);

impl TimeProvider for ClockTime {
    fn current_time(&self) -> Option<UnixTime> {
        let since_1970: Duration = self.0.now().since(Timestamp::UNIX_EPOCH);
        Some(UnixTime::since_unix_epoch(since_1970))
    }
}
