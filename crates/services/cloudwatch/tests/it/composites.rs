//! Composite alarms.

use serde_json::Value;
use strongroom_api_cloudwatch::{self as api, CloudWatch as _};
use strongroom_testkit::{TestDatabase, on_both_engines};

use crate::fixture::{Lab, MINUTE, SECOND, composite, orders, refusal};

on_both_engines! {
    a_composite_follows_its_children,
    composites_of_composites,
    a_cycle_stands_still,
    a_suppressor_keeps_actions_back,
    set_by_hand_it_stays_until_a_child_changes,
    what_others_depend_on_is_not_deleted,
    family_is_listed,
}

/// Alarms of these names, which stay as they are set.
async fn children(lab: &Lab, names: &[&str]) {
    for name in names {
        let input = api::PutMetricAlarmInput {
            treat_missing_data: Some("ignore".to_owned()),
            alarm_actions: None,
            ..orders(name)
        };
        lab.root().put(input).await.unwrap();
    }
}

async fn a_composite_follows_its_children(database: &TestDatabase) {
    let lab = Lab::new(database).await;
    let client = lab.root();
    children(&lab, &["a", "b"]).await;
    client.compose(composite("both", "ALARM(a) AND ALARM(\"b\")")).await.unwrap();
    let alarm = client.composite("both").await;
    assert_eq!(alarm.state_value.unwrap().as_str(), "OK");
    assert_eq!(
        alarm.state_reason.unwrap(),
        "arn:aws:cloudwatch:us-east-1:111122223333:alarm:both was created and its alarm rule evaluates to OK"
    );
    lab.topics.take();

    lab.wait(57 * MINUTE + 45 * SECOND);
    client.set_state("a", "ALARM").await.unwrap();
    assert_eq!(client.composite_state("both").await, "OK");
    client.set_state("b", "ALARM").await.unwrap();
    let alarm = client.composite("both").await;
    assert_eq!(alarm.state_value.unwrap().as_str(), "ALARM");
    assert!(
        alarm
            .state_reason
            .as_ref()
            .unwrap()
            .ends_with("transitioned to ALARM at Friday 22 July, 2022 15:57:45 UTC"),
        "{:?}",
        alarm.state_reason
    );
    let data: Value = serde_json::from_str(&alarm.state_reason_data.unwrap()).unwrap();
    assert_eq!(data["triggeringAlarms"][0]["state"]["value"], "ALARM");
    let notice = lab.topics.take().remove(0);
    let message: Value = serde_json::from_str(&notice.message).unwrap();
    assert_eq!(message["AlarmRule"], "ALARM(a) AND ALARM(\"b\")");
    assert!(message.get("Trigger").is_none());
    assert_eq!(message["TriggeringChildren"].as_array().unwrap().len(), 2);
    assert!(client.history("both").await.contains(&"Alarm updated from OK to ALARM".to_owned()));
}

async fn composites_of_composites(database: &TestDatabase) {
    let lab = Lab::new(database).await;
    let client = lab.root();
    children(&lab, &["a"]).await;
    client.compose(composite("z1", "ALARM(a)")).await.unwrap();
    client.compose(composite("y2", "ALARM(z1)")).await.unwrap();
    client.compose(composite("x3", "ALARM(y2) OR FALSE")).await.unwrap();
    client.set_state("a", "ALARM").await.unwrap();
    for name in ["z1", "y2", "x3"] {
        assert_eq!(client.composite_state(name).await, "ALARM", "{name}");
    }
}

async fn a_cycle_stands_still(database: &TestDatabase) {
    let lab = Lab::new(database).await;
    let client = lab.root();
    children(&lab, &["a"]).await;
    client.compose(composite("one", "ALARM(a)")).await.unwrap();
    client.compose(composite("two", "NOT ALARM(one)")).await.unwrap();
    client.compose(composite("one", "ALARM(two)")).await.unwrap();
    let before = (client.composite_state("one").await, client.composite_state("two").await);
    lab.pass(5 * MINUTE).await;
    assert_eq!((client.composite_state("one").await, client.composite_state("two").await), before);
    assert!(refusal(client.delete(&["one"]).await).contains("depending on it"));
    client.compose(composite("one", "FALSE")).await.unwrap();
    client.delete(&["two"]).await.unwrap();
    client.delete(&["one"]).await.unwrap();
}

