//! Who comes in: a request is let through if its sender is known and may call what it is for.

use std::sync::Arc;

use axum::Router;
use axum::extract::{Request, State};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse as _, Response};
use fieldgate_core::Error;
use tokio::time::Instant;

use crate::access::Access;
use crate::auth::{Authenticator, KEY_MISSING};
use crate::limit::{FailureLimit, client_address};
use crate::options::ApiOptions;
use crate::problem::Problem;

/// Lets those alone call the routes of a host's own who may, as the API does with its operations. The
/// wrong credentials that both are shown count together, if these options make the API too.
///
/// # Panics
///
/// Where the router has no routes.
pub fn guarded(router: Router, access: Access, options: &ApiOptions) -> Router {
    let admission = Arc::new(Admission::new(options.clone()));
    router.route_layer(from_fn_with_state((admission, access), guard_own))
}

async fn guard_own(
    State((admission, access)): State<(Arc<Admission>, Access)>,
    request: Request,
    next: Next,
) -> Response {
    match admission.admit(access, request).await {
        Ok(request) => next.run(request).await,
        Err(problem) => problem.into_response(),
    }
}

/// Finds out who sends a request, and whether he may.
#[derive(Debug)]
pub(crate) struct Admission {
    authenticator: Arc<dyn Authenticator>,
    pub(crate) failures: FailureLimit,
}

impl Admission {
    /// As the options say.
    pub(crate) fn new(options: ApiOptions) -> Self {
        Self {
            authenticator: options.authenticator,
            failures: FailureLimit::new(options.failures, options.failed_per_minute),
        }
    }

    /// The request with its caller among its extensions, if he may call what it is for.
    ///
    /// # Errors
    ///
    /// The answer instead.
    pub(crate) async fn admit(&self, access: Access, request: Request) -> Result<Request, Problem> {
        if access == Access::Public {
            return Ok(request);
        }
        let (mut parts, body) = request.into_parts();
        let begun = Instant::now();
        let caller = match self.authenticator.authenticate(&parts).await {
            Ok(caller) => caller,
            Err(Error::Unauthorized { code, detail }) => {
                if code != KEY_MISSING {
                    let address = client_address(&parts.extensions);
                    self.failures.refuse(address, begun).await?;
                }
                return Err(Error::Unauthorized { code, detail }.into());
            }
            Err(error) => return Err(error.into()),
        };
        access.check(&caller)?;
        parts.extensions.insert(caller);
        Ok(Request::from_parts(parts, body))
    }
}
