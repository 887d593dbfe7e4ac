//! Who a server has to prove that it is, and to whom.

use std::error::Error;
use std::fs;

use fieldgate_core::storage::{MaintenanceStore as _, ServerProof};
use fieldgate_storage_sqlx::PostgresOpenError;
use fieldgate_storage_sqlx::testing::{TestCluster, TestDatabase};
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};
use sqlx::postgres::PgConnection;
use tempfile::TempDir;

use crate::{connect, execute, open};

#[tokio::test]
async fn a_server_proves_its_name_by_the_ca_that_is_meant() {
    let server = TlsServer::start().await;
    let root = server.file("root.pem", &server.ca.pem);

    let url = server.url(
        "localhost",
        &format!("sslmode=verify-full&sslrootcert={root}"),
    );
    let storage = open(&url).await.unwrap();
    storage.probe(ServerProof::vouch()).await.unwrap();

    let mut admin = connect(&server.database.admin_url()).await;
    let in_clear = "SELECT count(*) FROM pg_stat_ssl JOIN pg_stat_activity USING (pid) \
                    WHERE application_name = 'fieldgate' AND ssl = $1";
    for (ssl, any) in [(true, true), (false, false)] {
        let count = sqlx::query_scalar(in_clear).bind(ssl);
        let count: i64 = count.fetch_one(&mut admin).await.unwrap();
        assert_eq!(count > 0, any, "{count} with ssl = {ssl}");
    }
    storage.close().await;
}

#[tokio::test]
async fn a_server_that_proves_nothing_is_refused() {
    let server = TlsServer::start().await;
    let root = server.file("root.pem", &server.ca.pem);
    let other = server.file("other.pem", &Ca::new("another").pem);
    for (host, parameters, reason) in [
        // By another CA.
        (
            "localhost",
            format!("sslmode=verify-full&sslrootcert={other}"),
            "UnknownIssuer",
        ),
        (
            "localhost",
            "sslmode=verify-full".to_owned(),
            "UnknownIssuer",
        ),
        (
            "localhost",
            format!("sslmode=verify-ca&sslrootcert={other}"),
            "UnknownIssuer",
        ),
        (
            "localhost",
            format!("sslmode=require&sslrootcert={other}"),
            "UnknownIssuer",
        ),
        // For another host.
        (
            "127.0.0.1",
            format!("sslmode=verify-full&sslrootcert={root}"),
            "not valid for name",
        ),
    ] {
        let refused = open(&server.url(host, &parameters)).await.unwrap_err();
        let is_of_tls = matches!(refused, PostgresOpenError::Tls { .. });
        assert!(is_of_tls, "{parameters}: {refused:?}");
        let said = format!("{refused}: {}", refused.source().unwrap());
        assert!(
            said.contains(&format!("no TLS connection to {host}:")),
            "{said}"
        );
        assert!(said.contains(reason), "{parameters}: {said}");
    }
    // Who asks for no proof, gets none.
    for parameters in ["sslmode=require", "sslmode=prefer", "sslmode=disable"] {
        let storage = open(&server.url("127.0.0.1", parameters)).await;
        storage.unwrap().close().await;
    }
}

#[tokio::test]
async fn a_server_without_tls_is_refused_where_it_has_to_have_it() {
    let server = TlsServer::start().await;
    let mut admin = connect(&server.database.admin_url()).await;
    execute(&mut admin, "ALTER SYSTEM SET ssl = off".to_owned()).await;
    server.reload(&mut admin).await;
    for mode in ["require", "verify-ca", "verify-full"] {
        let url = server.url("localhost", &format!("sslmode={mode}"));
        let refused = open(&url).await.unwrap_err();
        assert!(
            matches!(refused, PostgresOpenError::Tls { .. }),
            "{refused:?}"
        );
    }
}

