//! Pages of lists: places that callers cannot make sense of.

use strongroom_crypto::hex;

use crate::error::Refusal;

/// The first byte of a token: its form.
const FORM: u8 = 1;

/// The longest place that a token carries, so that tokens stay within the model's 256 characters.
const LONGEST_PLACE: usize = 126;

/// A token that leads to what comes after `place` of a list.
pub(crate) fn close(list: u8, place: &str) -> String {
    let place = &place.as_bytes()[..place.len().min(LONGEST_PLACE)];
    hex::encode(&[&[FORM, list], place].concat())
}

/// The place in the list that a token leads to.
pub(crate) fn open(list: u8, token: &str) -> Result<String, Refusal> {
    let place = hex::decode(token).and_then(|bytes| match bytes.split_at_checked(2) {
        Some(([FORM, known], place)) if *known == list => String::from_utf8(place.to_vec()).ok(),
        _ => None,
    });
    place
        .filter(|place| !place.is_empty() && !place.chars().any(char::is_control))
        .ok_or_else(|| Refusal::Invalid("Invalid pagination token.".to_owned()))
}

/// How many entries the page has.
pub(crate) fn limit(asked: Option<i32>, default: usize) -> usize {
    asked.and_then(|asked| usize::try_from(asked).ok()).unwrap_or(default)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_lead_back_into_their_own_list_only() {
        let token = close(7, "cluster-a");
        assert_eq!(open(7, &token).unwrap(), "cluster-a");
        for (list, token) in
            [(8, token.as_str()), (7, "zz"), (7, ""), (7, &close(7, "\0")), (7, &close(7, ""))]
        {
            assert!(open(list, token).is_err(), "{token}");
        }
    }
}
