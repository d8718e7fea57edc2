//! Subscriptions: confirmed, ended, brought back, forgotten.

use strongroom_api_sns::{SetSubscriptionAttributesInput, Sns as _, SubscribeInput};
use strongroom_runtime::Agenda as _;
use strongroom_testkit::{TestDatabase, on_both_engines};

use crate::fixture::{ACCOUNT, Bench, PUBLIC_URL, refused};

const HOOK: &str = "https://example.com/hook";

const DAY_MS: u64 = 24 * 3600 * 1000;

on_both_engines! {
    an_endpoint_is_asked_and_confirms,
    a_token_counts_for_two_days_and_once_only_for_its_subscription,
    whoever_follows_the_link_ends_it_and_can_bring_it_back,
    a_guarded_subscription_is_not_ended_by_a_link,
    its_owner_ends_it_for_good,
    there_is_one_for_each_endpoint,
    attributes_are_checked,
    endpoints_are_checked,
    who_never_confirms_is_forgotten,
    what_nobody_has_confirmed_is_not_ended,
}

async fn an_endpoint_is_asked_and_confirms(database: &TestDatabase) {
    let bench = Bench::new(database).await;
    let root = bench.root();
    let topic = root.topic("t").await;
    assert_eq!(root.subscribe(&topic, "https", HOOK, &[]).await.unwrap(), "pending confirmation");
    let listed = root.listed(&topic).await;
    assert_eq!(listed[0].subscription_arn.as_deref(), Some("PendingConfirmation"));
    let asked = bench.deliver(1).await.remove(0);
    assert_eq!(asked.url, HOOK);
    assert_eq!(asked.header("x-amz-sns-message-type"), Some("SubscriptionConfirmation"));
    assert_eq!(asked.header("x-amz-sns-subscription-arn"), None);
    assert_eq!(asked.header("content-type"), Some("text/plain; charset=UTF-8"));
    let token = asked.member("Token");
    assert_eq!(
        asked.member("SubscribeURL"),
        format!("{PUBLIC_URL}/?Action=ConfirmSubscription&TopicArn={topic}&Token={token}")
    );
    assert_eq!(
        asked.member("Message"),
        format!(
            "You have chosen to subscribe to the topic {topic}.\nTo confirm the subscription, visit the SubscribeURL included \
             in this message."
        )
    );
    let arn = root.nobody().confirm(&topic, &token).await.unwrap();
    assert!(arn.starts_with(&format!("{topic}:")));
    assert_eq!(root.nobody().confirm(&topic, &token).await.unwrap(), arn, "followed twice");
    let shown = root.subscription(&arn).await.unwrap();
    for (name, value) in [
        ("PendingConfirmation", "false"),
        ("ConfirmationWasAuthenticated", "false"),
        ("RawMessageDelivery", "false"),
        ("Owner", ACCOUNT),
        ("Protocol", "https"),
        ("Endpoint", HOOK),
        ("SubscriptionPrincipal", "arn:aws:iam::111122223333:root"),
    ] {
        assert_eq!(shown.get(name).map(String::as_str), Some(value), "{name}");
    }
    assert_eq!(root.attributes(&topic).await.unwrap().get("SubscriptionsConfirmed").unwrap(), "1");
}

async fn a_token_counts_for_two_days_and_once_only_for_its_subscription(database: &TestDatabase) {
    let bench = Bench::new(database).await;
    let root = bench.root();
    let (topic, other) = (root.topic("t").await, root.topic("u").await);
    root.subscribe(&topic, "https", HOOK, &[]).await.unwrap();
    let first = bench.deliver(1).await[0].member("Token");
    for bad in ["", "x", &first[1..], &format!("{}{}", &first[..95], "g"), &"0".repeat(96)] {
        assert_eq!(refused(root.nobody().confirm(&topic, bad).await).1, "Invalid token", "{bad}");
    }
    assert_eq!(refused(root.nobody().confirm(&other, &first).await).1, "Invalid token");
    // Asked for again, there is another token, and the first counts no more.
    root.subscribe(&topic, "https", HOOK, &[]).await.unwrap();
    let second = bench.deliver(2).await[1].member("Token");
    assert_eq!(refused(root.nobody().confirm(&topic, &first).await).1, "Invalid token");
    root.nobody().confirm(&topic, &second).await.unwrap();
}

