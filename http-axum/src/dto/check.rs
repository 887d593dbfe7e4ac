//! Parsing the fields of a request: all faults at once, each with the pointer to its field.

use std::collections::BTreeSet;
use std::str::FromStr;

use fieldgate_core::model::Invalid;
use fieldgate_core::model::location::Location as ModelLocation;
use fieldgate_core::model::metadata::Metadata as ModelMetadata;
use fieldgate_core::model::tag::{Tag, Tags};
use fieldgate_core::{Error, InvalidField};

use crate::dto::{Location, Metadata};

/// Collects the faults of a request. A method that finds one notes it and gives `None`.
#[derive(Debug, Default)]
pub(crate) struct Check {
    faults: Vec<InvalidField>,
}

impl Check {
    /// Notes a fault.
    pub(crate) fn fault(&mut self, pointer: impl Into<String>, detail: impl Into<String>) {
        self.faults.push(InvalidField {
            pointer: pointer.into(),
            detail: detail.into(),
        });
    }

    /// Takes what was parsed, or notes why it was not.
    pub(crate) fn take<T>(&mut self, pointer: &str, parsed: Result<T, Invalid>) -> Option<T> {
        parsed
            .map_err(|invalid| self.fault(pointer, invalid.to_string()))
            .ok()
    }

    /// Parses a field that has to be there.
    pub(crate) fn parse<T: FromStr<Err = Invalid>>(
        &mut self,
        pointer: &str,
        text: &str,
    ) -> Option<T> {
        self.take(pointer, text.parse())
    }

    /// Parses a field that may be absent.
    pub(crate) fn optional<T: FromStr<Err = Invalid>>(
        &mut self,
        pointer: &str,
        text: Option<&String>,
    ) -> Option<Option<T>> {
        match text {
            None => Some(None),
            Some(text) => self.parse(pointer, text).map(Some),
        }
    }

    /// Parses a set of tags; no tags where they are absent.
    pub(crate) fn tags(&mut self, pointer: &str, texts: Option<&Vec<String>>) -> Option<Tags> {
        let before = self.faults.len();
        let texts = texts.map_or(&[] as &[String], Vec::as_slice);
        let mut tags = BTreeSet::new();
        for (index, text) in texts.iter().enumerate() {
            if let Some(tag) = self.parse::<Tag>(&format!("{pointer}/{index}"), text) {
                tags.insert(tag);
            }
        }
        if self.faults.len() > before {
            return None;
        }
        self.take(pointer, Tags::new(tags))
    }

    /// Parses metadata; none where it is absent.
    pub(crate) fn metadata(&mut self, metadata: Option<&Metadata>) -> Option<ModelMetadata> {
        let members = metadata.map(|metadata| metadata.0.clone());
        self.take("/metadata", ModelMetadata::new(members.unwrap_or_default()))
    }

    /// Parses a location that may be absent.
    pub(crate) fn location(
        &mut self,
        location: Option<&Location>,
    ) -> Option<Option<ModelLocation>> {
        let Some(given) = location else {
            return Some(None);
        };
        let (latitude, longitude, altitude) = (given.latitude, given.longitude, given.altitude);
        // Each figure by itself, so that the fault names its field.
        for (field, parsed) in [
            ("latitude", ModelLocation::new(latitude, 0.0, None, None)),
            ("longitude", ModelLocation::new(0.0, longitude, None, None)),
            ("altitude", ModelLocation::new(0.0, 0.0, altitude, None)),
        ] {
            self.take(&format!("/location/{field}"), parsed);
        }
        let label = self.optional("/location/label", given.label.as_ref())?;
        let location = ModelLocation::new(latitude, longitude, altitude, label);
        location.ok().map(Some)
    }

    /// The error with all faults.
    pub(crate) fn into_error(self) -> Error {
        let detail = match self.faults.as_slice() {
            [only] => only.detail.clone(),
            _ => "several fields are wrong".to_owned(),
        };
        Error::Invalid {
            code: "validation_failed",
            detail,
            fields: self.faults,
        }
    }
}
