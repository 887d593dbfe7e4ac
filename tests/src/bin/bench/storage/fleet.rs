//! What the stores are filled with: devices and sensors that are known by their numbers.

use std::time::Duration;

use fieldgate_core::model::component::{Component, ComponentOrigin, ComponentSettings};
use fieldgate_core::model::device::{Device, DeviceSettings};
use fieldgate_core::model::group::{DeviceGroup, GroupSettings};
use fieldgate_core::model::id::{
    ComponentId, DeviceId, GroupId, OrganizationId, SensorId, SiteId, uuid_v7,
};
use fieldgate_core::model::ingestion::{IdSeed, ReadingBatch, ReportedReading, SensorAddress};
use fieldgate_core::model::key::Key;
use fieldgate_core::model::location::Location;
use fieldgate_core::model::metadata::Metadata;
use fieldgate_core::model::presence::{DeviceStatus, Presence, SessionEpoch};
use fieldgate_core::model::reading::{Finite, Value};
use fieldgate_core::model::revision::Revision;
use fieldgate_core::model::sensor::{Sensor, SensorSettings, TypeOrigin, ValueType};
use fieldgate_core::model::site::{Site, SiteSettings};
use fieldgate_core::model::tag::{TagSelector, Tags};
use fieldgate_core::model::text::Name;
use fieldgate_core::model::timestamp::Timestamp;
use fieldgate_core::storage::ArchiveRecord;
use uuid::Uuid;

/// The devices of an organization, and the sensors of every tenth one of them, which is a gateway.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Fleet {
    pub(crate) organization: OrganizationId,
    /// How many devices there are, and as many sensors.
    pub(crate) devices: usize,
}

impl Fleet {
    /// What devices refer to.
    pub(crate) fn places(&self) -> Vec<ArchiveRecord> {
        let sites = (0..SITES).map(|number| ArchiveRecord::Site(self.site(number)));
        let group = ArchiveRecord::Group(DeviceGroup {
            id: group(),
            organization_id: self.organization,
            settings: GroupSettings {
                name: text("the racks 42"),
                description: None,
                selector: TagSelector {
                    all: tags(&[rack(42)]),
                    any: Tags::default(),
                    none: Tags::default(),
                },
            },
            created_at: at(0),
            revision: Revision::FIRST,
        });
        sites.chain([group]).collect()
    }

    fn site(&self, number: usize) -> Site {
        Site {
            id: site(number),
            organization_id: self.organization,
            settings: SiteSettings {
                name: text(&format!("Site {number}")),
                description: None,
                location: None,
                time_zone: None,
            },
            created_at: at(0),
            revision: Revision::FIRST,
        }
    }

    /// The records of a device, with those of its component and sensors behind it.
    pub(crate) fn records(&self, number: usize) -> Vec<ArchiveRecord> {
        let mut records = vec![ArchiveRecord::Device(Box::new(self.device(number)))];
        if is_gateway(number) {
            records.push(ArchiveRecord::Component(Box::new(self.component(number))));
            let sensors = (0..SENSORS).map(|index| self.sensor(number, index));
            records.extend(sensors.map(|sensor| ArchiveRecord::Sensor(Box::new(sensor))));
        }
        records
    }

    fn device(&self, number: usize) -> Device {
        let settings = DeviceSettings {
            name: text(&format!("rack{:02}-{number:07}", number % RACKS)),
            location: Location::new(47.4, 8.5, None, None).ok(),
            tags: tags(&[rack(number), format!("model-{}", number % 7)]),
            metadata: metadata(number),
            site_id: Some(site(number / 3 % SITES)),
            profile: Some(parsed(&profile(number / 11))),
        };
        let mut device = Device::register(device(number), self.organization, settings, at(number));
        let status = STATUSES[number / 13 % STATUSES.len()];
        let seen = (status != DeviceStatus::Pending).then(|| at(number));
        device.presence =
            Presence::from_parts(status, false, seen, seen, at(number)).expect("nobody is online");
        device.session_epoch = SessionEpoch::from_u64(u64::from(seen.is_some()));
        device.firmware_version = seen.map(|_| parsed("1.4.2"));
        device
    }

    fn component(&self, number: usize) -> Component {
        Component {
            id: ComponentId::from_uuid(id(COMPONENTS, number)),
            organization_id: self.organization,
            device_id: device(number),
            key: Key::main(),
            origin: ComponentOrigin::Announced,
            settings: ComponentSettings {
                name: text("main"),
                profile: None,
                tags: Tags::default(),
                metadata: Metadata::default(),
            },
            revision: Revision::FIRST,
        }
    }

    fn sensor(&self, number: usize, index: usize) -> Sensor {
        Sensor {
            id: sensor(number, index),
            organization_id: self.organization,
            device_id: device(number),
            component_id: ComponentId::from_uuid(id(COMPONENTS, number)),
            key: sensor_key(index),
            settings: SensorSettings {
                name: text(&format!("channel {index}")),
                value_type: ValueType::Double,
                unit: Some(parsed("Cel")),
                tags: Tags::default(),
            },
            type_origin: TypeOrigin::Announced,
            latest: None,
            revision: Revision::FIRST,
        }
    }

