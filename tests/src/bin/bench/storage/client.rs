//! A client of HTTP/1.1 on one connection that does as little as a client can.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::{Duration, Instant};

/// A connection that is kept.
pub(crate) struct Client {
    stream: TcpStream,
    received: Vec<u8>,
}

/// An answer, and how long it took to its last octet.
pub(crate) struct Answer {
    pub(crate) body: Vec<u8>,
    pub(crate) took: Duration,
}

impl Client {
    pub(crate) fn connect(address: &str) -> Self {
        let stream = TcpStream::connect(address).expect("it listens");
        stream.set_nodelay(true).expect("a TCP socket");
        Self {
            stream,
            received: Vec::new(),
        }
    }

    /// GET with a key.
    pub(crate) fn get(&mut self, path: &str, key: &str) -> Answer {
        let request = format!(
            "GET {path} HTTP/1.1\r\nHost: bench\r\nAccept: application/json\r\n\
             Authorization: Bearer {key}\r\n\r\n"
        );
        let begun = Instant::now();
        self.stream
            .write_all(request.as_bytes())
            .expect("it is connected");
        self.received.clear();
        let (head, length) = loop {
            self.receive();
            if let Some(head) = head_length(&self.received) {
                break (head, body_length(&self.received[..head]));
            }
        };
        while self.received.len() < head + length {
            self.receive();
        }
        let took = begun.elapsed();
        let is_ok = self.received.starts_with(b"HTTP/1.1 200 ");
        let text = String::from_utf8_lossy(&self.received);
        assert!(is_ok, "GET {path}: {text}");
        Answer {
            body: self.received.split_off(head),
            took,
        }
    }

    fn receive(&mut self) {
        let mut octets = [0; 64 * 1024];
        let read = self.stream.read(&mut octets).expect("it is connected");
        assert!(read > 0, "the server closed the connection");
        self.received.extend_from_slice(&octets[..read]);
    }
}

fn head_length(received: &[u8]) -> Option<usize> {
    let end = received
        .windows(4)
        .position(|octets| octets == b"\r\n\r\n")?;
    Some(end + 4)
}

fn body_length(head: &[u8]) -> usize {
    let head = String::from_utf8_lossy(head).to_ascii_lowercase();
    let mut lines = head.lines();
    let length = lines.find_map(|line| line.strip_prefix("content-length:")?.trim().parse().ok());
    length.expect("the length of the body is known")
}
