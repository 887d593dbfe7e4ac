//! What a record leaves in the tree: under which keys, with which values.

use fieldgate_core::model::api_key::{ApiKey, KeyOwner};
use fieldgate_core::model::certificate::{
    Certificate, CertificateFate, RevocationReason, RevokedCertificate,
};
use fieldgate_core::model::device::Device;
use fieldgate_core::model::quarantine::QuarantinedItem;
use fieldgate_core::model::sensor::Sensor;
use fieldgate_core::model::token::{RegistrationToken, TokenFate};
use fieldgate_core::storage::{ArchiveRecord, Unique};

use crate::error::Error;
use crate::keys::{self, Day};
use crate::record::{Record as _, encode_reading};
use crate::report::RETAINED_PIECE_MAX;
use crate::tally;

/// A key that is there because of a record.
#[derive(Debug)]
pub(crate) struct Entry {
    pub(crate) key: Vec<u8>,
    pub(crate) value: Vec<u8>,
    /// What must not be taken by another record, of a key that is no record's own.
    pub(crate) unique: Option<Unique>,
}

/// All keys of a record, its own first. `lives` says of a certificate whether its device does.
pub(crate) fn footprint(record: &ArchiveRecord, lives: bool) -> Result<Vec<Entry>, Error> {
    let mut entries = Entries(Vec::new());
    match record {
        ArchiveRecord::Organization(it) => {
            entries.put(keys::organization(it.id), it.encode()?);
            let unique = Unique::OrganizationSlug;
            entries.unique(keys::slug(&it.slug), *it.id.as_bytes(), unique);
        }
        ArchiveRecord::ApiKey(it) => api_key(&mut entries, it)?,
        ArchiveRecord::Issuer(it) => entries.put(keys::issuer(it.key_id), it.encode()?),
        ArchiveRecord::IssuerCount {
            key_id,
            revocations,
            crl_number,
        } => {
            entries.put(keys::revocation_count(*key_id), revocations.to_be_bytes());
            entries.put(keys::crl_number(*key_id), crl_number.to_be_bytes());
        }
        ArchiveRecord::CompromisedKey(digest) => entries.mark(keys::compromised_key(*digest)),
        ArchiveRecord::Site(it) => {
            entries.put(keys::site(it.organization_id, it.id), it.encode()?);
        }
        ArchiveRecord::Group(it) => {
            entries.put(keys::group(it.organization_id, it.id), it.encode()?);
            for lead in tally::leads(&it.settings.selector) {
                entries.mark(keys::group_by_tag(it.organization_id, lead, it.id));
            }
        }
        ArchiveRecord::Device(it) => device(&mut entries, it)?,
        ArchiveRecord::Token(it) => token(&mut entries, it)?,
        ArchiveRecord::Certificate(it) => certificate(&mut entries, it, lives)?,
        ArchiveRecord::Component(it) => {
            let (organization, device) = (it.organization_id, it.device_id);
            entries.put(keys::component(organization, it.id), it.encode()?);
            let key = keys::component_key(organization, device, &it.key);
            entries.unique(key, *it.id.as_bytes(), Unique::ComponentKey);
            entries.mark(keys::component_of_device(organization, device, it.id));
        }
        ArchiveRecord::Sensor(it) => sensor(&mut entries, it)?,
        ArchiveRecord::Reading(organization, it) => {
            let (sensor, at) = (it.sensor_id, it.timestamp);
            let key = keys::reading(*organization, sensor, at);
            entries.put(key, encode_reading(it));
            entries.mark(keys::reading_day(Day::of(at), *organization, sensor));
        }
        ArchiveRecord::Health(organization, it) => {
            let (device, at) = (it.device_id, it.timestamp);
            let key = keys::health_report(*organization, device, at);
            entries.put(key, it.encode()?);
            entries.mark(keys::health_day(Day::of(at), *organization, device));
        }
        ArchiveRecord::Quarantined(it) => quarantined(&mut entries, it)?,
        ArchiveRecord::Retained {
            organization_id,
            device_id,
            topic,
            payload,
        } => {
            for (number, piece) in (0..).zip(payload.chunks(RETAINED_PIECE_MAX)) {
                let key = keys::retained_piece(*organization_id, *device_id, *topic, number);
                entries.put(key, piece);
            }
        }
        ArchiveRecord::Idempotency(it) => {
            let key = keys::idempotency(it.owner, &it.key);
            entries.put(key.clone(), it.encode()?);
            let by_time = keys::idempotency_by_time(it.created_at, it.owner, &it.key);
            entries.put(by_time, key);
        }
    }
    Ok(entries.0)
}

