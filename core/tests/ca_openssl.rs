//! The CA against the `openssl` command: requests that it makes, certificates and CRLs that it
//! checks.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

use std::path::Path;
use std::process::{Command, Output};
use std::sync::Arc;
use std::time::Duration;

use fieldgate_core::ca::CertificateAuthority;
use fieldgate_core::ca::key_store::MemoryKeyStore;
use fieldgate_core::ca::policy::CertificatePolicy;
use fieldgate_core::clock::{Clock as _, SystemClock};
use fieldgate_core::model::certificate::{Certificate, RevocationReason, RevokedCertificate};
use fieldgate_core::model::id::{DeviceId, OrganizationId};
use fieldgate_core::random::SystemRandom;
use tempfile::TempDir;

#[tokio::test]
async fn requests_of_every_allowed_kind_get_a_certificate_that_verifies() {
    let world = World::new().await;
    for arguments in [
        &["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"][..],
        &["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-384"],
        &["-algorithm", "ED25519"],
        &["-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"],
        &["-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:3072"],
        &["-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:4096"],
    ] {
        world.make_key(arguments);
        let certificate = world.issue(&world.request(&[]));
        world.write("leaf.pem", &certificate.pem);
        let verified = world.verify("sslclient");
        assert!(verified.status.success(), "{arguments:?}: {verified:?}");
        let verified = world.verify("sslserver");
        assert!(!verified.status.success(), "{arguments:?}: {verified:?}");
        let key = world.openssl(&["pkey", "-in", "key.pem", "-pubout"]);
        let certified = world.openssl(&["x509", "-in", "leaf.pem", "-noout", "-pubkey"]);
        assert_eq!(key.stdout, certified.stdout);
    }
}

#[tokio::test]
async fn requests_of_other_kinds_are_refused() {
    let world = World::new().await;
    for (arguments, reason) in [
        (
            &["-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:1024"][..],
            "1024 bits",
        ),
        (
            &["-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2047"],
            "2047 bits",
        ),
        (
            &["-algorithm", "RSA", "-pkeyopt", "rsa_keygen_pubexp:3"],
            "65537",
        ),
        (
            &["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-521"],
            "kind of the key",
        ),
        (
            &[
                "-algorithm",
                "EC",
                "-pkeyopt",
                "ec_paramgen_curve:secp256k1",
            ],
            "kind of the key",
        ),
        (
            &[
                "-algorithm",
                "EC",
                "-pkeyopt",
                "ec_paramgen_curve:P-256",
                "-pkeyopt",
                "ec_param_enc:explicit",
            ],
            "written out",
        ),
        (&["-algorithm", "ED448"], "kind of the key"),
    ] {
        world.make_key(arguments);
        let error = world.ca.parse_csr(&world.request(&[])).unwrap_err();
        assert!(error.reason().contains(reason), "{arguments:?}: {error}");
    }
    world.make_key(&["-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"]);
    let error = world.ca.parse_csr(&world.request(&["-sha1"])).unwrap_err();
    assert!(error.reason().contains("SHA-256"), "{error}");
}

#[tokio::test]
async fn every_form_of_a_request_is_read() {
    let world = World::new().await;
    world.make_key(&["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"]);
    let key = world.ca.parse_csr(&world.request(&[])).unwrap();
    let newhdr = world.request(&["-newhdr"]);
    assert!(newhdr.contains("BEGIN NEW CERTIFICATE REQUEST"));
    let base64 = {
        world.request(&["-outform", "DER", "-out", "request.der"]);
        world.openssl(&["base64", "-in", "request.der"]).stdout
    };
    for text in [newhdr, String::from_utf8(base64).unwrap()] {
        assert_eq!(world.ca.parse_csr(&text).unwrap(), key, "{text}");
    }
}

