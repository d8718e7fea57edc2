//! Bodies in chunks.

use bytes::Bytes;
use proptest::prelude::*;
use strongroom_protocols::chunked::{Decoder, Malformed, Piece};

/// What comes of a body that arrives in pieces of that size: data, signatures and trailers.
#[derive(Debug, Default, PartialEq)]
struct Taken {
    data: Vec<u8>,
    chunks: Vec<(u64, Option<String>)>,
    ends: usize,
    trailers: Vec<(String, String)>,
    is_whole: bool,
}

fn take(body: &[u8], size: usize) -> Result<Taken, Malformed> {
    let (mut decoder, mut taken) = (Decoder::default(), Taken::default());
    let mut see = |piece| match piece {
        Piece::Chunk { length, signature } => taken.chunks.push((length, signature)),
        Piece::Data(data) => taken.data.extend_from_slice(&data),
        Piece::ChunkEnd => taken.ends += 1,
        Piece::Trailers(trailers) => taken.trailers = trailers,
        Piece::End => taken.is_whole = true,
    };
    for part in body.chunks(size) {
        decoder.give(Bytes::copy_from_slice(part));
        while let Some(piece) = decoder.piece()? {
            see(piece);
        }
    }
    while let Some(piece) = decoder.finish()? {
        see(piece);
    }
    Ok(taken)
}

#[test]
fn a_body_is_taken_apart_wherever_it_is_cut() {
    let body =
        b"5;chunk-signature=ab\r\nhello\r\n6;chunk-signature=cd\r\n\r\nwor\n\r\n0;chunk-signature=ef\r\n\
                 X-Amz-Checksum-Crc32: AAAA==\r\nx-amz-trailer-signature:12\r\n\r\n";
    for size in 1..=body.len() {
        let taken = take(body, size).unwrap();
        assert_eq!(taken.data, b"hello\r\nwor\n", "{size}");
        let signature = |text: &str| Some(text.to_owned());
        assert_eq!(taken.chunks, [(5, signature("ab")), (6, signature("cd")), (0, signature("ef"))]);
        let trailer = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        assert_eq!(
            taken.trailers,
            [trailer("x-amz-checksum-crc32", "AAAA=="), trailer("x-amz-trailer-signature", "12"),]
        );
        assert_eq!((taken.ends, taken.is_whole), (3, true));
    }
}

#[test]
fn the_empty_line_at_the_end_may_be_missing() {
    for body in ["0\r\n", "0\r\n\r\n", "1\r\na\r\n0\r\na:b\r\n"] {
        assert!(take(body.as_bytes(), 3).unwrap().is_whole, "{body}");
    }
}

#[test]
fn what_is_not_whole_or_has_no_form_is_malformed() {
    let long = "0".repeat(600);
    let many = format!("0\r\n{}\r\n", "a:b\r\n".repeat(17));
    for body in [
        "",
        "5",
        "5\r\nhel",
        "5\r\nhello",
        "5\r\nhello\r\n",
        "5\r\nhelloo\r\n0\r\n\r\n",
        "-1\r\n",
        "+5\r\nhello\r\n0\r\n\r\n",
        " 5\r\nhello\r\n0\r\n\r\n",
        "x\r\n",
        "\r\n",
        "10000000000000000\r\n",
        "0\r\n\r\nmore",
        "0\r\nno trailer\r\n\r\n",
        "0\r\n:b\r\n\r\n",
        "0\r\na:b",
        &long,
        &many,
    ] {
        for size in [1, 7, body.len().max(1)] {
            assert_eq!(take(body.as_bytes(), size), Err(Malformed), "{body:?}");
        }
    }
}

proptest! {
    #[test]
    fn what_was_put_in_comes_out(
        chunks in prop::collection::vec(prop::collection::vec(any::<u8>(), 1..40), 0..6),
        size in 1_usize..50,
    ) {
        let mut body = Vec::new();
        for chunk in &chunks {
            body.extend(format!("{:x}\r\n", chunk.len()).bytes());
            body.extend(chunk);
            body.extend(b"\r\n");
        }
        body.extend(b"0\r\n\r\n");
        let taken = take(&body, size).unwrap();
        prop_assert_eq!(taken.data, chunks.concat());
        prop_assert!(taken.is_whole);
    }

    #[test]
    fn no_body_is_too_strange(body in prop::collection::vec(any::<u8>(), 0..200), size in 1_usize..50) {
        let _ = take(&body, size);
    }
}
