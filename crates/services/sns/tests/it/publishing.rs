//! Messages, as publishers give them and endpoints get them.

use strongroom_api_sns::{
    MessageAttributeValue, PublishBatchInput, PublishBatchRequestEntry, PublishInput, Sns as _,
};
use strongroom_testkit::{TestDatabase, on_both_engines};

use crate::fixture::{Bench, PUBLIC_URL, refused};

const HOOK: &str = "https://example.com/hook";

on_both_engines! {
    a_notification_is_as_aws_sends_it,
    raw_messages_come_alone,
    filters_choose,
    each_protocol_has_its_text,
    mails_are_for_people,
    batches_say_what_became_of_each,
    what_is_no_message_is_refused,
    a_subject_is_a_line_in_any_script,
    a_group_is_taken_and_told_to_nobody,
    a_target_is_a_topic,
}

async fn a_notification_is_as_aws_sends_it(database: &TestDatabase) {
    let bench = Bench::new(database).await;
    let root = bench.root();
    let topic = root.topic("t").await;
    let arn = bench.subscribed(&topic, "https", HOOK).await;
    let value = MessageAttributeValue {
        data_type: "String".to_owned(),
        string_value: Some("v".to_owned()),
        ..Default::default()
    };
    let input = PublishInput {
        message: "hello".to_owned(),
        subject: Some("A subject".to_owned()),
        message_attributes: Some([("n".to_owned(), value)].into_iter().collect()),
        ..Default::default()
    };
    let id = root.publish_with(&topic, input).await.unwrap();
    let posted = bench.deliver(1).await.remove(0);
    for (name, value) in [
        ("x-amz-sns-message-type", "Notification"),
        ("x-amz-sns-message-id", id.as_str()),
        ("x-amz-sns-topic-arn", topic.as_str()),
        ("x-amz-sns-subscription-arn", arn.as_str()),
        ("user-agent", "Amazon Simple Notification Service Agent"),
    ] {
        assert_eq!(posted.header(name), Some(value), "{name}");
    }
    let json = posted.json();
    let members: Vec<_> = json.as_object().unwrap().keys().cloned().collect();
    assert_eq!(
        members,
        [
            "Type",
            "MessageId",
            "TopicArn",
            "Subject",
            "Message",
            "Timestamp",
            "SignatureVersion",
            "Signature",
            "SigningCertURL",
            "UnsubscribeURL",
            "MessageAttributes"
        ]
    );
    assert_eq!(json["Timestamp"], "2023-11-14T22:13:20.123Z");
    assert_eq!(json["SignatureVersion"], "1");
    assert_eq!(json["UnsubscribeURL"], format!("{PUBLIC_URL}/?Action=Unsubscribe&SubscriptionArn={arn}"));
    assert_eq!(json["MessageAttributes"]["n"]["Value"], "v");
    let url = json["SigningCertURL"].as_str().unwrap();
    let path = url.strip_prefix(PUBLIC_URL).unwrap();
    let certificate = bench.sns.certificate_at(path).await.unwrap().unwrap();
    assert!(certificate.starts_with("-----BEGIN CERTIFICATE-----"));
    assert_eq!(bench.sns.certificate_at("/SimpleNotificationService-x.pem").await.unwrap(), None);
}

async fn raw_messages_come_alone(database: &TestDatabase) {
    let bench = Bench::new(database).await;
    let root = bench.root();
    let topic = root.topic("t").await;
    let delivery = r#"{"requestPolicy":{"headerContentType":"application/json"}}"#;
    let raw = [("RawMessageDelivery", "true"), ("DeliveryPolicy", delivery)];
    bench.subscribed_with(&topic, "https", HOOK, &raw).await;
    root.publish(&topic, "{\"a\":1}").await.unwrap();
    let posted = bench.deliver(1).await.remove(0);
    assert_eq!(posted.body, "{\"a\":1}");
    assert_eq!(posted.header("x-amz-sns-rawdelivery"), Some("true"));
    assert_eq!(posted.header("content-type"), Some("application/json"));
}

