//! Tests of what becomes of records on their way.

use super::*;
use crate::model::certificate::IssuerKeyId;
use crate::model::presence::{DeviceStatus, NodeId, Session};
use crate::storage::{Effects, MemoryStorage};
use crate::testing::fixtures::{after, certificate, device, noon, organization, token};

async fn carry(source: &MemoryStorage, target: &MemoryStorage, carriage: Carriage) -> ArchiveSum {
    let archive = source.archive(ServerProof::vouch(), None).await.unwrap();
    let mut carrier = Carrier::new(archive, carriage);
    while carrier.step(target).await.unwrap().is_some() {}
    carrier.sum()
}

async fn sum(storage: &MemoryStorage) -> ArchiveSum {
    let archive = storage.archive(ServerProof::vouch(), None).await.unwrap();
    let mut carrier = Carrier::new(archive, Carriage::AsTheyAre);
    while !carrier.next().await.unwrap().is_empty() {}
    carrier.sum()
}

#[tokio::test]
async fn what_is_carried_adds_up() {
    let (source, target) = (MemoryStorage::default(), MemoryStorage::default());
    let organization = organization();
    let made = crate::storage::OrganizationStore::create_organization(
        &source,
        ServerProof::vouch(),
        &organization,
        None,
        &Effects::NONE,
    );
    made.await.unwrap();
    for number in 0..1200 {
        let device = device(organization.id, &format!("device {number}"));
        let created = crate::storage::DeviceStore::create_device(&source, &device, &Effects::NONE);
        created.await.unwrap();
    }
    let carried = carry(&source, &target, Carriage::AsTheyAre).await;
    assert_eq!(carried, sum(&source).await);
    assert_eq!(carried, sum(&target).await);
    assert_eq!(carried.total(), 1201);
    assert_ne!(carried, sum(&MemoryStorage::default()).await);
}

#[test]
fn an_import_is_no_heavier_than_it_may_be() {
    let organization = organization();
    let light = ArchiveRecord::Organization(organization.clone());
    let heavy = ArchiveRecord::Retained {
        organization_id: organization.id,
        device_id: device(organization.id, "pump-7").id,
        topic: crate::storage::RetainedTopic::Status,
        payload: vec![0; IMPORT_WEIGHT],
    };
    let records = [light.clone(), heavy, light];
    assert_eq!(fitting(&records), 1);
    assert_eq!(fitting(&records[1..]), 1);
    assert_eq!(fitting(&records[2..]), 1);
}

#[test]
fn what_is_restored_does_not_come_to_life() {
    let organization = organization();
    let restored = Carriage::Restored(after(60));

    let open = token(&device(organization.id, "pump-7"));
    let mut used = open.clone();
    used.fate = TokenFate::Used {
        at: noon(),
        serial_number: certificate(&device(organization.id, "x")).serial_number,
    };
    let mut late = open.clone();
    late.expires_at = noon();
    for (before, fate) in [
        (open, TokenFate::Revoked { at: after(60) }),
        (used.clone(), used.fate),
        (late, TokenFate::Expired),
    ] {
        let carried = restored.apply(ArchiveRecord::Token(before));
        assert!(matches!(carried, ArchiveRecord::Token(token) if token.fate == fate));
    }

    let mut online = device(organization.id, "fan-1");
    online.presence.session_opened(noon()).unwrap();
    online.session_epoch = online.session_epoch.next();
    online.session = Some(Session {
        epoch: online.session_epoch,
        node: NodeId::main(),
        serial_number: certificate(&online).serial_number,
    });
    let carried = restored.apply(ArchiveRecord::Device(Box::new(online.clone())));
    let ArchiveRecord::Device(carried) = carried else {
        panic!("{carried:?}");
    };
    assert_eq!(carried.session, None);
    assert_eq!(carried.session_epoch, online.session_epoch);
    assert_eq!(carried.presence.status(), DeviceStatus::Offline);

    let count = |crl_number| ArchiveRecord::IssuerCount {
        key_id: IssuerKeyId::from_bytes([1; 20]),
        revocations: 4,
        crl_number,
    };
    let now = unix_seconds(after(60));
    for (before, expected) in [(7, now), (now + 9, now + 9)] {
        let carried = restored.apply(count(before));
        assert_eq!(carried.octets(), count(expected).octets());
    }
}
