//! What devices report.

use std::sync::Arc;

use bytes::Bytes;
use fieldgate_core::model::announcement::{AnnouncedComponent, AnnouncementRefusal};
use fieldgate_core::model::health::ConnectionType;
use fieldgate_core::model::ingestion::{ReportedReading, SensorAddress};
use fieldgate_core::model::key::Key;
use fieldgate_core::model::page::{PageLimit, PageRequest};
use fieldgate_core::model::quarantine::{QuarantineFilter, QuarantineReason};
use fieldgate_core::model::reading::{TimeRange, Value};
use fieldgate_core::model::sensor::SensorFilter;
use fieldgate_core::storage::{MemoryStorage, ReportStore, RetainedTopic};
use fieldgate_core::transport::{HealthReport, Inbound, Inbox, Outbound, ReceiveError};

use crate::{System, identity};

fn readings(value: i64) -> Inbound {
    Inbound::Readings(vec![Ok(ReportedReading {
        sensor: SensorAddress::Keys {
            component: Key::main(),
            sensor: "counter".parse().unwrap(),
        },
        timestamp: None,
        value: Value::BigInt(value),
        metadata: None,
        raw: Bytes::from_static(b"{}"),
    })])
}

fn health(timestamp: Option<&str>) -> Inbound {
    Inbound::Health(HealthReport {
        timestamp: timestamp.map(|text| text.parse().unwrap()),
        uptime_seconds: 5,
        free_heap_bytes: None,
        signal_strength_dbm: Some(-60),
        connection_type: ConnectionType::Wifi,
        readings_sent: 1,
        readings_dropped: 0,
        extra: None,
        raw: Bytes::from_static(b"{}"),
    })
}

#[tokio::test]
async fn a_reading_creates_its_sensor_and_is_found() {
    let system = System::new().await;
    let (device, provisioned) = system.provisioned("greenhouse-7").await;
    let session = system.connect(&provisioned).await;
    session.send(readings(7)).await.unwrap();

    let filter = SensorFilter {
        device_id: Some(device),
        ..SensorFilter::default()
    };
    let page = PageRequest::first(PageLimit::default());
    let sensors = system
        .fieldgate
        .sensors()
        .list(system.organization, &filter, page)
        .await
        .unwrap();
    let sensor = &sensors.items[0];
    assert_eq!(sensor.latest.as_ref().unwrap().value, Value::BigInt(7));
    let page = PageRequest::first(PageLimit::default());
    let found = system
        .fieldgate
        .readings()
        .list(system.organization, sensor.id, TimeRange::ALL, page)
        .await
        .unwrap();
    assert_eq!(found.items.len(), 1);
}

#[tokio::test]
async fn readings_that_come_at_once_are_all_kept() {
    let system = System::new().await;
    let (device, provisioned) = system.provisioned("greenhouse-7").await;
    let session = system.connect(&provisioned).await;
    // The clock of this system stands still.
    for value in 0..3 {
        session.send(readings(value)).await.unwrap();
    }

    let filter = SensorFilter {
        device_id: Some(device),
        ..SensorFilter::default()
    };
    let page = PageRequest::first(PageLimit::default());
    let sensors = system.fieldgate.sensors();
    let found = sensors.list(system.organization, &filter, page).await;
    let sensor = &found.unwrap().items[0];
    assert_eq!(sensor.latest.as_ref().unwrap().value, Value::BigInt(2));
    let page = PageRequest::first(PageLimit::default());
    let found = system
        .fieldgate
        .readings()
        .list(system.organization, sensor.id, TimeRange::ALL, page)
        .await
        .unwrap();
    assert_eq!(found.items.len(), 3);
}

#[tokio::test]
async fn a_health_report_from_the_future_is_quarantined() {
    let system = System::new().await;
    let (device, provisioned) = system.provisioned("greenhouse-7").await;
    let session = system.connect(&provisioned).await;
    session.send(health(None)).await.unwrap();
    session
        .send(health(Some("2099-01-01T00:00:00Z")))
        .await
        .unwrap();

    let page = PageRequest::first(PageLimit::default());
    let history = system
        .fieldgate
        .health()
        .history(system.organization, device, TimeRange::ALL, page)
        .await
        .unwrap();
    assert_eq!(history.items.len(), 1);
    let page = PageRequest::first(PageLimit::default());
    let quarantined = system
        .fieldgate
        .quarantine()
        .list(system.organization, &QuarantineFilter::default(), page)
        .await
        .unwrap();
    assert_eq!(
        quarantined.items[0].rejection.reason,
        QuarantineReason::TimestampAhead
    );
}