/// What has to be there for a record, and its name; behind it the note that says that it was there
/// and was deleted, where there is such a note.
pub(crate) fn owners(record: &ArchiveRecord) -> Vec<Owner> {
    let organization = |id| Owner {
        key: keys::organization(id),
        deleted: None,
        what: "organization",
    };
    let device = |organization, id| Owner {
        key: keys::device(organization, id),
        deleted: Some(keys::deleted_device(organization, id)),
        what: "device",
    };
    match record {
        ArchiveRecord::ApiKey(it) => match it.owner {
            KeyOwner::Organization(id) => vec![organization(id)],
            KeyOwner::Server => Vec::new(),
        },
        ArchiveRecord::Site(it) => vec![organization(it.organization_id)],
        ArchiveRecord::Group(it) => vec![organization(it.organization_id)],
        ArchiveRecord::Device(it) => {
            let site = it.settings.site_id.map(|site| Owner {
                key: keys::site(it.organization_id, site),
                deleted: None,
                what: "site",
            });
            let organization = organization(it.organization_id);
            [organization].into_iter().chain(site).collect()
        }
        ArchiveRecord::Token(it) => vec![device(it.organization_id, it.device_id)],
        ArchiveRecord::Component(it) => vec![device(it.organization_id, it.device_id)],
        ArchiveRecord::Sensor(it) => vec![Owner {
            key: keys::component(it.organization_id, it.component_id),
            deleted: Some(keys::deleted_component(it.organization_id, it.component_id)),
            what: "component",
        }],
        ArchiveRecord::Reading(organization, it) => vec![Owner {
            key: keys::sensor(*organization, it.sensor_id),
            deleted: Some(keys::deleted_sensor(*organization, it.sensor_id)),
            what: "sensor",
        }],
        ArchiveRecord::Health(organization, it) => vec![device(*organization, it.device_id)],
        ArchiveRecord::Quarantined(it) => vec![device(it.organization_id, it.device_id)],
        ArchiveRecord::Retained {
            organization_id,
            device_id,
            ..
        } => vec![device(*organization_id, *device_id)],
        ArchiveRecord::Organization(_)
        | ArchiveRecord::Issuer(_)
        | ArchiveRecord::IssuerCount { .. }
        | ArchiveRecord::CompromisedKey(_)
        | ArchiveRecord::Certificate(_)
        | ArchiveRecord::Idempotency(_) => Vec::new(),
    }
}

/// What a record belongs to.
pub(crate) struct Owner {
    pub(crate) key: Vec<u8>,
    pub(crate) deleted: Option<Vec<u8>>,
    pub(crate) what: &'static str,
}

struct Entries(Vec<Entry>);

impl Entries {
    fn put(&mut self, key: Vec<u8>, value: impl Into<Vec<u8>>) {
        self.0.push(Entry {
            key,
            value: value.into(),
            unique: None,
        });
    }

    fn unique(&mut self, key: Vec<u8>, value: impl Into<Vec<u8>>, unique: Unique) {
        self.0.push(Entry {
            key,
            value: value.into(),
            unique: Some(unique),
        });
    }

    fn mark(&mut self, key: Vec<u8>) {
        self.put(key, Vec::new());
    }
}

fn api_key(entries: &mut Entries, it: &ApiKey) -> Result<(), Error> {
    let key = keys::api_key(it.owner, it.id);
    entries.put(key.clone(), it.encode()?);
    entries.unique(keys::api_key_id(it.id), [], Unique::Id);
    let prefix = keys::api_key_prefix(it.prefix);
    entries.unique(prefix, key, Unique::ApiKeyPrefix);
    Ok(())
}

