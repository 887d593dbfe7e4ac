//! The OpenAPI document: what the handlers say of themselves, completed by what holds for all.
//!
//! Who may call an operation, the ids in paths, the headers of conditional and repeated requests,
//! and errors are told in one way everywhere, so they are told here.

use std::collections::BTreeSet;
use std::sync::OnceLock;

use axum::body::Bytes;
use axum::http::Method;
use fieldgate_core::model::api_key::Scope;
use utoipa::openapi::path::{Operation, Parameter, ParameterBuilder, ParameterIn, PathItem};
use utoipa::openapi::response::{Response, ResponseBuilder};
use utoipa::openapi::schema::{ObjectBuilder, SchemaFormat, Type};
use utoipa::openapi::security::{Http, HttpAuthScheme, SecurityRequirement, SecurityScheme};
use utoipa::openapi::tag::{Tag, TagBuilder};
use utoipa::openapi::{
    ContentBuilder, HeaderBuilder, InfoBuilder, LicenseBuilder, OpenApi, Ref, RefOr, Required,
    ServerBuilder,
};
use utoipa::{PartialSchema as _, ToSchema as _};

use crate::access::{self, Access};
use crate::api::{BASE, described};
use crate::dto::{FieldProblem, ProblemBody};
use crate::problem::PROBLEM_JSON;

mod older;

/// The OpenAPI document (3.1) of the API, without a running system.
#[must_use]
pub fn openapi() -> OpenApi {
    let mut document = described();
    let mut info = InfoBuilder::new()
        .title("Fieldgate")
        .version(env!("CARGO_PKG_VERSION"))
        .description(Some(DESCRIPTION))
        .build();
    let mut license = LicenseBuilder::new().name("MIT OR Apache-2.0").build();
    license.identifier = Some("MIT OR Apache-2.0".to_owned());
    info.license = Some(license);
    document.info = info;
    let server = ServerBuilder::new().url(SERVER);
    let server = server.description(Some(SERVER_DESCRIPTION)).build();
    document.servers = Some(vec![server]);
    document.tags = Some(TAGS.iter().map(tag).collect());
    let components = document.components.get_or_insert_default();
    let bearer = SecurityScheme::Http(Http::new(HttpAuthScheme::Bearer));
    components.add_security_scheme(BEARER, bearer);
    for (name, schema) in [
        (ProblemBody::name(), ProblemBody::schema()),
        (FieldProblem::name(), FieldProblem::schema()),
    ] {
        components.schemas.insert(name.into_owned(), schema);
    }
    let described = std::mem::take(&mut document.paths.paths);
    // What can be changed by PUT has a revision, and a path below that of its list.
    let with_revision: BTreeSet<String> = described
        .iter()
        .filter(|(_, item)| item.put.is_some())
        .filter_map(|(path, _)| path.rsplit_once('/'))
        .map(|(list, _)| list.to_owned())
        .collect();
    for (path, mut item) in described {
        let path = path.replace("/{file}", "/{issuerKeyId}.crl");
        complete(&path, &mut item);
        if let Some(post) = &mut item.post
            && with_revision.contains(&path)
        {
            add_header(post, "201", "ETag", ETAG);
            add_header(post, "201", "Location", LOCATION);
        }
        let path = format!("{BASE}{path}");
        document.paths.paths.insert(path, item);
    }
    document
}

/// The same document converted down to OpenAPI 3.0.3, for tools that refuse 3.1.
///
/// # Errors
///
/// Those of writing JSON, which this document does not have.
pub fn openapi_3_0(document: &OpenApi) -> serde_json::Result<serde_json::Value> {
    let mut value = serde_json::to_value(document)?;
    older::convert(&mut value);
    Ok(value)
}

/// Both documents as text, each made when it is asked for: they are large, and most servers are
/// never asked.
#[derive(Debug, Default)]
pub(crate) struct Documents {
    current: OnceLock<Bytes>,
    down_converted: OnceLock<Bytes>,
}

impl Documents {
    pub(crate) fn current(&self) -> Bytes {
        let made = self.current.get_or_init(|| {
            let current = openapi().to_json();
            current.unwrap_or_default().into()
        });
        made.clone()
    }

    pub(crate) fn down_converted(&self) -> Bytes {
        let made = self.down_converted.get_or_init(|| {
            let older = openapi_3_0(&openapi()).map(|older| older.to_string());
            older.unwrap_or_default().into()
        });
        made.clone()
    }
}

