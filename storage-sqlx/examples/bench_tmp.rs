//! Temporary.
use fieldgate_core::model::ingestion::*;
use fieldgate_core::model::limits::Limits;
use fieldgate_core::model::reading::Value;
use fieldgate_core::model::timestamp::Timestamp;
use fieldgate_core::storage::*;
use fieldgate_core::testing::fixtures::*;
use fieldgate_storage_sqlx::SqliteStorage;
use std::sync::Arc;
use std::time::Instant;
#[tokio::main]
async fn main() {
    let dir = tempfile::tempdir_in(std::env::args().nth(1).unwrap()).unwrap();
    let storage = SqliteStorage::open(&dir.path().join("b.db")).await.unwrap();
    let org = organization();
    storage
        .create_organization(ServerProof::vouch(), &org, &Effects::NONE)
        .await
        .unwrap();
    let limits = Arc::new(Limits::default());
    let dev = device(org.id, "bench");
    storage.create_device(&dev, &Effects::NONE).await.unwrap();
    let mk = |b: i64, n: i64, sensors: i64| ReadingBatch {
        items: (0..n)
            .map(|i| {
                let mut r = reading(
                    &format!("main/s{}", i % sensors),
                    Timestamp::from_unix_millis(b * 1_000_000 + i).unwrap(),
                    double(i as f64 + 0.5),
                );
                r.metadata = None;
                Ok(r)
            })
            .collect(),
        ..batch([])
    };
    for sensors in [1, 10, 1000] {
        let batches: Vec<_> = (0..50)
            .map(|b| mk(b + sensors * 100, 1000, sensors))
            .collect();
        let t = Instant::now();
        for b in &batches {
            assert_eq!(
                storage
                    .store_readings(org.id, dev.id, b, &limits)
                    .await
                    .unwrap()
                    .stored,
                1000
            );
        }
        println!(
            "batches of 1000 on {sensors} sensors, one after another: {:.0} readings/s",
            50_000.0 / t.elapsed().as_secs_f64()
        );
    }
    for conc in [1i64, 8, 64, 256] {
        let n = if conc == 1 { 300 } else { 10_000 / conc };
        let mut devs = vec![];
        for i in 0..conc {
            let d = device(org.id, &format!("d{conc}-{i}"));
            storage.create_device(&d, &Effects::NONE).await.unwrap();
            devs.push(d);
        }
        for d in &devs {
            storage
                .store_readings(org.id, d.id, &mk(1, 1, 1), &limits)
                .await
                .unwrap();
        }
        let before = storage.commits();
        let t = Instant::now();
        let mut hs = vec![];
        for d in devs {
            let s = storage.clone();
            let l = limits.clone();
            let o = org.id;
            let bs: Vec<_> = (0..n).map(|b| mk(b + 10, 1, 1)).collect();
            hs.push(tokio::spawn(async move {
                for b in bs {
                    s.store_readings(o, d.id, &b, &l).await.unwrap();
                }
            }));
        }
        for h in hs {
            h.await.unwrap();
        }
        println!(
            "{conc} callers, one reading each call: {:.0} calls/s, {} commits for {} calls",
            (n * conc) as f64 / t.elapsed().as_secs_f64(),
            storage.commits() - before,
            n * conc
        );
    }
    let t = Instant::now();
    for _ in 0..2000 {
        storage.device(org.id, dev.id).await.unwrap();
    }
    println!("device(): {:.0}/s", 2000.0 / t.elapsed().as_secs_f64());
    let len = std::fs::metadata(dir.path().join("b.db")).unwrap().len();
    println!("db {len}");
    let _ = Value::BigInt(1);
    storage.close().await;
    println!(
        "closed {}",
        std::fs::metadata(dir.path().join("b.db")).unwrap().len()
    );
}
