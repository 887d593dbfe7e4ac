//! PostgreSQL with checksums of its pages: a check tells what cannot be read.

use std::fs;
use std::path::{Path, PathBuf};

use fieldgate_storage_sqlx::testing::TestCluster;
use fieldgate_tests::Server;

use crate::furnished::Furnished;
use crate::image::Checked;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_damaged_page_of_postgres_is_found_and_its_table_named() {
    let cluster = TestCluster::start(&[]);
    let mut world = Furnished::of(Server::start_on(&cluster)).await;
    world.end().await;
    for marked in world.marked() {
        // All that is in memory goes to the files.
        cluster.stop();
        let places = places(&cluster.data().join("base"), marked.text.as_bytes());
        assert!(!places.is_empty(), "{} is not stored", marked.text);
        let kind = marked.name.split(' ').next().unwrap();
        let (mut named, mut said) = (false, Vec::new());
        for (file, at) in places {
            let sound = fs::read(&file).unwrap();
            let mut damaged = sound.clone();
            damaged[at] ^= 1;
            fs::write(&file, damaged).unwrap();
            cluster.restart();

            let checked = Checked::of(&world.server);
            if checked.is_found() {
                // Without the table that is asked first, PostgreSQL's own words have to do.
                named |=
                    checked.says(kind, "error XX001") || checked.complains("invalid page in block");
                said.push(checked);
            } else {
                // A page of an index: what it leads to is there, and as it was.
                let (_, content) = world.server.database().unwrap();
                assert!(content.contains(&marked.text), "{marked:?} in {file:?}");
            }

            cluster.stop();
            fs::write(&file, sound).unwrap();
        }
        cluster.restart();
        assert!(named, "{marked:?} is never named: {said:?}");
    }
}

/// Where a text is stored.
fn places(directory: &Path, text: &[u8]) -> Vec<(PathBuf, usize)> {
    let mut places = Vec::new();
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            places.extend(self::places(&path, text));
            continue;
        }
        let octets = fs::read(&path).unwrap();
        let found = octets.windows(text.len()).position(|window| window == text);
        places.extend(found.map(|at| (path, at)));
    }
    places
}
