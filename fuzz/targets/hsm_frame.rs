//! What comes in on the port for clients: however it is cut, the same frames come out or the same error; none is
//! longer than allowed, and what is given out again is what came in.
//!
//! The first two bytes choose the cap and how the rest is cut.

#![no_main]

use libfuzzer_sys::fuzz_target;
use strongroom_hsm_proto::command::{Answer, Call, Failure, Hello, Welcome};
use strongroom_hsm_proto::frame::{Decoder, FrameError, HEADER, Kind, MAX_ANSWER, MAX_CALL};

/// A frame's kind, request, deadline and payload.
type Frame = (Kind, u64, u32, Vec<u8>);

/// The frames of `bytes`, read in pieces of `size`, and the error that ends them.
fn frames(bytes: &[u8], size: usize, max: usize) -> (Vec<Frame>, Option<FrameError>) {
    let mut decoder = Decoder::new(max);
    let mut found = Vec::new();
    let mut rest = bytes;
    while !rest.is_empty() {
        let space = decoder.space();
        assert!(!space.is_empty());
        let count = space.len().min(rest.len()).min(size);
        space[..count].copy_from_slice(&rest[..count]);
        decoder.filled(count);
        rest = &rest[count..];
        loop {
            match decoder.next() {
                Ok(Some(frame)) => {
                    assert!(frame.payload.len() <= max);
                    let header = frame.header;
                    found.push((header.kind, header.request, header.deadline_ms, frame.payload.to_vec()));
                }
                Ok(None) => break,
                Err(error) => return (found, Some(error)),
            }
        }
    }
    (found, None)
}

/// A message that reads is written and read again to the same.
fn read<M: prost::Message + Default + PartialEq>(payload: &[u8]) {
    if let Ok(message) = M::decode(payload) {
        assert!(M::decode(message.encode_to_vec().as_slice()).is_ok_and(|again| again == message));
    }
}

fuzz_target!(|data: &[u8]| {
    let [cap, size, bytes @ ..] = data else { return };
    let max = [MAX_CALL, MAX_ANSWER, 64, 0][usize::from(*cap) % 4];
    let (whole, error) = frames(bytes, usize::MAX, max);
    assert_eq!(frames(bytes, usize::from(*size) + 1, max), (whole.clone(), error));

    let mut again = Vec::new();
    for (kind, request, deadline_ms, payload) in &whole {
        again.extend_from_slice(&((HEADER - 4 + payload.len()) as u32).to_be_bytes());
        again.push(*kind as u8);
        again.extend_from_slice(&request.to_be_bytes());
        again.extend_from_slice(&deadline_ms.to_be_bytes());
        again.extend_from_slice(payload);
        match kind {
            Kind::Hello => read::<Hello>(payload),
            Kind::Welcome => read::<Welcome>(payload),
            Kind::Call => read::<Call>(payload),
            Kind::Answer => read::<Answer>(payload),
            Kind::Goodbye => read::<Failure>(payload),
        }
    }
    assert!(bytes.starts_with(&again));
});
