//! The public files of the CA, for the document.

use utoipa::ToSchema;

/// Certificates in PEM.
#[derive(Debug, ToSchema)]
#[schema(value_type = String)]
#[expect(dead_code, reason = "for the document")]
pub(crate) struct PemFile(String);

/// A certificate revocation list in DER.
#[derive(Debug, ToSchema)]
#[schema(value_type = String, format = Binary)]
#[expect(dead_code, reason = "for the document")]
pub(crate) struct CrlFile(Vec<u8>);