/// Completes the operations of a path.
fn complete(path: &str, item: &mut PathItem) {
    let has_revision = item.put.is_some();
    let operations = [
        (Method::GET, &mut item.get),
        (Method::PUT, &mut item.put),
        (Method::POST, &mut item.post),
        (Method::DELETE, &mut item.delete),
    ];
    for (method, operation) in operations {
        let Some(operation) = operation else {
            continue;
        };
        for parameter in operation.parameters.iter_mut().flatten() {
            if let RefOr::T(parameter) = parameter {
                // Of a query: also of one that may be repeated.
                parameter.required = Required::False;
            }
        }
        name_path_parameters(path, operation);
        tell_access(operation);
        match method {
            Method::PUT | Method::DELETE if has_revision => {
                add_parameter(operation, header_parameter("If-Match", IF_MATCH));
            }
            Method::POST if operation.security.as_ref().is_some_and(|s| !s.is_empty()) => {
                add_parameter(
                    operation,
                    header_parameter("Idempotency-Key", IDEMPOTENCY_KEY),
                );
                add_header(
                    operation,
                    "201",
                    "Idempotency-Replayed",
                    IDEMPOTENCY_REPLAYED,
                );
            }
            _ => {}
        }
        if has_revision && method != Method::DELETE {
            add_header(operation, "200", "ETag", ETAG);
        }
        if path.starts_with("/ca/") {
            tell_file(operation);
        }
        let responses = &mut operation.responses.responses;
        for (status, description) in ERRORS {
            responses.insert(status.to_owned(), RefOr::T(problem(description)));
        }
        for response in responses.values_mut() {
            if let RefOr::T(response) = response {
                describe_header(response, "X-Request-Id", REQUEST_ID);
            }
        }
    }
}

/// Says how a public file is asked for again.
fn tell_file(operation: &mut Operation) {
    add_header(operation, "200", "ETag", FILE_ETAG);
    add_header(operation, "200", "Cache-Control", FILE_CACHE_CONTROL);
    add_parameter(operation, header_parameter("If-None-Match", IF_NONE_MATCH));
    let known = ResponseBuilder::new().description(NOT_MODIFIED).build();
    let responses = &mut operation.responses.responses;
    responses.insert("304".to_owned(), RefOr::T(known));
    add_header(operation, "304", "ETag", FILE_ETAG);
}

/// Says who may call an operation, as the access table has it.
fn tell_access(operation: &mut Operation) {
    let id = operation.operation_id.as_deref().unwrap_or_default();
    let entry = access::operation(id).map(|entry| entry.access);
    let needs = match entry {
        None => return,
        Some(Access::Public) => {
            operation.security = Some(Vec::new());
            return;
        }
        Some(Access::Server) => "Needs a key of the server.".to_owned(),
        Some(Access::Scopes(scopes)) => format!("Needs a key with {}.", list(scopes)),
        Some(Access::ServerOrScopes(scopes)) => {
            format!("Needs a key with {}, or a key of the server.", list(scopes))
        }
    };
    let requirement = SecurityRequirement::new(BEARER, [] as [&str; 0]);
    operation.security = Some(vec![requirement]);
    operation.description = Some(match operation.description.take() {
        Some(text) if !text.is_empty() => format!("{text}\n\n{needs}"),
        _ => needs,
    });
}

fn list(scopes: &[Scope]) -> String {
    let scopes = scopes.iter().map(|scope| format!("`{scope}`"));
    let scopes: Vec<_> = scopes.collect();
    match scopes.as_slice() {
        [scope] => format!("the scope {scope}"),
        scopes => format!("the scopes {}", scopes.join(" and ")),
    }
}

/// Declares the variable parts of a path.
fn name_path_parameters(path: &str, operation: &mut Operation) {
    let parts = path.split('{').skip(1);
    let names = parts
        .filter_map(|part| part.split_once('}'))
        .map(|(name, _)| name);
    let parameters = names.map(|name| {
        let (description, format) = match name {
            "issuerKeyId" => ("The issuer's key id in lower-case hexadecimal", None),
            "serialNumber" => ("The serial number in hexadecimal", None),
            "apiKeyId" => ("The API key", Some("uuid")),
            "componentId" => ("The component", Some("uuid")),
            "deviceId" => ("The device", Some("uuid")),
            "groupId" => ("The device group", Some("uuid")),
            "organizationId" => ("The organization", Some("uuid")),
            "quarantineId" => ("The quarantined item", Some("uuid")),
            "sensorId" => ("The sensor", Some("uuid")),
            "siteId" => ("The site", Some("uuid")),
            "tokenId" => ("The registration token", Some("uuid")),
            _ => ("", None),
        };
        let schema = ObjectBuilder::new()
            .schema_type(Type::String)
            .format(format.map(|format| SchemaFormat::Custom(format.to_owned())));
        ParameterBuilder::new()
            .name(name)
            .parameter_in(ParameterIn::Path)
            .required(Required::True)
            .description(Some(description))
            .schema(Some(schema))
            .build()
    });
    let mut all: Vec<_> = parameters.map(RefOr::T).collect();
    all.append(operation.parameters.get_or_insert_default());
    operation.parameters = (!all.is_empty()).then_some(all);
}