async fn a_suppressor_keeps_actions_back(database: &TestDatabase) {
    let lab = Lab::new(database).await;
    let client = lab.root();
    children(&lab, &["a", "maintenance"]).await;
    let input = api::PutCompositeAlarmInput {
        actions_suppressor: Some("maintenance".to_owned()),
        actions_suppressor_wait_period: Some(120),
        actions_suppressor_extension_period: Some(60),
        ok_actions: None,
        ..composite("c", "ALARM(a)")
    };
    client.compose(input).await.unwrap();
    // The first state waits as any does.
    lab.pass(3 * MINUTE).await;
    assert!(client.composite("c").await.actions_suppressed_by.is_none());

    client.set_state("a", "ALARM").await.unwrap();
    assert_eq!(client.composite("c").await.actions_suppressed_by.unwrap().as_str(), "WaitPeriod");
    assert!(lab.topics.subjects().is_empty());
    lab.pass(3 * MINUTE).await;
    assert_eq!(lab.topics.subjects().len(), 1, "nobody suppressed it");

    client.set_state("a", "OK").await.unwrap();
    client.set_state("maintenance", "ALARM").await.unwrap();
    client.set_state("a", "ALARM").await.unwrap();
    assert_eq!(client.composite("c").await.actions_suppressed_by.unwrap().as_str(), "Alarm");
    lab.pass(10 * MINUTE).await;
    client.set_state("maintenance", "OK").await.unwrap();
    assert_eq!(client.composite("c").await.actions_suppressed_by.unwrap().as_str(), "ExtensionPeriod");
    assert!(lab.topics.subjects().is_empty());
    lab.pass(2 * MINUTE).await;
    assert_eq!(lab.topics.subjects().len(), 1, "the alarm has outlasted the maintenance");
}

async fn set_by_hand_it_stays_until_a_child_changes(database: &TestDatabase) {
    let lab = Lab::new(database).await;
    let client = lab.root();
    children(&lab, &["a"]).await;
    client.compose(composite("c", "ALARM(a)")).await.unwrap();
    client.set_state("c", "ALARM").await.unwrap();
    lab.pass(10 * MINUTE).await;
    assert_eq!(client.composite_state("c").await, "ALARM");
    client.set_state("a", "OK").await.unwrap();
    assert_eq!(client.composite_state("c").await, "OK");
}

async fn what_others_depend_on_is_not_deleted(database: &TestDatabase) {
    let lab = Lab::new(database).await;
    let client = lab.root();
    children(&lab, &["a", "s"]).await;
    let unknown = client.compose(composite("c", "ALARM(unknown)")).await;
    assert!(refusal(unknown).contains("[unknown]"));
    let input = api::PutCompositeAlarmInput {
        actions_suppressor: Some("s".to_owned()),
        actions_suppressor_wait_period: Some(1),
        actions_suppressor_extension_period: Some(1),
        ..composite("c", "ALARM(arn:aws:cloudwatch:us-east-1:111122223333:alarm:a)")
    };
    client.compose(input).await.unwrap();
    for name in ["a", "s"] {
        let text = format!(
            "ValidationException: Cannot delete {name} as there are composite alarm(s) depending on it."
        );
        assert_eq!(refusal(client.delete(&[name]).await), text);
    }
    client.compose(composite("d", "FALSE")).await.unwrap();
    assert!(refusal(client.delete(&["c", "d"]).await).contains("Only one composite alarm"));
    client.delete(&["a", "s", "c"]).await.unwrap();
    assert_eq!(refusal(client.delete(&["a"]).await), "ResourceNotFound: Alarm a does not exist.");
}

async fn family_is_listed(database: &TestDatabase) {
    let lab = Lab::new(database).await;
    let client = lab.root();
    children(&lab, &["a", "b"]).await;
    client.compose(composite("c", "ALARM(a)")).await.unwrap();
    let described = async |input| client.cloudwatch.describe_alarms(&client.context(), input).await.unwrap();
    let all = described(api::DescribeAlarmsInput::default()).await;
    assert_eq!((all.metric_alarms.unwrap().len(), all.composite_alarms.unwrap().len()), (2, 0));
    let children_of =
        api::DescribeAlarmsInput { children_of_alarm_name: Some("c".to_owned()), ..Default::default() };
    let found = described(children_of).await.metric_alarms.unwrap().remove(0);
    assert_eq!((found.alarm_name.as_deref(), found.metric_name), (Some("a"), None));
    let parents_of =
        api::DescribeAlarmsInput { parents_of_alarm_name: Some("a".to_owned()), ..Default::default() };
    let found = described(parents_of).await.composite_alarms.unwrap().remove(0);
    assert_eq!((found.alarm_name.as_deref(), found.state_value), (Some("c"), None));
}
