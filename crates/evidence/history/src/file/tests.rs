//! The form of an index, and what bytes gone bad do.

use std::convert::Infallible;

use proptest::prelude::*;
use strongroom_crypto::hex;
use strongroom_journal::{EventId, FrameHead, Identity, IdentityKind, Record, Resource};

use super::*;
use crate::filter::{Attribute, Filter};

const ID: SegmentId = SegmentId { stream: StreamId::from_bytes([0x5a; 16]), number: 7 };

fn key() -> HmacSha256 {
    HmacSha256::new(&[9; 32])
}

fn record(number: u8) -> Record {
    Record {
        event_id: EventId([number; 16]),
        event_name: if number.is_multiple_of(3) { "Encrypt" } else { "Decrypt" }.into(),
        event_source: "kms.amazonaws.com".into(),
        aws_region: "us-east-1".into(),
        account_id: "111122223333".into(),
        identity: Identity {
            kind: Some(IdentityKind::Root),
            access_key_id: Some("AKIAEXAMPLE".into()),
            ..Identity::default()
        },
        resources: (number == 1).then(|| vec![Resource { arn: "arn:1".into(), ..Resource::default() }]),
        read_only: true,
        management: number != 4,
        ..Record::default()
    }
}

/// An index of as many records, four to a frame.
fn draft(records: u8) -> Draft {
    let mut draft = Draft::default();
    for first in (0..records).step_by(4) {
        let head = FrameHead {
            offset: 512 + 1000 * u64::from(first),
            length: 4000,
            first_record: 100 + u64::from(first),
            count: 4,
            oldest_ms: 1_700_000_000_000 + i64::from(first),
            newest_ms: 1_700_000_009_000 + i64::from(first),
        };
        draft.add(&head, (first..first + 4).map(|number| Ok::<_, Infallible>(record(number))));
    }
    draft
}

fn term(attribute: Attribute, value: &str) -> Vec<u8> {
    let (account, region) = ("111122223333".to_owned(), "us-east-1".to_owned());
    Filter { account, region, attribute: Some((attribute, value.to_owned())), ..Filter::default() }.term()
}

/// A change of these bytes is a change of what older versions have written: it takes a new format number.
#[test]
fn the_form_stays() {
    let (bytes, _) = encode(ID, 1_600_000_000_000, &draft(8), &key()).unwrap();
    assert_eq!(hex::encode(&bytes), include_str!("../../testdata/index-1.hex").trim());
}

#[test]
fn a_later_format_is_made_anew() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("an.idx");
    let (mut bytes, _) = encode(ID, 0, &draft(8), &key()).unwrap();
    bytes[8] += 1;
    bytes.truncate(bytes.len() - MAC_LEN);
    let mac = key().sign(&[&bytes]);
    bytes.extend_from_slice(&mac);
    fs::write(&path, bytes).unwrap();
    assert!(IndexFile::check(&path, &key()).is_err());
}

proptest! {
    #[test]
    fn what_is_indexed_is_found_and_bytes_gone_bad_do_no_harm(
        records in (1_u8..50).prop_map(|frames| frames * 4),
        at in any::<prop::sample::Index>(),
        to in any::<u8>(),
    ) {
        let draft = draft(records);
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("an.idx");
        let (mut bytes, head) = encode(ID, 0, &draft, &key()).unwrap();
        fs::write(&path, &bytes).unwrap();
        let (checked, _) = IndexFile::check(&path, &key()).unwrap();
        prop_assert_eq!(checked, head);
        let file = IndexFile::open(&path, &head).unwrap();
        let mut terms = vec![
            term(Attribute::EventName, "Decrypt"),
            term(Attribute::EventName, "Encrypt"),
            term(Attribute::ResourceName, "arn:1"),
            term(Attribute::ReadOnly, "false"),
            term(Attribute::EventId, "none"),
        ];
        terms.extend((0..records).map(|number| term(Attribute::EventId, &record(number).event_id.to_string())));
        for term in &terms {
            let (found, expected) = (file.find(term).unwrap(), draft.find(term));
            prop_assert_eq!(&found.records, &expected.records);
            prop_assert_eq!(found.frames, expected.frames);
        }

        let at = at.index(bytes.len());
        bytes[at] = to;
        fs::write(&path, &bytes).unwrap();
        // It was checked before it went bad.
        if let Ok(file) = IndexFile::open(&path, &head) {
            for term in &terms {
                if let Ok(hits) = file.find(term) {
                    prop_assert!(hits.records.iter().all(|&number| number < u32::from(records)));
                }
            }
        }
    }
}
