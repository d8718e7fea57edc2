//! Bytes from long ago (`testdata/SOURCE.md`).

use strongroom_crypto::digest::sha256;
use strongroom_crypto::hex;
use strongroom_hsm_cluster::entry::{Body, Entry, Header, genesis};
use strongroom_hsm_cluster::{
    Admit, Archive, BackupKey, Command, Extent, JoinRequest, Member, MemberId, PartitionId, Replica, Standing,
};
use strongroom_secret::Key256;

use crate::cluster::{NOW, command, effects};
use crate::machine::Diary;

/// The fields of a file's record.
fn field(record: &str, name: &str) -> Vec<u8> {
    hex::decode(text(record, name)).unwrap()
}

fn text<'a>(record: &'a str, name: &str) -> &'a str {
    let lines = record.lines().filter_map(|line| line.split_once(" = "));
    lines.filter(|(field, _)| *field == name).map(|(_, value)| value).next().expect(name)
}

fn id(name: &str) -> MemberId {
    MemberId::new(name).unwrap()
}

fn member(name: &str) -> Member {
    Member {
        id: id(name),
        public_key: [4].into_iter().chain(0..64).collect(),
        device_chain: format!("chain of {name}").into_bytes(),
        supports: 3,
    }
}

fn bodies() -> Vec<Body> {
    vec![
        Body::Found {
            level: 1,
            device_root: b"root".to_vec(),
            founder: member("hsm-1"),
            effects: b"effects of founding".to_vec(),
        },
        Body::Batch(vec![
            Command { id: [0xa1; 16], effects: b"first effects".to_vec(), reply: b"first reply".to_vec() },
            Command { id: [0xa2; 16], effects: Vec::new(), reply: Vec::new() },
        ]),
        Body::Join(member("hsm-2")),
        Body::Turn {
            leaver: Some(id("hsm-2")),
            epoch: 6,
            shares: vec![(id("hsm-1"), b"sealed key".to_vec())],
        },
        Body::Turn { leaver: None, epoch: 6, shares: Vec::new() },
        Body::Snapshot([0xd5; 32]),
        Body::Support { member: id("hsm-1"), level: 4 },
        Body::Level(4),
        Body::Restore {
            origin: PartitionId([0x0f; 16]),
            digest: [0xd8; 32],
            device_root: b"root".to_vec(),
            founder: member("hsm-3"),
            effects: b"effects of restoring".to_vec(),
        },
        Body::Retire { incarnation: 2, epoch: 4 },
    ]
}

#[test]
fn the_form_of_entries_never_drifts() {
    let file = include_str!("../../testdata/entry-golden.txt");
    let (head, records) = file.split_once("\n\n").unwrap();
    let partition = PartitionId(field(head, "partition-id").try_into().unwrap());
    assert_eq!(partition, PartitionId::named("cluster-golden"));
    let log_key = Key256::copied_from(&field(head, "log-key")).unwrap();
    let mut previous = genesis(partition, 2);
    assert_eq!(previous.as_slice(), field(head, "genesis"));

    let records: Vec<_> = records.split("\n\n").collect();
    assert_eq!(records.len(), bodies().len());
    for (index, (record, body)) in records.into_iter().zip(bodies()).enumerate() {
        let sequence = index as u64 + 1;
        let entry = Entry { time_ms: NOW + sequence as i64, body };
        assert_eq!(entry.encode(), field(record, "content"), "{record}");
        let sealed = field(record, "entry");
        let (header, rest) = Header::read(&sealed).unwrap();
        assert_eq!(header, Header { incarnation: 2, epoch: 5, sequence, previous });
        assert_eq!(header.open(partition, &log_key, rest).unwrap(), entry);
        previous = sha256(&sealed);
        assert_eq!(previous.as_slice(), field(record, "hash"));
    }
}

#[test]
fn old_files_are_read() {
    let file = include_str!("../../testdata/files-golden.txt");
    let device_key = Key256::new([0xd0; 32]);
    let (mut replica, recovered) =
        Replica::recover(&device_key, &field(file, "checkpoint"), &field(file, "tail"), 1, Diary::default())
            .unwrap();
    assert_eq!(recovered.torn, 0);
    assert_eq!((recovered.head.incarnation, recovered.head.epoch, recovered.head.sequence), (1, 2, 6));
    let lines = [b"founded".to_vec(), effects(1), effects(2), effects(3)];
    assert_eq!(replica.machine().effects(), lines);
    assert_eq!(replica.known(&command(2).id), Some(&b"reply 2"[..]));
    assert_eq!(replica.members().map(|member| member.id.as_str()).collect::<Vec<_>>(), ["hsm-1", "hsm-2"]);
    assert_eq!(hex::encode(&replica.digest()), text(file, "digest"));
    assert_eq!(replica.cursor().unwrap(), field(file, "cursor"));
    assert_eq!(replica.admit(&field(file, "cursor")), Ok(Admit::Served));
    let Ok(Standing::Ahead { verify: 0, entries }) = replica.observe(Extent { first: 0, last: 0 }) else {
        panic!("the whole log is kept")
    };
    assert_eq!(entries.len(), 6);

    // The first record of the tail turns the epoch; the snapshot is of what follows.
    let tail = field(file, "tail");
    let first = 4 + u32::from_be_bytes(tail[..4].try_into().unwrap()) as usize + 8;
    let (mut behind, _) =
        Replica::recover(&device_key, &field(file, "checkpoint"), &tail[..first], 1, Diary::default())
            .unwrap();
    behind.catch_up(&field(file, "snapshot")).unwrap();
    assert_eq!(behind.digest(), replica.digest());

    let key = BackupKey {
        backup_id: "backup-golden".to_owned(),
        fleet_half: Key256::new([0xf1; 32]),
        service_half: Key256::new([0x5e; 32]),
    };
    let archive = Archive::open(&field(file, "backup"), &key, 1, Diary::default()).unwrap();
    assert_eq!(archive.head(), recovered.head);
    assert_eq!(archive.machine().effects(), lines);
    let newest_key = replica.machine().newest_key.unwrap();
    assert_eq!(hex::encode(&newest_key), text(file, "token-key"));
    assert_eq!(archive.machine().newest_key, Some(newest_key));

    let request = JoinRequest::decode(&field(file, "request")).unwrap();
    assert_eq!((request.member.id.as_str(), request.signature.as_slice()), ("hsm-3", &b"signature"[..]));
    assert_eq!(request.member.device_chain, b"device of hsm-3");
    assert_eq!(request.encode(), field(file, "request"));
}
