//! Devices of the transport within the process.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use tokio::sync::mpsc;
use tokio::task::AbortHandle;

use crate::ca::identity::CertificateIdentity;
use crate::model::id::{DeviceId, OrganizationId};
use crate::model::serial::SerialNumber;
use crate::testing::ManualClock;
use crate::testing::fixtures::{noon, unique};
use crate::testing::transport::{ConnectedDevice, Message, TestInbox, Told, TransportFixture};
use crate::transport::{
    Inbox, LoopbackSession, LoopbackTransport, Outbound, ReceiveError, Transport,
};

/// A [`LoopbackTransport`] for the suite.
#[derive(Debug)]
pub struct LoopbackFixture {
    transport: LoopbackTransport,
    inbox: Arc<dyn Inbox>,
}

/// A device that has come in by it.
#[derive(Debug)]
pub struct LoopbackDevice {
    commands: mpsc::UnboundedSender<Command>,
    told: mpsc::UnboundedReceiver<Told>,
    task: AbortHandle,
}

enum Command {
    Leave,
    Send(Message),
}

impl LoopbackFixture {
    pub(super) fn with(inbox: Arc<dyn Inbox>) -> Self {
        Self {
            transport: LoopbackTransport::new(Arc::new(ManualClock::new(noon()))),
            inbox,
        }
    }
}

#[async_trait]
impl TransportFixture for LoopbackFixture {
    type Credentials = CertificateIdentity;
    type Device = LoopbackDevice;

    async fn start(inbox: Arc<TestInbox>) -> Self {
        Self::with(inbox)
    }

    fn transport(&self) -> Arc<dyn Transport> {
        Arc::new(self.transport.clone())
    }

    fn credentials(&self) -> CertificateIdentity {
        CertificateIdentity {
            organization_id: OrganizationId::new(noon(), unique()),
            device_id: DeviceId::new(noon(), unique()),
            serial_number: SerialNumber::from_random([7; 16]),
            not_after: noon().plus(Duration::from_secs(24 * 3600)),
        }
    }

    fn identity(&self, credentials: &CertificateIdentity) -> CertificateIdentity {
        credentials.clone()
    }

    async fn connect(&self, credentials: &CertificateIdentity) -> Option<LoopbackDevice> {
        let connecting = self.transport.connect(Arc::clone(&self.inbox), credentials);
        let session = connecting.await.ok()?.ok()?;
        if session.is_ended() {
            return None;
        }
        let (commands, taken) = mpsc::unbounded_channel();
        let (telling, told) = mpsc::unbounded_channel();
        let task = tokio::spawn(run(session, taken, telling)).abort_handle();
        Some(LoopbackDevice {
            commands,
            told,
            task,
        })
    }

    async fn stop(&self) {
        self.transport.stop().await;
    }
}

#[async_trait]
impl ConnectedDevice for LoopbackDevice {
    async fn send(&mut self, message: Message) {
        let _ = self.commands.send(Command::Send(message));
    }

    async fn told(&mut self) -> Told {
        self.told.recv().await.unwrap_or(Told::Ended)
    }

    async fn told_by_now(&mut self) -> Vec<Told> {
        // Nothing but other tasks is between the device and the inbox.
        for _ in 0..100 {
            tokio::task::yield_now().await;
        }
        let mut all = Vec::new();
        while let Ok(told) = self.told.try_recv() {
            all.push(told);
        }
        all
    }

    async fn leave(mut self) {
        let _ = self.commands.send(Command::Leave);
        while self.told.recv().await.is_some() {}
    }

    async fn lose(self) {
        self.task.abort();
    }
}

/// Does what the device wants, one thing after the other.
async fn run(
    session: LoopbackSession,
    mut commands: mpsc::UnboundedReceiver<Command>,
    told: mpsc::UnboundedSender<Told>,
) {
    loop {
        let command = tokio::select! {
            biased;
            _ = session.ended() => return,
            command = commands.recv() => command,
        };
        match command {
            Some(Command::Send(message)) => {
                let number = message.number();
                match session.send(message.inbound()).await {
                    Ok(reply) => {
                        let _ = told.send(Told::Acknowledged(number));
                        if let Some(Outbound::AnnounceResult(outcome)) = reply {
                            let key = outcome.components[0].key.as_str();
                            let number = key.strip_prefix('c').unwrap().parse().unwrap();
                            let _ = told.send(Told::Reply(number));
                        }
                    }
                    Err(ReceiveError::Failed(_)) => {
                        let _ = told.send(Told::Refused(number));
                    }
                    Err(ReceiveError::DeviceGone) => {}
                }
            }
            Some(Command::Leave) => {
                session.close().await;
                return;
            }
            None => return,
        }
    }
}
