//! `fieldgate-server ca show`: the CA as it lies on the disk, without its keys.

use std::fmt::Write as _;
use std::path::Path;

use anyhow::Context as _;
use fieldgate_core::ca::key_store::KeyName;
use fieldgate_core::model::certificate::Sha256Digest;
use fieldgate_core::model::timestamp::Timestamp;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use x509_parser::prelude::{FromDer as _, X509Certificate};

use crate::data_dir;
use crate::failure::Failure;
use crate::key_files::KeyFiles;

/// Describes the CA: the fingerprint of its root, subjects and spans, and the chain in PEM.
///
/// # Errors
///
/// [`Failure`] where there is none, or where it cannot be read.
pub(crate) fn show(data_dir: &Path) -> Result<String, Failure> {
    let directory = data_dir::ca(data_dir);
    let material = KeyFiles::read(&directory, KeyName::Issuing).map_err(anyhow::Error::new)?;
    let Some(material) = material else {
        return Err(Failure::runtime(format!(
            "there is no CA in {} yet: the first start of the server makes it",
            directory.display()
        )));
    };
    let pem = material.expose_pem();
    let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem.as_bytes()).collect();
    let chain = chain.map_err(|_| damaged())?;
    let root = chain.last().ok_or_else(damaged)?;
    let mut text = format!("Root SHA-256:  {}\n", Sha256Digest::of(root));
    for (what, der) in ["Issuing CA", "Root CA"].into_iter().zip(&chain) {
        describe(&mut text, what, der).ok_or_else(damaged)?;
    }
    text.push('\n');
    let blocks = pem
        .find("-----BEGIN CERTIFICATE-----")
        .and_then(|begin| pem.get(begin..))
        .context("its material has no certificate")?;
    text.push_str(blocks);
    Ok(text)
}

fn describe(text: &mut String, what: &str, der: &[u8]) -> Option<()> {
    let (_, certificate) = X509Certificate::from_der(der).ok()?;
    let validity = certificate.validity();
    let time = |at: x509_parser::time::ASN1Time| Timestamp::try_from(at.to_datetime()).ok();
    writeln!(
        text,
        "\n{what}\n  subject:     {}\n  issuer:      {}\n  not before:  {}\n  not after:   {}",
        certificate.subject(),
        certificate.issuer(),
        time(validity.not_before)?,
        time(validity.not_after)?,
    )
    .ok()
}

fn damaged() -> Failure {
    Failure::runtime("the CA's material is damaged: restore it from the backup")
}
