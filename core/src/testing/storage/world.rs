//! What the clauses have in common: small steps that have to succeed, and looks at everything.

use crate::model::api_key::KeyOwner;
use crate::model::certificate::Certificate;
use crate::model::component::{Component, ComponentFilter};
use crate::model::device::{Device, DeviceFilter, DeviceUpdate};
use crate::model::id::OrganizationId;
use crate::model::ingestion::{IngestOutcome, ReportedReading};
use crate::model::limits::Limits;
use crate::model::presence::{DeviceStatus, NodeId};
use crate::model::quarantine::{QuarantineFilter, QuarantinedItem};
use crate::model::reading::{TimeRange, Value};
use crate::model::sensor::{Sensor, SensorFilter};
use crate::model::timestamp::Timestamp;
use crate::model::token::{RegistrationToken, TokenState};
use crate::storage::{Effects, OpenedSession, Redemption, RetainedTopic, ServerProof};
use crate::testing::fixtures::{batch, certificate, device, noon, organization, token};
use crate::testing::storage::Handle;

/// Asserts that a call was refused for a reason, and shows its answer if it was not.
macro_rules! assert_refused {
    ($answer:expr, $reason:pat) => {{
        let answer = $answer;
        assert!(matches!(answer, Err($reason)), "{answer:?}");
    }};
}

/// Follows a list from its first page to its last.
macro_rules! all_pages {
    ($limit:expr, |$page:ident| $fetch:expr, $position:expr) => {{
        let limit = $crate::model::page::PageLimit::new($limit).unwrap();
        let mut all = Vec::new();
        let mut after = None;
        loop {
            let first = after.is_none();
            let $page = $crate::model::page::PageRequest {
                after: after.take(),
                limit,
            };
            let found = $fetch.await.unwrap();
            assert!(
                found.items.len() <= limit.as_usize(),
                "a page over its limit"
            );
            assert!(first || !found.items.is_empty(), "nothing behind `more`");
            after = found.items.last().map($position);
            all.extend(found.items);
            assert!(all.len() <= 10_000, "a list without an end");
            if !found.more {
                break all;
            }
            assert!(after.is_some(), "an empty page with `more`");
        }
    }};
}

pub(super) const SERVER: ServerProof = ServerProof::vouch();

pub(super) const ALL_TOKEN_STATES: [TokenState; 4] = [
    TokenState::Expired,
    TokenState::Pending,
    TokenState::Revoked,
    TokenState::Used,
];

pub(super) fn limits() -> Limits {
    Limits::default()
}

pub(super) async fn new_organization(storage: &Handle) -> OrganizationId {
    let organization = organization();
    storage
        .create_organization(SERVER, &organization, None, &Effects::NONE)
        .await
        .unwrap();
    organization.id
}

pub(super) async fn new_device(
    storage: &Handle,
    organization: OrganizationId,
    name: &str,
) -> Device {
    let device = device(organization, name);
    storage
        .create_device(&device, &Effects::NONE)
        .await
        .unwrap();
    device
}

/// A device in an organization of its own.
pub(super) async fn pump(storage: &Handle) -> Device {
    let organization = new_organization(storage).await;
    new_device(storage, organization, "pump-7").await
}

/// The device as it is stored now.
pub(super) async fn stored(storage: &Handle, device: &Device) -> Device {
    let found = storage.device(device.organization_id, device.id).await;
    found.unwrap().unwrap()
}

pub(super) async fn new_token(storage: &Handle, device: &Device) -> RegistrationToken {
    let token = token(device);
    storage.create_token(&token, &Effects::NONE).await.unwrap();
    token
}

/// Redeems a new token at noon.
pub(super) async fn issue(storage: &Handle, device: &Device) -> Certificate {
    let token = new_token(storage, device).await;
    redeem(storage, &token, &certificate(device)).await
}

/// Redeems a token at the time when `certificate` is issued.
pub(super) async fn redeem(
    storage: &Handle,
    token: &RegistrationToken,
    certificate: &Certificate,
) -> Certificate {
    match try_redeem(storage, token, certificate).await {
        Redemption::Recorded(certificate) => certificate,
        Redemption::Refused(refused) => panic!("refused: {refused:?}"),
    }
}

pub(super) async fn try_redeem(
    storage: &Handle,
    token: &RegistrationToken,
    certificate: &Certificate,
) -> Redemption {
    let now = certificate.issued_at;
    storage
        .consume_token(token.organization_id, token.id, certificate, &limits(), now)
        .await
        .unwrap()
}

/// Opens a session, which has to be accepted.
pub(super) async fn connect(
    storage: &Handle,
    certificate: &Certificate,
    now: Timestamp,
) -> OpenedSession {
    let node = NodeId::main();
    storage
        .open_session(
            certificate.organization_id,
            certificate.device_id,
            &certificate.serial_number,
            &node,
            now,
        )
        .await
        .unwrap()
        .unwrap()
}

/// Opens a session with a new certificate.
pub(super) async fn bring_online(storage: &Handle, device: &Device) -> OpenedSession {
    let certificate = issue(storage, device).await;
    connect(storage, &certificate, noon()).await
}

