//! Managed policies and their versions.

use strongroom_api_iam::{self as iam, Iam as _};
use strongroom_service::ApiError;
use strongroom_testkit::{TestDatabase, on_both_engines};

use crate::fixture::iam::{Client, POLICY, STRANGER, client, decoded, refusal};

on_both_engines! {
    versions_are_counted_and_never_again_used,
    what_is_attached_stays,
    documents_are_read,
    policies_of_aws_are_there,
}

async fn add(client: &Client, arn: &str, text: &str, set_as_default: bool) -> Result<String, ApiError> {
    let input = iam::CreatePolicyVersionRequest {
        policy_arn: arn.to_owned(),
        policy_document: text.to_owned(),
        set_as_default: Some(set_as_default),
    };
    let made = client.iam().create_policy_version(&client.changing(), input).await?;
    Ok(made.policy_version.unwrap().version_id.unwrap())
}

async fn drop_version(client: &Client, arn: &str, id: &str) -> Result<(), ApiError> {
    let input = iam::DeletePolicyVersionRequest { policy_arn: arn.to_owned(), version_id: id.to_owned() };
    client.iam().delete_policy_version(&client.changing(), input).await.map(drop)
}

async fn version(client: &Client, arn: &str, id: &str) -> Result<iam::PolicyVersion, ApiError> {
    let input = iam::GetPolicyVersionRequest { policy_arn: arn.to_owned(), version_id: id.to_owned() };
    Ok(client.iam().get_policy_version(&client.context(), input).await?.policy_version.unwrap())
}

async fn policy(client: &Client, arn: &str) -> Result<iam::Policy, ApiError> {
    let input = iam::GetPolicyRequest { policy_arn: arn.to_owned() };
    Ok(client.iam().get_policy(&client.context(), input).await?.policy.unwrap())
}

async fn versions_are_counted_and_never_again_used(database: &TestDatabase) {
    let client = client(database).await;
    let arn = client.create_policy("p", POLICY).await.unwrap();
    assert_eq!(arn, "arn:aws:iam::111122223333:policy/p");
    let other = POLICY.replace("kms:*", "kms:Decrypt");
    for number in 2..=5 {
        assert_eq!(add(&client, &arn, &other, number == 3).await.unwrap(), format!("v{number}"));
    }
    assert_eq!(
        refusal(add(&client, &arn, POLICY, false).await),
        "LimitExceeded: A managed policy can have up to 5 versions. Before you create a new version, you must \
         delete an existing version."
    );
    assert_eq!(policy(&client, &arn).await.unwrap().default_version_id.as_deref(), Some("v3"));
    assert_eq!(
        refusal(drop_version(&client, &arn, "v3").await),
        "DeleteConflict: Cannot delete the default version of a policy."
    );
    drop_version(&client, &arn, "v5").await.unwrap();
    assert_eq!(add(&client, &arn, POLICY, false).await.unwrap(), "v6");
    assert!(refusal(version(&client, &arn, "v5").await).starts_with("NoSuchEntity: "));
    assert_eq!(decoded(&version(&client, &arn, "v1").await.unwrap().document.unwrap()), POLICY);
    let input = iam::SetDefaultPolicyVersionRequest { policy_arn: arn.clone(), version_id: "v1".to_owned() };
    client.iam().set_default_policy_version(&client.changing(), input).await.unwrap();
    assert_eq!(version(&client, &arn, "v1").await.unwrap().is_default_version, Some(true));
    let input = iam::ListPolicyVersionsRequest { policy_arn: arn.clone(), ..Default::default() };
    let listed = client.iam().list_policy_versions(&client.context(), input).await.unwrap().versions.unwrap();
    let ids: Vec<_> = listed.into_iter().map(|version| version.version_id.unwrap()).collect();
    assert_eq!(ids, ["v6", "v4", "v3", "v2", "v1"]);
    assert!(refusal(client.delete_policy(&arn).await).starts_with(
        "DeleteConflict: This policy has more than one version. Before you delete a policy, you must delete"
    ));
}

