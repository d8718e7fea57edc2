//! The security log: what it keeps, and what it never exceeds.

#![allow(clippy::unwrap_used, reason = "tests")]

use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::net::{IpAddr, Ipv4Addr};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use strongroom_failures::{Entry, Failure, Options, SecurityLog, read};
use tempfile::TempDir;

const CODE: &str = "InvalidSignatureException";

fn source(number: u32) -> IpAddr {
    Ipv4Addr::from_bits(0x7f00_0000 + number).into()
}

fn failure(time_ms: i64, source_number: u32, access_key_id: Option<&str>) -> Failure<'_> {
    Failure { time_ms, source: source(source_number), access_key_id, code: CODE }
}

fn entries(folder: &Path) -> Vec<Entry> {
    read(folder).map(Result::unwrap).collect()
}

fn bytes_in(folder: &Path) -> u64 {
    fs::read_dir(folder).unwrap().map(|file| file.unwrap().metadata().unwrap().len()).sum()
}

#[test]
fn failures_of_one_kind_are_one_line() {
    let folder = TempDir::new().unwrap();
    let log = SecurityLog::open(folder.path(), Options::default()).unwrap();
    for time_ms in [9_000, 10_500, 12_000] {
        log.note(&failure(time_ms, 1, Some("AKIA123")));
    }
    log.note(&failure(9_500, 2, None));
    log.write().unwrap();
    log.write().unwrap();
    log.note(&failure(20_000, 1, Some("AKIA123")));
    log.write().unwrap();
    let found: Vec<_> = entries(folder.path())
        .into_iter()
        .map(|entry| (entry.first, entry.last, entry.source, entry.access_key_id, entry.code, entry.count))
        .collect();
    let time = |seconds: u32| format!("1970-01-01T00:00:{seconds:02}Z");
    let code = || Some(CODE.to_owned());
    let key = || Some("AKIA123".to_owned());
    assert_eq!(
        found,
        [
            (time(9), time(12), Some(source(1)), key(), code(), 3),
            (time(9), time(9), Some(source(2)), None, code(), 1),
            (time(20), time(20), Some(source(1)), key(), code(), 1),
        ]
    );
}

#[test]
fn a_flood_of_any_kind_stays_within_the_bounds() {
    let folder = TempDir::new().unwrap();
    let options = Options { groups: 10, file_bytes: 2_000, files: 3, ..Options::default() };
    let log = SecurityLog::open(folder.path(), options).unwrap();
    for round in 0..50_i64 {
        for number in 0..1_000 {
            log.note(&failure(round * 10_000, number, Some(&format!("AKIA{number}"))));
        }
        log.write().unwrap();
        // One line may stand behind the bound of each file.
        assert!(bytes_in(folder.path()) < 3 * (2_000 + 300), "{} bytes", bytes_in(folder.path()));
    }
    let entries = entries(folder.path());
    assert_eq!(read(folder.path()).unreadable(), 0);
    let last = entries.last().unwrap();
    assert_eq!((last.source, last.count), (None, 990), "those beyond the groups are counted");
    assert_eq!(last.first, "1970-01-01T00:08:10Z");
    assert!(entries.len() > 15, "{}", entries.len());
}

#[test]
fn made_up_access_key_ids_hide_nobody_elses_failures() {
    let folder = TempDir::new().unwrap();
    let log = SecurityLog::open(folder.path(), Options::default()).unwrap();
    for number in 0..1_000 {
        log.note(&failure(1_000, 1, Some(&format!("AKIA{number}"))));
    }
    for _ in 0..3 {
        log.note(&failure(2_000, 2, Some("AKIA0")));
    }
    // One that was told apart before still is.
    log.note(&failure(3_000, 1, Some("AKIA9")));
    log.write().unwrap();
    let entries = entries(folder.path());
    assert_eq!(entries.len(), 12);
    let count = |number, key: Option<&str>| {
        let is_it =
            |entry: &&Entry| entry.source == Some(source(number)) && entry.access_key_id.as_deref() == key;
        entries.iter().filter(is_it).map(|entry| (entry.count, entry.code.is_some())).collect::<Vec<_>>()
    };
    assert_eq!(count(2, Some("AKIA0")), [(3, true)]);
    assert_eq!(count(1, Some("AKIA9")), [(2, true)]);
    assert_eq!(count(1, None), [(990, false)], "the rest of a source is counted as its own");
}

