//! Frames: whole however they are cut, never longer than allowed, never a panic.

use proptest::prelude::*;
use strongroom_hsm_proto::command::{Cursor, Failure, FailureCode, Hello};
use strongroom_hsm_proto::fleet::Append;
use strongroom_hsm_proto::frame::{Decoder, Encoder, FrameError, HEADER, Header, Kind, MAX_CALL};

/// Puts all of `bytes` into a decoder in chunks of these sizes, again and again, and collects what comes out.
fn read_in_chunks(bytes: &[u8], sizes: &[usize], max: usize) -> Result<Vec<(Header, Vec<u8>)>, FrameError> {
    let mut decoder = Decoder::new(max);
    let mut found = Vec::new();
    let mut rest = bytes;
    let mut sizes = sizes.iter().cycle();
    while !rest.is_empty() {
        let space = decoder.space();
        assert!(!space.is_empty(), "there is always room to read into");
        let count = space.len().min(rest.len()).min(*sizes.next().unwrap());
        space[..count].copy_from_slice(&rest[..count]);
        decoder.filled(count);
        rest = &rest[count..];
        while let Some(frame) = decoder.next()? {
            found.push((frame.header, frame.payload.to_vec()));
        }
    }
    assert!(!decoder.is_within_frame(), "nothing is left over");
    Ok(found)
}

fn append(bytes: Vec<u8>) -> Append {
    Append { sequence: 7, entry: bytes }
}

proptest! {
    #[test]
    fn frames_come_out_as_they_went_in_however_they_are_cut(
        entries in prop::collection::vec((prop::collection::vec(any::<u8>(), 0..20_000), any::<u64>(), any::<u32>()), 1..6),
        sizes in prop::collection::vec(1_usize..9_000, 1..5),
        written in 1_usize..5_000,
    ) {
        let mut encoder = Encoder::new();
        let mut bytes = Vec::new();
        for (entry, request, deadline_ms) in &entries {
            let header = Header { kind: Kind::Call, request: *request, deadline_ms: *deadline_ms };
            encoder.push(header, &append(entry.clone()), MAX_CALL).unwrap();
            // Partly written, so that the next frame is added behind a half-written one.
            let count = encoder.bytes().len().min(written);
            bytes.extend_from_slice(&encoder.bytes()[..count]);
            encoder.written(count);
        }
        bytes.extend_from_slice(encoder.bytes());
        encoder.written(encoder.bytes().len());
        prop_assert!(encoder.is_empty());

        let found = read_in_chunks(&bytes, &sizes, MAX_CALL).unwrap();
        prop_assert_eq!(found.len(), entries.len());
        for ((header, payload), (entry, request, deadline_ms)) in found.iter().zip(&entries) {
            prop_assert_eq!(header.kind, Kind::Call);
            prop_assert_eq!((header.request, header.deadline_ms), (*request, *deadline_ms));
            prop_assert_eq!(<Append as prost::Message>::decode(payload.as_slice()).unwrap(), append(entry.clone()));
        }
    }

    #[test]
    fn garbage_is_an_error_or_waits_for_more(bytes in prop::collection::vec(any::<u8>(), 0..600), max in 0_usize..300) {
        let mut decoder = Decoder::new(max);
        let mut rest = bytes.as_slice();
        'read: while !rest.is_empty() {
            let space = decoder.space();
            let count = space.len().min(rest.len());
            prop_assert!(count > 0);
            space[..count].copy_from_slice(&rest[..count]);
            decoder.filled(count);
            rest = &rest[count..];
            loop {
                match decoder.next() {
                    Ok(Some(frame)) => prop_assert!(frame.payload.len() <= max),
                    Ok(None) => break,
                    Err(_) => break 'read,
                }
            }
        }
    }
}

#[test]
fn a_length_beyond_the_cap_is_refused_from_its_four_bytes_alone() {
    for length in [u32::MAX, (MAX_CALL + HEADER - 4 + 1) as u32] {
        let mut decoder = Decoder::new(MAX_CALL);
        let before = decoder.space().len();
        decoder.space()[..4].copy_from_slice(&length.to_be_bytes());
        decoder.filled(4);
        let refused = FrameError::TooLong { length: length as usize - (HEADER - 4), max: MAX_CALL };
        assert_eq!(decoder.next().unwrap_err(), refused);
        assert_eq!(decoder.space().len(), before - 4, "and nothing was allocated for it");
    }
}

