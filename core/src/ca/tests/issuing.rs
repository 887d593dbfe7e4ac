//! What is issued, and what is not.

use super::*;

#[tokio::test]
async fn a_certificate_says_what_the_template_says_whatever_was_asked_for() {
    let world = World::new().await;
    let mut hostile =
        CertificateParams::new(vec!["another.device".to_owned(), "10.0.0.1".to_owned()]).unwrap();
    hostile.is_ca = IsCa::Ca(BasicConstraints::Constrained(3));
    hostile.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    hostile.extended_key_usages = vec![
        ExtendedKeyUsagePurpose::ServerAuth,
        ExtendedKeyUsagePurpose::Any,
    ];
    hostile.custom_extensions = vec![CustomExtension::from_oid_content(
        &[1, 3, 6, 1, 4, 1, 99_999, 1],
        vec![5, 0],
    )];
    for params in [CertificateParams::default(), hostile] {
        for algorithm in [
            &rcgen::PKCS_ECDSA_P256_SHA256,
            &rcgen::PKCS_ECDSA_P384_SHA384,
            &rcgen::PKCS_ED25519,
        ] {
            let key = KeyPair::generate_for(algorithm).unwrap();
            let csr = params.serialize_request(&key).unwrap().pem().unwrap();
            let key = world.ca.parse_csr(&csr).unwrap();
            let record = world.ca.issue(organization(), device(), &key).unwrap();
            check_template(&world, &record, &key);
        }
    }
}

fn check_template(world: &World, record: &Certificate, key: &PublicKey) {
    let der = der_of(&record.pem);
    let certificate = parse(&der).unwrap();
    let issuing = parse(world.ca.issuing_der()).unwrap();
    let (organization, device) = (organization(), device());
    assert_eq!(record.subject, format!("CN={device}, O={organization}"));
    assert_eq!(certificate.subject().to_string(), record.subject);
    assert_eq!(certificate.issuer(), issuing.subject());
    assert_eq!(certificate.public_key().raw, key.spki_der());
    assert_eq!(certificate.raw_serial(), record.serial_number.as_be_bytes());
    assert_eq!(record.serial_number.as_be_bytes().len(), 16);
    assert_eq!(record.not_before, at("2026-11-23T08:55:00Z"));
    assert_eq!(record.not_after, at("2027-02-21T09:00:00Z"));
    assert_eq!(record.issued_at, at("2026-11-23T09:00:00.789Z"));
    assert_eq!(record.fingerprint_sha256, Sha256Digest::of(&der));
    assert_eq!(record.public_key_sha256, key.sha256());
    assert_eq!(record.issuer_key_id, world.ca.issuer().key_id);
    assert_eq!(
        (record.organization_id, record.device_id),
        (organization, device)
    );
    assert_eq!((record.issue_sequence, record.first_used_at), (0, None));
    assert_eq!(record.fate, CertificateFate::Good);
    assert_eq!(
        CertificateIdentity::from_der(&der),
        Ok(CertificateIdentity {
            organization_id: organization,
            device_id: device,
            serial_number: record.serial_number.clone(),
            not_after: record.not_after,
        })
    );
    let names = certificate.subject_alternative_name().unwrap().unwrap();
    assert_eq!(
        names.value.general_names,
        [x509_parser::extensions::GeneralName::DNSName(&format!(
            "{device}.{organization}.fieldgate.internal"
        ))]
    );
    let oids: HashSet<_> = certificate
        .extensions()
        .iter()
        .map(|extension| (extension.oid.to_id_string(), extension.critical))
        .collect();
    let wanted = [
        ("2.5.29.14", false), // subjectKeyIdentifier
        ("2.5.29.15", true),  // keyUsage
        ("2.5.29.17", false), // subjectAltName
        ("2.5.29.19", true),  // basicConstraints
        ("2.5.29.35", false), // authorityKeyIdentifier
        ("2.5.29.37", false), // extKeyUsage
    ];
    assert_eq!(
        oids,
        wanted
            .map(|(oid, critical)| (oid.to_owned(), critical))
            .into()
    );
}

#[tokio::test]
async fn the_crl_url_stands_in_certificates_where_it_is_set() {
    let policy = CertificatePolicy {
        crl_url: Some("http://ca.example/{issuerKeyId}.crl".to_owned()),
        ..CertificatePolicy::default()
    };
    let world = World::with_policy(policy).await;
    let der = der_of(&world.issue().unwrap().pem);
    let url = format!("http://ca.example/{}.crl", world.ca.issuer().key_id);
    assert!(
        der.windows(url.len())
            .any(|window| window == url.as_bytes())
    );
}

#[tokio::test]
async fn one_key_gets_another_serial_number_each_time() {
    let world = World::new().await;
    let key = new_key();
    let serials: HashSet<_> = (0..50)
        .map(|_| world.ca.issue(organization(), device(), &key).unwrap())
        .map(|certificate| certificate.serial_number)
        .collect();
    assert_eq!(serials.len(), 50);
}

