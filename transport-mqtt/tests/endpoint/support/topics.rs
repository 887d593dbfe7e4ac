//! The topics of a device, and payloads for them.

use fieldgate_core::transport::topic::DeviceTopic;

use super::pki::TestDevice;

impl TestDevice {
    pub(crate) fn topic(&self, topic: DeviceTopic) -> String {
        topic.name(self.organization, self.id)
    }

    pub(crate) fn readings(&self) -> String {
        self.topic(DeviceTopic::Readings)
    }

    pub(crate) fn status(&self) -> String {
        self.topic(DeviceTopic::Status)
    }
}

/// A reading of the sensor `s<number>`.
pub(crate) fn reading(number: usize) -> Vec<u8> {
    format!(r#"{{"sensor":"s{number}","value":{number}}}"#).into_bytes()
}

/// A payload that is right for a topic.
pub(crate) fn payload(topic: DeviceTopic) -> &'static [u8] {
    match topic {
        DeviceTopic::Announce => br#"{"components":[{"key":"c"}]}"#,
        DeviceTopic::CertificateRenew => br#"{"requestId":"r","csr":"x"}"#,
        DeviceTopic::Health => {
            br#"{"uptimeSeconds":1,"connectionType":"WIFI","readingsSent":2,"readingsDropped":0}"#
        }
        DeviceTopic::Readings => br#"{"sensor":"s","value":1}"#,
        DeviceTopic::Status => br#"{"status":"online"}"#,
        _ => b"{}",
    }
}