#[test]
fn a_payload_of_the_longest_size_passes_in_both_directions_and_one_byte_more_in_neither() {
    let longest = append(vec![7; MAX_CALL - 6]);
    assert_eq!(prost::Message::encoded_len(&longest), MAX_CALL);
    let mut encoder = Encoder::new();
    encoder.push(Header::call(1, 0), &longest, MAX_CALL).unwrap();
    let bytes = encoder.bytes().to_vec();
    assert_eq!(read_in_chunks(&bytes, &[1 << 20], MAX_CALL).unwrap().len(), 1);
    let refused = FrameError::TooLong { length: MAX_CALL, max: MAX_CALL - 1 };
    assert_eq!(read_in_chunks(&bytes, &[1 << 20], MAX_CALL - 1).unwrap_err(), refused);
    assert_eq!(encoder.push(Header::call(2, 0), &longest, MAX_CALL - 1).unwrap_err(), refused);
    assert_eq!(encoder.bytes(), bytes, "what is refused leaves nothing behind");
}

#[test]
fn lengths_too_short_and_kinds_unknown_are_refused() {
    let read = |bytes: &[u8]| read_in_chunks(bytes, &[bytes.len()], 100).unwrap_err();
    assert_eq!(read(&[0, 0, 0, 12, 3]), FrameError::TooShort(12));
    assert_eq!(read(&[0, 0, 0, 0]), FrameError::TooShort(0));
    assert_eq!(read(&[0, 0, 0, 13, 0]), FrameError::UnknownKind(0));
    assert_eq!(read(&[0, 0, 0, 13, 6]), FrameError::UnknownKind(6));
}

#[test]
fn the_layout_is_this_one_for_ever() {
    let mut encoder = Encoder::new();
    let hello = Hello { version: 1, client: "c".into(), cursor: None };
    encoder.push(Header::of(Kind::Hello), &hello, MAX_CALL).unwrap();
    let failure = Failure { code: FailureCode::Busy.into(), text: String::new() };
    encoder
        .push(Header { kind: Kind::Goodbye, request: 0x0102, deadline_ms: 3 }, &failure, MAX_CALL)
        .unwrap();
    #[rustfmt::skip]
    let expected = [
        0, 0, 0, 18, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 8, 1, 18, 1, b'c',
        0, 0, 0, 15, 5, 0, 0, 0, 0, 0, 0, 1, 2, 0, 0, 0, 3, 8, 19,
    ];
    assert_eq!(encoder.bytes(), expected);
}

#[test]
fn a_payload_of_another_form_is_malformed() {
    let mut encoder = Encoder::new();
    encoder.push(Header::answer(9), &append(vec![0xff; 40]), MAX_CALL).unwrap();
    let mut decoder = Decoder::new(MAX_CALL);
    let count = encoder.bytes().len();
    decoder.space()[..count].copy_from_slice(encoder.bytes());
    decoder.filled(count);
    let frame = decoder.next().unwrap().unwrap();
    assert_eq!(frame.header, Header::answer(9));
    assert_eq!(frame.message::<Cursor>().unwrap_err(), FrameError::Malformed);
    assert_eq!(format!("{frame:?}").matches("255").count(), 0, "payloads are not printed");
}

#[test]
fn what_encoders_gather_from_each_other_stays_in_its_order() {
    let frame = |request| {
        let mut encoder = Encoder::new();
        let header = Header { kind: Kind::Call, request, deadline_ms: 0 };
        encoder.push(header, &append(vec![7; 300]), MAX_CALL).unwrap();
        encoder
    };
    let mut gathered = frame(1);
    // What is half written already goes on where it is.
    let (first, _) = gathered.bytes().split_at(100);
    let mut bytes = first.to_vec();
    gathered.written(100);
    gathered.append(&frame(2));
    gathered.append(&Encoder::new());
    gathered.append(&frame(3));
    bytes.extend_from_slice(gathered.bytes());
    let found = read_in_chunks(&bytes, &[4_096], MAX_CALL).unwrap();
    assert_eq!(found.iter().map(|(header, _)| header.request).collect::<Vec<_>>(), [1, 2, 3]);
}
