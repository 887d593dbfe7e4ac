//! Who a device is, by its certificate.

use std::fmt::Display;
use std::str::FromStr;

use x509_parser::asn1_rs::{Oid, oid};
use x509_parser::x509::X509Name;

use crate::ca::hierarchy::parse;
use crate::model::Invalid;
use crate::model::id::{DeviceId, OrganizationId};
use crate::model::serial::SerialNumber;
use crate::model::timestamp::Timestamp;

/// What a device's certificate says of it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct CertificateIdentity {
    /// The organization: the subject's O.
    pub organization_id: OrganizationId,
    /// The device: the subject's CN.
    pub device_id: DeviceId,
    /// The serial number of the certificate.
    pub serial_number: SerialNumber,
    /// The end of the certificate.
    pub not_after: Timestamp,
}

impl CertificateIdentity {
    /// Reads the DER of a certificate whose signature and validity have been verified: TLS does
    /// so, this does not.
    ///
    /// # Errors
    ///
    /// [`Invalid`] unless the subject is a common name that is a device id, then an organization
    /// that is an organization id, and nothing else.
    pub fn from_der(der: &[u8]) -> Result<Self, Invalid> {
        let certificate = parse(der).ok_or_else(|| Invalid::new("the certificate is malformed"))?;
        let (device_id, organization_id) = subject(certificate.subject()).ok_or_else(|| {
            Invalid::new("the subject of the certificate is not that of a device")
        })?;
        // The octets are those of a signed integer.
        let serial_number = match certificate.raw_serial() {
            [0x80..=0xff, ..] => Err(Invalid::new("a serial number is a positive integer")),
            octets => SerialNumber::from_be_bytes(octets),
        }?;
        Ok(Self {
            organization_id,
            device_id,
            serial_number,
            not_after: certificate.validity().not_after.to_datetime().try_into()?,
        })
    }
}

fn subject(name: &X509Name<'_>) -> Option<(DeviceId, OrganizationId)> {
    let mut parts = name.iter_rdn();
    let (common_name, organization) = (parts.next()?, parts.next()?);
    if parts.next().is_some() {
        return None;
    }
    let value = |part: &x509_parser::x509::RelativeDistinguishedName<'_>, wanted: &Oid<'_>| {
        let mut attributes = part.iter();
        let attribute = attributes.next()?;
        let alone = attributes.next().is_none() && attribute.attr_type() == wanted;
        alone.then(|| attribute.as_str().ok().map(str::to_owned))?
    };
    Some((
        canonical(&value(common_name, &oid!(2.5.4.3))?)?,
        canonical(&value(organization, &oid!(2.5.4.10))?)?,
    ))
}

/// Reads an id in the one form in which certificates have it.
fn canonical<T: FromStr + Display>(text: &str) -> Option<T> {
    text.parse::<T>().ok().filter(|id| id.to_string() == text)
}
