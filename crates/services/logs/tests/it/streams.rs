//! Streams, and in which order they are listed.

use strongroom_api_logs::{self as api, CloudWatchLogs as _};
use strongroom_store::Statement;
use strongroom_testkit::{TestDatabase, on_both_engines};

use crate::fixture::{Client, Lab, START, group_arn, refused};

on_both_engines! {
    a_stream_tells_what_it_has_had,
    streams_are_listed_by_name,
    streams_are_listed_by_their_last_events,
    nobody_is_sent_on_for_streams_that_are_gone,
    one_call_passes_over_so_many_streams,
}

async fn list(client: &Client, asked: api::DescribeLogStreamsRequest) -> Vec<String> {
    pages(client, asked).await.concat()
}

async fn pages(client: &Client, asked: api::DescribeLogStreamsRequest) -> Vec<Vec<String>> {
    let mut pages = Vec::new();
    let mut next_token = None;
    loop {
        let input = api::DescribeLogStreamsRequest {
            log_group_name: Some("g".to_owned()),
            next_token,
            ..asked.clone()
        };
        let page = client.logs.describe_log_streams(&client.context(), input).await.unwrap();
        let shown = page.log_streams.unwrap();
        assert!(shown.len() <= usize::try_from(asked.limit.unwrap_or(50)).unwrap());
        pages.push(shown.into_iter().map(|stream| stream.log_stream_name.unwrap()).collect());
        next_token = page.next_token;
        if next_token.is_none() {
            return pages;
        }
    }
}

async fn a_stream_tells_what_it_has_had(database: &TestDatabase) {
    let lab = Lab::new(database).await;
    let root = lab.root();
    let missing = refused(root.stream("g", "s").await);
    assert_eq!(missing.0, "ResourceNotFoundException");
    root.create("g").await.unwrap();
    root.stream("g", "s").await.unwrap();
    let again = refused(root.stream("g", "s").await);
    assert_eq!(again.0, "ResourceAlreadyExistsException");
    assert_eq!(again.1, "The specified log stream already exists");
    lab.wait(500);
    root.put(("g", "s"), &[(START - 10, "a"), (START + 20, "bcd")]).await.unwrap();
    let input =
        api::DescribeLogStreamsRequest { log_group_identifier: Some(group_arn("g")), ..Default::default() };
    let found = lab.logs.describe_log_streams(&root.context(), input).await.unwrap().log_streams.unwrap();
    let stream = &found[0];
    assert_eq!(stream.creation_time, Some(START));
    assert_eq!(stream.first_event_timestamp, Some(START - 10));
    assert_eq!(stream.last_event_timestamp, Some(START + 20));
    assert_eq!(stream.last_ingestion_time, Some(START + 500));
    assert_eq!(stream.stored_bytes, Some(0));
    assert_eq!(stream.arn.as_deref().unwrap(), format!("{}:log-stream:s", group_arn("g")));
    assert_eq!(root.group("g").await.stored_bytes, Some(4));
}

async fn streams_are_listed_by_name(database: &TestDatabase) {
    let lab = Lab::new(database).await;
    let root = lab.root();
    root.create("g").await.unwrap();
    for name in ["b2", "a", "b1", "c", "b3"] {
        root.stream("g", name).await.unwrap();
    }
    let asked = api::DescribeLogStreamsRequest { limit: Some(2), ..Default::default() };
    assert_eq!(list(&root, asked.clone()).await, ["a", "b1", "b2", "b3", "c"]);
    let back = api::DescribeLogStreamsRequest { descending: Some(true), ..asked.clone() };
    assert_eq!(list(&root, back.clone()).await, ["c", "b3", "b2", "b1", "a"]);
    let prefix = Some("b".to_owned());
    let some = api::DescribeLogStreamsRequest { log_stream_name_prefix: prefix.clone(), ..asked };
    assert_eq!(list(&root, some).await, ["b1", "b2", "b3"]);
    let some = api::DescribeLogStreamsRequest { log_stream_name_prefix: prefix, ..back };
    assert_eq!(list(&root, some).await, ["b3", "b2", "b1"]);
}

