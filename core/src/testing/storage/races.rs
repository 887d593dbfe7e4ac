//! Clauses of 64 writers that race for what is unique, for one revision of each kind of record, or
//! for the last place under a limit.

use std::future::Future;

use tokio::task::JoinSet;

use super::concurrency::assert_one_wins;
use super::world::{
    SERVER, issue, limits, new_device, new_organization, new_token, only_sensor, pump,
    quarantine_of, report, sensors_of,
};
use crate::model::api_key::{ApiKeySettings, KeyOwner};
use crate::model::limits::Limits;
use crate::model::organization::Organization;
use crate::model::reading::Value;
use crate::model::revision::Revision;
use crate::model::tag::TagSelector;
use crate::storage::{Effects, Redemption, StorageError, Unique};
use crate::testing::fixtures::{
    after, api_key, certificate, component, device_settings, group, health, noon, organization,
    quarantined, reading, site,
};
use crate::testing::storage::Handle;

/// Of 64 organizations of one slug one is created, and of 64 keys of one prefix.
pub async fn one_slug_and_one_prefix_are_taken(storage: &Handle) {
    let slug = organization().slug;
    let answers = race(|_| {
        let (storage, slug) = (storage.clone(), slug.clone());
        let works = Organization {
            slug,
            ..organization()
        };
        async move {
            let created = storage.create_organization(SERVER, &works, None, &Effects::NONE);
            created.await.map(|()| works)
        }
    });
    let works = assert_one_wins(answers.await, |error| {
        matches!(error, StorageError::Taken(Unique::OrganizationSlug))
    });
    let found = storage.organization_by_slug(&slug).await.unwrap();
    assert_eq!(found, Some(works.clone()));

    let owner = KeyOwner::Organization(works.id);
    let prefix = api_key(owner).prefix;
    let answers = race(|_| {
        let storage = storage.clone();
        let mut key = api_key(owner);
        key.prefix = prefix;
        async move {
            storage
                .create_api_key(&key, &Effects::NONE)
                .await
                .map(|()| key.id)
        }
    });
    let won = assert_one_wins(answers.await, |error| {
        matches!(error, StorageError::Taken(Unique::ApiKeyPrefix))
    });
    let found = storage.api_key_by_prefix(prefix).await.unwrap().unwrap();
    assert_eq!(found.id, won);
}

/// Of 64 components of one key one is created.
pub async fn one_component_of_a_key_is_created(storage: &Handle) {
    let pump = pump(storage).await;
    let answers = race(|_| {
        let (storage, component) = (storage.clone(), component(&pump, "bme280"));
        let limits = limits();
        async move {
            let created = storage.create_component(&component, &limits, &Effects::NONE);
            created.await
        }
    });
    assert_one_wins(answers.await, |error| {
        matches!(error, StorageError::Taken(Unique::ComponentKey))
    });
}

/// Of 64 certificates of one serial number, for as many devices, one is recorded.
pub async fn one_certificate_of_a_serial_number_is_recorded(storage: &Handle) {
    let id = new_organization(storage).await;
    let mut pairs = Vec::new();
    for number in 0..64 {
        let device = new_device(storage, id, &format!("device-{number}")).await;
        pairs.push((new_token(storage, &device).await, certificate(&device)));
    }
    let serial_number = pairs[0].1.serial_number.clone();
    let answers = race(|number| {
        let (storage, (token, mut signed)) = (storage.clone(), pairs[number].clone());
        signed.serial_number = serial_number.clone();
        let limits = limits();
        async move {
            storage
                .consume_token(id, token.id, &signed, &limits, noon())
                .await
        }
    });
    let won = assert_one_wins(answers.await, |error| {
        matches!(error, StorageError::Taken(Unique::CertificateSerial))
    });
    assert!(matches!(won, Redemption::Recorded(_)), "{won:?}");
}

/// Of 64 renamings to one name one is carried out.
pub async fn one_device_is_renamed_to_a_name(storage: &Handle) {
    let id = new_organization(storage).await;
    let mut devices = Vec::new();
    for number in 0..64 {
        devices.push(
            new_device(storage, id, &format!("device-{number}"))
                .await
                .id,
        );
    }
    let answers = race(|number| {
        let (storage, device) = (storage.clone(), devices[number]);
        let update = super::device::renaming("pump-7");
        async move {
            storage
                .update_device(id, device, None, &update, noon())
                .await
        }
    });
    let won = assert_one_wins(answers.await, |error| {
        matches!(error, StorageError::Taken(Unique::DeviceName))
    });
    assert_eq!(won.device.settings, device_settings("pump-7"));
}

