//! The journal counted: every record once, whoever counts and whatever stops in between.

use std::sync::Arc;

use strongroom_journal::{Record, Resource};
use strongroom_testkit::{TestDatabase, on_both_engines};

use crate::fixture::{ACCOUNT, HOUR, KEY, KEY_ID, Lab, MINUTE, REGION, START};

on_both_engines! {
    uses_are_counted_by_key_and_operation,
    servers_on_one_store_count_together,
    idle_minutes_have_a_value_from_the_first_key_on,
    calls_on_others_keys_count_where_the_key_is,
    re_encryption_counts_for_both_keys,
}

const COUNT: (&str, &str) = ("AWS/KMS", "KeyUsageCount");
const DAY: (i64, i64) = (START - HOUR, START + 23 * HOUR);

async fn sum(lab: &Lab, metric: (&str, &str), dimensions: &[(&str, &str)]) -> f64 {
    lab.root().sums(metric, dimensions, DAY, 86_400).await.into_iter().map(|(_, sum)| sum).sum()
}

async fn uses_are_counted_by_key_and_operation(database: &TestDatabase) {
    let lab = Lab::new(database).await;
    lab.use_key("Encrypt", 2).await;
    lab.use_key("Decrypt", 3).await;
    lab.use_key("DescribeKey", 4).await;
    let refused = Record { error_code: Some("AccessDenied".to_owned()), ..lab.key_record("Decrypt") };
    lab.journal.append(&refused).await.unwrap();
    lab.pass(MINUTE).await;
    assert_eq!(sum(&lab, COUNT, &[]).await, 5.0);
    assert_eq!(sum(&lab, COUNT, &[("KeyId", KEY_ID)]).await, 5.0);
    assert_eq!(sum(&lab, COUNT, &[("KeyId", KEY_ID), ("Operation", "Decrypt")]).await, 3.0);
    let by_arn = [("KeyArn", KEY), ("Operation", "Encrypt")];
    assert_eq!(sum(&lab, ("AWS/KMS", "SuccessfulRequest"), &by_arn).await, 2.0);
    let calls = [("Service", "KMS"), ("Type", "API"), ("Resource", "Decrypt"), ("Class", "None")];
    assert_eq!(sum(&lab, ("AWS/Usage", "CallCount"), &calls).await, 4.0);
}

async fn servers_on_one_store_count_together(database: &TestDatabase) {
    let lab = Lab::new(database).await;
    let others = [lab.another(), lab.another(), lab.cloudwatch.clone()];
    for round in 0..10 {
        lab.use_key("Decrypt", 20).await;
        let at_ms = lab.now() + MINUTE * (round + 1);
        let [first, second, third] = &others;
        tokio::join!(first.look_at(at_ms), second.look_at(at_ms), third.look_at(at_ms));
    }
    assert_eq!(sum(&lab, COUNT, &[]).await, 200.0);
    // Who starts anew has nothing more to count.
    let restarted: Arc<_> = lab.another();
    restarted.look_at(lab.now()).await;
    assert_eq!(sum(&lab, COUNT, &[]).await, 200.0);
}

async fn idle_minutes_have_a_value_from_the_first_key_on(database: &TestDatabase) {
    let lab = Lab::new(database).await;
    lab.pass(10 * MINUTE).await;
    lab.use_key("CreateKey", 1).await;
    lab.pass(2 * MINUTE).await;
    lab.use_key("Decrypt", 7).await;
    lab.pass(3 * MINUTE).await;
    let minutes = lab.root().sums(COUNT, &[], DAY, 60).await;
    let minutes: Vec<_> = minutes.into_iter().map(|(at_ms, sum)| ((at_ms - START) / MINUTE, sum)).collect();
    assert_eq!(minutes, [(10, 0.0), (11, 0.0), (12, 7.0), (13, 0.0), (14, 0.0)]);
    let by_key = lab.root().sums(COUNT, &[("KeyId", KEY_ID)], DAY, 60).await;
    assert_eq!(by_key, [(START + 12 * MINUTE, 7.0)], "other series have the values that there are");
}

async fn calls_on_others_keys_count_where_the_key_is(database: &TestDatabase) {
    let lab = Lab::new(database).await;
    let of_caller = Record { account_id: "444455556666".to_owned(), ..lab.key_record("Decrypt") };
    lab.journal.append(&of_caller).await.unwrap();
    lab.journal.append(&lab.key_record("Decrypt")).await.unwrap();
    lab.pass(MINUTE).await;
    assert_eq!(sum(&lab, COUNT, &[]).await, 1.0);
    let stranger = lab.of_account("444455556666");
    assert!(stranger.sums(COUNT, &[], DAY, 86_400).await.is_empty());
}

async fn re_encryption_counts_for_both_keys(database: &TestDatabase) {
    let lab = Lab::new(database).await;
    let mut record = lab.key_record("ReEncrypt");
    let arn = format!("arn:aws:kms:{REGION}:{ACCOUNT}:key/other");
    let (account_id, kind) = (Some(ACCOUNT.to_owned()), Some("AWS::KMS::Key".to_owned()));
    record.resources.as_mut().unwrap().push(Resource { account_id, kind, arn: arn.clone() });
    lab.journal.append(&record).await.unwrap();
    lab.pass(MINUTE).await;
    assert_eq!(sum(&lab, COUNT, &[]).await, 1.0);
    assert_eq!(sum(&lab, COUNT, &[("KeyId", KEY_ID)]).await, 1.0);
    assert_eq!(sum(&lab, COUNT, &[("KeyId", "other")]).await, 1.0);
    let both = [("SourceKeyArn", KEY), ("DestinationKeyArn", arn.as_str()), ("Operation", "ReEncrypt")];
    assert_eq!(sum(&lab, ("AWS/KMS", "SuccessfulRequest"), &both).await, 1.0);
}
