//! The first page of a lookup over ten million records, and what the index costs.
//!
//! `cargo bench -p strongroom-history`; `STRONGROOM_BENCH_RECORDS` sets how many, `JOURNAL_BENCH_DIR` chooses the disk,
//! which must have 6 GB for ten million.

#![allow(clippy::unwrap_used, reason = "a bench may stop at the first surprise")]
#![allow(clippy::disallowed_methods, clippy::disallowed_macros, reason = "a bench measures and prints")]

use std::fs::{self, File};
use std::path::Path;
use std::time::{Duration, Instant};

use strongroom_crypto::ed25519::PrivateKey;
use strongroom_history::{Attribute, Filter, History};
use strongroom_journal::{
    CheckpointKey, Durability, EventId, Identity, IdentityKind, Journal, JournalOptions, KeeperOptions,
    Reader, Record, Resource,
};
use strongroom_secret::Key256;

const RECORDS: u64 = 10_000_000;
/// Records in a frame, as under a load of 64 connections.
const FRAME: u64 = 32;
const PAGE: usize = 50;
const RUNS: usize = 15;
const ACCOUNT: &str = "111122223333";
const NOW: i64 = 1_700_000_000_000;
/// Eighty days in all.
const SPAN_MS: i64 = 80 * 24 * 3600 * 1000;

fn main() {
    // `cargo test` runs benches without this argument, only to see that they build.
    if !std::env::args().any(|argument| argument == "--bench") {
        return;
    }
    let records = std::env::var("STRONGROOM_BENCH_RECORDS").ok().and_then(|text| text.parse().ok());
    let records: u64 = records.unwrap_or(RECORDS);
    let base = std::env::var_os("JOURNAL_BENCH_DIR").map_or_else(std::env::temp_dir, Into::into);
    let dir = tempfile::tempdir_in(base).unwrap();
    let (journal, index) = (dir.path().join("journal"), dir.path().join("index"));
    let begun = Instant::now();
    write(&journal, records);
    let bytes = size(&journal);
    println!(
        "{records} records written in {:.0} s: {} bytes a record",
        begun.elapsed().as_secs_f64(),
        bytes / records
    );

    let open = || History::new(Reader::open(&journal).unwrap(), index.clone(), &Key256::new([9; 32]));
    let history = open();
    let without = first_page(&history, &by(Attribute::EventName, "Decrypt"));
    println!("without an index, by a common value: {:.2} ms", ms(without));
    let before = resident_kib();
    let begun = Instant::now();
    history.catch_up().unwrap();
    let took = begun.elapsed();
    let progress = history.progress();
    println!(
        "index made in {:.1} s: {:.0} records/s, {:.1} bytes a record, {} segments, {} MiB resident more ({} at most)",
        took.as_secs_f64(),
        records as f64 / took.as_secs_f64(),
        progress.bytes as f64 / progress.records as f64,
        progress.indexed,
        (resident_kib().saturating_sub(before)) / 1024,
        (peak_kib().saturating_sub(before)) / 1024,
    );
    drop(history);
    let history = open();
    let begun = Instant::now();
    history.catch_up().unwrap();
    println!("index found again after a restart in {:.2} s", begun.elapsed().as_secs_f64());

    table(&history, dir.path());
    drop(history);
    let begun = Instant::now();
    compress(&journal);
    println!(
        "the journal compressed in {:.0} s: {} bytes a record",
        begun.elapsed().as_secs_f64(),
        size(&journal) / records
    );
    let history = open();
    history.catch_up().unwrap();
    table(&history, dir.path());
}

/// Measures first pages.
fn table(history: &History, dir: &Path) {
    let at = |part: u64| NOW + SPAN_MS / 100 * part as i64;
    let middle = Filter { start_ms: Some(at(49)), end_ms: Some(at(50)), ..everything() };
    let rare = by(Attribute::ResourceName, &arn(u64::MAX));
    println!("first page of {PAGE}, median of {RUNS} (files in memory; not in memory):");
    for (name, filter) in [
        ("without attribute", everything()),
        ("a common value: EventName=Decrypt, 4 of 5 records", by(Attribute::EventName, "Decrypt")),
        ("one key of 2,000", by(Attribute::ResourceName, &arn(7))),
        ("a rare value: three records, the first ones", rare),
        ("a value that nothing has", by(Attribute::ResourceName, "arn:aws:kms:none")),
        ("the EventId of the oldest record", by(Attribute::EventId, &id(0).to_string())),
        ("a range of 19 hours, 40 days ago", middle.clone()),
        ("the same, by a user", Filter { attribute: by(Attribute::Username, "user-3").attribute, ..middle }),
    ] {
        let mut times: Vec<_> = (0..RUNS).map(|_| first_page(history, &filter)).collect();
        times.sort_unstable();
        evict(dir);
        let cold = first_page(history, &filter);
        println!("  {name}: {:.2} ms; {:.1} ms", ms(times[RUNS / 2]), ms(cold));
    }
}