async fn whoever_follows_the_link_ends_it_and_can_bring_it_back(database: &TestDatabase) {
    let bench = Bench::new(database).await;
    let root = bench.root();
    let topic = root.topic("t").await;
    let arn = bench.subscribed(&topic, "https", HOOK).await;
    // Who signs is asked nothing; this one was confirmed by the root user, without guarding it.
    root.nobody().unsubscribe(&arn).await.unwrap();
    // Also whoever looks through mails follows it.
    root.nobody().unsubscribe(&arn).await.unwrap();
    assert_eq!(root.listed(&topic).await[0].subscription_arn.as_deref(), Some("Deleted"));
    let told = bench.deliver(1).await.remove(0);
    assert_eq!(told.header("x-amz-sns-message-type"), Some("UnsubscribeConfirmation"));
    root.publish(&topic, "lost").await.unwrap();
    root.nobody().unsubscribe(&arn).await.unwrap();
    root.nobody().confirm(&topic, &told.member("Token")).await.unwrap();
    root.publish(&topic, "hello").await.unwrap();
    assert_eq!(bench.deliver(2).await[1].member("Message"), "hello");
}

async fn a_guarded_subscription_is_not_ended_by_a_link(database: &TestDatabase) {
    let bench = Bench::new(database).await;
    let root = bench.root();
    let topic = root.topic("t").await;
    root.subscribe(&topic, "https", HOOK, &[]).await.unwrap();
    let token = bench.deliver(1).await[0].member("Token");
    let arn = root.confirm_guarded(&topic, &token).await.unwrap();
    assert_eq!(refused(root.nobody().unsubscribe(&arn).await).0, "AuthorizationError");
    root.unsubscribe(&arn).await.unwrap();
}

async fn its_owner_ends_it_for_good(database: &TestDatabase) {
    let bench = Bench::new(database).await;
    let root = bench.root();
    let topic = root.topic("t").await;
    let arn = bench.subscribed(&topic, "https", HOOK).await;
    root.publish(&topic, "on its way").await.unwrap();
    root.unsubscribe(&arn).await.unwrap();
    assert!(root.listed(&topic).await.is_empty());
    assert_eq!(refused(root.unsubscribe(&arn).await).0, "NotFound");
    assert_eq!(
        refused(root.unsubscribe("PendingConfirmation").await).1,
        "Invalid parameter: SubscriptionArn Reason: An ARN must have at least 6 elements, not 1"
    );
}

async fn there_is_one_for_each_endpoint(database: &TestDatabase) {
    let bench = Bench::new(database).await;
    let root = bench.root();
    let topic = root.topic("t").await;
    let arn = bench.subscribed_with(&topic, "https", HOOK, &[("RawMessageDelivery", "true")]).await;
    assert_eq!(root.subscribe(&topic, "https", HOOK, &[]).await.unwrap(), arn);
    let again = [("RawMessageDelivery", "true")];
    assert_eq!(root.subscribe(&topic, "https", HOOK, &again).await.unwrap(), arn);
    let other = [("RawMessageDelivery", "false")];
    assert_eq!(
        refused(root.subscribe(&topic, "https", HOOK, &other).await).1,
        "Invalid parameter: Attributes Reason: Subscription already exists with different attributes"
    );
    assert_eq!(root.listed(&topic).await.len(), 1);
}