async fn filters_choose(database: &TestDatabase) {
    let bench = Bench::new(database).await;
    let root = bench.root();
    let topic = root.topic("t").await;
    let body = [("FilterPolicyScope", "MessageBody"), ("FilterPolicy", r#"{"kind":["a"]}"#)];
    bench.subscribed_with(&topic, "https", "https://example.com/a", &body).await;
    bench.subscribed(&topic, "https", "https://example.com/all").await;
    root.publish(&topic, r#"{"kind":"b"}"#).await.unwrap();
    root.publish(&topic, r#"{"kind":"a"}"#).await.unwrap();
    let posted = bench.deliver(3).await;
    let of = |url: &str| posted.iter().filter(|one| one.url == url).count();
    assert_eq!((of("https://example.com/a"), of("https://example.com/all")), (1, 2));
}

async fn each_protocol_has_its_text(database: &TestDatabase) {
    let bench = Bench::new(database).await;
    let root = bench.root();
    let topic = root.topic("t").await;
    bench.subscribed(&topic, "https", HOOK).await;
    let structured = |message: &str| PublishInput {
        message: message.to_owned(),
        message_structure: Some("json".to_owned()),
        ..Default::default()
    };
    root.publish_with(&topic, structured(r#"{"default":"d","https":"h"}"#)).await.unwrap();
    assert_eq!(bench.deliver(1).await[0].member("Message"), "h");
    assert_eq!(
        refused(root.publish_with(&topic, structured(r#"{"https":"h"}"#)).await).1,
        "Invalid parameter: Message Structure - No default entry in JSON message body"
    );
}

async fn mails_are_for_people(database: &TestDatabase) {
    let bench = Bench::new(database).await;
    let root = bench.root();
    let topic = root.create("t", &[("DisplayName", "The Keys")]).await.unwrap();
    root.subscribe(&topic, "email", "a@example.com", &[]).await.unwrap();
    let mails = |number: usize| {
        let bench = &bench;
        async move {
            bench.deliver_until(|endpoints| endpoints.mails.lock().unwrap().len() >= number).await;
            bench.endpoints.mails.lock().unwrap().last().unwrap().clone()
        }
    };
    let asked = mails(1).await;
    assert_eq!((asked.from_name.as_str(), asked.to.as_str()), ("The Keys", "a@example.com"));
    assert_eq!(asked.subject, "AWS Notification - Subscription Confirmation");
    let token = asked.text.split("Token=").nth(1).unwrap().lines().next().unwrap();
    root.nobody().confirm(&topic, token).await.unwrap();
    root.publish(&topic, "hello").await.unwrap();
    let told = mails(2).await;
    assert_eq!(told.subject, "AWS Notification Message");
    assert!(told.text.starts_with("hello\n\n--\n"), "{}", told.text);
    assert!(told.text.contains("/?Action=Unsubscribe&SubscriptionArn="), "{}", told.text);
}

async fn batches_say_what_became_of_each(database: &TestDatabase) {
    let bench = Bench::new(database).await;
    let root = bench.root();
    let topic = root.topic("t").await;
    bench.subscribed(&topic, "https", HOOK).await;
    let entry = |id: &str, message: &str| PublishBatchRequestEntry {
        id: id.to_owned(),
        message: message.to_owned(),
        ..Default::default()
    };
    let batch = async |entries: Vec<PublishBatchRequestEntry>| {
        let input = PublishBatchInput { topic_arn: topic.clone(), publish_batch_request_entries: entries };
        root.api().publish_batch(&root.context(), input).await
    };
    let answer = batch(vec![entry("a", "1"), entry("b", ""), entry("c", "3")]).await.unwrap();
    let done: Vec<_> = answer.successful.unwrap().into_iter().filter_map(|one| one.id).collect();
    assert_eq!(done, ["a", "c"]);
    let failed = answer.failed.unwrap().remove(0);
    assert_eq!(
        (failed.id.as_str(), failed.code.as_str(), failed.sender_fault),
        ("b", "InvalidParameter", true)
    );
    let mut messages: Vec<_> = bench.deliver(2).await.iter().map(|one| one.member("Message")).collect();
    messages.sort();
    assert_eq!(messages, ["1", "3"]);
    let many = (0..11).map(|number| entry(&number.to_string(), "x")).collect();
    for (entries, code) in [
        (vec![], "EmptyBatchRequest"),
        (many, "TooManyEntriesInBatchRequest"),
        (vec![entry("a", "1"), entry("a", "2")], "BatchEntryIdsNotDistinct"),
        (vec![entry("a b", "1")], "InvalidBatchEntryId"),
        (vec![entry("a", &"x".repeat(200_000)), entry("b", &"x".repeat(200_000))], "BatchRequestTooLong"),
    ] {
        assert_eq!(refused(batch(entries).await).0, code);
    }
}

async fn what_is_no_message_is_refused(database: &TestDatabase) {
    let bench = Bench::new(database).await;
    let root = bench.root();
    let topic = root.topic("t").await;
    assert_eq!(refused(root.publish(&topic, "").await).1, "Invalid parameter: Empty message");
    let long = "x".repeat(262_145);
    assert_eq!(refused(root.publish(&topic, &long).await).1, "Invalid parameter: Message too long");
    let input = |subject: &str| PublishInput {
        message: "x".to_owned(),
        subject: Some(subject.to_owned()),
        ..Default::default()
    };
    assert_eq!(refused(root.publish_with(&topic, input("a\nb")).await).1, "Invalid parameter: Subject");
    let (code, text) = refused(root.publish(&format!("{topic}x"), "x").await);
    assert_eq!((code.as_str(), text.as_str()), ("NotFound", "Topic does not exist"));
    let nowhere = PublishInput { message: "x".to_owned(), ..Default::default() };
    assert_eq!(
        refused(root.api().publish(&root.context(), nowhere).await.map(drop)).1,
        "Invalid parameter: TopicArn or TargetArn Reason: no value for required parameter"
    );
}

async fn a_subject_is_a_line_in_any_script(database: &TestDatabase) {
    let bench = Bench::new(database).await;
    let root = bench.root();
    let topic = root.topic("t").await;
    bench.subscribed(&topic, "https", HOOK).await;
    let subject = "Schlüssel \u{1f511} gelöscht";
    let input =
        PublishInput { message: "x".to_owned(), subject: Some(subject.to_owned()), ..Default::default() };
    root.publish_with(&topic, input).await.unwrap();
    assert_eq!(bench.deliver(1).await[0].member("Subject"), subject);
}

/// SNS API Reference, Publish: on standard topics a group is for queues of SQS alone.
async fn a_group_is_taken_and_told_to_nobody(database: &TestDatabase) {
    let bench = Bench::new(database).await;
    let root = bench.root();
    let topic = root.topic("t").await;
    bench.subscribed(&topic, "https", HOOK).await;
    let input = |group: &str| PublishInput {
        message: "x".to_owned(),
        message_group_id: Some(group.to_owned()),
        ..Default::default()
    };
    root.publish_with(&topic, input("tenant-1")).await.unwrap();
    assert!(!bench.deliver(1).await[0].body.contains("tenant-1"));
    for group in ["", "a b", &"g".repeat(129), "ü"] {
        let (code, text) = refused(root.publish_with(&topic, input(group)).await);
        assert_eq!(code, "InvalidParameter", "{group}");
        assert!(text.starts_with("Invalid parameter: MessageGroupId Reason: "), "{text}");
    }
    let repeated = PublishInput {
        message: "x".to_owned(),
        message_deduplication_id: Some("d".to_owned()),
        ..Default::default()
    };
    assert!(refused(root.publish_with(&topic, repeated).await).1.contains("not valid for this topic type"));
}

async fn a_target_is_a_topic(database: &TestDatabase) {
    let bench = Bench::new(database).await;
    let root = bench.root();
    let topic = root.topic("t").await;
    let publish = async |target: &str| {
        let input = PublishInput {
            message: "x".to_owned(),
            target_arn: Some(target.to_owned()),
            ..Default::default()
        };
        root.api().publish(&root.context(), input).await
    };
    assert!(publish(&topic).await.unwrap().message_id.is_some());
    for (target, text) in [
        (
            "arn:aws:sns:us-east-1:111122223333:endpoint/GCM/app/5f1d8fea-0000-0000-0000-000000000000",
            "Invalid parameter: TargetArn Reason: No endpoint found for the target arn specified",
        ),
        ("nothing", "Invalid parameter: TargetArn Reason: An ARN must have at least 6 elements, not 1"),
        ("arn:aws:sqs:us-east-1:111122223333:queue", "Invalid parameter: TargetArn"),
    ] {
        assert_eq!(refused(publish(target).await).1, text);
    }
}
