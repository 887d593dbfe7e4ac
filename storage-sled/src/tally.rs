//! The numbers that are kept with every change, so that no answer has to count.
//!
//! [`settle`] compares what each change is about to write with what is there, at one place for all of
//! them: none can forget it.

use std::collections::{BTreeMap, BTreeSet};

use fieldgate_core::model::device::{Device, DeviceSummary};
use fieldgate_core::model::group::DeviceGroup;
use fieldgate_core::model::id::{DeviceId, GroupId, OrganizationId, SensorId, SiteId};
use fieldgate_core::model::sensor::{Sensor, SensorSummary, ValueType};
use fieldgate_core::model::tag::{Tag, TagSelector};

use crate::change::{Change, Source, View};
use crate::error::Error;
use crate::keys::{self, KeyReader, Lead, Range};
use crate::record::Record as _;
use crate::sensor::is_living;
use crate::snapshot::Look;
use crate::space::Space;

/// How much each number changes, by its key.
pub(crate) type Deltas = BTreeMap<Vec<u8>, i64>;

/// Brings the numbers in line with what a change is about to do.
pub(crate) fn settle(change: &mut Change<'_>) -> Result<(), Error> {
    let written = Written::of(change);
    if written.is_empty() {
        return Ok(());
    }
    for key in &written.groups {
        settle_group(change, key)?;
    }
    let mut deltas = Deltas::new();
    let mut sensors = written.sensors;
    let owners_stay = written.devices.is_empty() && written.components.is_empty();
    for key in &written.devices {
        let before = tree(change).record::<Device>(key)?;
        let after = change.record::<Device>(key)?;
        device(&mut deltas, before.as_ref(), -1);
        device(&mut deltas, after.as_ref(), 1);
        members(change, &mut deltas, before.as_ref(), after.as_ref())?;
        if let (Some(before), None) = (before, after) {
            let links = keys::sensors_of_device(before.organization_id, before.id);
            hidden(change, &mut sensors, links)?;
        }
    }
    for key in &written.components {
        if !change.has(key)? {
            let mut key = key.clone();
            key[0] = Space::SensorOfComponent as u8;
            hidden(change, &mut sensors, key)?;
        }
    }
    for key in &sensors {
        settle_sensor(change, &mut deltas, key, owners_stay)?;
    }
    apply(change, deltas)?;
    if written.devices.is_empty() {
        for key in &written.groups {
            let (organization, id) = ids(key)?;
            count_on(change, organization, GroupId::from_uuid(id))?;
        }
    }
    Ok(())
}

/// Adds to the numbers.
pub(crate) fn apply(change: &mut Change<'_>, deltas: Deltas) -> Result<(), Error> {
    for (key, delta) in deltas {
        if delta == 0 {
            continue;
        }
        match number(change, &key)?.saturating_add_signed(delta) {
            0 => change.remove(key),
            sum => change.put(key, sum.to_be_bytes()),
        }
    }
    Ok(())
}

/// What a device adds.
pub(crate) fn device(deltas: &mut Deltas, device: Option<&Device>, by: i64) {
    let Some(device) = device else {
        return;
    };
    let organization = device.organization_id;
    let mut add = |kind, value: &[u8]| {
        *deltas
            .entry(keys::tally(organization, kind, value))
            .or_default() += by;
    };
    add(STATUS, device.presence.status().as_str().as_bytes());
    if device.presence.online() {
        add(ONLINE, &[]);
    }
    let site = device.settings.site_id;
    add(SITE, site.as_ref().map_or(&[], |site| site.as_bytes()));
    let profile = device.settings.profile.as_ref().map(ToString::to_string);
    add(PROFILE, profile.unwrap_or_default().as_bytes());
}

/// What a sensor adds.
pub(crate) fn sensor(deltas: &mut Deltas, organization: OrganizationId, of: ValueType, by: i64) {
    let key = keys::tally(organization, VALUE_TYPE, of.as_str().as_bytes());
    *deltas.entry(key).or_default() += by;
}

/// What a group adds for a device that it chooses.
pub(crate) fn member(deltas: &mut Deltas, organization: OrganizationId, of: GroupId, by: i64) {
    let key = keys::tally(organization, GROUP, of.as_bytes());
    *deltas.entry(key).or_default() += by;
}

/// The tags under which a group is found: the first of those that it wants all, else each of which
/// it wants any, else the empty one.
pub(crate) fn leads(selector: &TagSelector) -> Vec<Lead<'_>> {
    if let Some(first) = selector.all.iter().next() {
        return vec![Lead(first.as_str())];
    }
    if selector.any.is_empty() {
        return vec![Lead("")];
    }
    selector.any.iter().map(|tag| Lead(tag.as_str())).collect()
}

