//! Requests, good ones and hostile ones.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rcgen::{
    BasicConstraints, CertificateParams, CustomExtension, ExtendedKeyUsagePurpose, IsCa, KeyPair,
    KeyUsagePurpose, PublicKeyData as _, SigningKey as _,
};

use super::*;
use crate::model::csr::KeyKind;

#[test]
fn each_allowed_kind_of_key_is_taken() {
    for (csr, kind) in [
        (request(&rcgen::PKCS_ECDSA_P256_SHA256), KeyKind::EcdsaP256),
        (request(&rcgen::PKCS_ECDSA_P384_SHA384), KeyKind::EcdsaP384),
        (request(&rcgen::PKCS_ED25519), KeyKind::Ed25519),
        (RSA_2048.to_owned(), KeyKind::Rsa(2048)),
    ] {
        assert_eq!(parse_csr(&csr).unwrap().kind(), kind);
    }
}

#[test]
fn the_forms_of_one_request_give_one_key() {
    let pem = request(&rcgen::PKCS_ECDSA_P256_SHA256);
    let der = der_of(&pem);
    let key = parse_csr(&pem).unwrap();
    for text in [
        format!("\r\n \t{pem}\n\n"),
        pem.replace('\n', "\r\n"),
        pem.replace("CERTIFICATE REQUEST", "NEW CERTIFICATE REQUEST"),
        STANDARD.encode(&der),
        format!("{}\n", base64_lines(&der)),
    ] {
        assert_eq!(parse_csr(&text).unwrap(), key, "{text}");
    }
}

#[test]
fn what_it_asks_for_is_not_looked_at() {
    let key = KeyPair::generate().unwrap();
    let mut params = CertificateParams::new(vec!["another.device".to_owned()]).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    params.custom_extensions = vec![CustomExtension::from_oid_content(
        &[1, 3, 6, 1, 4, 1, 99_999, 1],
        vec![5, 0],
    )];
    let challenge_password = rcgen::Attribute {
        oid: &[1, 2, 840, 113_549, 1, 9, 7],
        values: vec![0x31, 5, 0x0c, 3, b'a', b'b', b'c'],
    };
    let csr = params
        .serialize_request_with_attributes(&key, vec![challenge_password])
        .unwrap();
    let taken = parse_csr(&csr.pem().unwrap()).unwrap();
    assert_eq!(taken.spki_der(), key.subject_public_key_info());
}

#[test]
fn a_request_cut_off_anywhere_is_refused() {
    for csr in [request(&rcgen::PKCS_ECDSA_P256_SHA256), RSA_2048.to_owned()] {
        let csr = csr.trim_end();
        for end in 0..csr.len() {
            assert!(parse_csr(&csr[..end]).is_err(), "PEM of {end}");
        }
        let der = der_of(csr);
        for end in 0..der.len() {
            assert!(
                parse_csr(&STANDARD.encode(&der[..end])).is_err(),
                "DER of {end}"
            );
        }
    }
}

#[test]
fn a_request_with_any_bit_flipped_is_refused() {
    for csr in [
        request(&rcgen::PKCS_ECDSA_P256_SHA256),
        request(&rcgen::PKCS_ECDSA_P384_SHA384),
        request(&rcgen::PKCS_ED25519),
        RSA_2048.to_owned(),
    ] {
        let der = der_of(&csr);
        for at in 0..der.len() {
            // Checking those of the longer keys takes long.
            let bits = if der.len() > 256 {
                at % 8..at % 8 + 1
            } else {
                0..8
            };
            for bit in bits {
                let mut flipped = der.clone();
                flipped[at] ^= 1 << bit;
                assert!(
                    parse_csr(&STANDARD.encode(&flipped)).is_err(),
                    "bit {bit} of octet {at}"
                );
            }
        }
    }
}

#[test]
fn a_pem_with_any_bit_flipped_is_refused() {
    let csr = request(&rcgen::PKCS_ED25519);
    for (at, bit) in (0..csr.trim_end().len()).flat_map(|at| (0..7).map(move |bit| (at, bit))) {
        let mut flipped = csr.clone().into_bytes();
        flipped[at] ^= 1 << bit;
        let text = String::from_utf8(flipped).unwrap();
        assert!(parse_csr(&text).is_err(), "bit {bit} of octet {at}");
    }
}

#[test]
fn garbage_is_refused_without_a_panic() {
    let base = der_of(&request(&rcgen::PKCS_ECDSA_P256_SHA256));
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut next = move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        usize::try_from(state >> 33).unwrap()
    };
    for _ in 0..20_000 {
        let mut der = base.clone();
        for _ in 0..=next() % 4 {
            let at = next() % der.len();
            match next() % 3 {
                0 => der[at] = u8::try_from(next() % 256).unwrap(),
                1 => drop(der.remove(at)),
                _ => der.insert(at, u8::try_from(next() % 256).unwrap()),
            }
        }
        assert!(der == base || parse_csr(&STANDARD.encode(&der)).is_err());
    }
}

