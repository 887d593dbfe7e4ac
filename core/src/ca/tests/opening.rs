//! Opening the CA, and the first start.

use super::*;

#[tokio::test]
async fn the_first_start_makes_a_root_and_an_issuing_ca() {
    let world = World::new().await;
    let ca = &world.ca;
    let (root, issuing) = (
        parse(ca.root_der()).unwrap(),
        parse(ca.issuing_der()).unwrap(),
    );
    for (certificate, name, path_len) in [
        (&root, "CN=Fieldgate Root CA ", None),
        (&issuing, "CN=Fieldgate Issuing CA ", Some(0)),
    ] {
        let subject = certificate.subject().to_string();
        let key_id = subject_key_id(certificate);
        assert_eq!(subject, format!("{name}{}", &key_id[..8]));
        let constraints = certificate.basic_constraints().unwrap().unwrap();
        assert!(constraints.critical && constraints.value.ca);
        assert_eq!(constraints.value.path_len_constraint, path_len);
        let usage = certificate.key_usage().unwrap().unwrap();
        // keyCertSign is bit 5, cRLSign bit 6.
        assert!(usage.critical && usage.value.flags == 0b110_0000);
        assert_eq!(certificate.raw_serial().len(), 16);
        assert_eq!(
            certificate.validity().not_before.timestamp(),
            at("2026-11-23T08:55:00Z").unix_millis() / 1000
        );
    }
    assert_eq!(subject_key_id(&issuing), ca.issuer().key_id.to_string());
    let end = |certificate: &x509_parser::certificate::X509Certificate<'_>| {
        certificate.validity().not_after.to_string()
    };
    assert!(end(&root).contains("2046"), "{}", end(&root));
    assert!(end(&issuing).contains("2031"), "{}", end(&issuing));

    let chain = pem::decode(ca.chain_pem()).unwrap();
    assert_eq!(*chain[0].der, ca.issuing_der().as_ref());
    assert_eq!(*chain[1].der, ca.root_der().as_ref());
    assert_eq!(ca.root_fingerprint(), Sha256Digest::of(ca.root_der()));
}

#[tokio::test]
async fn the_next_start_finds_the_same_ca_also_without_the_root_key() {
    let world = World::new().await;
    world.clock.advance(DAY);
    // Before the storage has it on record, and after.
    for known in [vec![], world.known()] {
        let again = world.open(world.key_store.clone(), &known).await.unwrap();
        assert_eq!(again.chain_pem(), world.ca.chain_pem());
    }
    world.key_store.remove(KeyName::Root).unwrap();
    let again = world
        .open(world.key_store.clone(), &world.known())
        .await
        .unwrap();
    assert_eq!(again.issuer(), world.ca.issuer());
    assert!(world.key_store.load(KeyName::Root).await.unwrap().is_none());
}

#[tokio::test]
async fn a_first_start_that_was_cut_off_goes_on_with_its_root() {
    let world = World::new().await;
    world.key_store.remove(KeyName::Issuing).unwrap();
    let again = world.open(world.key_store.clone(), &[]).await.unwrap();
    assert_eq!(again.root_der(), world.ca.root_der());
    assert_ne!(again.issuing_der(), world.ca.issuing_der());
    world
        .ca
        .issue(organization(), device(), &new_key())
        .unwrap();
}

#[tokio::test]
async fn missing_keys_of_a_ca_on_record_are_not_made_anew() {
    let world = World::new().await;
    world.key_store.remove(KeyName::Issuing).unwrap();
    let error = world.open(world.key_store.clone(), &world.known()).await;
    assert!(
        matches!(error, Err(OpenCaError::Missing { .. })),
        "{error:?}"
    );
    assert!(error.unwrap_err().to_string().contains("restore"));

    let empty = Arc::new(MemoryKeyStore::new());
    let error = world.open(empty.clone(), &world.known()).await;
    assert!(
        matches!(error, Err(OpenCaError::Missing { .. })),
        "{error:?}"
    );
    for name in [KeyName::Root, KeyName::Issuing] {
        assert!(empty.load(name).await.unwrap().is_none());
    }
}

#[tokio::test]
async fn the_keys_of_another_ca_are_refused() {
    let (world, other) = (World::new().await, World::new().await);
    let error = world.open(other.key_store.clone(), &world.known()).await;
    assert!(
        matches!(error, Err(OpenCaError::Mismatch { .. })),
        "{error:?}"
    );

    // The root of one, the issuing CA of the other.
    let mixed = Arc::new(MemoryKeyStore::new());
    let (root, issuing) = (
        other.material(KeyName::Root).await,
        world.material(KeyName::Issuing).await,
    );
    mixed.create(KeyName::Root, &root).await.unwrap();
    mixed.create(KeyName::Issuing, &issuing).await.unwrap();
    for known in [vec![], world.known()] {
        let error = world.open(mixed.clone(), &known).await;
        assert!(
            matches!(error, Err(OpenCaError::Damaged { .. })),
            "{error:?}"
        );
    }
}

