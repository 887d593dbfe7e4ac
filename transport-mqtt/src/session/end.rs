//! Why a session ends, and what follows from it.

use fieldgate_core::transport::DisconnectReason;

use crate::packet::{DisconnectReasonCode, Violation};

/// Why a session ends.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum End {
    /// The device said goodbye.
    Disconnected,
    /// The device said goodbye, and wants its will to be published.
    DisconnectedWithWill,
    /// The connection is lost.
    Lost,
    /// Nothing came within the keep-alive.
    KeepAlive,
    /// The device broke the standard, or a limit.
    Violated(Violation),
    /// The device published to a topic that is not its own.
    Denied,
    /// A message could not be stored; the device has to send it again.
    Failed,
    /// The device does not read what waits for it.
    SlowReader,
    /// The device does not acknowledge what it is sent.
    Unacknowledged,
    /// The device was deleted.
    DeviceGone,
    /// The time of the certificate is over.
    Expired,
    /// The core ended it, or a newer session did.
    Killed(DisconnectReason),
    /// The endpoint stops.
    Stopped,
}

impl End {
    /// Whether the will is published: not where the device said goodbye, or is no longer to be
    /// heard. The end of the certificate is an end like others (MQTT 5, section 3.1.2.5).
    pub(crate) const fn publishes_will(self) -> bool {
        !matches!(
            self,
            Self::Disconnected | Self::DeviceGone | Self::Killed(_)
        )
    }

    /// Whether what is still being stored is acknowledged: not behind a message that failed.
    pub(crate) const fn acknowledges(self) -> bool {
        !matches!(self, Self::Failed | Self::DeviceGone)
    }

    /// How MQTT 5 is told; `None` where there is no one to tell.
    pub(crate) const fn reason(self) -> Option<DisconnectReasonCode> {
        use DisconnectReasonCode as Code;
        Some(match self {
            Self::Disconnected | Self::DisconnectedWithWill | Self::Lost => return None,
            Self::KeepAlive => Code::KeepAliveTimeout,
            Self::Violated(violation) => violation.reason,
            Self::Denied
            | Self::DeviceGone
            | Self::Expired
            | Self::Killed(
                DisconnectReason::CertificateExpired | DisconnectReason::NotAuthorized,
            ) => Code::NotAuthorized,
            Self::Failed => Code::ServerBusy,
            Self::SlowReader | Self::Unacknowledged => Code::QuotaExceeded,
            Self::Killed(DisconnectReason::SessionTakenOver) => Code::SessionTakenOver,
            Self::Killed(DisconnectReason::ShuttingDown) | Self::Stopped => {
                Code::ServerShuttingDown
            }
        })
    }
}
