//! What becomes of the file: cut off, damaged, opened twice.
#![expect(
    clippy::unwrap_used,
    reason = "these are tests: a failure has to name its line"
)]

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use fieldgate_core::model::id::OrganizationId;
use fieldgate_core::storage::{
    ArchiveStore as _, DeviceStore as _, Effects, OrganizationStore as _, ServerProof,
};
use fieldgate_core::testing::fixtures::{device, organization};
use fieldgate_custom_storage::{JournalStorage, OpenError};
use tempfile::TempDir;

const SERVER: ServerProof = ServerProof::vouch();

/// A file with three entries, and where the last two of them end.
struct Written {
    directory: TempDir,
    organization: OrganizationId,
    ends: [usize; 2],
}

impl Written {
    async fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("journal");
        let storage = JournalStorage::open(&path).await.unwrap();
        let new = organization();
        let created = storage.create_organization(SERVER, &new, None, &Effects::NONE);
        created.await.unwrap();
        let mut ends = [0; 2];
        for (number, end) in ends.iter_mut().enumerate() {
            let device = device(new.id, &format!("device {number}"));
            let created = storage.create_device(&device, &Effects::NONE).await;
            created.unwrap();
            *end = fs::read(&path).unwrap().len();
        }
        Self {
            directory,
            organization: new.id,
            ends,
        }
    }

    fn path(&self) -> PathBuf {
        self.directory.path().join("journal")
    }

    async fn devices(&self, path: &Path) -> u64 {
        let storage = JournalStorage::open(path).await.unwrap();
        assert_eq!(storage.verify(SERVER).await.unwrap(), []);
        let summary = storage.device_summary(self.organization).await;
        summary.unwrap().total
    }
}

#[tokio::test]
async fn an_entry_that_is_cut_off_is_left_out_and_the_next_takes_its_place() {
    let written = Written::new().await;
    let whole = fs::read(written.path()).unwrap();
    let [first, last] = written.ends;
    assert_eq!(whole.len(), last);
    for end in first..=last {
        let path = written.directory.path().join(format!("cut at {end}"));
        fs::write(&path, &whole[..end]).unwrap();
        let expected = if end == last { 2 } else { 1 };
        assert_eq!(written.devices(&path).await, expected, "cut at {end}");
    }
    let path = written
        .directory
        .path()
        .join(format!("cut at {}", last - 1));
    let storage = JournalStorage::open(&path).await.unwrap();
    let device = device(written.organization, "again");
    let created = storage.create_device(&device, &Effects::NONE).await;
    created.unwrap();
    drop(storage);
    assert_eq!(written.devices(&path).await, 2);
}

#[tokio::test]
async fn a_damaged_entry_is_refused_where_others_come_behind_it() {
    let written = Written::new().await;
    let whole = fs::read(written.path()).unwrap();
    for at in (0..written.ends[0]).step_by(7) {
        let mut damaged = whole.clone();
        damaged[at] ^= 1;
        let path = written.directory.path().join(format!("damaged at {at}"));
        fs::write(&path, &damaged).unwrap();
        let refused = JournalStorage::open(&path).await.unwrap_err();
        assert!(
            matches!(&refused, OpenError::Damaged { at: from, .. } if *from <= at),
            "{refused:?}"
        );
        assert_eq!(fs::read(&path).unwrap(), damaged, "it is left as it was");
    }
}

#[tokio::test]
async fn a_check_reads_the_file_anew() {
    let written = Written::new().await;
    let storage = JournalStorage::open(&written.path()).await.unwrap();
    let mut damaged = fs::read(written.path()).unwrap();
    damaged[written.ends[0] + 80] ^= 1;
    fs::write(written.path(), damaged).unwrap();
    let findings = storage.verify(SERVER).await.unwrap();
    assert_eq!(findings.len(), 1, "{findings:?}");
    assert_eq!(findings[0].place, "file");
}

#[tokio::test]
async fn a_file_is_open_once_at_a_time() {
    let written = Written::new().await;
    let storage = JournalStorage::open(&written.path()).await.unwrap();
    let second = JournalStorage::open(&written.path()).await;
    assert!(matches!(second, Err(OpenError::InUse { .. })), "{second:?}");
    drop(storage);
    JournalStorage::open(&written.path()).await.unwrap();
}

#[tokio::test]
async fn only_the_owner_may_read_the_files() {
    let written = Written::new().await;
    for entry in fs::read_dir(written.directory.path()).unwrap() {
        let mode = entry.unwrap().metadata().unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
}

#[tokio::test]
async fn a_file_of_old_entries_is_written_anew_when_it_is_opened() {
    let written = Written::new().await;
    let storage = JournalStorage::open(&written.path()).await.unwrap();
    let (slug, name) = ("other".parse().unwrap(), "Other".parse().unwrap());
    for _ in 0..1100 {
        let id = written.organization;
        let changed = storage.update_organization(SERVER, id, None, &slug, &name);
        changed.await.unwrap();
    }
    let before = storage.organization(written.organization).await.unwrap();
    drop(storage);
    let long = fs::metadata(written.path()).unwrap().len();

    let storage = JournalStorage::open(&written.path()).await.unwrap();
    let after = storage.organization(written.organization).await.unwrap();
    assert_eq!(after, before);
    let short = fs::metadata(written.path()).unwrap().len();
    assert!(short * 50 < long, "{short} of {long}");
    drop(storage);
    assert_eq!(written.devices(&written.path()).await, 2);
}