#[tokio::test]
async fn a_late_message_of_a_deleted_device_changes_nothing() {
    let system = System::new().await;
    let (device, provisioned) = system.provisioned("greenhouse-7").await;
    let session = system.connect(&provisioned).await;
    let devices = system.fieldgate.devices();
    devices
        .delete(system.organization, device, None)
        .await
        .unwrap();
    let late = session.send(readings(7)).await;
    assert!(matches!(late, Err(ReceiveError::DeviceGone)), "{late:?}");
    let page = PageRequest::first(PageLimit::default());
    let sensors = system
        .fieldgate
        .sensors()
        .list(system.organization, &SensorFilter::default(), page)
        .await
        .unwrap();
    assert_eq!(sensors.items, []);
}

#[tokio::test]
async fn what_arrives_is_noted_as_last_seen() {
    let system = System::new().await;
    let (device, provisioned) = system.provisioned("greenhouse-7").await;
    let session = system.connect(&provisioned).await;
    system.advance(90);
    session.send(health(None)).await.unwrap();
    system.fieldgate.maintenance().write_seen().await.unwrap();
    let devices = system.fieldgate.devices();
    let device = devices.device(system.organization, device).await.unwrap();
    let seen = device.presence.last_seen_at().unwrap();
    assert_eq!(seen.to_string(), "2026-06-15T12:01:30.000Z");
}

#[tokio::test]
async fn being_heard_of_is_a_sign_of_life() {
    let system = System::new().await;
    let (device, provisioned) = system.provisioned("greenhouse-7").await;
    let gateway = system.fieldgate.gateway();
    let opened = gateway.open_session(&identity(&provisioned)).await;
    let session = opened.unwrap().unwrap();
    system.advance(45);
    gateway.heard(&session);
    system.fieldgate.maintenance().write_seen().await.unwrap();
    let devices = system.fieldgate.devices();
    let device = devices.device(system.organization, device).await.unwrap();
    let seen = device.presence.last_seen_at().unwrap();
    assert_eq!(seen.to_string(), "2026-06-15T12:00:45.000Z");
}

#[tokio::test]
async fn a_health_report_may_be_just_as_far_ahead_as_a_reading() {
    let system = System::new().await;
    let (device, provisioned) = system.provisioned("greenhouse-7").await;
    let session = system.connect(&provisioned).await;
    for timestamp in ["2026-06-15T12:05:00.000Z", "2026-06-15T12:05:00.001Z"] {
        session.send(health(Some(timestamp))).await.unwrap();
    }

    let page = PageRequest::first(PageLimit::default());
    let kept = system.fieldgate.health();
    let kept = kept.history(system.organization, device, TimeRange::ALL, page);
    let kept = kept.await.unwrap().items;
    assert_eq!(kept.len(), 1);
    assert_eq!(kept[0].timestamp.to_string(), "2026-06-15T12:05:00.000Z");
}

#[tokio::test]
async fn an_announcement_is_answered_with_all_that_was_refused() {
    let system = System::new().await;
    let (device, provisioned) = system.provisioned("greenhouse-7").await;
    let session = system.connect(&provisioned).await;
    let refusal = AnnouncementRefusal {
        component: "b/c".to_owned(),
        sensor: None,
        code: "malformed",
        detail: "no key".to_owned(),
    };
    let component = AnnouncedComponent {
        key: Key::main(),
        name: None,
        profile: None,
        sensors: Vec::new(),
    };
    let announced = session.send(Inbound::Announce {
        firmware_version: Some("1.2.3".parse().unwrap()),
        profile: None,
        components: vec![component],
        refused: vec![refusal.clone()],
    });

    let Some(Outbound::AnnounceResult(outcome)) = announced.await.unwrap() else {
        panic!("no answer");
    };
    assert_eq!(outcome.components.len(), 1);
    assert_eq!(outcome.refused, [refusal]);
    let devices = system.fieldgate.devices();
    let device = devices.device(system.organization, device).await.unwrap();
    assert_eq!(device.firmware_version.unwrap().as_str(), "1.2.3");
}

#[tokio::test]
async fn documents_are_kept_each_for_its_topic() {
    let storage = Arc::new(MemoryStorage::default());
    let system = System::with(|builder| builder.storage(storage.clone())).await;
    let (device, provisioned) = system.provisioned("greenhouse-7").await;
    let session = system.connect(&provisioned).await;
    let config = Inbound::ConfigReported(Bytes::from_static(b"config"));
    session.send(config).await.unwrap();
    let status = Inbound::Status(Bytes::from_static(b"status"));
    session.send(status).await.unwrap();

    for (topic, document) in [
        (RetainedTopic::ConfigReported, b"config"),
        (RetainedTopic::Status, b"status"),
    ] {
        let kept = storage.retained(system.organization, device, topic).await;
        assert_eq!(kept.unwrap().as_deref(), Some(&document[..]));
    }
}
