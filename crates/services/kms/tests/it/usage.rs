//! When keys were last used, as the journal tells it (KMS API Reference, GetKeyLastUsage).

use strongroom_api_kms::{GetKeyLastUsageResponse, KeyLastUsageTrackingOperation};
use strongroom_journal::{EventId, Record, Resource};
use strongroom_schema::Timestamp;
use strongroom_testkit::{TestDatabase, on_both_engines};

use crate::fixture::{
    ABSENT, ACCOUNT, Client, DAY, FAR_REGION, NOW, REGION, STRANGER, Surroundings, client, open, root, start,
    start_in,
};
use crate::key_policies::{ROOT, key_on_condition, key_with, outcome, policy, statement};

on_both_engines! {
    a_key_that_was_never_used_says_so,
    the_last_successful_use_is_told,
    only_successful_cryptography_counts,
    re_encrypt_is_a_use_of_both_keys,
    a_use_is_told_by_a_server_that_starts_later,
    a_use_is_told_when_its_record_is_no_longer_kept,
    policies_can_ask_for_how_long_a_key_has_not_been_used,
    a_use_that_was_altered_decides_nothing,
}

#[test]
fn each_server_tells_of_uses_at_all_of_them() {
    strongroom_testkit::run(each_tells_of_all(&TestDatabase::postgres()));
}

async fn each_tells_of_all(database: &TestDatabase) {
    let db = open(database).await;
    let [one, two] = ["one", "two"].map(|name| {
        let surroundings = Surroundings { server_name: Some(name), ..Surroundings::default() };
        Client::new(&start_in(&db, &root(), &surroundings), ACCOUNT, REGION)
    });
    let key = one.create_key().await;
    let (id, arn) = (key.key_id, key.arn.unwrap());
    write(&one, record(1, "Encrypt", &[&arn])).await;
    write(&two, record(2, "Decrypt", &[&arn])).await;
    let decrypted = KeyLastUsageTrackingOperation::Decrypt;
    assert_use(&one.last_usage(&id).await.unwrap(), 2, decrypted.clone());
    assert_use(&two.last_usage(&id).await.unwrap(), 2, decrypted);
    // Each goes on where whichever read it last has left it.
    for (number, server) in [(3, &one), (4, &two), (5, &one)] {
        write(server, record(number, "Encrypt", &[&arn])).await;
        for asked in [&two, server, &one] {
            let told = asked.last_usage(&id).await.unwrap();
            assert_use(&told, number, KeyLastUsageTrackingOperation::Encrypt);
        }
    }
    for name in ["one", "two"] {
        assert!(one.kms.usage_read_to(name).await.unwrap().is_some());
    }
    // What one that is gone had recorded last is told by the other.
    write(&two, record(6, "Encrypt", &[&arn])).await;
    drop(two);
    assert_use(&one.last_usage(&id).await.unwrap(), 6, KeyLastUsageTrackingOperation::Encrypt);
}

/// The record of a call about the keys of those ARNs, as the server writes it.
fn record(number: u8, operation: &str, arns: &[&str]) -> Record {
    let resource = |arn: &&str| Resource {
        account_id: Some(ACCOUNT.to_owned()),
        kind: Some("AWS::KMS::Key".to_owned()),
        arn: (*arn).to_owned(),
    };
    Record {
        event_id: EventId([number; 16]),
        event_time_ms: NOW + i64::from(number),
        event_source: "kms.amazonaws.com".to_owned(),
        event_name: operation.to_owned(),
        aws_region: REGION.to_owned(),
        account_id: ACCOUNT.to_owned(),
        request_id: Some(format!("request {number}")),
        read_only: true,
        management: true,
        resources: Some(arns.iter().map(resource).collect()),
        ..Record::default()
    }
}

async fn write(client: &Client, record: Record) {
    client.kms.outbox.record(record, false).await.unwrap();
}

/// What is told of the use with that number.
fn assert_use(answer: &GetKeyLastUsageResponse, number: u8, operation: KeyLastUsageTrackingOperation) {
    let told = answer.key_last_usage.as_ref().unwrap();
    assert_eq!(told.operation, Some(operation));
    assert_eq!(told.timestamp, Some(Timestamp::from_millis(NOW + i64::from(number))));
    let id = EventId([number; 16]).to_string();
    assert_eq!(told.cloud_trail_event_id, Some(id));
    assert_eq!(told.kms_request_id, Some(format!("request {number}")));
}

#[track_caller]
fn assert_unused(answer: &GetKeyLastUsageResponse) {
    let told = format!("{:?}", answer.key_last_usage);
    assert_eq!(told, format!("{:?}", Some(strongroom_api_kms::KeyLastUsageData::default())));
}

async fn a_key_that_was_never_used_says_so(database: &TestDatabase) {
    let client = client(database).await.at(NOW - DAY);
    let key = client.create_key().await;
    for name in [&key.key_id, key.arn.as_ref().unwrap()] {
        let answer = client.last_usage(name).await.unwrap();
        assert_unused(&answer);
        assert_eq!(answer.key_id.as_ref(), Some(&key.key_id));
        assert_eq!(answer.key_creation_date, Some(Timestamp::from_millis(NOW - DAY)));
        assert_eq!(answer.tracking_start_date, Some(Timestamp::from_millis(NOW - DAY)));
    }
}

