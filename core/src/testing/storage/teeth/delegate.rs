//! Passes the calls on: to the storage in memory, or to the methods that may be wrong.

use async_trait::async_trait;

use super::FaultyStorage;
use crate::model::announcement::{Announcement, AnnouncementOutcome};
use crate::model::api_key::{ApiKey, ApiKeySettings, KeyOwner, KeyPrefix};
use crate::model::certificate::{Certificate, Issuer, IssuerKeyId, RevokedCertificate};
use crate::model::component::{Component, ComponentFilter, ComponentSettings};
use crate::model::device::{Device, DeviceFilter, DeviceSummary, DeviceUpdate};
use crate::model::group::{DeviceGroup, GroupSettings};
use crate::model::health::DeviceHealth;
use crate::model::id::{
    ApiKeyId, ComponentId, DeviceId, GroupId, OrganizationId, QuarantineId, SensorId, SiteId,
    TokenId,
};
use crate::model::idempotency::{IdempotencyKey, IdempotencyRecord};
use crate::model::ingestion::{IngestOutcome, ReadingBatch};
use crate::model::limits::Limits;
use crate::model::organization::{Organization, Slug};
use crate::model::page::{Page, PageRequest};
use crate::model::presence::{NodeId, SessionEpoch};
use crate::model::quarantine::{QuarantineFilter, QuarantinedItem};
use crate::model::reading::{Reading, TimeRange};
use crate::model::revision::Revision;
use crate::model::sensor::{Sensor, SensorFilter, SensorSummary, SensorUpdate};
use crate::model::serial::SerialNumber;
use crate::model::site::{Site, SiteSettings};
use crate::model::text::Name;
use crate::model::timestamp::Timestamp;
use crate::model::token::{RegistrationToken, TokenState};
use crate::storage::{
    ApiKeyStore, Archive, ArchiveRecord, ArchiveStore, Bookmark, CertificateStore, ComponentStore,
    DeletedDevice, DeviceChange, DeviceStore, Effects, Finding, GroupStore, HealthStore,
    IdempotencyStore, MaintenanceStore, OpenedSession, OrganizationStore, PurgePolicy, Purged,
    QuarantineStore, ReadingStore, Redemption, ReportStore, RetainedTopic, Seen, SensorStore,
    ServerProof, SessionRefused, SessionStore, SiteStore, StorageError, TokenStore,
};

/// Implements traits of the port. `right` methods are those of the storage in memory; those that
/// `may be wrong` are methods of the faulty storage itself, which have the same names.
macro_rules! delegate {
    ($($port:ident {
        right { $($right:ident($($name:ident: $type:ty),*) -> $answer:ty;)* }
        may be wrong { $($wrong:ident($($its_name:ident: $its_type:ty),*) -> $its_answer:ty;)* }
    })+) => {$(
        #[async_trait]
        impl $port for FaultyStorage {
            $(async fn $right(&self, $($name: $type),*) -> Result<$answer, StorageError> {
                $port::$right(&self.inner, $($name),*).await
            })*
            $(async fn $wrong(&self, $($its_name: $its_type),*) -> Result<$its_answer, StorageError> {
                Self::$wrong(self, $($its_name),*).await
            })*
        }
    )+};
}

