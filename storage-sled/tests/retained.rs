//! A retained message is kept in pieces; whoever reads all records gets it as a whole.

use fieldgate_core::storage::{
    ArchiveRecord, ArchiveStore as _, DeviceStore as _, Effects, OrganizationStore as _,
    ReportStore as _, RetainedTopic, ServerProof,
};
use fieldgate_core::testing::fixtures::{device, noon, organization};
use fieldgate_storage_sled::SledStorage;

/// With messages of one piece to eight, a page ends in the midst of one somewhere.
#[tokio::test]
async fn a_page_of_an_archive_ends_with_a_whole_message() {
    let dir = tempfile::tempdir().unwrap();
    let storage = SledStorage::open(dir.path()).unwrap();
    let (proof, none) = (ServerProof::vouch, Effects::NONE);
    let owner = organization();
    let created = storage.create_organization(proof(), &owner, None, &none);
    created.await.unwrap();
    let mut expected = Vec::new();
    for number in 0..90 {
        let device = device(owner.id, &format!("pump-{number}"));
        storage.create_device(&device, &none).await.unwrap();
        let payload = vec![b'x'; 1 + (number % 8) * 32 * 1024];
        let topic = RetainedTopic::Status;
        let stored = storage.store_retained(owner.id, device.id, topic, &payload, noon());
        stored.await.unwrap();
        expected.push(payload.len());
    }

    for limit in (1..=90).chain([500]) {
        let mut archive = storage.archive(proof(), None).await.unwrap();
        let mut found = Vec::new();
        loop {
            let records = archive.next(limit).await.unwrap();
            if records.is_empty() {
                break;
            }
            found.extend(records.into_iter().filter_map(|record| match record {
                ArchiveRecord::Retained { payload, .. } => Some(payload.len()),
                _ => None,
            }));
        }
        assert_eq!(found, expected, "by {limit}");
    }
}
