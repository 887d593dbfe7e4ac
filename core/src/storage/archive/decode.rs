//! Reads records back from the octets that say all of them.

use std::collections::BTreeSet;
use std::str::FromStr;

use uuid::Uuid;

use crate::model::Invalid;
use crate::model::api_key::{ApiKey, KeyOwner};
use crate::model::certificate::{
    Certificate, CertificateFate, Issuer, IssuerKeyId, RevocationReason, Sha256Digest,
};
use crate::model::component::{Component, ComponentOrigin, ComponentSettings};
use crate::model::device::{CertificateSummary, Device, DeviceSettings};
use crate::model::group::{DeviceGroup, GroupSettings};
use crate::model::health::DeviceHealth;
use crate::model::idempotency::IdempotencyRecord;
use crate::model::location::Location;
use crate::model::organization::Organization;
use crate::model::presence::{Presence, Session, SessionEpoch};
use crate::model::quarantine::{QuarantinedItem, Rejection};
use crate::model::reading::{Finite, Reading, Value, ValueText};
use crate::model::revision::Revision;
use crate::model::secret::SecretHash;
use crate::model::sensor::{LatestReading, Sensor, SensorSettings, TypeOrigin, ValueType};
use crate::model::serial::SerialNumber;
use crate::model::site::{Site, SiteSettings};
use crate::model::tag::{TagSelector, Tags};
use crate::model::timestamp::Timestamp;
use crate::model::token::{RegistrationToken, TokenFate};
use crate::storage::RetainedTopic;
use crate::storage::archive::{ArchiveRecord, RecordKind};

/// A record, of which the octets have to be all, and in the order in which they are written.
pub(super) fn record(octets: &[u8]) -> Result<ArchiveRecord, Invalid> {
    let mut fields = Fields(octets);
    let kind = fields.parsed()?;
    let mut key = Key(fields.octets()?);
    let record = of_kind(kind, &mut key, &mut fields)?;
    if !key.0.is_empty() || !fields.0.is_empty() {
        return Err(Invalid::new("a record has more octets than it needs"));
    }
    Ok(record)
}

fn of_kind(
    kind: RecordKind,
    key: &mut Key<'_>,
    fields: &mut Fields<'_>,
) -> Result<ArchiveRecord, Invalid> {
    use ArchiveRecord as Record;
    Ok(match kind {
        RecordKind::Organization => Record::Organization(organization(key, fields)?),
        RecordKind::ApiKey => Record::ApiKey(api_key(key, fields)?),
        RecordKind::Issuer => Record::Issuer(issuer(key, fields)?),
        RecordKind::IssuerCount => Record::IssuerCount {
            key_id: IssuerKeyId::from_bytes(key.array()?),
            revocations: fields.number()?,
            crl_number: fields.number()?,
        },
        RecordKind::CompromisedKey => {
            Record::CompromisedKey(Sha256Digest::from_bytes(key.array()?))
        }
        RecordKind::Site => Record::Site(site(key, fields)?),
        RecordKind::Group => Record::Group(group(key, fields)?),
        RecordKind::Device => Record::Device(Box::new(device(key, fields)?)),
        RecordKind::Token => Record::Token(token(key, fields)?),
        RecordKind::Certificate => Record::Certificate(Box::new(certificate(key, fields)?)),
        RecordKind::Component => Record::Component(Box::new(component(key, fields)?)),
        RecordKind::Sensor => Record::Sensor(Box::new(sensor(key, fields)?)),
        RecordKind::Reading => Record::Reading(key.id()?, reading(key, fields)?),
        RecordKind::Health => Record::Health(key.id()?, Box::new(health(key, fields)?)),
        RecordKind::Quarantined => Record::Quarantined(quarantined(key, fields)?),
        RecordKind::Retained => Record::Retained {
            organization_id: key.id()?,
            device_id: key.id()?,
            topic: key.topic()?,
            payload: fields.octets()?.to_vec(),
        },
        RecordKind::Idempotency => Record::Idempotency(idempotency(key, fields)?),
    })
}

/// What is left of the key of a bookmark.
struct Key<'o>(&'o [u8]);

impl Key<'_> {
    fn array<const N: usize>(&mut self) -> Result<[u8; N], Invalid> {
        let (head, rest) = self.0.split_first_chunk().ok_or_else(cut_off)?;
        self.0 = rest;
        Ok(*head)
    }

    fn id<T: From<Uuid>>(&mut self) -> Result<T, Invalid> {
        Ok(Uuid::from_bytes(self.array()?).into())
    }

    fn time(&mut self) -> Result<Timestamp, Invalid> {
        Timestamp::from_unix_millis(i64::from_be_bytes(self.array()?))
    }

    fn owner(&mut self) -> Result<KeyOwner, Invalid> {
        let [belongs] = self.array()?;
        let id = self.id()?;
        Ok(match belongs {
            0 => KeyOwner::Server,
            _ => KeyOwner::Organization(id),
        })
    }

    fn topic(&mut self) -> Result<RetainedTopic, Invalid> {
        match self.array()? {
            [1] => Ok(RetainedTopic::ConfigReported),
            [2] => Ok(RetainedTopic::Status),
            _ => Err(Invalid::new("there is no such retained topic")),
        }
    }

    /// All that is left, as text.
    fn parsed<T: FromStr<Err = Invalid>>(&mut self) -> Result<T, Invalid> {
        text(std::mem::take(&mut self.0))?.parse()
    }
}

