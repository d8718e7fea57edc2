//! Alarms on metrics: how they stand as time passes.

use serde_json::Value;
use strongroom_api_cloudwatch::{self as api, CloudWatch as _};
use strongroom_testkit::{TestDatabase, on_both_engines};

use crate::fixture::{HOUR, Lab, MINUTE, SECOND, TOPIC, orders};

on_both_engines! {
    the_alarm_of_the_journey,
    missing_data_count_as_said,
    two_out_of_three,
    a_jump_of_the_clock_goes_through_what_an_alarm_saw,
    an_update_keeps_the_state,
    an_alarm_on_metric_math,
    alarms_on_seconds_are_looked_at_every_ten,
    alarms_on_more_than_a_day_are_looked_at_every_hour,
}

fn key_usage() -> api::PutMetricAlarmInput {
    api::PutMetricAlarmInput {
        alarm_name: "kms-key-usage".to_owned(),
        namespace: Some("AWS/KMS".to_owned()),
        metric_name: Some("KeyUsageCount".to_owned()),
        statistic: Some(api::Statistic::Sum),
        period: Some(300),
        threshold: Some(100.0),
        comparison_operator: Some(api::ComparisonOperator::GreaterThanOrEqualToThreshold),
        evaluation_periods: Some(1),
        alarm_actions: Some(vec![TOPIC.to_owned()]),
        ..Default::default()
    }
}

async fn the_alarm_of_the_journey(database: &TestDatabase) {
    let lab = Lab::new(database).await;
    let client = lab.root();
    client.put(key_usage()).await.unwrap();
    assert_eq!(client.state("kms-key-usage").await, "INSUFFICIENT_DATA");
    lab.pass(3 * MINUTE).await;
    assert_eq!(client.state("kms-key-usage").await, "INSUFFICIENT_DATA", "there is no key yet");

    lab.use_key("CreateKey", 1).await;
    lab.pass(MINUTE).await;
    assert_eq!(client.state("kms-key-usage").await, "OK", "keys are there, and idle");

    lab.use_key("Decrypt", 60).await;
    lab.pass(2 * MINUTE).await;
    assert_eq!(client.state("kms-key-usage").await, "OK");
    lab.wait(30 * SECOND);
    lab.use_key("Encrypt", 40).await;
    assert!(lab.topics.subjects().is_empty());
    lab.pass(30 * SECOND).await;
    assert_eq!(client.state("kms-key-usage").await, "ALARM", "within a minute after the hundredth use");

    let alarm = client.alarm("kms-key-usage").await;
    assert_eq!(
        alarm.state_reason.unwrap(),
        "Threshold Crossed: 1 datapoint [100.0 (22/07/22 15:02:00)] was greater than or equal to the threshold (100.0)."
    );
    let data: Value = serde_json::from_str(&alarm.state_reason_data.unwrap()).unwrap();
    assert_eq!(data["recentDatapoints"], serde_json::json!([100.0]));
    assert_eq!(
        (&data["unit"], &data["period"], &data["statistic"]),
        (&"Count".into(), &300.into(), &"Sum".into())
    );

    let mut published = lab.topics.take();
    let notice = published.remove(0);
    assert!(published.is_empty());
    assert_eq!(notice.topic_arn.unwrap(), TOPIC);
    assert_eq!(notice.subject.unwrap(), "ALARM: \"kms-key-usage\" in US East (N. Virginia)");
    let message: Value = serde_json::from_str(&notice.message).unwrap();
    let names: Vec<_> = message.as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(
        names,
        [
            "AlarmName",
            "AlarmDescription",
            "AWSAccountId",
            "AlarmConfigurationUpdatedTimestamp",
            "NewStateValue",
            "NewStateReason",
            "StateChangeTime",
            "Region",
            "AlarmArn",
            "OldStateValue",
            "OKActions",
            "AlarmActions",
            "InsufficientDataActions",
            "Trigger"
        ]
    );
    assert_eq!(message["StateChangeTime"], "2022-07-22T15:07:00.000+0000");
    assert_eq!((&message["OldStateValue"], &message["NewStateValue"]), (&"OK".into(), &"ALARM".into()));
    assert_eq!(message["Trigger"]["Statistic"], "SUM");
    assert_eq!(message["Trigger"]["Dimensions"], serde_json::json!([]));
    assert_eq!(message["Trigger"]["Threshold"], 100.0);
    let about = lab.topics.about.lock().unwrap().clone();
    assert_eq!(about, [Some("arn:aws:cloudwatch:us-east-1:111122223333:alarm:kms-key-usage".to_owned())]);

    lab.pass(5 * MINUTE).await;
    assert_eq!(client.state("kms-key-usage").await, "OK");
    assert!(lab.topics.subjects().is_empty(), "the alarm has no actions for OK");
    assert_eq!(
        client.history("kms-key-usage").await,
        [
            "Alarm \"kms-key-usage\" created",
            "Alarm updated from INSUFFICIENT_DATA to OK",
            "Alarm updated from OK to ALARM",
            &format!("Successfully executed action {TOPIC}"),
            "Alarm updated from ALARM to OK",
        ]
    );
}