/// Of 64 updates of one revision of an organization, a key, a site or a group one is carried out.
pub async fn one_update_of_what_operators_make_wins(storage: &Handle) {
    let id = new_organization(storage).await;
    let owner = KeyOwner::Organization(id);
    let (key, site, group) = (api_key(owner), site(id), group(id, TagSelector::default()));
    storage.create_api_key(&key, &Effects::NONE).await.unwrap();
    storage.create_site(&site, &Effects::NONE).await.unwrap();
    storage.create_group(&group, &Effects::NONE).await.unwrap();
    let works = storage.organization(id).await.unwrap().unwrap();

    let answers = race(|_| {
        let (storage, works) = (storage.clone(), works.clone());
        async move {
            let updated = storage.update_organization(SERVER, id, FIRST, &works.slug, &works.name);
            updated.await.map(|it| it.revision)
        }
    });
    assert_second(answers.await);
    let answers = race(|_| {
        let (storage, id) = (storage.clone(), key.id);
        let settings = ApiKeySettings {
            name: key.name.clone(),
            scopes: key.scopes.clone(),
            expires_at: key.expires_at,
        };
        async move {
            let updated = storage.update_api_key(owner, id, FIRST, &settings);
            updated.await.map(|it| it.revision)
        }
    });
    assert_second(answers.await);
    let answers = race(|_| {
        let (storage, site) = (storage.clone(), site.clone());
        async move {
            let updated = storage.update_site(id, site.id, FIRST, &site.settings);
            updated.await.map(|it| it.revision)
        }
    });
    assert_second(answers.await);
    let answers = race(|_| {
        let (storage, group) = (storage.clone(), group.clone());
        async move {
            let updated = storage.update_group(id, group.id, FIRST, &group.settings);
            updated.await.map(|it| it.revision)
        }
    });
    assert_second(answers.await);
}

/// Of 64 updates of one revision of a component or a sensor one is carried out.
pub async fn one_update_of_what_devices_make_wins(storage: &Handle) {
    let pump = pump(storage).await;
    let id = pump.organization_id;
    report(storage, &pump, [reading("m/n", noon(), Value::BigInt(1))]).await;
    let sensor = only_sensor(storage, &pump).await;
    let component = storage.component(id, sensor.component_id).await;
    let component = component.unwrap().unwrap();

    let answers = race(|_| {
        let (storage, component) = (storage.clone(), component.clone());
        async move {
            let updated = storage.update_component(id, component.id, FIRST, &component.settings);
            updated.await.map(|it| it.revision)
        }
    });
    assert_second(answers.await);
    let answers = race(|_| {
        let (storage, sensor) = (storage.clone(), sensor.clone());
        async move {
            let update = sensor.settings.into();
            let updated = storage.update_sensor(id, sensor.id, FIRST, &update);
            updated.await.map(|it| it.revision)
        }
    });
    assert_second(answers.await);
}

/// Of 64 deletions of one device one is carried out; its certificate is revoked once.
pub async fn one_deletion_wins(storage: &Handle) {
    let pump = pump(storage).await;
    let issuer = issue(storage, &pump).await.issuer_key_id;
    let answers = race(|_| {
        let (storage, pump) = (storage.clone(), pump.clone());
        async move {
            storage
                .delete_device(pump.organization_id, pump.id, FIRST, noon())
                .await
        }
    });
    assert_one_wins(answers.await, |error| {
        matches!(error, StorageError::NotFound { .. })
    });
    assert_eq!(storage.revocation_count(issuer).await.unwrap(), 1);
}

/// Of 64 health reports of one timestamp one is taken, and all readings of 64 batches are kept.
pub async fn reports_that_race_are_each_taken_once(storage: &Handle) {
    let pump = pump(storage).await;
    let id = pump.organization_id;
    let answers = race(|_| {
        let (storage, report) = (storage.clone(), health(pump.id, noon()));
        async move { storage.store_health(id, &report).await.unwrap() }
    });
    let taken = answers.await.into_iter().filter(|taken| *taken);
    assert_eq!(taken.count(), 1);

    let answers = race(|number| {
        let (storage, pump) = (storage.clone(), pump.clone());
        async move {
            let path = format!("m/n{}", number % 8);
            let at = after(u64::try_from(number).unwrap() / 8);
            report(&storage, &pump, [reading(&path, at, Value::BigInt(1))]).await
        }
    });
    let stored: usize = answers.await.iter().map(|outcome| outcome.stored).sum();
    assert_eq!(stored, 64);
    assert_eq!(sensors_of(storage, &pump).await.len(), 8);
}

/// 64 items that race for three places leave the three with the greatest ids.
pub async fn the_quarantine_stays_within_its_limit(storage: &Handle) {
    let pump = pump(storage).await;
    let items: Vec<_> = (0..64).map(|_| quarantined(&pump)).collect();
    let limits = Limits {
        quarantined_per_device: 3,
        ..limits()
    };
    let answers = race(|number| {
        let (storage, item, limits) = (storage.clone(), items[number].clone(), limits.clone());
        async move { storage.store_quarantined(&item, &limits).await }
    });
    for answer in answers.await {
        answer.unwrap();
    }

    let left = quarantine_of(storage, &pump).await;
    let left: Vec<_> = left.iter().map(|item| item.id).collect();
    assert_eq!(left, [items[63].id, items[62].id, items[61].id]);
}

/// Starts 64 calls at once, and waits for their answers.
async fn race<F>(mut call: impl FnMut(usize) -> F) -> Vec<F::Output>
where
    F: Future<Output: Send + 'static> + Send + 'static,
{
    let mut calls = JoinSet::new();
    for number in 0..64 {
        calls.spawn(call(number));
    }
    calls.join_all().await
}

#[track_caller]
fn assert_second(answers: Vec<Result<Revision, StorageError>>) {
    let won = assert_one_wins(answers, |error| {
        matches!(error, StorageError::StaleRevision { .. })
    });
    assert_eq!(won, Revision::FIRST.next());
}

const FIRST: Option<Revision> = Some(Revision::FIRST);
