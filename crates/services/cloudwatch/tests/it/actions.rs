//! What alarms do: notices, by hand and refused, enabled and disabled.

use std::sync::Arc;

use strongroom_api_cloudwatch::{self as api, CloudWatch as _};
use strongroom_service::ApiError;
use strongroom_testkit::{TestDatabase, on_both_engines};

use crate::fixture::{Lab, MINUTE, TOPIC, not_authorized, orders, refusal};

on_both_engines! {
    a_state_set_by_hand_acts_and_lasts_a_minute,
    disabled_actions_are_not_taken,
    each_state_has_its_own_actions,
    what_sns_refuses_is_in_the_history,
    what_sns_cannot_do_now_is_tried_again,
    what_sns_or_its_key_has_too_much_of_is_tried_again,
    a_state_is_set_of_an_alarm_that_is_there,
    who_sets_a_state_waits_for_nobody_elses_actions,
}

async fn a_state_set_by_hand_acts_and_lasts_a_minute(database: &TestDatabase) {
    let lab = Lab::new(database).await;
    let client = lab.root();
    client.put(orders("a")).await.unwrap();
    client.data(&[(lab.now(), 1.0)]).await;
    lab.pass(MINUTE).await;
    client.set_state("a", "ALARM").await.unwrap();
    assert_eq!(client.alarm("a").await.state_reason.unwrap(), "a rehearsal");
    assert_eq!(lab.topics.subjects(), ["ALARM: \"a\" in US East (N. Virginia)"]);
    client.set_state("a", "ALARM").await.unwrap();
    assert!(lab.topics.subjects().is_empty(), "nothing became another");
    client.data(&[(lab.now(), 1.0)]).await;
    lab.pass(MINUTE).await;
    assert_eq!(client.state("a").await, "OK");
}

async fn disabled_actions_are_not_taken(database: &TestDatabase) {
    let lab = Lab::new(database).await;
    let client = lab.root();
    client.put(orders("a")).await.unwrap();
    let named = || api::DisableAlarmActionsInput { alarm_names: vec!["a".to_owned(), "unknown".to_owned()] };
    client.cloudwatch.disable_alarm_actions(&client.changing(), named()).await.unwrap();
    assert_eq!(client.alarm("a").await.actions_enabled, Some(false));
    client.set_state("a", "ALARM").await.unwrap();
    assert!(lab.topics.subjects().is_empty());
    let enable = api::EnableAlarmActionsInput { alarm_names: vec!["a".to_owned()] };
    client.cloudwatch.enable_alarm_actions(&client.changing(), enable).await.unwrap();
    client.set_state("a", "OK").await.unwrap();
    client.set_state("a", "ALARM").await.unwrap();
    assert_eq!(lab.topics.subjects().len(), 1);
    let history = client.history("a").await;
    assert_eq!(history.iter().filter(|summary| *summary == "Alarm \"a\" updated").count(), 2);
}

async fn each_state_has_its_own_actions(database: &TestDatabase) {
    let lab = Lab::new(database).await;
    let client = lab.root();
    let topic = |name: &str| Some(vec![format!("arn:aws:sns:us-east-1:111122223333:{name}")]);
    let input = api::PutMetricAlarmInput {
        alarm_actions: topic("alarm"),
        ok_actions: topic("ok"),
        insufficient_data_actions: topic("unknown"),
        ..orders("a")
    };
    client.put(input).await.unwrap();
    for state in ["ALARM", "OK", "INSUFFICIENT_DATA"] {
        client.set_state("a", state).await.unwrap();
    }
    let topics: Vec<_> = lab.topics.take().into_iter().map(|input| input.topic_arn.unwrap()).collect();
    let names: Vec<_> = topics.iter().map(|arn| arn.rsplit(':').next().unwrap()).collect();
    assert_eq!(names, ["alarm", "ok", "unknown"]);
}