pub(super) async fn set_status(storage: &Handle, device: &Device, status: DeviceStatus) -> Device {
    let update = DeviceUpdate {
        settings: stored(storage, device).await.settings,
        status: Some(status),
    };
    storage
        .update_device(device.organization_id, device.id, None, &update, noon())
        .await
        .unwrap()
        .device
}

/// Reports readings at noon.
pub(super) async fn report(
    storage: &Handle,
    device: &Device,
    readings: impl IntoIterator<Item = ReportedReading> + Send,
) -> IngestOutcome {
    storage
        .store_readings(
            device.organization_id,
            device.id,
            &batch(readings),
            &limits(),
        )
        .await
        .unwrap()
}

/// All sensors of a device, by id.
pub(super) async fn sensors_of(storage: &Handle, device: &Device) -> Vec<Sensor> {
    let filter = SensorFilter {
        device_id: Some(device.id),
        ..SensorFilter::default()
    };
    all_pages!(
        500,
        |page| storage.sensors(device.organization_id, &filter, page),
        |sensor| sensor.id
    )
}

/// All components of a device, by id.
pub(super) async fn components_of(storage: &Handle, device: &Device) -> Vec<Component> {
    let filter = ComponentFilter {
        device_id: Some(device.id),
        ..ComponentFilter::default()
    };
    all_pages!(
        500,
        |page| storage.components(device.organization_id, &filter, page),
        |component| component.id
    )
}

/// The only sensor of a device.
pub(super) async fn only_sensor(storage: &Handle, device: &Device) -> Sensor {
    let sensors = sensors_of(storage, device).await;
    assert_eq!(sensors.len(), 1, "{sensors:?}");
    sensors.into_iter().next().unwrap()
}

/// All readings of a sensor, newest first.
pub(super) async fn readings_of(storage: &Handle, sensor: &Sensor) -> Vec<(Timestamp, Value)> {
    let readings = all_pages!(
        500,
        |page| storage.readings(sensor.organization_id, sensor.id, TimeRange::ALL, page),
        |reading| reading.timestamp
    );
    readings
        .into_iter()
        .map(|reading| (reading.timestamp, reading.value))
        .collect()
}

/// What of a device is in the quarantine, newest first.
pub(super) async fn quarantine_of(storage: &Handle, device: &Device) -> Vec<QuarantinedItem> {
    let filter = QuarantineFilter {
        device_id: Some(device.id),
        reason: None,
    };
    all_pages!(
        500,
        |page| storage.quarantined(device.organization_id, &filter, page),
        |item| item.id
    )
}

/// Every answer that an organization can get, one line each: equal before and after a call that
/// changed nothing.
pub(super) async fn snapshot(storage: &Handle, id: OrganizationId) -> Vec<String> {
    let mut lines = Vec::new();
    let mut note = |answer: &dyn std::fmt::Debug| lines.push(format!("{answer:?}"));
    note(&storage.organization(id).await.unwrap());
    note(&storage.device_summary(id).await.unwrap());
    let owner = KeyOwner::Organization(id);
    for key in all_pages!(500, |page| storage.api_keys(owner, page), |key| key.id) {
        note(&key);
    }
    for site in all_pages!(500, |page| storage.sites(id, page), |site| site.id) {
        note(&site);
    }
    for group in all_pages!(500, |page| storage.groups(id, page), |group| group.id) {
        note(&group);
    }
    let tokens = all_pages!(
        500,
        |page| storage.tokens(id, &ALL_TOKEN_STATES, noon(), page),
        |token| token.id
    );
    for token in tokens {
        note(&token);
    }
    let devices = all_devices(storage, id).await;
    for device in &devices {
        note(device);
    }
    for device in &devices {
        for line in device_lines(storage, device).await {
            note(&line);
        }
    }
    let filter = QuarantineFilter::default();
    let items = all_pages!(500, |page| storage.quarantined(id, &filter, page), |item| {
        item.id
    });
    for item in items {
        note(&item);
    }
    lines
}

/// All devices of an organization, by id.
pub(super) async fn all_devices(storage: &Handle, id: OrganizationId) -> Vec<Device> {
    let filter = DeviceFilter::default();
    all_pages!(500, |page| storage.devices(id, &filter, page), |device| {
        device.id
    })
}

async fn device_lines(storage: &Handle, device: &Device) -> Vec<String> {
    let organization = device.organization_id;
    let mut lines = Vec::new();
    let mut note = |answer: &dyn std::fmt::Debug| lines.push(format!("{answer:?}"));
    let certificates = all_pages!(
        500,
        |page| storage.certificates(organization, device.id, page),
        |certificate| certificate.issue_sequence
    );
    for certificate in certificates {
        note(&certificate);
    }
    for component in components_of(storage, device).await {
        note(&component);
    }
    for sensor in sensors_of(storage, device).await {
        note(&sensor);
        note(&readings_of(storage, &sensor).await);
    }
    let reports = all_pages!(
        500,
        |page| storage.health(organization, device.id, TimeRange::ALL, page),
        |report| report.timestamp
    );
    for report in reports {
        note(&report);
    }
    for topic in [RetainedTopic::ConfigReported, RetainedTopic::Status] {
        let retained = storage.retained(organization, device.id, topic).await;
        note(&retained.unwrap());
    }
    lines
}
