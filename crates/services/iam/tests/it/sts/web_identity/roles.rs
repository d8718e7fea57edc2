//! Who gets which role, and what the session is.

use serde_json::{Value, json};
use strongroom_api_iam::{self as iam, Iam as _};
use strongroom_api_sts::PolicyDescriptorType;
use strongroom_identity::{NoCredential, Origin};
use strongroom_policy::CallerPolicies;
use strongroom_testkit::{TestDatabase, on_both_engines};

use super::super::{Actor, find};
use super::{PROVIDER, asked, assume, saying, trusting, usual};
use crate::fixture::NOW;
use crate::fixture::iam::{ACCOUNT, Client, STRANGER, TRUST, refusal};

on_both_engines! {
    a_trusted_job_gets_a_session,
    only_the_trust_policy_decides,
    a_role_that_is_not_there_looks_like_one_that_is,
    tags_come_with_the_token,
    a_source_identity_comes_with_the_token,
    session_policies_and_durations_have_limits,
    sessions_end_with_their_role,
}

const UNAUTHORIZED: &str = "AccessDenied: Not authorized to perform sts:AssumeRoleWithWebIdentity";

async fn session(client: &Client, role: &str, others: &Value) -> Actor {
    let answer = assume(client, asked(role, &saying(others))).await.0.unwrap();
    Actor::with(client, &answer.credentials.unwrap()).await
}

async fn a_trusted_job_gets_a_session(database: &TestDatabase) {
    let client = usual(database).await;
    let (answer, vouched) = assume(&client, asked("r", &saying(&json!({})))).await;
    let answer = answer.unwrap();
    assert_eq!(vouched.unwrap().unique_id(), format!("{PROVIDER}:sts.amazonaws.com:job:7"));
    assert_eq!(answer.provider.as_deref(), Some(PROVIDER));
    assert_eq!(answer.audience.as_deref(), Some("sts.amazonaws.com"));
    assert_eq!(answer.subject_from_web_identity_token.as_deref(), Some("job:7"));
    assert_eq!((answer.packed_policy_size, answer.source_identity), (None, None));
    let assumed = answer.assumed_role_user.unwrap();
    assert_eq!(assumed.arn, format!("arn:aws:sts::{ACCOUNT}:assumed-role/r/build"));
    let credentials = answer.credentials.unwrap();
    let size = credentials.session_token.len();
    assert_eq!(answer.session_token_size, Some(i32::try_from(size).unwrap()));
    assert!(answer.session_token_utilization.is_some());
    assert_eq!(credentials.expiration.as_millis(), NOW / 1000 * 1000 + 3_600_000);
    let session = Actor::with(&client, &credentials).await;
    assert_eq!(session.identity().await, (assumed.arn, assumed.assumed_role_id));
    let facts = session.caller.session.clone().unwrap();
    assert_eq!((facts.origin, facts.federated_provider.as_deref()), (Origin::WebIdentity, Some(PROVIDER)));
    assert_eq!((facts.mfa_ms, facts.tags.len()), (None, 0));
}

async fn only_the_trust_policy_decides(database: &TestDatabase) {
    let client = usual(database).await;
    let web = "sts:AssumeRoleWithWebIdentity";
    assert_eq!(refusal(assume(&client, asked("r", &saying(&json!({"sub": "job:8"})))).await.0), UNAUTHORIZED);
    // The token counts for the provider, and the role wants another audience.
    assert_eq!(refusal(assume(&client, asked("r", &saying(&json!({"aud": "other"})))).await.0), UNAUTHORIZED);
    let statement = |condition: Value| {
        let allow = json!({"Effect": "Allow", "Principal": {"Federated": PROVIDER}, "Action": web, "Condition": condition});
        json!({"Version": "2012-10-17", "Statement": [allow]}).to_string()
    };
    for (name, trust, others, is_let_in) in [
        ("account", TRUST.replace("sts:AssumeRole", web), json!({}), false),
        ("action", trusting(&["sts:AssumeRole"]), json!({}), false),
        ("other", trusting(&[web]).replace("/tenant\"", "/other\""), json!({}), false),
        (
            "amr",
            statement(json!({"ForAnyValue:StringEquals": {"idp.example.com/tenant:amr": "mfa"}})),
            json!({}),
            false,
        ),
        (
            "amr-too",
            statement(json!({"ForAnyValue:StringEquals": {"idp.example.com/tenant:amr": "mfa"}})),
            json!({"amr": ["pwd", "mfa"]}),
            true,
        ),
        (
            "like",
            statement(json!({"StringLike": {"IDP.example.com/tenant:SUB": "job:*"}})),
            json!({"sub": "job:9"}),
            true,
        ),
        ("session", statement(json!({"StringEquals": {"sts:RoleSessionName": "build"}})), json!({}), true),
        ("by-arn", statement(json!({"StringEquals": {"aws:FederatedProvider": PROVIDER}})), json!({}), true),
        ("no-mfa", statement(json!({"Bool": {"aws:MultiFactorAuthPresent": "true"}})), json!({}), false),
    ] {
        client.create_role(name, &trust).await.unwrap();
        let (answer, _) = assume(&client, asked(name, &saying(&others))).await;
        if is_let_in {
            answer.unwrap_or_else(|error| panic!("{name}: {error:?}"));
        } else {
            assert_eq!(refusal(answer), UNAUTHORIZED, "{name}");
        }
    }
    // A Deny ends it.
    let deny = statement(json!({})).replace("Allow", "Deny");
    let both = deny.replacen(
        "[{",
        &format!("[{},{{", json!({"Effect": "Allow", "Principal": {"Federated": PROVIDER}, "Action": web})),
        1,
    );
    client.create_role("denied", &both).await.unwrap();
    assert_eq!(refusal(assume(&client, asked("denied", &saying(&json!({})))).await.0), UNAUTHORIZED);
}

