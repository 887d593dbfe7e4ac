//! `fieldgate-server backup FILE`: all records in one file, while the server runs or not.

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use fieldgate_core::ca::key_store::KeyName;
use fieldgate_core::clock::{Clock as _, SystemClock};
use fieldgate_core::service::{Carriage, Carrier};
use fieldgate_core::storage::{ServerProof, Storage};
use fieldgate_storage_sqlx::{SqliteBackup, SqliteStorage};
use serde_json::Value;
use zeroize::Zeroizing;

use crate::api_client::ApiClient;
use crate::cli::Backup;
use crate::data_dir::{self, DataDir, Held};
use crate::failure::Failure;
use crate::key_files::KeyFiles;
use crate::manifest::{Manifest, difference, table};
use crate::progress::Progress;
use crate::settings::Settings;
use crate::storage::OpenStorage;
use crate::transfer::Source;
use crate::{private_file, sealed_keys};

/// Makes a backup; gives the text to print.
///
/// # Errors
///
/// [`Failure`]; there is no file then, or the one that was there before.
pub(crate) async fn back_up(settings: &Settings, wanted: &Backup) -> Result<String, Failure> {
    let taken = wanted.file.symlink_metadata().is_ok();
    if taken {
        return Err(taken_already(&wanted.file));
    }
    let passphrase = passphrase(wanted)?;
    let made = match DataDir::hold_present(&settings.data_dir)? {
        Held::Elsewhere => by_server(&settings.data_dir).await?,
        Held::Here(_directory) => by_storage(settings).await?,
    };
    let finished = finish(settings, &made, wanted, passphrase.as_ref()).await;
    let removed = fs::remove_file(&made);
    let manifest = finished?;
    removed.context("the unfinished file cannot be removed")?;
    Ok(format!(
        "Backup:    {}\nOf:        {}\nSHA-256:   {}\nRecords:   {}\n{}CA keys:   {}\n",
        wanted.file.display(),
        manifest.made_at,
        manifest.sum.sha256,
        manifest.sum.total(),
        table(&manifest.sum),
        if passphrase.is_some() {
            "locked by the passphrase"
        } else {
            "not in it; keep a copy of the directory `ca` somewhere else"
        }
    ))
}

fn passphrase(wanted: &Backup) -> Result<Option<Zeroizing<String>>, Failure> {
    match (&wanted.passphrase_file, wanted.with_keys) {
        (Some(path), true) => {
            let read = sealed_keys::passphrase(path);
            Ok(Some(read.map_err(Failure::Configuration)?))
        }
        (None, false) => Ok(None),
        _ => Err(Failure::configuration(
            "--with-keys and --passphrase-file FILE go together",
        )),
    }
}

/// Lets the running server make the file, which it puts into the data directory.
async fn by_server(data_dir: &Path) -> Result<PathBuf, Failure> {
    let client = ApiClient::find_as(data_dir, &data_dir::server_key(data_dir))?;
    let answer = client.work("/api/v1/server/backup").await?.success()?;
    let name = answer.get("file").and_then(Value::as_str);
    let name = name.filter(|name| !name.contains('/'));
    Ok(data_dir.join(name.context("the answer has no file")?))
}

/// No server runs: opens the storage.
async fn by_storage(settings: &Settings) -> Result<PathBuf, Failure> {
    let storage = OpenStorage::open_whole(settings).await?;
    let port = storage.port();
    let source = settings.storage.scheme();
    let progress = Progress::begin("copying", None);
    let made = make(&*port, source, &settings.data_dir, progress).await;
    storage.close().await;
    Ok(made?)
}

/// Makes a backup in a file of the data directory that is removed at the next start, if nobody takes
/// it away.
///
/// # Errors
///
/// Where storage or disk fail; there is no file then.
pub(crate) async fn make(
    storage: &dyn Storage,
    source: &str,
    data_dir: &Path,
    mut progress: Progress,
) -> anyhow::Result<PathBuf> {
    let unfinished = Unfinished(Some(private_file::unfinished(data_dir, "backup")));
    let path = unfinished.0.clone().unwrap_or_default();
    let file = SqliteStorage::open(&path).await?;
    let made_at = SystemClock.now();
    let archive = storage.archive(ServerProof::vouch(), None).await?;
    let mut carrier = Carrier::new(archive, Carriage::AsTheyAre);
    while carrier.step(&file).await?.is_some() {
        progress.reach(carrier.count());
    }
    progress.end();
    let sum = carrier.sum();
    // What is in the file is what a restore will find.
    let written = Source::Storage(&file);
    let written = written.sum(Progress::unseen(), Carriage::AsTheyAre).await?;
    if let Some(difference) = difference(&written, &sum) {
        bail!("the file does not hold what was written to it ({difference})");
    }
    let manifest = Manifest {
        made_at,
        source: source.to_owned(),
        sum,
    };
    let notes = [(MANIFEST.to_owned(), manifest.to_json())];
    file.seal(&BTreeMap::from(notes)).await?;
    Ok(unfinished.finished())
}

/// A database that is not finished; gone with all its files when this is dropped.
struct Unfinished(Option<PathBuf>);

