//! The work that goes on in the background.

use std::time::Duration;

use fieldgate_core::service::Maintenance;
use tokio::time::{MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;

/// Writes down when devices were last heard of, until `stop`, and then once more.
pub(crate) async fn write_seen(maintenance: Maintenance, stop: CancellationToken) {
    let mut ticks = every(SEEN);
    loop {
        let stopped = tokio::select! {
            () = stop.cancelled() => true,
            _ = ticks.tick() => false,
        };
        if let Err(error) = maintenance.write_seen().await {
            tracing::warn!(%error, "when devices were last heard of could not be written");
        }
        if stopped {
            return;
        }
    }
}

/// Removes what is no longer needed, in small steps so that others get their turn, until `stop`.
pub(crate) async fn purge(maintenance: Maintenance, stop: CancellationToken) {
    let mut ticks = every(PURGE);
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            _ = ticks.tick() => {}
        }
        loop {
            match maintenance.purge().await {
                Ok(true) => {}
                Ok(false) => break,
                Err(error) => {
                    tracing::warn!(%error, "old data could not be removed");
                    break;
                }
            }
            tokio::select! {
                () = stop.cancelled() => return,
                () = tokio::time::sleep(PURGE_PAUSE) => {}
            }
        }
    }
}

fn every(period: Duration) -> tokio::time::Interval {
    let mut ticks = interval(period);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    ticks
}

const SEEN: Duration = Duration::from_secs(5);
const PURGE: Duration = Duration::from_secs(60);
const PURGE_PAUSE: Duration = Duration::from_millis(50);
