//! That a page is a small piece of work, however little there is to find.

use fieldgate_core::model::limits::Limits;
use fieldgate_core::model::reading::Value;
use fieldgate_core::storage::{
    ArchiveRecord, ArchiveStore as _, DeviceStore as _, Effects, OrganizationStore as _,
    RecordKind, ReportStore as _, ServerProof,
};
use fieldgate_core::testing::fixtures::{batch, device, noon, organization, reading};

use super::{SENSORS, page};
use crate::PostgresStorage;
use crate::postgres::archive::BY_INDEX;
use crate::testing::TestDatabase;

#[tokio::test]
async fn sensors_without_readings_are_passed_over_in_pieces() {
    let database = TestDatabase::fresh().await;
    let settings = database.url().parse().unwrap();
    let storage = PostgresStorage::open(&settings).await.unwrap();
    let organization = organization();
    let (proof, none) = (ServerProof::vouch, Effects::NONE);
    let created = storage.create_organization(proof(), &organization, None, &none);
    created.await.unwrap();
    let device = device(organization.id, "pump-7");
    storage.create_device(&device, &none).await.unwrap();
    let batch = batch([reading("m/n", noon(), Value::BigInt(1))]);
    let limits = Limits::default();
    let stored = storage.store_readings(organization.id, device.id, &batch, &limits);
    stored.await.unwrap();
    // Before the only one that has a reading.
    let many = format!(
        "SET search_path = fieldgate; \
         INSERT INTO fieldgate.sensor (organization_id, id, device_id, component_id, key, name, \
         value_type, tags, type_origin, revision) \
         SELECT organization_id, lpad(to_hex(n), 32, '0')::uuid, device_id, component_id, 'k' || n, \
         name, value_type, tags, type_origin, revision \
         FROM fieldgate.sensor, generate_series(1, {}) AS n",
        2 * SENSORS
    );
    database.execute(many).await;

    let mut connection = storage.snapshot(BY_INDEX).await.unwrap();
    let (mut key, mut pages) = (None, 0);
    let found = loop {
        let page = page(&mut connection, RecordKind::Reading, key.as_deref(), 10).await;
        let page = page.unwrap();
        if !page.records.is_empty() {
            break page.records;
        }
        key = Some(page.next.unwrap());
        pages += 1;
    };
    assert_eq!((found.len(), pages), (1, 2));

    let mut archive = storage.archive(proof(), None).await.unwrap();
    let mut readings = 0;
    loop {
        let records = archive.next(500).await.unwrap();
        if records.is_empty() {
            break;
        }
        let of_readings = records.iter();
        readings += of_readings
            .filter(|record| matches!(record, ArchiveRecord::Reading(..)))
            .count();
    }
    assert_eq!(readings, 1);
}