#[tokio::test]
async fn material_with_any_octet_changed_is_refused() {
    let world = World::new().await;
    // Each check of the longer one takes long.
    for (name, step) in [(KeyName::Root, 1), (KeyName::Issuing, 7)] {
        let material = world.material(name).await;
        let text = material.expose_pem().trim_end().to_owned();
        for at in (0..text.len()).step_by(step) {
            let mut octets = text.clone().into_bytes();
            octets[at] = if octets[at] == b'A' { b'B' } else { b'A' };
            let damaged = String::from_utf8(octets).unwrap();
            let key_store = Arc::new(MemoryKeyStore::new());
            key_store
                .create(name, &key_material(&damaged))
                .await
                .unwrap();
            let error = world.open(key_store, &[]).await;
            assert!(
                matches!(error, Err(OpenCaError::Damaged { .. })),
                "{name}, octet {at}: {error:?}"
            );
        }
    }
}

#[tokio::test]
async fn material_of_another_shape_is_refused() {
    let world = World::new().await;
    let issuing = world.material(KeyName::Issuing).await;
    let root = world.material(KeyName::Root).await;
    let other = World::new().await.material(KeyName::Issuing).await;
    let certificates = |material: &KeyMaterial| {
        let pem = material.expose_pem();
        pem[pem.find("-----BEGIN CERTIFICATE").unwrap()..].to_owned()
    };
    let key = |material: &KeyMaterial| material.expose_pem().replace(&certificates(material), "");
    for damaged in [
        String::new(),
        "x".to_owned(),
        key(&issuing),
        certificates(&issuing),
        format!("{}{}", key(&other), certificates(&issuing)),
        format!("{}{}", key(&issuing), certificates(&other)),
        format!("{}{}", issuing.expose_pem(), certificates(&root)),
        issuing.expose_pem().replace(&certificates(&root), ""),
        issuing.expose_pem().replace("PRIVATE", "ENCRYPTED PRIVATE"),
        // Well-formed, but its certificate is a root.
        root.expose_pem().to_owned(),
    ] {
        let key_store = Arc::new(MemoryKeyStore::new());
        let material = key_material(&damaged);
        key_store.create(KeyName::Issuing, &material).await.unwrap();
        let error = world.open(key_store, &[]).await;
        assert!(
            matches!(error, Err(OpenCaError::Damaged { .. })),
            "{error:?}"
        );
    }
}

#[tokio::test]
async fn of_two_first_starts_at_once_one_takes_what_the_other_made() {
    for name in [KeyName::Root, KeyName::Issuing] {
        let world = World::new().await;
        let shared = Arc::new(MemoryKeyStore::new());
        let racing = Arc::new(Racing {
            shared: shared.clone(),
            at: name,
        });
        let late = world.open(racing, &[]).await.unwrap();
        let early = world.open(shared, &[]).await.unwrap();
        assert_eq!(late.chain_pem(), early.chain_pem());
    }
}

#[tokio::test]
async fn a_key_store_that_fails_stops_the_start() {
    #[derive(Debug)]
    struct Failing;

    #[async_trait]
    impl KeyStore for Failing {
        async fn load(&self, name: KeyName) -> Result<Option<KeyMaterial>, KeyStoreError> {
            Err(KeyStoreError::Unusable {
                name,
                reason: "others can read it".to_owned(),
            })
        }

        async fn create(&self, name: KeyName, _: &KeyMaterial) -> Result<(), KeyStoreError> {
            Err(KeyStoreError::AlreadyExists(name))
        }
    }

    let world = World::new().await;
    let error = world.open(Arc::new(Failing), &[]).await.unwrap_err();
    assert!(error.to_string().contains("others can read it"), "{error}");
}

#[tokio::test]
async fn no_ca_is_made_while_the_clock_is_not_set() {
    let world = World::new().await;
    world.clock.set(at("2000-01-01T00:00:00Z"));
    let empty = Arc::new(MemoryKeyStore::new());
    let error = world.open(empty.clone(), &[]).await;
    assert!(
        matches!(error, Err(OpenCaError::ClockWrong { .. })),
        "{error:?}"
    );
    assert!(empty.load(KeyName::Root).await.unwrap().is_none());
}

