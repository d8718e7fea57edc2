//! Where lookups go on, and what is no such place.

use proptest::prelude::*;
use strongroom_history::{Attribute, Continuation, Filter, HistoryError};

use crate::fixture::{Place, append, everything, record};

#[test]
fn continuations_are_good_for_their_own_filter_only() {
    let place = Place::new();
    let journal = place.open();
    append(&journal, (0..5).map(record));
    let history = place.history(journal.reader());
    let next = history.lookup(&everything(), 2, None).unwrap().next.unwrap();
    for other in [
        Filter { account: "999988887777".into(), ..everything() },
        Filter { region: "eu-west-1".into(), ..everything() },
        Filter { start_ms: Some(0), ..everything() },
        Filter { end_ms: Some(0), ..everything() },
        Filter { attribute: Some((Attribute::EventName, "Decrypt".into())), ..everything() },
    ] {
        let refused = history.lookup(&other, 2, Some(&next));
        assert!(matches!(refused, Err(HistoryError::InvalidContinuation)), "{other:?}");
    }
    assert_eq!(history.lookup(&everything(), 2, Some(&next)).unwrap().records.len(), 2);
    // While the horizon moves on.
    let later = Filter { horizon_ms: Some(record(2).event_time_ms), ..everything() };
    assert_eq!(history.lookup(&later, 2, Some(&next)).unwrap().records.len(), 1);
}

#[test]
fn forged_continuations_are_refused() {
    let place = Place::new();
    let journal = place.open();
    append(&journal, (0..5).map(record));
    let history = place.history(journal.reader());
    let text = history.lookup(&everything(), 2, None).unwrap().next.unwrap().encode();
    assert_eq!(text.len(), 106);
    for index in 0..text.len() {
        let mut forged = text.clone().into_bytes();
        forged[index] = if forged[index] == b'0' { b'1' } else { b'0' };
        let forged = String::from_utf8(forged).unwrap();
        assert!(matches!(Continuation::decode(&forged), Err(HistoryError::InvalidContinuation)));
    }
    assert!(Continuation::decode(&text.to_uppercase()).is_err());
    assert!(Continuation::decode(&text[..104]).is_err());
}

proptest! {
    #[test]
    fn garbage_is_no_continuation(text in "\\PC{0,100}|[0-9a-f]{106}") {
        prop_assert!(matches!(Continuation::decode(&text), Err(HistoryError::InvalidContinuation)));
    }
}
