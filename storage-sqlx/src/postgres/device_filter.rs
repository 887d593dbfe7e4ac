//! Finds devices as [`DeviceFilter::matches`] says, by the indexes.

use fieldgate_core::model::device::DeviceFilter;
use fieldgate_core::model::id::{DeviceId, OrganizationId};
use fieldgate_core::model::presence::DeviceStatus;

use crate::postgres::label::{push_all, push_prefix, push_selector};
use crate::postgres::select::Select;

/// The query of a list, by id, up to its limit. `columns` is all of it before FROM.
pub(super) fn list_query(
    columns: &'static str,
    organization: OrganizationId,
    filter: &DeviceFilter,
    after: Option<DeviceId>,
) -> Select {
    let mut select = Select::new(columns);
    let position = push_source(&mut select, organization, filter);
    if let Some(after) = after {
        select.sql(" AND ").sql(position).sql(" > ");
        select.bind(after.as_uuid());
    }
    push_conditions(&mut select, organization, filter);
    select.sql(" ORDER BY ").sql(position);
    select
}

/// Says where to look, and in which order. A tag finds few devices, and its index has them by id:
/// so the first one leads, where there is one.
fn push_source(
    select: &mut Select,
    organization: OrganizationId,
    filter: &DeviceFilter,
) -> &'static str {
    let selected = filter.selector.iter().flat_map(|it| it.all.iter());
    let first = filter.tags.iter().chain(selected).next();
    if let Some(tag) = first {
        select.sql(
            " FROM device_tag AS f JOIN device AS d \
             ON d.organization_id = f.organization_id AND d.id = f.owner_id \
             WHERE f.organization_id = ",
        );
        select.bind(organization.as_uuid());
        select.sql(" AND f.tag = ").bind(tag.as_str());
        return "f.owner_id";
    }
    select.sql(" FROM device AS d WHERE d.organization_id = ");
    select.bind(organization.as_uuid());
    "d.id"
}

fn push_conditions(select: &mut Select, organization: OrganizationId, filter: &DeviceFilter) {
    if !filter.statuses.is_empty() {
        match filter.statuses.as_slice() {
            [status] => select.sql(" AND d.status = ").bind(status.as_str()),
            statuses => {
                let texts = statuses.iter().copied().map(DeviceStatus::as_str);
                select.sql(" AND d.status = ANY(");
                select.bind(texts.collect::<Vec<_>>()).sql(")")
            }
        };
    }
    if let Some(online) = filter.online {
        select.sql(" AND d.online = ").bind(online);
    }
    push_all(select, HAS_TAG, filter.tags.iter());
    if let Some(site) = &filter.site_id {
        select.sql(" AND d.site_id = ").bind(site.as_uuid());
    }
    if let Some(selector) = &filter.selector {
        push_selector(select, HAS_TAG, selector);
    }
    if let Some(profile) = &filter.profile {
        select.sql(" AND d.profile = ").bind(profile.to_string());
    }
    if let Some(prefix) = &filter.word_prefix {
        push_prefix(select, HAS_WORD, organization, prefix);
    }
}

/// What begins a condition on the tags of the device `d`.
pub(super) const HAS_TAG: &str = "EXISTS (SELECT 1 FROM device_tag AS t \
     WHERE t.organization_id = d.organization_id AND t.owner_id = d.id AND t.tag";

const HAS_WORD: &str = "d.id IN (SELECT w.owner_id FROM device_word AS w WHERE w.organization_id";