    /// The number of the gateway that comes after so many others, from the start again behind the
    /// last one.
    pub(crate) const fn gateway(&self, turn: usize) -> usize {
        turn * SENSORS % self.devices
    }

    /// A message of a gateway: a thousand readings, those of all its sensors for a while.
    pub(crate) fn message(&self, begin: Timestamp) -> ReadingBatch {
        let items = (0..SENSORS * READINGS).map(|index| {
            Ok(ReportedReading {
                sensor: SensorAddress::Keys {
                    component: Key::main(),
                    sensor: sensor_key(index % SENSORS),
                },
                timestamp: Some(reading_at(begin, index / SENSORS)),
                value: Value::Double(reading_value(index)),
                metadata: None,
                raw: b"{}".as_slice().into(),
            })
        });
        ReadingBatch {
            received_at: begin,
            seed: IdSeed::from_random([7; 10]),
            items: items.collect(),
        }
    }
}

/// The number of a device, of all of them, that is neither near the first nor near the next one that
/// is asked for.
pub(crate) const fn somewhere(turn: usize, devices: usize) -> usize {
    // A prime, so that all come in turn.
    turn.wrapping_mul(611_953) % devices
}

/// The id of a device.
pub(crate) fn device(number: usize) -> DeviceId {
    DeviceId::from_uuid(id(DEVICES, number))
}

/// The id of a sensor of a gateway.
pub(crate) fn sensor(gateway: usize, index: usize) -> SensorId {
    SensorId::from_uuid(id(SENSOR_IDS, gateway + index))
}

/// The id of a site.
pub(crate) fn site(number: usize) -> SiteId {
    SiteId::from_uuid(id(SITE_IDS, number))
}

/// The id of the group, which is that of the devices of a rack.
pub(crate) fn group() -> GroupId {
    GroupId::from_uuid(id(GROUPS, 0))
}

/// The tag of a rack, which one device of a hundred has.
pub(crate) fn rack(number: usize) -> String {
    format!("rack-{:02}", number % RACKS)
}

/// The profile that one device of five has.
pub(crate) fn profile(number: usize) -> String {
    format!("sensorbox@1.{}", number % 5)
}

/// When a reading of a message was taken.
pub(crate) fn reading_at(begin: Timestamp, index: usize) -> Timestamp {
    begin.plus(Duration::from_millis(index as u64))
}

/// What was read.
pub(crate) fn reading_value(index: usize) -> Finite {
    #[expect(clippy::cast_precision_loss, reason = "it is small")]
    let value = (index % 400) as f64 / 8.0;
    Finite::new(value).expect("it is finite")
}

const fn is_gateway(number: usize) -> bool {
    number.is_multiple_of(SENSORS)
}

fn sensor_key(index: usize) -> Key {
    parsed(&format!("channel-{index}"))
}

/// As ids are: by time, and then random, here the same in each run.
fn id(kind: u8, number: usize) -> Uuid {
    let scattered = (number as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let mut octets = [kind; 10];
    octets[2..].copy_from_slice(&scattered.to_be_bytes());
    uuid_v7(at(number), octets)
}

fn at(number: usize) -> Timestamp {
    let begin = Timestamp::from_unix_millis(BEGIN_MILLIS).expect("a time");
    begin.plus(Duration::from_millis(number as u64))
}

fn metadata(number: usize) -> Metadata {
    let json = format!(
        "{{\"serial\":\"SN-{number:08}\",\"contract\":\"C-{}\"}}",
        number % 900
    );
    parsed(&json)
}

fn tags(texts: &[String]) -> Tags {
    let tags = texts.iter().map(|text| parsed(text));
    Tags::new(tags.collect()).expect("they are few")
}

fn text(text: &str) -> Name {
    parsed(text)
}

fn parsed<T: std::str::FromStr>(text: &str) -> T {
    let parsed = text.parse().ok();
    parsed.expect("it is well-formed")
}

/// How many sensors a gateway has; one device of so many is one.
pub(crate) const SENSORS: usize = 10;

/// How many readings of each sensor a message has.
pub(crate) const READINGS: usize = 100;

const RACKS: usize = 100;
const SITES: usize = 100;

/// Nobody is online: a server that starts ends the sessions that another one has left.
const STATUSES: [DeviceStatus; 5] = [
    DeviceStatus::Offline,
    DeviceStatus::Pending,
    DeviceStatus::Offline,
    DeviceStatus::Inactive,
    DeviceStatus::Maintenance,
];

/// 1 January 2026.
const BEGIN_MILLIS: i64 = 1_767_225_600_000;

const DEVICES: u8 = 1;
const COMPONENTS: u8 = 2;
const SENSOR_IDS: u8 = 3;
const SITE_IDS: u8 = 4;
const GROUPS: u8 = 5;
