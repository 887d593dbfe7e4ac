//! What the device keeps: its key, and what the server gave it.

use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{ErrorKind, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, ensure};
use rcgen::KeyPair;
use serde_json::Value;

/// The directory of what has to survive a restart.
pub(crate) struct State {
    directory: PathBuf,
}

impl State {
    /// What lies in a directory, which need not be there yet.
    pub(crate) fn of(directory: &Path) -> Self {
        Self {
            directory: directory.to_owned(),
        }
    }

    /// Makes the directory where it is missing.
    pub(crate) fn make(&self) -> Result<()> {
        let directory = &self.directory;
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(directory)
            .with_context(|| format!("{} cannot be made", directory.display()))
    }

    pub(crate) fn directory(&self) -> &Path {
        &self.directory
    }

    /// The private key: the one that is there, else a new one, which is written down first.
    pub(crate) fn key(&self) -> Result<KeyPair> {
        if let Some(key) = self.known_key()? {
            return Ok(key);
        }
        let path = self.key_file();
        let key = KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256)?;
        self.write(&path, key.serialize_pem().as_bytes())?;
        Ok(key)
    }

    /// The private key, if it is there.
    pub(crate) fn known_key(&self) -> Result<Option<KeyPair>> {
        let path = self.key_file();
        if !path.try_exists()? {
            return Ok(None);
        }
        let others = path.metadata()?.permissions().mode() & 0o077;
        ensure!(
            others == 0,
            "{} can be read by others: chmod 0600 it",
            path.display()
        );
        let pem = std::fs::read_to_string(&path)?;
        let key = KeyPair::from_pem(&pem);
        key.map(Some)
            .with_context(|| format!("{} is damaged: remove it and start again", path.display()))
    }

    fn key_file(&self) -> PathBuf {
        self.directory.join("key.pem")
    }

    /// What the server answered when it gave the certificate.
    pub(crate) fn identity(&self) -> Result<Option<Value>> {
        let path = self.directory.join("identity.json");
        match std::fs::read(&path) {
            Ok(text) => serde_json::from_slice(&text).map(Some).with_context(|| {
                format!(
                    "{} is damaged: remove it, and get a new token",
                    path.display()
                )
            }),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error).with_context(|| format!("{} cannot be read", path.display())),
        }
    }

    /// Keeps certificate, chain and connection in one piece.
    pub(crate) fn keep_identity(&self, identity: &Value) -> Result<()> {
        let path = self.directory.join("identity.json");
        self.write(&path, format!("{identity:#}\n").as_bytes())
    }

    /// The whole file or nothing of it, also when the power fails.
    fn write(&self, path: &Path, content: &[u8]) -> Result<()> {
        let unfinished = path.with_extension("unfinished");
        match std::fs::remove_file(&unfinished) {
            Err(error) if error.kind() != ErrorKind::NotFound => return Err(error.into()),
            _ => {}
        }
        let mut file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&unfinished)?;
        file.write_all(content)?;
        file.sync_all()?;
        std::fs::rename(&unfinished, path)?;
        File::open(&self.directory)?.sync_all()?;
        Ok(())
    }
}