/// How many devices an organization has.
pub(crate) fn devices(view: View<'_>, id: OrganizationId) -> Result<DeviceSummary, Error> {
    let mut summary = DeviceSummary::default();
    each(view, id, STATUS, |value, count| {
        let status = text(value)?.parse().map_err(Error::invalid(WHAT))?;
        summary.total += count;
        summary.by_status.insert(status, count);
        Ok(())
    })?;
    summary.online = number(&view, &keys::tally(id, ONLINE, &[]))?;
    each(view, id, SITE, |value, count| {
        let site = (!value.is_empty()).then(|| KeyReader::value(value).uuid());
        let site = site.transpose()?.map(SiteId::from_uuid);
        summary.by_site.insert(site, count);
        Ok(())
    })?;
    each(view, id, PROFILE, |value, count| {
        let profile =
            (!value.is_empty()).then(|| text(value)?.parse().map_err(Error::invalid(WHAT)));
        summary.by_profile.insert(profile.transpose()?, count);
        Ok(())
    })?;
    Ok(summary)
}

/// How many sensors an organization has.
pub(crate) fn sensors(view: View<'_>, id: OrganizationId) -> Result<SensorSummary, Error> {
    let mut summary = SensorSummary::default();
    each(view, id, VALUE_TYPE, |value, count| {
        summary.add(text(value)?.parse().map_err(Error::invalid(WHAT))?, count);
        Ok(())
    })?;
    Ok(summary)
}

/// How many devices a group has; `None` where it is not counted to its end.
pub(crate) fn group(
    view: View<'_>,
    organization: OrganizationId,
    id: GroupId,
) -> Result<Option<u64>, Error> {
    if view.has(&keys::uncounted_group(organization, id))? {
        return Ok(None);
    }
    number(&view, &keys::tally(organization, GROUP, id.as_bytes())).map(Some)
}

/// Whether a number is that of a group that is not counted to its end.
pub(crate) fn is_unfinished(look: &Look<'_>, key: &[u8]) -> Result<bool, Error> {
    let mut parts = KeyReader::new(key);
    let organization = OrganizationId::from_uuid(parts.uuid()?);
    if parts.array::<1>()? != [GROUP] {
        return Ok(false);
    }
    let id = GroupId::from_uuid(parts.uuid()?);
    look.has(&keys::uncounted_group(organization, id))
}

/// Takes the next devices into the size of a group; whether it has not come to its end. To be called
/// in a change that does nothing to devices.
pub(crate) fn count_on(
    change: &mut Change<'_>,
    organization: OrganizationId,
    id: GroupId,
) -> Result<bool, Error> {
    let noted = keys::uncounted_group(organization, id);
    let Some(counted_to) = change.octets(&noted)? else {
        return Ok(false);
    };
    let group: DeviceGroup = change.linked(&keys::group(organization, id))?;
    let mut last = None;
    if !counted_to.is_empty() {
        let device = DeviceId::from_uuid(KeyReader::value(&counted_to).uuid()?);
        last = Some(keys::device(organization, device));
    }
    let mut deltas = Deltas::new();
    let mut looked = 0;
    let behind = Range::of(keys::devices(organization)).after(last);
    for entry in change.entries(behind).take(STEP) {
        let (key, octets) = entry?;
        looked += 1;
        let device = Device::decode(&octets)?;
        let chosen = group.settings.selector.matches(&device.settings.tags);
        member(&mut deltas, organization, id, i64::from(chosen));
        change.put(noted.clone(), &key[key.len() - 16..]);
    }
    apply(change, deltas)?;
    if looked < STEP {
        change.remove(noted);
    }
    Ok(looked == STEP)
}

/// The keys of what is counted, and of what hangs on it, that a change writes.
#[derive(Default)]
struct Written {
    components: Vec<Vec<u8>>,
    devices: Vec<Vec<u8>>,
    groups: Vec<Vec<u8>>,
    sensors: BTreeSet<Vec<u8>>,
}

impl Written {
    fn of(change: &Change<'_>) -> Self {
        let mut written = Self::default();
        for key in change.keys() {
            let is = |space: Space| key.first() == Some(&(space as u8));
            if is(Space::Sensor) {
                written.sensors.insert(key.to_vec());
            } else if is(Space::Device) {
                written.devices.push(key.to_vec());
            } else if is(Space::Component) {
                written.components.push(key.to_vec());
            } else if is(Space::Group) {
                written.groups.push(key.to_vec());
            }
        }
        written
    }

    fn is_empty(&self) -> bool {
        self.components.is_empty()
            && self.devices.is_empty()
            && self.groups.is_empty()
            && self.sensors.is_empty()
    }
}

/// What is there, without the change.
fn tree<'a>(change: &'a Change<'_>) -> View<'a> {
    View::new(change.tree())
}

/// Has a group counted anew where it is new or has another selector.
fn settle_group(change: &mut Change<'_>, key: &[u8]) -> Result<(), Error> {
    let before = tree(change).record::<DeviceGroup>(key)?;
    let after = change.record::<DeviceGroup>(key)?;
    let selector =
        |group: &Option<DeviceGroup>| group.as_ref().map(|it| it.settings.selector.clone());
    if selector(&before) == selector(&after) {
        return Ok(());
    }
    if let Some(before) = before {
        let (organization, id) = (before.organization_id, before.id);
        for lead in leads(&before.settings.selector) {
            change.remove(keys::group_by_tag(organization, lead, id));
        }
        change.remove(keys::uncounted_group(organization, id));
        change.remove(keys::tally(organization, GROUP, id.as_bytes()));
    }
    if let Some(after) = after {
        let (organization, id) = (after.organization_id, after.id);
        for lead in leads(&after.settings.selector) {
            change.mark(keys::group_by_tag(organization, lead, id));
        }
        change.mark(keys::uncounted_group(organization, id));
    }
    Ok(())
}