async fn the_last_successful_use_is_told(database: &TestDatabase) {
    let client = client(database).await;
    let key = client.create_key().await;
    let (key, arn) = (key.key_id, key.arn.unwrap());
    let operations = [
        KeyLastUsageTrackingOperation::Encrypt,
        KeyLastUsageTrackingOperation::Decrypt,
        KeyLastUsageTrackingOperation::GenerateDataKey,
        KeyLastUsageTrackingOperation::GenerateDataKeyWithoutPlaintext,
        KeyLastUsageTrackingOperation::ReEncrypt,
    ];
    for (number, operation) in (1..).zip(operations.clone()) {
        write(&client, record(number, operation.as_str(), &[&arn])).await;
        // Asked after each, and twice: what was read is not read again.
        for _ in 0..2 {
            assert_use(&client.last_usage(&key).await.unwrap(), number, operation.clone());
        }
    }
    // Several in one go.
    for (number, operation) in (11..).zip(operations) {
        write(&client, record(number, operation.as_str(), &[&arn])).await;
    }
    assert_use(&client.last_usage(&key).await.unwrap(), 15, KeyLastUsageTrackingOperation::ReEncrypt);
    let other = client.create_key().await.key_id;
    assert_unused(&client.last_usage(&other).await.unwrap());
}

async fn only_successful_cryptography_counts(database: &TestDatabase) {
    let client = client(database).await;
    let key = client.create_key().await;
    let (key, arn) = (key.key_id, key.arn.unwrap());
    let failed = |number, code: &str| Record {
        error_code: Some(code.to_owned()),
        ..record(number, "Encrypt", &[&arn])
    };
    let elsewhere = |number, source: &str| Record {
        event_source: source.to_owned(),
        ..record(number, "Encrypt", &[&arn])
    };
    let alias = client.arn("alias/x");
    for record in [
        record(1, "DescribeKey", &[&arn]),
        record(2, "CreateKey", &[&arn]),
        record(3, "encrypt", &[&arn]),
        record(4, "GenerateRandom", &[]),
        Record { resources: None, ..record(5, "Encrypt", &[]) },
        failed(6, "AccessDenied"),
        failed(7, "DryRunOperationException"),
        elsewhere(8, "s3.amazonaws.com"),
        record(9, "Encrypt", &[&alias, "", "arn:aws:kms", "arn:aws:s3:::bucket"]),
        // Keys of the same id, of another account and in another Region, and of none.
        record(10, "Encrypt", &[&client.as_of(STRANGER, REGION).arn(&format!("key/{key}"))]),
        record(11, "Encrypt", &[&client.as_of(ACCOUNT, FAR_REGION).arn(&format!("key/{key}"))]),
        record(12, "Encrypt", &[&client.arn(&format!("key/{ABSENT}"))]),
    ] {
        write(&client, record).await;
        assert_unused(&client.last_usage(&key).await.unwrap());
    }
    write(&client, record(20, "Decrypt", &[&arn])).await;
    write(&client, failed(21, "InvalidCiphertextException")).await;
    assert_use(&client.last_usage(&key).await.unwrap(), 20, KeyLastUsageTrackingOperation::Decrypt);
}

async fn re_encrypt_is_a_use_of_both_keys(database: &TestDatabase) {
    let client = client(database).await;
    let keys = [client.create_key().await, client.create_key().await];
    let arns = keys.each_ref().map(|key| key.arn.clone().unwrap());
    write(&client, record(1, "ReEncrypt", &arns.each_ref().map(String::as_str))).await;
    for key in &keys {
        let answer = client.last_usage(&key.key_id).await.unwrap();
        assert_use(&answer, 1, KeyLastUsageTrackingOperation::ReEncrypt);
    }
}

async fn a_use_is_told_by_a_server_that_starts_later(database: &TestDatabase) {
    let db = open(database).await;
    let client = Client::new(&start(&db, &root()), ACCOUNT, REGION);
    let (kept, going) = (client.create_key().await, client.create_key().await);
    let arns = [kept.arn.as_deref().unwrap(), going.arn.as_deref().unwrap()];
    write(&client, record(1, "ReEncrypt", &arns)).await;
    client.last_usage(&kept.key_id).await.unwrap();
    client.schedule_deletion(&going.key_id, Some(7)).await.unwrap();
    let later = client.later(7 * DAY).await;
    // A use of a key that is gone, in the journal still, makes nothing of it.
    write(&later, record(2, "Encrypt", &arns[1..])).await;
    let answer = later.last_usage(&kept.key_id).await.unwrap();
    assert_use(&answer, 1, KeyLastUsageTrackingOperation::ReEncrypt);
    assert_eq!(later.last_usage(&going.key_id).await.unwrap_err().code(), "NotFoundException");
    let sql = strongroom_store::Statement::new("SELECT key_id FROM kms_last_uses");
    assert_eq!(db.query(sql, &[]).await.unwrap().len(), 1);

    let after = later.on(&later.kms.restarted(&db, &root()));
    let answer = after.last_usage(&kept.key_id).await.unwrap();
    assert_use(&answer, 1, KeyLastUsageTrackingOperation::ReEncrypt);
    write(&after, record(3, "Decrypt", &arns[..1])).await;
    let answer = after.last_usage(&kept.key_id).await.unwrap();
    assert_use(&answer, 3, KeyLastUsageTrackingOperation::Decrypt);
}

