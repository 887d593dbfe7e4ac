//! Looking up how devices are and were.

use crate::error::{Error, Result};
use crate::model::health::DeviceHealth;
use crate::model::id::{DeviceId, OrganizationId};
use crate::model::page::{Page, PageLimit, PageRequest};
use crate::model::reading::TimeRange;
use crate::model::timestamp::Timestamp;
use crate::service::service;

service! {
    /// Looking up how devices are and were.
    Health
}

/// A device's health over a span of time.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct HealthSummary {
    /// How many reports there are.
    pub reports: u64,
    /// How often the device booted anew: an uptime that falls.
    pub reboots: u64,
    /// Lost readings by sent and lost ones, from 0 to 1, by the differences within each boot;
    /// `None` where nothing was sent.
    pub loss: Option<f64>,
    /// Seconds since boot.
    pub uptime_seconds: Option<Figure>,
    /// Free memory in octets.
    pub free_heap_bytes: Option<Figure>,
    /// Strength of the received signal in dBm.
    pub signal_strength_dbm: Option<Figure>,
    /// Readings sent since boot.
    pub readings_sent: Option<Figure>,
    /// Readings lost since boot.
    pub readings_dropped: Option<Figure>,
}

/// A figure over a span of time.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Figure {
    /// The least.
    pub min: f64,
    /// The greatest.
    pub max: f64,
    /// The mean of all reports that have it.
    pub avg: f64,
}

impl Health {
    /// Lists a device's reports in a range, newest first.
    ///
    /// # Errors
    ///
    /// [`Error::NotFound`] for the device.
    pub async fn history(
        &self,
        organization: OrganizationId,
        device: DeviceId,
        range: TimeRange,
        page: PageRequest<Timestamp>,
    ) -> Result<Page<DeviceHealth>> {
        self.check_device(organization, device).await?;
        let storage = &self.parts.storage;
        Ok(storage.health(organization, device, range, page).await?)
    }

    /// The newest report of a device; `None` where it has not reported yet.
    ///
    /// # Errors
    ///
    /// [`Error::NotFound`] for the device.
    pub async fn latest(
        &self,
        organization: OrganizationId,
        device: DeviceId,
    ) -> Result<Option<DeviceHealth>> {
        self.check_device(organization, device).await?;
        let storage = &self.parts.storage;
        Ok(storage.latest_health(organization, device).await?)
    }

    /// Sums a device's reports in a range up. At most 100,000 reports are summed up.
    ///
    /// # Errors
    ///
    /// [`Error::NotFound`] for the device; [`Error::Invalid`] with `range_too_large`.
    pub async fn summary(
        &self,
        organization: OrganizationId,
        device: DeviceId,
        range: TimeRange,
    ) -> Result<HealthSummary> {
        self.check_device(organization, device).await?;
        let mut summing = Summing::default();
        let mut after = None;
        loop {
            let page = PageRequest {
                after,
                limit: PageLimit::MAX,
            };
            let storage = &self.parts.storage;
            let found = storage.health(organization, device, range, page).await?;
            for report in &found.items {
                summing.add(report);
            }
            after = found.items.last().map(|report| report.timestamp);
            if !found.more {
                return Ok(summing.finish());
            }
            if summing.reports >= SUMMARY_REPORTS_MAX {
                return Err(Error::Invalid {
                    code: "range_too_large",
                    detail: "the range has more than 100000 reports: narrow it".to_owned(),
                    fields: Vec::new(),
                });
            }
        }
    }

    /// The time now, for ranges relative to it.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.parts.now()
    }

    async fn check_device(&self, organization: OrganizationId, device: DeviceId) -> Result<()> {
        let found = self.parts.storage.device(organization, device).await?;
        found.map(drop).ok_or(Error::NotFound { what: "device" })
    }
}

/// A summary in the making; reports come newest first.
#[derive(Debug, Default)]
struct Summing {
    reports: u64,
    reboots: u64,
    sent: u64,
    dropped: u64,
    newer: Option<(u64, u64, u64)>,
    uptime: FigureSum,
    heap: FigureSum,
    signal: FigureSum,
    sent_by_report: FigureSum,
    dropped_by_report: FigureSum,
}

#[derive(Debug, Default)]
struct FigureSum {
    figure: Option<(f64, f64, f64, u64)>,
}

