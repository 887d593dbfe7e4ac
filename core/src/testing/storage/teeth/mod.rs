//! Storages with one fault each, and the clause that catches it.
//!
//! Each is the storage in memory with one thing wrong: what is wrong with which noun stands in the
//! file of the noun, with the clauses that have to see it.

/// Asserts that a clause catches a fault, and says this.
macro_rules! assert_catches {
    (after a reopen $noun:ident::$clause:ident, $fault:ident, $complaint:literal) => {{
        let fixture = FaultyStorage::with(Fault::$fault);
        assert_caught($noun::$clause(fixture), $complaint).await;
    }};
    ($noun:ident::$clause:ident, $fault:ident, $complaint:literal) => {{
        let storage = FaultyStorage::with(Fault::$fault).storage();
        let clause = async move { $noun::$clause(&storage).await };
        assert_caught(clause, $complaint).await;
    }};
}

mod api_key;
mod archive;
mod certificate;
mod delegate;
mod device;
mod lists;
mod maintenance;
mod parts;
mod reopening;
mod report;
mod session;
mod site;
mod tenants;
mod token;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};

use async_trait::async_trait;

use crate::model::api_key::ApiKey;
use crate::model::device::{Device, DeviceFilter};
use crate::model::id::OrganizationId;
use crate::model::page::{PageLimit, PageRequest};
use crate::model::reading::{Reading, Value};
use crate::model::sensor::{LatestReading, Sensor};
use crate::model::timestamp::Timestamp;
use crate::storage::{DeviceStore, MemoryStorage, OrganizationStore, ServerProof, Storage};
use crate::testing::storage::StorageFixture;

/// What is wrong with a storage.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
enum Fault {
    #[default]
    None,
    ClosesWhateverIsOpen,
    CountsEverybodys,
    CountsFromTheEnd,
    CountsNoCertificates,
    CreatesByUpdate,
    CutsTexts,
    DisplacesNobody,
    DropsSomeSeconds,
    EvictsDevices,
    FoldsCase,
    ForgetsOnReopening,
    ForgetsRequests,
    ForgetsRevocations,
    GivesNumbersTwice,
    HasOneRetainedMessage,
    IgnoresRevisions,
    IgnoresTags,
    IgnoresTheCap,
    ImportsOneByOne,
    IncludesTheEnd,
    KeepsTheEnd,
    KeepsTheNewest,
    KeepsTheSequence,
    LatestIsTheLastToArrive,
    LeavesApiKeys,
    LeavesOutTheRetained,
    LeavesReadings,
    LeavesSensors,
    LetsTheExpiredIn,
    ListsBackwards,
    ListsEverybodys,
    ListsTheExpired,
    LosesMilliseconds,
    LosesUpdates,
    NeedsThePositionsRecord,
    NeverSaysMore,
    Overwrites,
    OverwritesReadings,
    PagesByNumber,
    RedeemsForAnybody,
    RedeemsTwice,
    RefusesAsAWhole,
    RegistersInSteps,
    RemembersTheRefused,
    RemovesAllAtOnce,
    RemovesTheJustAsOld,
    RepeatsThePosition,
    RestartsNumbers,
    RevokesWhateverItIs,
    RoundsIntegers,
    SaysDoneTooEarly,
    SettlesForOthers,
    SettlesOnReopening,
    SharesKeys,
    ShowsEverybodys,
    SkipsBehindThePosition,
    StandsStill,
    StoresOneByOne,
    TakesDevicesAlong,
    TakesIdsFromOthers,
    TakesNamesTwice,
    TakesReportsTwice,
    TakesSerialsTwice,
    TouchesEverybodys,
}

/// The storage in memory, with something wrong.
#[derive(Clone, Debug, Default)]
struct FaultyStorage {
    fault: Fault,
    inner: MemoryStorage,
    noted: Arc<Mutex<Noted>>,
}

/// What a storage has to remember to be wrong about it.
#[derive(Debug, Default)]
struct Noted {
    api_keys: Vec<ApiKey>,
    last_reported: Option<LatestReading>,
    position: usize,
    readings: Vec<Reading>,
    reported: BTreeMap<Timestamp, Value>,
    restarted_at: u64,
    retained_at: Option<Timestamp>,
    sensors: Vec<Sensor>,
}

impl FaultyStorage {
    fn with(fault: Fault) -> Self {
        Self {
            fault,
            ..Self::default()
        }
    }

    fn has(&self, fault: Fault) -> bool {
        self.fault == fault
    }

    fn noted(&self) -> MutexGuard<'_, Noted> {
        self.noted.lock().unwrap()
    }

    /// The ids of all organizations, which no method should ever look through.
    async fn everybody(&self) -> Vec<OrganizationId> {
        let all = self.inner.organizations(ServerProof::vouch(), whole());
        all.await.unwrap().items.iter().map(|it| it.id).collect()
    }

    /// All devices of an organization.
    async fn devices_of(&self, id: OrganizationId) -> Vec<Device> {
        let filter = DeviceFilter::default();
        let all = self.inner.devices(id, &filter, whole()).await;
        all.unwrap().items
    }
}

/// All of a list that is no longer than a page.
fn whole<P>() -> PageRequest<P> {
    PageRequest::first(PageLimit::MAX)
}

#[async_trait]
impl StorageFixture for FaultyStorage {
    async fn fresh() -> Self {
        Self::default()
    }

    fn storage(&self) -> Arc<dyn Storage> {
        Arc::new(self.clone())
    }

    async fn reopen(self) -> Self {
        self.reopened().await
    }
}

/// Without a fault it keeps the contract: what a clause complains of is the fault.
mod without_a_fault {
    crate::storage_contract!(super::FaultyStorage);
    crate::durable_storage_contract!(super::FaultyStorage);
}
