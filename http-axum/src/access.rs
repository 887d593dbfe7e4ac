//! Which operation needs which scope: the table, and the guard that every request passes.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::{Method, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use fieldgate_core::Error;
use fieldgate_core::model::api_key::{KeyOwner, Scope};
use utoipa::openapi::RefOr;
use utoipa::openapi::path::{Parameter, ParameterIn, Paths};

use crate::api::Api;
use crate::auth::Caller;
use crate::extract::QueryPairs;
use crate::problem::Problem;

/// An operation of the API.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Operation {
    /// Its `operationId` in the OpenAPI document.
    pub id: &'static str,
    /// Its method.
    pub method: Method,
    /// Its path below `/api/v1`, as the document writes it.
    pub path: &'static str,
    /// Who may call it.
    pub access: Access,
}

/// Who may call an operation.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Access {
    /// Everybody.
    Public,
    /// Who acts for an organization, with all of these scopes.
    Scopes(&'static [Scope]),
    /// Who acts for the server, with the scope `server`.
    Server,
    /// Who acts for the server, with the scope `server`; or for an organization, with all of
    /// these scopes.
    ServerOrScopes(&'static [Scope]),
}

impl Access {
    /// Whether a caller may call the operation.
    ///
    /// # Errors
    ///
    /// [`Error::Forbidden`] that names what is missing.
    pub(crate) fn check(self, caller: &Caller) -> Result<(), Error> {
        let is_server = caller.owner == KeyOwner::Server;
        match self {
            Self::Public => Ok(()),
            Self::Server | Self::ServerOrScopes(_) if is_server => {
                require(caller, &[Scope::Server])
            }
            Self::Server => Err(forbidden("this needs a key of the server")),
            Self::Scopes(_) if is_server => Err(forbidden(
                "this needs a key of an organization: a key of the server reaches no \
                 organization's data",
            )),
            Self::Scopes(scopes) | Self::ServerOrScopes(scopes) => require(caller, scopes),
        }
    }
}

/// Whether a caller has all of these scopes.
///
/// # Errors
///
/// [`Error::Forbidden`] that names the first one that is missing.
pub(crate) fn require(caller: &Caller, scopes: &[Scope]) -> Result<(), Error> {
    let missing = scopes.iter().find(|scope| !caller.scopes.contains(scope));
    missing.map_or(Ok(()), |scope| {
        Err(forbidden(format!(
            "this needs a key with the scope {scope}"
        )))
    })
}

fn forbidden(detail: impl Into<String>) -> Error {
    Error::Forbidden {
        detail: detail.into(),
    }
}

/// The entry of an operation in the table.
#[must_use]
pub fn operation(id: &str) -> Option<&'static Operation> {
    OPERATIONS.iter().find(|operation| operation.id == id)
}

/// What the guard of a path knows: the operations that the path has.
#[derive(Clone, Debug)]
pub(crate) struct Guard {
    api: Arc<Api>,
    operations: Arc<[Guarded]>,
}

/// A method of a path that has a handler.
#[derive(Clone, Debug)]
struct Guarded {
    method: Method,
    /// Its entry in the table.
    entry: Option<&'static Operation>,
    /// Whether its handler reads a query.
    has_query: bool,
}

impl Guard {
    /// The guard of the operations that were documented together with their handlers.
    pub(crate) fn new(api: &Arc<Api>, paths: &Paths) -> Self {
        let items = paths.paths.values();
        let operations = items.flat_map(|item| {
            [
                (Method::GET, &item.get),
                (Method::PUT, &item.put),
                (Method::POST, &item.post),
                (Method::DELETE, &item.delete),
                (Method::OPTIONS, &item.options),
                (Method::HEAD, &item.head),
                (Method::PATCH, &item.patch),
                (Method::TRACE, &item.trace),
            ]
        });
        let entries = operations.filter_map(|(method, documented)| {
            let documented = documented.as_ref()?;
            let entry = documented.operation_id.as_deref().and_then(operation);
            let mut parameters = documented.parameters.iter().flatten();
            Some(Guarded {
                entry: entry.filter(|entry| entry.method == method),
                has_query: parameters.any(is_of_query),
                method,
            })
        });
        Self {
            api: Arc::clone(api),
            operations: entries.collect(),
        }
    }
}

