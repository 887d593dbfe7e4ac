//! Killed while devices are deleted, and while what they have left behind is removed.

use std::collections::BTreeSet;
use std::time::Duration;

use fieldgate_tests::commands::readings;
use fieldgate_tests::csr::new_key;
use fieldgate_tests::{Api, Device, Registration, Server, StorageKind, Version};
use reqwest::Method;
use serde_json::json;
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};

use crate::kills::Kills;

pub(crate) async fn no_device_is_deleted_by_half(storage: StorageKind) {
    let mut server = Server::start(storage);
    let mut kills = Kills::begin();
    let (mut deleted, mut kept) = (BTreeSet::new(), BTreeSet::new());
    while let Some(cycle) = kills.next() {
        let api = server.api();
        let mut devices = Vec::new();
        for number in 0..DELETED {
            let name = format!("device-{cycle}-{number}");
            devices.push(furnish(&server, &name, number == 0).await);
        }
        let (answers, mut answered) = unbounded_channel();
        let deletions: Vec<_> = devices
            .iter()
            .map(|(device, _)| tokio::spawn(delete(api.clone(), device.path(), answers.clone())))
            .collect();
        drop(answers);
        let all_answered = async { while answered.recv().await.is_some() {} };

        kills.kill(&mut server, all_answered).await;

        let mut acknowledged = Vec::new();
        for deletion in deletions {
            acknowledged.push(deletion.await.unwrap());
        }
        server.restart();
        // It has begun to remove what is left of those that are gone.
        kills.moment(REMOVAL).await;
        server.kill();
        server.restart();
        for ((device, token), acknowledged) in devices.into_iter().zip(acknowledged) {
            let is_gone = is_gone(&server, &device, &token).await;
            assert!(is_gone || !acknowledged, "{} is back", device.name);
            let place = if is_gone { &mut deleted } else { &mut kept };
            place.insert(device.id);
        }
    }
    assert!(
        !deleted.is_empty() && !kept.is_empty(),
        "{deleted:?} {kept:?}"
    );
    // What one kill has left, the later ones have left too.
    let devices = server.api().list("/api/v1/devices").await;
    let devices = devices.iter().map(|device| device["id"].as_str().unwrap());
    let devices: BTreeSet<_> = devices.map(str::to_owned).collect();
    assert!(kept.is_subset(&devices) && deleted.is_disjoint(&devices));
}

/// A device with an open token besides the one that it has used, and perhaps with readings.
async fn furnish(server: &Server, name: &str, reports: bool) -> (Device, Registration) {
    let device = Device::enroll(server, name).await;
    if reports {
        let mut client = device.connect(server).await;
        let batch = readings(0..READINGS);
        client.publish_json(&device.readings_topic(), &batch).await;
    }
    let body = json!({ "deviceId": device.id });
    let token = Registration::with(&server.api(), &body).await;
    (device, token)
}

/// Whether it was acknowledged.
async fn delete(api: Api, path: String, answers: UnboundedSender<()>) -> bool {
    let answer = api.try_send(Method::DELETE, &path, |request| request).await;
    // Whether somebody still listens does not matter.
    let _ = answers.send(());
    answer.is_ok_and(|answer| answer.status == 204)
}

/// Whether a device is gone with all that it had; otherwise all of it works.
async fn is_gone(server: &Server, device: &Device, token: &Registration) -> bool {
    let api = server.api();
    let (_, csr) = new_key();
    let found = api.get(&device.path()).await;
    found.expect_one_of(&[200, 404]);
    let is_gone = found.status == 404;
    let connected = device.try_connect(server, Version::V4).await;
    let redeemed = token.provision(&api, &csr).await;
    let body = json!({ "deviceName": device.name });
    let path = "/api/v1/devices/registration/tokens";
    let named = api.post(path, &body).await;
    if is_gone {
        assert_ne!(connected, Some(0), "its certificate works");
        redeemed.problem(401, "token_invalid");
        named.expect(201);
        assert_eq!(device.sensors(&api).await.len(), 0);
    } else {
        assert_eq!(connected, Some(0));
        redeemed.expect(201);
        assert_eq!(device.certificates(&api).await.len(), 2);
        for sensor in device.sensors(&api).await {
            let path = format!("/api/v1/readings/sensor/{}", sensor["id"].as_str().unwrap());
            assert_eq!(api.list(&path).await.len(), READINGS as usize);
        }
        assert_eq!(named.status, 409);
    }
    is_gone
}

const DELETED: usize = 4;

const READINGS: i64 = 50;

/// Longer than the removal takes, by about as much.
const REMOVAL: Duration = Duration::from_millis(300);
