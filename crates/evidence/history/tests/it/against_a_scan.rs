//! What a lookup finds is what reading everything finds, whatever is indexed and however the journal came to be.

use proptest::prelude::*;
use proptest::sample::select;
use strongroom_history::{Attribute, Filter};
use strongroom_journal::{Identity, IdentityKind, Record};

use crate::fixture::{
    NOW, Place, append, close, compress, event_id, ids, keeper, record, resource, runtime, scan,
};

const ACCOUNTS: [&str; 2] = ["111122223333", "444455556666"];
const REGIONS: [&str; 2] = ["us-east-1", "eu-central-1"];
const NAMES: [&str; 4] = ["Decrypt", "Encrypt", "decrypt", ""];
const USERS: [&str; 3] = ["alice", "bob", "root"];
const KEYS: [&str; 3] = ["AKIA1", "AKIA2", "ASIA1"];
const ARNS: [&str; 3] = ["arn:1", "arn:2", "arn:11"];
const SOURCES: [&str; 2] = ["kms.amazonaws.com", "sts.amazonaws.com"];

#[derive(Clone, Debug)]
enum Step {
    Append(Vec<Kind>),
    BeginStream,
    Restart,
    Index,
    Compress,
    /// What is older than that, in milliseconds, goes.
    Retire(i64),
    /// Index files lost or altered, by their place.
    LoseIndex(prop::sample::Index),
    SpoilIndex(prop::sample::Index, prop::sample::Index),
}

/// What of a record varies.
#[derive(Clone, Debug)]
struct Kind {
    account: &'static str,
    region: &'static str,
    name: &'static str,
    source: &'static str,
    user: &'static str,
    key: &'static str,
    arns: Vec<&'static str>,
    read_only: bool,
    management: bool,
    /// In milliseconds; times go back now and then.
    time: i64,
}

fn kind() -> impl Strategy<Value = Kind> {
    let texts = (select(&ACCOUNTS[..]), select(&REGIONS[..]), select(&NAMES[..]), select(&SOURCES[..]));
    let more = (select(&USERS[..]), select(&KEYS[..]), prop::collection::vec(select(&ARNS[..]), 0..3));
    let flags = (any::<bool>(), prop::bool::weighted(0.9), -3000_i64..60_000);
    (texts, more, flags).prop_map(|(texts, more, flags)| {
        let ((account, region, name, source), (user, key, arns), (read_only, management, time)) =
            (texts, more, flags);
        Kind { account, region, name, source, user, key, arns, read_only, management, time }
    })
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => prop::collection::vec(kind(), 1..25).prop_map(Step::Append),
        1 => Just(Step::BeginStream),
        1 => Just(Step::Restart),
        3 => Just(Step::Index),
        1 => Just(Step::Compress),
        1 => (0_i64..60_000).prop_map(Step::Retire),
        1 => any::<prop::sample::Index>().prop_map(Step::LoseIndex),
        1 => any::<(prop::sample::Index, prop::sample::Index)>().prop_map(|(file, byte)| Step::SpoilIndex(file, byte)),
    ]
}

fn attribute() -> impl Strategy<Value = Option<(Attribute, String)>> {
    let of = |attribute: Attribute, values: &'static [&'static str]| {
        select(values).prop_map(move |value| Some((attribute, value.to_owned())))
    };
    prop_oneof![
        Just(None),
        of(Attribute::EventName, &NAMES),
        of(Attribute::EventSource, &SOURCES),
        of(Attribute::Username, &USERS),
        of(Attribute::AccessKeyId, &KEYS),
        of(Attribute::ResourceName, &["arn:1", "arn:2", "arn:11", "arn"]),
        of(Attribute::ResourceType, &["AWS::KMS::Key", "AWS::KMS::Alias"]),
        of(Attribute::ReadOnly, &["true", "false", "True"]),
        (0_u64..300).prop_map(|number| Some((Attribute::EventId, event_id(number).to_string()))),
    ]
}

fn filter() -> impl Strategy<Value = Filter> {
    let time = prop::option::of((-3000_i64..70_000).prop_map(|time| NOW + time));
    (select(&ACCOUNTS[..]), select(&REGIONS[..]), time.clone(), time.clone(), time, attribute()).prop_map(
        |(account, region, start_ms, end_ms, horizon_ms, attribute)| Filter {
            account: account.to_owned(),
            region: region.to_owned(),
            start_ms,
            end_ms,
            horizon_ms,
            attribute,
        },
    )
}

fn made(number: u64, kind: &Kind) -> Record {
    Record {
        event_time_ms: NOW + kind.time,
        event_source: kind.source.to_owned(),
        event_name: kind.name.to_owned(),
        aws_region: kind.region.to_owned(),
        account_id: kind.account.to_owned(),
        identity: Identity {
            kind: Some(IdentityKind::IamUser),
            access_key_id: Some(kind.key.to_owned()),
            user_name: Some(kind.user.to_owned()),
            ..Identity::default()
        },
        resources: Some(kind.arns.iter().map(|arn| resource(arn)).collect()),
        read_only: kind.read_only,
        management: kind.management,
        ..record(number)
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn a_lookup_finds_what_a_scan_finds(
        steps in prop::collection::vec(step(), 1..14),
        filters in prop::collection::vec((filter(), 1_usize..8, select(vec![1_u64, 3000, 1 << 20])), 1..12),
    ) {
        let place = Place::new();
        let mut journal = place.open();
        let mut history = place.history(journal.reader());
        let mut keeping = keeper(&journal);
        let mut number = 0;
        for step in steps {
            match step {
                Step::Append(kinds) => {
                    let records: Vec<_> = kinds.iter().zip(number..).map(|(kind, number)| made(number, kind)).collect();
                    number += records.len() as u64;
                    // Some alone, some together in one frame.
                    let (alone, together) = records.split_at(records.len() / 2);
                    append(&journal, alone.to_vec());
                    for chunk in together.chunks(6) {
                        runtime().block_on(journal.append_together(&chunk[0], &chunk[1..])).unwrap();
                    }
                }
                Step::BeginStream => drop(runtime().block_on(journal.begin_stream(NOW)).unwrap()),
                Step::Restart => {
                    close(journal);
                    journal = place.open();
                    history = place.history(journal.reader());
                    keeping = keeper(&journal);
                }
                Step::Index => history.catch_up().unwrap(),
                Step::Compress => {
                    compress(&mut keeping);
                }
                Step::Retire(time) => drop(keeping.retire(NOW, NOW + time, None).unwrap()),
                Step::LoseIndex(file) => {
                    let files = place.index_files();
                    if !files.is_empty() {
                        std::fs::remove_file(&files[file.index(files.len())]).unwrap();
                    }
                }
                Step::SpoilIndex(file, byte) => {
                    // As a bad disk would, before a start: a running server does not look for it again.
                    close(journal);
                    let files = place.index_files();
                    if !files.is_empty() {
                        let file = &files[file.index(files.len())];
                        let mut bytes = std::fs::read(file).unwrap();
                        let at = byte.index(bytes.len());
                        bytes[at] ^= 0x41;
                        std::fs::write(file, bytes).unwrap();
                    }
                    journal = place.open();
                    history = place.history(journal.reader());
                    keeping = keeper(&journal);
                }
            }
        }
        for (filter, size, read_limit) in filters {
            let history = history.clone().with_read_limit(read_limit);
            prop_assert_eq!(ids(&history, &filter, size), scan(&journal.reader(), &filter), "{:?}", filter);
        }
        history.catch_up().unwrap();
        prop_assert_eq!(history.progress().waiting, 0);
    }
}
