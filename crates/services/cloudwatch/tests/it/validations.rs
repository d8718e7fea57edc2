//! Alarms that are refused in AWS's words, lists that filter nothing, and labels.

use strongroom_api_cloudwatch::{self as api, CloudWatch as _};
use strongroom_schema::Timestamp;
use strongroom_testkit::{TestDatabase, on_both_engines};

use crate::fixture::{ACCOUNT, Client, Lab, MINUTE, composite, orders, refusal};

on_both_engines! {
    alarms_on_math_in_the_words_of_aws,
    a_composite_names_all_alarms_that_are_not_there,
    lists_without_members_filter_nothing,
    what_else_has_tags_is_not_there,
    labels_say_what_metrics_are_and_how_they_went,
}

fn query(id: &str, return_data: Option<bool>) -> api::MetricDataQuery {
    let metric_stat = api::MetricStat {
        metric: api::Metric {
            namespace: Some("Shop".to_owned()),
            metric_name: Some("Orders".to_owned()),
            dimensions: None,
        },
        period: 60,
        stat: "Sum".to_owned(),
        unit: None,
    };
    api::MetricDataQuery {
        id: id.to_owned(),
        metric_stat: Some(metric_stat),
        return_data,
        account_id: Some(ACCOUNT.to_owned()),
        ..Default::default()
    }
}

fn on_math(metrics: Vec<api::MetricDataQuery>) -> api::PutMetricAlarmInput {
    api::PutMetricAlarmInput {
        namespace: None,
        metric_name: None,
        statistic: None,
        period: None,
        metrics: Some(metrics),
        ..orders("math")
    }
}

async fn alarms_on_math_in_the_words_of_aws(database: &TestDatabase) {
    let lab = Lab::new(database).await;
    let client = lab.root();
    let refused = async |input: api::PutMetricAlarmInput| refusal(client.put(input).await);
    let one = "ValidationException: Exactly one element of the metrics list should return data.";
    assert_eq!(refused(on_math(vec![query("m1", None), query("m2", None)])).await, one);
    assert_eq!(refused(on_math(vec![query("m1", Some(false))])).await, one);
    for (input, name) in [
        (api::PutMetricAlarmInput { period: Some(60), ..on_math(vec![query("m1", None)]) }, "Period"),
        (
            api::PutMetricAlarmInput {
                statistic: Some(api::Statistic::Sum),
                ..on_math(vec![query("m1", None)])
            },
            "Statistic",
        ),
    ] {
        let expected = format!("ValidationException: {name} should not be set if list of Metrics is set.");
        assert_eq!(refused(input).await, expected);
    }
    let nothing = api::PutMetricAlarmInput { metric_name: None, ..orders("a") };
    assert_eq!(refused(nothing).await, "ValidationException: MetricName must not be null");
    let endless = api::PutMetricAlarmInput { threshold: Some(f64::INFINITY), ..orders("a") };
    assert!(refused(endless).await.contains("finite"));
    let unknown = api::PutMetricAlarmInput {
        statistic: None,
        extended_statistic: Some("often".to_owned()),
        ..orders("a")
    };
    assert!(refused(unknown).await.starts_with("ValidationException: The value often "));
    client.put(on_math(vec![query("m1", None)])).await.unwrap();
    let shown = client.alarm("math").await.metrics.unwrap().remove(0);
    assert_eq!((shown.account_id.as_deref(), shown.return_data), (Some(ACCOUNT), Some(true)));
}

async fn a_composite_names_all_alarms_that_are_not_there(database: &TestDatabase) {
    let lab = Lab::new(database).await;
    let client = lab.root();
    client.put(orders("a")).await.unwrap();
    let rule = "ALARM(x) OR (OK(a) AND ALARM(y)) OR INSUFFICIENT_DATA(x)";
    assert_eq!(
        refusal(client.compose(composite("c", rule)).await),
        "ValidationException: Could not save the composite alarm as alarms [x, y] in the alarm rule do not exist"
    );
}

async fn described(client: &Client, input: api::DescribeAlarmsInput) -> (usize, usize) {
    let found = client.cloudwatch.describe_alarms(&client.context(), input).await.unwrap();
    (found.metric_alarms.unwrap().len(), found.composite_alarms.unwrap().len())
}

async fn lists_without_members_filter_nothing(database: &TestDatabase) {
    let lab = Lab::new(database).await;
    let client = lab.root();
    client.put(orders("a")).await.unwrap();
    client.compose(composite("c", "ALARM(a)")).await.unwrap();
    let named = |names: &[&str]| {
        let alarm_names = Some(names.iter().map(|name| (*name).to_owned()).collect());
        api::DescribeAlarmsInput { alarm_names, ..Default::default() }
    };
    assert_eq!(described(&client, named(&[])).await, (1, 0));
    assert_eq!(described(&client, named(&["nobody"])).await, (0, 0));
    let typed = api::DescribeAlarmsInput { alarm_types: Some(Vec::new()), ..Default::default() };
    assert_eq!(described(&client, typed).await, (1, 0));
    let input = api::DescribeAlarmHistoryInput { alarm_types: Some(Vec::new()), ..Default::default() };
    let found = client.cloudwatch.describe_alarm_history(&client.context(), input).await.unwrap();
    assert_eq!(found.alarm_history_items.unwrap().len(), 1);
}

async fn what_else_has_tags_is_not_there(database: &TestDatabase) {
    let lab = Lab::new(database).await;
    let client = lab.root();
    for (resource, code) in [
        ("alarm:nobody", "ResourceNotFoundException"),
        ("insight-rule/nobody", "ResourceNotFoundException"),
        ("metric-stream/nobody", "ResourceNotFoundException"),
        ("nothing/nobody", "InvalidParameterValueException"),
    ] {
        let resource_arn = format!("arn:aws:cloudwatch:us-east-1:{ACCOUNT}:{resource}");
        let input = api::ListTagsForResourceInput { resource_arn };
        let answer = client.cloudwatch.list_tags_for_resource(&client.context(), input).await;
        assert_eq!(answer.unwrap_err().code(), code, "{resource}");
    }
}

async fn labels_say_what_metrics_are_and_how_they_went(database: &TestDatabase) {
    let lab = Lab::new(database).await;
    let client = lab.root();
    let now = lab.now();
    client.data(&[(now - 3 * MINUTE, 2.0), (now - 2 * MINUTE, 9.0), (now - MINUTE, 5.0)]).await;
    for (label, shown) in [
        ("${LABEL} ${PROP('Namespace')} ${PROP('Stat')} ${PROP('Period')}", "Orders Shop Sum 60"),
        ("${PROP('Region')}/${PROP('AccountId')}", "us-east-1/111122223333"),
        ("${FIRST} ${LAST} ${FIRST_LAST_RANGE}", "2 5 3"),
        ("${MIN} ${MAX} ${MIN_MAX_RANGE}", "2 9 7"),
        ("${SUM} of ${DATAPOINT_COUNT}", "16 of 3"),
    ] {
        let named = api::MetricDataQuery { label: Some(label.to_owned()), ..query("m1", None) };
        let input = api::GetMetricDataInput {
            metric_data_queries: vec![named],
            start_time: Timestamp::from_millis(now - 5 * MINUTE),
            end_time: Timestamp::from_millis(now),
            ..Default::default()
        };
        let found = client.cloudwatch.get_metric_data(&client.context(), input).await.unwrap();
        assert_eq!(found.metric_data_results.unwrap()[0].label.as_deref(), Some(shown));
    }
}
