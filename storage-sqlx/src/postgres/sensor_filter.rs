//! Finds sensors as [`SensorFilter::matches`] says, and by their devices, by the indexes.

use fieldgate_core::model::device::DeviceFilter;
use fieldgate_core::model::id::{OrganizationId, SensorId};
use fieldgate_core::model::sensor::{SensorFilter, ValueType};
use sqlx::postgres::PgConnection;

use crate::error::Error;
use crate::postgres::label::{push_all, push_prefix, push_selector};
use crate::postgres::select::Select;
use crate::postgres::{device, device_filter};

/// Where a list begins to look.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Lead {
    /// At the sensors of the component.
    Component,
    /// At the devices that match, as they are few; then at their sensors.
    Devices,
    /// At all sensors, or those of the device.
    Sensors,
    /// At the sensors with the first tag.
    Tag,
}

impl Lead {
    /// Where to begin, by how much has to be looked at until a page is full.
    pub(super) async fn choose(
        connection: &mut PgConnection,
        organization: OrganizationId,
        filter: &SensorFilter,
    ) -> Result<Self, Error> {
        if filter.component_id.is_some() {
            return Ok(Self::Component);
        }
        if filter.device_id.is_some() {
            return Ok(Self::Sensors);
        }
        if !filter.tags.is_empty() {
            return Ok(Self::Tag);
        }
        if filter.site_id.is_some() || filter.device_selector.is_some() {
            let devices = DeviceFilter {
                site_id: filter.site_id,
                selector: filter.device_selector.clone(),
                ..DeviceFilter::default()
            };
            if device::has_at_most(connection, organization, &devices, FEW_DEVICES).await? {
                return Ok(Self::Devices);
            }
        }
        Ok(Self::Sensors)
    }
}

/// The query of a list, by id, up to its limit. `columns` is all of it before FROM.
pub(super) fn list_query(
    columns: &'static str,
    organization: OrganizationId,
    filter: &SensorFilter,
    after: Option<SensorId>,
    lead: Lead,
) -> Select {
    let mut select = Select::new(columns);
    let position = push_source(&mut select, organization, filter, lead);
    if let Some(after) = after {
        select.sql(" AND ").sql(position).sql(" > ");
        select.bind(after.as_uuid());
    }
    push_conditions(&mut select, organization, filter);
    // The few devices were looked at already.
    if lead != Lead::Devices {
        select.sql(
            " AND EXISTS (SELECT 1 FROM device AS d \
             WHERE d.organization_id = s.organization_id AND d.id = s.device_id",
        );
        push_device_conditions(&mut select, filter);
        select.sql(")");
    }
    select.sql(" ORDER BY ").sql(position);
    select
}

/// Says where to look; returns what the order is by.
fn push_source(
    select: &mut Select,
    organization: OrganizationId,
    filter: &SensorFilter,
    lead: Lead,
) -> &'static str {
    match (lead, filter.tags.first()) {
        (Lead::Tag, Some(tag)) => {
            select.sql(
                " FROM sensor_tag AS f JOIN sensor AS s \
                 ON s.organization_id = f.organization_id AND s.id = f.owner_id \
                 WHERE f.organization_id = ",
            );
            select.bind(organization.as_uuid());
            select.sql(" AND f.tag = ").bind(tag.as_str());
            return "f.owner_id";
        }
        (Lead::Devices, _) => {
            select.sql(
                " FROM device AS d JOIN sensor AS s \
                 ON s.organization_id = d.organization_id AND s.device_id = d.id \
                 WHERE d.organization_id = ",
            );
            select.bind(organization.as_uuid());
            let selector = filter.device_selector.as_ref();
            if let Some(tag) = selector.and_then(|selector| selector.all.iter().next()) {
                select
                    .sql(" AND d.id IN (SELECT owner_id FROM device_tag WHERE organization_id = ");
                select.bind(organization.as_uuid());
                select.sql(" AND tag = ").bind(tag.as_str()).sql(")");
            }
            push_device_conditions(select, filter);
        }
        _ => {
            select.sql(" FROM sensor AS s WHERE s.organization_id = ");
            select.bind(organization.as_uuid());
        }
    }
    "s.id"
}

fn push_conditions(select: &mut Select, organization: OrganizationId, filter: &SensorFilter) {
    if let Some(component) = &filter.component_id {
        select.sql(" AND s.component_id = ");
        select.bind(component.as_uuid());
    }
    if let Some(device) = &filter.device_id {
        select.sql(" AND s.device_id = ");
        select.bind(device.as_uuid());
    }
    if !filter.value_types.is_empty() {
        let texts = filter.value_types.iter().copied().map(ValueType::as_str);
        select.sql(" AND s.value_type = ANY(");
        select.bind(texts.collect::<Vec<_>>()).sql(")");
    }
    push_all(select, HAS_TAG, filter.tags.iter());
    if let Some(prefix) = &filter.word_prefix {
        push_prefix(select, HAS_WORD, organization, prefix);
    }
}

/// Adds where the device `d` is, and who chooses it.
fn push_device_conditions(select: &mut Select, filter: &SensorFilter) {
    if let Some(site) = &filter.site_id {
        select.sql(" AND d.site_id = ");
        select.bind(site.as_uuid());
    }
    if let Some(selector) = &filter.device_selector {
        push_selector(select, device_filter::HAS_TAG, selector);
    }
}

const HAS_TAG: &str = "EXISTS (SELECT 1 FROM sensor_tag AS t \
     WHERE t.organization_id = s.organization_id AND t.owner_id = s.id AND t.tag";

const HAS_WORD: &str = "s.id IN (SELECT w.owner_id FROM sensor_word AS w WHERE w.organization_id";

/// How many devices are few: to sort all their sensors is no more work than to look for them.
const FEW_DEVICES: usize = 500;
