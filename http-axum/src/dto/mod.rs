//! The JSON of the API: the only module that knows serde's and utoipa's derives.
//!
//! A type here has the name that its schema has in the OpenAPI document. Answers are made from the
//! model; requests are parsed into it, and what does not parse names its field by a JSON pointer.

mod api_key;
mod ca;
mod certificate;
mod check;
mod component;
mod device;
mod enums;
mod group;
mod health;
mod location;
mod metadata;
mod openapi;
mod organization;
mod page;
mod problem;
mod provision;
mod quarantine;
mod range;
mod reading;
mod sensor;
mod site;
mod token;

pub(crate) use api_key::{ApiKey, ApiKeyPage, ApiKeyUpdate, CreateApiKey, CreatedApiKey};
pub(crate) use ca::{CrlFile, PemFile};
pub(crate) use certificate::{Certificate, CertificatePage};
pub(crate) use check::Check;
pub(crate) use component::{
    Component, ComponentPage, ComponentQuery, ComponentUpdate, CreateComponent,
};
pub(crate) use device::{
    CreateDevice, Device, DevicePage, DeviceQuery, DeviceSummary, DeviceUpdate,
};
pub(crate) use group::{CreateDeviceGroup, DeviceGroup, DeviceGroupPage, DeviceGroupUpdate};
pub(crate) use health::{DeviceHealth, DeviceHealthPage, DeviceHealthSummary};
pub(crate) use location::Location;
pub(crate) use metadata::Metadata;
pub(crate) use openapi::OpenApiDocument;
pub(crate) use organization::{
    CreateOrganization, CreatedOrganization, Organization, OrganizationPage, OrganizationUpdate,
};
pub(crate) use page::PageQuery;
pub(crate) use problem::{FieldProblem, ProblemBody};
pub(crate) use provision::{Provision, Provisioned};
pub(crate) use quarantine::{QuarantineQuery, QuarantinedItemPage};
pub(crate) use range::{RangeQuery, SummaryQuery, WindowQuery};
pub(crate) use reading::ReadingPage;
pub(crate) use sensor::{Sensor, SensorPage, SensorQuery, SensorUpdate};
pub(crate) use site::{CreateSite, Site, SitePage, SiteUpdate};
pub(crate) use token::{
    MintedToken, RegisterDevice, Registration, RegistrationTokenPage, TokenQuery,
};

use std::fmt::Display;

/// The text of a value, where there is one.
fn text<T: Display>(value: Option<&T>) -> Option<String> {
    value.map(T::to_string)
}
