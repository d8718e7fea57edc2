//! What users may do, as their access keys are found: each change counts at once.

use strongroom_api_iam::{self as iam, Iam as _};
use strongroom_schema::Unit;
use strongroom_testkit::{TestDatabase, on_both_engines};

use crate::fixture::iam::{Client, client, refusal};

on_both_engines! {
    who_has_no_policies_may_do_nothing,
    what_is_attached_counts_until_it_is_detached,
    a_boundary_limits,
    a_denial_names_the_managed_policy,
    another_version_counts_at_once,
    tags_are_facts_of_their_user,
    an_accounts_password_policy_lets_users_change_theirs,
}

/// A policy with one statement.
fn policy(effect: &str, action: &str) -> String {
    format!(
        r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"{effect}","Action":"{action}","Resource":"*"}}]}}"#
    )
}

/// A user `a`, and what the first account's root user and he need to call.
async fn user_of(database: &TestDatabase) -> (Client, iam::AccessKey) {
    let root = client(database).await;
    root.create_user("a").await.unwrap();
    let key = root.create_access_key("a").await.unwrap();
    (root, key)
}

/// Whether the user may look at himself now; otherwise why not.
async fn may_look(root: &Client, key: &iam::AccessKey) -> Result<(), String> {
    let input = iam::GetUserRequest { user_name: Some("a".to_owned()) };
    let user = root.as_user(key).await;
    let answer = user.iam().get_user(&user.context(), input).await;
    if answer.is_ok() { Ok(()) } else { Err(refusal(answer)) }
}

/// The beginning of all refusals to look.
const REFUSED: &str = "AccessDenied: User: arn:aws:iam::111122223333:user/a is not authorized to perform: iam:GetUser \
                       on resource: arn:aws:iam::111122223333:user/a";

async fn who_has_no_policies_may_do_nothing(database: &TestDatabase) {
    let (root, key) = user_of(database).await;
    let refused = format!("{REFUSED} because no identity-based policy allows the iam:GetUser action");
    assert_eq!(may_look(&root, &key).await, Err(refused));
}

async fn what_is_attached_counts_until_it_is_detached(database: &TestDatabase) {
    let (root, key) = user_of(database).await;
    let text = policy("Allow", "iam:Get*");
    root.put_user_policy("a", "p", &text).await.unwrap();
    may_look(&root, &key).await.unwrap();
    root.delete_user_policy("a", "p").await.unwrap();
    may_look(&root, &key).await.unwrap_err();

    let arn = root.create_policy("p", &text).await.unwrap();
    for arn in [&arn, "arn:aws:iam::aws:policy/AdministratorAccess"] {
        root.attach_to_user("a", arn).await.unwrap();
        may_look(&root, &key).await.unwrap();
        root.detach_from_user("a", arn).await.unwrap();
        may_look(&root, &key).await.unwrap_err();
    }

    root.create_group("g").await.unwrap();
    let input = iam::AttachGroupPolicyRequest { group_name: "g".to_owned(), policy_arn: arn };
    root.iam().attach_group_policy(&root.changing(), input).await.unwrap();
    may_look(&root, &key).await.unwrap_err();
    root.join("g", "a").await.unwrap();
    may_look(&root, &key).await.unwrap();
    root.leave("g", "a").await.unwrap();
    may_look(&root, &key).await.unwrap_err();
}

async fn a_boundary_limits(database: &TestDatabase) {
    let (root, key) = user_of(database).await;
    root.attach_to_user("a", "arn:aws:iam::aws:policy/AdministratorAccess").await.unwrap();
    let arn = root.create_policy("bounds", &policy("Allow", "kms:*")).await.unwrap();
    let input =
        iam::PutUserPermissionsBoundaryRequest { user_name: "a".to_owned(), permissions_boundary: arn };
    root.iam().put_user_permissions_boundary(&root.changing(), input).await.unwrap();
    let refused = format!("{REFUSED} because no permissions boundary allows the iam:GetUser action");
    assert_eq!(may_look(&root, &key).await, Err(refused));
    let input = iam::DeleteUserPermissionsBoundaryRequest { user_name: "a".to_owned() };
    root.iam().delete_user_permissions_boundary(&root.changing(), input).await.unwrap();
    may_look(&root, &key).await.unwrap();
}

async fn a_denial_names_the_managed_policy(database: &TestDatabase) {
    let (root, key) = user_of(database).await;
    root.attach_to_user("a", "arn:aws:iam::aws:policy/AdministratorAccess").await.unwrap();
    let arn = root.create_policy("not-me", &policy("Deny", "iam:GetUser")).await.unwrap();
    root.attach_to_user("a", &arn).await.unwrap();
    let refused = format!("{REFUSED} with an explicit deny in an identity-based policy: {arn}");
    assert_eq!(may_look(&root, &key).await, Err(refused));
}

async fn another_version_counts_at_once(database: &TestDatabase) {
    let (root, key) = user_of(database).await;
    let arn = root.create_policy("p", &policy("Allow", "iam:Get*")).await.unwrap();
    root.attach_to_user("a", &arn).await.unwrap();
    may_look(&root, &key).await.unwrap();
    let input = iam::CreatePolicyVersionRequest {
        policy_arn: arn.clone(),
        policy_document: policy("Allow", "kms:*"),
        set_as_default: Some(false),
    };
    root.iam().create_policy_version(&root.changing(), input).await.unwrap();
    may_look(&root, &key).await.unwrap();
    let input = iam::SetDefaultPolicyVersionRequest { policy_arn: arn, version_id: "v2".to_owned() };
    root.iam().set_default_policy_version(&root.changing(), input).await.unwrap();
    may_look(&root, &key).await.unwrap_err();
}

async fn tags_are_facts_of_their_user(database: &TestDatabase) {
    let (root, key) = user_of(database).await;
    let text = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"iam:*","Resource":"*",
                   "Condition":{"StringEquals":{"aws:PrincipalTag/team":"blue"}}}]}"#;
    root.put_user_policy("a", "p", text).await.unwrap();
    may_look(&root, &key).await.unwrap_err();
    let tag = iam::Tag { key: "Team".to_owned(), value: "blue".to_owned() };
    let input = iam::TagUserRequest { user_name: "a".to_owned(), tags: vec![tag] };
    root.iam().tag_user(&root.changing(), input).await.unwrap();
    may_look(&root, &key).await.unwrap();
}

/// IAM User Guide, "Set an account password policy for IAM users": *Allow users to change their own password*.
async fn an_accounts_password_policy_lets_users_change_theirs(database: &TestDatabase) {
    let (root, key) = user_of(database).await;
    let look = async || {
        let user = root.as_user(&key).await;
        user.iam().get_account_password_policy(&user.context(), Unit).await.map(drop)
    };
    for allows in [false, true] {
        let input = iam::UpdateAccountPasswordPolicyRequest {
            allow_users_to_change_password: Some(allows),
            ..Default::default()
        };
        root.iam().update_account_password_policy(&root.changing(), input).await.unwrap();
        assert_eq!(look().await.is_ok(), allows);
    }
    may_look(&root, &key).await.unwrap_err();
}
