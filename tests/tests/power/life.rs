//! The life of a device, step by step, and how far a storage says that it has come.

use std::time::Duration;

use fieldgate_core::model::api_key::KeyOwner;
use fieldgate_core::model::certificate::{Certificate, Sha256Digest};
use fieldgate_core::model::device::Device;
use fieldgate_core::model::id::{DeviceId, OrganizationId, SensorId, TokenId};
use fieldgate_core::model::idempotency::IdempotencyRecord;
use fieldgate_core::model::ingestion::{IdSeed, ReadingBatch};
use fieldgate_core::model::limits::Limits;
use fieldgate_core::model::organization::Organization;
use fieldgate_core::model::page::{PageLimit, PageRequest};
use fieldgate_core::model::reading::{TimeRange, Value};
use fieldgate_core::model::sensor::SensorFilter;
use fieldgate_core::model::serial::SerialNumber;
use fieldgate_core::model::timestamp::Timestamp;
use fieldgate_core::model::token::{RegistrationToken, TokenFate};
use fieldgate_core::storage::{Effects, Redemption, ServerProof, Storage, StorageError};
use fieldgate_core::testing::fixtures;

/// What a device goes through. All its ids follow from its number, so that the parent knows them.
#[derive(Clone, Debug)]
pub(crate) struct Life {
    pub(crate) part: usize,
    pub(crate) number: usize,
    batches: usize,
    readings_per_batch: usize,
    characters: usize,
    deleted: bool,
}

#[derive(Clone, Copy, Debug)]
pub(crate) enum Step {
    Register,
    Redeem,
    Store(usize),
    Delete,
}

impl Life {
    pub(crate) fn short(part: usize, number: usize) -> Self {
        Self {
            part,
            number,
            batches: 2,
            readings_per_batch: 3,
            characters: 10,
            deleted: number % 2 == 1,
        }
    }

    pub(crate) fn long(part: usize, number: usize) -> Self {
        Self {
            part,
            number,
            batches: 12,
            readings_per_batch: 400,
            characters: 1000,
            deleted: false,
        }
    }

    pub(crate) fn steps(&self) -> Vec<Step> {
        let mut steps = vec![Step::Register, Step::Redeem];
        steps.extend((0..self.batches).map(Step::Store));
        if self.deleted {
            steps.push(Step::Delete);
        }
        steps
    }

    /// Takes a step.
    pub(crate) async fn take(&self, storage: &dyn Storage, step: Step) {
        let now = fixtures::noon();
        let limits = Limits::default();
        match step {
            Step::Register => {
                let effects = Effects {
                    idempotency: Some(self.request()),
                };
                let (device, token) = (self.device(), self.token());
                let registered = storage.register_device(&device, &token, &effects);
                registered.await.unwrap();
            }
            Step::Redeem => {
                let (id, certificate) = (self.token().id, self.certificate());
                let redeemed =
                    storage.consume_token(organization().id, id, &certificate, &limits, now);
                let redeemed = redeemed.await.unwrap();
                assert!(matches!(redeemed, Redemption::Recorded(_)), "{redeemed:?}");
            }
            Step::Store(number) => {
                let batch = self.batch(number);
                let stored =
                    storage.store_readings(organization().id, self.device().id, &batch, &limits);
                assert_eq!(stored.await.unwrap().stored, self.readings_per_batch);
            }
            Step::Delete => {
                let deleted = storage.delete_device(organization().id, self.device().id, None, now);
                deleted.await.unwrap();
            }
        }
    }