/// What is left of the fields, each behind its length.
struct Fields<'o>(&'o [u8]);

impl<'o> Fields<'o> {
    fn octets(&mut self) -> Result<&'o [u8], Invalid> {
        let (length, rest) = self.0.split_first_chunk().ok_or_else(cut_off)?;
        let length = usize::try_from(u64::from_be_bytes(*length)).map_err(|_| cut_off())?;
        let (head, rest) = rest.split_at_checked(length).ok_or_else(cut_off)?;
        self.0 = rest;
        Ok(head)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], Invalid> {
        let octets = self.octets()?;
        octets.try_into().map_err(|_| cut_off())
    }

    fn text(&mut self) -> Result<&'o str, Invalid> {
        text(self.octets()?)
    }

    fn parsed<T: FromStr<Err = Invalid>>(&mut self) -> Result<T, Invalid> {
        self.text()?.parse()
    }

    fn number(&mut self) -> Result<u64, Invalid> {
        Ok(u64::from_be_bytes(self.array()?))
    }

    fn truth(&mut self) -> Result<bool, Invalid> {
        Ok(self.number()? != 0)
    }

    fn revision(&mut self) -> Result<Revision, Invalid> {
        Ok(Revision::from_u64(self.number()?))
    }

    fn time(&mut self) -> Result<Timestamp, Invalid> {
        Timestamp::from_unix_millis(i64::from_be_bytes(self.array()?))
    }

    fn float(&mut self) -> Result<f64, Invalid> {
        Ok(f64::from_bits(self.number()?))
    }

    fn id<T: From<Uuid>>(&mut self) -> Result<T, Invalid> {
        Ok(Uuid::from_bytes(self.array()?).into())
    }

    fn digest(&mut self) -> Result<Sha256Digest, Invalid> {
        Ok(Sha256Digest::from_bytes(self.array()?))
    }

    fn secret_hash(&mut self) -> Result<SecretHash, Invalid> {
        Ok(SecretHash::from_bytes(self.array()?))
    }

    fn serial_number(&mut self) -> Result<SerialNumber, Invalid> {
        SerialNumber::from_be_bytes(self.octets()?)
    }

    fn option<T>(
        &mut self,
        read: impl FnOnce(&mut Self) -> Result<T, Invalid>,
    ) -> Result<Option<T>, Invalid> {
        let (is_some, rest) = self.0.split_first().ok_or_else(cut_off)?;
        self.0 = rest;
        match is_some {
            0 => Ok(None),
            _ => read(self).map(Some),
        }
    }

    fn tags(&mut self) -> Result<Tags, Invalid> {
        Tags::new(self.set()?)
    }

    fn set<T: FromStr<Err = Invalid> + Ord>(&mut self) -> Result<BTreeSet<T>, Invalid> {
        (0..self.number()?).map(|_| self.parsed()).collect()
    }

    fn location(&mut self) -> Result<Option<Location>, Invalid> {
        self.option(|fields| {
            let (latitude, longitude) = (fields.float()?, fields.float()?);
            let altitude = fields.option(Self::float)?;
            Location::new(latitude, longitude, altitude, fields.option(Self::parsed)?)
        })
    }

    fn value(&mut self) -> Result<Value, Invalid> {
        Ok(match self.parsed()? {
            ValueType::BigInt => Value::BigInt(i64::from_be_bytes(self.array()?)),
            ValueType::Boolean => Value::Boolean(self.array()? != [0]),
            ValueType::Double => Value::Double(Finite::new(self.float()?)?),
            ValueType::Text => Value::Text(ValueText::new(self.text()?)?),
        })
    }
}

fn organization(key: &mut Key<'_>, fields: &mut Fields<'_>) -> Result<Organization, Invalid> {
    Ok(Organization {
        id: key.id()?,
        slug: fields.parsed()?,
        name: fields.parsed()?,
        created_at: fields.time()?,
        revision: fields.revision()?,
    })
}

