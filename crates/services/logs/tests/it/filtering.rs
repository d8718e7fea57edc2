//! FilterLogEvents: events of several streams, interleaved.

use strongroom_api_logs::{
    CloudWatchLogs as _, FilterLogEventsRequest, FilteredLogEvent, TestMetricFilterRequest,
};
use strongroom_testkit::{TestDatabase, on_both_engines};

use crate::fixture::{Client, DAY, Lab, START, refused};

on_both_engines! {
    streams_are_interleaved,
    patterns_choose,
    streams_are_chosen,
    pages_neither_lose_nor_repeat,
    large_events_are_read_a_few_at_once,
    tokens_lead_nowhere_else,
    what_cannot_be_asked_is_refused,
    patterns_that_take_long_end_a_page,
}

async fn lab(database: &TestDatabase) -> Lab {
    let lab = Lab::new(database).await;
    let root = lab.root();
    root.create("g").await.unwrap();
    for stream in ["web-1", "web-2", "db"] {
        root.stream("g", stream).await.unwrap();
    }
    for at in 0..6 {
        let stream = ["web-1", "web-2", "db"][usize::try_from(at % 3).unwrap()];
        let level = if at % 2 == 0 { "ERROR" } else { "INFO" };
        root.put(("g", stream), &[(START + at, &format!("{level} {at}"))]).await.unwrap();
    }
    lab
}

fn texts(events: &[FilteredLogEvent]) -> Vec<&str> {
    events.iter().map(|event| event.message.as_deref().unwrap()).collect()
}

async fn all(client: &Client, asked: FilterLogEventsRequest) -> Vec<FilteredLogEvent> {
    let mut events = Vec::new();
    let mut next_token = None;
    loop {
        let page = FilterLogEventsRequest { next_token, ..asked.clone() };
        let page = client.filter("g", page).await.unwrap();
        events.extend(page.events.unwrap());
        next_token = page.next_token;
        if next_token.is_none() {
            return events;
        }
    }
}

async fn streams_are_interleaved(database: &TestDatabase) {
    let lab = lab(database).await;
    let root = lab.root();
    let found = all(&root, FilterLogEventsRequest::default()).await;
    assert_eq!(texts(&found), ["ERROR 0", "INFO 1", "ERROR 2", "INFO 3", "ERROR 4", "INFO 5"]);
    assert_eq!(found[2].log_stream_name.as_deref(), Some("db"));
    assert_eq!(found[2].timestamp, Some(START + 2));
    let ids: std::collections::BTreeSet<_> =
        found.iter().map(|event| event.event_id.clone().unwrap()).collect();
    assert_eq!(ids.len(), 6);
    assert!(ids.iter().all(|id| id.len() == 56 && id.bytes().all(|byte| byte.is_ascii_digit())));
    let stretch = FilterLogEventsRequest {
        start_time: Some(START + 1),
        end_time: Some(START + 3),
        ..Default::default()
    };
    assert_eq!(texts(&all(&root, stretch.clone()).await), ["INFO 1", "ERROR 2", "INFO 3"]);
    for limit in [1, 2, 10] {
        let newest_first =
            FilterLogEventsRequest { start_from_head: Some(false), limit: Some(limit), ..stretch.clone() };
        assert_eq!(texts(&all(&root, newest_first).await), ["INFO 3", "ERROR 2", "INFO 1"]);
    }
}

async fn patterns_choose(database: &TestDatabase) {
    let lab = lab(database).await;
    let root = lab.root();
    let by = |pattern: &str| FilterLogEventsRequest {
        filter_pattern: Some(pattern.to_owned()),
        limit: Some(2),
        ..Default::default()
    };
    assert_eq!(texts(&all(&root, by("ERROR")).await), ["ERROR 0", "ERROR 2", "ERROR 4"]);
    assert_eq!(texts(&all(&root, by("[level = INFO, number > 2]")).await), ["INFO 3", "INFO 5"]);
    assert_eq!(texts(&all(&root, by("{ $.a = 1 }")).await), [] as [&str; 0]);
}

