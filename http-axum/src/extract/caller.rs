//! For whom the caller acts.

use axum::extract::FromRequestParts;
use axum::http::StatusCode;
use axum::http::request::Parts;
use fieldgate_core::model::api_key::KeyOwner;
use fieldgate_core::model::id::OrganizationId;
use fieldgate_core::storage::ServerProof;

use crate::auth::Caller;
use crate::extract::caller;
use crate::problem::Problem;

/// The organization that the caller acts for: the only one that a handler can reach.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Tenant(pub(crate) OrganizationId);

impl<S: Sync> FromRequestParts<S> for Tenant {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        match caller(&parts.extensions)?.owner {
            KeyOwner::Organization(id) => Ok(Self(id)),
            KeyOwner::Server => Err(not_here()),
        }
    }
}

/// The proof that the caller acts for the server itself.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Server(pub(crate) ServerProof);

impl<S: Sync> FromRequestParts<S> for Server {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        match caller(&parts.extensions)?.owner {
            KeyOwner::Server => Ok(Self(ServerProof::vouch())),
            KeyOwner::Organization(_) => Err(not_here()),
        }
    }
}

/// The caller, for operations that both kinds of callers have.
#[derive(Clone, Debug)]
pub(crate) struct Owner(pub(crate) Caller);

impl<S: Sync> FromRequestParts<S> for Owner {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        caller(&parts.extensions).cloned().map(Self)
    }
}

/// The guard turns these callers away before; here it is only seen to that it did.
fn not_here() -> Problem {
    let detail = "this key does not reach this operation";
    Problem::new(StatusCode::FORBIDDEN, "forbidden", detail)
}
