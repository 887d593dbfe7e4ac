//! What handlers take from a request; everything malformed is a problem that says what is wrong.

mod caller;
mod json;
mod list;
mod path;
mod query;
mod strict;

pub(crate) use caller::{Owner, Server, Tenant};
pub(crate) use json::{Creation, Input};
pub(crate) use list::{List, PageBody};
pub(crate) use path::{CertificatePath, CrlPath, Target};
pub(crate) use query::{
    FromQuery, Query, QueryPairs, malformed as query_malformed, unparsable as query_unparsable,
};

use axum::http::Extensions;

use crate::access::Operation;
use crate::auth::Caller;
use crate::problem::Problem;

/// The caller that the guard has let through.
///
/// Where there is none, the operation is public and its handler asks for too much: that is a fault
/// of the server, and refused.
fn caller(extensions: &Extensions) -> Result<&Caller, Problem> {
    extensions.get().ok_or_else(unguarded)
}

/// The operation that the guard has let through.
pub(crate) fn operation(extensions: &Extensions) -> Result<&'static Operation, Problem> {
    extensions.get().copied().ok_or_else(unguarded)
}

fn unguarded() -> Problem {
    tracing::error!("a handler was reached past the guard");
    Problem::of_status(axum::http::StatusCode::INTERNAL_SERVER_ERROR)
}
