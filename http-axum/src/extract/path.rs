//! Ids in paths: a malformed one is answered as one that is unknown.

use axum::extract::{FromRequestParts, RawPathParams};
use axum::http::StatusCode;
use axum::http::request::Parts;
use fieldgate_core::model::certificate::IssuerKeyId;
use fieldgate_core::model::id::{
    ApiKeyId, ComponentId, DeviceId, GroupId, OrganizationId, QuarantineId, SensorId, SiteId,
    TokenId,
};
use fieldgate_core::model::serial::SerialNumber;

use crate::problem::Problem;

/// What a path names.
#[derive(Clone, Debug)]
pub(crate) struct Target<T>(pub(crate) T);

impl<T: FromPath, S: Send + Sync> FromRequestParts<S> for Target<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let params = RawPathParams::from_request_parts(parts, state).await;
        let named = params.ok().and_then(|params| {
            let values: Vec<&str> = params.iter().map(|(_, value)| value).collect();
            T::from_path(&values)
        });
        named
            .map(Self)
            .ok_or_else(|| Problem::of_status(StatusCode::NOT_FOUND))
    }
}

/// Something that the variable parts of a path name.
pub(crate) trait FromPath: Sized {
    /// Reads the parts in their order; `None` for what names nothing.
    fn from_path(parts: &[&str]) -> Option<Self>;
}

macro_rules! ids {
    ($($id:ident),+ $(,)?) => {$(
        impl FromPath for $id {
            fn from_path(parts: &[&str]) -> Option<Self> {
                match parts {
                    [id] => id.parse().ok(),
                    _ => None,
                }
            }
        }
    )+};
}

ids! {
    ApiKeyId, ComponentId, DeviceId, GroupId, OrganizationId, QuarantineId, SensorId, SiteId,
    TokenId,
}

/// A certificate of a device.
#[derive(Clone, Debug)]
pub(crate) struct CertificatePath {
    pub(crate) device: DeviceId,
    pub(crate) serial_number: SerialNumber,
}

impl FromPath for CertificatePath {
    fn from_path(parts: &[&str]) -> Option<Self> {
        let [device, serial_number] = parts else {
            return None;
        };
        Some(Self {
            device: device.parse().ok()?,
            serial_number: serial_number.parse().ok()?,
        })
    }
}

/// The file of an issuer's CRL.
#[derive(Clone, Debug)]
pub(crate) struct CrlPath(pub(crate) IssuerKeyId);

impl FromPath for CrlPath {
    fn from_path(parts: &[&str]) -> Option<Self> {
        let [file] = parts else {
            return None;
        };
        file.strip_suffix(".crl")?.parse().ok().map(Self)
    }
}
