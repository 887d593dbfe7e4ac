//! `/quarantine`: what devices sent and could not be taken.

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Json;
use fieldgate_core::model::id::QuarantineId;
use fieldgate_core::model::quarantine::QuarantineFilter;
use utoipa_axum::routes;

use crate::api::{Api, Routes};
use crate::dto::{PageQuery, QuarantineQuery, QuarantinedItemPage};
use crate::extract::{List, Target, Tenant};
use crate::problem::Problem;

pub(super) fn routes() -> Routes {
    vec![
        routes!(list_quarantined_items),
        routes!(discard_quarantined_item),
    ]
}

/// List quarantined items
///
/// Newest first.
#[utoipa::path(
    get,
    path = "/quarantine",
    operation_id = "listQuarantinedItems",
    tag = "quarantine",
    params(PageQuery, QuarantineQuery),
    responses((
        status = OK,
        description = "A page of quarantined items",
        body = QuarantinedItemPage,
    )),
)]
async fn list_quarantined_items(
    State(api): State<Arc<Api>>,
    Tenant(organization): Tenant,
    list: List<QuarantineQuery, QuarantineId>,
) -> Result<Json<QuarantinedItemPage>, Problem> {
    let filter = QuarantineFilter::from(&list.filter);
    let quarantine = api.fieldgate.quarantine();
    let page = quarantine.list(organization, &filter, list.page).await?;
    Ok(list.answer(page, |item| item.id))
}

/// Discard a quarantined item
#[utoipa::path(
    delete,
    path = "/quarantine/{quarantineId}",
    operation_id = "discardQuarantinedItem",
    tag = "quarantine",
    responses((status = NO_CONTENT, description = "Discarded")),
)]
async fn discard_quarantined_item(
    State(api): State<Arc<Api>>,
    Tenant(organization): Tenant,
    Target(id): Target<QuarantineId>,
) -> Result<StatusCode, Problem> {
    api.fieldgate.quarantine().discard(organization, id).await?;
    Ok(StatusCode::NO_CONTENT)
}
