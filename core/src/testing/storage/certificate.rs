//! Clauses of [`CertificateStore`](crate::storage::CertificateStore).

use std::collections::BTreeSet;
use std::time::Duration;

use super::maintenance::{keep_all, purge};
use super::world::{SERVER, issue, new_device, new_organization, new_token, pump, redeem};
use crate::model::certificate::{Certificate, CertificateFate, IssuerKeyId, RevocationReason};
use crate::model::device::Device;
use crate::model::page::{PageLimit, PageRequest};
use crate::model::serial::SerialNumber;
use crate::model::timestamp::Timestamp;
use crate::storage::{StorageError, Unique};
use crate::testing::fixtures::{after, certificate, issuer, issuer_key_id, noon};
use crate::testing::storage::Handle;

/// The list holds a device's certificates oldest first, by issue sequence, in pages of any size.
pub async fn the_list_is_by_sequence(storage: &Handle) {
    let pump = pump(storage).await;
    let fan = new_device(storage, pump.organization_id, "fan-1").await;
    let mut expected = Vec::new();
    for _ in 0..7 {
        expected.push(issue(storage, &pump).await.serial_number);
        issue(storage, &fan).await;
    }

    for limit in [1, 2, 7, 500] {
        let certificates = all_pages!(
            limit,
            |page| storage.certificates(pump.organization_id, pump.id, page),
            |it| it.issue_sequence
        );
        let found: Vec<_> = certificates
            .iter()
            .map(|it| it.serial_number.clone())
            .collect();
        assert_eq!(found, expected, "by {limit}");
        let sequences: Vec<_> = certificates.iter().map(|it| it.issue_sequence).collect();
        assert_eq!(sequences, (1..=7).collect::<Vec<_>>());
    }
    for after in [7, 8, u64::MAX >> 1, 1 << 63, u64::MAX] {
        let page = PageRequest {
            after: Some(after),
            limit: PageLimit::MAX,
        };
        let behind = storage.certificates(pump.organization_id, pump.id, page);
        let behind = behind.await.unwrap();
        assert!(behind.items.is_empty() && !behind.more, "after {after}");
    }
}

/// One is looked up among those of its device.
pub async fn look_up_is_by_device(storage: &Handle) {
    let pump = pump(storage).await;
    let fan = new_device(storage, pump.organization_id, "fan-1").await;
    let known = issue(storage, &pump).await;

    let id = pump.organization_id;
    let found = storage.certificate(id, pump.id, &known.serial_number).await;
    assert_eq!(found.unwrap(), Some(known.clone()));
    let found = storage.certificate(id, fan.id, &known.serial_number).await;
    assert_eq!(found.unwrap(), None);
    let unknown = certificate(&pump).serial_number;
    let found = storage.certificate(id, pump.id, &unknown).await;
    assert_eq!(found.unwrap(), None);
    let other = new_organization(storage).await;
    let found = storage
        .certificate(other, pump.id, &known.serial_number)
        .await;
    assert_eq!(found.unwrap(), None);
}

/// The revoked certificates of an issuer are listed by serial number, in pages of any size, also
/// those of other lengths; those of other issuers are not.
pub async fn revoked_ones_are_listed_by_serial_number(storage: &Handle) {
    let organization = new_organization(storage).await;
    let mut expected = Vec::new();
    let octets: [&[u8]; 6] = [
        &[1],
        &[1, 0],
        &[0x7f; 20],
        &[2],
        &[0xff; 19],
        &[1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1],
    ];
    for (number, octets) in octets.into_iter().enumerate() {
        let device = new_device(storage, organization, &format!("device-{number}")).await;
        let mut signed = certificate(&device);
        signed.serial_number = SerialNumber::from_be_bytes(octets).unwrap();
        expected.push(signed.serial_number.clone());
        redeem(storage, &new_token(storage, &device).await, &signed).await;
        delete(storage, &device, after(5)).await;
    }
    let device = new_device(storage, organization, "of-another-issuer").await;
    let mut signed = certificate(&device);
    signed.issuer_key_id = issuer_key_id(2);
    redeem(storage, &new_token(storage, &device).await, &signed).await;
    delete(storage, &device, after(5)).await;
    let good = new_device(storage, organization, "good").await;
    issue(storage, &good).await;
    expected.sort();

    for limit in [1, 2, 4, 6, 500] {
        let found = revoked(storage, issuer_key_id(1), after(5), limit).await;
        assert_eq!(found, expected, "by {limit}");
    }
    let of_other = revoked(storage, issuer_key_id(2), after(5), 9).await;
    assert_eq!(of_other, [signed.serial_number]);
    assert!(
        revoked(storage, issuer_key_id(3), after(5), 9)
            .await
            .is_empty()
    );
}

