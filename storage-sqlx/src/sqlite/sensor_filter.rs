//! Finds sensors as [`SensorFilter::matches`] says, and by their devices, by the indexes.

use fieldgate_core::model::id::{OrganizationId, SensorId};
use fieldgate_core::model::sensor::{SensorFilter, ValueType};

use crate::sqlite::device_filter;
use crate::sqlite::label::{push_all, push_prefix, push_selector};
use crate::sqlite::select::{Select, json_array};

/// The query of a list, by id, up to its limit. `columns` is all of it before FROM.
pub(super) fn list_query(
    columns: &'static str,
    organization: OrganizationId,
    filter: &SensorFilter,
    after: Option<SensorId>,
) -> Select {
    let mut select = Select::new(columns);
    // A tag finds few sensors, and its index has them by id: so the first one leads.
    let position = if let Some(tag) = filter.tags.first() {
        select.sql(
            " FROM sensor_tag AS f CROSS JOIN sensor AS s \
             ON s.organization_id = f.organization_id AND s.id = f.owner_id \
             WHERE f.organization_id = ",
        );
        select.bind(organization.as_bytes().as_slice());
        select.sql(" AND f.tag = ").bind(tag.as_str());
        "f.owner_id"
    } else {
        select.sql(" FROM sensor AS s WHERE s.organization_id = ");
        select.bind(organization.as_bytes().as_slice());
        "s.id"
    };
    if let Some(after) = after {
        select.sql(" AND ").sql(position).sql(" > ");
        select.bind(after.as_bytes().as_slice());
    }
    push_conditions(&mut select, filter);
    push_device(&mut select, filter);
    select.sql(" ORDER BY ").sql(position);
    select
}

fn push_conditions(select: &mut Select, filter: &SensorFilter) {
    if let Some(component) = &filter.component_id {
        select.sql(" AND s.component_id = ");
        select.bind(component.as_bytes().as_slice());
    }
    if let Some(device) = &filter.device_id {
        select.sql(" AND s.device_id = ");
        select.bind(device.as_bytes().as_slice());
    }
    if !filter.value_types.is_empty() {
        let texts = filter.value_types.iter().copied().map(ValueType::as_str);
        select.sql(" AND s.value_type IN (SELECT value FROM json_each(");
        select.bind(json_array(texts)).sql("))");
    }
    push_all(select, HAS_TAG, filter.tags.iter());
    if let Some(prefix) = &filter.word_prefix {
        push_prefix(select, HAS_WORD, "w.word", prefix);
    }
}

/// Adds what concerns the sensor's device: that it lives, where it is, and who chooses it.
fn push_device(select: &mut Select, filter: &SensorFilter) {
    select.sql(
        " AND EXISTS (SELECT 1 FROM device AS d WHERE d.organization_id = s.organization_id \
         AND d.id = s.device_id",
    );
    if let Some(site) = &filter.site_id {
        select.sql(" AND +d.site_id = ");
        select.bind(site.as_bytes().as_slice());
    }
    if let Some(selector) = &filter.device_selector {
        push_selector(select, device_filter::HAS_TAG, selector);
    }
    select.sql(")");
}

const HAS_TAG: &str = "EXISTS (SELECT 1 FROM sensor_tag AS t \
     WHERE t.organization_id = s.organization_id AND t.owner_id = s.id AND t.tag";

const HAS_WORD: &str = "s.id IN (SELECT w.owner_id FROM sensor_word AS w \
     WHERE w.organization_id = s.organization_id AND w.word";
