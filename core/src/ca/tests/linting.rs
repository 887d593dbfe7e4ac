//! The self-check finds what is planted.

use super::*;

type Sabotage = fn(&mut CertificateParams);

#[tokio::test]
async fn what_is_the_template_passes_the_check() {
    let world = World::new().await;
    for purpose in [Purpose::Client, Purpose::Server] {
        assert_eq!(check(&world, purpose, |_| ()), Ok(()));
    }
}

#[tokio::test]
async fn what_is_not_the_template_does_not_pass_the_check() {
    let world = World::new().await;
    let sabotages: [(&str, Sabotage); 13] = [
        ("a CA", |params| {
            params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        }),
        ("no BasicConstraints", |params| params.is_ca = IsCa::NoCa),
        ("another key usage", |params| {
            params.key_usages.push(KeyUsagePurpose::KeyCertSign);
        }),
        ("no key usage", |params| params.key_usages.clear()),
        ("another extended key usage", |params| {
            let usage = ExtendedKeyUsagePurpose::CodeSigning;
            params.extended_key_usages.push(usage);
        }),
        ("another subject", |params| {
            let country = rcgen::DnType::CountryName;
            params.distinguished_name.push(country, "XX");
        }),
        ("another name", |params| {
            let address = IpAddr::from([10, 0, 0, 1]);
            params.subject_alt_names.push(SanType::IpAddress(address));
        }),
        ("another serial number", |params| {
            params.serial_number = None
        }),
        ("another beginning", |params| params.not_before -= SECOND),
        ("another end", |params| params.not_after += SECOND),
        ("no authority key identifier", |params| {
            params.use_authority_key_identifier_extension = false;
        }),
        ("no CRL", |params| params.crl_distribution_points.clear()),
        ("another extension", |params| {
            let extension = CustomExtension::from_oid_content(&[2, 5, 29, 99], vec![5, 0]);
            params.custom_extensions = vec![extension];
        }),
    ];
    for (what, sabotage) in sabotages {
        for purpose in [Purpose::Client, Purpose::Server] {
            assert!(check(&world, purpose, sabotage).is_err(), "{what}");
        }
    }
}

#[tokio::test]
async fn what_another_key_signed_does_not_pass_the_check() {
    let world = World::new().await;
    let leaf = leaf(&world, Purpose::Client);
    let (stranger, _) = SoftwareSigner::generate(SignatureAlgorithm::EcdsaP256Sha256).unwrap();
    let issuer =
        rcgen::Issuer::from_ca_cert_der(world.ca.issuing_der(), SigningKey(Arc::new(stranger)));
    let der = leaf.sign(&issuer.unwrap()).unwrap();
    let reason = check_der(&world, &der, &leaf).unwrap_err();
    assert!(reason.contains("path"), "{reason}");
}

#[tokio::test]
async fn a_certificate_for_another_key_does_not_pass_the_check() {
    let world = World::new().await;
    let leaf = leaf(&world, Purpose::Client);
    let other = Leaf {
        public_key: new_key().spki_der().to_vec(),
        serial_number: leaf.serial_number.clone(),
        ..self::leaf(&world, Purpose::Client)
    };
    let der = other.sign(&world.ca.inner.signing).unwrap();
    let reason = check_der(&world, &der, &leaf).unwrap_err();
    assert!(reason.contains("public key"), "{reason}");
}

fn check(
    world: &World,
    purpose: Purpose,
    sabotage: impl Fn(&mut CertificateParams),
) -> Result<(), String> {
    let leaf = leaf(world, purpose);
    let mut params = leaf.params().unwrap();
    sabotage(&mut params);
    let key = rcgen::SubjectPublicKeyInfo::from_der(&leaf.public_key).unwrap();
    let certificate = params.signed_by(&key, &world.ca.inner.signing).unwrap();
    check_der(world, certificate.der(), &leaf)
}

fn check_der(world: &World, der: &CertificateDer<'_>, leaf: &Leaf) -> Result<(), String> {
    let inner = &world.ca.inner;
    lint::check_leaf(der, leaf, &inner.issuing, &inner.root, world.clock.now())
}

fn leaf(world: &World, purpose: Purpose) -> Leaf {
    Leaf {
        common_name: "name".to_owned(),
        organization: Some("organization".to_owned()),
        names: vec![Name::Dns("name.example".to_owned())],
        purpose,
        public_key: new_key().spki_der().to_vec(),
        serial_number: serial_number(&*world.random).unwrap(),
        not_before: at("2026-11-23T08:55:00Z"),
        not_after: at("2026-11-25T00:00:00Z"),
        crl_url: Some("http://a.example/crl".to_owned()),
    }
}

const SECOND: Duration = Duration::from_secs(1);
