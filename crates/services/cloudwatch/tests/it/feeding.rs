//! Samples that others hand over, with the numbers that they have there.

use strongroom_api_cloudwatch::{self as api, CloudWatch as _};
use strongroom_cloudwatch::{Fed, Summary};
use strongroom_schema::Timestamp;
use strongroom_testkit::{TestDatabase, on_both_engines};

use crate::fixture::{ACCOUNT, HOUR, Lab, REGION, START};

on_both_engines! {
    rows_count_once_whatever_comes_with_them,
    sources_are_numbered_apart,
}

/// A row that says its number.
fn row(number: i64) -> Fed {
    let value = number as f64;
    let summary = Summary {
        account: ACCOUNT.parse().unwrap(),
        region: REGION,
        namespace: "Shop".to_owned(),
        name: "Errors".to_owned(),
        dimensions: Vec::new(),
        unit: "None".to_owned(),
        at_ms: START,
        samples: 1.0,
        sum: value,
        least: value,
        most: value,
    };
    Fed { number, summaries: vec![summary] }
}

/// How many samples there are, and their sum.
async fn kept(lab: &Lab) -> (f64, f64) {
    let client = lab.root();
    let input = api::GetMetricStatisticsInput {
        namespace: "Shop".to_owned(),
        metric_name: "Errors".to_owned(),
        start_time: Timestamp::from_millis(START),
        end_time: Timestamp::from_millis(START + HOUR),
        period: 60,
        statistics: Some(vec![api::Statistic::SampleCount, api::Statistic::Sum]),
        ..Default::default()
    };
    let points = client.cloudwatch.get_metric_statistics(&client.context(), input).await.unwrap();
    let points = points.datapoints.unwrap();
    (points[0].sample_count.unwrap(), points[0].sum.unwrap())
}

/// The crash, or whoever did not wait, is between this step and the next, in which rows are forgotten where they were: they
/// come again, and others with them.
async fn rows_count_once_whatever_comes_with_them(database: &TestDatabase) {
    let lab = Lab::new(database).await;
    let cloudwatch = &lab.root().cloudwatch;
    cloudwatch.feed("logs a", &[row(1), row(2)]).await.unwrap();
    cloudwatch.feed("logs a", &[row(1), row(2), row(3)]).await.unwrap();
    assert_eq!(kept(&lab).await, (3.0, 6.0));
    cloudwatch.feed("logs a", &[row(3)]).await.unwrap();
    assert_eq!(kept(&lab).await, (3.0, 6.0));
}

async fn sources_are_numbered_apart(database: &TestDatabase) {
    let lab = Lab::new(database).await;
    let cloudwatch = &lab.root().cloudwatch;
    cloudwatch.feed("logs a", &[row(1)]).await.unwrap();
    cloudwatch.feed("logs b", &[row(1)]).await.unwrap();
    assert_eq!(kept(&lab).await, (2.0, 2.0));
}
