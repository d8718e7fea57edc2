//! Who may: topic policies, identity policies, services that work for an account.

use strongroom_api_sns::{AddPermissionInput, RemovePermissionInput, Sns as _};
use strongroom_testkit::{TestDatabase, on_both_engines};

use crate::fixture::{ACCOUNT, Bench, STRANGER, refused};

on_both_engines! {
    a_topics_own_account_needs_nothing_more,
    other_accounts_need_both_sides,
    services_are_let_in_by_the_policy,
    policies_see_what_is_asked,
    permissions_are_added_and_removed,
    what_is_withdrawn_opens_nothing,
    whoever_may_not_is_told_so_in_awss_words,
}

/// A new topic's policy names everybody of its account.
async fn a_topics_own_account_needs_nothing_more(database: &TestDatabase) {
    let bench = Bench::new(database).await;
    let topic = bench.root().topic("t").await;
    let user = bench.root().user(r#"{"Effect":"Allow","Action":"kms:*","Resource":"*"}"#);
    user.publish(&topic, "hello").await.unwrap();
    let denied = bench.root().user(r#"{"Effect":"Deny","Action":"sns:Publish","Resource":"*"}"#);
    assert_eq!(refused(denied.publish(&topic, "hello").await).0, "AuthorizationError");
}

async fn other_accounts_need_both_sides(database: &TestDatabase) {
    let bench = Bench::new(database).await;
    let (root, stranger) = (bench.root(), bench.root().of_account(STRANGER));
    let topic = root.topic("t").await;
    assert_eq!(refused(stranger.publish(&topic, "hello").await).0, "AuthorizationError");
    let policy = format!(
        r#"{{"Statement":{{"Effect":"Allow","Principal":{{"AWS":"{STRANGER}"}},"Action":["SNS:Publish","SNS:Subscribe"],"Resource":"{topic}"}}}}"#
    );
    root.set(&topic, "Policy", &policy).await.unwrap();
    stranger.publish(&topic, "hello").await.unwrap();
    stranger.subscribe(&topic, "https", "https://example.com/", &[]).await.unwrap();
    let owners: Vec<_> = root.listed(&topic).await.into_iter().map(|one| one.owner.unwrap()).collect();
    assert_eq!(owners, [STRANGER]);
}

/// "default topic policy admits it": AWS:SourceOwner is the account that a service works for.
async fn services_are_let_in_by_the_policy(database: &TestDatabase) {
    let bench = Bench::new(database).await;
    let root = bench.root();
    let topic = root.topic("t").await;
    let alarm = format!("arn:aws:cloudwatch:us-east-1:{ACCOUNT}:alarm:a");
    let alarms = root.service("cloudwatch.amazonaws.com", &alarm);
    alarms.publish(&topic, "hello").await.unwrap();
    let of_stranger = root.of_account(STRANGER).service("cloudwatch.amazonaws.com", &alarm);
    assert_eq!(refused(of_stranger.publish(&topic, "hello").await).0, "AuthorizationError");
    let policy = |arn: &str| {
        format!(
            r#"{{"Statement":{{"Effect":"Allow","Principal":{{"Service":"cloudwatch.amazonaws.com"}},"Action":"SNS:Publish","Resource":"{topic}","Condition":{{"ArnEquals":{{"aws:SourceArn":"{arn}"}}}}}}}}"#
        )
    };
    root.set(&topic, "Policy", &policy(&alarm)).await.unwrap();
    alarms.publish(&topic, "hello").await.unwrap();
    root.set(&topic, "Policy", &policy("arn:aws:cloudwatch:us-east-1:111122223333:alarm:b")).await.unwrap();
    assert_eq!(refused(alarms.publish(&topic, "hello").await).0, "AuthorizationError");
}

async fn policies_see_what_is_asked(database: &TestDatabase) {
    let bench = Bench::new(database).await;
    let root = bench.root();
    let topic = root.topic("t").await;
    let policy = format!(
        r#"{{"Statement":[{{"Effect":"Deny","Principal":"*","Action":"SNS:Subscribe","Resource":"{topic}","Condition":{{"StringNotLike":{{"SNS:Endpoint":"*@example.com"}}}}}},{{"Effect":"Deny","Principal":"*","Action":"SNS:Subscribe","Resource":"{topic}","Condition":{{"StringNotEquals":{{"sns:Protocol":"email"}}}}}}]}}"#
    );
    root.set(&topic, "Policy", &policy).await.unwrap();
    root.subscribe(&topic, "email", "a@example.com", &[]).await.unwrap();
    for (protocol, endpoint) in [("email", "a@example.org"), ("email-json", "a@example.com")] {
        let answer = root.subscribe(&topic, protocol, endpoint, &[]).await;
        assert_eq!(refused(answer).0, "AuthorizationError", "{protocol} {endpoint}");
    }
}

async fn permissions_are_added_and_removed(database: &TestDatabase) {
    let bench = Bench::new(database).await;
    let (root, stranger) = (bench.root(), bench.root().of_account(STRANGER));
    let topic = root.topic("t").await;
    let add = async |label: &str, action: &str| {
        let input = AddPermissionInput {
            topic_arn: topic.clone(),
            label: label.to_owned(),
            aws_account_id: vec![STRANGER.to_owned()],
            action_name: vec![action.to_owned()],
        };
        root.api().add_permission(&root.context(), input).await
    };
    add("them", "Publish").await.unwrap();
    stranger.publish(&topic, "hello").await.unwrap();
    assert_eq!(refused(add("them", "Publish").await).1, "Invalid parameter: Statement already exists");
    assert_eq!(
        refused(add("more", "CreateTopic").await).1,
        "Invalid parameter: Policy statement action out of service scope!"
    );
    let input = RemovePermissionInput { topic_arn: topic.clone(), label: "them".to_owned() };
    root.api().remove_permission(&root.context(), input).await.unwrap();
    assert_eq!(refused(stranger.publish(&topic, "hello").await).0, "AuthorizationError");
    root.publish(&topic, "hello").await.unwrap();
}

/// The last statement taken away leaves a policy that lets nobody in, not the one that a topic begins with.
async fn what_is_withdrawn_opens_nothing(database: &TestDatabase) {
    let bench = Bench::new(database).await;
    let root = bench.root();
    let user = root.user(r#"{"Effect":"Allow","Action":"kms:*","Resource":"*"}"#);
    let remove = async |topic: &str, label: &str| {
        let input = RemovePermissionInput { topic_arn: topic.to_owned(), label: label.to_owned() };
        root.api().remove_permission(&root.context(), input).await.map(drop)
    };
    let topic = root.topic("t").await;
    user.publish(&topic, "hello").await.unwrap();
    remove(&topic, "__default_statement_ID").await.unwrap();
    assert_eq!(refused(user.publish(&topic, "hello").await).0, "AuthorizationError");
    let attributes = root.attributes(&topic).await.unwrap();
    let shown = attributes.get("Policy").unwrap();
    assert!(shown.contains(r#""Statement":[]"#), "{shown}");
    assert_eq!(refused(remove(&topic, "__default_statement_ID").await).1, "Invalid parameter: Label");
    // Those whom identity policies let in are in still, and a statement may be added again.
    root.publish(&topic, "hello").await.unwrap();
    let stranger = root.of_account(STRANGER);
    let input = AddPermissionInput {
        topic_arn: topic.clone(),
        label: "them".to_owned(),
        aws_account_id: vec![STRANGER.to_owned()],
        action_name: vec!["Publish".to_owned()],
    };
    root.api().add_permission(&root.context(), input).await.unwrap();
    stranger.publish(&topic, "hello").await.unwrap();
    remove(&topic, "them").await.unwrap();
    assert_eq!(refused(stranger.publish(&topic, "hello").await).0, "AuthorizationError");
    assert_eq!(refused(user.publish(&topic, "hello").await).0, "AuthorizationError");
}

async fn whoever_may_not_is_told_so_in_awss_words(database: &TestDatabase) {
    let bench = Bench::new(database).await;
    let user = bench.root().user(r#"{"Effect":"Allow","Action":"kms:*","Resource":"*"}"#);
    let (code, text) = refused(user.create("t", &[]).await);
    assert_eq!(code, "AuthorizationError");
    assert_eq!(
        text,
        format!(
            "User: arn:aws:iam::{ACCOUNT}:user/a is not authorized to perform: SNS:CreateTopic on resource: \
             arn:aws:sns:us-east-1:{ACCOUNT}:t because no identity-based policy allows the SNS:CreateTopic action"
        )
    );
}