#[tokio::test]
async fn a_certificate_shows_what_was_decided_and_nothing_that_was_asked_for() {
    let world = World::new().await;
    world.make_key(&["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"]);
    let request = world.request(&[
        "-addext",
        "basicConstraints=critical,CA:TRUE",
        "-addext",
        "keyUsage=keyCertSign",
        "-addext",
        "extendedKeyUsage=serverAuth",
        "-addext",
        "subjectAltName=DNS:evil.example",
        "-addext",
        "1.3.6.1.4.1.99999.1=critical,ASN1:NULL",
    ]);
    let certificate = world.issue(&request);
    world.write("leaf.pem", &certificate.pem);
    let text = world.openssl(&[
        "x509", "-in", "leaf.pem", "-noout", "-text", "-nameopt", "oneline",
    ]);
    let text = String::from_utf8(text.stdout).unwrap();
    let (device, organization) = (world.device, world.organization);
    for wanted in [
        "Version: 3".to_owned(),
        format!("Subject: CN = {device}, O = {organization}\n"),
        format!("DNS:{device}.{organization}.fieldgate.internal\n"),
        "X509v3 Key Usage: critical\n                Digital Signature\n".to_owned(),
        "X509v3 Extended Key Usage: \n                TLS Web Client Authentication\n".to_owned(),
        "X509v3 Basic Constraints: critical\n                CA:FALSE\n".to_owned(),
        "X509v3 Subject Key Identifier".to_owned(),
        "X509v3 Authority Key Identifier".to_owned(),
        "URI:http://ca.example/crl".to_owned(),
        "Signature Algorithm: ecdsa-with-SHA256".to_owned(),
    ] {
        assert!(text.contains(&wanted), "{wanted}\n{text}");
    }
    for refused in ["evil.example", "anything", "99999", "CA:TRUE", "Server"] {
        assert!(!text.contains(refused), "{refused}\n{text}");
    }
    let serial = world.openssl(&["x509", "-in", "leaf.pem", "-noout", "-serial"]);
    assert_eq!(
        String::from_utf8(serial.stdout)
            .unwrap()
            .trim()
            .to_lowercase(),
        format!("serial={}", certificate.serial_number)
    );
}

#[tokio::test]
async fn a_crl_verifies_and_revokes() {
    let world = World::new().await;
    world.make_key(&["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"]);
    let request = world.request(&[]);
    let (revoked, good) = (world.issue(&request), world.issue(&request));
    let now = SystemClock.now();
    let crl = world
        .ca
        .crl(
            5,
            &[RevokedCertificate {
                serial_number: revoked.serial_number.clone(),
                revoked_at: now,
                reason: RevocationReason::KeyCompromise,
                not_after: revoked.not_after,
            }],
            now,
            now.plus(Duration::from_secs(3_600)),
        )
        .unwrap();
    std::fs::write(world.folder.path().join("ca.crl"), crl).unwrap();
    let arguments = [
        "crl",
        "-inform",
        "DER",
        "-in",
        "ca.crl",
        "-CAfile",
        "chain.pem",
    ];
    let verified = world.openssl(&[&arguments[..], &["-verify", "-noout", "-text"]].concat());
    let text = String::from_utf8(verified.stdout).unwrap();
    let notes = String::from_utf8(verified.stderr).unwrap();
    assert!(notes.contains("verify OK"), "{notes}");
    for wanted in [
        "Version 2",
        "CRL Number: \n                5\n",
        "Key Compromise",
        "Authority Key",
    ] {
        assert!(text.contains(wanted), "{wanted}\n{text}");
    }

    world.openssl(&["crl", "-inform", "DER", "-in", "ca.crl", "-out", "crl.pem"]);
    for (certificate, passes) in [(good, true), (revoked, false)] {
        world.write("leaf.pem", &certificate.pem);
        let verified = world.run(&[
            "verify",
            "-crl_check",
            "-CRLfile",
            "crl.pem",
            "-CAfile",
            "root.pem",
            "-untrusted",
            "chain.pem",
            "leaf.pem",
        ]);
        assert_eq!(verified.status.success(), passes, "{verified:?}");
    }
}