/// Lets a request through to its handler if its sender may call the operation. An operation that
/// is not in the table is not there.
pub(crate) async fn guard(State(guard): State<Guard>, request: Request, next: Next) -> Response {
    let method = match request.method() {
        // axum answers HEAD with the handler for GET.
        &Method::HEAD => &Method::GET,
        method => method,
    };
    let found = guard.operations.iter().find(|it| it.method == *method);
    let Some(guarded) = found else {
        // No handler: what follows says so, and which methods there are.
        return next.run(request).await;
    };
    let Some(operation) = guarded.entry else {
        tracing::error!(path = %request.uri().path(), "operation missing from the access table");
        return Problem::of_status(StatusCode::NOT_FOUND).into_response();
    };
    let admitted = guard.api.admission.admit(operation.access, request).await;
    let checked = admitted.and_then(|request| match guarded.has_query {
        true => Ok(request),
        false => refuse_query(request),
    });
    match checked {
        Ok(mut request) => {
            request.extensions_mut().insert(operation);
            next.run(request).await
        }
        Err(problem) => problem.into_response(),
    }
}

/// Where no handler reads the query, this is the one to say that what it says means nothing.
fn refuse_query(request: Request) -> Result<Request, Problem> {
    let (parts, body) = request.into_parts();
    QueryPairs::read(&parts)?.finish()?;
    Ok(Request::from_parts(parts, body))
}

fn is_of_query(parameter: &RefOr<Parameter>) -> bool {
    match parameter {
        RefOr::T(parameter) => parameter.parameter_in == ParameterIn::Query,
        RefOr::Ref(_) => false,
    }
}

use Access::{Public, Scopes, Server, ServerOrScopes};
use Scope::{Admin, DataRead, DevicesRead, DevicesWrite, TokensWrite};

macro_rules! operations {
    ($($id:literal $method:ident $path:literal $access:expr;)+) => {
        &[$(Operation { id: $id, method: Method::$method, path: $path, access: $access }),+]
    };
}

/// All operations, and who may call them. What is not here cannot be called.
///
/// Minting a token for a device that is there already, with `registerDevice`, needs
/// `devices:write` as well.
#[rustfmt::skip]
pub const OPERATIONS: &[Operation] = operations! {
    "createOrganization"       POST   "/organizations"                          Server;
    "listOrganizations"        GET    "/organizations"                          Server;
    "getOrganization"          GET    "/organizations/{organizationId}"         Server;
    "updateOrganization"       PUT    "/organizations/{organizationId}"         Server;
    "deleteOrganization"       DELETE "/organizations/{organizationId}"         Server;

    "createApiKey"             POST   "/api-keys"                               ServerOrScopes(&[Admin]);
    "listApiKeys"              GET    "/api-keys"                               ServerOrScopes(&[Admin]);
    "getApiKey"                GET    "/api-keys/{apiKeyId}"                    ServerOrScopes(&[Admin]);
    "updateApiKey"             PUT    "/api-keys/{apiKeyId}"                    ServerOrScopes(&[Admin]);
    "revokeApiKey"             DELETE "/api-keys/{apiKeyId}"                    ServerOrScopes(&[Admin]);

    "registerDevice"           POST   "/devices/registration/tokens"            Scopes(&[TokensWrite]);
    "listRegistrationTokens"   GET    "/devices/registration/tokens"            Scopes(&[TokensWrite]);
    "revokeRegistrationToken"  DELETE "/devices/registration/tokens/{tokenId}"  Scopes(&[TokensWrite]);
    "provisionDevice"          POST   "/devices/provision"                      Public;

    "createDevice"             POST   "/devices"                                Scopes(&[DevicesWrite]);
    "listDevices"              GET    "/devices"                                Scopes(&[DevicesRead]);
    "getDeviceSummary"         GET    "/devices/summary"                        Scopes(&[DevicesRead]);
    "getDevice"                GET    "/devices/{deviceId}"                     Scopes(&[DevicesRead]);
    "updateDevice"             PUT    "/devices/{deviceId}"                     Scopes(&[DevicesWrite]);
    "deleteDevice"             DELETE "/devices/{deviceId}"                     Scopes(&[DevicesWrite]);

    "listDeviceHealth"         GET    "/devices/{deviceId}/health"              Scopes(&[DataRead]);
    "getLatestDeviceHealth"    GET    "/devices/{deviceId}/health/latest"       Scopes(&[DataRead]);
    "listDeviceHealthWindow"   GET    "/devices/{deviceId}/health/window"       Scopes(&[DataRead]);
    "getDeviceHealthSummary"   GET    "/devices/{deviceId}/health/summary"      Scopes(&[DataRead]);

    "listDeviceCertificates"   GET    "/devices/{deviceId}/certificates"        Scopes(&[DevicesRead]);
    "getDeviceCertificate"     GET    "/devices/{deviceId}/certificates/{serialNumber}" Scopes(&[DevicesRead]);

    "createComponent"          POST   "/components"                             Scopes(&[DevicesWrite]);
    "listComponents"           GET    "/components"                             Scopes(&[DevicesRead]);
    "getComponent"             GET    "/components/{componentId}"               Scopes(&[DevicesRead]);
    "updateComponent"          PUT    "/components/{componentId}"               Scopes(&[DevicesWrite]);
    "deleteComponent"          DELETE "/components/{componentId}"               Scopes(&[DevicesWrite]);

    "listSensors"              GET    "/sensors"                                Scopes(&[DevicesRead]);
    "getSensor"                GET    "/sensors/{sensorId}"                     Scopes(&[DevicesRead]);
    "updateSensor"             PUT    "/sensors/{sensorId}"                     Scopes(&[DevicesWrite]);
    "deleteSensor"             DELETE "/sensors/{sensorId}"                     Scopes(&[DevicesWrite]);

    "listReadings"             GET    "/readings/sensor/{sensorId}"             Scopes(&[DataRead]);
    "listReadingsWindow"       GET    "/readings/sensor/{sensorId}/window"      Scopes(&[DataRead]);

    "listQuarantinedItems"     GET    "/quarantine"                             Scopes(&[DataRead]);
    "discardQuarantinedItem"   DELETE "/quarantine/{quarantineId}"              Scopes(&[DataRead, DevicesWrite]);

    "createDeviceGroup"        POST   "/device-groups"                          Scopes(&[DevicesWrite]);
    "listDeviceGroups"         GET    "/device-groups"                          Scopes(&[DevicesRead]);
    "getDeviceGroup"           GET    "/device-groups/{groupId}"                Scopes(&[DevicesRead]);
    "updateDeviceGroup"        PUT    "/device-groups/{groupId}"                Scopes(&[DevicesWrite]);
    "deleteDeviceGroup"        DELETE "/device-groups/{groupId}"                Scopes(&[DevicesWrite]);
    "listDeviceGroupDevices"   GET    "/device-groups/{groupId}/devices"        Scopes(&[DevicesRead]);

    "createSite"               POST   "/sites"                                  Scopes(&[DevicesWrite]);
    "listSites"                GET    "/sites"                                  Scopes(&[DevicesRead]);
    "getSite"                  GET    "/sites/{siteId}"                         Scopes(&[DevicesRead]);
    "updateSite"               PUT    "/sites/{siteId}"                         Scopes(&[DevicesWrite]);
    "deleteSite"               DELETE "/sites/{siteId}"                         Scopes(&[DevicesWrite]);

    "getCaChain"               GET    "/ca/chain"                               Public;
    "getCrl"                   GET    "/ca/crl/{issuerKeyId}.crl"               Public;

    "getOpenApi"               GET    "/openapi.json"                           Public;
    "getOpenApi30"             GET    "/openapi-3.0.json"                       Public;
};