#[tokio::test]
async fn a_policy_that_cannot_be_kept_is_refused() {
    let world = World::new().await;
    for policy in [
        CertificatePolicy {
            validity: Duration::ZERO,
            ..CertificatePolicy::default()
        },
        CertificatePolicy {
            crl_url: Some("https://example/crl".to_owned()),
            ..CertificatePolicy::default()
        },
    ] {
        let opened = CertificateAuthority::open(
            world.key_store.clone(),
            policy,
            world.clock.clone(),
            world.random.clone(),
            &[],
        );
        assert!(matches!(
            opened.await,
            Err(OpenCaError::InvalidPolicy { .. })
        ));
    }
}

#[tokio::test]
async fn an_issuing_ca_ends_with_its_root_at_the_latest() {
    let policy = CertificatePolicy {
        root_validity: 10 * DAY,
        ..CertificatePolicy::default()
    };
    let world = World::with_policy(policy).await;
    let certificate = world.issue().unwrap();
    assert_eq!(certificate.not_after, at("2026-12-03T09:00:00Z"));
}

#[tokio::test]
async fn nothing_that_prints_shows_a_key() {
    let world = World::new().await;
    let server = world
        .ca
        .server_certificate(&["localhost".to_owned()])
        .unwrap();
    let printed = format!("{:?} {:?} {server:?}", world.ca, world.key_store);
    for name in [KeyName::Root, KeyName::Issuing] {
        let material = world.material(name).await;
        for line in material.expose_pem().lines().filter(|line| line.len() > 16) {
            assert!(!printed.contains(line));
        }
    }
    assert!(!printed.contains(&format!("{:?}", server.private_key.secret_pkcs8_der())));
}

#[tokio::test]
async fn a_signer_of_the_hosts_own_signs() {
    let world = World::new().await;
    let material = world.material(KeyName::Issuing).await;
    let key = pem::decode(material.expose_pem()).unwrap().remove(0);
    let signer = || Arc::new(SoftwareSigner::from_pkcs8(&key.der).unwrap());
    let open = |signer: Arc<dyn Signer>, chain: &str, known: &[Issuer]| {
        CertificateAuthority::with_signer(
            signer,
            chain,
            CertificatePolicy::default(),
            world.clock.clone(),
            world.random.clone(),
            known,
        )
    };
    let ca = open(signer(), world.ca.chain_pem(), &world.known()).unwrap();
    ca.issue(organization(), device(), &new_key()).unwrap();

    let (other, _) = SoftwareSigner::generate(SignatureAlgorithm::EcdsaP256Sha256).unwrap();
    let upside_down = format!(
        "{}{}",
        world.ca.issuer().root_pem,
        world.ca.issuer().certificate_pem
    );
    let alone = world.ca.issuer().certificate_pem.clone();
    for error in [
        open(Arc::new(other), world.ca.chain_pem(), &[]),
        open(signer(), &upside_down, &[]),
        open(signer(), &alone, &[]),
        open(signer(), "", &[]),
    ] {
        assert!(
            matches!(error, Err(OpenCaError::UnusableChain { .. })),
            "{error:?}"
        );
    }
    let another = World::new().await.known();
    let error = open(signer(), world.ca.chain_pem(), &another);
    assert!(
        matches!(error, Err(OpenCaError::Mismatch { .. })),
        "{error:?}"
    );
}

#[tokio::test]
async fn a_damaged_record_stops_the_start() {
    let world = World::new().await;
    let mut known = world.known();
    known[0].root_pem = "x".to_owned();
    let error = world.open(world.key_store.clone(), &known).await;
    assert!(
        matches!(error, Err(OpenCaError::Record { .. })),
        "{error:?}"
    );
}

/// Lets another first start run to its end just before this one writes the material `at`.
#[derive(Debug)]
struct Racing {
    shared: Arc<MemoryKeyStore>,
    at: KeyName,
}

#[async_trait]
impl KeyStore for Racing {
    async fn load(&self, name: KeyName) -> Result<Option<KeyMaterial>, KeyStoreError> {
        self.shared.load(name).await
    }

    async fn create(&self, name: KeyName, material: &KeyMaterial) -> Result<(), KeyStoreError> {
        if name == self.at {
            let other = CertificateAuthority::open(
                self.shared.clone(),
                CertificatePolicy::default(),
                Arc::new(ManualClock::new(at("2026-11-23T09:00:00Z"))),
                Arc::new(SequenceRandom::default()),
                &[],
            );
            other.await.unwrap();
        }
        self.shared.create(name, material).await
    }
}

fn key_material(text: &str) -> KeyMaterial {
    KeyMaterial::from_pem(zeroize::Zeroizing::new(text.to_owned()))
}

fn subject_key_id(certificate: &x509_parser::certificate::X509Certificate<'_>) -> String {
    let der = CertificateDer::from(certificate.as_raw().to_vec());
    CaCertificate::from_der(der).unwrap().key_id.to_string()
}
