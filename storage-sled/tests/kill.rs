//! What was answered is there after the process was killed, and no call is there in part.
#![expect(
    clippy::unwrap_used,
    reason = "in a test, a failure has to name its line"
)]

mod child;

use std::io::{BufRead as _, BufReader};
use std::os::unix::process::ExitStatusExt as _;
use std::path::Path;

use fieldgate_core::model::api_key::KeyOwner;
use fieldgate_core::model::device::Device;
use fieldgate_core::model::id::{DeviceId, OrganizationId, TokenId};
use fieldgate_core::storage::{
    DeviceStore as _, Effects, IdempotencyStore as _, OrganizationStore as _, ServerProof,
    TokenStore as _,
};
use fieldgate_core::testing::fixtures::{device, organization, request, token};
use fieldgate_storage_sled::{Durability, SledStorage};
use uuid::Uuid;

const SERVER: ServerProof = ServerProof::vouch();
const CYCLES: usize = 20;
const SIGKILL: i32 = 9;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answered_write_survives_a_kill() {
    survive("an_answered_write_survives_a_kill", Durability::Disk).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn so_it_does_without_waiting_for_the_disk() {
    let test = "so_it_does_without_waiting_for_the_disk";
    survive(test, Durability::Process).await;
}

/// The whole of the test `test`, and in its child the child's part.
async fn survive(test: &str, durability: Durability) {
    if let Some((dir, _)) = child::role() {
        return register_until_killed(&dir, durability).await;
    }
    let dir = tempfile::tempdir().unwrap();
    let mut answered = Vec::new();
    for cycle in 0..CYCLES {
        let mut child = child::command(&[], test, dir.path(), "register")
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        // Each time in another place, and while further calls are under way.
        let known = answered.len();
        let mut wanted = 1 + cycle * 7 % 40;
        while wanted > 0 {
            let line = lines.next().unwrap().unwrap();
            if let Some(said) = child::said(&line) {
                answered.push(said.to_owned());
                wanted -= 1;
            }
        }
        child.kill().unwrap();
        let end = child.wait().unwrap();
        assert_eq!(end.signal(), Some(SIGKILL), "{end}");
        // What it said before it died counts too.
        let rest = lines.map_while(Result::ok);
        answered.extend(rest.filter_map(|line| child::said(&line).map(str::to_owned)));

        let storage = SledStorage::open(dir.path()).unwrap();
        let last = cycle + 1 == CYCLES;
        for said in &answered[if last { 0 } else { known }..] {
            check(&storage, said).await;
        }
        storage.close().await;
    }
    assert!(answered.len() >= CYCLES);
}

/// What a registration says of itself once it was answered.
fn receipt(device: &Device, token: TokenId) -> String {
    let organization = device.organization_id;
    format!(
        "{organization} {} {token} {}",
        device.id, device.settings.name
    )
}

async fn check(storage: &SledStorage, receipt: &str) {
    let mut words = receipt.split(' ');
    let mut next = || words.next().unwrap();
    let organization: OrganizationId = next().parse().unwrap();
    let device: DeviceId = next().parse().unwrap();
    let token: TokenId = next().parse().unwrap();
    let name = next();
    let stored = storage.device(organization, device).await.unwrap();
    let stored = stored.unwrap_or_else(|| panic!("lost: {receipt}"));
    assert_eq!(stored.settings.name.as_str(), name);
    assert_eq!(
        storage.token(token).await.unwrap().unwrap().device_id,
        device
    );
    let owner = KeyOwner::Organization(organization);
    let request = storage
        .idempotency_record(owner, &name.parse().unwrap())
        .await;
    assert_eq!(request.unwrap().unwrap().resource, *device.as_uuid());
}

/// The child: registers devices, eight at a time, and says so.
async fn register_until_killed(dir: &Path, durability: Durability) {
    let storage = SledStorage::builder(dir)
        .durability(durability)
        .open()
        .unwrap();
    let mut organization = organization();
    organization.id = OrganizationId::from_uuid(fresh_uuid());
    organization.slug = format!("o{}", &organization.id.as_uuid().simple().to_string()[..30])
        .parse()
        .unwrap();
    storage
        .create_organization(SERVER, &organization, None, &Effects::NONE)
        .await
        .unwrap();
    let mut workers = Vec::new();
    for worker in 0..8 {
        let storage = storage.clone();
        let organization = organization.id;
        workers.push(tokio::spawn(async move {
            for number in 0.. {
                register(&storage, organization, &format!("device-{worker}-{number}")).await;
            }
        }));
    }
    for worker in workers {
        worker.await.unwrap();
    }
}

async fn register(storage: &SledStorage, organization: OrganizationId, name: &str) {
    let mut device = device(organization, name);
    device.id = DeviceId::from_uuid(fresh_uuid());
    let mut token = token(&device);
    token.id = TokenId::from_uuid(fresh_uuid());
    let mut request = request(KeyOwner::Organization(organization), name);
    request.resource = *device.id.as_uuid();
    let effects = Effects {
        idempotency: Some(request),
    };
    storage
        .register_device(&device, &token, &effects)
        .await
        .unwrap();
    child::say(&receipt(&device, token.id));
}

/// Unlike the fixtures' ids, not the same in each process.
fn fresh_uuid() -> Uuid {
    use std::hash::{BuildHasher as _, RandomState};
    let half = || RandomState::new().hash_one(std::process::id());
    Uuid::from_u64_pair(half(), half())
}