#[cfg(test)]
mod tests {
    use super::*;
    use axum::Router;
    use axum::body::Body;
    use axum::middleware::from_fn_with_state;
    use fieldgate_core::Fieldgate;
    use fieldgate_core::ca::key_store::MemoryKeyStore;
    use fieldgate_core::service::Addresses;
    use fieldgate_core::storage::MemoryStorage;
    use tower::ServiceExt as _;
    use utoipa_axum::routes;

    use crate::options::ApiOptions;

    #[utoipa::path(get, path = "/new", operation_id = "somethingNew", responses())]
    async fn something_new() -> &'static str {
        "reached"
    }

    #[utoipa::path(delete, path = "/wrong", operation_id = "getCaChain", responses())]
    async fn another_method() -> &'static str {
        "reached"
    }

    #[utoipa::path(get, path = "/known", operation_id = "getCaChain", responses())]
    async fn known() -> &'static str {
        "reached"
    }

    #[tokio::test]
    async fn an_operation_that_is_not_in_the_table_is_not_there() {
        let fieldgate = Fieldgate::builder()
            .storage(Arc::new(MemoryStorage::default()))
            .key_store(Arc::new(MemoryKeyStore::new()))
            .addresses(Addresses {
                provision_endpoint: String::new(),
                mqtt_host: String::new(),
                mqtt_port: 0,
            })
            .build()
            .await
            .unwrap();
        let options = ApiOptions::new(&fieldgate);
        let api = Arc::new(Api::new(fieldgate, options));
        let mut router = Router::new();
        for (_, paths, handlers) in [
            routes!(something_new),
            routes!(another_method),
            routes!(known),
        ] {
            let guard_of_path = from_fn_with_state(Guard::new(&api, &paths), guard);
            let path = paths.paths.keys().next().unwrap().clone();
            router = router.route(&path, handlers.layer(guard_of_path));
        }
        for (method, path, status) in [
            (Method::GET, "/new", 404),
            (Method::HEAD, "/new", 404),
            (Method::DELETE, "/wrong", 404),
            (Method::GET, "/known", 200),
        ] {
            let request = Request::builder().method(method).uri(path);
            let request = request.body(Body::empty()).unwrap();
            let response = router.clone().oneshot(request).await.unwrap();
            assert_eq!(response.status(), status, "{path}");
        }
    }
}
