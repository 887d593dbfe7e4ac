//! The CA's keys in a backup: locked by a passphrase.

use std::path::Path;

use anyhow::{Context as _, bail, ensure};
use fieldgate_core::ca::key_store::{KeyMaterial, KeyName};
use pkcs8::pkcs5::pbes2;
use pkcs8::{EncryptedPrivateKeyInfoRef, LineEnding, PrivateKeyInfoRef, SecretDocument};
use zeroize::Zeroizing;

use crate::private_file;

/// Reads a passphrase from the first line of a file of the own user.
///
/// # Errors
///
/// Where the file cannot be read or others can read it, and for a short one.
pub(crate) fn passphrase(path: &Path) -> anyhow::Result<Zeroizing<String>> {
    let text = private_file::read(path).with_context(|| path.display().to_string())?;
    let text = text.with_context(|| format!("there is no file {}", path.display()))?;
    let line = text.lines().next().unwrap_or_default();
    ensure!(
        line.chars().count() >= PASSPHRASE_MIN,
        "the passphrase on the first line of {} has fewer than {PASSPHRASE_MIN} characters",
        path.display()
    );
    Ok(Zeroizing::new(line.to_owned()))
}

/// Locks the private key of some material (PKCS #8, PBES2 with scrypt and AES-256); its certificates
/// stay as they are.
///
/// # Errors
///
/// Where the material has another form than that of the CA.
pub(crate) fn lock(
    material: &KeyMaterial,
    passphrase: &str,
    salt: [u8; 32],
) -> anyhow::Result<String> {
    let (key, certificates) = split(material.expose_pem(), PRIVATE)?;
    let (_, document) =
        SecretDocument::from_pem(key).map_err(|_| anyhow::anyhow!("the key is damaged"))?;
    let (salt, iv) = salt.split_at(16);
    let iv = iv.try_into().context("the random octets")?;
    let parameters = pbes2::Parameters::generate_scrypt_aes256cbc(scrypt()?, salt, iv)
        .map_err(|_| anyhow::anyhow!("the key cannot be locked"))?;
    let key: PrivateKeyInfoRef<'_> = document
        .as_bytes()
        .try_into()
        .map_err(|_| anyhow::anyhow!("the key is damaged"))?;
    let locked = key
        .encrypt_with_params(parameters, passphrase)
        .and_then(|locked| Ok(locked.to_pem(LOCKED, LineEnding::LF)?))
        .map_err(|_| anyhow::anyhow!("the key cannot be locked"))?;
    Ok(format!("{}{certificates}", locked.as_str()))
}

/// Unlocks what [`lock`] has locked.
///
/// # Errors
///
/// For another passphrase, and where it is damaged.
pub(crate) fn unlock(name: KeyName, locked: &str, passphrase: &str) -> anyhow::Result<KeyMaterial> {
    let (key, certificates) = split(locked, LOCKED)?;
    let damaged = || format!("the {name} key in the backup is damaged");
    let (_, document) = SecretDocument::from_pem(key).ok().with_context(damaged)?;
    let key: EncryptedPrivateKeyInfoRef<'_> =
        document.as_bytes().try_into().ok().with_context(damaged)?;
    let Ok(key) = key.decrypt(passphrase) else {
        bail!("the passphrase does not open the {name} key in the backup");
    };
    let key = key.to_pem(PRIVATE, LineEnding::LF);
    let key = key.ok().with_context(damaged)?;
    let text = Zeroizing::new(format!("{}{certificates}", key.as_str()));
    Ok(KeyMaterial::from_pem(text))
}

/// The block of a key, and what follows it.
fn split<'t>(text: &'t str, label: &str) -> anyhow::Result<(&'t str, &'t str)> {
    let end = format!("-----END {label}-----\n");
    let begins = text.starts_with(&format!("-----BEGIN {label}-----\n"));
    let at = text.find(&end).filter(|_| begins);
    let at = at.context("the CA's material does not begin with its key")?;
    Ok(text.split_at(at + end.len()))
}

fn scrypt() -> anyhow::Result<pkcs8::pkcs5::scrypt::Params> {
    // 128 MiB and some hundred milliseconds for every guess.
    let parameters = pkcs8::pkcs5::scrypt::Params::new(17, 8, 1);
    parameters.map_err(|_| anyhow::anyhow!("the key cannot be locked"))
}

const PRIVATE: &str = "PRIVATE KEY";
const LOCKED: &str = "ENCRYPTED PRIVATE KEY";

const PASSPHRASE_MIN: usize = 12;

#[cfg(test)]
mod tests {
    use std::fs::{self, Permissions};
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn a_passphrase_is_the_first_line() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("passphrase");
        let read = |text: &str| {
            fs::write(&path, text).unwrap();
            fs::set_permissions(&path, Permissions::from_mode(0o600)).unwrap();
            passphrase(&path)
        };
        for text in [
            "correct horse battery",
            "correct horse battery\n",
            "correct horse battery\r\n",
            "correct horse battery\nof the server in the cellar\n",
        ] {
            assert_eq!(*read(text).unwrap(), "correct horse battery");
        }
        for text in ["", "\n", "too short\n", "\ncorrect horse battery\n"] {
            let refused = read(text).unwrap_err().to_string();
            assert!(refused.contains("first line"), "{refused}");
            assert!(!refused.contains("horse"), "{refused}");
        }
    }
}
