//! The limits of an endpoint, each with its default.

use std::time::Duration;

/// The limits of an [`MqttEndpoint`](crate::MqttEndpoint).
///
/// ```
/// use std::time::Duration;
///
/// use fieldgate_transport_mqtt::MqttOptions;
///
/// let options = MqttOptions {
///     connections_max: 100_000,
///     connect_timeout: Duration::from_secs(10),
///     ..MqttOptions::default()
/// };
/// assert_eq!(options.receive_maximum, 64);
/// ```
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct MqttOptions {
    /// How many connections there are at once, sessions and unfinished ones. At the limit the
    /// oldest unfinished one goes when another comes. 16,384.
    pub connections_max: usize,
    /// How many connections are unfinished at once, from accepting them to their CONNECT. At the
    /// limit the oldest goes when another comes. 2,048.
    pub unfinished_max: usize,
    /// How long a TLS handshake may take. 5 s.
    pub handshake_timeout: Duration,
    /// How long after its handshake a client may take for its CONNECT. 5 s.
    pub connect_timeout: Duration,
    /// The largest payload of a message, in octets. 256 KB.
    pub message_max_bytes: usize,
    /// How much a PUBLISH may have beside its payload: header, topic and properties. 8 KB.
    pub publish_header_max_bytes: usize,
    /// The largest packet that is no PUBLISH, in octets. 16 KB.
    pub control_packet_max_bytes: usize,
    /// The largest payload of a will, in octets. 4 KB.
    pub will_max_bytes: usize,
    /// How many messages of a session are processed at once; MQTT 5 clients are told. 64.
    pub receive_maximum: u16,
    /// How many octets of messages of a session are processed at once; one message always is.
    /// 1 MB.
    pub unprocessed_max_bytes: usize,
    /// How many messages of QoS 2 of a session may wait for their PUBREL. 1,024.
    pub unreleased_max: usize,
    /// How many readings a device may send a second, in all its sessions; each packet counts as one
    /// more. Who is two seconds ahead of that is not read from until it is within its share again:
    /// nothing is lost, and no other device waits for it. Its keep-alive does not count meanwhile, so
    /// it is not to be much less than the 10,000 readings that one message may have. 5,000.
    pub readings_per_second: u32,
    /// How many messages wait for a device that does not acknowledge earlier ones. 64.
    pub outbound_queue_max: usize,
    /// How many octets of messages wait for a device that does not acknowledge earlier ones; and
    /// how many wait for one that reads slowly, before nothing more is read from it. 512 KB.
    pub outbound_max_bytes: usize,
    /// How long a device may read nothing while something waits for it. 10 s.
    pub write_timeout: Duration,
    /// The keep-alive of a client that names none. 20 minutes.
    pub default_keep_alive: Duration,
    /// How often an idle session looks at the clock for the end of its certificate. 30 s.
    pub expiry_check_interval: Duration,
    /// How long messages that are being stored are waited for when their session ends. 5 s.
    pub drain_timeout: Duration,
    /// How long the last packet of a connection may take. 1 s.
    pub goodbye_timeout: Duration,
    /// How long sessions may take to end when the endpoint stops. 8 s.
    pub shutdown_grace: Duration,
    /// How many takeovers of one device within [`Self::takeover_window`] are at once; from then on
    /// they come one after another, [`Self::takeover_delay`] apart, and of more than a few that
    /// wait the newest are refused. Two devices with one key, each of which throws
    /// the other out, look like that. 5.
    pub takeovers_max: usize,
    /// See [`Self::takeovers_max`]. 10 s.
    pub takeover_window: Duration,
    /// See [`Self::takeovers_max`]. 250 ms.
    pub takeover_delay: Duration,
    /// The longest pause after a failed accept, for example for want of file descriptors; the
    /// first is a hundredth of it. 1 s.
    pub accept_pause_max: Duration,
    /// The longest pause before the end of a session is noted once more, where the storage failed;
    /// the first is a fiftieth of it. 5 s.
    pub close_pause_max: Duration,
}

impl Default for MqttOptions {
    fn default() -> Self {
        Self {
            connections_max: 16_384,
            unfinished_max: 2048,
            handshake_timeout: Duration::from_secs(5),
            connect_timeout: Duration::from_secs(5),
            message_max_bytes: 256 * 1024,
            publish_header_max_bytes: 8 * 1024,
            control_packet_max_bytes: 16 * 1024,
            will_max_bytes: 4 * 1024,
            receive_maximum: 64,
            unprocessed_max_bytes: 1024 * 1024,
            unreleased_max: 1024,
            readings_per_second: 5000,
            outbound_queue_max: 64,
            outbound_max_bytes: 512 * 1024,
            write_timeout: Duration::from_secs(10),
            default_keep_alive: Duration::from_secs(20 * 60),
            expiry_check_interval: Duration::from_secs(30),
            drain_timeout: Duration::from_secs(5),
            goodbye_timeout: Duration::from_secs(1),
            shutdown_grace: Duration::from_secs(8),
            takeovers_max: 5,
            takeover_window: Duration::from_secs(10),
            takeover_delay: Duration::from_millis(250),
            accept_pause_max: Duration::from_secs(1),
            close_pause_max: Duration::from_secs(5),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_are_what_devices_are_promised() {
        let options = MqttOptions::default();
        assert_eq!(options.handshake_timeout, Duration::from_secs(5));
        assert_eq!(options.connect_timeout, Duration::from_secs(5));
        assert_eq!(options.message_max_bytes, 256 * 1024);
        assert_eq!(options.receive_maximum, 64);
        assert_eq!(options.default_keep_alive, Duration::from_secs(20 * 60));
        // As many devices may come at once from one address: they share it behind a NAT.
        assert!(options.unfinished_max >= 1000);
    }
}
