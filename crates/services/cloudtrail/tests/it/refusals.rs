//! What a lookup refuses. The codes are the model's (CloudTrail API Reference, LookupEvents); no texts of AWS's are
//! known.

use strongroom_api_cloudtrail::{
    CloudTrail as _, EventCategory, LookupAttribute, LookupAttributeKey, LookupEventsRequest,
    PutInsightSelectorsRequest,
};
use strongroom_testkit::run;

use crate::fixture::{
    ACCOUNT, FAR_REGION, History, REGION, STRANGER, between, by, context, everything, record,
};

const TOKEN: &str = "InvalidNextTokenException: The token is not valid, or its lookup had other parameters.";
const RANGE: &str = "InvalidTimeRangeException: Start time must be before or the same as the end time.";
const ATTRIBUTES: &str =
    "InvalidLookupAttributesException: You can only specify one attribute key with a value.";

async fn refusal(history: &History, input: LookupEventsRequest) -> String {
    history.lookup(input).await.unwrap_err().to_string()
}

#[test]
fn a_range_that_ends_before_it_starts() {
    run(async {
        let history = History::with(&[record(0)]).await;
        assert_eq!(refusal(&history, between(Some(1), Some(0))).await, RANGE);
        assert_eq!(refusal(&history, between(Some(1_000_000), Some(-1_000_000))).await, RANGE);
    });
}

#[test]
fn two_attributes_or_one_that_is_none() {
    run(async {
        let history = History::with(&[record(0)]).await;
        let attribute = |key: &str| LookupAttribute {
            attribute_key: LookupAttributeKey::from(key),
            attribute_value: "Encrypt".to_owned(),
        };
        for attributes in [
            vec![attribute("EventName"), attribute("EventSource")],
            vec![attribute("EventName"), attribute("EventName")],
            vec![attribute("eventName")],
            vec![attribute("")],
        ] {
            let input = LookupEventsRequest { lookup_attributes: Some(attributes), ..everything() };
            assert_eq!(refusal(&history, input).await, ATTRIBUTES);
        }
    });
}

#[test]
fn a_token_of_another_lookup() {
    run(async {
        let history = History::with(&[record(0), record(1), record(2)]).await;
        let input = |given: LookupEventsRequest| LookupEventsRequest { max_results: Some(1), ..given };
        let named = by(LookupAttributeKey::EventName, "Encrypt");
        let token = history.lookup(input(named.clone())).await.unwrap().next_token;
        assert!(token.is_some());
        let with_token = |given| LookupEventsRequest { next_token: token.clone(), ..input(given) };

        for other in [
            everything(),
            by(LookupAttributeKey::EventName, "Decrypt"),
            by(LookupAttributeKey::EventSource, "Encrypt"),
            LookupEventsRequest { start_time: between(Some(0), None).start_time, ..named.clone() },
            LookupEventsRequest { end_time: between(None, Some(9)).end_time, ..named.clone() },
        ] {
            assert_eq!(refusal(&history, with_token(other)).await, TOKEN);
        }
        for (account, region) in [(STRANGER, REGION), (ACCOUNT, FAR_REGION)] {
            let answer =
                history.trail.lookup_events(&context(account, region), with_token(named.clone())).await;
            assert_eq!(answer.unwrap_err().to_string(), TOKEN);
        }
        // It stays good for its own, however many events are asked for.
        for most in [1, 2, 50] {
            let again = LookupEventsRequest { max_results: Some(most), ..with_token(named.clone()) };
            assert_eq!(history.lookup(again).await.unwrap().events.unwrap().len(), 2.min(most as usize));
        }
    });
}

#[test]
fn a_token_that_is_none() {
    run(async {
        let history = History::with(&[record(0), record(1)]).await;
        let first =
            history.lookup(LookupEventsRequest { max_results: Some(1), ..everything() }).await.unwrap();
        let token = first.next_token.unwrap();
        let turned: String = token.chars().rev().collect();
        for garbage in
            ["", "0", "garbage", "é", &token[1..], &token.to_uppercase(), &format!("{token}00"), &turned]
        {
            let input = LookupEventsRequest { next_token: Some(garbage.to_owned()), ..everything() };
            assert_eq!(refusal(&history, input).await, TOKEN, "{garbage}");
        }
    });
}

#[test]
fn what_is_not_implemented_yet() {
    run(async {
        let history = History::with(&[record(0)]).await;
        let input = LookupEventsRequest { event_category: Some(EventCategory::Insight), ..everything() };
        let refused = history.lookup(input).await.unwrap_err();
        assert_eq!((refused.code(), refused.status()), ("NotImplementedException", Some(501)));
        assert!(refused.message().unwrap().contains("Insights"));
        let input = PutInsightSelectorsRequest::default();
        let refused = history.trail.put_insight_selectors(&context(ACCOUNT, REGION), input).await;
        assert_eq!(refused.unwrap_err().code(), "NotImplementedException");
    });
}

#[test]
fn a_journal_that_cannot_be_read_is_a_failure_of_ours() {
    run(async {
        let history = History::with(&[record(0)]).await;
        std::fs::remove_dir_all(history.directory.path()).unwrap();
        let refused = history.lookup(everything()).await.unwrap_err();
        assert_eq!(refused.code(), "InternalFailure");
        // Why is for the log, not for the caller.
        assert!(!refused.to_string().contains(&*history.directory.path().to_string_lossy()));
        assert!(std::error::Error::source(&refused).is_some());
    });
}
