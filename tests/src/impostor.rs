//! A server that pretends to be Fieldgate: it has a CA of its own, and writes down what it hears.

use std::sync::{Arc, Mutex, PoisonError};

use rcgen::{CertificateParams, KeyPair};
use rustls::pki_types::PrivateKeyDer;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;

/// A server that pretends to be Fieldgate. Ends when dropped.
#[derive(Debug)]
pub struct Impostor {
    port: u16,
    heard: Arc<Mutex<Vec<u8>>>,
    task: JoinHandle<()>,
}

impl Impostor {
    /// Starts one on loopback. To whatever it is asked it answers with the chain of its own CA.
    ///
    /// # Panics
    ///
    /// Where it cannot listen.
    pub async fn start() -> Self {
        let key = KeyPair::generate().expect("a key");
        let params = CertificateParams::new(vec!["localhost".to_owned()]).expect("a name");
        let certificate = params.self_signed(&key).expect("a certificate");
        let chain = certificate.pem().repeat(2);
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = rustls::ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .expect("ring knows them")
            .with_no_client_auth()
            .with_single_cert(
                vec![certificate.der().clone()],
                PrivateKeyDer::try_from(key.serialize_der()).expect("a key"),
            )
            .expect("they belong together");
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a port");
        let port = listener.local_addr().expect("it is bound").port();
        let heard = Arc::default();
        let notes = Arc::clone(&heard);
        let task = tokio::spawn(async move {
            while let Ok((socket, _)) = listener.accept().await {
                // A client that goes away has said what it had to say.
                let _ = serve(&acceptor, socket, &chain, &notes).await;
            }
        });
        Self { port, heard, task }
    }

    /// Where it is.
    #[must_use]
    pub fn url(&self) -> String {
        format!("https://localhost:{}", self.port)
    }

    /// All that clients have sent within TLS, over all connections.
    #[must_use]
    pub fn heard(&self) -> String {
        let heard = self.heard.lock().unwrap_or_else(PoisonError::into_inner);
        String::from_utf8_lossy(&heard).into_owned()
    }
}

impl Drop for Impostor {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Answers each request that has no body, and writes everything down to the end.
async fn serve(
    acceptor: &TlsAcceptor,
    socket: TcpStream,
    chain: &str,
    heard: &Mutex<Vec<u8>>,
) -> std::io::Result<()> {
    let mut stream = acceptor.accept(socket).await?;
    let mut octets = vec![0; 4096];
    loop {
        let count = stream.read(&mut octets).await?;
        if count == 0 {
            return Ok(());
        }
        let is_whole = {
            let mut heard = heard.lock().unwrap_or_else(PoisonError::into_inner);
            heard.extend_from_slice(&octets[..count]);
            heard.ends_with(b"\r\n\r\n")
        };
        if is_whole {
            let length = chain.len();
            let answer = format!("HTTP/1.1 200 OK\r\ncontent-length: {length}\r\n\r\n{chain}");
            stream.write_all(answer.as_bytes()).await?;
            stream.flush().await?;
        }
    }
}