fn api_key(key: &mut Key<'_>, fields: &mut Fields<'_>) -> Result<ApiKey, Invalid> {
    Ok(ApiKey {
        owner: key.owner()?,
        id: key.id()?,
        name: fields.parsed()?,
        prefix: fields.parsed()?,
        secret_hash: fields.secret_hash()?,
        scopes: fields.set()?,
        created_at: fields.time()?,
        expires_at: fields.option(Fields::time)?,
        last_used_at: fields.option(Fields::time)?,
        revision: fields.revision()?,
    })
}

fn issuer(key: &mut Key<'_>, fields: &mut Fields<'_>) -> Result<Issuer, Invalid> {
    Ok(Issuer {
        key_id: IssuerKeyId::from_bytes(key.array()?),
        certificate_pem: fields.text()?.to_owned(),
        root_pem: fields.text()?.to_owned(),
        created_at: fields.time()?,
    })
}

fn site(key: &mut Key<'_>, fields: &mut Fields<'_>) -> Result<Site, Invalid> {
    Ok(Site {
        organization_id: key.id()?,
        id: key.id()?,
        settings: SiteSettings {
            name: fields.parsed()?,
            description: fields.option(Fields::parsed)?,
            location: fields.location()?,
            time_zone: fields.option(Fields::parsed)?,
        },
        created_at: fields.time()?,
        revision: fields.revision()?,
    })
}

fn group(key: &mut Key<'_>, fields: &mut Fields<'_>) -> Result<DeviceGroup, Invalid> {
    Ok(DeviceGroup {
        organization_id: key.id()?,
        id: key.id()?,
        settings: GroupSettings {
            name: fields.parsed()?,
            description: fields.option(Fields::parsed)?,
            selector: TagSelector {
                all: fields.tags()?,
                any: fields.tags()?,
                none: fields.tags()?,
            },
        },
        created_at: fields.time()?,
        revision: fields.revision()?,
    })
}

fn device(key: &mut Key<'_>, fields: &mut Fields<'_>) -> Result<Device, Invalid> {
    Ok(Device {
        organization_id: key.id()?,
        id: key.id()?,
        settings: DeviceSettings {
            name: fields.parsed()?,
            location: fields.location()?,
            tags: fields.tags()?,
            metadata: fields.parsed()?,
            site_id: fields.option(Fields::id)?,
            profile: fields.option(Fields::parsed)?,
        },
        presence: Presence::from_parts(
            fields.parsed()?,
            fields.truth()?,
            fields.option(Fields::time)?,
            fields.option(Fields::time)?,
            fields.time()?,
        )?,
        firmware_version: fields.option(Fields::parsed)?,
        certificate: fields.option(|fields| {
            Ok(CertificateSummary {
                serial_number: fields.serial_number()?,
                not_after: fields.time()?,
            })
        })?,
        session_epoch: SessionEpoch::from_u64(fields.number()?),
        session: fields.option(|fields| {
            Ok(Session {
                epoch: SessionEpoch::from_u64(fields.number()?),
                node: fields.parsed()?,
                serial_number: fields.serial_number()?,
            })
        })?,
        created_at: fields.time()?,
        updated_at: fields.time()?,
        revision: fields.revision()?,
    })
}

fn token(key: &mut Key<'_>, fields: &mut Fields<'_>) -> Result<RegistrationToken, Invalid> {
    Ok(RegistrationToken {
        organization_id: key.id()?,
        id: key.id()?,
        device_id: fields.id()?,
        device_name: fields.parsed()?,
        created_at: fields.time()?,
        expires_at: fields.time()?,
        secret_hash: fields.secret_hash()?,
        fate: match fields.text()? {
            "EXPIRED" => TokenFate::Expired,
            "OPEN" => TokenFate::Open,
            "REVOKED" => TokenFate::Revoked { at: fields.time()? },
            "USED" => TokenFate::Used {
                at: fields.time()?,
                serial_number: fields.serial_number()?,
            },
            _ => return Err(Invalid::new("there is no such fate of a token")),
        },
    })
}

fn certificate(key: &mut Key<'_>, fields: &mut Fields<'_>) -> Result<Certificate, Invalid> {
    Ok(Certificate {
        organization_id: key.id()?,
        device_id: key.id()?,
        issue_sequence: u64::from_be_bytes(key.array()?),
        serial_number: fields.serial_number()?,
        subject: fields.text()?.to_owned(),
        fingerprint_sha256: fields.digest()?,
        public_key_sha256: fields.digest()?,
        issuer_key_id: IssuerKeyId::from_bytes(fields.array()?),
        not_before: fields.time()?,
        not_after: fields.time()?,
        issued_at: fields.time()?,
        first_used_at: fields.option(Fields::time)?,
        fate: match fields.text()? {
            "GOOD" => CertificateFate::Good,
            "REVOKED" => CertificateFate::Revoked {
                at: fields.time()?,
                reason: fields.parsed::<RevocationReason>()?,
            },
            "SUPERSEDED" => CertificateFate::Superseded,
            _ => return Err(Invalid::new("there is no such fate of a certificate")),
        },
        pem: fields.text()?.to_owned(),
    })
}

