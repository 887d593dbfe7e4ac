//! What a host can choose about the API.

use std::sync::Arc;
use std::time::Duration;

use fieldgate_core::Fieldgate;

use crate::auth::{ApiKeyAuthenticator, Authenticator};
use crate::limit::Failures;

/// What a host can choose about the API.
#[non_exhaustive]
#[derive(Clone, Debug)]
pub struct ApiOptions {
    /// Who finds out who is calling; API keys unless said otherwise.
    pub authenticator: Arc<dyn Authenticator>,
    /// How many wrong API keys and registration tokens an address may show in a minute before the
    /// answer to the next wrong one is 429; 30 unless said otherwise. What is right always works.
    pub failed_per_minute: u32,
    /// How long a request may take, its body included; 30 seconds unless said otherwise.
    pub request_timeout: Duration,
    /// Counted together by all that is made with these options.
    pub(crate) failures: Arc<Failures>,
}

impl ApiOptions {
    /// The defaults, with the API keys of this system.
    #[must_use]
    pub fn new(fieldgate: &Fieldgate) -> Self {
        Self {
            authenticator: Arc::new(ApiKeyAuthenticator::new(fieldgate.api_keys())),
            failed_per_minute: 30,
            request_timeout: Duration::from_secs(30),
            failures: Failures::new(Arc::clone(fieldgate.clock())),
        }
    }

    /// Plugs another authenticator in.
    #[must_use]
    pub fn authenticator(mut self, authenticator: Arc<dyn Authenticator>) -> Self {
        self.authenticator = authenticator;
        self
    }
}
