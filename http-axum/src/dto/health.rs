//! Health reports in JSON.

use fieldgate_core::model::health as model;
use fieldgate_core::model::reading::TimeRange;
use fieldgate_core::service;
use serde::Serialize;
use utoipa::ToSchema;

use crate::dto::Metadata;
use crate::dto::enums::ConnectionType;
use crate::dto::page::page;

/// A device's report of its own health.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct DeviceHealth {
    /// Which device.
    #[schema(format = "uuid")]
    device_id: String,
    /// When it was taken.
    #[schema(format = "date-time")]
    timestamp: String,
    /// Seconds since boot.
    uptime_seconds: u64,
    /// Free memory in octets.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    free_heap_bytes: Option<u64>,
    /// Strength of the received signal in dBm.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    signal_strength_dbm: Option<i32>,
    /// How it is connected.
    connection_type: ConnectionType,
    /// Readings sent since boot.
    readings_sent: u64,
    /// Readings given up since boot.
    readings_dropped: u64,
    /// Anything else.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    extra: Option<Metadata>,
}

impl From<model::DeviceHealth> for DeviceHealth {
    fn from(report: model::DeviceHealth) -> Self {
        Self {
            device_id: report.device_id.to_string(),
            timestamp: report.timestamp.to_string(),
            uptime_seconds: report.uptime_seconds,
            free_heap_bytes: report.free_heap_bytes,
            signal_strength_dbm: report.signal_strength_dbm,
            connection_type: report.connection_type.into(),
            readings_sent: report.readings_sent,
            readings_dropped: report.readings_dropped,
            extra: report.extra.as_ref().map(Metadata::from),
        }
    }
}

page! {
    /// A page of health reports.
    DeviceHealthPage of DeviceHealth
}

/// A device's health over a span of time.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct DeviceHealthSummary {
    /// The first instant of the span.
    #[schema(format = "date-time")]
    from: String,
    /// The first instant behind the span.
    #[schema(format = "date-time")]
    to: String,
    /// How many reports there are.
    reports: u64,
    /// How often the device booted anew: its uptime fell.
    reboots: u64,
    /// Lost readings among sent and lost ones, from 0 to 1, by the differences within each boot;
    /// null where nothing was sent.
    #[schema(required = true)]
    loss: Option<f64>,
    /// Seconds since boot.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    uptime_seconds: Option<Figure>,
    /// Free memory in octets.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    free_heap_bytes: Option<Figure>,
    /// Strength of the received signal in dBm.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    signal_strength_dbm: Option<Figure>,
    /// Readings sent since boot.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    readings_sent: Option<Figure>,
    /// Readings lost since boot.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    readings_dropped: Option<Figure>,
}

impl DeviceHealthSummary {
    /// The summary of a span.
    pub(crate) fn new(range: TimeRange, summary: &service::HealthSummary) -> Self {
        Self {
            from: range.from.to_string(),
            to: range.to.to_string(),
            reports: summary.reports,
            reboots: summary.reboots,
            loss: summary.loss,
            uptime_seconds: summary.uptime_seconds.map(Figure::from),
            free_heap_bytes: summary.free_heap_bytes.map(Figure::from),
            signal_strength_dbm: summary.signal_strength_dbm.map(Figure::from),
            readings_sent: summary.readings_sent.map(Figure::from),
            readings_dropped: summary.readings_dropped.map(Figure::from),
        }
    }
}

/// A figure over a span of time.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Figure {
    /// The least.
    min: f64,
    /// The greatest.
    max: f64,
    /// The mean of all reports that have it.
    avg: f64,
}

impl From<service::Figure> for Figure {
    fn from(figure: service::Figure) -> Self {
        let service::Figure { min, max, avg } = figure;
        Self { min, max, avg }
    }
}