#[test]
fn a_text_that_is_no_single_request_is_refused_with_a_reason() {
    let csr = request(&rcgen::PKCS_ECDSA_P256_SHA256);
    let key = KeyPair::generate().unwrap().serialize_pem();
    let der = der_of(&csr);
    for (text, reason) in [
        (String::new(), "empty"),
        (" \n".to_owned(), "empty"),
        ("hello, world".to_owned(), "neither PEM nor base64"),
        (format!("{csr}{csr}"), "more than one"),
        (format!("{key}{csr}"), "more than one"),
        (format!("{csr} x"), "beside its block"),
        (format!("Certificate Request:\n{csr}"), "beside its block"),
        (format!("\u{feff}{csr}"), "beside its block"),
        (key, "not the key"),
        (
            csr.replace("CERTIFICATE REQUEST", "CERTIFICATE"),
            "no CERTIFICATE REQUEST",
        ),
        (
            STANDARD.encode([&der[..], &[0]].concat()),
            "something after it",
        ),
        (format!("{csr}{}", " ".repeat(CSR_LEN_MAX)), "16 KB"),
        ("A".repeat(1_000_000), "16 KB"),
    ] {
        let error = parse_csr(&text).unwrap_err();
        assert!(error.reason().contains(reason), "{reason}: {error}");
    }
}

#[test]
fn a_malformed_request_is_refused_though_its_signature_verifies() {
    let attribute =
        |oid: &[u8], values: &[u8]| tlv(0x30, &[&tlv(6, &[oid]), &tlv(0x31, &[values])]);
    let extension = tlv(
        0x30,
        &[
            &tlv(6, &[&[0x55, 0x1d, 0x0f]]),
            &tlv(4, &[&[3, 2, 7, 0x80]]),
        ],
    );
    let other = attribute(&[0x2a, 3], &[5, 0]);
    let asks = |extensions: &[u8]| attribute(EXTENSION_REQUEST, &tlv(0x30, &[extensions]));
    let name = |tag: u8, text: &[u8]| {
        let value = tlv(0x30, &[&tlv(6, &[&[0x55, 4, 3]]), &tlv(tag, &[text])]);
        tlv(0x30, &[&tlv(0x31, &[&value])])
    };
    let key = KeyPair::generate().unwrap();
    let spki = key.subject_public_key_info();
    let request = |version: u8, subject: &[u8], rest: &[u8]| {
        let info = tlv(0x30, &[&[2, 1, version], subject, &spki, rest]);
        sign(&key, &info)
    };
    let attributes = |values: &[&[u8]]| tlv(0xa0, values);
    let empty = tlv(0x30, &[]);
    for good in [
        request(0, &empty, &[]),
        request(0, &empty, &attributes(&[])),
        request(0, &empty, &attributes(&[&other, &asks(&extension)])),
        request(0, &name(0x0c, "Gewächshaus".as_bytes()), &[]),
        request(0, &name(0x03, &[0, 7]), &[]),
    ] {
        parse_csr(&good).unwrap();
    }
    for bad in [
        request(1, &empty, &attributes(&[])),
        request(0, &[], &attributes(&[])),
        request(0, &tlv(0x30, &[&tlv(0x31, &[])]), &[]),
        request(0, &name(0x0c, b"a\0b"), &[]),
        request(0, &name(0x0c, "a\u{85}".as_bytes()), &[]),
        request(0, &name(0x0c, &[0xff]), &[]),
        request(0, &name(0x13, b"a\n"), &[]),
        request(0, &name(0x16, &[0x80]), &[]),
        request(0, &name(0x14, b"a"), &[]),
        request(0, &name(0x1c, b"\0\0\0a"), &[]),
        request(0, &name(0x1e, b"\0a"), &[]),
        request(0, &empty, &attributes(&[&other, &other])),
        request(0, &empty, &attributes(&[&asks(&extension.repeat(2))])),
        request(0, &empty, &attributes(&[&asks(&[5, 0])])),
        request(0, &empty, &attributes(&[&[5, 0]])),
        request(0, &empty, &[attributes(&[]), vec![5, 0]].concat()),
    ] {
        let error = parse_csr(&bad).unwrap_err();
        assert!(!error.reason().contains("signature"), "{error}");
    }
}

#[test]
fn a_key_of_small_order_is_refused_though_its_signature_verifies() {
    // The neutral point: everybody can sign for it.
    let mut point = [0; 32];
    point[0] = 1;
    let spki = tlv(
        0x30,
        &[&tlv(0x30, &[ED25519_OID]), &tlv(3, &[&[0], &point])],
    );
    let info = tlv(0x30, &[&[2, 1, 0], &tlv(0x30, &[]), &spki, &tlv(0xa0, &[])]);
    let signature = [&point[..], &[0; 32]].concat();
    let der = tlv(
        0x30,
        &[
            &info,
            &tlv(0x30, &[ED25519_OID]),
            &tlv(3, &[&[0], &signature]),
        ],
    );
    Signed::from_der(&der).unwrap().verify(&spki).unwrap();
    let error = parse_csr(&STANDARD.encode(&der)).unwrap_err();
    assert!(error.reason().contains("weak"), "{error}");
}