async fn what_sns_refuses_is_in_the_history(database: &TestDatabase) {
    let lab = Lab::new(database).await;
    let client = lab.root();
    client.put(orders("a")).await.unwrap();
    lab.topics.refuse(Some(not_authorized()));
    client.set_state("a", "ALARM").await.unwrap();
    let last = client.history("a").await.pop().unwrap();
    assert_eq!(
        last,
        format!(
            "Failed to execute action {TOPIC}. Received error: \"CloudWatch Alarms is not authorized to perform: \
             SNS:Publish on resource: {TOPIC}\""
        )
    );
    lab.topics.refuse(None);
    lab.pass(MINUTE).await;
    assert!(lab.topics.subjects().is_empty(), "it is not tried again");
}

async fn what_sns_cannot_do_now_is_tried_again(database: &TestDatabase) {
    let lab = Lab::new(database).await;
    let client = lab.root();
    client.put(orders("a")).await.unwrap();
    lab.topics.refuse(Some(ApiError::unavailable("later")));
    client.set_state("a", "ALARM").await.unwrap();
    lab.pass(MINUTE).await;
    lab.topics.refuse(None);
    lab.pass(MINUTE).await;
    lab.pass(MINUTE).await;
    assert_eq!(lab.topics.subjects().len(), 1);
    // A server that starts anew takes up what waits.
    lab.topics.refuse(Some(ApiError::unavailable("later")));
    client.set_state("a", "OK").await.unwrap();
    client.set_state("a", "ALARM").await.unwrap();
    lab.topics.refuse(None);
    lab.wait(MINUTE);
    let restarted: Arc<_> = lab.another();
    restarted.look_at(lab.now() + MINUTE).await;
    assert_eq!(lab.topics.subjects().len(), 1);
}

async fn what_sns_or_its_key_has_too_much_of_is_tried_again(database: &TestDatabase) {
    let lab = Lab::new(database).await;
    let client = lab.root();
    client.put(orders("a")).await.unwrap();
    let sns = ApiError::front("ThrottlingException", None, Some("Rate exceeded".to_owned()));
    let kms = ApiError::modelled(&strongroom_api_sns::errors::KMS_THROTTLING_EXCEPTION, "Rate exceeded");
    for refusal in [sns, kms] {
        lab.topics.refuse(Some(refusal));
        client.set_state("a", "OK").await.unwrap();
        client.set_state("a", "ALARM").await.unwrap();
        lab.pass(MINUTE).await;
        assert!(lab.topics.subjects().is_empty());
        lab.topics.refuse(None);
        lab.pass(MINUTE).await;
        assert_eq!(lab.topics.subjects().len(), 1);
    }
}

async fn a_state_is_set_of_an_alarm_that_is_there(database: &TestDatabase) {
    let lab = Lab::new(database).await;
    let client = lab.root();
    assert_eq!(refusal(client.set_state("a", "OK").await), "ResourceNotFound: Alarm a does not exist.");
    client.put(orders("a")).await.unwrap();
    let input = api::SetAlarmStateInput {
        alarm_name: "a".to_owned(),
        state_value: api::StateValue::from("OK"),
        state_reason: String::new(),
        state_reason_data: Some("no JSON".to_owned()),
    };
    let answer = client.cloudwatch.set_alarm_state(&client.changing(), input).await;
    assert!(refusal(answer).starts_with("InvalidFormatFault:"));
}

async fn who_sets_a_state_waits_for_nobody_elses_actions(database: &TestDatabase) {
    let lab = Lab::new(database).await;
    let (one, other) = (lab.root(), lab.of_account("444455556666"));
    for (client, name) in [(&one, "mine"), (&other, "theirs")] {
        client.put(orders(name)).await.unwrap();
    }
    lab.topics.refuse(Some(ApiError::front("ThrottlingException", None, None)));
    other.set_state("theirs", "ALARM").await.unwrap();
    lab.topics.refuse(None);
    // Long enough for it to be tried again by whoever looks.
    lab.wait(MINUTE - 1);
    lab.topics.take();
    one.set_state("mine", "ALARM").await.unwrap();
    assert_eq!(lab.topics.subjects(), ["ALARM: \"mine\" in US East (N. Virginia)"]);
    lab.pass(1).await;
    assert_eq!(lab.topics.subjects(), ["ALARM: \"theirs\" in US East (N. Virginia)"]);
}
