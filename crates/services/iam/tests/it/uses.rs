//! When access keys were last used, as the journal tells it.

use strongroom_api_iam::{self as iam, Iam as _};
use strongroom_journal::{EventId, Identity, IdentityKind, Record};
use strongroom_schema::Timestamp;
use strongroom_store::Statement;
use strongroom_testkit::{TestDatabase, on_both_engines};

use crate::fixture::iam::{Client, TRUST, client, refusal};
use crate::fixture::{NOW, open};

on_both_engines! {
    the_last_use_is_told,
    a_key_that_nobody_has_has_no_use,
    what_is_no_key_leaves_no_row,
    a_role_was_used_when_its_session_was,
}

const MINUTE: i64 = 60_000;

fn record(access_key_id: &str, at_ms: i64, region: &str) -> Record {
    Record {
        event_id: EventId([7; 16]),
        event_time_ms: at_ms,
        event_source: "kms.amazonaws.com".to_owned(),
        event_name: "Decrypt".to_owned(),
        aws_region: region.to_owned(),
        account_id: "111122223333".to_owned(),
        identity: Identity { access_key_id: Some(access_key_id.to_owned()), ..Identity::default() },
        ..Record::default()
    }
}

async fn last(client: &Client, id: &str) -> (Option<i64>, String, String) {
    let input = iam::GetAccessKeyLastUsedRequest { access_key_id: id.to_owned() };
    let answer = client.iam().get_access_key_last_used(&client.context(), input).await.unwrap();
    assert_eq!(answer.user_name.as_deref(), Some("a"));
    let last = answer.access_key_last_used.unwrap();
    (last.last_used_date.map(|date| date.as_millis() - NOW / 1000 * 1000), last.service_name, last.region)
}

async fn the_last_use_is_told(database: &TestDatabase) {
    let client = client(database).await;
    client.create_user("a").await.unwrap();
    let id = client.create_access_key("a").await.unwrap().access_key_id;
    let told = |at: Option<i64>, service: &str, region: &str| (at, service.to_owned(), region.to_owned());
    assert_eq!(last(&client, &id).await, told(None, "N/A", "N/A"));
    client.server.write(record(&id, NOW, "us-east-1")).await;
    assert_eq!(last(&client, &id).await, told(Some(0), "kms", "us-east-1"));
    // A use a little later is the same one.
    client.server.write(record(&id, NOW + 14 * MINUTE, "eu-central-1")).await;
    assert_eq!(last(&client, &id).await, told(Some(0), "kms", "us-east-1"));
    client.server.write(record(&id, NOW + 15 * MINUTE, "eu-central-1")).await;
    assert_eq!(last(&client, &id).await, told(Some(15 * MINUTE), "kms", "eu-central-1"));
}

async fn a_key_that_nobody_has_has_no_use(database: &TestDatabase) {
    let client = client(database).await;
    let input = iam::GetAccessKeyLastUsedRequest { access_key_id: "AKIAIOSFODNN7EXAMPLE".to_owned() };
    assert_eq!(
        refusal(client.iam().get_access_key_last_used(&client.context(), input).await),
        "NoSuchEntity: The Access Key with id AKIAIOSFODNN7EXAMPLE cannot be found."
    );
}

/// Temporary credentials sign too, and there is no end of them.
async fn what_is_no_key_leaves_no_row(database: &TestDatabase) {
    let client = client(database).await;
    client.create_user("a").await.unwrap();
    let id = client.create_access_key("a").await.unwrap().access_key_id;
    for used in ["ASIAIOSFODNN7EXAMPLE", &id] {
        client.server.write(record(used, NOW, "us-east-1")).await;
    }
    last(&client, &id).await;
    let count = Statement::new("SELECT COUNT(*) AS rows FROM iam_key_uses");
    let db = open(database).await;
    assert_eq!(db.query_opt(count, &[]).await.unwrap().unwrap().i64("rows").unwrap(), 1);
}

async fn a_role_was_used_when_its_session_was(database: &TestDatabase) {
    let client = client(database).await;
    client.create_user("a").await.unwrap();
    let key = client.create_access_key("a").await.unwrap().access_key_id;
    let used = client.create_role("used", TRUST).await.unwrap();
    client.create_role("unused", TRUST).await.unwrap();
    let session = |role_id: &str| {
        let identity = Identity {
            kind: Some(IdentityKind::AssumedRole),
            principal_id: Some(format!("{role_id}:session")),
            account_id: Some("111122223333".to_owned()),
            access_key_id: Some("ASIAIOSFODNN7EXAMPLE".to_owned()),
            ..Identity::default()
        };
        Record { identity, ..record("", NOW, "eu-central-1") }
    };
    client.server.write(session(&used.role_id)).await;
    client.server.write(session("AROAIOSFODNN7EXAMPLE1")).await;
    // This reads the journal to its end.
    last(&client, &key).await;
    let told = async |role: &str| {
        let last = client.role(role).await.unwrap().role_last_used.unwrap();
        (last.last_used_date.map(Timestamp::as_millis), last.region)
    };
    let wanted = (Some(NOW / 1000 * 1000), Some("eu-central-1".to_owned()));
    assert_eq!(told("used").await, wanted);
    assert_eq!(told("unused").await, (None, None));
    let input = iam::GetAccountAuthorizationDetailsRequest {
        filter: Some(vec![iam::EntityType::Role]),
        ..Default::default()
    };
    let details = client.iam().get_account_authorization_details(&client.context(), input).await.unwrap();
    let dates = details.role_detail_list.unwrap().into_iter().map(|role| {
        let last = role.role_last_used.unwrap();
        (last.last_used_date.map(Timestamp::as_millis), last.region)
    });
    assert_eq!(dates.collect::<Vec<_>>(), [(None, None), wanted]);
    client.delete_role("used").await.unwrap();
    let count = Statement::new("SELECT COUNT(*) AS rows FROM iam_role_uses");
    let db = open(database).await;
    assert_eq!(db.query_opt(count, &[]).await.unwrap().unwrap().i64("rows").unwrap(), 0);
}
