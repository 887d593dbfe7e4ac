//! Writes records as octets that say all of them: to weigh, compare and sum them up.

use crate::model::api_key::ApiKey;
use crate::model::certificate::{Certificate, CertificateFate};
use crate::model::component::Component;
use crate::model::device::Device;
use crate::model::group::DeviceGroup;
use crate::model::health::DeviceHealth;
use crate::model::location::Location;
use crate::model::reading::{Reading, Value};
use crate::model::sensor::Sensor;
use crate::model::site::Site;
use crate::model::tag::Tags;
use crate::model::timestamp::Timestamp;
use crate::model::token::{RegistrationToken, TokenFate};
use crate::storage::archive::ArchiveRecord;

/// All of a record. What it says never changes its form: sums of archives are kept.
pub(super) fn octets(record: &ArchiveRecord) -> Vec<u8> {
    let mut fields = Fields(Vec::new());
    fields.text(record.kind().as_str());
    fields.octets(&record.bookmark().key);
    match record {
        ArchiveRecord::Organization(it) => {
            fields.text(it.slug.as_str()).text(it.name.as_str());
            fields.time(it.created_at).number(it.revision.as_u64());
        }
        ArchiveRecord::ApiKey(it) => api_key(&mut fields, it),
        ArchiveRecord::Issuer(it) => {
            fields.text(&it.certificate_pem).text(&it.root_pem);
            fields.time(it.created_at);
        }
        ArchiveRecord::IssuerCount {
            revocations,
            crl_number,
            ..
        } => {
            fields.number(*revocations).number(*crl_number);
        }
        // Their keys say all of them.
        ArchiveRecord::CompromisedKey(_) => {}
        ArchiveRecord::Site(it) => site(&mut fields, it),
        ArchiveRecord::Group(it) => group(&mut fields, it),
        ArchiveRecord::Device(it) => device(&mut fields, it),
        ArchiveRecord::Token(it) => token(&mut fields, it),
        ArchiveRecord::Certificate(it) => certificate(&mut fields, it),
        ArchiveRecord::Component(it) => component(&mut fields, it),
        ArchiveRecord::Sensor(it) => sensor(&mut fields, it),
        ArchiveRecord::Reading(_, it) => reading(&mut fields, it),
        ArchiveRecord::Health(_, it) => health(&mut fields, it),
        ArchiveRecord::Quarantined(it) => {
            fields.octets(it.device_id.as_bytes()).time(it.received_at);
            fields.text(it.rejection.reason.as_str());
            fields.text(&it.rejection.detail).text(&it.rejection.raw);
        }
        ArchiveRecord::Retained { payload, .. } => {
            fields.octets(payload);
        }
        ArchiveRecord::Idempotency(it) => {
            fields.octets(it.request_sha256.as_bytes());
            fields.octets(it.resource.as_bytes()).time(it.created_at);
        }
    }
    fields.0
}

/// Fields, each behind its length.
struct Fields(Vec<u8>);

impl Fields {
    fn octets(&mut self, octets: &[u8]) -> &mut Self {
        self.0
            .extend_from_slice(&(octets.len() as u64).to_be_bytes());
        self.0.extend_from_slice(octets);
        self
    }

    fn text(&mut self, text: &str) -> &mut Self {
        self.octets(text.as_bytes())
    }

    fn number(&mut self, number: u64) -> &mut Self {
        self.octets(&number.to_be_bytes())
    }

    fn time(&mut self, at: Timestamp) -> &mut Self {
        self.octets(&at.unix_millis().to_be_bytes())
    }

    fn float(&mut self, number: f64) -> &mut Self {
        self.octets(&number.to_bits().to_be_bytes())
    }

    /// Something that may be missing: one octet that says so, and its fields.
    fn option<T>(&mut self, value: Option<T>, write: impl FnOnce(&mut Self, T)) -> &mut Self {
        self.0.push(u8::from(value.is_some()));
        if let Some(value) = value {
            write(self, value);
        }
        self
    }

    fn time_option(&mut self, at: Option<Timestamp>) -> &mut Self {
        self.option(at, |fields, at| {
            fields.time(at);
        })
    }

