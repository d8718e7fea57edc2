//! Append throughput, by callers and durability, beside the disk's own flush time; and of the same journal as rows of a
//! PostgreSQL server that waits for the disk, too.
//!
//! `cargo bench -p strongroom-journal`; `JOURNAL_BENCH_DIR` chooses the disk, `TMPDIR` that of PostgreSQL.

#![allow(clippy::unwrap_used, reason = "a bench may stop at the first surprise")]
#![allow(clippy::disallowed_methods, clippy::disallowed_macros, reason = "a bench measures and prints")]

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use strongroom_journal::{
    Durability, EventId, Identity, IdentityKind, Journal, JournalOptions, MIGRATIONS, Record, Report,
    Resource, TlsDetails, Trust, verify, verify_store,
};
use strongroom_secret::Key256;
use strongroom_store::{Db, OpenOptions};
use strongroom_testkit::TempPg;

const RUN: Duration = Duration::from_secs(3);

fn main() {
    // `cargo test` runs benches without this argument, only to see that they build.
    if !std::env::args().any(|argument| argument == "--bench") {
        return;
    }
    let base = std::env::var_os("JOURNAL_BENCH_DIR").map_or_else(std::env::temp_dir, Into::into);
    let dir = tempfile::tempdir_in(base).unwrap();
    println!("one Decrypt record: {} bytes encoded", decrypt(0).encode().len());
    println!("encode + SHA-256: {} ns", encode_time().as_nanos());
    println!("flush of 4 KiB, written before: {} us", flush_time(dir.path()).as_micros());
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    for durability in [Durability::Sync, Durability::Written] {
        for callers in [1, 16, 64, 256] {
            let place = dir.path().join(format!("{durability:?}-{callers}"));
            let options = JournalOptions { durability, ..JournalOptions::default() };
            let journal = Journal::open(&place, &options, &key(), "bench", 0).unwrap().journal;
            runtime.block_on(run(journal, &format!("{durability:?}"), callers));
            verified(|trust| verify(&place, trust, |_| {}).unwrap());
            std::fs::remove_dir_all(&place).unwrap();
        }
    }
    let postgres = TempPg::start_durable().unwrap();
    for callers in [1, 16, 64, 256] {
        let db = runtime.block_on(async {
            let db = Db::open(&postgres.create_database(), &OpenOptions::default()).await.unwrap();
            db.migrate(&[MIGRATIONS]).await.unwrap();
            db
        });
        let journal = Journal::open_in_store(&db, "bench", &JournalOptions::default(), &key(), 0);
        runtime.block_on(run(journal.unwrap().journal, "PostgreSQL", callers));
        verified(|trust| verify_store(&db, trust, |_| {}).unwrap().journals.remove(0).1);
    }
}

/// Verifies what was written, and tells how fast.
fn verified(verify: impl FnOnce(&Trust<'_>) -> Report) {
    let start = Instant::now();
    let report = verify(&Trust::seal(|_| Some(key()), |_| None));
    assert!(report.is_intact(), "{:?}", report.first_break());
    let rate = report.records as f64 / start.elapsed().as_secs_f64();
    println!(
        "    {:.1} records/frame, verified at {rate:.0} records/s",
        report.records as f64 / report.frames as f64
    );
}

async fn run(journal: Journal, place: &str, callers: usize) {
    let journal = Arc::new(journal);
    let appended = Arc::new(AtomicU64::new(0));
    let start = Instant::now();
    let tasks: Vec<_> = (0..callers)
        .map(|_| {
            let (journal, appended) = (Arc::clone(&journal), Arc::clone(&appended));
            tokio::spawn(async move {
                let mut worst = Duration::ZERO;
                let mut total = Duration::ZERO;
                let mut count = 0_u32;
                while start.elapsed() < RUN {
                    let record = decrypt(appended.fetch_add(1, Ordering::Relaxed));
                    let begun = Instant::now();
                    journal.append(&record).await.unwrap();
                    let took = begun.elapsed();
                    worst = worst.max(took);
                    total += took;
                    count += 1;
                }
                (worst, total / count)
            })
        })
        .collect();
    let (mut worst, mut mean) = (Duration::ZERO, Duration::ZERO);
    for task in tasks {
        let (longest, average) = task.await.unwrap();
        worst = worst.max(longest);
        mean += average / callers as u32;
    }
    let rate = appended.load(Ordering::Relaxed) as f64 / start.elapsed().as_secs_f64();
    journal.close().await.unwrap();
    println!(
        "{place}, {callers} callers: {rate:.0} records/s, mean {} us, longest {} us",
        mean.as_micros(),
        worst.as_micros()
    );
}

fn encode_time() -> Duration {
    let start = Instant::now();
    for number in 0..10_000 {
        std::hint::black_box(strongroom_crypto::digest::sha256(&decrypt(number).encode()));
    }
    start.elapsed() / 10_000
}

fn flush_time(dir: &Path) -> Duration {
    let file = File::create(dir.join("flush")).unwrap();
    file.write_all_at(&vec![0; 4 << 20], 0).unwrap();
    file.sync_all().unwrap();
    let start = Instant::now();
    for page in 0..500 {
        file.write_all_at(&[1; 4096], page * 4096).unwrap();
        file.sync_data().unwrap();
    }
    start.elapsed() / 500
}

fn key() -> Key256 {
    Key256::new([7; 32])
}

fn decrypt(number: u64) -> Record {
    let mut id = [0; 16];
    id[..8].copy_from_slice(&number.to_be_bytes());
    Record {
        event_id: EventId(id),
        event_time_ms: 1_700_000_000_000 + number as i64,
        event_source: "kms.amazonaws.com".into(),
        event_name: "Decrypt".into(),
        aws_region: "us-east-1".into(),
        account_id: "000000000000".into(),
        identity: Identity {
            kind: Some(IdentityKind::Root),
            principal_id: Some("000000000000".into()),
            arn: Some("arn:aws:iam::000000000000:root".into()),
            account_id: Some("000000000000".into()),
            access_key_id: Some("test".into()),
            ..Identity::default()
        },
        source_ip: "127.0.0.1".into(),
        user_agent: Some("aws-cli/1.45.0 Python/3.13.1 Linux/6.18.44 botocore/1.43.0".into()),
        request_parameters: Some(
            r#"{"encryptionAlgorithm":"SYMMETRIC_DEFAULT","encryptionContext":{"app":"bench"}}"#.into(),
        ),
        additional_event_data: Some(
            r#"{"keyMaterialId":"0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"}"#.into(),
        ),
        request_id: Some("01234567-89ab-cdef-0123-456789abcdef".into()),
        read_only: true,
        resources: Some(vec![Resource {
            account_id: Some("000000000000".into()),
            kind: Some("AWS::KMS::Key".into()),
            arn: "arn:aws:kms:us-east-1:000000000000:key/01234567-89ab-cdef-0123-456789abcdef".into(),
        }]),
        management: true,
        tls: Some(TlsDetails { host: Some("127.0.0.1:4566".into()), ..TlsDetails::default() }),
        ..Record::default()
    }
}
