//! A host that is assembled with the storage goes on where it was.
#![expect(
    clippy::unwrap_used,
    reason = "these are tests: a failure has to name its line"
)]

use std::path::Path;
use std::sync::Arc;

use fieldgate_core::Fieldgate;
use fieldgate_core::ca::key_store::MemoryKeyStore;
use fieldgate_core::model::device::DeviceSettings;
use fieldgate_core::model::token::TokenLife;
use fieldgate_core::service::Addresses;
use fieldgate_core::storage::ServerProof;
use fieldgate_custom_storage::JournalStorage;

#[tokio::test]
async fn what_was_registered_is_there_after_a_restart() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("fieldgate.journal");
    let keys = Arc::new(MemoryKeyStore::default());

    let fieldgate = assemble(&file, &keys).await;
    let (slug, name) = ("acme".parse().unwrap(), "Acme".parse().unwrap());
    let server = ServerProof::vouch();
    let organizations = fieldgate.organizations();
    let created = organizations.create(server, slug, name, None);
    let organization = created.await.unwrap().organization.id;
    let settings = DeviceSettings::named("greenhouse-7".parse().unwrap());
    let registration = fieldgate.registration();
    let registered = registration.register(organization, settings, TokenLife::default(), None);
    let id = registered.await.unwrap().token.device_id;
    drop((fieldgate, organizations, registration));

    let fieldgate = assemble(&file, &keys).await;
    let found = fieldgate.devices().device(organization, id).await.unwrap();
    assert_eq!(found.settings.name.as_str(), "greenhouse-7");
}

async fn assemble(file: &Path, keys: &Arc<MemoryKeyStore>) -> Fieldgate {
    let storage = JournalStorage::open(file).await.unwrap();
    let keys = Arc::clone(keys);
    Fieldgate::builder()
        .storage(Arc::new(storage))
        .key_store(keys)
        .addresses(Addresses {
            provision_endpoint: "https://iot.example.com/api/v1/devices/provision".to_owned(),
            mqtt_host: "iot.example.com".to_owned(),
            mqtt_port: 8883,
        })
        .build()
        .await
        .unwrap()
}
