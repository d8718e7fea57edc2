//! One account's backlog, and one slow host, are nobody else's.

use strongroom_store::Statement;
use strongroom_testkit::{TestDatabase, on_both_engines};

use crate::fixture::{Bench, Client, STRANGER, refused};

on_both_engines! {
    a_flood_is_the_flooders_alone,
    an_accounts_slow_endpoints_leave_places_to_others,
    a_slow_host_leaves_places_to_others,
    many_queues_of_one_account_hide_nobodys,
    a_topic_of_many_subscriptions_is_put_down_whole,
}

/// So much of an account waits that it is asked to wait itself.
const FLOOD: Statement = Statement::new(
    "INSERT INTO sns_deliveries (account, region, topic, subscription_id, message_id, failures, due_ms, leased_until_ms) \
     WITH RECURSIVE numbers (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM numbers WHERE i < 100000) \
     SELECT '444455556666', 'us-east-1', 'flood', 'one', 'message-' || CAST(i AS TEXT), 0, 9000000000000, 0 FROM numbers",
);

/// Deliveries of one account to more subscriptions than are looked at in one go, long due, whose messages somebody else's
/// server has at work.
const QUEUES: Statement = Statement::new(
    "INSERT INTO sns_deliveries (account, region, topic, subscription_id, message_id, failures, due_ms, leased_until_ms) \
     WITH RECURSIVE numbers (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM numbers WHERE i < 3000) \
     SELECT '444455556666', 'us-east-1', 'flood', 'one-' || CAST(i AS TEXT), 'message', 0, 1, 9000000000000 FROM numbers",
);

const DELIVERIES: Statement = Statement::new("SELECT COUNT(*) AS found FROM sns_deliveries");

/// The account's own services are let in beyond: alarms and trails speak about it, and are not the flood.
async fn a_flood_is_the_flooders_alone(database: &TestDatabase) {
    let bench = Bench::new(database).await;
    let (root, stranger) = (bench.root(), bench.root().of_account(STRANGER));
    let (topic, theirs) = (root.topic("t").await, stranger.topic("t").await);
    for (client, topic) in [(&root, &topic), (&stranger, &theirs)] {
        subscribe(&bench, client, topic, "https://example.com/hook").await;
    }
    bench.db.execute(FLOOD, &[]).await.unwrap();
    assert_eq!(refused(stranger.publish(&theirs, "hello").await).0, "Throttling");
    root.publish(&topic, "hello").await.unwrap();
    let alarm = format!("arn:aws:cloudwatch:us-east-1:{STRANGER}:alarm:a");
    stranger.service("cloudwatch.amazonaws.com", &alarm).publish(&theirs, "it rings").await.unwrap();
}

async fn an_accounts_slow_endpoints_leave_places_to_others(database: &TestDatabase) {
    let bench = Bench::new(database).await;
    let (root, stranger) = (bench.root(), bench.root().of_account(STRANGER));
    let (topic, theirs) = (root.topic("t").await, stranger.topic("t").await);
    for number in 0..20 {
        subscribe(&bench, &stranger, &theirs, &format!("https://h{number}.example.org/slow")).await;
    }
    subscribe(&bench, &root, &topic, "https://example.com/here").await;
    bench.hold();
    for number in 0..4 {
        stranger.publish(&theirs, &number.to_string()).await.unwrap();
    }
    root.publish(&topic, "hello").await.unwrap();
    bench.deliver_held(|url| url == "https://example.com/here").await;
}

async fn a_slow_host_leaves_places_to_others(database: &TestDatabase) {
    let bench = Bench::new(database).await;
    let root = bench.root();
    for account in 0..4 {
        let client = root.of_account(&format!("00000000000{account}"));
        let topic = client.topic("t").await;
        for number in 0..5 {
            subscribe(&bench, &client, &topic, &format!("https://slow.example.org/slow/{number}")).await;
        }
    }
    let topic = root.topic("t").await;
    subscribe(&bench, &root, &topic, "https://example.com/here").await;
    bench.hold();
    for account in 0..4 {
        let client = root.of_account(&format!("00000000000{account}"));
        for number in 0..4 {
            let topic = format!("arn:aws:sns:us-east-1:00000000000{account}:t");
            client.publish(&topic, &number.to_string()).await.unwrap();
        }
    }
    root.publish(&topic, "hello").await.unwrap();
    bench.deliver_held(|url| url == "https://example.com/here").await;
}

async fn many_queues_of_one_account_hide_nobodys(database: &TestDatabase) {
    let bench = Bench::new(database).await;
    let root = bench.root();
    let topic = root.topic("t").await;
    subscribe(&bench, &root, &topic, "https://example.com/here").await;
    bench.db.execute(QUEUES, &[]).await.unwrap();
    root.publish(&topic, "hello").await.unwrap();
    bench.deliver_held(|url| url == "https://example.com/here").await;
}

async fn a_topic_of_many_subscriptions_is_put_down_whole(database: &TestDatabase) {
    let bench = Bench::new(database).await;
    let root = bench.root();
    let topic = root.topic("t").await;
    for number in 0..103 {
        root.subscribe(&topic, "https", &format!("https://h{number}.example.com/"), &[]).await.unwrap();
    }
    for posted in bench.deliver(103).await {
        root.confirm(&topic, &posted.member("Token")).await.unwrap();
    }
    root.publish(&topic, "hello").await.unwrap();
    let found = bench.db.query_one(DELIVERIES, &[]).await.unwrap().i64("found").unwrap();
    assert_eq!(found, 103);
    bench.endpoints.posted.lock().unwrap().clear();
    assert_eq!(bench.deliver(103).await.len(), 103);
}

async fn subscribe(bench: &Bench, client: &Client, topic: &str, endpoint: &str) {
    client.subscribe(topic, "https", endpoint, &[]).await.unwrap();
    let token = bench.deliver(1).await[0].member("Token");
    bench.endpoints.posted.lock().unwrap().clear();
    client.confirm(topic, &token).await.unwrap();
}
