//! `fieldgate-server migrate --to URL`: all records in another storage.

use anyhow::Context as _;
use fieldgate_core::clock::{Clock as _, SystemClock};
use fieldgate_core::service::{ArchiveSum, Carriage};
use fieldgate_core::storage::Storage;

use crate::data_dir::{DataDir, Held};
use crate::failure::Failure;
use crate::manifest::table;
use crate::progress::Progress;
use crate::settings::{Settings, StorageUrl};
use crate::storage::OpenStorage;
use crate::transfer::{Source, Transfer};

/// Copies the storage into an empty one; gives the text to print.
///
/// # Errors
///
/// [`Failure`]; the storage stays as it is, and the same command goes on.
pub(crate) async fn migrate(settings: &Settings, to: &StorageUrl) -> Result<String, Failure> {
    if matches!(to, StorageUrl::Memory) {
        return Err(Failure::configuration(
            "--to: what is in memory:// is gone when this command ends",
        ));
    }
    if to.whole() == settings.storage.whole() {
        return Err(Failure::configuration(
            "--to: it is the storage that the server has now",
        ));
    }
    let Held::Here(_directory) = DataDir::hold_present(&settings.data_dir)? else {
        return Err(Failure::runtime(
            "the server is running on this data directory: stop it first, for what it takes in \
             meanwhile would not move along",
        ));
    };
    let source = OpenStorage::open_whole(settings).await?;
    let target = match OpenStorage::open(to).await {
        Ok(target) => target,
        Err(failure) => {
            source.close().await;
            return Err(failure);
        }
    };
    let copied = copy(settings, &*source.port(), (to, &*target.port())).await;
    target.close().await;
    source.close().await;
    let sum = copied?;
    Ok(format!(
        "Moved:     {} to {}\nRecords:   {}, the same in both\n{}\n\
         Start the server with --storage {} from now on; the old storage is as it was.\n",
        settings.storage.masked(),
        to.masked(),
        sum.total(),
        table(&sum),
        to.masked(),
    ))
}

async fn copy(
    settings: &Settings,
    source: &dyn Storage,
    to: (&StorageUrl, &dyn Storage),
) -> anyhow::Result<ArchiveSum> {
    let now = SystemClock.now();
    let source = Source::Storage(source);
    let of = settings.storage.masked();
    let mut transfer = Transfer::begin(&settings.data_dir, "migrate", of, to, now).await?;
    let progress = Progress::begin("counting", None);
    let expected = source.sum(progress, Carriage::AsTheyAre).await?;
    let carried = transfer.run(&source, to.1, Carriage::AsTheyAre, &expected);
    carried
        .await
        .context("the move is not complete: give the same command again to go on")?;
    Ok(expected)
}