/// Compresses what is closed, as a server does in the background.
fn compress(dir: &Path) {
    let options = JournalOptions { durability: Durability::Written, ..JournalOptions::default() };
    let journal = Journal::open(dir, &options, &Key256::new([7; 32]), "bench", NOW).unwrap().journal;
    let key = CheckpointKey { epoch: 1, key: PrivateKey::from_seed(&[3; 32]).unwrap() };
    let options = KeeperOptions { key, keys_before: Vec::new(), copies: Vec::new() };
    let mut keeper = journal.keeper(options, NOW).unwrap();
    while keeper.compress_next().unwrap().is_some() {}
}

/// Writes the journal: 2,000 keys, 50 users, and one key that only the first three records name.
fn write(dir: &Path, records: u64) {
    let options = JournalOptions { durability: Durability::Written, ..JournalOptions::default() };
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let journal = Journal::open(dir, &options, &Key256::new([7; 32]), "bench", NOW).unwrap().journal;
    runtime.block_on(async {
        let mut number = 0;
        while number < records {
            let end = records.min(number + FRAME);
            let frame: Vec<_> = (number..end).map(|number| record(number, records)).collect();
            journal.append_together(&frame[0], &frame[1..]).await.unwrap();
            number = end;
        }
        journal.close().await.unwrap();
    });
}

fn first_page(history: &History, filter: &Filter) -> Duration {
    let begun = Instant::now();
    let page = history.lookup(filter, PAGE, None).unwrap();
    let took = begun.elapsed();
    std::hint::black_box(page);
    took
}

fn everything() -> Filter {
    Filter { account: ACCOUNT.into(), region: "us-east-1".into(), ..Filter::default() }
}

fn by(attribute: Attribute, value: &str) -> Filter {
    Filter { attribute: Some((attribute, value.into())), ..everything() }
}

fn arn(key: u64) -> String {
    format!("arn:aws:kms:us-east-1:{ACCOUNT}:key/01234567-89ab-4def-8123-{:012x}", key & 0xffff_ffff_ffff)
}

/// Numbers that look like random ones.
fn scatter(number: u64) -> u64 {
    let mut mixed = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

fn id(number: u64) -> EventId {
    let mut id = [0; 16];
    id[..8].copy_from_slice(&scatter(number).to_be_bytes());
    id[8..].copy_from_slice(&scatter(!number).to_be_bytes());
    EventId(id)
}

fn record(number: u64, of: u64) -> Record {
    let chance = scatter(number);
    let name = match chance % 10 {
        0 => "Encrypt",
        1 => "GenerateDataKey",
        _ => "Decrypt",
    };
    let key = if number < 3 { u64::MAX } else { chance / 16 % 2000 };
    let user = format!("user-{}", chance / 65_536 % 50);
    Record {
        event_id: id(number),
        event_time_ms: NOW + (SPAN_MS as f64 * (number as f64 / of as f64)) as i64,
        event_source: "kms.amazonaws.com".into(),
        event_name: name.into(),
        aws_region: "us-east-1".into(),
        account_id: ACCOUNT.into(),
        identity: Identity {
            kind: Some(IdentityKind::IamUser),
            principal_id: Some(format!("AIDA{user}")),
            arn: Some(format!("arn:aws:iam::{ACCOUNT}:user/{user}")),
            account_id: Some(ACCOUNT.into()),
            access_key_id: Some(format!("AKIA{user}")),
            user_name: Some(user),
            ..Identity::default()
        },
        source_ip: "127.0.0.1".into(),
        user_agent: Some("aws-cli/1.45.0 Python/3.13.1 Linux/6.18.44 botocore/1.43.0".into()),
        request_parameters: Some(
            r#"{"encryptionAlgorithm":"SYMMETRIC_DEFAULT","encryptionContext":{"app":"bench"}}"#.into(),
        ),
        request_id: Some(id(number ^ (1 << 60)).to_string()),
        read_only: true,
        resources: Some(vec![Resource {
            account_id: Some(ACCOUNT.into()),
            kind: Some("AWS::KMS::Key".into()),
            arn: arn(key),
        }]),
        management: true,
        ..Record::default()
    }
}

fn ms(time: Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}

/// Gives `take` every file below a folder.
fn each_file(folder: &Path, take: &mut impl FnMut(&Path)) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { each_file(&path, take) } else { take(&path) }
    }
}

fn size(folder: &Path) -> u64 {
    let mut bytes = 0;
    each_file(folder, &mut |file| bytes += fs::metadata(file).unwrap().len());
    bytes
}

/// Has the kernel forget what it keeps of the files.
fn evict(folder: &Path) {
    rustix::fs::sync();
    each_file(folder, &mut |file| {
        rustix::fs::fadvise(File::open(file).unwrap(), 0, None, rustix::fs::Advice::DontNeed).unwrap();
    });
}

fn resident_kib() -> u64 {
    status("VmRSS:")
}

fn peak_kib() -> u64 {
    status("VmHWM:")
}

fn status(name: &str) -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix(name)).unwrap();
    line.trim().trim_end_matches(" kB").parse().unwrap()
}
