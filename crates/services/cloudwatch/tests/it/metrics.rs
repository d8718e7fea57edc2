//! Metrics listed and read.

use std::ops::Range;

use strongroom_api_cloudwatch::{self as api, CloudWatch as _};
use strongroom_cloudwatch::{Fed, Summary};
use strongroom_schema::{Timestamp, Unit};
use strongroom_service::ApiError;
use strongroom_store::Statement;
use strongroom_testkit::{TestDatabase, on_both_engines};

use crate::fixture::{ACCOUNT, Client, DAY, HOUR, Lab, MINUTE, REGION, START};

on_both_engines! {
    metrics_are_listed_by_pages,
    metrics_out_of_use_are_not_listed,
    points_of_units_are_apart,
    many_pages_of_points,
    an_account_has_so_many_metrics_at_most,
    who_has_reached_the_quota_is_not_counted_at_each_call,
    what_log_events_say_of_new_metrics_has_the_same_quota,
}

fn datum(name: &str, shop: &str, unit: &str) -> api::MetricDatum {
    api::MetricDatum {
        metric_name: name.to_owned(),
        dimensions: Some(vec![api::Dimension { name: "Shop".to_owned(), value: shop.to_owned() }]),
        unit: Some(api::StandardUnit::from(unit)),
        value: Some(1.0),
        ..Default::default()
    }
}

async fn put(lab: &Lab, data: Vec<api::MetricDatum>) {
    let client = lab.root();
    let input = api::PutMetricDataInput {
        namespace: "Shop".to_owned(),
        metric_data: Some(data),
        ..Default::default()
    };
    client.cloudwatch.put_metric_data(&client.changing(), input).await.unwrap();
}

async fn metrics_are_listed_by_pages(database: &TestDatabase) {
    let lab = Lab::new(database).await;
    let client = lab.root();
    put(&lab, (0..700).map(|number| datum("Visits", &format!("{number:03}"), "Count")).collect()).await;
    let (mut shops, mut pages, mut next_token) = (Vec::new(), Vec::new(), None);
    loop {
        let input = api::ListMetricsInput { next_token, ..Default::default() };
        let page = client.cloudwatch.list_metrics(&client.context(), input).await.unwrap();
        let metrics = page.metrics.unwrap();
        pages.push(metrics.len());
        shops.extend(metrics.into_iter().map(|metric| metric.dimensions.unwrap().remove(0).value));
        next_token = page.next_token;
        if next_token.is_none() {
            break;
        }
    }
    assert_eq!(pages, [500, 200]);
    shops.sort();
    shops.dedup();
    assert_eq!(shops.len(), 700);
}

async fn metrics_out_of_use_are_not_listed(database: &TestDatabase) {
    let lab = Lab::new(database).await;
    let client = lab.root();
    put(&lab, vec![datum("Visits", "a", "Count")]).await;
    let listed = async |recent: bool| {
        let recently_active = recent.then(|| api::RecentlyActive::from("PT3H"));
        let input = api::ListMetricsInput { recently_active, ..Default::default() };
        client.cloudwatch.list_metrics(&client.context(), input).await.unwrap().metrics.unwrap().len()
    };
    assert_eq!((listed(true).await, listed(false).await), (1, 1));
    lab.wait(4 * HOUR);
    assert_eq!((listed(true).await, listed(false).await), (0, 1));
    lab.wait(14 * DAY);
    assert_eq!(listed(false).await, 0);
}

async fn points_of_units_are_apart(database: &TestDatabase) {
    let lab = Lab::new(database).await;
    let client = lab.root();
    put(&lab, vec![datum("Size", "a", "Bytes"), datum("Size", "a", "Count"), datum("Size", "a", "Count")])
        .await;
    let input = |unit: Option<&str>| api::GetMetricStatisticsInput {
        namespace: "Shop".to_owned(),
        metric_name: "Size".to_owned(),
        dimensions: datum("Size", "a", "Count").dimensions,
        start_time: Timestamp::from_millis(START),
        end_time: Timestamp::from_millis(START + HOUR),
        period: 60,
        statistics: Some(vec![api::Statistic::SampleCount]),
        unit: unit.map(api::StandardUnit::from),
        ..Default::default()
    };
    let counts = async |unit| {
        let found = client.cloudwatch.get_metric_statistics(&client.context(), input(unit)).await.unwrap();
        let point =
            |point: api::Datapoint| (point.unit.unwrap().as_str().to_owned(), point.sample_count.unwrap());
        found.datapoints.unwrap().into_iter().map(point).collect::<Vec<_>>()
    };
    assert_eq!(counts(None).await, [("Bytes".to_owned(), 1.0), ("Count".to_owned(), 2.0)]);
    assert_eq!(counts(Some("Bytes")).await, [("Bytes".to_owned(), 1.0)]);
}