async fn a_role_that_is_not_there_looks_like_one_that_is(database: &TestDatabase) {
    let client = usual(database).await;
    assert_eq!(refusal(assume(&client, asked("none", &saying(&json!({})))).await.0), UNAUTHORIZED);
    let mut elsewhere = asked("r", &saying(&json!({})));
    elsewhere.role_arn = elsewhere.role_arn.replace(ACCOUNT, STRANGER);
    // Providers are an account's own.
    assert_eq!(
        refusal(assume(&client, elsewhere).await.0),
        "InvalidIdentityToken: No OpenIDConnect provider found in your account for https://idp.example.com/tenant"
    );
}

/// "Passing session tags using AssumeRoleWithWebIdentity".
async fn tags_come_with_the_token(database: &TestDatabase) {
    let client = usual(database).await;
    let nested = json!({"https://aws.amazon.com/tags": {
        "principal_tags": {"Project": ["Automation"], "CostCenter": ["987654"]},
        "transitive_tag_keys": ["Project"],
    }});
    assert_eq!(
        refusal(assume(&client, asked("r", &saying(&nested))).await.0),
        "AccessDenied: Not authorized to perform sts:TagSession"
    );
    let both = trusting(&["sts:AssumeRoleWithWebIdentity", "sts:TagSession"]);
    client.create_role("tagged", &both).await.unwrap();
    let flat = json!({
        "https://aws.amazon.com/tags/principal_tags/Project": "Automation",
        "https://aws.amazon.com/tags/principal_tags/CostCenter": "987654",
        "https://aws.amazon.com/tags/transitive_tag_keys": ["Project"],
    });
    for claims in [nested, flat] {
        let session = session(&client, "tagged", &claims).await;
        let mut tags: Vec<_> = session.caller.session.as_ref().unwrap().tags.clone();
        tags.sort_by(|one, other| one.key.cmp(&other.key));
        let tags: Vec<_> =
            tags.iter().map(|tag| (tag.key.as_str(), tag.value.as_str(), tag.is_transitive)).collect();
        assert_eq!(tags, [("CostCenter", "987654", false), ("Project", "Automation", true)]);
        let policies = session.caller.permissions.get::<CallerPolicies>().unwrap();
        assert!(policies.tags.contains(&("Project".to_owned(), "Automation".to_owned())));
    }
}

async fn a_source_identity_comes_with_the_token(database: &TestDatabase) {
    let client = usual(database).await;
    let claims = json!({"https://aws.amazon.com/source_identity": "alice"});
    assert_eq!(
        refusal(assume(&client, asked("r", &saying(&claims))).await.0),
        "AccessDenied: Not authorized to perform sts:SetSourceIdentity"
    );
    let both = trusting(&["sts:AssumeRoleWithWebIdentity", "sts:SetSourceIdentity"]);
    client.create_role("named", &both).await.unwrap();
    let session = session(&client, "named", &claims).await;
    assert_eq!(session.caller.session.as_ref().unwrap().source_identity.as_deref(), Some("alice"));
}

async fn session_policies_and_durations_have_limits(database: &TestDatabase) {
    let client = usual(database).await;
    let policy = super::super::allowing("kms:ListKeys", "*");
    let mut limited = asked("r", &saying(&json!({})));
    limited.policy = Some(policy);
    limited.duration_seconds = Some(900);
    let answer = assume(&client, limited.clone()).await.0.unwrap();
    assert!(answer.packed_policy_size.is_some());
    let credentials = answer.credentials.unwrap();
    assert_eq!(credentials.expiration.as_millis(), NOW / 1000 * 1000 + 900_000);
    let session = Actor::with(&client, &credentials).await;
    let policies = session.caller.permissions.get::<CallerPolicies>().unwrap();
    assert_eq!(policies.session.as_ref().map(Vec::len), Some(1));

    limited.duration_seconds = Some(3601);
    assert_eq!(
        refusal(assume(&client, limited.clone()).await.0),
        "ValidationError: The requested DurationSeconds exceeds the MaxSessionDuration set for this role."
    );
    limited.duration_seconds = None;
    limited.policy_arns =
        Some(vec![PolicyDescriptorType { arn: Some("arn:aws:iam::aws:policy/None".to_owned()) }]);
    assert!(refusal(assume(&client, limited.clone()).await.0).starts_with("ValidationError: Policy "));
    limited.policy = Some("{".to_owned());
    assert!(refusal(assume(&client, limited.clone()).await.0).starts_with("MalformedPolicyDocument: "));
    let provider_id = Some("www.amazon.com".to_owned());
    let access_token = super::AssumeRoleWithWebIdentityRequest { provider_id, ..asked("r", "token") };
    assert!(refusal(assume(&client, access_token).await.0).starts_with("NotImplemented: "));
}

async fn sessions_end_with_their_role(database: &TestDatabase) {
    let client = usual(database).await;
    let answer = assume(&client, asked("r", &saying(&json!({})))).await.0.unwrap();
    let credentials = answer.credentials.unwrap();
    let (id, token) = (&credentials.access_key_id, Some(credentials.session_token.as_str()));
    find(&client.server, id, token).await.unwrap();
    let delete = iam::DeleteRoleRequest { role_name: "r".to_owned() };
    client.iam().delete_role(&client.changing(), delete).await.unwrap();
    assert!(matches!(find(&client.server, id, token).await, Err(NoCredential::InvalidToken)));
}