fn device(entries: &mut Entries, it: &Device) -> Result<(), Error> {
    let (organization, id) = (it.organization_id, it.id);
    entries.put(keys::device(organization, id), it.encode()?);
    let name = keys::device_name(organization, &it.settings.name);
    entries.unique(name, *id.as_bytes(), Unique::DeviceName);
    if let Some(site) = it.settings.site_id {
        entries.mark(keys::device_at_site(organization, site, id));
    }
    if let Some(session) = &it.session {
        entries.mark(keys::session_of_node(&session.node, organization, id));
    }
    Ok(())
}

fn token(entries: &mut Entries, it: &RegistrationToken) -> Result<(), Error> {
    let (organization, device, id) = (it.organization_id, it.device_id, it.id);
    entries.put(keys::token(organization, id), it.encode()?);
    let owner = *organization.as_bytes();
    entries.unique(keys::token_owner(id), owner, Unique::Id);
    entries.mark(keys::token_of_device(organization, device, id));
    if it.fate == TokenFate::Open {
        let open = keys::open_token(organization, device);
        entries.unique(open, *id.as_bytes(), Unique::Id);
        let by_end = keys::open_token_by_end(it.expires_at, organization, id);
        entries.mark(by_end);
    }
    Ok(())
}

fn certificate(entries: &mut Entries, it: &Certificate, lives: bool) -> Result<(), Error> {
    let (organization, device) = (it.organization_id, it.device_id);
    let (issuer, serial, sequence) = (it.issuer_key_id, &it.serial_number, it.issue_sequence);
    let key = keys::certificate(organization, device, sequence);
    entries.put(key, it.encode()?);
    let by_serial = keys::certificate_by_serial(issuer, serial);
    entries.unique(by_serial, [], Unique::CertificateSerial);
    let of_device = keys::serial_of_device(organization, device, serial);
    entries.put(of_device, sequence.to_be_bytes());
    let by_issue = keys::certificate_by_issue(organization, device, it.issued_at, sequence);
    entries.mark(by_issue);
    match it.fate {
        CertificateFate::Good => {
            entries.mark(keys::good_certificate(organization, device, sequence));
            let public_key = it.public_key_sha256;
            let holder = keys::key_holder(public_key, organization, device, sequence);
            entries.put(holder, it.not_after.unix_millis().to_be_bytes());
        }
        CertificateFate::Revoked { at, reason } => {
            if reason == RevocationReason::KeyCompromise {
                entries.mark(keys::compromised_key(it.public_key_sha256));
            }
            let revoked = RevokedCertificate {
                serial_number: serial.clone(),
                revoked_at: at,
                reason,
                not_after: it.not_after,
            };
            let key = keys::revoked_certificate(issuer, serial);
            entries.put(key, revoked.encode()?);
        }
        CertificateFate::Superseded => {}
    }
    if !lives {
        let by_end = keys::orphan_by_end(it.not_after, organization, device, sequence);
        entries.mark(by_end);
    }
    Ok(())
}

fn sensor(entries: &mut Entries, it: &Sensor) -> Result<(), Error> {
    let (organization, component, id) = (it.organization_id, it.component_id, it.id);
    entries.put(keys::sensor(organization, id), it.encode()?);
    let key = keys::sensor_key(organization, component, &it.key);
    entries.unique(key, *id.as_bytes(), Unique::Id);
    let of_device = keys::sensor_of_device(organization, it.device_id, id);
    entries.put(of_device, *component.as_bytes());
    entries.mark(keys::sensor_of_component(organization, component, id));
    Ok(())
}

fn quarantined(entries: &mut Entries, it: &QuarantinedItem) -> Result<(), Error> {
    let (organization, id) = (it.organization_id, it.id);
    entries.put(keys::quarantined(organization, id), it.encode()?);
    let of_device = keys::quarantined_of_device(organization, it.device_id, id);
    entries.mark(of_device);
    entries.mark(keys::quarantined_by_time(it.received_at, organization, id));
    Ok(())
}
