//! The history of alarms.

use strongroom_api_cloudwatch::{self as api, CloudWatch as _};
use strongroom_schema::Timestamp;
use strongroom_testkit::{TestDatabase, on_both_engines};

use crate::fixture::{DAY, Lab, MINUTE, composite, orders};

on_both_engines! {
    it_outlives_the_alarm_and_ends_after_thirty_days,
    it_is_read_by_pages_from_either_end,
}

async fn it_outlives_the_alarm_and_ends_after_thirty_days(database: &TestDatabase) {
    let lab = Lab::new(database).await;
    let client = lab.root();
    client.put(orders("a")).await.unwrap();
    client.delete(&["a"]).await.unwrap();
    assert_eq!(client.history("a").await, ["Alarm \"a\" created", "Alarm \"a\" deleted"]);
    lab.pass(31 * DAY).await;
    assert!(client.history("a").await.is_empty());
}

async fn it_is_read_by_pages_from_either_end(database: &TestDatabase) {
    let lab = Lab::new(database).await;
    let client = lab.root();
    client.put(orders("a")).await.unwrap();
    client.compose(composite("c", "TRUE")).await.unwrap();
    let start_ms = lab.now();
    for state in ["OK", "ALARM", "OK", "ALARM", "OK"] {
        lab.wait(MINUTE);
        client.set_state("a", state).await.unwrap();
    }
    let read = async |scan_by: api::ScanBy, start_ms: Option<i64>| {
        let (mut all, mut next_token, mut pages) = (Vec::new(), None, 0);
        loop {
            let input = api::DescribeAlarmHistoryInput {
                history_item_type: Some(api::HistoryItemType::from("StateUpdate")),
                scan_by: Some(scan_by.clone()),
                start_date: start_ms.map(Timestamp::from_millis),
                max_records: Some(2),
                next_token,
                ..Default::default()
            };
            let page = client.cloudwatch.describe_alarm_history(&client.context(), input).await.unwrap();
            pages += 1;
            all.extend(
                page.alarm_history_items.unwrap().into_iter().map(|item| item.timestamp.unwrap().as_millis()),
            );
            next_token = page.next_token;
            if next_token.is_none() {
                return (all, pages);
            }
        }
    };
    let (oldest, pages) = read(api::ScanBy::TimestampAscending, None).await;
    let expected: Vec<_> = (1..=5).map(|number| start_ms + number * MINUTE).collect();
    assert_eq!(
        (&oldest, pages >= 3),
        (&expected, true),
        "those of metric alarms, unless others are asked for"
    );
    let (newest, _) = read(api::ScanBy::TimestampDescending, None).await;
    assert_eq!(newest, expected.iter().rev().copied().collect::<Vec<_>>());
    let (some, _) = read(api::ScanBy::TimestampDescending, Some(start_ms + 3 * MINUTE)).await;
    assert_eq!(some.len(), 3);
    let input = api::DescribeAlarmHistoryInput { next_token: Some("00".to_owned()), ..Default::default() };
    let refused = client.cloudwatch.describe_alarm_history(&client.context(), input).await.unwrap_err();
    assert_eq!(refused.code(), "InvalidNextToken");
}
