//! Of two servers on one database, one works.

use fieldgate_core::storage::{MaintenanceStore as _, Seen, ServerProof, SessionStore as _};
use fieldgate_core::testing::fixtures;
use fieldgate_storage_sqlx::testing::TestDatabase;

use crate::relay::Relay;
use crate::{assert_outage, connect, execute, new_device, open};

/// Not even by the connections that it still has.
#[tokio::test]
async fn a_server_that_another_one_has_replaced_writes_nothing() {
    let database = TestDatabase::fresh().await;
    let url = format!("{}&acquire_timeout=1", database.url());
    let replaced = open(&url).await.unwrap();
    let device = new_device(&replaced).await;
    let seen = [Seen {
        organization_id: device.organization_id,
        device_id: device.id,
        at: fixtures::after(9),
    }];
    let mut admin = connect(&database.admin_url()).await;
    let cut = "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' \
               AND database = (SELECT oid FROM pg_database WHERE datname = current_database())";
    execute(&mut admin, cut.to_owned()).await;
    let other = open(&url).await.unwrap();

    assert_outage(&replaced.probe(ServerProof::vouch()).await);
    let touched = replaced.touch_devices(ServerProof::vouch(), &seen).await;
    assert_outage(&touched);

    let touched = other.touch_devices(ServerProof::vouch(), &seen).await;
    touched.unwrap();
    // Nor when the other one has ended.
    other.close().await;
    assert_outage(&replaced.probe(ServerProof::vouch()).await);
    let touched = replaced.touch_devices(ServerProof::vouch(), &seen).await;
    assert_outage(&touched);
}

/// The database may believe for long that a connection is there that has broken, and hold the lock
/// for it.
#[tokio::test]
async fn a_server_takes_its_lock_from_a_connection_that_has_broken() {
    let database = TestDatabase::fresh().await;
    let relay = Relay::to(&database).await;
    let url = relay.url("acquire_timeout=1");
    let storage = open(&url).await.unwrap();
    storage.probe(ServerProof::vouch()).await.unwrap();

    relay.stall();

    // The first ones find out.
    let mut outages = 0;
    while let Err(outage) = storage.probe(ServerProof::vouch()).await {
        assert_outage::<()>(&Err(outage));
        outages += 1;
        assert!(outages < 9, "the lock is not to be had");
    }
}