    fn text_option(&mut self, text: Option<&str>) -> &mut Self {
        self.option(text, |fields, text| {
            fields.text(text);
        })
    }

    fn texts<'t>(&mut self, texts: impl Iterator<Item = &'t str>) -> &mut Self {
        let texts: Vec<_> = texts.collect();
        self.number(texts.len() as u64);
        for text in texts {
            self.text(text);
        }
        self
    }

    fn tags(&mut self, tags: &Tags) -> &mut Self {
        self.texts(tags.iter().map(|tag| tag.as_str()))
    }

    fn location(&mut self, location: Option<&Location>) -> &mut Self {
        self.option(location, |fields, it| {
            // Not every backend tells -0 from 0 here.
            fields
                .float(it.latitude() + 0.0)
                .float(it.longitude() + 0.0);
            fields.option(it.altitude(), |fields, metres| {
                fields.float(metres + 0.0);
            });
            fields.text_option(it.label.as_ref().map(|label| label.as_str()));
        })
    }

    fn value(&mut self, value: &Value) -> &mut Self {
        self.text(value.value_type().as_str());
        match value {
            Value::BigInt(integer) => self.octets(&integer.to_be_bytes()),
            Value::Boolean(truth) => self.octets(&[u8::from(*truth)]),
            Value::Double(number) => self.float(number.as_f64()),
            Value::Text(text) => self.text(text.as_str()),
        }
    }
}

fn api_key(fields: &mut Fields, it: &ApiKey) {
    fields.text(it.name.as_str()).text(&it.prefix.to_string());
    fields.octets(it.secret_hash.as_bytes());
    fields.texts(it.scopes.iter().map(|scope| scope.as_str()));
    fields.time(it.created_at).time_option(it.expires_at);
    fields.time_option(it.last_used_at);
    fields.number(it.revision.as_u64());
}

fn site(fields: &mut Fields, it: &Site) {
    let settings = &it.settings;
    fields.text(settings.name.as_str());
    fields.text_option(settings.description.as_ref().map(|text| text.as_str()));
    fields.location(settings.location.as_ref());
    fields.text_option(settings.time_zone.as_ref().map(|zone| zone.as_str()));
    fields.time(it.created_at).number(it.revision.as_u64());
}

fn group(fields: &mut Fields, it: &DeviceGroup) {
    let settings = &it.settings;
    fields.text(settings.name.as_str());
    fields.text_option(settings.description.as_ref().map(|text| text.as_str()));
    let selector = &settings.selector;
    fields.tags(&selector.all).tags(&selector.any);
    fields.tags(&selector.none);
    fields.time(it.created_at).number(it.revision.as_u64());
}

fn device(fields: &mut Fields, it: &Device) {
    let (settings, presence) = (&it.settings, &it.presence);
    fields.text(settings.name.as_str());
    fields.location(settings.location.as_ref());
    fields.tags(&settings.tags);
    fields.text(&settings.metadata.to_string());
    fields.option(settings.site_id, |fields, id| {
        fields.octets(id.as_bytes());
    });
    let profile = settings.profile.as_ref().map(ToString::to_string);
    fields.text_option(profile.as_deref());
    fields.text(presence.status().as_str());
    fields.number(u64::from(presence.online()));
    fields.time_option(presence.first_session_at());
    fields.time_option(presence.last_seen_at());
    fields.time(presence.status_changed_at());
    let firmware = it.firmware_version.as_ref();
    fields.text_option(firmware.map(|version| version.as_str()));
    fields.option(it.certificate.as_ref(), |fields, newest| {
        fields.octets(newest.serial_number.as_be_bytes());
        fields.time(newest.not_after);
    });
    fields.number(it.session_epoch.as_u64());
    fields.option(it.session.as_ref(), |fields, session| {
        fields.number(session.epoch.as_u64());
        fields.text(session.node.as_str());
        fields.octets(session.serial_number.as_be_bytes());
    });
    fields.time(it.created_at).time(it.updated_at);
    fields.number(it.revision.as_u64());
}