async fn many_pages_of_points(database: &TestDatabase) {
    let lab = Lab::new(database).await;
    let minutes = 12_000;
    for chunk in (0..minutes).collect::<Vec<i64>>().chunks(1_000) {
        let values: Vec<_> = chunk.iter().map(|minute| (START - minute * MINUTE, 1.0)).collect();
        lab.root().data(&values).await;
    }
    // The stretch begins within an hour, so that minutes are read.
    let range = (START - (minutes - 1) * MINUTE, START + MINUTE);
    let sums = lab.root().sums(("Shop", "Orders"), &[], range, 60 * 120).await;
    assert_eq!(sums.iter().map(|(_, sum)| sum).sum::<f64>(), minutes as f64);
}

/// Puts a sample of each metric of these numbers.
async fn try_put(client: &Client, names: Range<u32>) -> Result<Unit, ApiError> {
    let input = api::PutMetricDataInput {
        namespace: "Shop".to_owned(),
        metric_data: Some(names.map(|name| datum(&format!("m{name}"), "a", "Count")).collect()),
        ..Default::default()
    };
    client.cloudwatch.put_metric_data(&client.context(), input).await
}

async fn an_account_has_so_many_metrics_at_most(database: &TestDatabase) {
    let lab = Lab::new(database).await.with_most_metrics(5);
    let client = lab.root();
    try_put(&client, 0..3).await.unwrap();
    // KMS's own metrics take no room.
    lab.use_key("Decrypt", 3).await;
    lab.pass(MINUTE).await;
    // Those that are there are not new, however often they come.
    for _ in 0..4 {
        try_put(&client, 0..3).await.unwrap();
    }
    assert_eq!(try_put(&client, 2..7).await.unwrap_err().code(), "Throttling");
    try_put(&client, 2..5).await.unwrap();
    assert_eq!(try_put(&client, 5..6).await.unwrap_err().message(), Some("Rate exceeded"));
    try_put(&client, 0..5).await.unwrap();
    // Another account has room of its own, and who waits long enough has room again.
    try_put(&lab.of_account("444455556666"), 10..15).await.unwrap();
    lab.pass(456 * DAY).await;
    try_put(&client, 5..10).await.unwrap();
}

async fn who_has_reached_the_quota_is_not_counted_at_each_call(database: &TestDatabase) {
    let lab = Lab::new(database).await.with_most_metrics(5);
    let client = lab.root();
    try_put(&client, 0..5).await.unwrap();
    try_put(&client, 5..6).await.unwrap_err();
    // Who counts now would find room.
    let remove = Statement::new("DELETE FROM cloudwatch_metrics WHERE name = $1");
    assert_eq!(lab.db.execute(remove, &["m0".into()]).await.unwrap(), 1);
    assert_eq!(try_put(&client, 5..6).await.unwrap_err().code(), "Throttling");
    lab.pass(MINUTE).await;
    try_put(&client, 5..6).await.unwrap();
    try_put(&client, 6..7).await.unwrap_err();
}

async fn what_log_events_say_of_new_metrics_has_the_same_quota(database: &TestDatabase) {
    let lab = Lab::new(database).await.with_most_metrics(5);
    let said = |namespace: &str, name: u32| Summary {
        account: ACCOUNT.parse().unwrap(),
        region: REGION,
        namespace: namespace.to_owned(),
        name: format!("m{name}"),
        dimensions: vec![("Shop".to_owned(), "a".to_owned())],
        unit: "Count".to_owned(),
        at_ms: START,
        samples: 1.0,
        sum: 1.0,
        least: 1.0,
        most: 1.0,
    };
    let feed = async |number: i64, names: Range<u32>, namespace: &str| {
        let fed = Fed { number, summaries: names.map(|name| said(namespace, name)).collect() };
        lab.cloudwatch.feed("logs", &[fed]).await.unwrap();
        lab.cloudwatch.passed_over()
    };
    let client = lab.root();
    assert_eq!(feed(1, 0..3, "Shop").await, 0);
    try_put(&client, 0..5).await.unwrap();
    // Those of AWS's services take no room, and those that are there have theirs.
    assert_eq!(feed(2, 0..9, "AWS/Logs").await, 0);
    assert_eq!(feed(3, 0..8, "Shop").await, 3);
    assert_eq!(feed(3, 0..8, "Shop").await, 3, "they were had before");
    let sum = async |name: &str| {
        let sums = client.sums(("Shop", name), &[("Shop", "a")], (START, START + HOUR), 60).await;
        sums.iter().map(|(_, sum)| sum).sum::<f64>()
    };
    assert_eq!((sum("m0").await, sum("m4").await, sum("m5").await), (3.0, 2.0, 0.0));
    // The same where the samples are taken from the store itself.
    let others = vec![said("Shop", 8), said("Shop", 4)];
    let (cloudwatch, others) = (&lab.cloudwatch, &others);
    let written = lab.db.transaction(|tx| Box::pin(async move { cloudwatch.write_fed(tx, others).await }));
    written.await.unwrap();
    assert_eq!((sum("m4").await, sum("m8").await, lab.cloudwatch.passed_over()), (3.0, 0.0, 4));
    assert_eq!(try_put(&client, 8..9).await.unwrap_err().code(), "Throttling");
}
