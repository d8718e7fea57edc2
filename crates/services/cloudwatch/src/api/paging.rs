//! Tokens of pages, which callers cannot make sense of.

use strongroom_crypto::hex;

use crate::error::Refusal;

/// The first byte of a token: its form.
const FORM: u8 = 1;

/// The longest place that a token carries.
const LONGEST: usize = 2_048;

/// A token that leads to what comes after `place` of the list of that number. A place is a few texts.
pub(super) fn close(list: u8, place: &[&[u8]]) -> String {
    let mut bytes = vec![FORM, list];
    for part in place {
        bytes.extend((part.len() as u16).to_be_bytes());
        bytes.extend(*part);
    }
    hex::encode(&bytes)
}

/// The place in the list that a token leads to, of `PARTS` texts.
pub(super) fn open<const PARTS: usize>(list: u8, token: &str) -> Result<[Vec<u8>; PARTS], Refusal> {
    read(list, token).ok_or(Refusal::NextToken)
}

fn read<const PARTS: usize>(list: u8, token: &str) -> Option<[Vec<u8>; PARTS]> {
    if token.len() > 2 * LONGEST {
        return None;
    }
    let bytes = hex::decode(token)?;
    let mut rest = bytes.strip_prefix(&[FORM, list])?;
    let mut parts = Vec::with_capacity(PARTS);
    while let Some((length, after)) = rest.split_first_chunk() {
        let (part, after) = after.split_at_checked(usize::from(u16::from_be_bytes(*length)))?;
        parts.push(part.to_vec());
        rest = after;
    }
    if !rest.is_empty() {
        return None;
    }
    parts.try_into().ok()
}

/// The same as text.
pub(super) fn text(part: Vec<u8>) -> Result<String, Refusal> {
    String::from_utf8(part).ok().filter(|text| !text.contains('\0')).ok_or(Refusal::NextToken)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_lead_back_into_their_own_list_only() {
        let token = close(1, &[b"a", b""]);
        assert_eq!(open::<2>(1, &token).unwrap(), [b"a".to_vec(), Vec::new()]);
        for (list, token) in [(2, token.as_str()), (1, "zz"), (1, ""), (1, &token[..6])] {
            assert!(open::<2>(list, token).is_err(), "{token}");
        }
        assert!(open::<3>(1, &token).is_err());
    }
}
