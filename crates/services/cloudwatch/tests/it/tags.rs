//! Tags on alarms, and what policies make of them.

use strongroom_api_cloudwatch::{self as api, CloudWatch as _};
use strongroom_service::ApiError;
use strongroom_testkit::{TestDatabase, on_both_engines};

use crate::fixture::{Client, Lab, orders, refusal};

on_both_engines! {
    tags_are_added_replaced_and_removed,
    tags_decide,
}

const ARN: &str = "arn:aws:cloudwatch:us-east-1:111122223333:alarm:a";

fn tag(key: &str, value: &str) -> api::Tag {
    api::Tag { key: key.to_owned(), value: value.to_owned() }
}

async fn listed(client: &Client) -> Vec<(String, String)> {
    let input = api::ListTagsForResourceInput { resource_arn: ARN.to_owned() };
    let found = client.cloudwatch.list_tags_for_resource(&client.context(), input).await.unwrap();
    found.tags.unwrap().into_iter().map(|tag| (tag.key, tag.value)).collect()
}

async fn add(client: &Client, arn: &str, tags: Vec<api::Tag>) -> Result<(), ApiError> {
    let input = api::TagResourceInput { resource_arn: arn.to_owned(), tags };
    client.cloudwatch.tag_resource(&client.changing(), input).await.map(drop)
}

async fn tags_are_added_replaced_and_removed(database: &TestDatabase) {
    let lab = Lab::new(database).await;
    let client = lab.root();
    client
        .put(api::PutMetricAlarmInput { tags: Some(vec![tag("team", "blue")]), ..orders("a") })
        .await
        .unwrap();
    // An update leaves tags alone.
    client
        .put(api::PutMetricAlarmInput { tags: Some(vec![tag("team", "red")]), ..orders("a") })
        .await
        .unwrap();
    add(&client, ARN, vec![tag("stage", "test"), tag("team", "green")]).await.unwrap();
    let pair = |key: &str, value: &str| (key.to_owned(), value.to_owned());
    assert_eq!(listed(&client).await, [pair("stage", "test"), pair("team", "green")]);
    let input = api::UntagResourceInput {
        resource_arn: ARN.to_owned(),
        tag_keys: vec!["stage".to_owned(), "unknown".to_owned()],
    };
    client.cloudwatch.untag_resource(&client.changing(), input).await.unwrap();
    assert_eq!(listed(&client).await, [pair("team", "green")]);

    let unknown = "arn:aws:cloudwatch:us-east-1:111122223333:alarm:unknown";
    assert!(
        refusal(add(&client, unknown, vec![tag("a", "b")]).await).starts_with("ResourceNotFoundException")
    );
    assert!(
        refusal(add(&client, "x", vec![tag("a", "b")]).await).starts_with("InvalidParameterValueException")
    );
    assert!(refusal(add(&client, ARN, vec![tag("aws:a", "b")]).await).contains("reserved"));
    let many = (0..50).map(|number| tag(&number.to_string(), "")).collect();
    assert!(refusal(add(&client, ARN, many).await).contains("50"));
}

async fn tags_decide(database: &TestDatabase) {
    let lab = Lab::new(database).await;
    let root = lab.root();
    root.put(api::PutMetricAlarmInput { tags: Some(vec![tag("team", "blue")]), ..orders("a") })
        .await
        .unwrap();
    root.put(orders("b")).await.unwrap();
    let blue = root.as_user(
        r#"{"Effect":"Allow","Action":"cloudwatch:*","Resource":"*",
            "Condition":{"StringEquals":{"aws:ResourceTag/team":"blue"}}}"#,
    );
    blue.set_state("a", "OK").await.unwrap();
    assert!(refusal(blue.set_state("b", "OK").await).starts_with("AccessDenied"));
    let untagged = root.as_user(r#"{"Effect":"Allow","Action":"cloudwatch:PutMetricAlarm","Resource":"*"}"#);
    untagged.put(orders("c")).await.unwrap();
    let tagged = api::PutMetricAlarmInput { tags: Some(vec![tag("team", "blue")]), ..orders("d") };
    assert!(refusal(untagged.put(tagged).await).contains("cloudwatch:TagResource"));
}