delegate! {
    ApiKeyStore {
        right {
            api_key(owner: KeyOwner, id: ApiKeyId) -> Option<ApiKey>;
            api_keys(owner: KeyOwner, page: PageRequest<ApiKeyId>) -> Page<ApiKey>;
            touch_api_key(owner: KeyOwner, id: ApiKeyId, at: Timestamp) -> ();
            update_api_key(
                owner: KeyOwner, id: ApiKeyId, expected: Option<Revision>, settings: &ApiKeySettings
            ) -> ApiKey;
            delete_api_key(owner: KeyOwner, id: ApiKeyId, expected: Option<Revision>) -> ();
        }
        may be wrong {
            create_api_key(key: &ApiKey, effects: &Effects) -> ();
            api_key_by_prefix(prefix: KeyPrefix) -> Option<ApiKey>;
        }
    }

    ArchiveStore {
        right {
            verify(server: ServerProof) -> Vec<Finding>;
        }
        may be wrong {
            archive(server: ServerProof, after: Option<&Bookmark>) -> Box<dyn Archive>;
            import(server: ServerProof, records: &[ArchiveRecord]) -> ();
        }
    }

    CertificateStore {
        right {
            certificate(
                organization: OrganizationId, device: DeviceId, serial_number: &SerialNumber
            ) -> Option<Certificate>;
            certificates(
                organization: OrganizationId, device: DeviceId, page: PageRequest<u64>
            ) -> Page<Certificate>;
            revocation_count(issuer: IssuerKeyId) -> u64;
            issuers() -> Vec<Issuer>;
            create_issuer(server: ServerProof, issuer: &Issuer) -> ();
        }
        may be wrong {
            revoked_certificates(
                issuer: IssuerKeyId, now: Timestamp, page: PageRequest<SerialNumber>
            ) -> Page<RevokedCertificate>;
            next_crl_number(issuer: IssuerKeyId) -> u64;
        }
    }

    ComponentStore {
        right {
            create_component(component: &Component, limits: &Limits, effects: &Effects) -> ();
            component(organization: OrganizationId, id: ComponentId) -> Option<Component>;
            components(
                organization: OrganizationId, filter: &ComponentFilter, page: PageRequest<ComponentId>
            ) -> Page<Component>;
            update_component(
                organization: OrganizationId, id: ComponentId, expected: Option<Revision>,
                settings: &ComponentSettings
            ) -> Component;
        }
        may be wrong {
            delete_component(
                organization: OrganizationId, id: ComponentId, expected: Option<Revision>
            ) -> ();
        }
    }

    DeviceStore {
        right {}
        may be wrong {
            create_device(device: &Device, effects: &Effects) -> ();
            device(organization: OrganizationId, id: DeviceId) -> Option<Device>;
            devices(
                organization: OrganizationId, filter: &DeviceFilter, page: PageRequest<DeviceId>
            ) -> Page<Device>;
            update_device(
                organization: OrganizationId, id: DeviceId, expected: Option<Revision>,
                update: &DeviceUpdate, now: Timestamp
            ) -> DeviceChange;
            delete_device(
                organization: OrganizationId, id: DeviceId, expected: Option<Revision>, now: Timestamp
            ) -> DeletedDevice;
            device_summary(organization: OrganizationId) -> DeviceSummary;
        }
    }

    GroupStore {
        right {
            create_group(group: &DeviceGroup, effects: &Effects) -> ();
            group(organization: OrganizationId, id: GroupId) -> Option<DeviceGroup>;
            groups(organization: OrganizationId, page: PageRequest<GroupId>) -> Page<DeviceGroup>;
            update_group(
                organization: OrganizationId, id: GroupId, expected: Option<Revision>,
                settings: &GroupSettings
            ) -> DeviceGroup;
        }
        may be wrong {
            delete_group(
                organization: OrganizationId, id: GroupId, expected: Option<Revision>
            ) -> ();
            group_sizes(organization: OrganizationId, ids: &[GroupId]) -> Vec<u64>;
        }
    }

    HealthStore {
        right {
            health(
                organization: OrganizationId, device: DeviceId, range: TimeRange,
                page: PageRequest<Timestamp>
            ) -> Page<DeviceHealth>;
            latest_health(organization: OrganizationId, device: DeviceId) -> Option<DeviceHealth>;
        }
        may be wrong {}
    }

    IdempotencyStore {
        right {}
        may be wrong {
            idempotency_record(owner: KeyOwner, key: &IdempotencyKey) -> Option<IdempotencyRecord>;
        }
    }

    MaintenanceStore {
        right {
            probe(server: ServerProof) -> ();
        }
        may be wrong {
            purge(server: ServerProof, policy: &PurgePolicy, limit: usize) -> Purged;
        }
    }

    OrganizationStore {
        right {
            create_organization(
                server: ServerProof, organization: &Organization, first_key: Option<&ApiKey>,
                effects: &Effects
            ) -> ();
            organization(id: OrganizationId) -> Option<Organization>;
            organization_by_slug(slug: &Slug) -> Option<Organization>;
            organizations(
                server: ServerProof, page: PageRequest<OrganizationId>
            ) -> Page<Organization>;
            update_organization(
                server: ServerProof, id: OrganizationId, expected: Option<Revision>, slug: &Slug,
                name: &Name
            ) -> Organization;
            delete_organization(
                server: ServerProof, id: OrganizationId, expected: Option<Revision>
            ) -> ();
        }
        may be wrong {}
    }

    QuarantineStore {
        right {
            quarantined_item(
                organization: OrganizationId, id: QuarantineId
            ) -> Option<QuarantinedItem>;
            quarantined(
                organization: OrganizationId, filter: &QuarantineFilter,
                page: PageRequest<QuarantineId>
            ) -> Page<QuarantinedItem>;
            discard_quarantined(organization: OrganizationId, id: QuarantineId) -> ();
        }
        may be wrong {}
    }

    ReadingStore {
        right {}
        may be wrong {
            readings(
                organization: OrganizationId, sensor: SensorId, range: TimeRange,
                page: PageRequest<Timestamp>
            ) -> Page<Reading>;
        }
    }

    ReportStore {
        right {
            store_announcement(
                organization: OrganizationId, device: DeviceId, announcement: &Announcement,
                limits: &Limits
            ) -> AnnouncementOutcome;
        }
        may be wrong {
            store_readings(
                organization: OrganizationId, device: DeviceId, batch: &ReadingBatch, limits: &Limits
            ) -> IngestOutcome;
            store_health(organization: OrganizationId, health: &DeviceHealth) -> bool;
            store_quarantined(item: &QuarantinedItem, limits: &Limits) -> ();
            store_retained(
                organization: OrganizationId, device: DeviceId, topic: RetainedTopic,
                payload: &[u8], at: Timestamp
            ) -> ();
            retained(
                organization: OrganizationId, device: DeviceId, topic: RetainedTopic
            ) -> Option<Vec<u8>>;
        }
    }

    SensorStore {
        right {
            sensor_summary(organization: OrganizationId) -> SensorSummary;
            update_sensor(
                organization: OrganizationId, id: SensorId, expected: Option<Revision>,
                update: &SensorUpdate
            ) -> Sensor;
            delete_sensor(
                organization: OrganizationId, id: SensorId, expected: Option<Revision>
            ) -> ();
        }
        may be wrong {
            sensor(organization: OrganizationId, id: SensorId) -> Option<Sensor>;
            sensors(
                organization: OrganizationId, filter: &SensorFilter, page: PageRequest<SensorId>
            ) -> Page<Sensor>;
        }
    }

    SessionStore {
        right {}
        may be wrong {
            open_session(
                organization: OrganizationId, device: DeviceId, serial_number: &SerialNumber,
                node: &NodeId, now: Timestamp
            ) -> Result<OpenedSession, SessionRefused>;
            close_session(
                organization: OrganizationId, device: DeviceId, epoch: SessionEpoch, now: Timestamp
            ) -> bool;
            settle_sessions(
                server: ServerProof, node: &NodeId, now: Timestamp, limit: usize
            ) -> usize;
            touch_devices(server: ServerProof, seen: &[Seen]) -> ();
        }
    }

    SiteStore {
        right {}
        may be wrong {
            sites(organization: OrganizationId, page: PageRequest<SiteId>) -> Page<Site>;
            create_site(site: &Site, effects: &Effects) -> ();
            site(organization: OrganizationId, id: SiteId) -> Option<Site>;
            update_site(
                organization: OrganizationId, id: SiteId, expected: Option<Revision>,
                settings: &SiteSettings
            ) -> Site;
            delete_site(organization: OrganizationId, id: SiteId, expected: Option<Revision>) -> ();
        }
    }

    TokenStore {
        right {
            create_token(token: &RegistrationToken, effects: &Effects) -> ();
            tokens(
                organization: OrganizationId, states: &[TokenState], now: Timestamp,
                page: PageRequest<TokenId>
            ) -> Page<RegistrationToken>;
        }
        may be wrong {
            register_device(device: &Device, token: &RegistrationToken, effects: &Effects) -> ();
            token(id: TokenId) -> Option<RegistrationToken>;
            revoke_token(organization: OrganizationId, id: TokenId, now: Timestamp) -> TokenState;
            consume_token(
                organization: OrganizationId, id: TokenId, certificate: &Certificate,
                limits: &Limits, now: Timestamp
            ) -> Redemption;
        }
    }
}
