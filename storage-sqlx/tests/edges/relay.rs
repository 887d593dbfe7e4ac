//! A network between the storage and the database that can be made to fail.

use fieldgate_storage_sqlx::testing::TestDatabase;
use sqlx::postgres::PgConnectOptions;
use tokio::io::{AsyncRead, AsyncWrite, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream, UnixStream};
use tokio::sync::watch;

/// A way to a database.
pub(crate) struct Relay {
    port: u16,
    url: String,
    stalled: watch::Sender<usize>,
}

impl Relay {
    pub(crate) async fn to(database: &TestDatabase) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let (stalled, stalls) = watch::channel(0);
        let options: PgConnectOptions = database.url().parse().unwrap();
        tokio::spawn(async move {
            loop {
                let (client, _) = listener.accept().await.unwrap();
                tokio::spawn(carry(client, server(&options).await, stalls.clone()));
            }
        });
        Self {
            port,
            url: database.url(),
            stalled,
        }
    }

    /// The address of the database by this way, with further parameters.
    pub(crate) fn url(&self, parameters: &str) -> String {
        let (sign_in, rest) = self.url.split_once('@').unwrap();
        let (place, _) = rest.split_once('?').unwrap();
        let (_, database) = place.split_once('/').unwrap();
        let port = self.port;
        format!("{sign_in}@127.0.0.1:{port}/{database}?{parameters}")
    }

    /// From now on nothing comes through by the connections that are there, and neither side hears
    /// that they have broken.
    pub(crate) fn stall(&self) {
        self.stalled.send_modify(|stalls| *stalls += 1);
    }
}

trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<S: AsyncRead + AsyncWrite + Send + Unpin> Stream for S {}

async fn server(options: &PgConnectOptions) -> Box<dyn Stream> {
    let port = options.get_port();
    if let Some(socket) = options.get_socket() {
        let file = socket.join(format!(".s.PGSQL.{port}"));
        return Box::new(UnixStream::connect(file).await.unwrap());
    }
    let stream = TcpStream::connect((options.get_host(), port)).await;
    Box::new(stream.unwrap())
}

async fn carry(
    mut client: TcpStream,
    mut server: Box<dyn Stream>,
    mut stalls: watch::Receiver<usize>,
) {
    stalls.mark_unchanged();
    tokio::select! {
        // That one side is gone is no failure.
        _ = copy_bidirectional(&mut client, &mut server) => {}
        _ = stalls.changed() => std::future::pending().await,
    }
}