async fn missing_data_count_as_said(database: &TestDatabase) {
    let lab = Lab::new(database).await;
    let client = lab.root();
    for treatment in ["breaching", "notBreaching", "ignore", "missing"] {
        let treat_missing_data = Some(treatment.to_owned());
        client.put(api::PutMetricAlarmInput { treat_missing_data, ..orders(treatment) }).await.unwrap();
    }
    client.data(&[(lab.now(), 9.0)]).await;
    lab.pass(MINUTE).await;
    let states = async || {
        let mut states = Vec::new();
        for name in ["breaching", "notBreaching", "ignore", "missing"] {
            states.push(client.state(name).await);
        }
        states
    };
    assert_eq!(states().await, ["ALARM", "ALARM", "ALARM", "ALARM"]);
    lab.pass(5 * MINUTE).await;
    assert_eq!(states().await, ["ALARM", "OK", "ALARM", "INSUFFICIENT_DATA"]);
    let reason = client.alarm("missing").await.state_reason.unwrap();
    assert_eq!(reason, "Insufficient Data: 1 datapoint was unknown.");
    let reason = client.alarm("notBreaching").await.state_reason.unwrap();
    assert_eq!(
        reason,
        "Threshold Crossed: no datapoints were received for 1 period and 1 missing datapoint was treated as [NonBreaching]."
    );
    lab.pass(MINUTE).await;
    client.data(&[(lab.now(), 1.0)]).await;
    lab.pass(MINUTE).await;
    assert_eq!(states().await, ["OK", "OK", "OK", "OK"]);
}

async fn two_out_of_three(database: &TestDatabase) {
    let lab = Lab::new(database).await;
    let client = lab.root();
    let periods = (Some(3), Some(2));
    let input = api::PutMetricAlarmInput {
        evaluation_periods: periods.0,
        datapoints_to_alarm: periods.1,
        ..orders("two")
    };
    client.put(input).await.unwrap();
    let mut states = Vec::new();
    for value in [1.0, 9.0, 1.0, 9.0, 1.0, 1.0] {
        client.data(&[(lab.now(), value)]).await;
        lab.pass(MINUTE).await;
        states.push(client.state("two").await);
    }
    assert_eq!(states, ["OK", "OK", "OK", "ALARM", "OK", "OK"]);
    let history = client.items("two").await;
    let alarm =
        history.iter().find(|item| item.history_summary.as_deref() == Some("Alarm updated from OK to ALARM"));
    let data: Value = serde_json::from_str(alarm.unwrap().history_data.as_deref().unwrap()).unwrap();
    let reason = data["newState"]["stateReason"].as_str().unwrap();
    assert_eq!(
        reason,
        "Threshold Crossed: 2 out of the last 3 datapoints [9.0 (22/07/22 15:03:00), 9.0 (22/07/22 15:01:00)] were greater \
         than the threshold (3.0) (minimum 2 datapoints for OK -> ALARM transition)."
    );
    assert_eq!(data["oldState"]["stateValue"], "OK");
}

async fn a_jump_of_the_clock_goes_through_what_an_alarm_saw(database: &TestDatabase) {
    let lab = Lab::new(database).await;
    let client = lab.root();
    client.put(key_usage()).await.unwrap();
    lab.use_key("Decrypt", 120).await;
    lab.pass(20 * 24 * HOUR).await;
    assert_eq!(
        client.history("kms-key-usage").await[1..],
        [
            "Alarm updated from INSUFFICIENT_DATA to ALARM".to_owned(),
            format!("Successfully executed action {TOPIC}"),
            "Alarm updated from ALARM to OK".to_owned(),
        ]
    );
}

