//! Where a device or a site is.

use crate::model::Invalid;
use crate::model::text::LocationLabel;

/// A place on the earth (WGS 84).
#[derive(Clone, Debug, PartialEq)]
pub struct Location {
    latitude: f64,
    longitude: f64,
    altitude: Option<f64>,
    /// What the place is called.
    pub label: Option<LocationLabel>,
}

impl Location {
    /// Takes degrees north and east, and metres above the sea.
    ///
    /// # Errors
    ///
    /// [`Invalid`] outside ±90°, ±180° and ±100 km.
    pub fn new(
        latitude: f64,
        longitude: f64,
        altitude: Option<f64>,
        label: Option<LocationLabel>,
    ) -> Result<Self, Invalid> {
        if !(-90.0..=90.0).contains(&latitude) {
            return Err(Invalid::new("a latitude is between -90 and 90 degrees"));
        }
        if !(-180.0..=180.0).contains(&longitude) {
            return Err(Invalid::new("a longitude is between -180 and 180 degrees"));
        }
        if altitude.is_some_and(|metres| !(-100_000.0..=100_000.0).contains(&metres)) {
            return Err(Invalid::new(
                "an altitude is between -100000 and 100000 metres",
            ));
        }
        Ok(Self {
            latitude,
            longitude,
            altitude,
            label,
        })
    }

    /// Degrees north.
    #[must_use]
    pub const fn latitude(&self) -> f64 {
        self.latitude
    }

    /// Degrees east.
    #[must_use]
    pub const fn longitude(&self) -> f64 {
        self.longitude
    }

    /// Metres above the sea.
    #[must_use]
    pub const fn altitude(&self) -> Option<f64> {
        self.altitude
    }
}
