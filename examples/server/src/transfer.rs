//! Carries all records into a storage, so that it can go on where it was cut off.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail, ensure};
use fieldgate_core::model::certificate::Sha256Digest;
use fieldgate_core::model::timestamp::Timestamp;
use fieldgate_core::service::{ArchiveSum, Carriage, Carrier};
use fieldgate_core::storage::{Archive, Bookmark, ServerProof, Storage};
use fieldgate_storage_sqlx::SqliteBackup;
use serde_json::{Value, json};

use crate::manifest::difference;
use crate::private_file;
use crate::progress::Progress;
use crate::settings::StorageUrl;

/// Where records come from.
pub(crate) enum Source<'s> {
    Backup(&'s SqliteBackup),
    Storage(&'s dyn Storage),
}

impl Source<'_> {
    async fn archive(&self, after: Option<&Bookmark>) -> anyhow::Result<Box<dyn Archive>> {
        let opened = match self {
            Self::Backup(backup) => backup.archive(after).await,
            Self::Storage(storage) => storage.archive(ServerProof::vouch(), after).await,
        };
        Ok(opened?)
    }

    /// Reads all of it and sums it up.
    ///
    /// # Errors
    ///
    /// Where a record does not read.
    pub(crate) async fn sum(
        &self,
        mut progress: Progress,
        carriage: Carriage,
    ) -> anyhow::Result<ArchiveSum> {
        let mut carrier = Carrier::new(self.archive(None).await?, carriage);
        while !carrier.next().await?.is_empty() {
            progress.reach(carrier.count());
        }
        progress.end();
        Ok(carrier.sum())
    }
}

/// A transfer that is under way, as the data directory remembers it until it is done.
#[derive(Debug)]
pub(crate) struct Transfer {
    file: PathBuf,
    /// `restore` or `migrate`.
    what: &'static str,
    /// What it carries.
    of: String,
    /// Names the target; its URL may hold a secret.
    to: Sha256Digest,
    shown: String,
    /// When it began, which may be in what it writes.
    pub(crate) began: Timestamp,
    place: Option<Bookmark>,
}

impl Transfer {
    /// Begins a transfer, or goes on with the one that was cut off. A new one needs an empty target.
    ///
    /// # Errors
    ///
    /// Where another transfer was cut off, or the target has something already.
    pub(crate) async fn begin(
        data_dir: &Path,
        what: &'static str,
        of: String,
        to: (&StorageUrl, &dyn Storage),
        now: Timestamp,
    ) -> anyhow::Result<Self> {
        let (url, target) = to;
        let file = file(data_dir);
        let mut this = Self {
            file,
            what,
            of,
            to: digest(url),
            shown: url.masked(),
            began: now,
            place: None,
        };
        if let Some(old) = read(&this.file)? {
            let same = old.what == what && old.of == this.of && old.to == this.to.to_string();
            ensure!(
                same,
                "a {} into {} was cut off and has to come first: the same command again goes on with \
                 it (to give it up, remove that storage and {})",
                old.what,
                old.shown,
                this.file.display()
            );
            this.began = old.began;
            this.place = old.place;
            return Ok(this);
        }
        let mut archive = target.archive(ServerProof::vouch(), None).await?;
        ensure!(
            archive.next(1).await?.is_empty(),
            "the storage {} is not empty: name another, or move it away",
            this.shown
        );
        this.note()?;
        Ok(this)
    }

    /// Carries all that is not there yet, and compares what the target has then with what it has to
    /// have.
    ///
    /// # Errors
    ///
    /// Where storages fail, and where they differ in the end.
    pub(crate) async fn run(
        &mut self,
        source: &Source<'_>,
        target: &dyn Storage,
        carriage: Carriage,
        expected: &ArchiveSum,
    ) -> anyhow::Result<()> {
        let total = expected.total();
        let archive = source.archive(self.place.as_ref()).await?;
        let mut carrier = Carrier::new(archive, carriage);
        let mut progress = Progress::begin("copying", Some(total));
        let mut noted = Instant::now();
        while let Some(place) = carrier.step(target).await? {
            progress.reach(carrier.count());
            self.place = Some(place);
            if noted.elapsed() >= NOTE_EVERY {
                self.note()?;
                noted = Instant::now();
            }
        }
        progress.end();
        let target = Source::Storage(target);
        let progress = Progress::begin("comparing", Some(total));
        let found = target.sum(progress, Carriage::AsTheyAre).await?;
        if let Some(difference) = difference(&found, expected) {
            bail!(
                "what is in {} is not what it has to be ({difference}): was one of the two changed \
                 meanwhile? Remove that storage and {}, and begin again",
                self.shown,
                self.file.display()
            );
        }
        private_file::remove(&self.file)
            .with_context(|| format!("{} cannot be removed", self.file.display()))
    }

    fn note(&self) -> anyhow::Result<()> {
        let json = json!({
            "what": self.what,
            "of": self.of,
            "to": self.to.to_string(),
            "shown": self.shown,
            "began": self.began.to_string(),
            "place": self.place.as_ref().map(ToString::to_string),
        });
        private_file::replace(&self.file, json.to_string().as_bytes())
            .with_context(|| format!("{} cannot be written", self.file.display()))
    }
}

/// Refuses a storage into which a transfer was cut off.
///
/// # Errors
///
/// Where the storage is half of something.
pub(crate) fn refuse_half(data_dir: &Path, storage: &StorageUrl) -> anyhow::Result<()> {
    let unfinished = read(&file(data_dir))?;
    let Some(half) = unfinished.filter(|half| half.to == digest(storage).to_string()) else {
        return Ok(());
    };
    bail!(
        "a {} into {} was cut off, so that it is only half there: give the same command again to go \
         on with it",
        half.what,
        half.shown
    );
}

/// What is remembered of a transfer.
struct Noted {
    what: String,
    of: String,
    to: String,
    shown: String,
    began: Timestamp,
    place: Option<Bookmark>,
}

fn read(file: &Path) -> anyhow::Result<Option<Noted>> {
    let unread = || format!("{} cannot be read", file.display());
    let Some(text) = private_file::read(file).with_context(unread)? else {
        return Ok(None);
    };
    let json: Value = serde_json::from_str(&text).with_context(unread)?;
    let field = |name: &str| json.get(name).and_then(Value::as_str);
    let noted = || {
        Some(Noted {
            what: field("what")?.to_owned(),
            of: field("of")?.to_owned(),
            to: field("to")?.to_owned(),
            shown: field("shown")?.to_owned(),
            began: field("began")?.parse().ok()?,
            place: field("place").map(str::parse).transpose().ok()?,
        })
    };
    noted().with_context(unread).map(Some)
}

fn file(data_dir: &Path) -> PathBuf {
    data_dir.join("transfer.json")
}

fn digest(url: &StorageUrl) -> Sha256Digest {
    Sha256Digest::of(url.whole().as_bytes())
}

/// How often the place is noted; what was carried since is carried once more, which changes nothing.
const NOTE_EVERY: Duration = Duration::from_secs(1);