#[test]
fn keys_that_are_not_allowed_are_refused_with_a_reason() {
    let spki = |algorithm: &[u8], bits: &[u8]| {
        tlv(0x30, &[&tlv(0x30, &[algorithm]), &tlv(3, &[&[0], bits])])
    };
    let rsa = |modulus: &[u8], exponent: &[u8]| {
        let modulus = tlv(2, &[&[0], modulus]);
        spki(RSA_ALGORITHM, &tlv(0x30, &[&modulus, &tlv(2, &[exponent])]))
    };
    let ec = |curve: &[u8], bits: &[u8]| spki(&[EC_OID, curve].concat(), bits);
    let modulus = |octets: usize| {
        let mut modulus = vec![0xd3; octets];
        modulus[octets - 1] = 0xd5;
        modulus
    };
    for (key, reason) in [
        (rsa(&modulus(128), &[1, 0, 1]), "1024 bits"),
        (rsa(&modulus(520), &[1, 0, 1]), "4160 bits"),
        (
            rsa(&[&[0xff; 1][..], &modulus(255)].concat(), &[3]),
            "65537",
        ),
        (rsa(&[0xf0; 256], &[1, 0, 1]), "even"),
        (rsa(&[0xd3; 256], &[1, 0, 1]), "small factor"),
        (spki(RSA_ALGORITHM, &[5, 0]), "malformed"),
        (ec(P256_OID, &[2; 33]), "uncompressed"),
        (ec(P256_OID, &[0]), "uncompressed"),
        (ec(SECP256K1_OID, &[4; 65]), "kind of the key"),
        (ec(&tlv(0x30, &[&[2, 1, 1]]), &[4; 65]), "written out"),
        (spki(ED25519_OID, &[4; 31]), "32 octets"),
        (spki(ED448_OID, &[4; 57]), "kind of the key"),
    ] {
        let error = parse_public_key(&key).unwrap_err();
        assert!(error.reason().contains(reason), "{reason}: {error}");
    }
}

#[test]
fn a_point_off_the_curve_is_refused() {
    let key = KeyPair::generate().unwrap();
    let mut off = key.subject_public_key_info();
    *off.last_mut().unwrap() ^= 1;
    let info = tlv(0x30, &[&[2, 1, 0], &tlv(0x30, &[]), &off, &tlv(0xa0, &[])]);
    assert!(parse_csr(&sign(&key, &info)).is_err());
}

fn request(algorithm: &'static rcgen::SignatureAlgorithm) -> String {
    let key = KeyPair::generate_for(algorithm).unwrap();
    let csr = CertificateParams::default().serialize_request(&key);
    csr.unwrap().pem().unwrap()
}

/// Signs a request's info by ECDSA on P-256 with SHA-256; gives base64.
fn sign(key: &KeyPair, info: &[u8]) -> String {
    let algorithm = tlv(0x30, &[&[6, 8, 0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 3, 2]]);
    let signature = key.sign(info).unwrap();
    STANDARD.encode(tlv(0x30, &[info, &algorithm, &tlv(3, &[&[0], &signature])]))
}

/// Writes a value; the content comes in parts.
fn tlv(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
    let content: Vec<u8> = parts.concat();
    let mut octets = vec![tag];
    let length = u16::try_from(content.len()).unwrap();
    match length {
        ..0x80 => octets.push(u8::try_from(length).unwrap()),
        0x80..0x100 => octets.extend([0x81, u8::try_from(length).unwrap()]),
        _ => octets.extend([&[0x82], &length.to_be_bytes()[..]].concat()),
    }
    octets.extend(content);
    octets
}

fn der_of(pem_text: &str) -> Vec<u8> {
    pem::decode(pem_text).unwrap().remove(0).der.to_vec()
}

fn base64_lines(der: &[u8]) -> String {
    let text = STANDARD.encode(der);
    let lines: Vec<_> = text
        .as_bytes()
        .chunks(76)
        .map(|line| std::str::from_utf8(line).unwrap())
        .collect();
    lines.join("\n")
}

/// Made by `openssl req -new -newkey rsa:2048`.
const RSA_2048: &str = include_str!("testdata/rsa2048.csr");

const EC_OID: &[u8] = &[6, 7, 0x2a, 0x86, 0x48, 0xce, 0x3d, 2, 1];
const P256_OID: &[u8] = &[6, 8, 0x2a, 0x86, 0x48, 0xce, 0x3d, 3, 1, 7];
const SECP256K1_OID: &[u8] = &[6, 5, 0x2b, 0x81, 4, 0, 0x0a];
const ED25519_OID: &[u8] = &[6, 3, 0x2b, 0x65, 0x70];
const ED448_OID: &[u8] = &[6, 3, 0x2b, 0x65, 0x71];
const RSA_ALGORITHM: &[u8] = &[6, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 1, 5, 0];