#[tokio::test]
async fn a_certificate_ends_with_its_issuer_at_the_latest() {
    let world = World::new().await;
    let end = at("2031-11-23T09:00:00Z");
    for (now, not_after) in [
        ("2031-08-25T08:59:59.999Z", Ok(at("2031-11-23T08:59:59Z"))),
        ("2031-08-25T09:00:00Z", Ok(end)),
        ("2031-08-25T09:00:01Z", Ok(end)),
        ("2031-11-23T08:59:59.999Z", Ok(end)),
        ("2031-11-23T09:00:00Z", Err(())),
        ("2031-11-24T09:00:00Z", Err(())),
    ] {
        world.clock.set(at(now));
        let issued = world.issue();
        match not_after {
            Ok(not_after) => assert_eq!(issued.unwrap().not_after, not_after, "{now}"),
            Err(()) => assert!(matches!(issued, Err(IssueError::Expired { .. })), "{now}"),
        }
    }
    let error = world.ca.server_certificate(&["localhost".to_owned()]);
    assert!(
        matches!(error, Err(IssueError::Expired { .. })),
        "{error:?}"
    );
}

#[tokio::test]
async fn a_certificate_begins_with_its_issuer_at_the_earliest() {
    let world = World::new().await;
    let begin = at("2026-11-23T08:55:00Z");
    world.clock.set(begin);
    assert_eq!(world.issue().unwrap().not_before, begin);
    world.clock.set(begin.minus(Duration::from_millis(1)));
    assert!(matches!(world.issue(), Err(IssueError::ClockBehind { .. })));
}

#[tokio::test]
async fn certificates_are_good_on_both_sides_of_2050() {
    let policy = CertificatePolicy {
        root_validity: 12_000 * DAY,
        issuing_validity: 12_000 * DAY,
        ..CertificatePolicy::default()
    };
    let world = World::with_policy(policy).await;
    for now in [
        "2049-06-01T00:00:00Z",
        "2049-10-15T00:00:00Z",
        "2049-12-31T23:59:59Z",
        "2050-01-01T00:00:00Z",
        "2050-01-01T00:04:59Z",
        "2051-06-01T00:00:00Z",
    ] {
        world.clock.set(at(now));
        let record = world.issue().unwrap();
        assert_eq!(record.not_after, at(now).plus(90 * DAY));
    }
}

#[tokio::test]
async fn the_keys_of_the_server_itself_are_refused() {
    let world = World::new().await;
    let server = world
        .ca
        .server_certificate(&["localhost".to_owned()])
        .unwrap();
    let mut keys = vec![KeyPair::try_from(server.private_key.secret_pkcs8_der()).unwrap()];
    for name in [KeyName::Root, KeyName::Issuing] {
        let material = world.material(name).await;
        let key = pem::decode(material.expose_pem()).unwrap().remove(0);
        keys.push(KeyPair::try_from(key.der.as_slice()).unwrap());
    }
    for key in keys {
        let csr = request(&key);
        csr::parse_csr(&csr).unwrap();
        let error = world.ca.parse_csr(&csr).unwrap_err();
        assert!(error.reason().contains("the server itself"), "{error}");
    }
}

#[tokio::test]
async fn a_server_certificate_names_the_server() {
    let world = World::new().await;
    let names = ["Example.org", "10.0.0.1", "::1", "example.org"].map(str::to_owned);
    let server = world.ca.server_certificate(&names).unwrap();
    assert_eq!(server.not_after, at("2027-02-21T09:00:00Z"));
    assert_eq!(server.chain.len(), 3);
    assert_eq!(server.chain[1], *world.ca.issuing_der());
    assert_eq!(server.chain[2], *world.ca.root_der());
    let end = webpki::EndEntityCert::try_from(&server.chain[0]).unwrap();
    for name in ["example.org", "10.0.0.1", "::1"] {
        let name = name.try_into().unwrap();
        end.verify_is_valid_for_subject_name(&name).unwrap();
    }
    assert!(CertificateIdentity::from_der(&server.chain[0]).is_err());

    let too_many: Vec<_> = (0..101).map(|number| format!("h{number}")).collect();
    for names in [
        vec![],
        vec!["a b".to_owned()],
        vec!["*.org".to_owned()],
        too_many,
    ] {
        let error = world.ca.server_certificate(&names);
        assert!(
            matches!(error, Err(IssueError::InvalidName { .. })),
            "{error:?}"
        );
    }
    let long = format!("{}.example", "a".repeat(63));
    world.ca.server_certificate(&[long]).unwrap();
}