/// A revoked certificate leaves the list when it expires, and not a millisecond before.
pub async fn expired_ones_leave_the_list(storage: &Handle) {
    let pump = pump(storage).await;
    let known = issue(storage, &pump).await;
    delete(storage, &pump, noon()).await;
    let issuer = known.issuer_key_id;

    let at_end = revoked(storage, issuer, known.not_after, 9).await;
    assert_eq!(at_end, [known.serial_number]);
    let later = known.not_after.plus(Duration::from_millis(1));
    assert!(revoked(storage, issuer, later, 9).await.is_empty());
    assert_eq!(storage.revocation_count(issuer).await.unwrap(), 1);
}

/// A revoked certificate of a living device is on the list with its reason, and is counted; the
/// deletion of the device changes neither its reason nor its time.
pub async fn a_revocation_stays_as_it_is(storage: &Handle) {
    let organization = new_organization(storage).await;
    let mut expected = Vec::new();
    let mut devices = Vec::new();
    for (number, reason) in RevocationReason::ALL.into_iter().enumerate() {
        let device = new_device(storage, organization, &format!("device-{number}")).await;
        let mut signed = certificate(&device);
        signed.fate = CertificateFate::Revoked {
            at: after(7),
            reason,
        };
        redeem(storage, &new_token(storage, &device).await, &signed).await;
        expected.push((signed.serial_number, after(7), reason));
        devices.push(device);
    }
    expected.sort();
    let issuer = issuer_key_id(1);
    let listed = async || {
        let found = all_pages!(
            4,
            |page| storage.revoked_certificates(issuer, noon(), page),
            |it| it.serial_number.clone()
        );
        let found = found.into_iter();
        let found = found.map(|it| (it.serial_number, it.revoked_at, it.reason));
        found.collect::<Vec<_>>()
    };
    assert_eq!(listed().await, expected);
    let count = storage.revocation_count(issuer).await.unwrap();
    assert_eq!(usize::try_from(count).unwrap(), expected.len());

    for device in &devices {
        delete(storage, device, after(60)).await;
    }

    assert_eq!(listed().await, expected);
    assert_eq!(storage.revocation_count(issuer).await.unwrap(), count);
}

/// The revoked certificates of an issuer are listed also when the organization of their devices
/// is gone.
pub async fn the_list_outlives_the_organization(storage: &Handle) {
    let pump = pump(storage).await;
    let ceased = issue(storage, &pump).await;
    delete(storage, &pump, after(5)).await;
    let id = pump.organization_id;
    let deleted = storage.delete_organization(SERVER, id, None).await;
    deleted.unwrap();
    let issuer = ceased.issuer_key_id;

    let found = revoked(storage, issuer, after(5), 9).await;
    assert_eq!(found, std::slice::from_ref(&ceased.serial_number));
    purge(storage, &keep_all(after(9)), 9).await;
    let found = revoked(storage, issuer, after(9), 9).await;
    assert_eq!(found, [ceased.serial_number]);
    assert_eq!(storage.revocation_count(issuer).await.unwrap(), 1);
}

