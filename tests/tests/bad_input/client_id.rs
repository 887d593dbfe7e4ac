//! Client ids that are not the device's own.

use fieldgate_tests::world::World;
use fieldgate_tests::{Connect, Device, MqttClient, StorageKind, Version};
use serde_json::json;

#[tokio::test]
async fn the_client_id_is_the_devices_own_or_none() {
    let world = World::new(StorageKind::Sqlite).await;
    let (server, device) = (&world.server, &world.device);
    let victim = Device::enroll(server, "victim").await;
    let mut held = victim.connect(server).await;
    let before = world.snapshot().await;
    let upper = device.id.to_uppercase();
    let long = "x".repeat(10_000);
    let foreign = [
        &victim.id,
        &world.stranger.id,
        "other",
        "/",
        "a/b",
        "+",
        "#",
        "a/+/#",
        &upper,
        "$SYS",
        "ü",
        " ",
        &long,
    ];
    for client_id in foreign {
        for (version, refused) in [(Version::V4, 0x02), (Version::V5, 0x85)] {
            let connect = Connect::new(version, client_id);
            let (_, code) = MqttClient::connect(server, &device.identity(), &connect).await;
            assert_eq!(code, Some(refused), "{client_id:.40}");
        }
    }
    let empty = Connect::new(Version::V4, "");
    let unclean = empty.clone().unclean();
    let (_, code) = MqttClient::connect(server, &device.identity(), &unclean).await;
    assert_eq!(code, Some(0x02));
    before.assert_same(&world.snapshot().await);
    held.ping().await;

    let (mut client, code) = MqttClient::connect(server, &device.identity(), &empty).await;
    assert_eq!(code, Some(0));
    let reading = json!({ "sensor": "a", "value": 1 });
    client
        .publish_json(&device.readings_topic(), &reading)
        .await;
    assert_eq!(device.readings(&world.own, "a").await.len(), 1);
}
