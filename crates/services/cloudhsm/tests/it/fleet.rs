//! What HSMs hand to the control plane, and what it does not take from them.

use std::sync::Arc;

use strongroom_hsm_proto::fleet::{
    Append, Audit, AuditRecord, BlobKind, Compact, Entries, Failed, FailedCode, GetPiece, MAX_ENTRY,
    PlaneAnswer, PlaneCall, PutPiece, Read, Register,
};
use strongroom_testkit::{TestDatabase, on_both_engines};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use crate::fixture::hsm::{FakeHsm, Line};
use crate::fixture::{Bench, DAY, until};

on_both_engines! {
    a_log_is_an_order_without_gaps,
    a_log_is_compacted_behind_its_snapshot,
    audit_records_are_recorded_once,
    blobs_come_in_order_and_stay,
    one_hsm_serves_no_other_cluster,
    what_is_no_frame_ends_its_connection_only,
}

fn line_of(bench: &Bench, hsm: &str) -> Line {
    bench.placement.hsm(hsm).line()
}

async fn ask(line: &Line, call: PlaneCall) -> PlaneAnswer {
    line.call(call).await.unwrap()
}

/// The kind of failure that a call is answered with.
async fn refused(line: &Line, call: PlaneCall) -> FailedCode {
    match ask(line, call).await {
        PlaneAnswer::Failed(Failed { code, .. }) => FailedCode::try_from(code).unwrap(),
        other => panic!("{other:?} is no failure"),
    }
}

async fn read(line: &Line, from: u64, max_bytes: u32) -> Entries {
    match ask(line, PlaneCall::Read(Read { from, max_bytes })).await {
        PlaneAnswer::Entries(entries) => entries,
        other => panic!("{other:?} are no entries"),
    }
}

fn append(sequence: u64, entry: &[u8]) -> PlaneCall {
    PlaneCall::Append(Append { sequence, entry: entry.to_vec() })
}

async fn a_log_is_an_order_without_gaps(database: &TestDatabase) {
    let bench = Bench::new(database).await;
    let (_, hsm) = bench.client().active().await;
    let line = line_of(&bench, &hsm);
    let head = read(&line, 1, 64).await.head;
    assert_eq!(head, 1, "the founding");
    assert!(matches!(ask(&line, append(2, b"two")).await, PlaneAnswer::Appended(done) if done.sequence == 2));
    for taken in [1, 2, 4, u64::MAX] {
        let answer = ask(&line, append(taken, b"other")).await;
        assert!(matches!(answer, PlaneAnswer::Occupied(at) if at.head == 2), "{taken}");
    }
    for odd in [append(0, b"zero"), append(3, b""), append(3, &vec![0; MAX_ENTRY + 1])] {
        assert_eq!(refused(&line, odd).await, FailedCode::InvalidRequest);
    }
    ask(&line, append(3, &[3; 100])).await;
    // One at least, then as many as there is room for.
    for (from, max_bytes, wanted) in
        [(1, 0, &[1][..]), (1, 8, &[1, 2]), (2, 10_000, &[2, 3]), (3, 1, &[3]), (4, 64, &[])]
    {
        let page = read(&line, from, max_bytes).await;
        let got: Vec<_> = page.entries.iter().map(|entry| entry.sequence).collect();
        assert_eq!((got.as_slice(), page.head, page.first), (wanted, 3, 1), "from {from}, {max_bytes} bytes");
    }
}

async fn a_log_is_compacted_behind_its_snapshot(database: &TestDatabase) {
    let bench = Bench::new(database).await;
    let (cluster, hsm) = bench.client().active().await;
    let line = line_of(&bench, &hsm);
    for sequence in 2..=6 {
        ask(&line, append(sequence, b"entry")).await;
    }
    let compact = |before, snapshot| PlaneCall::Compact(Compact { before, snapshot });
    assert_eq!(refused(&line, compact(5, 4)).await, FailedCode::NotFound, "the snapshot is not there");
    let piece = PutPiece {
        kind: BlobKind::Snapshot.into(),
        name: "4".to_owned(),
        offset: 0,
        bytes: b"state".to_vec(),
        last: true,
    };
    ask(&line, PlaneCall::PutPiece(piece.clone())).await;
    ask(&line, compact(5, 4)).await;
    let page = read(&line, 2, 64).await;
    assert_eq!((page.entries.len(), page.first, page.head, page.snapshot), (5, 2, 6, 4), "in no backup yet");
    bench.placement.hsm(&hsm).change(|disk| drop(disk.entries.insert(6, b"entry".to_vec())));
    bench.later(DAY + 1).await;
    bench.client().has_backups(&cluster, 2).await;
    let piece = PutPiece { name: "5".to_owned(), ..piece };
    ask(&line, PlaneCall::PutPiece(piece)).await;
    ask(&line, compact(5, 5)).await;
    let page = read(&line, 2, 64).await;
    assert_eq!((page.entries.len(), page.first, page.head, page.snapshot), (0, 5, 6, 5));
    assert_eq!(read(&line, 5, 64).await.entries.len(), 2);
    // An older one that comes late changes nothing.
    ask(&line, compact(7, 3)).await;
    assert_eq!(read(&line, 5, 64).await.entries.len(), 2);
}