async fn an_update_keeps_the_state(database: &TestDatabase) {
    let lab = Lab::new(database).await;
    let client = lab.root();
    client.put(orders("a")).await.unwrap();
    client.data(&[(lab.now(), 9.0)]).await;
    lab.pass(MINUTE).await;
    let input = api::PutMetricAlarmInput {
        threshold: Some(30.0),
        alarm_description: Some("new".to_owned()),
        alarm_actions: None,
        ..orders("a")
    };
    client.put(input).await.unwrap();
    let alarm = client.alarm("a").await;
    assert_eq!(alarm.state_value, Some(api::StateValue::from("ALARM")));
    assert_eq!((alarm.threshold, alarm.alarm_description.as_deref()), (Some(30.0), Some("new")));
    assert_eq!(alarm.alarm_actions.unwrap(), Vec::<String>::new());
    client.data(&[(lab.now(), 9.0)]).await;
    lab.pass(MINUTE).await;
    assert_eq!(client.state("a").await, "OK");
}

async fn an_alarm_on_metric_math(database: &TestDatabase) {
    let lab = Lab::new(database).await;
    let client = lab.root();
    let stat = |period| api::MetricStat {
        metric: api::Metric {
            namespace: Some("Shop".to_owned()),
            metric_name: Some("Orders".to_owned()),
            dimensions: None,
        },
        period,
        stat: "Sum".to_owned(),
        unit: None,
    };
    let query = |id: &str| api::MetricDataQuery { id: id.to_owned(), ..Default::default() };
    let metrics = vec![
        api::MetricDataQuery { metric_stat: Some(stat(60)), return_data: Some(false), ..query("m1") },
        api::MetricDataQuery {
            expression: Some("FILL(m1, 0) * 2".to_owned()),
            label: Some("twice".to_owned()),
            ..query("e1")
        },
    ];
    let input = api::PutMetricAlarmInput {
        alarm_name: "math".to_owned(),
        metrics: Some(metrics),
        evaluation_periods: Some(1),
        threshold: Some(10.0),
        comparison_operator: Some(api::ComparisonOperator::GreaterThanThreshold),
        alarm_actions: Some(vec![TOPIC.to_owned()]),
        ..Default::default()
    };
    client.put(input).await.unwrap();
    lab.pass(MINUTE).await;
    assert_eq!(client.state("math").await, "OK", "filled with zeros");
    client.data(&[(lab.now(), 6.0)]).await;
    lab.pass(MINUTE).await;
    assert_eq!(client.state("math").await, "ALARM");
    let alarm = client.alarm("math").await;
    assert_eq!(alarm.metrics.unwrap().len(), 2);
    let message: Value = serde_json::from_str(&lab.topics.take()[0].message).unwrap();
    assert_eq!(message["Trigger"]["Metrics"][1]["Expression"], "FILL(m1, 0) * 2");
    assert_eq!(message["Trigger"]["Metrics"][0]["MetricStat"]["Metric"]["MetricName"], "Orders");
    let of_metric = api::DescribeAlarmsForMetricInput {
        namespace: "Shop".to_owned(),
        metric_name: "Orders".to_owned(),
        ..Default::default()
    };
    let found = client.cloudwatch.describe_alarms_for_metric(&client.context(), of_metric).await.unwrap();
    assert!(found.metric_alarms.unwrap().is_empty(), "alarms on math are not listed");
}

async fn alarms_on_seconds_are_looked_at_every_ten(database: &TestDatabase) {
    let lab = Lab::new(database).await;
    let client = lab.root();
    client.put(api::PutMetricAlarmInput { period: Some(10), ..orders("fast") }).await.unwrap();
    let at_ms = lab.now() + SECOND;
    let datum = api::MetricDatum {
        metric_name: "Orders".to_owned(),
        timestamp: Some(strongroom_schema::Timestamp::from_millis(at_ms)),
        value: Some(9.0),
        storage_resolution: Some(1),
        ..Default::default()
    };
    let input = api::PutMetricDataInput {
        namespace: "Shop".to_owned(),
        metric_data: Some(vec![datum]),
        ..Default::default()
    };
    client.cloudwatch.put_metric_data(&client.changing(), input).await.unwrap();
    lab.pass(10 * SECOND).await;
    assert_eq!(client.state("fast").await, "ALARM");
    lab.pass(40 * SECOND).await;
    assert_eq!(client.state("fast").await, "INSUFFICIENT_DATA");
}

async fn alarms_on_more_than_a_day_are_looked_at_every_hour(database: &TestDatabase) {
    let lab = Lab::new(database).await;
    let client = lab.root();
    let input =
        api::PutMetricAlarmInput { period: Some(86_400), evaluation_periods: Some(2), ..orders("slow") };
    client.put(input).await.unwrap();
    client.data(&[(lab.now() - MINUTE, 1.0), (lab.now() - 25 * HOUR, 1.0)]).await;
    lab.pass(59 * MINUTE).await;
    assert_eq!(client.state("slow").await, "INSUFFICIENT_DATA");
    lab.pass(MINUTE).await;
    assert_eq!(client.state("slow").await, "OK");
}