fn token(fields: &mut Fields, it: &RegistrationToken) {
    fields.octets(it.device_id.as_bytes());
    fields.text(it.device_name.as_str());
    fields.time(it.created_at).time(it.expires_at);
    fields.octets(it.secret_hash.as_bytes());
    match &it.fate {
        TokenFate::Expired => fields.text("EXPIRED"),
        TokenFate::Open => fields.text("OPEN"),
        TokenFate::Revoked { at } => fields.text("REVOKED").time(*at),
        TokenFate::Used { at, serial_number } => {
            fields.text("USED").time(*at);
            fields.octets(serial_number.as_be_bytes())
        }
    };
}

fn certificate(fields: &mut Fields, it: &Certificate) {
    fields.octets(it.serial_number.as_be_bytes());
    fields.text(&it.subject);
    fields.octets(it.fingerprint_sha256.as_bytes());
    fields.octets(it.public_key_sha256.as_bytes());
    fields.octets(it.issuer_key_id.as_bytes());
    fields.time(it.not_before).time(it.not_after);
    fields.time(it.issued_at).time_option(it.first_used_at);
    match it.fate {
        CertificateFate::Good => fields.text("GOOD"),
        CertificateFate::Revoked { at, reason } => {
            fields.text("REVOKED").time(at).text(reason.as_str())
        }
        CertificateFate::Superseded => fields.text("SUPERSEDED"),
    };
    fields.text(&it.pem);
}

fn component(fields: &mut Fields, it: &Component) {
    let settings = &it.settings;
    fields.octets(it.device_id.as_bytes()).text(it.key.as_str());
    fields.text(&it.origin.to_string());
    fields.text(settings.name.as_str());
    let profile = settings.profile.as_ref().map(ToString::to_string);
    fields.text_option(profile.as_deref());
    fields.tags(&settings.tags);
    fields.text(&settings.metadata.to_string());
    fields.number(it.revision.as_u64());
}

fn sensor(fields: &mut Fields, it: &Sensor) {
    let settings = &it.settings;
    fields.octets(it.device_id.as_bytes());
    fields.octets(it.component_id.as_bytes());
    fields.text(it.key.as_str()).text(settings.name.as_str());
    fields.text(settings.value_type.as_str());
    fields.text_option(settings.unit.as_ref().map(|unit| unit.as_str()));
    fields.tags(&settings.tags);
    fields.text(it.type_origin.as_str());
    fields.option(it.latest.as_ref(), |fields, latest| {
        fields.time(latest.timestamp).value(&latest.value);
    });
    fields.number(it.revision.as_u64());
}

fn reading(fields: &mut Fields, it: &Reading) {
    fields.value(&it.value);
    let metadata = it.metadata.as_ref().map(ToString::to_string);
    fields.text_option(metadata.as_deref());
}

fn health(fields: &mut Fields, it: &DeviceHealth) {
    fields.number(it.uptime_seconds);
    fields.option(it.free_heap_bytes, |fields, octets| {
        fields.number(octets);
    });
    fields.option(it.signal_strength_dbm, |fields, dbm| {
        fields.octets(&dbm.to_be_bytes());
    });
    fields.text(it.connection_type.as_str());
    fields.number(it.readings_sent).number(it.readings_dropped);
    let extra = it.extra.as_ref().map(ToString::to_string);
    fields.text_option(extra.as_deref());
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::certificate::Sha256Digest;

    #[test]
    fn fields_do_not_run_into_one_another() {
        let issuer = |certificate: &str, root: &str| {
            octets(&ArchiveRecord::Issuer(crate::model::certificate::Issuer {
                key_id: crate::model::certificate::IssuerKeyId::from_bytes([1; 20]),
                certificate_pem: certificate.to_owned(),
                root_pem: root.to_owned(),
                created_at: Timestamp::UNIX_EPOCH,
            }))
        };
        assert_ne!(issuer("ab", "c"), issuer("a", "bc"));
        assert_eq!(issuer("ab", "c"), issuer("ab", "c"));
    }

    /// Sums of archives are kept, so that the form never changes.
    #[test]
    fn the_form_stays() {
        let key = ArchiveRecord::CompromisedKey(Sha256Digest::from_bytes([7; 32]));
        let sum = Sha256Digest::of(&octets(&key)).to_string();
        assert_eq!(
            sum,
            "26584bc19521c7b0128996cc594eb2bf81f30d21544434d91e05b054ff5b9f37"
        );
    }
}