/// Counts a device in the groups that choose it now, and no longer in those that chose it before.
fn members(
    change: &Change<'_>,
    deltas: &mut Deltas,
    before: Option<&Device>,
    after: Option<&Device>,
) -> Result<(), Error> {
    let tags = |device: Option<&Device>| device.map(|it| it.settings.tags.clone());
    let Some(device) = after.or(before).filter(|_| tags(before) != tags(after)) else {
        return Ok(());
    };
    let organization = device.organization_id;
    let either = [before, after].into_iter().flatten();
    let tags = either.flat_map(|device| device.settings.tags.iter().map(Tag::as_str));
    let mut found = BTreeSet::new();
    for lead in tags.chain([""]).collect::<BTreeSet<_>>() {
        for entry in change.entries(Range::of(keys::groups_by_tag(organization, Lead(lead)))) {
            let (key, _) = entry?;
            let id = KeyReader::new(&key[key.len() - 17..]).uuid()?;
            found.insert(GroupId::from_uuid(id));
        }
    }
    for id in found {
        let Some(group) = change.record::<DeviceGroup>(&keys::group(organization, id))? else {
            continue;
        };
        let counted_to = change.octets(&keys::uncounted_group(organization, id))?;
        if counted_to.is_some_and(|last| &*last < device.id.as_bytes().as_slice()) {
            continue;
        }
        let selector = &group.settings.selector;
        let chosen = |it: Option<&Device>| it.is_some_and(|it| selector.matches(&it.settings.tags));
        let by = i64::from(chosen(after)) - i64::from(chosen(before));
        member(deltas, organization, id, by);
    }
    Ok(())
}

/// The keys of the sensors that links lead to.
fn hidden(
    change: &Change<'_>,
    sensors: &mut BTreeSet<Vec<u8>>,
    links: Vec<u8>,
) -> Result<(), Error> {
    for entry in change.entries(Range::of(links)) {
        let (key, _) = entry?;
        let organization = OrganizationId::from_uuid(KeyReader::new(&key).uuid()?);
        let id = KeyReader::new(&key[key.len() - 17..]).uuid()?;
        sensors.insert(keys::sensor(organization, SensorId::from_uuid(id)));
    }
    Ok(())
}

/// Counts a sensor by its new type, as long as its component and its device are there.
fn settle_sensor(
    change: &Change<'_>,
    deltas: &mut Deltas,
    key: &[u8],
    owners_stay: bool,
) -> Result<(), Error> {
    let before = tree(change).record::<Sensor>(key)?;
    let after = change.record::<Sensor>(key)?;
    let value_type = |sensor: &Option<Sensor>| sensor.as_ref().map(|it| it.settings.value_type);
    if owners_stay && value_type(&before) == value_type(&after) {
        return Ok(());
    }
    if let Some(before) = before
        && is_living(&tree(change), &before)?
    {
        sensor(
            deltas,
            before.organization_id,
            before.settings.value_type,
            -1,
        );
    }
    if let Some(after) = after
        && is_living(change, &after)?
    {
        sensor(deltas, after.organization_id, after.settings.value_type, 1);
    }
    Ok(())
}

fn each(
    view: View<'_>,
    organization: OrganizationId,
    kind: u8,
    mut visit: impl FnMut(&[u8], u64) -> Result<(), Error>,
) -> Result<(), Error> {
    let prefix = keys::tallies(organization, kind);
    let start = prefix.len();
    for entry in view.entries(Range::of(prefix)) {
        let (key, count) = entry?;
        visit(&key[start..], KeyReader::value(&count).u64()?)?;
    }
    Ok(())
}

fn number(source: &impl Source, key: &[u8]) -> Result<u64, Error> {
    let stored = source.octets(key)?;
    stored.map_or(Ok(0), |octets| KeyReader::value(&octets).u64())
}

fn text(octets: &[u8]) -> Result<&str, Error> {
    std::str::from_utf8(octets).map_err(|error| Error::decode(WHAT, error))
}

fn ids(key: &[u8]) -> Result<(OrganizationId, uuid::Uuid), Error> {
    let mut key = KeyReader::new(key);
    Ok((OrganizationId::from_uuid(key.uuid()?), key.uuid()?))
}

const WHAT: &str = "tally";

// The kinds of numbers, as they are in keys.
const STATUS: u8 = 1;
const ONLINE: u8 = 2;
const SITE: u8 = 3;
const PROFILE: u8 = 4;
const GROUP: u8 = 5;
const VALUE_TYPE: u8 = 6;

/// How many devices a step counts.
const STEP: usize = 256;