#[tokio::test]
async fn a_password_that_is_wrong_is_not_repeated() {
    let server = TlsServer::start().await;
    let mut admin = connect(&server.database.admin_url()).await;
    // What comes over the network signs in by its password.
    let rules = "COPY (SELECT 'local all all trust' UNION SELECT \
                 'hostssl all all all scram-sha-256') TO PROGRAM 'cat > pg_hba.conf'";
    execute(&mut admin, rules.to_owned()).await;
    server.reload(&mut admin).await;
    let url = server.url("localhost", "sslmode=require");
    open(&url).await.unwrap().close().await;
    let password = server.database.password();

    let wrong = url.replace(password, "hunter2hunter2");
    let refused = open(&wrong).await.unwrap_err();
    assert!(
        matches!(refused, PostgresOpenError::SignIn { .. }),
        "{refused:?}"
    );
    let said = format!("{refused} {refused:?} {:?}", refused.source());
    assert!(!said.contains("hunter2"), "{said}");

    // Nor is it sent where the rules ask for TLS and there is none.
    let in_clear = url.replace("sslmode=require", "sslmode=disable");
    let refused = open(&in_clear).await.unwrap_err();
    assert!(
        matches!(refused, PostgresOpenError::SignIn { .. }),
        "{refused:?}"
    );
    let said = format!("{refused} {refused:?} {:?}", refused.source());
    assert!(!said.contains(password), "{said}");
}

/// A server with a certificate for `localhost`.
struct TlsServer {
    ca: Ca,
    port: u16,
    database: TestDatabase,
    directory: TempDir,
    _cluster: TestCluster,
}

impl TlsServer {
    async fn start() -> Self {
        // It is free until the server takes it, as far as one can see.
        let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let port = free.local_addr().unwrap().port();
        drop(free);
        let cluster =
            TestCluster::start(&["listen_addresses = '127.0.0.1'", &format!("port = {port}")]);
        let database = TestDatabase::fresh_on(&cluster).await;
        let ca = Ca::new("the one");
        let (certificate, key) = ca.certificate("localhost");
        let mut admin = connect(&database.admin_url()).await;
        // Nobody but the server itself may read them.
        for (file, pem) in [("server.crt", certificate), ("server.key", key)] {
            let write = format!(
                "COPY (SELECT unnest(string_to_array('{pem}', E'\\n'))) \
                 TO PROGRAM 'umask 077; cat > {file}'"
            );
            execute(&mut admin, write).await;
        }
        execute(&mut admin, "ALTER SYSTEM SET ssl = on".to_owned()).await;
        let server = Self {
            ca,
            port,
            database,
            directory: TempDir::new().unwrap(),
            _cluster: cluster,
        };
        server.reload(&mut admin).await;
        server
    }

    /// Has the server read its settings anew, and waits until it has.
    async fn reload(&self, admin: &mut PgConnection) {
        let loaded = "SELECT pg_conf_load_time()::text";
        let before: String = sqlx::query_scalar(loaded)
            .fetch_one(&mut *admin)
            .await
            .unwrap();
        execute(admin, "SELECT pg_reload_conf()".to_owned()).await;
        // A new connection has what the server has.
        loop {
            let mut fresh = connect(&self.database.admin_url()).await;
            let after = sqlx::query_scalar(loaded).fetch_one(&mut fresh).await;
            let after: String = after.unwrap();
            if after != before {
                return;
            }
            tokio::task::yield_now().await;
        }
    }

    fn url(&self, host: &str, parameters: &str) -> String {
        let (password, port, name) = (self.database.password(), self.port, self.database.name());
        format!("postgres://fieldgate_test_app:{password}@{host}:{port}/{name}?{parameters}")
    }

    fn file(&self, name: &str, text: &str) -> String {
        let path = self.directory.path().join(name);
        fs::write(&path, text).unwrap();
        path.display().to_string()
    }
}

struct Ca {
    issuer: Issuer<'static, KeyPair>,
    pem: String,
}

impl Ca {
    fn new(name: &str) -> Self {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let pem = params.self_signed(&key).unwrap().pem();
        let issuer = Issuer::new(params, key);
        Self { issuer, pem }
    }

    /// A certificate for a host, and its key.
    fn certificate(&self, host: &str) -> (String, String) {
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new(vec![host.to_owned()]).unwrap();
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        (certificate.pem(), key.serialize_pem())
    }
}
