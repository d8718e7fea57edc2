//! Taking a body out of its chunks never panics, gives no more than came, and says the same however the body is cut.

#![no_main]

use libfuzzer_sys::fuzz_target;
use strongroom_protocols::chunked::{Decoder, Malformed, Piece};

/// What comes of a body: its bytes, and everything else in order.
fn take(body: &[u8], size: usize) -> Result<(Vec<u8>, Vec<Piece>), Malformed> {
    let (mut decoder, mut data, mut others) = (Decoder::default(), Vec::new(), Vec::new());
    let mut see = |piece| match piece {
        Piece::Data(bytes) => data.extend_from_slice(&bytes),
        other => others.push(other),
    };
    for part in body.chunks(size) {
        decoder.give(part.to_vec().into());
        while let Some(piece) = decoder.piece()? {
            see(piece);
        }
    }
    while let Some(piece) = decoder.finish()? {
        see(piece);
    }
    Ok((data, others))
}

fuzz_target!(|data: &[u8]| {
    let Some((size, body)) = data.split_first() else { return };
    let whole = take(body, body.len().max(1));
    assert_eq!(take(body, usize::from(*size).max(1)), whole);
    if let Ok((taken, _)) = whole {
        assert!(taken.len() <= body.len());
    }
});
