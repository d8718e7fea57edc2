//! When access keys, roles and services were last used, as the journal tells it.

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
    services_last_accessed_are_those_that_policies_allow,
    reports_of_services_last_accessed_are_kept_by_their_jobs,
    uses_of_services_go_with_who_made_them,
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

/// A report of services last accessed, and what it says of each service: its namespace, who used it last, and how many
/// have.
async fn last_accessed(client: &Client, arn: &str) -> Vec<(String, Option<String>, i32)> {
    let input = iam::GenerateServiceLastAccessedDetailsRequest { arn: arn.to_owned(), ..Default::default() };
    let made = client.iam().generate_service_last_accessed_details(&client.changing(), input).await.unwrap();
    let input =
        iam::GetServiceLastAccessedDetailsRequest { job_id: made.job_id.unwrap(), ..Default::default() };
    let told = client.iam().get_service_last_accessed_details(&client.context(), input).await.unwrap();
    assert_eq!(told.job_status, iam::JobStatusType::Completed);
    let services = told.services_last_accessed.into_iter().map(|service| {
        assert_eq!(
            service.last_authenticated.is_some(),
            service.last_authenticated_entity.is_some(),
            "{service:?}"
        );
        let entities = service.total_authenticated_entities.unwrap();
        (service.service_namespace, service.last_authenticated_entity, entities)
    });
    services.collect()
}

/// The record of a call of a user or a session.
fn called(kind: IdentityKind, principal_id: &str, event_source: &str, at_ms: i64) -> Record {
    let identity = Identity {
        kind: Some(kind),
        principal_id: Some(principal_id.to_owned()),
        account_id: Some("111122223333".to_owned()),
        ..Identity::default()
    };
    Record { identity, event_source: event_source.to_owned(), ..record("", at_ms, "eu-central-1") }
}

const MONITORING: &str = "monitoring.amazonaws.com";

async fn services_last_accessed_are_those_that_policies_allow(database: &TestDatabase) {
    let client = client(database).await;
    let user = client.create_user("a").await.unwrap();
    let role = client.create_role("r", TRUST).await.unwrap();
    let text = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["kms:Decrypt","cloudwatch:*"],"Resource":"*"}]}"#;
    let input = iam::CreatePolicyRequest {
        policy_name: "m".to_owned(),
        policy_document: text.to_owned(),
        ..Default::default()
    };
    let policy = client.iam().create_policy(&client.changing(), input).await.unwrap();
    let policy = policy.policy.unwrap().arn.unwrap();
    let arns = [user.arn.clone(), role.arn.clone()];
    assert_eq!(last_accessed(&client, &arns[0]).await, []);
    let input = iam::AttachUserPolicyRequest { user_name: "a".to_owned(), policy_arn: policy.clone() };
    client.iam().attach_user_policy(&client.changing(), input).await.unwrap();
    let input = iam::AttachRolePolicyRequest { role_name: "r".to_owned(), policy_arn: policy.clone() };
    client.iam().attach_role_policy(&client.changing(), input).await.unwrap();
    client.server.write(called(IdentityKind::IamUser, &user.user_id, "kms.amazonaws.com", NOW)).await;
    // Not allowed: it was refused, and does not show.
    client.server.write(called(IdentityKind::IamUser, &user.user_id, "sns.amazonaws.com", NOW)).await;
    let session = format!("{}:session", role.role_id);
    client.server.write(called(IdentityKind::AssumedRole, &session, "kms.amazonaws.com", NOW + MINUTE)).await;
    client.server.write(called(IdentityKind::AssumedRole, &session, MONITORING, NOW)).await;
    let told = |service: &str, arn: Option<&String>, entities| (service.to_owned(), arn.cloned(), entities);
    let (user_arn, role_arn) = (Some(&arns[0]), Some(&arns[1]));
    let wanted = [told("cloudwatch", None, 0), told("kms", user_arn, 1)];
    assert_eq!(last_accessed(&client, &arns[0]).await, wanted);
    let wanted = [told("cloudwatch", role_arn, 1), told("kms", role_arn, 1)];
    assert_eq!(last_accessed(&client, &arns[1]).await, wanted);
    let wanted = [told("cloudwatch", role_arn, 1), told("kms", role_arn, 2)];
    assert_eq!(last_accessed(&client, &policy).await, wanted);
}

async fn reports_of_services_last_accessed_are_kept_by_their_jobs(database: &TestDatabase) {
    let client = client(database).await;
    let input = iam::GetServiceLastAccessedDetailsRequest {
        job_id: "98a765b4-3cde-2101-2345-example678f9".to_owned(),
        ..Default::default()
    };
    assert_eq!(
        refusal(client.iam().get_service_last_accessed_details(&client.context(), input).await),
        "NoSuchEntity: The job with id 98a765b4-3cde-2101-2345-example678f9 cannot be found."
    );
    for (arn, error) in [
        ("arn:aws:iam::111122223333:role/absent", "NoSuchEntity: The role with name absent cannot be found."),
        (
            "arn:aws:iam::aws:policy/NoSuchPolicy",
            "NoSuchEntity: Policy arn:aws:iam::aws:policy/NoSuchPolicy was not found.",
        ),
        (
            "arn:aws:s3:::bucket-of-somebody",
            "InvalidInput: ARN arn:aws:s3:::bucket-of-somebody is not valid.",
        ),
    ] {
        let input =
            iam::GenerateServiceLastAccessedDetailsRequest { arn: arn.to_owned(), ..Default::default() };
        let answer = client.iam().generate_service_last_accessed_details(&client.changing(), input).await;
        assert_eq!(refusal(answer), error);
    }
    let all = last_accessed(&client, "arn:aws:iam::aws:policy/AdministratorAccess").await;
    assert_eq!(all.len(), 10, "{all:?}");
}

async fn uses_of_services_go_with_who_made_them(database: &TestDatabase) {
    let client = client(database).await;
    let user = client.create_user("a").await.unwrap();
    client.server.write(called(IdentityKind::IamUser, &user.user_id, MONITORING, NOW)).await;
    client.server.write(called(IdentityKind::IamUser, "AIDAIOSFODNN7EXAMPLE1", MONITORING, NOW)).await;
    last_accessed(&client, &user.arn).await;
    let db = open(database).await;
    let rows = async || {
        let count = Statement::new("SELECT COUNT(*) AS rows FROM iam_service_uses");
        db.query_opt(count, &[]).await.unwrap().unwrap().i64("rows").unwrap()
    };
    assert_eq!(rows().await, 1);
    client.delete_user("a").await.unwrap();
    assert_eq!(rows().await, 0);
}