async fn streams_are_chosen(database: &TestDatabase) {
    let lab = lab(database).await;
    let root = lab.root();
    let named = |names: &[&str]| FilterLogEventsRequest {
        log_stream_names: Some(names.iter().map(|name| (*name).to_owned()).collect()),
        ..Default::default()
    };
    assert_eq!(texts(&all(&root, named(&["db"])).await), ["ERROR 2", "INFO 5"]);
    for limit in [1, 3] {
        let asked = FilterLogEventsRequest { limit: Some(limit), ..named(&["web-2", "web-1"]) };
        assert_eq!(texts(&all(&root, asked).await), ["ERROR 0", "INFO 1", "INFO 3", "ERROR 4"]);
        let by_prefix = FilterLogEventsRequest {
            log_stream_name_prefix: Some("web-".to_owned()),
            limit: Some(limit),
            ..Default::default()
        };
        assert_eq!(texts(&all(&root, by_prefix).await), ["ERROR 0", "INFO 1", "INFO 3", "ERROR 4"]);
    }
    let (code, text) = refused(root.filter("g", named(&["db", "nobody"])).await);
    assert_eq!(
        (code.as_str(), text.as_str()),
        ("ResourceNotFoundException", "The specified log stream does not exist.")
    );
}

async fn pages_neither_lose_nor_repeat(database: &TestDatabase) {
    let lab = lab(database).await;
    let root = lab.root();
    // Many of one moment, in several streams.
    for stream in ["web-1", "web-2", "db"] {
        let texts: Vec<_> = (0..1_500).map(|number| format!("{stream} {number}")).collect();
        let events: Vec<_> = texts.iter().map(|text| (START + 50, text.as_str())).collect();
        root.put(("g", stream), &events).await.unwrap();
    }
    for streams in [None, Some(vec!["web-1".to_owned(), "db".to_owned()])] {
        let wanted = if streams.is_none() { 4_500 } else { 3_000 };
        for limit in [700, 10_000] {
            let asked = FilterLogEventsRequest {
                start_time: Some(START + 50),
                log_stream_names: streams.clone(),
                limit: Some(limit),
                ..Default::default()
            };
            let found = all(&root, asked.clone()).await;
            let ids: std::collections::BTreeSet<_> = found.iter().map(|event| &event.event_id).collect();
            assert_eq!((found.len(), ids.len()), (wanted, wanted));
            let back = all(&root, FilterLogEventsRequest { start_from_head: Some(false), ..asked }).await;
            assert!(
                back.iter().rev().map(|event| &event.event_id).eq(found.iter().map(|event| &event.event_id))
            );
        }
    }
}

async fn what_cannot_be_asked_is_refused(database: &TestDatabase) {
    let lab = lab(database).await;
    let root = lab.root();
    for asked in [
        FilterLogEventsRequest {
            log_stream_names: Some(vec!["db".to_owned()]),
            log_stream_name_prefix: Some("d".to_owned()),
            ..Default::default()
        },
        FilterLogEventsRequest { filter_pattern: Some("{ $.a }".to_owned()), ..Default::default() },
        FilterLogEventsRequest { next_token: Some("zz".to_owned()), ..Default::default() },
        FilterLogEventsRequest { start_from_head: Some(false), ..Default::default() },
        FilterLogEventsRequest { log_group_identifier: Some("g".to_owned()), ..Default::default() },
    ] {
        let (code, _) = refused(root.filter("g", asked).await);
        assert_eq!(code, "InvalidParameterException");
    }
    let missing = refused(root.filter("h", FilterLogEventsRequest::default()).await);
    assert_eq!(missing.1, "The specified log group does not exist.");
}

