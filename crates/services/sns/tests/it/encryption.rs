//! Encrypted topics: KMS has a say when something is published, and when it is delivered.

use strongroom_testkit::{TestDatabase, on_both_engines};

use crate::fixture::{ACCOUNT, Bench, refused};

const HOOK: &str = "https://example.com/hook";

on_both_engines! {
    a_data_key_serves_one_publisher_for_a_while,
    kms_can_refuse_publishers,
    what_waits_is_opened_by_sns_itself,
    the_key_that_aws_keeps_is_for_no_service,
}

async fn a_data_key_serves_one_publisher_for_a_while(database: &TestDatabase) {
    let bench = Bench::new(database).await;
    let root = bench.root();
    let topic = root.create("t", &[("KmsMasterKeyId", "alias/k")]).await.unwrap();
    bench.subscribed(&topic, "https", HOOK).await;
    root.publish(&topic, "one").await.unwrap();
    root.publish(&topic, "two").await.unwrap();
    let calls = || bench.kms.calls.lock().unwrap().clone();
    let own = format!("arn:aws:iam::{ACCOUNT}:root");
    assert_eq!(calls(), [("GenerateDataKey", own.clone()), ("Decrypt", own)]);
    let user = root.user(r#"{"Effect":"Allow","Action":"sns:Publish","Resource":"*"}"#);
    user.publish(&topic, "three").await.unwrap();
    assert_eq!(calls().len(), 4, "what one may use is none of another's");
    let mut messages: Vec<_> = bench.deliver(3).await.iter().map(|one| one.member("Message")).collect();
    messages.sort();
    assert_eq!(messages, ["one", "three", "two"]);
    bench.time.set(crate::fixture::NOW + 6 * 60 * 1000);
    root.publish(&topic, "four").await.unwrap();
    assert_eq!(calls().len(), 6);
    let names: Vec<_> = bench.records().into_iter().map(|record| record.event_name).collect();
    assert_eq!(names.iter().filter(|name| *name == "GenerateDataKey").count(), 3);
    let record = &bench.records()[0];
    assert_eq!(record.identity.invoked_by.as_deref(), Some("sns.amazonaws.com"));
    assert_eq!(record.source_ip, "sns.amazonaws.com");
}

async fn kms_can_refuse_publishers(database: &TestDatabase) {
    let bench = Bench::new(database).await;
    let root = bench.root();
    let topic = root.create("t", &[("KmsMasterKeyId", "alias/k")]).await.unwrap();
    for (code, expected) in [
        ("AccessDeniedException", "KMSAccessDenied"),
        ("DisabledException", "KMSDisabled"),
        ("NotFoundException", "KMSNotFound"),
        ("KMSInvalidStateException", "KMSInvalidState"),
        ("ThrottlingException", "KMSThrottling"),
    ] {
        *bench.kms.refuses.lock().unwrap() = Some(code);
        let (found, text) = refused(root.publish(&topic, "x").await);
        assert_eq!(found, expected);
        assert!(text.starts_with(&format!(
            "no (Service: AWSKMS; Status Code: 400; Error Code: {code}; Request ID: "
        )));
    }
}

async fn what_waits_is_opened_by_sns_itself(database: &TestDatabase) {
    let mut bench = Bench::new(database).await;
    let topic = bench.root().create("t", &[("KmsMasterKeyId", "alias/k")]).await.unwrap();
    bench.subscribed(&topic, "https", HOOK).await;
    bench.root().publish(&topic, "hello").await.unwrap();
    bench.restart();
    // The key is disabled: the delivery fails as if the endpoint were away, and is tried again.
    *bench.kms.refuses.lock().unwrap() = Some("DisabledException");
    let calls = || bench.kms.calls.lock().unwrap().len();
    bench.deliver_until(|_| calls() >= 3).await;
    assert!(bench.posted().is_empty());
    *bench.kms.refuses.lock().unwrap() = None;
    bench.move_clock(20_000);
    assert_eq!(bench.deliver(1).await[0].member("Message"), "hello");
    assert_eq!(bench.kms.calls.lock().unwrap().last().unwrap(), &("Decrypt", "sns.amazonaws.com".to_owned()));
}

async fn the_key_that_aws_keeps_is_for_no_service(database: &TestDatabase) {
    let bench = Bench::new(database).await;
    let root = bench.root();
    let topic = root.create("t", &[("KmsMasterKeyId", "alias/aws/sns")]).await.unwrap();
    root.publish(&topic, "hello").await.unwrap();
    let alarm = format!("arn:aws:cloudwatch:us-east-1:{ACCOUNT}:alarm:a");
    let alarms = root.service("cloudwatch.amazonaws.com", &alarm);
    assert_eq!(refused(alarms.publish(&topic, "hello").await).0, "KMSAccessDenied");
    root.set(&topic, "KmsMasterKeyId", "alias/k").await.unwrap();
    alarms.publish(&topic, "hello").await.unwrap();
}
