//! What policies can say of IAM's own operations.

use strongroom_api_iam::{self as iam, Iam as _};
use strongroom_testkit::{TestDatabase, on_both_engines};

use crate::fixture::iam::{Client, POLICY, TRUST, client, refusal};

on_both_engines! {
    what_is_made_with_tags_needs_leave_to_tag,
    the_boundary_of_who_is_changed_is_a_condition,
    another_boundary_action_does_not_know_it,
    who_is_renamed_keeps_his_path,
    the_owner_of_a_key_is_what_its_last_use_is_asked_of,
}

/// A user with that inline policy, who calls.
async fn acting(root: &Client, name: &str, statements: &str) -> Client {
    let policy = format!(r#"{{"Version":"2012-10-17","Statement":[{statements}]}}"#);
    root.create_user(name).await.unwrap();
    root.put_user_policy(name, "p", &policy).await.unwrap();
    root.as_user(&root.create_access_key(name).await.unwrap()).await
}

fn tags() -> Vec<iam::Tag> {
    vec![iam::Tag { key: "team".to_owned(), value: "keys".to_owned() }]
}

fn denied(who: &str, action: &str, resource: &str) -> String {
    format!(
        "AccessDenied: User: arn:aws:iam::111122223333:user/{who} is not authorized to perform: {action} on \
         resource: arn:aws:iam::111122223333:{resource} because no identity-based policy allows the {action} action"
    )
}

/// IAM User Guide, "Tags for AWS Identity and Access Management resources": CreateUser with tags needs
/// `iam:TagUser` too, and so on.
async fn what_is_made_with_tags_needs_leave_to_tag(database: &TestDatabase) {
    let root = client(database).await;
    let create = r#"{"Effect":"Allow","Action":"iam:Create*","Resource":"*"}"#;
    let maker = acting(&root, "maker", create).await;
    maker.create_user("plain").await.unwrap();
    let user = iam::CreateUserRequest { user_name: "u".to_owned(), tags: Some(tags()), ..Default::default() };
    let made = maker.iam().create_user(&maker.changing(), user.clone()).await;
    assert_eq!(refusal(made), denied("maker", "iam:TagUser", "user/u"));
    let role = iam::CreateRoleRequest {
        role_name: "r".to_owned(),
        assume_role_policy_document: TRUST.to_owned(),
        tags: Some(tags()),
        ..Default::default()
    };
    let made = maker.iam().create_role(&maker.changing(), role).await;
    assert_eq!(refusal(made), denied("maker", "iam:TagRole", "role/r"));
    let policy = iam::CreatePolicyRequest {
        policy_name: "p".to_owned(),
        policy_document: POLICY.to_owned(),
        tags: Some(tags()),
        ..Default::default()
    };
    let made = maker.iam().create_policy(&maker.changing(), policy).await;
    assert_eq!(refusal(made), denied("maker", "iam:TagPolicy", "policy/p"));
    let device = iam::CreateVirtualMFADeviceRequest {
        virtual_mfa_device_name: "d".to_owned(),
        tags: Some(tags()),
        ..Default::default()
    };
    let made = maker.iam().create_virtual_mfa_device(&maker.changing(), device).await;
    assert_eq!(refusal(made.map(drop)), denied("maker", "iam:TagMFADevice", "mfa/d"));

    let tag = r#"{"Effect":"Allow","Action":"iam:TagUser","Resource":"*","Condition":{"StringEquals":{"aws:RequestTag/team":"keys"}}}"#;
    let tagger = acting(&root, "tagger", &format!("{create},{tag}")).await;
    tagger.iam().create_user(&tagger.changing(), user).await.unwrap();
}

/// IAM User Guide, "Permissions boundaries for IAM entities", "Delegating responsibility to others using permissions
/// boundaries": only users under the boundary may be given policies.
async fn the_boundary_of_who_is_changed_is_a_condition(database: &TestDatabase) {
    let root = client(database).await;
    let bound = root.create_policy("bound", POLICY).await.unwrap();
    let delegate = format!(
        r#"{{"Effect":"Allow","Action":["iam:PutUserPolicy","iam:DeleteUserPolicy","iam:AttachUserPolicy"],"Resource":"*","Condition":{{"StringEquals":{{"iam:PermissionsBoundary":"{bound}"}}}}}}"#
    );
    let delegate = acting(&root, "delegate", &delegate).await;
    root.create_user("free").await.unwrap();
    let input = iam::CreateUserRequest {
        user_name: "bounded".to_owned(),
        permissions_boundary: Some(bound.clone()),
        ..Default::default()
    };
    root.iam().create_user(&root.changing(), input).await.unwrap();
    assert_eq!(
        refusal(delegate.put_user_policy("free", "p", POLICY).await),
        denied("delegate", "iam:PutUserPolicy", "user/free")
    );
    delegate.put_user_policy("bounded", "p", POLICY).await.unwrap();
    delegate.attach_to_user("bounded", &bound).await.unwrap();
    delegate.delete_user_policy("bounded", "p").await.unwrap();
}

/// The Service Authorization Reference lists the key for some actions only.
async fn another_boundary_action_does_not_know_it(database: &TestDatabase) {
    let root = client(database).await;
    let bound = root.create_policy("bound", POLICY).await.unwrap();
    let statement = format!(
        r#"{{"Effect":"Allow","Action":"iam:*","Resource":"*","Condition":{{"StringEquals":{{"iam:PermissionsBoundary":"{bound}"}}}}}}"#
    );
    let delegate = acting(&root, "delegate", &statement).await;
    let input = iam::CreateUserRequest {
        user_name: "bounded".to_owned(),
        permissions_boundary: Some(bound),
        ..Default::default()
    };
    delegate.iam().create_user(&delegate.changing(), input).await.unwrap();
    assert_eq!(
        refusal(delegate.delete_user("bounded").await),
        denied("delegate", "iam:DeleteUser", "user/bounded")
    );
}

async fn who_is_renamed_keeps_his_path(database: &TestDatabase) {
    let root = client(database).await;
    let below =
        r#"{"Effect":"Allow","Action":"iam:UpdateUser","Resource":"arn:aws:iam::111122223333:user/dev/*"}"#;
    let lead = acting(&root, "lead", below).await;
    let input = iam::CreateUserRequest {
        user_name: "a".to_owned(),
        path: Some("/dev/".to_owned()),
        ..Default::default()
    };
    root.iam().create_user(&root.changing(), input).await.unwrap();
    let rename = |path: Option<&str>| iam::UpdateUserRequest {
        user_name: "a".to_owned(),
        new_path: path.map(str::to_owned),
        new_user_name: Some("b".to_owned()),
    };
    let moved = lead.iam().update_user(&lead.changing(), rename(Some("/ops/"))).await;
    assert_eq!(refusal(moved), denied("lead", "iam:UpdateUser", "user/ops/b"));
    lead.iam().update_user(&lead.changing(), rename(None)).await.unwrap();
    assert_eq!(root.user("b").await.unwrap().arn, "arn:aws:iam::111122223333:user/dev/b");
}

async fn the_owner_of_a_key_is_what_its_last_use_is_asked_of(database: &TestDatabase) {
    let root = client(database).await;
    let own = r#"{"Effect":"Allow","Action":"iam:GetAccessKeyLastUsed","Resource":"arn:aws:iam::111122223333:user/${aws:username}"}"#;
    let user = acting(&root, "a", own).await;
    root.create_user("b").await.unwrap();
    let other = root.create_access_key("b").await.unwrap().access_key_id;
    let last = async |id: &str| {
        let input = iam::GetAccessKeyLastUsedRequest { access_key_id: id.to_owned() };
        user.iam().get_access_key_last_used(&user.context(), input).await
    };
    last(&user.context().caller.access_key_id).await.unwrap();
    assert_eq!(refusal(last(&other).await), denied("a", "iam:GetAccessKeyLastUsed", "user/b"));
}