    /// How many steps the storage has taken; an error where one is there in part, or an earlier
    /// one is missing. That it has taken `least` is known, and need not be found out.
    async fn progress(&self, storage: &dyn Storage, least: usize) -> Result<usize, Trouble> {
        let owner = KeyOwner::Organization(organization().id);
        let record = self.request();
        let request = storage.idempotency_record(owner, &record.key).await?;
        let device = storage.device(organization().id, self.device().id).await?;
        let token = storage.token(self.token().id).await?;
        let revoked = self.is_revoked(storage).await?;
        let (Some(device), Some(token)) = (&device, &token) else {
            let neither = device.is_none() && token.is_none();
            return match (neither, request.is_some(), revoked) {
                (true, false, false) => Ok(0),
                (true, true, true) if self.deleted => Ok(self.steps().len()),
                _ => Err(Trouble::half(self, "registered or deleted")),
            };
        };
        let sound = request == Some(record) && device.settings == self.device().settings;
        if !sound || token.device_id != device.id || revoked {
            return Err(Trouble::half(self, "registered"));
        }
        let all = PageRequest::first(PageLimit::MAX);
        let certificates = storage
            .certificates(organization().id, device.id, all)
            .await?;
        match (&token.fate, certificates.items.as_slice()) {
            (TokenFate::Open, []) => Ok(1),
            (TokenFate::Used { serial_number, .. }, [certificate])
                if certificate.pem == self.certificate().pem
                    && certificate.serial_number == *serial_number =>
            {
                Ok(2 + self.batches_stored(storage, least).await?)
            }
            _ => Err(Trouble::half(self, "redeemed")),
        }
    }

    async fn is_revoked(&self, storage: &dyn Storage) -> Result<bool, Trouble> {
        let all = PageRequest::first(PageLimit::MAX);
        let issuer = self.certificate().issuer_key_id;
        let revoked = storage.revoked_certificates(issuer, fixtures::noon(), all);
        let serial_number = self.certificate().serial_number;
        let mut revoked = revoked.await?.items.into_iter();
        Ok(revoked.any(|revoked| revoked.serial_number == serial_number))
    }

    async fn batches_stored(&self, storage: &dyn Storage, least: usize) -> Result<usize, Trouble> {
        let filter = SensorFilter {
            device_id: Some(self.device().id),
            ..SensorFilter::default()
        };
        let all = PageRequest::first(PageLimit::MAX);
        let sensors = storage.sensors(organization().id, &filter, all).await?;
        let Some(sensor) = sensors.items.first() else {
            return Ok(0);
        };
        // Of many batches the first is looked at, and those near the end.
        let near = least.saturating_sub(4)..self.batches;
        let mut stored = near.start;
        if stored > 0 && !self.is_stored(storage, sensor.id, 0).await? {
            return Err(Trouble::half(self, "its first batch"));
        }
        for number in near {
            if !self.is_stored(storage, sensor.id, number).await? {
                break;
            }
            stored += 1;
        }
        Ok(stored)
    }

    /// Whether a batch is stored as a whole, and not at all otherwise.
    async fn is_stored(
        &self,
        storage: &dyn Storage,
        sensor: SensorId,
        number: usize,
    ) -> Result<bool, Trouble> {
        let range = TimeRange {
            from: self.at(number, 0),
            to: self.at(number + 1, 0),
        };
        let all = PageRequest::first(PageLimit::MAX);
        let found = storage.readings(organization().id, sensor, range, all);
        let found = found.await?.items;
        let value = self.value(number);
        let sound = found.iter().all(|reading| reading.value == value);
        match found.len() {
            0 => Ok(false),
            all if all == self.readings_per_batch && sound => Ok(true),
            _ => Err(Trouble::half(self, &format!("batch {number}"))),
        }
    }

    fn device(&self) -> Device {
        let name = format!("device-{}", self.number);
        let device = fixtures::device(organization().id, &name);
        Device {
            id: DeviceId::new(fixtures::noon(), self.octets("id")),
            ..device
        }
    }

    fn token(&self) -> RegistrationToken {
        RegistrationToken {
            id: TokenId::new(fixtures::noon(), self.octets("id")),
            ..fixtures::token(&self.device())
        }
    }

    fn request(&self) -> IdempotencyRecord {
        let owner = KeyOwner::Organization(organization().id);
        IdempotencyRecord {
            request_sha256: self.digest("request"),
            resource: *self.device().id.as_uuid(),
            ..fixtures::request(owner, &format!("request-{}", self.number))
        }
    }

