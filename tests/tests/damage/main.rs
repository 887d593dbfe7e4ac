//! One changed octet in what is stored: a check finds it and names it, and all else can still be
//! read.
//!
//! Where an octet means nothing, as in the free space of a page, nothing is to be found: then all
//! records are as they were. `FIELDGATE_DAMAGE_FLIPS=5000` is the long form, so many octets of each
//! storage; with `--no-capture` it says what became of them.

#![expect(
    clippy::unwrap_used,
    reason = "a test fails where something is not as it should be"
)]

mod furnished;
mod image;
mod postgres;
mod torn;

use fieldgate_tests::StorageKind;

use crate::furnished::Furnished;
use crate::image::{Checked, Image, records};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_damaged_record_is_named_and_the_rest_is_readable() {
    let mut world = Furnished::new(StorageKind::Sqlite).await;
    world.end().await;
    let image = Image::take(&world.server, StorageKind::Sqlite);
    for marked in world.marked() {
        let places = image.find(marked.text.as_bytes());
        assert!(!places.is_empty(), "{} is not stored", marked.text);
        let mut named = None;
        for place in places {
            // It stays a text, and of the same length.
            let octet = place + marked.text.len() / 2;
            image.put_back_with(octet, 0x01);
            let checked = Checked::of(&world.server);
            assert!(checked.is_found(), "{marked:?} at {octet}: {checked:?}");
            if checked.names(&marked.name) {
                named = Some(octet);
            }
        }
        let octet = named.unwrap_or_else(|| panic!("{marked:?} is never named"));
        image.put_back_with(octet, 0x01);
        if marked.name.starts_with("issuer ") {
            // There is no CA without it.
            let refused = world.server.try_restart().unwrap_err();
            assert!(refused.contains("damaged"), "{refused}");
            continue;
        }
        world.server.restart();
        world.assert_rest_is_readable(&marked).await;
        world.end().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn any_octet_of_sqlite_is_found_or_means_nothing() {
    any_octet(StorageKind::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn any_octet_of_sled_is_found_or_means_nothing() {
    any_octet(StorageKind::Sled).await;
}

#[expect(clippy::print_stdout, reason = "the long form is to be watched")]
async fn any_octet(storage: StorageKind) {
    let mut world = Furnished::new(storage).await;
    world.end().await;
    let image = Image::take(&world.server, storage);
    let before = records(image.copy(), storage).await.unwrap();
    let octets = image.some_octets(flips());
    let (mut found, mut without_effect, mut missed) = (0, 0, Vec::new());
    for (octet, bit) in octets {
        image.put_back_with(octet, bit);
        let checked = Checked::of(&world.server);
        if checked.is_found() {
            found += 1;
        } else if records(image.copy(), storage).await.as_ref() == Ok(&before) {
            without_effect += 1;
        } else {
            missed.push((octet, bit));
        }
    }
    println!(
        "{storage:?}: {found} found, {without_effect} without effect, {} missed",
        missed.len()
    );
    assert!(found > 0, "nothing was found");
    assert_eq!(missed, [], "changed what is read, and were not found");
}

fn flips() -> usize {
    std::env::var("FIELDGATE_DAMAGE_FLIPS").map_or(FLIPS, |flips| flips.parse().unwrap())
}

const FLIPS: usize = 60;