fn audit(sequences: impl IntoIterator<Item = u64>) -> PlaneCall {
    let record = |sequence| AuditRecord {
        sequence,
        time_us: 1_700_000_000_000_000 + i64::try_from(sequence).unwrap(),
        opcode: 0xd,
        opcode_name: "CN_LOGIN".to_owned(),
        response_text: "HSM Return: SUCCESS".to_owned(),
        log_type: 2,
        username: "alice".to_owned(),
        user_type: 1,
        ..AuditRecord::default()
    };
    PlaneCall::Audit(Audit { records: sequences.into_iter().map(record).collect() })
}

async fn audit_records_are_recorded_once(database: &TestDatabase) {
    let bench = Bench::new(database).await;
    let (cluster, hsm) = bench.client().active().await;
    let line = line_of(&bench, &hsm);
    let next = async |call| match ask(&line, call).await {
        PlaneAnswer::AuditStored(stored) => stored.next,
        other => panic!("{other:?}"),
    };
    assert_eq!(next(audit(0..3)).await, 3);
    assert_eq!(next(audit(1..5)).await, 5, "what comes again is passed over");
    assert_eq!(next(audit([7, 8])).await, 9, "what is missing is lost");
    assert_eq!(next(audit([])).await, 9);
    assert_eq!(refused(&line, audit(9..600)).await, FailedCode::LimitExceeded);
    let beyond = AuditRecord { sequence: 1 << 63, ..AuditRecord::default() };
    let beyond = PlaneCall::Audit(Audit { records: vec![beyond] });
    assert_eq!(refused(&line, beyond).await, FailedCode::InvalidRequest);

    let records = bench.records().into_iter().filter(|record| record.event_name == "Hsm:CN_LOGIN");
    let details: Vec<serde_json::Value> = records
        .map(|record| serde_json::from_str(record.service_event_details.as_deref().unwrap()).unwrap())
        .collect();
    let sequences: Vec<_> = details.iter().map(|details| details["sequence"].as_u64().unwrap()).collect();
    assert_eq!(sequences, [0, 1, 2, 3, 4, 7, 8]);
    let gaps = bench.records().into_iter().filter(|record| record.event_name == "HsmAuditLogGap");
    let gaps: Vec<serde_json::Value> = gaps
        .map(|gap| serde_json::from_str(gap.service_event_details.as_deref().unwrap()).unwrap())
        .collect();
    assert_eq!(gaps.len(), 1);
    assert_eq!((gaps[0]["firstMissing"].as_u64(), gaps[0]["lastMissing"].as_u64()), (Some(5), Some(6)));
    assert_eq!(gaps[0]["hsmId"], hsm.as_str());
    assert!(details.iter().all(|details| details["hsmId"] == hsm.as_str() && details["userName"] == "alice"));
    assert!(details.iter().all(|details| details["clusterId"] == cluster.as_str()));
    // An HSM is told what is stored, for the case that it has forgotten.
    bench.placement.kill(&hsm);
    until("what is stored", async || (bench.placement.hsm(&hsm).disk().audit_next == 9).then_some(())).await;
}

