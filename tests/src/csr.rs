//! Certificate signing requests, good ones and hostile ones.

use std::fs;
use std::path::Path;

use rcgen::{CertificateParams, KeyPair};

use crate::tools::openssl;

/// A key type of devices, as `openssl genpkey` names it.
#[derive(Clone, Copy, Debug)]
pub struct KeyType {
    /// The algorithm.
    pub algorithm: &'static str,
    /// A further option.
    pub option: Option<&'static str>,
}

/// ECDSA on P-256.
pub const P256: KeyType = elliptic("ec_paramgen_curve:P-256");
/// ECDSA on P-384.
pub const P384: KeyType = elliptic("ec_paramgen_curve:P-384");
/// ECDSA on P-521, which is not allowed.
pub const P521: KeyType = elliptic("ec_paramgen_curve:P-521");
/// Ed25519.
pub const ED25519: KeyType = KeyType {
    algorithm: "ED25519",
    option: None,
};
/// RSA with 1024 bits, which is not allowed.
pub const RSA_1024: KeyType = rsa("rsa_keygen_bits:1024");
/// RSA with 2048 bits.
pub const RSA_2048: KeyType = rsa("rsa_keygen_bits:2048");
/// RSA with 4096 bits.
pub const RSA_4096: KeyType = rsa("rsa_keygen_bits:4096");

const fn elliptic(option: &'static str) -> KeyType {
    KeyType {
        algorithm: "EC",
        option: Some(option),
    }
}

const fn rsa(option: &'static str) -> KeyType {
    KeyType {
        algorithm: "RSA",
        option: Some(option),
    }
}

/// A new P-256 key, and a request by it.
///
/// # Panics
///
/// Never, in practice.
#[must_use]
pub fn new_key() -> (KeyPair, String) {
    let key = KeyPair::generate().expect("a key can be made");
    let csr = request(&key);
    (key, csr)
}

/// A request by a key.
///
/// # Panics
///
/// Never, in practice.
#[must_use]
pub fn request(key: &KeyPair) -> String {
    let request = CertificateParams::default().serialize_request(key);
    request
        .and_then(|request| request.pem())
        .expect("a request can be made")
}

/// A new key of a type in PEM, and a request by it, both made by `openssl`.
///
/// `extra` are further arguments of `openssl req`.
///
/// # Panics
///
/// Where `openssl` fails.
#[must_use]
pub fn by_openssl(dir: &Path, key_type: KeyType, extra: &[&str]) -> (String, String) {
    let dir = tempfile::tempdir_in(dir).expect("a temporary directory");
    let key_file = dir.path().join("device.key");
    let key_path = key_file.to_str().expect("a path in UTF-8");
    let mut genpkey = vec!["genpkey", "-quiet", "-algorithm", key_type.algorithm];
    if let Some(option) = key_type.option {
        genpkey.extend(["-pkeyopt", option]);
    }
    genpkey.extend(["-out", key_path]);
    openssl(genpkey);
    let mut req = vec!["req", "-new", "-key", key_path];
    if !extra.contains(&"-subj") {
        req.extend(["-subj", "/CN=device"]);
    }
    req.extend(extra);
    let csr = openssl(req);
    let key = fs::read_to_string(&key_file).expect("openssl wrote it");
    (key, csr)
}

/// The same request with a damaged signature.
///
/// # Panics
///
/// Where it is no request.
#[must_use]
pub fn badly_signed(csr: &str) -> String {
    let mut lines: Vec<&str> = csr.lines().collect();
    // The line before the last one is in the midst of the signature.
    let at = lines.len() - 3;
    let line = lines[at];
    let other = if line.starts_with('A') { "B" } else { "A" };
    let damaged = format!("{other}{}", &line[1..]);
    lines[at] = &damaged;
    lines.join("\n")
}