fn component(key: &mut Key<'_>, fields: &mut Fields<'_>) -> Result<Component, Invalid> {
    Ok(Component {
        organization_id: key.id()?,
        id: key.id()?,
        device_id: fields.id()?,
        key: fields.parsed()?,
        origin: match fields.text()? {
            "ANNOUNCED" => ComponentOrigin::Announced,
            "MANUAL" => ComponentOrigin::Manual,
            _ => return Err(Invalid::new("there is no such origin of a component")),
        },
        settings: ComponentSettings {
            name: fields.parsed()?,
            profile: fields.option(Fields::parsed)?,
            tags: fields.tags()?,
            metadata: fields.parsed()?,
        },
        revision: fields.revision()?,
    })
}

fn sensor(key: &mut Key<'_>, fields: &mut Fields<'_>) -> Result<Sensor, Invalid> {
    Ok(Sensor {
        organization_id: key.id()?,
        id: key.id()?,
        device_id: fields.id()?,
        component_id: fields.id()?,
        key: fields.parsed()?,
        settings: SensorSettings {
            name: fields.parsed()?,
            value_type: fields.parsed()?,
            unit: fields.option(Fields::parsed)?,
            tags: fields.tags()?,
        },
        type_origin: match fields.text()? {
            "ANNOUNCED" => TypeOrigin::Announced,
            "INFERRED" => TypeOrigin::Inferred,
            "PROFILE" => TypeOrigin::Profile,
            _ => return Err(Invalid::new("there is no such origin of a type")),
        },
        latest: fields.option(|fields| {
            Ok(LatestReading {
                timestamp: fields.time()?,
                value: fields.value()?,
            })
        })?,
        revision: fields.revision()?,
    })
}

fn reading(key: &mut Key<'_>, fields: &mut Fields<'_>) -> Result<Reading, Invalid> {
    Ok(Reading {
        sensor_id: key.id()?,
        timestamp: key.time()?,
        value: fields.value()?,
        metadata: fields.option(Fields::parsed)?,
    })
}

fn health(key: &mut Key<'_>, fields: &mut Fields<'_>) -> Result<DeviceHealth, Invalid> {
    Ok(DeviceHealth {
        device_id: key.id()?,
        timestamp: key.time()?,
        uptime_seconds: fields.number()?,
        free_heap_bytes: fields.option(Fields::number)?,
        signal_strength_dbm: fields.option(|fields| Ok(i32::from_be_bytes(fields.array()?)))?,
        connection_type: fields.parsed()?,
        readings_sent: fields.number()?,
        readings_dropped: fields.number()?,
        extra: fields.option(Fields::parsed)?,
    })
}

fn quarantined(key: &mut Key<'_>, fields: &mut Fields<'_>) -> Result<QuarantinedItem, Invalid> {
    Ok(QuarantinedItem {
        organization_id: key.id()?,
        id: key.id()?,
        device_id: fields.id()?,
        received_at: fields.time()?,
        rejection: Rejection {
            reason: fields.parsed()?,
            detail: fields.text()?.to_owned(),
            raw: fields.text()?.to_owned(),
        },
    })
}

fn idempotency(key: &mut Key<'_>, fields: &mut Fields<'_>) -> Result<IdempotencyRecord, Invalid> {
    Ok(IdempotencyRecord {
        owner: key.owner()?,
        key: key.parsed()?,
        request_sha256: fields.digest()?,
        resource: fields.id()?,
        created_at: fields.time()?,
    })
}

fn text(octets: &[u8]) -> Result<&str, Invalid> {
    std::str::from_utf8(octets).map_err(|_| Invalid::new("a text of a record is not UTF-8"))
}

fn cut_off() -> Invalid {
    Invalid::new("a record has fewer octets than it needs")
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::storage::{MemoryStorage, ServerProof, Storage};
    use crate::testing::specimen;

    #[tokio::test]
    async fn every_record_reads_back_from_all_of_its_octets() {
        let storage: Arc<dyn Storage> = Arc::new(MemoryStorage::default());
        specimen::fill(&storage).await;
        let archive = storage.archive(ServerProof::vouch(), None).await;
        let all = archive.unwrap().next(usize::MAX).await.unwrap();
        for kind in RecordKind::ALL {
            assert!(all.iter().any(|record| record.kind() == kind), "no {kind}");
        }
        for known in all {
            let mut octets = known.octets();
            let read = record(&octets).unwrap();
            assert_eq!(format!("{read:?}"), format!("{known:?}"));
            assert_eq!(read.octets(), octets);
            for end in 0..octets.len() {
                assert!(record(&octets[..end]).is_err(), "{known:?} up to {end}");
            }
            octets.push(0);
            assert!(record(&octets).is_err(), "{known:?}");
        }
    }
}