/// The count of revocations only rises, per issuer.
pub async fn revocations_are_counted(storage: &Handle) {
    let organization = new_organization(storage).await;
    for number in 0..3 {
        let count = storage.revocation_count(issuer_key_id(1)).await;
        assert_eq!(count.unwrap(), number);
        let device = new_device(storage, organization, &format!("device-{number}")).await;
        issue(storage, &device).await;
        delete(storage, &device, noon()).await;
    }
    let count = storage.revocation_count(issuer_key_id(1)).await;
    assert_eq!(count.unwrap(), 3);
    let count = storage.revocation_count(issuer_key_id(2)).await;
    assert_eq!(count.unwrap(), 0);
}

/// The numbers of an issuer's CRLs rise from 1 on, and each issuer has its own.
pub async fn crl_numbers_rise(storage: &Handle) {
    for expected in 1..=5 {
        for issuer in [1, 2] {
            let number = storage.next_crl_number(issuer_key_id(issuer)).await;
            assert_eq!(number.unwrap(), expected);
        }
    }
}

/// Of any number of concurrent callers no two get one CRL number.
pub async fn crl_numbers_are_never_given_twice(storage: &Handle) {
    let mut calls = tokio::task::JoinSet::new();
    for _ in 0..32 {
        let storage = storage.clone();
        calls.spawn(async move { storage.next_crl_number(issuer_key_id(1)).await.unwrap() });
    }
    let numbers: BTreeSet<u64> = calls.join_all().await.into_iter().collect();
    assert_eq!(numbers, (1..=32).collect());
}

/// Issuers can be read back, oldest first, unchanged.
pub async fn issuers_are_listed_oldest_first(storage: &Handle) {
    assert!(storage.issuers().await.unwrap().is_empty());
    // The key ids are in another order than the times.
    let mut expected = vec![issuer(9), issuer(3), issuer(200)];
    for (age, issuer) in expected.iter_mut().enumerate() {
        issuer.created_at = after(age.try_into().unwrap());
    }
    for index in [2, 0, 1] {
        let created = storage.create_issuer(SERVER, &expected[index]).await;
        created.unwrap();
    }

    assert_eq!(storage.issuers().await.unwrap(), expected);
}

/// A taken key id is refused.
pub async fn a_taken_issuer_is_refused(storage: &Handle) {
    let first = issuer(1);
    storage.create_issuer(SERVER, &first).await.unwrap();
    let mut second = first.clone();
    second.certificate_pem = "another".to_owned();

    let answer = storage.create_issuer(SERVER, &second).await;

    assert_refused!(answer, StorageError::Taken(Unique::Id));
    assert_eq!(storage.issuers().await.unwrap(), [first]);
}

async fn delete(storage: &Handle, device: &Device, now: Timestamp) {
    storage
        .delete_device(device.organization_id, device.id, None, now)
        .await
        .unwrap();
}

async fn revoked(
    storage: &Handle,
    issuer: IssuerKeyId,
    now: Timestamp,
    limit: u16,
) -> Vec<SerialNumber> {
    let found = all_pages!(
        limit,
        |page| storage.revoked_certificates(issuer, now, page),
        |it| it.serial_number.clone()
    );
    found.into_iter().map(|it| it.serial_number).collect()
}

/// The record of a certificate is all of it.
pub async fn records_are_complete(storage: &Handle) {
    let pump = pump(storage).await;
    let mut signed: Certificate = certificate(&pump);
    signed.subject = "CN=a\\,b,O=\"x\" <y>".to_owned();
    signed.pem = "-----BEGIN\r\n".repeat(900);
    signed.not_after = Timestamp::MAX;
    signed.not_before = Timestamp::UNIX_EPOCH;

    let mut recorded = redeem(storage, &new_token(storage, &pump).await, &signed).await;
    let found = storage
        .certificate(pump.organization_id, pump.id, &signed.serial_number)
        .await;
    assert_eq!(found.unwrap().as_ref(), Some(&recorded));
    recorded.issue_sequence = signed.issue_sequence;
    assert_eq!(recorded, signed);
}
