//! Pages of lists: places that callers cannot make sense of.

use strongroom_crypto::hex;

use crate::error::Refusal;

/// The first byte of a token: its form.
const FORM: u8 = 1;

/// Entries of a page (SNS API Reference: ListTopics, ListSubscriptions, ListSubscriptionsByTopic).
pub(crate) const PAGE: usize = 100;

/// Which list a token leads into.
#[derive(Clone, Copy)]
pub(crate) enum List {
    Topics = 1,
    Subscriptions = 2,
    SubscriptionsByTopic = 3,
}

/// A token that leads to what comes after `place` of a list.
pub(crate) fn close(list: List, place: &str) -> String {
    hex::encode(&[&[FORM, list as u8], place.as_bytes()].concat())
}

/// The place in the list that a token leads to: the list's beginning, where there is no token.
pub(crate) fn open(list: List, token: Option<&str>) -> Result<String, Refusal> {
    let Some(token) = token.filter(|token| !token.is_empty()) else { return Ok(String::new()) };
    let place = hex::decode(token).and_then(|bytes| match bytes.split_at_checked(2) {
        Some(([FORM, known], place)) if *known == list as u8 => String::from_utf8(place.to_vec()).ok(),
        _ => None,
    });
    let place = place.filter(|place| !place.is_empty() && !place.chars().any(char::is_control));
    // Text: an answer of AWS, quoted in public issue threads.
    place.ok_or_else(|| Refusal::parameter("NextToken"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_lead_back_into_their_own_list_only() {
        let token = close(List::Topics, "alarms");
        assert_eq!(open(List::Topics, Some(&token)).unwrap(), "alarms");
        assert_eq!(open(List::Topics, None).unwrap(), "");
        assert!(open(List::Subscriptions, Some(&token)).is_err());
        for token in ["zz", "01", &close(List::Topics, "\0"), &close(List::Topics, "")] {
            assert!(open(List::Topics, Some(token)).is_err(), "{token}");
        }
    }
}