async fn blobs_come_in_order_and_stay(database: &TestDatabase) {
    let bench = Bench::new(database).await;
    let (cluster, hsm) = bench.client().active().await;
    let line = line_of(&bench, &hsm);
    let put = |kind: BlobKind, name: &str, offset, bytes: &[u8], last| {
        let name = name.to_owned();
        PlaneCall::PutPiece(PutPiece { kind: kind.into(), name, offset, bytes: bytes.to_vec(), last })
    };
    let snapshot = |offset, bytes, last| put(BlobKind::Snapshot, "9", offset, bytes, last);
    assert_eq!(refused(&line, snapshot(1, b"b", false)).await, FailedCode::WrongState);
    ask(&line, snapshot(0, b"aaaa", false)).await;
    assert_eq!(refused(&line, snapshot(5, b"b", true)).await, FailedCode::WrongState);
    // Begun anew, then whole.
    ask(&line, snapshot(0, b"bb", false)).await;
    let get = |name: &str, offset, max_bytes| {
        let (kind, name) = (BlobKind::Snapshot.into(), name.to_owned());
        PlaneCall::GetPiece(GetPiece { kind, name, offset, max_bytes })
    };
    assert_eq!(refused(&line, get("9", 0, 8)).await, FailedCode::NotFound, "not whole yet");
    ask(&line, snapshot(2, b"ccc", true)).await;
    for again in [snapshot(0, b"d", true), snapshot(5, b"d", true)] {
        assert_eq!(refused(&line, again).await, FailedCode::WrongState);
    }
    for (offset, max_bytes, wanted) in
        [(0, 8, &b"bb"[..]), (1, 8, b"b"), (2, 2, b"cc"), (4, 8, b"c"), (5, 8, b"")]
    {
        let answer = ask(&line, get("9", offset, max_bytes)).await;
        assert!(
            matches!(&answer, PlaneAnswer::Piece(piece) if piece.bytes == wanted && piece.total == 5),
            "{offset}: {answer:?}"
        );
    }
    let backup = bench.client().has_backups(&cluster, 1).await[0].backup_id.clone();
    let over = put(BlobKind::Backup, &backup, 0, b"x", true);
    assert_eq!(refused(&line, over).await, FailedCode::NotFound, "a backup that is made is not made again");
    for (kind, name) in [(BlobKind::Snapshot, "09"), (BlobKind::Snapshot, "x"), (BlobKind::Backup, "x")] {
        assert_eq!(refused(&line, put(kind, name, 0, b"x", true)).await, FailedCode::InvalidRequest);
    }
    assert_eq!(refused(&line, snapshot(0, b"", true)).await, FailedCode::LimitExceeded);
    let register = PlaneCall::Register(Register::default());
    assert_eq!(refused(&line, register).await, FailedCode::WrongState);
}

async fn one_hsm_serves_no_other_cluster(database: &TestDatabase) {
    let bench = Bench::new(database).await;
    let client = bench.client();
    let (cluster, one) = client.active().await;
    let (_, other) = client.active().await;
    let backup = client.has_backups(&cluster, 1).await[0].backup_id.clone();
    let get = PlaneCall::GetPiece(GetPiece {
        kind: BlobKind::Backup.into(),
        name: backup,
        offset: 0,
        max_bytes: 8,
    });
    assert!(matches!(ask(&line_of(&bench, &one), get.clone()).await, PlaneAnswer::Piece(_)));
    assert_eq!(refused(&line_of(&bench, &other), get).await, FailedCode::NotFound);
    // Each log is its own.
    ask(&line_of(&bench, &one), append(2, b"two")).await;
    assert_eq!(read(&line_of(&bench, &other), 1, 64).await.head, 1);
}

async fn what_is_no_frame_ends_its_connection_only(database: &TestDatabase) {
    let bench = Bench::new(database).await;
    let client = bench.client();
    let (cluster, hsm) = client.active().await;
    let order = bench.placement.last_order(&hsm);
    let stranger = Arc::new(FakeHsm::new("hsm-aaaaaaaaaaa"));
    let long = u32::MAX.to_be_bytes();
    for bytes in [
        &b"GET / HTTP/1.1\r\n\r\n"[..],
        &long,
        // A frame of an unknown kind, a client's greeting, a call that is none.
        &[0, 0, 0, 13, 77, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0],
        &[0, 0, 0, 13, 1, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0],
        &[0, 0, 0, 14, 3, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 255],
        &[0, 0, 0, 13, 3, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0],
    ] {
        let mut connection = stranger.connect(&order).await.unwrap();
        connection.write_all(bytes).await.unwrap();
        let mut rest = Vec::new();
        // Closed, properly or not, and without a word.
        drop(connection.read_to_end(&mut rest).await);
        assert_eq!(rest, b"", "{bytes:?}");
    }
    // Many who say nothing do not keep others out for long.
    let silent: Vec<_> = {
        let mut silent = Vec::new();
        for _ in 0..40 {
            silent.push(stranger.connect(&order).await);
        }
        silent
    };
    client.create_hsm(&cluster, "us-east-1b").await.unwrap();
    client.has_hsms(&cluster, 2).await;
    drop(silent);
}
