//! Topics and their attributes.

use strongroom_api_sns::{
    ListTagsForResourceRequest, ListTopicsInput, Sns as _, Tag, TagResourceRequest, UntagResourceRequest,
};
use strongroom_testkit::{TestDatabase, on_both_engines};

use crate::fixture::{ACCOUNT, Bench, refused};

on_both_engines! {
    a_topic_is_made_once,
    attributes_are_set_and_shown,
    what_is_not_valid_is_refused,
    topics_are_listed_in_pages,
    a_topic_goes_with_all_that_hangs_on_it,
    tags_are_put_and_taken,
}

async fn a_topic_is_made_once(database: &TestDatabase) {
    let bench = Bench::new(database).await;
    let root = bench.root();
    let arn = root.create("alarms", &[("DisplayName", "Alarms")]).await.unwrap();
    assert_eq!(arn, format!("arn:aws:sns:us-east-1:{ACCOUNT}:alarms"));
    assert_eq!(root.create("alarms", &[]).await.unwrap(), arn);
    assert_eq!(root.create("alarms", &[("DisplayName", "Alarms")]).await.unwrap(), arn);
    let (code, text) = refused(root.create("alarms", &[("DisplayName", "Others")]).await);
    assert_eq!(code, "InvalidParameter");
    assert_eq!(text, "Invalid parameter: Attributes Reason: Topic already exists with different attributes");
}

