//! `fieldgate-server restore FILE`: all records of a backup in an empty storage.

use std::path::Path;

use anyhow::{Context as _, bail};
use fieldgate_core::ca::key_store::{KeyMaterial, KeyName, KeyStore as _, KeyStoreError};
use fieldgate_core::clock::{Clock as _, SystemClock};
use fieldgate_core::service::Carriage;
use fieldgate_storage_sqlx::SqliteBackup;

use crate::backup_command::{MANIFEST, key_note};
use crate::cli::Restore;
use crate::data_dir::{self, DataDir, Held};
use crate::failure::Failure;
use crate::key_files::KeyFiles;
use crate::manifest::{Manifest, difference, table};
use crate::progress::Progress;
use crate::sealed_keys;
use crate::settings::{Settings, StorageUrl};
use crate::storage::OpenStorage;
use crate::transfer::{Source, Transfer};

/// Restores a backup; gives the text to print.
///
/// # Errors
///
/// [`Failure`]; where records have been written already, the same command goes on.
pub(crate) async fn restore(settings: &Settings, wanted: &Restore) -> Result<String, Failure> {
    if matches!(settings.storage, StorageUrl::Memory) {
        return Err(Failure::configuration(
            "with memory:// what is restored is gone when this command ends: name a storage by \
             --storage",
        ));
    }
    let Held::Here(directory) = DataDir::hold(&settings.data_dir)? else {
        return Err(Failure::runtime(
            "the server is running on this data directory: stop it first",
        ));
    };
    let unusable = || format!("the backup {}", wanted.file.display());
    let backup = SqliteBackup::open(&wanted.file)
        .await
        .with_context(unusable)?;
    let manifest = backup.note(MANIFEST).context("it has no manifest");
    let manifest = manifest.and_then(Manifest::parse).with_context(unusable)?;
    let source = Source::Backup(&backup);
    let total = Some(manifest.sum.total());
    let progress = Progress::begin("checking the backup", total);
    let found = source.sum(progress, Carriage::AsTheyAre).await;
    let found = found.with_context(unusable)?;
    if let Some(difference) = difference(&found, &manifest.sum) {
        return Err(Failure::runtime(format!(
            "the backup {} is damaged: it does not hold what its manifest says ({difference})",
            wanted.file.display()
        )));
    }
    let keys = unlocked_keys(&backup, wanted.passphrase_file.as_deref())?;
    let with_keys = !keys.is_empty();
    write_keys(&directory.ca(), keys).await?;
    let storage = OpenStorage::open(&settings.storage).await?;
    let restored = fill(settings, &storage, &source, &manifest).await;
    storage.close().await;
    restored?;
    Ok(report(settings, &backup, &manifest, with_keys))
}

async fn fill(
    settings: &Settings,
    storage: &OpenStorage,
    source: &Source<'_>,
    manifest: &Manifest,
) -> anyhow::Result<()> {
    let target = storage.port();
    let of = manifest.sum.sha256.to_string();
    let to = (&settings.storage, &*target);
    let now = SystemClock.now();
    let mut transfer = Transfer::begin(&settings.data_dir, "restore", of, to, now).await?;
    let carriage = Carriage::Restored(transfer.began);
    let total = Some(manifest.sum.total());
    let progress = Progress::begin("reading", total);
    let expected = source.sum(progress, carriage).await?;
    let carried = transfer.run(source, &*target, carriage, &expected).await;
    carried.context("the restore is not complete: give the same command again to go on")
}

/// The keys in the backup, if a passphrase for them was given.
fn unlocked_keys(
    backup: &SqliteBackup,
    passphrase_file: Option<&Path>,
) -> Result<Vec<(KeyName, KeyMaterial)>, Failure> {
    let Some(path) = passphrase_file else {
        return Ok(Vec::new());
    };
    let passphrase = sealed_keys::passphrase(path).map_err(Failure::Configuration)?;
    let mut keys = Vec::new();
    for name in [KeyName::Issuing, KeyName::Root] {
        if let Some(locked) = backup.note(&key_note(name)) {
            keys.push((name, sealed_keys::unlock(name, locked, &passphrase)?));
        }
    }
    if keys.is_empty() {
        return Err(Failure::runtime(
            "there are no CA keys in the backup: leave --passphrase-file out",
        ));
    }
    Ok(keys)
}

async fn write_keys(directory: &Path, keys: Vec<(KeyName, KeyMaterial)>) -> anyhow::Result<()> {
    if keys.is_empty() {
        return Ok(());
    }
    let files = KeyFiles::open(directory).with_context(|| directory.display().to_string())?;
    for (name, material) in keys {
        match files.create(name, &material).await {
            Err(KeyStoreError::AlreadyExists(_)) => {
                let there = KeyFiles::read(directory, name)?;
                if there.is_none_or(|there| there.expose_pem() != material.expose_pem()) {
                    bail!(
                        "{} has another {name} key already: move it away, or leave \
                         --passphrase-file out",
                        directory.display()
                    );
                }
            }
            created => created?,
        }
    }
    Ok(())
}

fn report(
    settings: &Settings,
    backup: &SqliteBackup,
    manifest: &Manifest,
    with_keys: bool,
) -> String {
    let mut text = format!(
        "Restored:  {}\nOf:        {}, from {}\nRecords:   {}\n{}\
         \n\
         Tokens that had not been redeemed are revoked: mint new ones by `token --again NAME`.\n\
         What was revoked, deleted or shut out after {} is good again, certificates and API keys \
         too: do that again.\n\
         Devices that got a certificate after it are refused: they need a new token.\n",
        settings.storage.masked(),
        manifest.made_at,
        manifest.source,
        manifest.sum.total(),
        table(&manifest.sum),
        manifest.made_at,
    );
    let ca = data_dir::ca(&settings.data_dir);
    if !with_keys && !ca.join("issuing.pem").exists() {
        let locked = backup.note(&key_note(KeyName::Issuing)).is_some();
        text.push_str(&format!(
            "\nThe CA's keys are not in {}: {} before the server starts.\n",
            ca.display(),
            if locked {
                "they are in the backup; move the new storage away and restore with \
                 --passphrase-file, or copy them there"
            } else {
                "copy the directory there from where you keep it"
            }
        ));
    }
    if !data_dir::admin_key(&settings.data_dir).exists() {
        text.push_str(
            "\nThe API keys are those of the backup, which does not hold their secrets: use the ones \
             that you have, or copy admin.key and server.key of the old data directory.\n",
        );
    }
    text
}