impl Summing {
    fn add(&mut self, report: &DeviceHealth) {
        self.reports += 1;
        let (uptime, sent, dropped) = (
            report.uptime_seconds,
            report.readings_sent,
            report.readings_dropped,
        );
        if let Some((newer_uptime, newer_sent, newer_dropped)) = self.newer {
            if newer_uptime < uptime {
                self.reboots += 1;
            } else {
                self.sent = self.sent.saturating_add(newer_sent.saturating_sub(sent));
                let dropped = newer_dropped.saturating_sub(dropped);
                self.dropped = self.dropped.saturating_add(dropped);
            }
        }
        self.newer = Some((uptime, sent, dropped));
        self.uptime.add(as_f64(uptime));
        self.sent_by_report.add(as_f64(sent));
        self.dropped_by_report.add(as_f64(dropped));
        if let Some(bytes) = report.free_heap_bytes {
            self.heap.add(as_f64(bytes));
        }
        if let Some(dbm) = report.signal_strength_dbm {
            self.signal.add(f64::from(dbm));
        }
    }

    fn finish(self) -> HealthSummary {
        let tried = self.sent.saturating_add(self.dropped);
        HealthSummary {
            reports: self.reports,
            reboots: self.reboots,
            loss: (tried > 0).then(|| as_f64(self.dropped) / as_f64(tried)),
            uptime_seconds: self.uptime.finish(),
            free_heap_bytes: self.heap.finish(),
            signal_strength_dbm: self.signal.finish(),
            readings_sent: self.sent_by_report.finish(),
            readings_dropped: self.dropped_by_report.finish(),
        }
    }
}

impl FigureSum {
    fn add(&mut self, value: f64) {
        let (min, max, sum, count) = self.figure.unwrap_or((value, value, 0.0, 0));
        self.figure = Some((min.min(value), max.max(value), sum + value, count + 1));
    }

    fn finish(self) -> Option<Figure> {
        self.figure.map(|(min, max, sum, count)| Figure {
            min,
            max,
            avg: sum / as_f64(count),
        })
    }
}

#[expect(clippy::cast_precision_loss, reason = "figures for people")]
const fn as_f64(number: u64) -> f64 {
    number as f64
}

const SUMMARY_REPORTS_MAX: u64 = 100_000;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::health::ConnectionType;

    fn report(uptime: u64, sent: u64, dropped: u64) -> DeviceHealth {
        DeviceHealth {
            device_id: DeviceId::new(Timestamp::UNIX_EPOCH, [0; 10]),
            timestamp: Timestamp::UNIX_EPOCH,
            uptime_seconds: uptime,
            free_heap_bytes: Some(uptime * 10),
            signal_strength_dbm: None,
            connection_type: ConnectionType::Wifi,
            readings_sent: sent,
            readings_dropped: dropped,
            extra: None,
        }
    }

    /// Sums reports up that are given oldest first.
    fn summary(reports: &[DeviceHealth]) -> HealthSummary {
        let mut summing = Summing::default();
        for report in reports.iter().rev() {
            summing.add(report);
        }
        summing.finish()
    }

    #[test]
    fn loss_counts_differences_within_each_boot() {
        let summary = summary(&[
            report(100, 1000, 500),
            report(200, 1090, 510),
            // A reboot: its counters start anew.
            report(10, 5, 5),
            report(20, 95, 15),
        ]);
        assert_eq!(summary.reboots, 1);
        assert_eq!(summary.loss, Some(20.0 / 200.0));
    }

    #[test]
    fn figures_beyond_all_bounds_do_no_harm() {
        let summary = summary(&[
            report(1, 0, 0),
            report(2, u64::MAX, u64::MAX),
            report(3, 0, 0),
            report(4, u64::MAX, u64::MAX),
        ]);
        assert_eq!(summary.loss, Some(1.0));
    }

    #[test]
    fn nothing_sent_is_no_loss_figure() {
        let summary = summary(&[report(1, 7, 0), report(2, 7, 0)]);
        assert_eq!(summary.loss, None);
        assert_eq!(summary.signal_strength_dbm, None);
    }

    #[test]
    fn figures_have_min_max_and_mean() {
        let summary = summary(&[report(1, 30, 0), report(2, 30, 0), report(6, 60, 3)]);
        let uptime = summary.uptime_seconds.unwrap();
        assert_eq!((uptime.min, uptime.max, uptime.avg), (1.0, 6.0, 3.0));
        let sent = summary.readings_sent.unwrap();
        assert_eq!((sent.min, sent.max, sent.avg), (30.0, 60.0, 40.0));
        let dropped = summary.readings_dropped.unwrap();
        assert_eq!((dropped.min, dropped.max, dropped.avg), (0.0, 3.0, 1.0));
    }
}
