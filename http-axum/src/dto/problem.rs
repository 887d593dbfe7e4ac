//! Errors in JSON (RFC 9457).

use fieldgate_core::InvalidField;
use serde::Serialize;
use utoipa::ToSchema;

/// What went wrong (RFC 9457). Programs go by `code`; people read `detail`.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Problem)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ProblemBody {
    /// The kind of problem, as a URI: `urn:fieldgate:problem:` and the code.
    #[schema(example = "urn:fieldgate:problem:device_name_taken")]
    pub(crate) r#type: String,
    /// The kind of problem in words.
    #[schema(example = "Device name taken")]
    pub(crate) title: String,
    /// The status of the answer.
    #[schema(example = 409)]
    pub(crate) status: u16,
    /// What is wrong this time, and what to do about it.
    #[schema(example = "the device name is taken: choose another one")]
    pub(crate) detail: String,
    /// The kind of problem, for programs; stable.
    #[schema(example = "device_name_taken")]
    pub(crate) code: String,
    /// For 422: what is wrong in which field.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(required = false)]
    pub(crate) errors: Vec<FieldProblem>,
    /// The request, as the log and the header X-Request-Id name it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub(crate) request_id: Option<String>,
}

/// What is wrong in one field of a request.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct FieldProblem {
    /// The field, as a JSON pointer (RFC 6901) into the request's body.
    #[schema(example = "/tags/3")]
    pointer: String,
    /// What is wrong, and what would be accepted.
    #[schema(example = "a tag has 1 to 64 characters")]
    detail: String,
}

impl From<&InvalidField> for FieldProblem {
    fn from(field: &InvalidField) -> Self {
        Self {
            pointer: field.pointer.clone(),
            detail: field.detail.clone(),
        }
    }
}
