//! Newest first, page by page.

use strongroom_api_cloudtrail::{LookupAttributeKey, LookupEventsRequest};
use strongroom_testkit::run;

use crate::fixture::{History, by, everything, ids, record};

fn paged(most: i32) -> LookupEventsRequest {
    LookupEventsRequest { max_results: Some(most), ..everything() }
}

#[test]
fn pages_of_any_size_show_everything_once() {
    run(async {
        let history = History::new().await;
        for number in 0..120 {
            history.append(&record(number)).await;
        }
        let newest_first = ids((0..120).rev());
        for most in [1, 2, 7, 49, 50] {
            assert_eq!(history.ids(paged(most)).await, newest_first, "pages of {most}");
        }
        // CloudTrail API Reference, LookupEvents: 50, unless the caller says otherwise.
        let first = history.lookup(everything()).await.unwrap();
        assert_eq!(first.events.unwrap().len(), 50);
        assert!(first.next_token.is_some());
        assert_eq!(history.ids(everything()).await, newest_first);

        let one = by(LookupAttributeKey::EventId, &ids([3])[0]);
        assert_eq!(history.ids(LookupEventsRequest { max_results: Some(1), ..one }).await, ids([3]));
    });
}

#[test]
fn an_event_is_there_as_soon_as_it_is_recorded() {
    run(async {
        let history = History::new().await;
        for number in 0..20 {
            history.append(&record(number)).await;
            let newest = history.lookup(paged(1)).await.unwrap().events.unwrap();
            assert_eq!(newest[0].event_id.as_ref(), ids([number]).first());
        }
    });
}

#[test]
fn pages_neither_repeat_nor_miss_while_the_history_grows() {
    run(async {
        let history = History::new().await;
        for number in 0..10 {
            history.append(&record(number)).await;
        }
        let (mut seen, mut next_token) = (Vec::new(), None);
        for number in 10.. {
            let answer = history.lookup(LookupEventsRequest { next_token, ..paged(1) }).await.unwrap();
            seen.extend(answer.events.unwrap().into_iter().map(|event| event.event_id.unwrap()));
            next_token = answer.next_token;
            if next_token.is_none() {
                break;
            }
            history.append(&record(number)).await;
        }
        assert_eq!(seen, ids((0..10).rev()));
    });
}

#[test]
fn a_history_and_its_tokens_outlive_a_restart() {
    run(async {
        let before = History::new().await;
        for number in 0..6 {
            before.append(&record(number)).await;
        }
        let first = before.lookup(paged(2)).await.unwrap();
        let History { journal, index, trail, directory } = before;
        journal.close().await.unwrap();
        drop((journal, index, trail));

        let after = History::at(directory).await;
        after.append(&record(6)).await;
        assert_eq!(after.ids(paged(4)).await, ids((0..=6).rev()));
        let rest =
            after.lookup(LookupEventsRequest { next_token: first.next_token, ..paged(50) }).await.unwrap();
        let rest: Vec<_> = rest.events.unwrap().into_iter().map(|event| event.event_id.unwrap()).collect();
        assert_eq!(rest, ids((0..4).rev()));
    });
}
