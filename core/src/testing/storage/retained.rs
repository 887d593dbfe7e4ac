//! Clauses of retained messages in [`ReportStore`](crate::storage::ReportStore).

use super::world::{new_device, pump};
use crate::storage::{RetainedTopic, StorageError};
use crate::testing::fixtures::{after, before, device, noon};
use crate::testing::storage::Handle;

/// The last message of a topic to arrive is kept, octet by octet.
pub async fn the_last_message_is_kept(storage: &Handle) {
    let pump = pump(storage).await;
    let octets: Vec<u8> = (0..=255).collect();
    let large = vec![0xff; 256 * 1024];
    let messages = [
        (&octets[..], noon()),
        (b"{}", after(60)),
        // The order of arrival counts, also where the clock has been set back.
        (&large, before(60)),
    ];
    for (payload, at) in messages {
        let kept = storage
            .store_retained(
                pump.organization_id,
                pump.id,
                RetainedTopic::Status,
                payload,
                at,
            )
            .await;
        kept.unwrap();
        let found = storage
            .retained(pump.organization_id, pump.id, RetainedTopic::Status)
            .await
            .unwrap();
        assert!(found.as_deref() == Some(payload));
    }
}

/// Topics and devices do not meet.
pub async fn topics_and_devices_are_apart(storage: &Handle) {
    let pump = pump(storage).await;
    let fan = new_device(storage, pump.organization_id, "fan-1").await;
    let topics = [RetainedTopic::ConfigReported, RetainedTopic::Status];
    let mut kept = Vec::new();
    for (device, topic) in [(&pump, topics[0]), (&pump, topics[1]), (&fan, topics[1])] {
        let payload = format!("{} {topic:?}", device.id).into_bytes();
        let stored =
            storage.store_retained(device.organization_id, device.id, topic, &payload, noon());
        stored.await.unwrap();
        kept.push((device, topic, payload));
    }

    for (device, topic, payload) in kept {
        let found = storage
            .retained(device.organization_id, device.id, topic)
            .await;
        assert_eq!(found.unwrap(), Some(payload));
    }
    let found = storage
        .retained(fan.organization_id, fan.id, topics[0])
        .await;
    assert_eq!(found.unwrap(), None);
}

/// An empty payload removes the message, also where there is none.
pub async fn an_empty_payload_removes(storage: &Handle) {
    let pump = pump(storage).await;
    let (organization, id, topic) = (pump.organization_id, pump.id, RetainedTopic::ConfigReported);
    for payload in [b"".as_slice(), b"{}", b""] {
        let stored = storage
            .store_retained(organization, id, topic, payload, noon())
            .await;
        stored.unwrap();
    }

    let found = storage.retained(organization, id, topic).await.unwrap();

    assert_eq!(found, None);
}

/// A device that is not there keeps nothing.
pub async fn it_needs_a_device(storage: &Handle) {
    let organization = pump(storage).await.organization_id;
    let unknown = device(organization, "unknown").id;
    let topic = RetainedTopic::Status;

    let answer = storage
        .store_retained(organization, unknown, topic, b"{}", noon())
        .await;

    assert_refused!(answer, StorageError::NotFound { .. });
    let answer = storage.retained(organization, unknown, topic).await;
    assert_refused!(answer, StorageError::NotFound { .. });
}
