//! One connection's octets, in and out.

use std::future::poll_fn;
use std::io;
use std::mem::MaybeUninit;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::{Buf as _, BytesMut};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, ReadBuf};
use tokio::time::{Instant, timeout};

use crate::packet::{Frame, FrameLimits, Violation};

/// A stream with what has been read of it, and what waits to be written.
///
/// Both are empty, and hold no memory, while a device is idle.
#[derive(Debug)]
pub(crate) struct Wire<S> {
    stream: S,
    /// What has been read and not been taken.
    pub(crate) inbound: BytesMut,
    outbound: BytesMut,
    /// Whether the stream still holds something back.
    needs_flush: bool,
    /// Since when nothing could be written.
    stalled_since: Option<Instant>,
}

/// What has happened to a [`Wire`].
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Step {
    /// The peer sends no more.
    End,
    /// All is written.
    Flushed,
    /// Something was read.
    Read,
    /// The peer has begun to read nothing of what waits for it: from now on time counts.
    Stalled,
}

/// Why there is no first packet.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum FirstPacketError {
    /// The connection ended before.
    Missing,
    /// It is no CONNECT, or too large.
    Wrong(Violation),
}

impl<S: AsyncRead + AsyncWrite + Unpin> Wire<S> {
    pub(crate) fn new(stream: S) -> Self {
        Self {
            stream,
            inbound: BytesMut::new(),
            outbound: BytesMut::new(),
            needs_flush: false,
            stalled_since: None,
        }
    }

    /// Waits for the first packet, which has to be a CONNECT.
    pub(crate) async fn first_packet(
        &mut self,
        limits: FrameLimits,
    ) -> Result<(Frame, BytesMut), FirstPacketError> {
        loop {
            let frame =
                Frame::read(&self.inbound, None, limits).map_err(FirstPacketError::Wrong)?;
            if let Some(frame) = frame
                && frame.is_complete(&self.inbound)
            {
                return Ok((frame, self.inbound.split_to(frame.length)));
            }
            match self.step(true).await {
                Ok(Step::End) | Err(_) => return Err(FirstPacketError::Missing),
                Ok(Step::Flushed | Step::Read | Step::Stalled) => {}
            }
        }
    }

    /// Writes what there is to write, and reads if `reading`; returns when something has happened.
    /// Dropping the future loses nothing.
    pub(crate) async fn step(&mut self, reading: bool) -> io::Result<Step> {
        poll_fn(|context| self.poll_step(context, reading)).await
    }

    /// Where to put what is to be written.
    pub(crate) const fn outbound(&mut self) -> &mut BytesMut {
        &mut self.outbound
    }

    /// How many octets wait to be written.
    pub(crate) fn waiting(&self) -> usize {
        self.outbound.len()
    }

    /// Since when the peer has read nothing of what waits for it.
    pub(crate) const fn stalled_since(&self) -> Option<Instant> {
        self.stalled_since
    }

    /// Gives back the memory of what has been taken.
    pub(crate) fn shrink(&mut self) {
        if self.inbound.is_empty() {
            self.inbound = BytesMut::new();
        }
    }

    /// Writes the rest, says that nothing follows, and waits for the peer to see it.
    pub(crate) async fn close(mut self, limit: Duration) {
        let closing = async {
            while !self.outbound.is_empty() {
                let written = self.stream.write(&self.outbound).await?;
                if written == 0 {
                    return Err(io::ErrorKind::WriteZero.into());
                }
                self.outbound.advance(written);
            }
            self.stream.shutdown().await?;
            // A socket that is closed with something unread makes the peer lose what it has not
            // read yet.
            let mut discarded = [0; 1024];
            while self.stream.read(&mut discarded).await? > 0 {}
            Ok::<_, io::Error>(())
        };
        // The peer may be gone already, or take no notice.
        let _ = timeout(limit, closing).await;
    }

    fn poll_step(&mut self, context: &mut Context<'_>, reading: bool) -> Poll<io::Result<Step>> {
        let was_stalled = self.stalled_since.is_some();
        let written = self.poll_write_all(context);
        if reading {
            let mut space = [MaybeUninit::uninit(); READ_BYTES];
            let mut buffer = ReadBuf::uninit(&mut space);
            match Pin::new(&mut self.stream).poll_read(context, &mut buffer) {
                Poll::Ready(Ok(())) if buffer.filled().is_empty() => {
                    return Poll::Ready(Ok(Step::End));
                }
                Poll::Ready(Ok(())) => {
                    self.inbound.extend_from_slice(buffer.filled());
                    return Poll::Ready(Ok(Step::Read));
                }
                Poll::Ready(Err(error)) => return Poll::Ready(Err(error)),
                Poll::Pending => {}
            }
        }
        match written {
            Poll::Ready(Ok(true)) => Poll::Ready(Ok(Step::Flushed)),
            Poll::Ready(Ok(false)) => Poll::Pending,
            Poll::Ready(Err(error)) => Poll::Ready(Err(error)),
            Poll::Pending if was_stalled => Poll::Pending,
            Poll::Pending => Poll::Ready(Ok(Step::Stalled)),
        }
    }

    /// Ready with whether there was anything to write.
    fn poll_write_all(&mut self, context: &mut Context<'_>) -> Poll<io::Result<bool>> {
        if self.outbound.is_empty() && !self.needs_flush {
            return Poll::Ready(Ok(false));
        }
        while !self.outbound.is_empty() {
            match Pin::new(&mut self.stream).poll_write(context, &self.outbound) {
                Poll::Ready(Ok(0)) => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                Poll::Ready(Ok(written)) => {
                    self.outbound.advance(written);
                    self.needs_flush = true;
                    self.stalled_since = None;
                }
                Poll::Ready(Err(error)) => return Poll::Ready(Err(error)),
                Poll::Pending => return self.stalled(),
            }
        }
        self.outbound = BytesMut::new();
        match Pin::new(&mut self.stream).poll_flush(context) {
            Poll::Ready(Ok(())) => {
                self.needs_flush = false;
                self.stalled_since = None;
                Poll::Ready(Ok(true))
            }
            Poll::Ready(Err(error)) => Poll::Ready(Err(error)),
            Poll::Pending => self.stalled(),
        }
    }

    fn stalled<T>(&mut self) -> Poll<T> {
        self.stalled_since.get_or_insert_with(Instant::now);
        Poll::Pending
    }
}

/// How much is read at once. It lies on the stack.
const READ_BYTES: usize = 8 * 1024;
