//! Provisioning in JSON.

use std::fmt;

use fieldgate_core::service;
use fieldgate_core::transport::topic::DeviceTopic;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A token to be redeemed for a certificate.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Provision {
    /// The registration token.
    #[schema(example = "fgt1.<tokenId>.<secret>")]
    pub(crate) token: String,
    /// The certificate signing request (PKCS #10) in PEM or base64 DER, of at most 16 KB. Only its
    /// public key is taken.
    #[schema(
        example = "-----BEGIN CERTIFICATE REQUEST-----\n…\n-----END CERTIFICATE REQUEST-----\n"
    )]
    pub(crate) csr: String,
}

impl fmt::Debug for Provision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Provision(***)")
    }
}

/// What a provisioned device is told.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Provisioned {
    /// The device's identifier.
    #[schema(format = "uuid")]
    device_id: String,
    /// Whose it is.
    #[schema(format = "uuid")]
    organization_id: String,
    /// Its certificate in PEM.
    certificate: String,
    /// The issuing CA's certificate and the root's, in PEM.
    ca_chain: String,
    /// The certificate's serial number in lower-case hexadecimal.
    serial_number: String,
    /// The certificate's beginning.
    #[schema(format = "date-time")]
    not_before: String,
    /// The certificate's end.
    #[schema(format = "date-time")]
    not_after: String,
    /// The server's clock.
    #[schema(format = "date-time")]
    server_time: String,
    /// Where to connect to.
    mqtt: MqttEndpoint,
}

/// Where a device connects to.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct MqttEndpoint {
    /// The name of the host.
    #[schema(example = "fieldgate.example")]
    host: String,
    /// The port; mutual TLS.
    #[schema(example = 8883)]
    port: u16,
    /// The client id: the device's identifier.
    #[schema(format = "uuid")]
    client_id: String,
    /// The device's topics.
    topics: MqttTopics,
}

macro_rules! topics {
    ($($field:ident $topic:ident $doc:literal),+ $(,)?) => {
        /// The topics of a device.
        #[derive(Debug, Serialize, ToSchema)]
        #[serde(rename_all = "camelCase")]
        pub(crate) struct MqttTopics {$(
            #[doc = $doc]
            $field: String,
        )+}

        impl MqttTopics {
            fn new(name: impl Fn(DeviceTopic) -> String) -> Self {
                Self {$($field: name(DeviceTopic::$topic)),+}
            }
        }
    };
}

topics! {
    announce Announce "Up: what the device says of itself.",
    announce_result AnnounceResult "Down: what became of an announcement.",
    certificate_issued CertificateIssued "Down: a new certificate.",
    certificate_renew CertificateRenew "Up: the wish for a new certificate.",
    commands Commands "Down: commands.",
    commands_response CommandsResponse "Up: answers to commands.",
    config_desired ConfigDesired "Down: the configuration that the device should run on.",
    config_reported ConfigReported "Up: the configuration that the device runs on.",
    health Health "Up: how the device is.",
    readings Readings "Up: readings.",
    status Status "Up: online or offline; also the will.",
}

impl From<service::Provisioned> for Provisioned {
    fn from(provisioned: service::Provisioned) -> Self {
        let certificate = provisioned.certificate;
        let (organization, device) = (certificate.organization_id, certificate.device_id);
        Self {
            device_id: device.to_string(),
            organization_id: organization.to_string(),
            certificate: certificate.pem,
            ca_chain: provisioned.ca_chain_pem,
            serial_number: certificate.serial_number.to_string(),
            not_before: certificate.not_before.to_string(),
            not_after: certificate.not_after.to_string(),
            server_time: provisioned.server_time.to_string(),
            mqtt: MqttEndpoint {
                host: provisioned.addresses.mqtt_host,
                port: provisioned.addresses.mqtt_port,
                client_id: device.to_string(),
                topics: MqttTopics::new(|topic| topic.name(organization, device)),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_topic_is_there_under_its_short_name() {
        let topics = MqttTopics::new(|topic| topic.short_name().to_owned());
        let topics = serde_json::to_value(topics).unwrap();
        let topics = topics.as_object().unwrap();
        assert_eq!(topics.len(), DeviceTopic::ALL.len());
        for topic in DeviceTopic::ALL {
            assert_eq!(topics[topic.short_name()], topic.short_name());
        }
    }
}
