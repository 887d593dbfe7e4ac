//! The CA's keys as files that only the own user may read.

use std::io;
use std::path::{Path, PathBuf};

use async_trait::async_trait;
use fieldgate_core::ca::key_store::{KeyMaterial, KeyName, KeyStore, KeyStoreError};

use crate::private_file;

/// Keeps each key in a file `<name>.pem` of a directory.
#[derive(Clone, Debug)]
pub(crate) struct KeyFiles {
    directory: PathBuf,
}

impl KeyFiles {
    /// Opens the directory, and makes it where it is missing.
    ///
    /// # Errors
    ///
    /// What the system reports, and where the directory is open to others.
    pub(crate) fn open(directory: &Path) -> io::Result<Self> {
        private_file::make_directory(directory)?;
        private_file::remove_unfinished(directory)?;
        Ok(Self {
            directory: directory.to_owned(),
        })
    }

    /// Reads what there is, without making or removing anything.
    ///
    /// # Errors
    ///
    /// As [`KeyStore::load`].
    pub(crate) fn read(
        directory: &Path,
        name: KeyName,
    ) -> Result<Option<KeyMaterial>, KeyStoreError> {
        let path = path(directory, name);
        match private_file::read(&path) {
            Ok(text) => Ok(text.map(KeyMaterial::from_pem)),
            Err(error) if is_refusal(error.kind()) => Err(unusable(name, &path, &error)),
            Err(error) => Err(backend(name, error)),
        }
    }
}

#[async_trait]
impl KeyStore for KeyFiles {
    async fn load(&self, name: KeyName) -> Result<Option<KeyMaterial>, KeyStoreError> {
        private_file::check_directory(&self.directory)
            .map_err(|error| unusable(name, &self.directory, &error))?;
        Self::read(&self.directory, name)
    }

    async fn create(&self, name: KeyName, material: &KeyMaterial) -> Result<(), KeyStoreError> {
        let path = path(&self.directory, name);
        let created = private_file::create(&path, material.expose_pem().as_bytes());
        created.map_err(|error| match error.kind() {
            io::ErrorKind::AlreadyExists => KeyStoreError::AlreadyExists(name),
            _ => backend(name, error),
        })
    }
}

/// What whoever runs the server has to know of these files.
pub(crate) const IN_CLEAR: &str = "the CA's keys lie in clear in files of mode 0600: whoever can \
                                   read these or a backup of them can make certificates";

fn path(directory: &Path, name: KeyName) -> PathBuf {
    directory.join(format!("{name}.pem"))
}

/// What is there must not be used, other than what cannot be read for now.
const fn is_refusal(kind: io::ErrorKind) -> bool {
    matches!(
        kind,
        io::ErrorKind::InvalidData | io::ErrorKind::PermissionDenied
    )
}

fn unusable(name: KeyName, path: &Path, error: &io::Error) -> KeyStoreError {
    KeyStoreError::Unusable {
        name,
        reason: format!("{}: {error}", path.display()),
    }
}

fn backend(name: KeyName, error: io::Error) -> KeyStoreError {
    KeyStoreError::Backend {
        name,
        source: Box::new(error),
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink};
    use std::sync::Arc;

    use fieldgate_core::testing::key_store::{DurableKeyStoreFixture, Handle, KeyStoreFixture};
    use zeroize::Zeroizing;

    use super::*;

    fn material(text: &str) -> KeyMaterial {
        KeyMaterial::from_pem(Zeroizing::new(text.to_owned()))
    }

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().mode() & 0o7777
    }

    #[tokio::test]
    async fn what_is_created_is_loaded() {
        let directory = tempfile::tempdir().unwrap();
        let ca = directory.path().join("ca");
        let store = KeyFiles::open(&ca).unwrap();
        assert!(store.load(KeyName::Root).await.unwrap().is_none());
        store
            .create(KeyName::Root, &material("root"))
            .await
            .unwrap();
        let loaded = KeyFiles::open(&ca).unwrap().load(KeyName::Root).await;
        assert_eq!(loaded.unwrap().unwrap().expose_pem(), "root");
        assert_eq!(mode(&ca), 0o700);
        assert_eq!(mode(&ca.join("root.pem")), 0o600);
    }

    #[tokio::test]
    async fn material_that_others_can_read_is_refused() {
        let directory = tempfile::tempdir().unwrap();
        let ca = directory.path().join("ca");
        let store = KeyFiles::open(&ca).unwrap();
        store
            .create(KeyName::Root, &material("root"))
            .await
            .unwrap();
        let path = ca.join("root.pem");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
        let error = store.load(KeyName::Root).await.unwrap_err();
        assert!(matches!(error, KeyStoreError::Unusable { .. }), "{error}");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        fs::set_permissions(&ca, fs::Permissions::from_mode(0o755)).unwrap();
        let error = store.load(KeyName::Root).await.unwrap_err();
        assert!(error.to_string().contains("chmod 0700"), "{error}");
        assert!(KeyFiles::open(&ca).is_err());
    }

    #[tokio::test]
    async fn links_are_refused() {
        let directory = tempfile::tempdir().unwrap();
        let ca = directory.path().join("ca");
        let store = KeyFiles::open(&ca).unwrap();
        store
            .create(KeyName::Root, &material("root"))
            .await
            .unwrap();
        symlink(ca.join("root.pem"), ca.join("issuing.pem")).unwrap();
        let error = store.load(KeyName::Issuing).await.unwrap_err();
        assert!(error.to_string().contains("symbolic link"), "{error}");
        assert!(
            store
                .create(KeyName::Issuing, &material("x"))
                .await
                .is_err()
        );
    }

    /// A directory with keys, closed to others.
    struct Directory {
        root: tempfile::TempDir,
        store: KeyFiles,
    }

    impl Directory {
        fn ca(&self) -> PathBuf {
            self.root.path().join("ca")
        }
    }

    #[async_trait]
    impl KeyStoreFixture for Directory {
        async fn fresh() -> Self {
            let root = tempfile::tempdir().unwrap();
            let store = KeyFiles::open(&root.path().join("ca")).unwrap();
            Self { root, store }
        }

        fn key_store(&self) -> Handle {
            Arc::new(self.store.clone())
        }
    }

    #[async_trait]
    impl DurableKeyStoreFixture for Directory {
        async fn reopen(self) -> Self {
            let store = KeyFiles::open(&self.ca()).unwrap();
            Self { store, ..self }
        }

        fn expose(&self, name: KeyName) {
            let others_read = fs::Permissions::from_mode(0o644);
            fs::set_permissions(path(&self.ca(), name), others_read).unwrap();
        }

        fn spoil(&self, name: KeyName) {
            fs::write(path(&self.ca(), name), [0xff, 0xfe]).unwrap();
        }

        fn cut_off(&self, name: KeyName, material: &KeyMaterial) {
            let path = path(&self.ca(), name);
            private_file::leave_unfinished(&path, &material.expose_pem().as_bytes()[..100]);
        }
    }

    mod contract {
        fieldgate_core::key_store_contract!(super::Directory);
        fieldgate_core::durable_key_store_contract!(super::Directory);
    }
}