async fn attributes_are_checked(database: &TestDatabase) {
    let bench = Bench::new(database).await;
    let root = bench.root();
    let topic = root.topic("t").await;
    let arn = bench.subscribed(&topic, "https", HOOK).await;
    let set = async |name: &str, value: &str| {
        let input = SetSubscriptionAttributesInput {
            subscription_arn: arn.clone(),
            attribute_name: name.to_owned(),
            attribute_value: Some(value.to_owned()),
        };
        root.api().set_subscription_attributes(&root.context(), input).await
    };
    set("FilterPolicy", r#"{"a":["b"]}"#).await.unwrap();
    let shown = root.subscription(&arn).await.unwrap();
    assert_eq!(shown.get("FilterPolicyScope").map(String::as_str), Some("MessageAttributes"));
    set("FilterPolicyScope", "MessageBody").await.unwrap();
    set("FilterPolicy", r#"{"a":{"b":["c"]}}"#).await.unwrap();
    assert_eq!(
        refused(set("FilterPolicyScope", "MessageAttributes").await).0,
        "InvalidParameter",
        "the filter is none of attributes"
    );
    set("FilterPolicy", "").await.unwrap();
    assert_eq!(root.subscription(&arn).await.unwrap().get("FilterPolicy"), None);
    for (name, value, text) in [
        ("FilterPolicy", r#"{"a":[]}"#, "Invalid parameter: FilterPolicy: Empty arrays are not allowed"),
        (
            "RawMessageDelivery",
            "yes",
            "Invalid parameter: RawMessageDelivery Reason: must be either true or false",
        ),
        ("Nonsense", "", "Invalid parameter: AttributeName"),
    ] {
        assert_eq!(refused(set(name, value).await).1, text);
    }
    assert_eq!(refused(set("RedrivePolicy", "{}").await).0, "NotImplemented");
}

async fn endpoints_are_checked(database: &TestDatabase) {
    let bench = Bench::new(database).await;
    let root = bench.root();
    let topic = root.topic("t").await;
    for (protocol, endpoint, text) in [
        ("https", "http://example.com/", "Invalid parameter: Endpoint must match the specified protocol"),
        ("http", "example.com", "Invalid parameter: Endpoint must match the specified protocol"),
        ("http", "http:///x", "Invalid parameter: Endpoint must match the specified protocol"),
        ("email", "nobody", "Invalid parameter: Email address"),
        ("email", "a@b\r\nBcc: c@d", "Invalid parameter: Endpoint must match the specified protocol"),
        ("pigeon", "x", "Invalid parameter: Amazon SNS does not support this protocol string: pigeon"),
        ("http", "http://127.0.0.1/", "Not authorized to subscribe internal endpoints"),
    ] {
        assert_eq!(refused(root.subscribe(&topic, protocol, endpoint, &[]).await).1, text, "{endpoint}");
    }
    assert_eq!(refused(root.subscribe(&topic, "sqs", "arn:aws:sqs:x", &[]).await).0, "NotImplemented");
}

async fn who_never_confirms_is_forgotten(database: &TestDatabase) {
    let bench = Bench::new(database).await;
    let root = bench.root();
    let topic = root.topic("t").await;
    root.subscribe(&topic, "https", HOOK, &[]).await.unwrap();
    let kept = bench.subscribed(&topic, "https", "https://example.com/other").await;
    bench.move_clock(2 * DAY_MS);
    let due = bench.sns.first(10).await.unwrap();
    assert_eq!(due.len(), 1);
    bench.sns.run(&due[0]).await.unwrap();
    bench.sns.run(&due[0]).await.unwrap();
    let left: Vec<_> = root.listed(&topic).await.into_iter().filter_map(|one| one.subscription_arn).collect();
    assert_eq!(left, [kept]);
}

/// It goes by itself, or with its topic.
async fn what_nobody_has_confirmed_is_not_ended(database: &TestDatabase) {
    let bench = Bench::new(database).await;
    let root = bench.root();
    let topic = root.topic("t").await;
    let input = SubscribeInput {
        topic_arn: topic.clone(),
        protocol: "https".to_owned(),
        endpoint: Some(HOOK.to_owned()),
        return_subscription_arn: Some(true),
        ..Default::default()
    };
    let arn = root.api().subscribe(&root.context(), input).await.unwrap().subscription_arn.unwrap();
    for client in [&root, &root.nobody()] {
        assert_eq!(
            refused(client.unsubscribe(&arn).await).1,
            "Invalid parameter: SubscriptionArn Reason: Cannot unsubscribe a subscription that is pending confirmation"
        );
    }
    let token = bench.deliver(1).await[0].member("Token");
    assert_eq!(root.confirm(&topic, &token).await.unwrap(), arn);
    root.unsubscribe(&arn).await.unwrap();
}