#[test]
fn what_is_no_access_key_id_is_not_written() {
    let folder = TempDir::new().unwrap();
    let log = SecurityLog::open(folder.path(), Options::default()).unwrap();
    let long = "A".repeat(129);
    for id in ["AKIA\n{\"count\":7}", "\u{1b}[31m", long.as_str(), ""] {
        log.note(&failure(0, 1, Some(id)));
    }
    log.write().unwrap();
    let entries = entries(folder.path());
    assert_eq!(entries.len(), 1);
    assert_eq!((&entries[0].access_key_id, entries[0].count), (&None, 4));
}

#[test]
fn a_line_cut_short_is_passed_over_and_nothing_else_is_lost() {
    let folder = TempDir::new().unwrap();
    let write_one = |time_ms| {
        let log = SecurityLog::open(folder.path(), Options::default()).unwrap();
        log.note(&failure(time_ms, 1, None));
        log.write().unwrap();
    };
    write_one(1_000);
    let path = folder.path().join("failures.jsonl");
    OpenOptions::new().append(true).open(&path).unwrap().write_all(br#"{"first":"1970"#).unwrap();
    write_one(2_000);
    let mut reading = read(folder.path());
    let firsts: Vec<_> = reading.by_ref().map(|entry| entry.unwrap().first).collect();
    assert_eq!(firsts, ["1970-01-01T00:00:01Z", "1970-01-01T00:00:02Z"]);
    assert_eq!(reading.unreadable(), 1);
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
}

#[test]
fn lines_are_as_they_were_and_older_ones_are_read() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("failures.jsonl");
    let log = SecurityLog::open(folder.path(), Options::default()).unwrap();
    log.note(&failure(1_000, 1, Some("AKIA123")));
    log.write().unwrap();
    let kept = r#""first":"1970-01-01T00:00:01Z","last":"1970-01-01T00:00:01Z","source":"127.0.0.1","accessKeyId":"AKIA123","code":"InvalidSignatureException","count":1}"#;
    let line = format!("{{\"format\":1,{kept}\n");
    assert_eq!(fs::read_to_string(&path).unwrap(), line);
    // Of before formats had a number; of a later format.
    fs::write(&path, format!("{{{kept}\n{}{line}", line.replace(":1,", ":2,"))).unwrap();
    let mut reading = read(folder.path());
    assert_eq!(reading.by_ref().map(|entry| entry.unwrap().count).collect::<Vec<_>>(), [1, 1]);
    assert_eq!(reading.unreadable(), 1);
}

#[test]
fn older_files_are_read_behind_a_gap_and_across_a_turn() {
    let folder = TempDir::new().unwrap();
    let log = SecurityLog::open(folder.path(), Options::default()).unwrap();
    let file = |age: u32| folder.path().join(format!("failures.{age}.jsonl"));
    for time_ms in [1_000, 2_000, 3_000] {
        log.note(&failure(time_ms, 1, None));
        log.write().unwrap();
        let age = (3_000 - time_ms) / 1_000 + 1;
        fs::copy(folder.path().join("failures.jsonl"), file(age as u32)).unwrap();
        fs::write(folder.path().join("failures.jsonl"), "").unwrap();
    }
    fs::remove_file(file(2)).unwrap();
    let firsts =
        |entries: strongroom_failures::Entries| entries.map(|entry| entry.unwrap().first).collect::<Vec<_>>();
    let all = ["1970-01-01T00:00:01Z", "1970-01-01T00:00:03Z"];
    assert_eq!(firsts(read(folder.path())), all);
    let reading = read(folder.path());
    fs::rename(file(3), file(4)).unwrap();
    fs::rename(file(1), file(2)).unwrap();
    assert_eq!(firsts(reading), all);
}

#[test]
fn a_folder_without_a_log_has_no_entries() {
    let folder = TempDir::new().unwrap();
    assert_eq!(entries(&folder.path().join("none")), []);
}
