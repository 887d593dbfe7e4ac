//! The model itself: what it keeps, what it may lose.

use super::*;

/// A disk whose root is `/d`, with an empty file `db` on it for sure.
fn disk() -> Disk {
    let root = tempfile::tempdir().unwrap();
    fs::write(root.path().join("db"), "").unwrap();
    let mut disk = Disk::holding(root.path());
    disk.reader = Reader::new(Path::new("/d"));
    disk
}

fn after(disk: &Disk, loss: Loss) -> BTreeMap<String, Vec<u8>> {
    let dir = tempfile::tempdir().unwrap();
    disk.lose_power(loss, dir.path());
    let files = fs::read_dir(dir.path()).unwrap().map(|entry| {
        let entry = entry.unwrap();
        let name = entry.file_name().into_string().unwrap();
        (name, fs::read(entry.path()).unwrap())
    });
    files.collect()
}

fn db(disk: &Disk, loss: Loss) -> Vec<u8> {
    after(disk, loss).remove("db").unwrap()
}

/// A write of `letter`, all over so many octets.
fn put(disk: &mut Disk, letter: u8, length: usize, offset: usize) {
    let octets = format!("\\x{letter:02x}").repeat(length);
    disk.note(&format!(
        "1 pwrite64(5</d/db>, \"{octets}\", {length}, {offset}) = {length}"
    ));
}

#[test]
fn what_was_synchronized_is_there_and_the_rest_need_not_be() {
    let mut disk = disk();
    put(&mut disk, 1, 2, 0);
    disk.note("1 fdatasync(5</d/db>) = 0");
    put(&mut disk, 2, 2, 2);
    assert_eq!(disk.uncertain(), 1);
    assert_eq!(db(&disk, Loss::All), [1, 1]);
    assert_eq!(db(&disk, Loss::Nothing), [1, 1, 2, 2]);
}

#[test]
fn a_write_that_goes_on_is_not_in_a_synchronization_that_has_begun() {
    let mut disk = disk();
    disk.note("1 pwrite64(5</d/db>, \"\\x01\", 1, 0 <unfinished ...>");
    disk.note("2 fsync(5</d/db> <unfinished ...>");
    disk.note("1 <... pwrite64 resumed>) = 1");
    disk.note("2 <... fsync resumed>) = 0");
    assert_eq!(db(&disk, Loss::All), [0; 0]);
}

#[test]
fn a_failed_or_missing_synchronization_makes_nothing_durable() {
    let mut disk = disk();
    put(&mut disk, 1, 1, 0);
    disk.note("1 fdatasync(5</d/db>) = -1 EIO (Input/output error)");
    disk.note("1 sync_file_range(5</d/db>, 0, 0, 7) = 0");
    assert_eq!(db(&disk, Loss::All), [0; 0]);
    let mut disk = disk.without_syncs_of(|name| name == "db");
    disk.note("1 fdatasync(5</d/db>) = 0");
    assert_eq!(db(&disk, Loss::All), [0; 0]);
}

#[test]
fn a_write_is_torn_where_the_disk_cuts_it() {
    let mut disk = disk();
    put(&mut disk, 7, 8192, 256);
    let mut states = Vec::new();
    for seed in 0..16 {
        let octets = 512;
        let state = db(&disk, Loss::Pieces { octets, seed });
        for sector in state.chunks(512).skip(1) {
            assert!(sector.iter().all(|octet| octet == &sector[0]));
        }
        states.push(state);
    }
    states.sort();
    states.dedup();
    assert!(states.len() > 10, "{}", states.len());
}

#[test]
fn a_later_write_may_be_there_without_an_earlier_one() {
    let mut disk = disk();
    put(&mut disk, 1, 1, 0);
    put(&mut disk, 2, 1, 512);
    let pieces = |seed| Loss::Pieces { octets: 512, seed };
    let reordered = |state: &Vec<u8>| state.len() == 513 && state[0] == 0;
    let states: Vec<_> = (0..16).map(|seed| db(&disk, pieces(seed))).collect();
    assert!(states.iter().any(reordered));
    // Not so where the disk only stops at some moment.
    let stopped = (0..16).map(|seed| db(&disk, Loss::After { seed }));
    assert!(!stopped.collect::<Vec<_>>().iter().any(reordered));
}

#[test]
fn a_name_waits_for_its_directory() {
    let mut disk = disk();
    let open = "openat(AT_FDCWD</>, \"/d/db-wal\", O_RDWR|O_CREAT, 0600) = 6</d/db-wal>";
    disk.note(&format!("1 {open}"));
    disk.note("1 pwrite64(6</d/db-wal>, \"\\x01\", 1, 0) = 1");
    disk.note("1 fsync(6</d/db-wal>) = 0");
    assert!(!after(&disk, Loss::All).contains_key("db-wal"));
    assert_eq!(after(&disk, Loss::Nothing)["db-wal"], [1]);
    disk.note("1 fsync(7</d>) = 0");
    assert_eq!(after(&disk, Loss::All)["db-wal"], [1]);

    disk.note("1 unlink(\"/d/db-wal\") = 0");
    assert_eq!(after(&disk, Loss::All)["db-wal"], [1]);
    assert!(!after(&disk, Loss::Nothing).contains_key("db-wal"));
}

#[test]
fn a_new_name_replaces_a_file_as_a_whole() {
    let mut disk = disk();
    put(&mut disk, 1, 1, 0);
    disk.note("1 fsync(5</d/db>) = 0");
    disk.note("1 openat(AT_FDCWD</>, \"/d/new\", O_WRONLY|O_CREAT, 0600) = 6</d/new>");
    disk.note("1 write(6</d/new>, \"\\x02\", 1) = 1");
    disk.note("1 fsync(6</d/new>) = 0");
    disk.note("1 rename(\"/d/new\", \"/d/db\") = 0");
    assert_eq!(db(&disk, Loss::All), [1]);
    let renamed = after(&disk, Loss::Nothing);
    assert_eq!(renamed["db"], [2]);
    assert!(!renamed.contains_key("new"));
}
