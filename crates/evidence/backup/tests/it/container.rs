//! The container: what was pushed comes out again, or an error that says why not.

use proptest::prelude::*;
use strongroom_backup::BackupError;
use strongroom_backup::container::{Head, Sealing};
use strongroom_secret::{Key256, Secret};

const PIECE: usize = 64 << 10;
const TAG: usize = 16;
const OPEN_PART: &[u8] = b"for everyone";
/// Magic, format, salt, length, open part.
const HEAD: usize = 8 + 2 + 32 + 4 + OPEN_PART.len();

fn key() -> Key256 {
    Secret::new([7; 32])
}

fn content(length: usize) -> Vec<u8> {
    (0..length).map(|index| ((index * 31) >> 3) as u8).collect()
}

fn sealed(content: &[u8], step: usize) -> Vec<u8> {
    let mut file = Vec::new();
    let mut sealing = Sealing::begin(&key(), OPEN_PART, &mut file).unwrap();
    for part in content.chunks(step.max(1)) {
        sealing.push(part, &mut file).unwrap();
    }
    sealing.finish(&mut file).unwrap();
    file
}

fn opened(mut file: &[u8], key: &Key256) -> Result<Vec<u8>, BackupError> {
    let head = Head::read(&mut file)?;
    let mut opening = head.open(key, file)?;
    let mut content = Vec::new();
    while let Some(piece) = opening.next_piece()? {
        content.extend(piece.expose());
    }
    Ok(content)
}

#[test]
fn what_was_sealed_comes_out_whatever_its_length() {
    for length in [0, 1, PIECE - 1, PIECE, PIECE + 1, 2 * PIECE, 3 * PIECE + 17] {
        let content = content(length);
        for step in [100, PIECE, 5 * PIECE] {
            let file = sealed(&content, step);
            let pieces = length.div_ceil(PIECE).max(1);
            assert_eq!(file.len(), HEAD + length + pieces * TAG, "{length} by {step}");
            assert!(opened(&file, &key()).unwrap() == content, "{length} by {step}");
        }
    }
}

#[test]
fn two_files_of_one_content_have_nothing_in_common() {
    let (one, other) = (sealed(b"the same", 8), sealed(b"the same", 8));
    assert_ne!(one[HEAD..], other[HEAD..]);
}

#[test]
fn the_open_part_is_readable_without_a_key() {
    let file = sealed(b"", 1);
    assert_eq!(Head::read(&mut file.as_slice()).unwrap().open_part(), OPEN_PART);
}

#[test]
fn a_file_that_is_cut_off_anywhere_says_so() {
    let whole = sealed(&content(2 * PIECE + 100), PIECE);
    let first_end = HEAD + PIECE + TAG;
    let ends = [first_end, first_end + 1, first_end + PIECE + TAG, whole.len() - 1, whole.len() - TAG];
    for end in ends {
        let error = opened(&whole[..end], &key()).unwrap_err();
        let BackupError::CutOff { length } = error else { panic!("cut at {end}: {error}") };
        assert_eq!(length, end as u64);
    }
    for end in [0, 7, HEAD - 1] {
        assert!(matches!(opened(&whole[..end], &key()), Err(BackupError::NotABackup)), "cut at {end}");
    }
    // A single piece that is cut cannot be told from another key's.
    let short = sealed(b"short", 5);
    assert!(matches!(opened(&short[..short.len() - 1], &key()), Err(BackupError::NotOpened)));
}

#[test]
fn what_stands_behind_the_end_is_found() {
    for length in [100, PIECE, PIECE + 100] {
        let whole = sealed(&content(length), PIECE);
        for more in [&b"x"[..], &whole[HEAD..]] {
            let longer = [&whole, more].concat();
            let error = opened(&longer, &key()).unwrap_err();
            // Behind a short last piece it reads as part of that piece, which then does not open.
            let found = matches!(
                error,
                BackupError::BehindEnd { .. }
                    | BackupError::CutOff { .. }
                    | BackupError::NotOpened
                    | BackupError::Damaged { .. }
            );
            assert!(found, "{length}: {error}");
        }
    }
    let whole = sealed(&content(PIECE), PIECE);
    let longer = [&whole, &b"x"[..]].concat();
    let error = opened(&longer, &key()).unwrap_err();
    assert!(matches!(error, BackupError::BehindEnd { offset } if offset == whole.len() as u64), "{error}");
}

#[test]
fn pieces_stand_where_they_were_put() {
    let whole = sealed(&content(3 * PIECE), PIECE);
    let piece = |number: usize| &whole[HEAD + number * (PIECE + TAG)..HEAD + (number + 1) * (PIECE + TAG)];
    let with = |pieces: &[&[u8]]| [&[&whole[..HEAD]], pieces].concat().concat();
    assert!(opened(&with(&[piece(0), piece(1), piece(2)]), &key()).is_ok());
    for moved in [
        with(&[piece(0), piece(2)]),
        with(&[piece(1), piece(0), piece(2)]),
        with(&[piece(0), piece(0), piece(2)]),
    ] {
        assert!(opened(&moved, &key()).is_err());
    }
}

#[test]
fn a_later_format_another_key_and_no_backup_are_told_apart() {
    let whole = sealed(b"content", 7);
    let mut later = whole.clone();
    later[9] = 2;
    assert!(matches!(opened(&later, &key()), Err(BackupError::UnsupportedFormat(2))));
    assert!(matches!(opened(&whole, &Secret::new([8; 32])), Err(BackupError::NotOpened)));
    assert!(matches!(opened(&[0; 200], &key()), Err(BackupError::NotABackup)));
    // An open part that claims to be endless is not read.
    let mut endless = whole;
    endless[HEAD - OPEN_PART.len() - 4..][..4].fill(0xff);
    assert!(matches!(opened(&endless, &key()), Err(BackupError::NotABackup)));
}

/// Made apart from this crate, with Python's `hmac` and `cryptography`.
#[test]
fn a_file_of_format_1_opens() {
    let golden = strongroom_crypto::hex::decode(include_str!("golden/container-1.hex").trim()).unwrap();
    assert_eq!(opened(&golden, &key()).unwrap(), b"sealed once, opened for ever");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn no_altered_bit_goes_unseen(length in 0..2 * PIECE + 50, at in any::<prop::sample::Index>(), bit in 0..8_u8) {
        let whole = sealed(&content(length), PIECE);
        let mut altered = whole.clone();
        altered[at.index(whole.len())] ^= 1 << bit;
        prop_assert!(opened(&altered, &key()).is_err());
    }
}