    fn certificate(&self) -> Certificate {
        let digest = self.digest("certificate");
        let mut serial_number = [0; 16];
        serial_number.copy_from_slice(&digest.as_bytes()[..16]);
        Certificate {
            serial_number: SerialNumber::from_random(serial_number),
            fingerprint_sha256: digest,
            public_key_sha256: self.digest("key"),
            pem: format!("certificate {digest}\n"),
            ..fixtures::certificate(&self.device())
        }
    }

    fn batch(&self, number: usize) -> ReadingBatch {
        let value = self.value(number);
        let readings = (0..self.readings_per_batch).map(|index| {
            let at = self.at(number, index);
            fixtures::reading("main/text", at, value.clone())
        });
        ReadingBatch {
            seed: IdSeed::from_random(self.octets(&format!("batch {number}"))),
            ..fixtures::batch(readings)
        }
    }

    fn value(&self, number: usize) -> Value {
        let text = format!("{number} of {} ", self.number);
        let text = text.repeat(self.characters / text.len() + 1);
        fixtures::text(&text[..self.characters])
    }

    fn at(&self, batch: usize, index: usize) -> Timestamp {
        let seconds = batch * self.readings_per_batch + index;
        let since = Duration::from_secs(u64::try_from(seconds).unwrap());
        fixtures::before(100_000).plus(since)
    }

    /// Octets for an id; the last two are left to be counted up from a seed.
    fn octets(&self, what: &str) -> [u8; 10] {
        let mut octets = [0; 10];
        octets[..8].copy_from_slice(&self.digest(what).as_bytes()[..8]);
        octets
    }

    fn digest(&self, what: &str) -> Sha256Digest {
        Sha256Digest::of(format!("{what} of device {}", self.number).as_bytes())
    }
}

/// The organization of all devices.
pub(crate) fn organization() -> Organization {
    Organization {
        id: OrganizationId::new(fixtures::noon(), [7; 10]),
        slug: fixtures::parse("works"),
        ..fixtures::organization()
    }
}

/// How far the lives have come, as the child has said.
#[derive(Debug)]
pub(crate) struct Known {
    lives: Vec<(Life, Progress)>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Progress {
    begun: usize,
    done: usize,
}

impl Known {
    pub(crate) fn new(lives: Vec<Life>) -> Self {
        let lives = lives.into_iter();
        Self {
            lives: lives.map(|life| (life, Progress::default())).collect(),
        }
    }

    /// Hears what the child says; true where it is that a step is done.
    pub(crate) fn hear(&mut self, said: &str) -> bool {
        let (what, number) = said.split_once(' ').unwrap();
        let number: usize = number.parse().unwrap();
        let (_, progress) = &mut self.lives[number];
        let done = what == "done";
        if done {
            progress.done += 1;
        } else {
            progress.begun += 1;
        }
        done
    }

    /// Checks that a storage has come as far, and is in order.
    pub(crate) async fn check(&self, storage: &dyn Storage) -> Result<(), String> {
        for (life, known) in &self.lives {
            let came_to = life.progress(storage, known.done).await;
            let came_to = came_to.map_err(|trouble| trouble.0)?;
            if !(known.done..=known.begun).contains(&came_to) {
                let number = life.number;
                return Err(format!("life {number} is at {came_to}, not at {known:?}"));
            }
        }
        let probe = storage.probe(ServerProof::vouch()).await;
        probe.map_err(|error| format!("it does not go on: {error}"))
    }
}

/// What is wrong with what is there.
#[derive(Debug)]
struct Trouble(String);

impl Trouble {
    fn half(life: &Life, what: &str) -> Self {
        Self(format!("life {} is half there: {what}", life.number))
    }
}

impl From<StorageError> for Trouble {
    fn from(error: StorageError) -> Self {
        Self(format!("not readable: {error}"))
    }
}
