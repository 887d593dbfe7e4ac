//! How a server may be set up, and which version it may be.

use std::io::Write;
use std::sync::{Arc, Mutex};

use fieldgate_core::storage::{MaintenanceStore as _, ServerProof};
use fieldgate_storage_sqlx::PostgresOpenError;
use fieldgate_storage_sqlx::testing::{TestCluster, TestDatabase};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use crate::{connect, execute, open};

#[tokio::test]
async fn a_server_that_may_lose_what_it_has_confirmed_is_refused() {
    let cluster = TestCluster::start(&["synchronous_commit = off"]);
    let database = TestDatabase::fresh_on(&cluster).await;
    let storage = open(&database.url()).await.unwrap();
    storage.probe(ServerProof::vouch()).await.unwrap();
    storage.close().await;
    let mut admin = connect(&database.admin_url()).await;
    set(&mut admin, "fsync", "off").await;

    let refused = open(&database.url()).await.unwrap_err();

    assert!(
        matches!(refused, PostgresOpenError::Setting { .. }),
        "{refused:?}"
    );
    let message = "the database server has fsync = off: set it to on";
    assert_eq!(refused.to_string(), message);
}

/// Where the file system never tears a page, that is no danger.
#[tokio::test]
async fn a_server_that_may_tear_a_page_is_warned_of() {
    let log = Log::default();
    let writer = log.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_ansi(false)
        .with_max_level(tracing_subscriber::filter::LevelFilter::WARN)
        .with_writer(move || writer.clone())
        .finish();
    let _guard = tracing::subscriber::set_default(subscriber);
    let cluster = TestCluster::start(&[]);
    let database = TestDatabase::fresh_on(&cluster).await;
    open(&database.url()).await.unwrap().close().await;
    assert_eq!(log.text(), "");
    let mut admin = connect(&database.admin_url()).await;
    set(&mut admin, "full_page_writes", "off").await;

    open(&database.url()).await.unwrap().close().await;

    let text = log.text();
    assert!(
        text.contains("WARN") && text.contains("full_page_writes is off"),
        "{text}"
    );
}

#[tokio::test]
async fn a_database_that_does_not_keep_every_text_is_refused() {
    let database = TestDatabase::fresh().await;
    let latin = format!("{}_latin", database.name());
    let mut admin = connect(&database.admin_url()).await;
    let create = format!(
        "CREATE DATABASE {latin} OWNER fieldgate_test_owner TEMPLATE template0 \
         ENCODING 'LATIN1' LC_COLLATE 'C' LC_CTYPE 'C'"
    );
    execute(&mut admin, create).await;
    let url = database.owner_url().replace(database.name(), &latin);

    let refused = open(&url).await.unwrap_err();

    execute(&mut admin, format!("DROP DATABASE {latin}")).await;
    let message = "the database server has server_encoding = LATIN1: set it to UTF8";
    assert_eq!(refused.to_string(), message);
}

#[tokio::test]
async fn a_server_that_is_too_old_is_refused() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let url = format!("postgres://me@127.0.0.1:{port}/plant");
    for (version, found) in [("14.19 (Debian 14.19-1)", "14"), ("9.6.24", "9")] {
        let (refused, ()) = tokio::join!(open(&url), let_in(&listener, version));
        let message = format!("PostgreSQL {found} is too old: use version 15 or a later one");
        assert_eq!(refused.unwrap_err().to_string(), message);
    }
}

/// What a server says that lets everyone in and is of some version.
async fn let_in(listener: &TcpListener, version: &str) {
    let (mut stream, _) = listener.accept().await.unwrap();
    // First the client asks for TLS.
    read_first(&mut stream).await;
    stream.write_all(b"N").await.unwrap();
    read_first(&mut stream).await;
    let parameter = [b"server_version\0", version.as_bytes(), b"\0"].concat();
    for (kind, body) in [
        (b'R', &[0; 4][..]),
        (b'S', &parameter),
        (b'K', &[0; 8]),
        (b'Z', b"I"),
    ] {
        let length = u32::try_from(body.len() + 4).unwrap().to_be_bytes();
        let message = [&[kind], &length[..], body].concat();
        stream.write_all(&message).await.unwrap();
    }
    // Until the client has had enough, or asks for more.
    drop(stream.read_u8().await);
}

/// Passes over a message as it comes before anyone is let in.
async fn read_first(stream: &mut TcpStream) {
    let length = stream.read_u32().await.unwrap();
    let mut rest = vec![0; usize::try_from(length).unwrap() - 4];
    stream.read_exact(&mut rest).await.unwrap();
}

async fn set(admin: &mut sqlx::PgConnection, name: &str, value: &str) {
    // Neither goes with others.
    for statement in [
        format!("ALTER SYSTEM SET {name} = {value}"),
        "SELECT pg_reload_conf()".to_owned(),
    ] {
        execute(admin, statement).await;
    }
    loop {
        let found = sqlx::query_scalar("SELECT current_setting($1)").bind(name);
        let found: String = found.fetch_one(&mut *admin).await.unwrap();
        if found == value {
            return;
        }
        tokio::task::yield_now().await;
    }
}

#[derive(Clone, Debug, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Log {
    fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

impl Write for Log {
    fn write(&mut self, text: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(text);
        Ok(text.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}
