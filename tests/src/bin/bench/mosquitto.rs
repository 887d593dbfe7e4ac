//! Mosquitto as a peer: mutual TLS on loopback, nothing stored.

use std::fs;
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use rcgen::{CertificateParams, KeyPair};
use tempfile::TempDir;
use tokio::net::TcpStream;

/// A running mosquitto. Ends when dropped.
pub(crate) struct Mosquitto {
    child: Child,
    _directory: TempDir,
    pub(crate) port: u16,
    /// What a client has to trust.
    pub(crate) root: String,
}

impl Mosquitto {
    /// Starts one that lets in who shows a certificate of `client_ca`.
    pub(crate) async fn start(client_ca: &str) -> Self {
        let directory = TempDir::with_prefix("bench-").expect("a temporary directory");
        let path = directory.path();
        let key = KeyPair::generate().expect("a key");
        let params = CertificateParams::new(vec!["localhost".to_owned()]).expect("a name");
        let root = params.self_signed(&key).expect("a certificate").pem();
        let port = free_port();
        fs::write(path.join("clients.pem"), client_ca).expect("it is writable");
        fs::write(path.join("server.pem"), &root).expect("it is writable");
        fs::write(path.join("server.key"), key.serialize_pem()).expect("it is writable");
        fs::write(path.join("mosquitto.conf"), configuration(path, port)).expect("it is writable");
        let child = Command::new("mosquitto")
            .arg("-c")
            .arg(path.join("mosquitto.conf"))
            .env("PATH", search_path())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("mosquitto is not installed: run scripts/test.sh, which installs it");
        let mosquitto = Self {
            child,
            _directory: directory,
            port,
            root,
        };
        mosquitto.listening().await;
        mosquitto
    }

    /// The number of its process.
    pub(crate) fn process_id(&self) -> u32 {
        self.child.id()
    }

    async fn listening(&self) {
        fieldgate_tests::eventually("mosquitto listens", || async {
            let connected = TcpStream::connect(("127.0.0.1", self.port)).await;
            connected.ok().map(drop)
        })
        .await;
    }
}

impl Drop for Mosquitto {
    fn drop(&mut self) {
        // It may have ended by itself.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

fn configuration(path: &Path, port: u16) -> String {
    let path = path.display();
    format!(
        "user {user}\n\
         persistence false\n\
         set_tcp_nodelay true\n\
         max_inflight_messages 0\n\
         max_queued_messages 0\n\
         allow_anonymous true\n\
         listener {port} 127.0.0.1\n\
         cafile {path}/clients.pem\n\
         certfile {path}/server.pem\n\
         keyfile {path}/server.key\n\
         require_certificate true\n",
        user = std::env::var("USER").unwrap_or_else(|_| "root".to_owned()),
    )
}

/// Debian puts the broker into a directory that is not on everybody's path.
fn search_path() -> String {
    let path = std::env::var("PATH").unwrap_or_default();
    format!("{path}:/usr/sbin:/usr/local/sbin")
}

fn free_port() -> u16 {
    let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a free port");
    listener.local_addr().expect("it is bound").port()
}