#[tokio::test]
async fn a_crl_names_the_revoked() {
    let world = World::new().await;
    let (this_update, next_update) = (at("2026-11-23T09:00:00.5Z"), at("2026-11-24T09:00:00Z"));
    let revoked: Vec<_> = RevocationReason::ALL
        .into_iter()
        .zip(1_u8..)
        .map(|(reason, number)| RevokedCertificate {
            serial_number: SerialNumber::from_be_bytes(&[number; 16]).unwrap(),
            revoked_at: this_update,
            reason,
            not_after: next_update,
        })
        .collect();
    let der = world.ca.crl(7, &revoked, this_update, next_update).unwrap();
    let (_, crl) = CertificateRevocationList::from_der(&der).unwrap();
    assert_eq!(crl.crl_number().unwrap().to_string(), "7");
    // In the shortest form: OCTET STRING { INTEGER 7 }.
    assert!(der.windows(5).any(|window| window == [4, 3, 2, 1, 7]));
    assert_eq!(
        crl.last_update().timestamp(),
        this_update.unix_millis() / 1000
    );
    assert_eq!(
        crl.next_update().unwrap().timestamp(),
        next_update.unix_millis() / 1000
    );
    let codes: Vec<_> = crl
        .iter_revoked_certificates()
        .map(|entry| entry.reason_code().map(|(_, code)| code.0))
        .collect();
    assert_eq!(codes, [Some(3), Some(5), Some(1), Some(9), Some(4), None]);

    let empty = world.ca.crl(1, &[], this_update, next_update).unwrap();
    let (_, crl) = CertificateRevocationList::from_der(&empty).unwrap();
    assert_eq!(crl.iter_revoked_certificates().count(), 0);
    assert!(world.ca.crl(1, &[], next_update, this_update).is_err());
}

#[tokio::test]
async fn a_crl_may_be_long() {
    let world = World::new().await;
    let (this_update, next_update) = (at("2026-11-23T09:00:00Z"), at("2026-11-24T09:00:00Z"));
    let revoked: Vec<_> = (1..=10_000_u128)
        .map(|number| RevokedCertificate {
            serial_number: SerialNumber::from_be_bytes(&(number << 64).to_be_bytes()).unwrap(),
            revoked_at: this_update,
            reason: RevocationReason::KeyCompromise,
            not_after: next_update,
        })
        .collect();
    let der = world.ca.crl(1, &revoked, this_update, next_update).unwrap();
    let (_, crl) = CertificateRevocationList::from_der(&der).unwrap();
    assert_eq!(crl.iter_revoked_certificates().count(), revoked.len());
}

#[tokio::test]
async fn a_signer_that_fails_or_lies_issues_nothing() {
    let world = World::new().await;
    let material = world.material(KeyName::Issuing).await;
    let key = pem::decode(material.expose_pem()).unwrap().remove(0);
    for lies in [true, false] {
        let signer = Faulty {
            honest: SoftwareSigner::from_pkcs8(&key.der).unwrap(),
            lies,
        };
        let ca = CertificateAuthority::with_signer(
            Arc::new(signer),
            world.ca.chain_pem(),
            CertificatePolicy::default(),
            world.clock.clone(),
            world.random.clone(),
            &[],
        )
        .unwrap();
        let issued = ca.issue(organization(), device(), &new_key());
        let crl = ca.crl(1, &[], world.clock.now(), Timestamp::MAX);
        for error in [issued.unwrap_err(), crl.unwrap_err()] {
            let wanted = match lies {
                true => matches!(error, IssueError::SelfCheck { .. }),
                false => matches!(error, IssueError::Signer(_)),
            };
            assert!(wanted, "{error:?}");
        }
    }
}

#[tokio::test]
async fn an_identity_is_read_from_a_devices_subject_only() {
    let (device, organization) = (device().to_string(), organization().to_string());
    let upper = device.to_uppercase();
    let read = |subject: &[(rcgen::DnType, &str)]| {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::default();
        params.distinguished_name = rcgen::DistinguishedName::new();
        for (name, value) in subject {
            params.distinguished_name.push(name.clone(), *value);
        }
        let der = params.self_signed(&key).unwrap().der().to_vec();
        CertificateIdentity::from_der(&der)
    };
    use rcgen::DnType::{CommonName as CN, CountryName as C, OrganizationName as O};
    assert!(read(&[(CN, &device), (O, &organization)]).is_ok());
    for subject in [
        &[][..],
        &[(CN, device.as_str())],
        &[(O, organization.as_str()), (CN, device.as_str())],
        &[(CN, device.as_str()), (O, organization.as_str()), (C, "XX")],
        &[(CN, upper.as_str()), (O, organization.as_str())],
        &[(CN, "device"), (O, organization.as_str())],
        &[(CN, device.as_str()), (O, "")],
    ] {
        assert!(read(subject).is_err(), "{subject:?}");
    }
    let world = World::new().await;
    let der = der_of(&world.issue().unwrap().pem);
    assert!(CertificateIdentity::from_der(&[&der[..], &[0]].concat()).is_err());
    for end in 0..der.len() {
        assert!(CertificateIdentity::from_der(&der[..end]).is_err());
    }
}

/// Signs another message than it was given, or none.
#[derive(Debug)]
struct Faulty {
    honest: SoftwareSigner,
    lies: bool,
}

impl Signer for Faulty {
    fn public_key(&self) -> &[u8] {
        self.honest.public_key()
    }

    fn algorithm(&self) -> SignatureAlgorithm {
        self.honest.algorithm()
    }

    fn sign(&self, _: &[u8]) -> Result<Vec<u8>, SignerError> {
        if self.lies {
            return self.honest.sign(b"something else");
        }
        Err(SignerError::new("the module is gone"))
    }
}
