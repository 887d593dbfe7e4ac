//! Says what a violated constraint means in the contract's terms.

use fieldgate_core::storage::{StorageError, Unique};
use sqlx::error::ErrorKind;

use crate::error::Error;

/// What the contract calls it, where an error is a violated constraint that it knows.
pub(super) fn refusal(error: &Error) -> Option<StorageError> {
    let Error::Sqlx(sqlx::Error::Database(error)) = error else {
        return None;
    };
    let constraint = error.constraint()?;
    match error.kind() {
        ErrorKind::UniqueViolation => Some(StorageError::Taken(taken(constraint)?)),
        ErrorKind::ForeignKeyViolation => missing(constraint),
        _ => None,
    }
}

fn taken(constraint: &str) -> Option<Unique> {
    Some(match constraint {
        "api_key_prefix_key" => Unique::ApiKeyPrefix,
        "certificate_pkey" => Unique::CertificateSerial,
        "component_organization_id_device_id_key_key" => Unique::ComponentKey,
        "device_organization_id_name_key" => Unique::DeviceName,
        "idempotency_organization_id_key_key" => Unique::IdempotencyKey,
        "organization_slug_key" => Unique::OrganizationSlug,
        "api_key_pkey"
        | "component_pkey"
        | "device_group_pkey"
        | "device_identity_pkey"
        | "device_pkey"
        | "issuer_pkey"
        | "organization_pkey"
        | "quarantine_pkey"
        | "sensor_id_key"
        | "site_pkey"
        | "token_pkey" => Unique::Id,
        _ => return None,
    })
}

fn missing(constraint: &str) -> Option<StorageError> {
    if constraint == "device_organization_id_site_id_fkey" {
        return Some(StorageError::UnknownSite);
    }
    let of_organization = constraint.ends_with("_organization_id_fkey");
    of_organization.then_some(StorageError::NotFound {
        what: "organization",
    })
}