async fn large_events_are_read_a_few_at_once(database: &TestDatabase) {
    let lab = lab(database).await;
    let root = lab.root();
    let long = "x".repeat(300_000);
    for at in 0..12 {
        let stream = ["web-1", "web-2", "db"][usize::try_from(at % 3).unwrap()];
        root.put(("g", stream), &[(START + 50 + at, &format!("{at} {long}")), (START + 50 + at, "short")])
            .await
            .unwrap();
    }
    let wanted: Vec<_> = (0..12).flat_map(|at| [at.to_string(), "short".to_owned()]).collect();
    let begin =
        |event: &FilteredLogEvent| event.message.as_deref().unwrap().split(' ').next().unwrap().to_owned();
    for log_stream_names in [None, Some(["web-1", "web-2", "db"].map(str::to_owned).to_vec())] {
        let asked =
            FilterLogEventsRequest { start_time: Some(START + 50), log_stream_names, ..Default::default() };
        let found = all(&root, asked.clone()).await;
        assert_eq!(found.iter().map(begin).collect::<Vec<_>>(), wanted);
        let back = all(&root, FilterLogEventsRequest { start_from_head: Some(false), ..asked }).await;
        assert_eq!(back.iter().rev().map(begin).collect::<Vec<_>>(), wanted);
    }
}

async fn tokens_lead_nowhere_else(database: &TestDatabase) {
    let lab = lab(database).await;
    let root = lab.root();
    // A token leads to the beginning of what is asked for with it, and retention has the last word.
    let one = FilterLogEventsRequest { limit: Some(1), ..Default::default() };
    let old = root.filter("g", one).await.unwrap().next_token;
    let asked =
        FilterLogEventsRequest { next_token: old.clone(), start_time: Some(START + 4), ..Default::default() };
    let found = root.filter("g", asked).await.unwrap().events.unwrap();
    assert_eq!(texts(&found), ["ERROR 4", "INFO 5"]);
    root.retain("g", 1).await.unwrap();
    lab.wait(DAY + 3);
    let asked = FilterLogEventsRequest { next_token: old, ..Default::default() };
    let found = root.filter("g", asked).await.unwrap().events.unwrap();
    assert_eq!(texts(&found), ["INFO 3", "ERROR 4", "INFO 5"]);
    let back = FilterLogEventsRequest {
        start_time: Some(START),
        start_from_head: Some(false),
        limit: Some(1),
        ..Default::default()
    };
    let newest = root.filter("g", back.clone()).await.unwrap().next_token;
    let asked = FilterLogEventsRequest { next_token: newest, end_time: Some(START + 3), limit: None, ..back };
    assert_eq!(texts(&root.filter("g", asked).await.unwrap().events.unwrap()), ["INFO 3"]);
}

/// An expression that follows two hundred possibilities at once looks at half a million characters for a page.
async fn patterns_that_take_long_end_a_page(database: &TestDatabase) {
    let lab = lab(database).await;
    let root = lab.root();
    let (short, long) = ("b".repeat(200_000), "b".repeat(900_000));
    for (at, text) in [(10, &short), (11, &short), (12, &short), (13, &long)] {
        root.put(("g", "db"), &[(START + at, text)]).await.unwrap();
    }
    root.put(("g", "db"), &[(START + 14, &format!("a{}x", "b".repeat(200)))]).await.unwrap();
    let filter_pattern = "%a.{200}x%".to_owned();
    let asked = FilterLogEventsRequest { filter_pattern: Some(filter_pattern.clone()), ..Default::default() };
    let first = root.filter("g", asked.clone()).await.unwrap();
    assert!(
        first.events.unwrap().is_empty() && first.next_token.is_some(),
        "what follows is for other pages"
    );
    let found = all(&root, asked).await;
    assert_eq!(found.iter().map(|event| event.timestamp.unwrap()).collect::<Vec<_>>(), [START + 14]);
    let input = TestMetricFilterRequest { filter_pattern, log_event_messages: vec![short.clone(), short] };
    let tried = refused(lab.logs.test_metric_filter(&root.context(), input).await);
    assert_eq!(tried.0, "InvalidParameterException");
}