impl Unfinished {
    fn finished(mut self) -> PathBuf {
        self.0.take().unwrap_or_default()
    }
}

impl Drop for Unfinished {
    fn drop(&mut self) {
        let Some(path) = self.0.take() else {
            return;
        };
        for suffix in ["", "-wal", "-shm", "-journal", ".lock"] {
            let mut name = path.clone().into_os_string();
            name.push(suffix);
            let _ = fs::remove_file(name);
        }
    }
}

/// Adds the keys, and puts the file where it is wanted.
async fn finish(
    settings: &Settings,
    made: &Path,
    wanted: &Backup,
    passphrase: Option<&Zeroizing<String>>,
) -> Result<Manifest, Failure> {
    let mut backup = SqliteBackup::open(made).await.context("the new backup")?;
    if let Some(passphrase) = passphrase {
        let keys = locked_keys(&data_dir::ca(&settings.data_dir), passphrase)?;
        backup = backup.add_notes(&keys).await.context("the new backup")?;
    }
    let manifest = backup.note(MANIFEST).context("the new backup")?;
    let manifest = Manifest::parse(manifest)?;
    let placed = place(made, &wanted.file, |from, to| fs::hard_link(from, to));
    placed.map_err(|error| match error.kind() {
        io::ErrorKind::AlreadyExists => taken_already(&wanted.file),
        _ => Failure::runtime(format!("{}: {error}", wanted.file.display())),
    })?;
    Ok(manifest)
}

fn locked_keys(directory: &Path, passphrase: &str) -> anyhow::Result<BTreeMap<String, String>> {
    let mut notes = BTreeMap::new();
    for name in [KeyName::Issuing, KeyName::Root] {
        // The root may be kept elsewhere.
        if let Some(material) = KeyFiles::read(directory, name)? {
            let locked = sealed_keys::lock(&material, passphrase, random()?)?;
            notes.insert(key_note(name), locked);
        }
    }
    if notes.is_empty() {
        bail!("there are no CA keys in {}", directory.display());
    }
    Ok(notes)
}

fn random() -> anyhow::Result<[u8; 32]> {
    use fieldgate_core::random::{Random as _, SystemRandom};
    let mut octets = [0; 32];
    SystemRandom.fill(&mut octets)?;
    Ok(octets)
}

/// Puts a file under another name, as a whole or not at all, and never over another one.
fn place(from: &Path, to: &Path, link: impl Fn(&Path, &Path) -> io::Result<()>) -> io::Result<()> {
    let parent = match to.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    File::open(from)?.sync_all()?;
    match link(from, to) {
        // On another device, or on a file system that has no links, which each says in its own way.
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => {
            let unfinished = private_file::unfinished(parent, "backup");
            let placed = copy(from, &unfinished).and_then(|()| take_name(&unfinished, to));
            let _ = fs::remove_file(&unfinished);
            placed?;
        }
        linked => linked?,
    }
    File::open(parent)?.sync_all()
}

fn copy(from: &Path, to: &Path) -> io::Result<()> {
    io::copy(&mut File::open(from)?, &mut create(to)?)?;
    File::open(to)?.sync_all()
}

/// Renames a file to a name that nothing has: an empty file holds it until then.
fn take_name(from: &Path, to: &Path) -> io::Result<()> {
    create(to)?;
    let renamed = fs::rename(from, to);
    if renamed.is_err() {
        let _ = fs::remove_file(to);
    }
    renamed
}

fn create(path: &Path) -> io::Result<File> {
    OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)
}

fn taken_already(path: &Path) -> Failure {
    Failure::runtime(format!(
        "{} is there already, and a backup never takes the place of a file",
        path.display()
    ))
}

/// The note under which the keys of a name lie.
pub(crate) fn key_note(name: KeyName) -> String {
    format!("key.{name}")
}

/// The note that says what is in a backup.
pub(crate) const MANIFEST: &str = "manifest";

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn a_backup_needs_no_links() {
        let directory = tempfile::tempdir().unwrap();
        let [from, to, there] = ["from", "to", "there"].map(|name| directory.path().join(name));
        fs::write(&from, "all records").unwrap();
        fs::write(&there, "precious").unwrap();
        for kind in [
            io::ErrorKind::CrossesDevices,
            io::ErrorKind::PermissionDenied,
            io::ErrorKind::Unsupported,
        ] {
            let link = move |_: &Path, _: &Path| Err(kind.into());
            place(&from, &to, link).unwrap();
            assert_eq!(fs::read_to_string(&to).unwrap(), "all records");
            let mode = fs::metadata(&to).unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o600);
            let refused = place(&from, &there, link).unwrap_err();
            assert_eq!(refused.kind(), io::ErrorKind::AlreadyExists);
            assert_eq!(fs::read_to_string(&there).unwrap(), "precious");
            fs::remove_file(&to).unwrap();
            assert_eq!(directory.path().read_dir().unwrap().count(), 2);
        }
        fs::remove_file(&from).unwrap();
        let link = |_: &Path, _: &Path| Err(io::ErrorKind::CrossesDevices.into());
        place(&from, &to, link).unwrap_err();
        assert!(!to.exists(), "a name is left without its file");
    }
}
