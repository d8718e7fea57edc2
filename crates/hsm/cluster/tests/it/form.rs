//! The bytes of entries: what is written reads back, and nothing else reads.

use proptest::collection::vec;
use proptest::prelude::*;
use strongroom_hsm_cluster::entry::{Body, Entry, EntryError, Header, genesis};
use strongroom_hsm_cluster::{Command, Member, MemberId, PartitionId};
use strongroom_secret::Key256;

fn bytes(longest: usize) -> impl Strategy<Value = Vec<u8>> {
    vec(any::<u8>(), 0..=longest)
}

fn member_id() -> impl Strategy<Value = MemberId> {
    "[!-~]{1,64}".prop_map(|name| MemberId::new(&name).unwrap())
}

fn member() -> impl Strategy<Value = Member> {
    (member_id(), bytes(80), bytes(200), any::<u32>()).prop_map(|(id, public_key, device_chain, supports)| {
        Member { id, public_key, device_chain, supports }
    })
}

fn command() -> impl Strategy<Value = Command> {
    (any::<[u8; 16]>(), bytes(100), bytes(50)).prop_map(|(id, effects, reply)| Command { id, effects, reply })
}

fn body() -> impl Strategy<Value = Body> {
    prop_oneof![
        (any::<u32>(), bytes(50), member(), bytes(50)).prop_map(|(level, device_root, founder, effects)| {
            Body::Found { level, device_root, founder, effects }
        }),
        vec(command(), 0..5).prop_map(Body::Batch),
        member().prop_map(Body::Join),
        (proptest::option::of(member_id()), any::<u32>(), vec((member_id(), bytes(120)), 0..4))
            .prop_map(|(leaver, epoch, shares)| Body::Turn { leaver, epoch, shares }),
        any::<[u8; 32]>().prop_map(Body::Snapshot),
        (member_id(), any::<u32>()).prop_map(|(member, level)| Body::Support { member, level }),
        any::<u32>().prop_map(Body::Level),
        (any::<[u8; 16]>(), any::<[u8; 32]>(), bytes(50), member(), bytes(50)).prop_map(
            |(origin, digest, device_root, founder, effects)| Body::Restore {
                origin: PartitionId(origin),
                digest,
                device_root,
                founder,
                effects
            }
        ),
        (any::<u32>(), any::<u32>()).prop_map(|(incarnation, epoch)| Body::Retire { incarnation, epoch }),
    ]
}

fn entry() -> impl Strategy<Value = Entry> {
    (any::<i64>(), body()).prop_map(|(time_ms, body)| Entry { time_ms, body })
}

proptest! {
    #[test]
    fn entries_read_back(entry in entry()) {
        let bytes = entry.encode();
        prop_assert_eq!(Entry::decode(&bytes), Ok(entry));
        prop_assert_eq!(Entry::decode(&[&bytes[..], &[0]].concat()), Err(EntryError::Malformed));
        for length in 0..bytes.len() {
            prop_assert_eq!(Entry::decode(&bytes[..length]), Err(EntryError::Malformed));
        }
    }

    #[test]
    fn what_reads_is_what_would_be_written(bytes in bytes(200)) {
        if let Ok(entry) = Entry::decode(&bytes) {
            prop_assert_eq!(entry.encode(), bytes);
        }
    }

    #[test]
    fn sealed_entries_open_with_their_key_and_partition(
        entry in entry(),
        incarnation: u32,
        epoch: u32,
        sequence: u64,
        previous: [u8; 32],
        at: prop::sample::Index,
    ) {
        let (partition, key) = (PartitionId::named("cluster-1"), Key256::new([7; 32]));
        let header = Header { incarnation, epoch, sequence, previous };
        let mut sealed = header.seal(partition, &key, &entry).unwrap();
        {
            let (read, rest) = Header::read(&sealed).unwrap();
            prop_assert_eq!(read, header);
            prop_assert!(read.is_genuine(partition, &key, rest));
            prop_assert_eq!(read.open(partition, &key, rest), Ok(entry));
            prop_assert_eq!(read.open(PartitionId::named("cluster-2"), &key, rest), Err(EntryError::Sealed));
            prop_assert_eq!(read.open(partition, &Key256::new([8; 32]), rest), Err(EntryError::Sealed));
        }
        let index = at.index(sealed.len());
        sealed[index] ^= 1;
        match Header::read(&sealed) {
            Ok((read, rest)) => prop_assert_eq!(read.open(partition, &key, rest), Err(EntryError::Sealed)),
            Err(error) => prop_assert_eq!((index, error), (0, EntryError::Format(0))),
        }
    }
}

#[test]
fn counts_and_lengths_are_bounded_before_anything_is_kept() {
    for huge in [
        [&[2][..], &[0; 8], &u32::MAX.to_be_bytes()].concat(),
        [&[2][..], &[0; 8], &1_u32.to_be_bytes(), &[0; 16], &u32::MAX.to_be_bytes()].concat(),
        [&[3][..], &[0; 8], &65_u32.to_be_bytes(), &[b'a'; 65]].concat(),
    ] {
        assert_eq!(Entry::decode(&huge), Err(EntryError::Malformed));
    }
    assert_eq!(Entry::decode(&[0]), Err(EntryError::Kind(0)));
    assert_eq!(Entry::decode(&[]), Err(EntryError::Malformed));
}

#[test]
fn every_log_begins_with_a_hash_of_its_own() {
    let (one, two) = (PartitionId::named("cluster-1"), PartitionId::named("cluster-2"));
    assert_ne!(genesis(one, 1), genesis(two, 1));
    assert_ne!(genesis(one, 1), genesis(one, 2));
}
