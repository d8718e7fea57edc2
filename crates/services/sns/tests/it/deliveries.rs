//! Deliveries that fail, are tried again, survive a crash, and are given up.

use strongroom_sns::Undelivered;
use strongroom_store::Statement;
use strongroom_testkit::{TestDatabase, on_both_engines};

use crate::fixture::Bench;

const HOOK: &str = "https://example.com/hook";

/// The time between retries that a topic has from the start.
const RETRY_MS: u64 = 20_000;

on_both_engines! {
    a_failed_delivery_is_tried_again_with_the_same_id,
    after_three_retries_it_is_given_up_on_record,
    who_refuses_is_not_asked_again,
    what_waits_survives_the_process,
    an_endpoint_that_is_away_keeps_nobody_waiting,
    nothing_stays_that_nobody_waits_for,
}

async fn a_failed_delivery_is_tried_again_with_the_same_id(database: &TestDatabase) {
    let bench = Bench::new(database).await;
    let root = bench.root();
    let topic = root.topic("t").await;
    bench.subscribed(&topic, "https", HOOK).await;
    bench.answer([Ok(503), Err(Undelivered::for_now("it is away")), Ok(429)]);
    let id = root.publish(&topic, "hello").await.unwrap();
    for attempt in 1..=4 {
        let posted = bench.deliver(attempt).await;
        assert_eq!(posted.len(), attempt, "not before its time");
        assert_eq!(posted[attempt - 1].header("x-amz-sns-message-id"), Some(id.as_str()));
        bench.move_clock(RETRY_MS);
    }
    assert!(bench.records().is_empty());
}

async fn after_three_retries_it_is_given_up_on_record(database: &TestDatabase) {
    let bench = Bench::new(database).await;
    let root = bench.root();
    let topic = root.topic("t").await;
    let arn = bench.subscribed(&topic, "https", HOOK).await;
    bench.answer([Ok(500), Ok(500), Ok(500), Ok(500)]);
    let id = root.publish(&topic, "hello").await.unwrap();
    for attempt in 1..=4 {
        bench.deliver(attempt).await;
        bench.move_clock(RETRY_MS);
    }
    let records = bench.records();
    assert_eq!(records.len(), 1);
    let record = &records[0];
    assert_eq!(
        (record.event_name.as_str(), record.event_source.as_str()),
        ("AbandonDelivery", "sns.amazonaws.com")
    );
    let details: serde_json::Value =
        serde_json::from_str(record.service_event_details.as_ref().unwrap()).unwrap();
    assert_eq!(details["messageId"], id);
    assert_eq!(details["subscriptionArn"], arn);
    assert_eq!(details["attempts"], 4);
    assert_eq!(details["reason"], "the endpoint answers with the HTTP status 500");
    root.publish(&topic, "more").await.unwrap();
    assert_eq!(bench.deliver(5).await[4].member("Message"), "more");
}

async fn who_refuses_is_not_asked_again(database: &TestDatabase) {
    let bench = Bench::new(database).await;
    let root = bench.root();
    let topic = root.topic("t").await;
    bench.subscribed(&topic, "https", HOOK).await;
    for status in [400, 404, 301] {
        let before = (bench.posted().len(), bench.records().len());
        bench.answer([Ok(status)]);
        root.publish(&topic, "hello").await.unwrap();
        bench.deliver(before.0 + 1).await;
        assert_eq!(bench.records().len(), before.1 + 1, "{status}");
    }
}

async fn what_waits_survives_the_process(database: &TestDatabase) {
    let mut bench = Bench::new(database).await;
    let topic = bench.root().topic("t").await;
    bench.subscribed(&topic, "https", HOOK).await;
    let id = bench.root().publish(&topic, "hello").await.unwrap();
    bench.restart();
    let posted = bench.deliver(1).await;
    assert_eq!(posted[0].header("x-amz-sns-message-id"), Some(id.as_str()));
    assert_eq!(posted[0].member("Message"), "hello");
}

async fn an_endpoint_that_is_away_keeps_nobody_waiting(database: &TestDatabase) {
    let bench = Bench::new(database).await;
    let root = bench.root();
    let (away, here) = (root.topic("away").await, root.topic("here").await);
    bench.subscribed(&away, "https", "https://example.com/away").await;
    bench.subscribed(&here, "https", "https://example.com/here").await;
    bench.answer((0..20).map(|_| Ok(500)));
    for number in 0..20 {
        root.publish(&away, &number.to_string()).await.unwrap();
    }
    bench.deliver(20).await;
    root.publish(&here, "hello").await.unwrap();
    let posted = bench.deliver(21).await;
    assert_eq!(posted[20].url, "https://example.com/here");
}

const MESSAGES: Statement = Statement::new("SELECT COUNT(*) AS found FROM sns_messages");

async fn nothing_stays_that_nobody_waits_for(database: &TestDatabase) {
    let bench = Bench::new(database).await;
    let root = bench.root();
    let topic = root.topic("t").await;
    let waiting = || async { bench.db.query_one(MESSAGES, &[]).await.unwrap().i64("found").unwrap() };
    for _ in 0..3 {
        root.subscribe(&topic, "https", HOOK, &[]).await.unwrap();
    }
    assert_eq!(waiting().await, 1, "what an endpoint is asked last");
    let arn = bench.subscribed(&topic, "https", HOOK).await;
    assert_eq!(waiting().await, 0);
    root.publish(&topic, "hello").await.unwrap();
    assert_eq!(waiting().await, 1);
    root.unsubscribe(&arn).await.unwrap();
    assert_eq!(waiting().await, 0);
    root.publish(&topic, "heard by nobody").await.unwrap();
    assert_eq!(waiting().await, 0);
}
