//! The topics of a device: one grammar for every transport, and for what a device is told.

use crate::model::id::{DeviceId, OrganizationId};

/// A topic of a device.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum DeviceTopic {
    /// Up: what the device says of itself.
    Announce,
    /// Down: what became of an announcement.
    AnnounceResult,
    /// Down: a new certificate.
    CertificateIssued,
    /// Up: the wish for a new certificate.
    CertificateRenew,
    /// Down: commands.
    Commands,
    /// Up: answers to commands.
    CommandsResponse,
    /// Down: the configuration that the device should run on.
    ConfigDesired,
    /// Up: the configuration that the device runs on.
    ConfigReported,
    /// Up: how the device is.
    Health,
    /// Up: readings.
    Readings,
    /// Up: online or offline; also the will.
    Status,
}

impl DeviceTopic {
    /// All of them.
    pub const ALL: [Self; 11] = [
        Self::Announce,
        Self::AnnounceResult,
        Self::CertificateIssued,
        Self::CertificateRenew,
        Self::Commands,
        Self::CommandsResponse,
        Self::ConfigDesired,
        Self::ConfigReported,
        Self::Health,
        Self::Readings,
        Self::Status,
    ];

    /// Its short name in camelCase.
    #[must_use]
    pub const fn short_name(self) -> &'static str {
        match self {
            Self::Announce => "announce",
            Self::AnnounceResult => "announceResult",
            Self::CertificateIssued => "certificateIssued",
            Self::CertificateRenew => "certificateRenew",
            Self::Commands => "commands",
            Self::CommandsResponse => "commandsResponse",
            Self::ConfigDesired => "configDesired",
            Self::ConfigReported => "configReported",
            Self::Health => "health",
            Self::Readings => "readings",
            Self::Status => "status",
        }
    }

    /// Whether the device publishes to it; otherwise it subscribes to it.
    #[must_use]
    pub const fn is_up(self) -> bool {
        match self {
            Self::Announce
            | Self::CertificateRenew
            | Self::CommandsResponse
            | Self::ConfigReported
            | Self::Health
            | Self::Readings
            | Self::Status => true,
            Self::AnnounceResult
            | Self::CertificateIssued
            | Self::Commands
            | Self::ConfigDesired => false,
        }
    }

    /// The literal name of this topic for one device.
    #[must_use]
    pub fn name(self, organization: OrganizationId, device: DeviceId) -> String {
        match self.level() {
            None => format!("v1/readings/{organization}/{device}"),
            Some(level) => format!("v1/gateways/{organization}/{device}/{level}"),
        }
    }

    /// The topic of one device that has this literal name, if there is one. Nothing of the name is
    /// interpreted: it is compared.
    #[must_use]
    pub fn of_name(name: &str, organization: OrganizationId, device: DeviceId) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|topic| topic.name(organization, device) == name)
    }

    const fn level(self) -> Option<&'static str> {
        match self {
            Self::Readings => None,
            Self::Announce => Some("announce"),
            Self::AnnounceResult => Some("announce/result"),
            Self::CertificateIssued => Some("certificate/issued"),
            Self::CertificateRenew => Some("certificate/renew"),
            Self::Commands => Some("commands"),
            Self::CommandsResponse => Some("commands/response"),
            Self::ConfigDesired => Some("config/desired"),
            Self::ConfigReported => Some("config/reported"),
            Self::Health => Some("health"),
            Self::Status => Some("status"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::timestamp::Timestamp;

    #[test]
    fn a_name_leads_back_to_its_topic_and_to_no_other_device() {
        let organization = OrganizationId::new(Timestamp::UNIX_EPOCH, [1; 10]);
        let device = DeviceId::new(Timestamp::UNIX_EPOCH, [2; 10]);
        let other = DeviceId::new(Timestamp::UNIX_EPOCH, [3; 10]);
        for topic in DeviceTopic::ALL {
            let name = topic.name(organization, device);
            assert_eq!(
                DeviceTopic::of_name(&name, organization, device),
                Some(topic)
            );
            assert_eq!(DeviceTopic::of_name(&name, organization, other), None);
        }
    }
}