async fn a_use_is_told_when_its_record_is_no_longer_kept(database: &TestDatabase) {
    let db = open(database).await;
    let client = Client::new(&start(&db, &root()), ACCOUNT, REGION);
    let key = client.create_key().await;
    let arn = key.arn.as_deref().unwrap();
    assert_eq!(client.kms.usage_read_to("local").await.unwrap(), None);
    write(&client, record(1, "Encrypt", &[arn])).await;
    client.last_usage(&key.key_id).await.unwrap();
    let read_to = client.kms.usage_read_to("local").await.unwrap();
    assert!(read_to.is_some());
    // Another is recorded, and dropped before it was read: it is never told, and nothing else suffers.
    write(&client, record(2, "Encrypt", &[arn])).await;
    client.kms.drop_the_journal_so_far().await;
    let answer = client.last_usage(&key.key_id).await.unwrap();
    assert_use(&answer, 1, KeyLastUsageTrackingOperation::Encrypt);
    write(&client, record(3, "Decrypt", &[arn])).await;
    let answer = client.last_usage(&key.key_id).await.unwrap();
    assert_use(&answer, 3, KeyLastUsageTrackingOperation::Decrypt);
    assert!(client.kms.usage_read_to("local").await.unwrap() > read_to);
}

/// KMS Developer Guide, "kms:TrailingDaysWithoutKeyUsage": whole days since the last use, or since the key was made.
async fn policies_can_ask_for_how_long_a_key_has_not_been_used(database: &TestDatabase) {
    let client = client(database).await;
    let lately_used = r#"{"NumericLessThan":{"kms:TrailingDaysWithoutKeyUsage":"90"}}"#;
    let statements = [
        statement("Allow", ROOT, r#""kms:*""#, ""),
        statement("Deny", r#""*""#, r#"["kms:ScheduleKeyDeletion","kms:DisableKey"]"#, lately_used),
    ];
    let key = key_with(&client, &policy(&statements)).await;
    let arn = client.arn(&format!("key/{key}"));
    assert!(!outcome(client.schedule_deletion(&key, Some(7)).await.map(drop)));
    assert!(!outcome(client.at(NOW + 90 * DAY - 1).disable(&key).await));
    assert!(outcome(client.at(NOW + 90 * DAY).disable(&key).await));
    client.enable(&key).await.unwrap();
    // A use puts it off, also one that nobody has asked about yet.
    write(&client, Record { event_time_ms: NOW + 80 * DAY, ..record(1, "Decrypt", &[&arn]) }).await;
    assert!(!outcome(client.at(NOW + 90 * DAY).disable(&key).await));
    assert!(!outcome(client.at(NOW + 170 * DAY - 1).schedule_deletion(&key, Some(7)).await.map(drop)));
    assert!(outcome(client.at(NOW + 170 * DAY).schedule_deletion(&key, Some(7)).await.map(drop)));
    // Whoever allows it to those that are long unused only.
    let long_unused = r#"{"NumericGreaterThanEquals":{"kms:TrailingDaysWithoutKeyUsage":"30"}}"#;
    let key = key_on_condition(&client, r#""kms:DisableKey""#, long_unused).await;
    assert!(!outcome(client.at(NOW + 29 * DAY).disable(&key).await));
    assert!(outcome(client.at(NOW + 30 * DAY).disable(&key).await));
}

async fn a_use_that_was_altered_decides_nothing(database: &TestDatabase) {
    let db = open(database).await;
    let client = Client::new(&start(&db, &root()), ACCOUNT, REGION);
    let long_unused = r#"{"NumericGreaterThanEquals":{"kms:TrailingDaysWithoutKeyUsage":"30"}}"#;
    let key = key_on_condition(&client, r#""kms:DisableKey""#, long_unused).await;
    let arn = client.arn(&format!("key/{key}"));
    write(&client, Record { event_time_ms: NOW + 29 * DAY, ..record(1, "Decrypt", &[&arn]) }).await;
    assert!(!outcome(client.at(NOW + 30 * DAY).disable(&key).await));
    let alter = strongroom_store::Statement::new("UPDATE kms_last_uses SET used_ms = $1");
    db.execute(alter, &[NOW.into()]).await.unwrap();
    let refused = client.at(NOW + 30 * DAY).disable(&key).await.unwrap_err();
    assert_eq!(refused.code(), "KMSInternalException");
}
