//! Metric math that is made to cost more than it looks.

use strongroom_api_cloudwatch::{self as api, CloudWatch as _};
use strongroom_schema::Timestamp;
use strongroom_service::ApiError;
use strongroom_testkit::{TestDatabase, on_both_engines};

use crate::fixture::{Client, Lab, MINUTE, orders, refusal};

on_both_engines! {
    arrays_do_not_multiply,
    expressions_that_name_each_other_do_not_go_deeper,
    long_sums_do_not_go_deeper,
    what_a_request_computes_is_bounded,
}

fn metric(id: &str) -> api::MetricDataQuery {
    let metric = api::Metric {
        namespace: Some("Shop".to_owned()),
        metric_name: Some("Orders".to_owned()),
        dimensions: None,
    };
    let stat = api::MetricStat { metric, period: 60, stat: "Sum".to_owned(), unit: None };
    let return_data = Some(false);
    api::MetricDataQuery { id: id.to_owned(), metric_stat: Some(stat), return_data, ..Default::default() }
}

fn expression(id: impl Into<String>, expression: String, is_returned: bool) -> api::MetricDataQuery {
    api::MetricDataQuery {
        id: id.into(),
        expression: Some(expression),
        return_data: Some(is_returned),
        ..Default::default()
    }
}

/// What queries give over the minutes before now.
async fn ask(
    lab: &Lab,
    client: &Client,
    queries: Vec<api::MetricDataQuery>,
    minutes: i64,
) -> Result<Vec<f64>, ApiError> {
    let input = api::GetMetricDataInput {
        metric_data_queries: queries,
        start_time: Timestamp::from_millis(lab.now() - minutes * MINUTE),
        end_time: Timestamp::from_millis(lab.now()),
        ..Default::default()
    };
    let found = client.cloudwatch.get_metric_data(&client.context(), input).await?;
    Ok(found.metric_data_results.unwrap().remove(0).values.unwrap())
}

async fn arrays_do_not_multiply(database: &TestDatabase) {
    let lab = Lab::new(database).await;
    let client = lab.root();
    client.data(&[(lab.now() - MINUTE, 6.0)]).await;
    let mut queries = vec![metric("m1"), expression("e0", "[m1, m1]".to_owned(), false)];
    for level in 1..30 {
        let below = level - 1;
        queries.push(expression(format!("e{level}"), format!("[e{below}, e{below}]"), false));
    }
    queries.push(expression("sum", "SUM(e29)".to_owned(), true));
    assert_eq!(
        refusal(ask(&lab, &client, queries.clone(), 10).await),
        "ValidationException: Error in expression 'sum': an array cannot be in an array"
    );

    let input = api::PutMetricAlarmInput {
        namespace: None,
        metric_name: None,
        statistic: None,
        period: None,
        metrics: Some(queries),
        ..orders("doubling")
    };
    client.put(input).await.unwrap();
    client.put(orders("plain")).await.unwrap();
    lab.pass(MINUTE).await;
    assert_eq!(client.state("doubling").await, "INSUFFICIENT_DATA", "it has no value");
    client.data(&[(lab.now(), 6.0)]).await;
    lab.pass(MINUTE).await;
    assert_eq!(client.state("plain").await, "ALARM", "others are judged all the same");
}

async fn expressions_that_name_each_other_do_not_go_deeper(database: &TestDatabase) {
    let lab = Lab::new(database).await;
    let client = lab.root();
    client.data(&[(lab.now() - MINUTE, -6.0)]).await;
    let deep = |inner: &str| format!("{}{inner}{}", "ABS(".repeat(60), ")".repeat(60));
    let mut queries = vec![expression("e0", deep("e1"), true)];
    for level in 1..498 {
        queries.push(expression(format!("e{level}"), deep(&format!("e{}", level + 1)), false));
    }
    queries.push(expression("e498", deep("m1"), false));
    queries.push(metric("m1"));
    assert_eq!(ask(&lab, &client, queries.clone(), 10).await.unwrap(), [6.0]);

    queries[498] = expression("e498", deep("e0"), false);
    let circle = refusal(ask(&lab, &client, queries, 10).await);
    assert!(circle.ends_with("depends on itself"), "{circle}");
}

async fn long_sums_do_not_go_deeper(database: &TestDatabase) {
    let lab = Lab::new(database).await;
    let client = lab.root();
    client.data(&[(lab.now() - MINUTE, 1.0)]).await;
    let sum = format!("m1{}", " + m1".repeat(450));
    let queries = vec![expression("e1", sum, true), metric("m1")];
    assert_eq!(ask(&lab, &client, queries, 10).await.unwrap(), [451.0]);
}

async fn what_a_request_computes_is_bounded(database: &TestDatabase) {
    let lab = Lab::new(database).await;
    let client = lab.root();
    let filled = |times: usize| format!("FILL(m1, 0){}", " + FILL(m1, 0)".repeat(times));
    let whole_days = 10 * 24 * 60;
    let few = vec![expression("e1", filled(3), true), metric("m1")];
    assert_eq!(ask(&lab, &client, few, whole_days).await.unwrap().len(), whole_days as usize);
    let many = vec![expression("e1", filled(90), true), metric("m1")];
    let refused = refusal(ask(&lab, &client, many, whole_days).await);
    assert!(refused.contains("Error in expression 'e1': it takes more computing"), "{refused}");
    // Arrays make one part cost what many do.
    let members = vec!["TIME_SERIES(1)"; 100].join(", ");
    let wide = vec![expression("e1", format!("SUM(ABS([{members}]))"), true), metric("m1")];
    let refused = refusal(ask(&lab, &client, wide, whole_days).await);
    assert!(refused.contains("Error in expression 'e1': it takes more computing"), "{refused}");
}