async fn streams_are_listed_by_their_last_events(database: &TestDatabase) {
    let lab = Lab::new(database).await;
    let root = lab.root();
    root.create("g").await.unwrap();
    for (at, name) in ["d", "a", "gone", "c", "b", "n2", "n1"].into_iter().enumerate() {
        root.stream("g", name).await.unwrap();
        if !name.starts_with('n') {
            root.put(("g", name), &[(START + i64::try_from(at).unwrap(), "x")]).await.unwrap();
        }
    }
    root.delete_stream("g", "gone").await.unwrap();
    // Pages are full, and nobody is sent on for nothing.
    for (limit, most) in [(1, 6), (2, 3), (3, 2), (4, 2), (6, 1), (50, 1)] {
        let asked = api::DescribeLogStreamsRequest {
            order_by: Some(api::OrderBy::LastEventTime),
            limit: Some(limit),
            ..Default::default()
        };
        let back = api::DescribeLogStreamsRequest { descending: Some(true), ..asked.clone() };
        for (asked, names) in
            [(asked, ["n1", "n2", "d", "a", "c", "b"]), (back, ["b", "c", "a", "d", "n2", "n1"])]
        {
            let pages = pages(&root, asked).await;
            assert_eq!(pages.concat(), names, "{limit}");
            assert_eq!(pages.len(), most, "{limit}");
        }
    }
    let input = api::DescribeLogStreamsRequest {
        log_group_name: Some("g".to_owned()),
        order_by: Some(api::OrderBy::LastEventTime),
        log_stream_name_prefix: Some("a".to_owned()),
        ..Default::default()
    };
    let (_, text) = refused(lab.logs.describe_log_streams(&root.context(), input).await);
    assert_eq!(text, "Cannot order by LastEventTime with a logStreamNamePrefix.");
}

/// Streams that were deleted and are not swept yet are no reason for another page.
async fn nobody_is_sent_on_for_streams_that_are_gone(database: &TestDatabase) {
    let lab = Lab::new(database).await;
    let root = lab.root();
    root.create("g").await.unwrap();
    for (at, name) in ["gone1", "gone2", "a", "gone3", "b", "gone4", "gone5"].into_iter().enumerate() {
        root.stream("g", name).await.unwrap();
        root.put(("g", name), &[(START + i64::try_from(at).unwrap(), "x")]).await.unwrap();
    }
    for number in 1..=5 {
        root.delete_stream("g", &format!("gone{number}")).await.unwrap();
    }
    for (limit, most) in [(1, 2), (2, 1), (3, 1)] {
        let asked = api::DescribeLogStreamsRequest {
            order_by: Some(api::OrderBy::LastEventTime),
            limit: Some(limit),
            ..Default::default()
        };
        let back = api::DescribeLogStreamsRequest { descending: Some(true), ..asked.clone() };
        for (asked, names) in [(asked, ["a", "b"]), (back, ["b", "a"])] {
            let pages = pages(&root, asked).await;
            assert_eq!(pages.concat(), names, "{limit}");
            assert_eq!(pages.len(), most, "{limit}");
        }
    }
}

const GROUP: Statement = Statement::new("SELECT group_id FROM logs_groups");
const LEFT: Statement = Statement::new(
    "INSERT INTO logs_stored (stream_id, group_id, first_ms, last_ms, ingested_ms, bytes, next_sequence) \
     VALUES ($1, $2, $3, $3, $3, 1, 1)",
);

/// Streams that were deleted and are not swept yet are passed over, but not all in one call.
async fn one_call_passes_over_so_many_streams(database: &TestDatabase) {
    let lab = Lab::new(database).await;
    let root = lab.root();
    root.create("g").await.unwrap();
    root.stream("g", "oldest").await.unwrap();
    root.put(("g", "oldest"), &[(START, "x")]).await.unwrap();
    let group = lab.db.query_one(GROUP, &[]).await.unwrap().blob("group_id").unwrap();
    let group = &group;
    let left = lab.db.transaction(|tx| {
        Box::pin(async move {
            for number in 0..3_000_i64 {
                let stream = [[0; 8], number.to_be_bytes()].concat();
                let at_ms = START + 1 + number;
                tx.execute(LEFT, &[stream.into(), group.clone().into(), at_ms.into()]).await?;
            }
            Ok::<_, strongroom_store::StoreError>(())
        })
    });
    left.await.unwrap();
    let asked = api::DescribeLogStreamsRequest {
        log_group_name: Some("g".to_owned()),
        order_by: Some(api::OrderBy::LastEventTime),
        descending: Some(true),
        limit: Some(1),
        ..Default::default()
    };
    let first = lab.logs.describe_log_streams(&root.context(), asked.clone()).await.unwrap();
    assert_eq!(first.log_streams.unwrap().len(), 0);
    assert!(first.next_token.is_some(), "it goes on in another call");
    assert_eq!(list(&root, asked).await, ["oldest"]);
}