async fn what_is_attached_stays(database: &TestDatabase) {
    let client = client(database).await;
    client.create_user("a").await.unwrap();
    let arn = client.create_policy("p", POLICY).await.unwrap();
    client.attach_to_user("a", &arn).await.unwrap();
    client.attach_to_user("a", &arn).await.unwrap();
    assert_eq!(policy(&client, &arn).await.unwrap().attachment_count, Some(1));
    let in_use = "DeleteConflict: Cannot delete a policy attached to entities.";
    assert_eq!(refusal(client.delete_policy(&arn).await), in_use);
    client.detach_from_user("a", &arn).await.unwrap();
    assert_eq!(
        refusal(client.detach_from_user("a", &arn).await),
        format!("NoSuchEntity: Policy {arn} was not found.")
    );
    let input = iam::PutUserPermissionsBoundaryRequest {
        user_name: "a".to_owned(),
        permissions_boundary: arn.clone(),
    };
    client.iam().put_user_permissions_boundary(&client.changing(), input).await.unwrap();
    assert_eq!(refusal(client.delete_policy(&arn).await), in_use);
    let input = iam::DeleteUserPermissionsBoundaryRequest { user_name: "a".to_owned() };
    client.iam().delete_user_permissions_boundary(&client.changing(), input.clone()).await.unwrap();
    client.iam().delete_user_permissions_boundary(&client.changing(), input).await.unwrap_err();
    client.delete_policy(&arn).await.unwrap();
    assert_eq!(
        refusal(client.attach_to_user("a", &arn).await),
        format!("NoSuchEntity: Policy {arn} does not exist or is not attachable.")
    );
}

async fn documents_are_read(database: &TestDatabase) {
    let client = client(database).await;
    let malformed = |text: &str| format!("MalformedPolicyDocument: {text}");
    for (text, message) in [
        ("[]".to_owned(), malformed("Syntax errors in policy.")),
        (
            POLICY.replace("2012-10-17", "2008-10-17"),
            malformed("Policy document must be version 2012-10-17 or greater."),
        ),
        (
            POLICY.replace("\"Action\"", "\"Principal\":\"*\",\"Action\""),
            malformed("Policy document should not specify a principal."),
        ),
        (
            POLICY.replace("kms:*", &format!("kms:{}", "x".repeat(6144))),
            "LimitExceeded: Cannot exceed quota for PolicySize: 6144".to_owned(),
        ),
    ] {
        assert_eq!(refusal(client.create_policy("p", &text).await), message);
    }
    client.create_policy("p", POLICY).await.unwrap();
    assert_eq!(
        refusal(client.create_policy("P", POLICY).await),
        "EntityAlreadyExists: A policy called P already exists. Duplicate names are not allowed."
    );
    // Another account's is none of ours.
    let arn = "arn:aws:iam::111122223333:policy/p";
    let stranger = client.as_of(STRANGER);
    stranger.create_user("a").await.unwrap();
    stranger.attach_to_user("a", arn).await.unwrap_err();
}

async fn policies_of_aws_are_there(database: &TestDatabase) {
    let client = client(database).await;
    let arn = "arn:aws:iam::aws:policy/AdministratorAccess";
    let shown = policy(&client, arn).await.unwrap();
    assert_eq!(shown.policy_name.as_deref(), Some("AdministratorAccess"));
    let id = shown.default_version_id.unwrap();
    assert!(version(&client, arn, &id).await.unwrap().document.is_some());
    client.create_user("a").await.unwrap();
    client.attach_to_user("a", arn).await.unwrap();
    assert_eq!(policy(&client, arn).await.unwrap().attachment_count, Some(1));
    client.delete_policy(arn).await.unwrap_err();
    let absent = "arn:aws:iam::aws:policy/None";
    assert_eq!(
        refusal(policy(&client, absent).await),
        format!("NoSuchEntity: Policy {absent} was not found.")
    );
}