#[tokio::test]
async fn a_devices_key_signs_no_certificates() {
    let world = World::new().await;
    world.make_key(&["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"]);
    let certificate = world.issue(&world.request(&[]));
    world.write("device.pem", &certificate.pem);
    world.write("request.pem", &world.request(&[]));
    world.openssl(&[
        "x509",
        "-req",
        "-in",
        "request.pem",
        "-CA",
        "device.pem",
        "-CAkey",
        "key.pem",
        "-CAcreateserial",
        "-out",
        "leaf.pem",
    ]);
    world.write(
        "chain.pem",
        &format!("{}{}", certificate.pem, world.ca.chain_pem()),
    );
    let verified = world.verify("sslclient");
    assert!(!verified.status.success(), "{verified:?}");
}

#[tokio::test]
async fn a_server_certificate_verifies_for_its_names() {
    let world = World::new().await;
    let names = ["localhost".to_owned(), "127.0.0.1".to_owned()];
    let server = world.ca.server_certificate(&names).unwrap();
    std::fs::write(world.folder.path().join("leaf.der"), &server.chain[0]).unwrap();
    world.openssl(&[
        "x509", "-inform", "DER", "-in", "leaf.der", "-out", "leaf.pem",
    ]);
    assert!(world.verify("sslserver").status.success());
    assert!(!world.verify("sslclient").status.success());
    for (option, name, passes) in [
        ("-verify_hostname", "localhost", true),
        ("-verify_ip", "127.0.0.1", true),
        ("-verify_hostname", "example.org", false),
    ] {
        let verified = world.run(&[
            "verify",
            "-x509_strict",
            "-CAfile",
            "root.pem",
            "-untrusted",
            "chain.pem",
            option,
            name,
            "leaf.pem",
        ]);
        assert_eq!(verified.status.success(), passes, "{name}: {verified:?}");
    }
}

/// A CA with its certificates in a folder of its own.
struct World {
    ca: CertificateAuthority,
    folder: TempDir,
    device: DeviceId,
    organization: OrganizationId,
}

impl World {
    async fn new() -> Self {
        let policy = CertificatePolicy {
            crl_url: Some("http://ca.example/crl".to_owned()),
            ..CertificatePolicy::default()
        };
        let ca = CertificateAuthority::open(
            Arc::new(MemoryKeyStore::new()),
            policy,
            Arc::new(SystemClock),
            Arc::new(SystemRandom),
            &[],
        )
        .await
        .unwrap();
        let world = Self {
            folder: TempDir::new().unwrap(),
            device: DeviceId::new(SystemClock.now(), [1; 10]),
            organization: OrganizationId::new(SystemClock.now(), [2; 10]),
            ca,
        };
        world.write("chain.pem", world.ca.chain_pem());
        world.write("root.pem", &world.ca.issuer().root_pem);
        world
    }

    fn make_key(&self, arguments: &[&str]) {
        self.openssl(&[&["genpkey", "-out", "key.pem"], arguments].concat());
    }

    /// A request for the key that was made last.
    fn request(&self, arguments: &[&str]) -> String {
        let fixed = ["req", "-new", "-key", "key.pem", "-subj", "/CN=anything"];
        let output = self.openssl(&[&fixed[..], arguments].concat());
        String::from_utf8(output.stdout).unwrap()
    }

    fn issue(&self, request: &str) -> Certificate {
        let key = self.ca.parse_csr(request).unwrap();
        self.ca.issue(self.organization, self.device, &key).unwrap()
    }

    fn verify(&self, purpose: &str) -> Output {
        self.run(&[
            "verify",
            "-x509_strict",
            "-purpose",
            purpose,
            "-CAfile",
            "root.pem",
            "-untrusted",
            "chain.pem",
            "leaf.pem",
        ])
    }

    fn write(&self, name: &str, text: &str) {
        std::fs::write(self.folder.path().join(name), text).unwrap();
    }

    /// Runs the command, which must succeed.
    fn openssl(&self, arguments: &[&str]) -> Output {
        let output = self.run(arguments);
        assert!(output.status.success(), "openssl {arguments:?}: {output:?}");
        output
    }

    fn run(&self, arguments: &[&str]) -> Output {
        let folder: &Path = self.folder.path();
        Command::new("openssl")
            .args(arguments)
            .current_dir(folder)
            .output()
            .expect("the `openssl` command must be installed")
    }
}