fn header_parameter(name: &str, description: &str) -> Parameter {
    ParameterBuilder::new()
        .name(name)
        .parameter_in(ParameterIn::Header)
        .required(Required::False)
        .description(Some(description))
        .schema(Some(ObjectBuilder::new().schema_type(Type::String)))
        .build()
}

fn add_parameter(operation: &mut Operation, parameter: Parameter) {
    let parameters = operation.parameters.get_or_insert_default();
    parameters.push(RefOr::T(parameter));
}

fn add_header(operation: &mut Operation, status: &str, name: &str, description: &str) {
    let response = operation.responses.responses.get_mut(status);
    if let Some(RefOr::T(response)) = response {
        describe_header(response, name, description);
    }
}

fn describe_header(response: &mut Response, name: &str, description: &str) {
    let header = HeaderBuilder::new()
        .description(Some(description))
        .schema(Some(ObjectBuilder::new().schema_type(Type::String)))
        .build();
    response.headers.insert(name.to_owned(), header.into());
}

fn problem(description: &str) -> Response {
    let schema = Ref::from_schema_name(ProblemBody::name());
    let content = ContentBuilder::new().schema(Some(schema)).build();
    let mut response = ResponseBuilder::new()
        .description(description)
        .content(PROBLEM_JSON, content)
        .build();
    describe_header(&mut response, "Retry-After", RETRY_AFTER);
    response
}

fn tag((name, description): &(&str, &str)) -> Tag {
    TagBuilder::new()
        .name(*name)
        .description(Some(*description))
        .build()
}

const BEARER: &str = "apiKey";

const DESCRIPTION: &str = "Registers devices, gives them certificates, and keeps what they \
     report.\n\nIds are UUIDs of version 7, times are RFC 3339 in UTC, enumerations may grow. Lists \
     come in pages: take `nextCursor` as the next `cursor`. Errors are problems (RFC 9457); go by \
     their `code`. What belongs to another organization is answered as what is not there.";

const ERRORS: [(&str, &str); 2] = [
    (
        "4XX",
        "Refused, and nothing has changed: see `code` and `detail`. 429 comes with `Retry-After`.",
    ),
    (
        "5XX",
        "The server cannot serve the request. 503 comes with `Retry-After`.",
    ),
];

const ETAG: &str = "The revision, for If-Match. Every accepted PUT raises it, also one that \
     changes nothing.";
const FILE_CACHE_CONTROL: &str = "How long it may be kept.";
const FILE_ETAG: &str = "What is in it, for If-None-Match.";
const IDEMPOTENCY_KEY: &str = "1 to 128 visible ASCII characters. Repeated within a day, the same \
     request with the same key is not carried out again; another request with it is 422.";
const IDEMPOTENCY_REPLAYED: &str = "`true` where the request had been carried out before.";
const IF_MATCH: &str = "The ETag of what is to be changed: 412 where it has been changed since.";
const IF_NONE_MATCH: &str = "The ETag of what is known already: 304 where it is still that.";
const LOCATION: &str = "Where it is found.";
const NOT_MODIFIED: &str = "It is still what If-None-Match names";
const REQUEST_ID: &str = "By which the request is found again in the log.";
const RETRY_AFTER: &str = "With 429 and 503: how many seconds to wait.";

/// The root of all paths, seen from the document: also where a host or a proxy puts a prefix before
/// both.
const SERVER: &str = "../..";
const SERVER_DESCRIPTION: &str = "Relative to where this document is served.";

const TAGS: [(&str, &str); 14] = [
    ("registration", "Registering devices, and provisioning them"),
    ("devices", "Things with an identity and a certificate"),
    ("health", "How devices are and were"),
    ("certificates", "What the CA has issued to devices"),
    ("components", "Addressable parts of devices"),
    ("sensors", "Typed data channels of components"),
    ("readings", "Observed values"),
    ("quarantine", "What devices sent and could not be taken"),
    ("device-groups", "Saved selections of devices by tags"),
    ("sites", "Places that devices belong to"),
    ("api-keys", "Keys of the organization, or of the server"),
    ("organizations", "The tenants"),
    ("ca", "Public files of the certification authority"),
    ("openapi", "This document"),
];
