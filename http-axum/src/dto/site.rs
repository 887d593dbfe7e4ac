//! Sites in JSON.

use fieldgate_core::Error;
use fieldgate_core::model::site as model;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::dto::page::page;
use crate::dto::{Check, Location, text};

/// A place that devices belong to.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Site {
    /// Its identifier.
    #[schema(format = "uuid")]
    id: String,
    /// Its name.
    #[schema(example = "Hamburg, harbor")]
    name: String,
    /// What it is for.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    description: Option<String>,
    /// Where it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    location: Option<Location>,
    /// Its time zone: a name in the IANA database, kept as it is given.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, example = "Europe/Berlin")]
    time_zone: Option<String>,
}

impl From<model::Site> for Site {
    fn from(site: model::Site) -> Self {
        let settings = &site.settings;
        Self {
            id: site.id.to_string(),
            name: settings.name.to_string(),
            description: text(settings.description.as_ref()),
            location: settings.location.as_ref().map(Location::from),
            time_zone: text(settings.time_zone.as_ref()),
        }
    }
}

page! {
    /// A page of sites.
    SitePage of Site
}

/// A site to be made.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(crate) struct CreateSite {
    /// Its name.
    #[schema(min_length = 1, max_length = 128, example = "Hamburg, harbor")]
    name: String,
    /// What it is for.
    #[schema(min_length = 1, max_length = 1024)]
    description: Option<String>,
    /// Where it is.
    location: Option<Location>,
    /// Its time zone: a name in the IANA database, kept as it is given.
    #[schema(min_length = 1, max_length = 64, example = "Europe/Berlin")]
    time_zone: Option<String>,
}

impl CreateSite {
    /// The settings.
    pub(crate) fn parse(&self) -> Result<model::SiteSettings, Error> {
        let mut check = Check::default();
        let name = check.parse("/name", &self.name);
        let description = check.optional("/description", self.description.as_ref());
        let location = check.location(self.location.as_ref());
        let time_zone = check.optional("/timeZone", self.time_zone.as_ref());
        match (name, description, location, time_zone) {
            (Some(name), Some(description), Some(location), Some(time_zone)) => {
                Ok(model::SiteSettings {
                    name,
                    description,
                    location,
                    time_zone,
                })
            }
            _ => Err(check.into_error()),
        }
    }
}

/// A site as it is to be. What is absent is cleared.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(crate) struct SiteUpdate {
    /// Its name.
    #[schema(min_length = 1, max_length = 128, example = "Hamburg, harbor")]
    name: String,
    /// What it is for.
    #[schema(min_length = 1, max_length = 1024)]
    description: Option<String>,
    /// Where it is.
    location: Option<Location>,
    /// Its time zone: a name in the IANA database, kept as it is given.
    #[schema(min_length = 1, max_length = 64, example = "Europe/Berlin")]
    time_zone: Option<String>,
}

impl From<SiteUpdate> for CreateSite {
    fn from(update: SiteUpdate) -> Self {
        Self {
            name: update.name,
            description: update.description,
            location: update.location,
            time_zone: update.time_zone,
        }
    }
}