async fn attributes_are_set_and_shown(database: &TestDatabase) {
    let bench = Bench::new(database).await;
    let root = bench.root();
    let topic = root.topic("t").await;
    let shown = root.attributes(&topic).await.unwrap();
    let names: Vec<_> = shown.iter().map(|(name, _)| name).collect();
    for name in [
        "Policy",
        "Owner",
        "TopicArn",
        "DisplayName",
        "EffectiveDeliveryPolicy",
        "SubscriptionsPending",
        "SubscriptionsConfirmed",
        "SubscriptionsDeleted",
    ] {
        assert!(names.contains(&name), "{name}");
    }
    assert_eq!(names.len(), 8);
    let policy: serde_json::Value = serde_json::from_str(shown.get("Policy").unwrap()).unwrap();
    assert_eq!(policy["Id"], "__default_policy_ID");
    assert_eq!(policy["Statement"][0]["Condition"]["StringEquals"]["AWS:SourceOwner"], ACCOUNT);
    for (name, value) in [
        ("DisplayName", "A"),
        ("SignatureVersion", "2"),
        ("KmsMasterKeyId", "alias/aws/sns"),
        ("TracingConfig", "PassThrough"),
        ("DeliveryPolicy", r#"{"http":{"defaultHealthyRetryPolicy":{"numRetries":5}}}"#),
    ] {
        root.set(&topic, name, value).await.unwrap();
        assert_eq!(root.attributes(&topic).await.unwrap().get(name).map(String::as_str), Some(value));
    }
    root.set(&topic, "KmsMasterKeyId", "").await.unwrap();
    assert_eq!(root.attributes(&topic).await.unwrap().get("KmsMasterKeyId"), None);
}

async fn what_is_not_valid_is_refused(database: &TestDatabase) {
    let bench = Bench::new(database).await;
    let root = bench.root();
    let topic = root.topic("t").await;
    for name in ["", "a b", &"a".repeat(257), "a.b"] {
        assert_eq!(refused(root.create(name, &[]).await).1, "Invalid parameter: Topic Name");
    }
    for (name, value, text) in [
        ("Nonsense", "1", "Invalid parameter: AttributeName"),
        ("SignatureVersion", "3", "Invalid parameter: SignatureVersion"),
        ("Policy", "{", "Invalid parameter: Policy Error: null"),
        (
            "Policy",
            r#"{"Statement":{"Effect":"Allow","Principal":"*","Action":"sqs:SendMessage","Resource":"*"}}"#,
            "Invalid parameter: Policy statement action out of service scope!",
        ),
        (
            "Policy",
            r#"{"Statement":{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::111122223333:user/nobody"},"Action":"SNS:Publish","Resource":"*"}}"#,
            "Invalid parameter: Policy Error: PrincipalNotFound",
        ),
    ] {
        assert_eq!(refused(root.set(&topic, name, value).await).1, text, "{name}");
    }
    assert_eq!(refused(root.create("t.fifo", &[]).await).0, "NotImplemented");
    assert_eq!(
        refused(root.attributes("t").await).1,
        "Invalid parameter: TopicArn Reason: An ARN must have at least 6 elements, not 1"
    );
    let elsewhere = topic.replace("us-east-1", "eu-central-1");
    assert_eq!(refused(root.attributes(&elsewhere).await).1, "Invalid parameter: TopicArn");
    let (code, text) = refused(root.attributes(&format!("{topic}x")).await);
    assert_eq!((code.as_str(), text.as_str()), ("NotFound", "Topic does not exist"));
}

async fn topics_are_listed_in_pages(database: &TestDatabase) {
    let bench = Bench::new(database).await;
    let root = bench.root();
    for number in 0..101 {
        root.topic(&format!("t{number:03}")).await;
    }
    let list = async |next_token: Option<String>| {
        root.api().list_topics(&root.context(), ListTopicsInput { next_token }).await.unwrap()
    };
    let first = list(None).await;
    assert_eq!(first.topics.unwrap().len(), 100);
    let rest = list(first.next_token).await;
    let rest: Vec<_> = rest.topics.unwrap().into_iter().filter_map(|topic| topic.topic_arn).collect();
    assert_eq!(rest, [format!("arn:aws:sns:us-east-1:{ACCOUNT}:t100")]);
}

async fn a_topic_goes_with_all_that_hangs_on_it(database: &TestDatabase) {
    let bench = Bench::new(database).await;
    let root = bench.root();
    let topic = root.topic("t").await;
    let subscription = bench.subscribed(&topic, "https", "https://example.com/hook").await;
    root.publish(&topic, "hello").await.unwrap();
    root.delete(&topic).await.unwrap();
    root.delete(&topic).await.unwrap();
    assert_eq!(refused(root.subscription(&subscription).await).0, "NotFound");
    let again = root.topic("t").await;
    assert!(root.listed(&again).await.is_empty());
    assert!(bench.posted().is_empty());
}

async fn tags_are_put_and_taken(database: &TestDatabase) {
    let bench = Bench::new(database).await;
    let root = bench.root();
    let topic = root.topic("t").await;
    let tag = |key: &str, value: &str| Tag { key: key.to_owned(), value: value.to_owned() };
    let put = async |tags: Vec<Tag>| {
        let input = TagResourceRequest { resource_arn: topic.clone(), tags };
        root.api().tag_resource(&root.context(), input).await
    };
    put(vec![tag("a", "1"), tag("b", "2")]).await.unwrap();
    put(vec![tag("a", "3")]).await.unwrap();
    let input = UntagResourceRequest { resource_arn: topic.clone(), tag_keys: vec!["b".to_owned()] };
    root.api().untag_resource(&root.context(), input).await.unwrap();
    let input = ListTagsForResourceRequest { resource_arn: topic.clone() };
    let tags = root.api().list_tags_for_resource(&root.context(), input).await.unwrap().tags.unwrap();
    assert_eq!(
        tags.iter().map(|tag| (tag.key.as_str(), tag.value.as_str())).collect::<Vec<_>>(),
        [("a", "3")]
    );
    let many = (0..50).map(|number| tag(&number.to_string(), "")).collect();
    assert_eq!(refused(put(many).await).0, "TagLimitExceeded");
    let input = ListTagsForResourceRequest { resource_arn: format!("{topic}x") };
    let missing = root.api().list_tags_for_resource(&root.context(), input).await;
    assert_eq!(refused(missing).0, "ResourceNotFound");
}
