//! Session tags and source identities, and how they go on from session to session.

use strongroom_api_iam::{self as iam, Iam as _};
use strongroom_api_sts::{AssumeRoleRequest, Tag};
use strongroom_identity::SessionTag;
use strongroom_policy::CallerPolicies;
use strongroom_testkit::{TestDatabase, on_both_engines};

use super::assume_role::asked;
use super::{Actor, allowing, trusting};
use crate::fixture::iam::{ACCOUNT, Client, client, refusal};

on_both_engines! {
    tags_need_a_permission_of_their_own,
    tags_take_the_place_of_the_role_s,
    transitive_tags_go_on,
    tags_are_checked,
    what_is_asked_is_seen_by_policies,
    a_source_identity_stays,
}

fn tag(key: &str, value: &str) -> Tag {
    Tag { key: key.to_owned(), value: value.to_owned() }
}

fn tagged(role: &str, tags: &[(&str, &str)], transitive: &[&str]) -> AssumeRoleRequest {
    AssumeRoleRequest {
        tags: Some(tags.iter().map(|(key, value)| tag(key, value)).collect()),
        transitive_tag_keys: Some(transitive.iter().map(|key| (*key).to_owned()).collect()),
        ..asked(role)
    }
}

/// A user who may do everything with roles that let the account decide.
async fn administrator(client: &Client) -> Actor {
    let user = Actor::user(client, "a").await;
    client.put_user_policy("a", "p", &allowing("sts:*", "*")).await.unwrap();
    user.anew().await
}

/// A role that trusts the account with everything, and may do everything.
async fn role(client: &Client, name: &str, tags: &[(&str, &str)]) {
    client.create_role(name, &trusting(ACCOUNT, "sts:*")).await.unwrap();
    let put = iam::PutRolePolicyRequest {
        role_name: name.to_owned(),
        policy_name: "p".to_owned(),
        policy_document: allowing("sts:*", "*"),
    };
    client.iam().put_role_policy(&client.changing(), put).await.unwrap();
    let tags =
        tags.iter().map(|(key, value)| iam::Tag { key: (*key).to_owned(), value: (*value).to_owned() });
    let input = iam::TagRoleRequest { role_name: name.to_owned(), tags: tags.collect() };
    client.iam().tag_role(&client.changing(), input).await.unwrap();
}

/// `aws:PrincipalTag`, in the order of the keys.
fn principal_tags(actor: &Actor) -> Vec<(String, String)> {
    let mut tags = actor.caller.permissions.get::<CallerPolicies>().unwrap().tags.clone();
    tags.sort();
    tags
}

fn pairs(tags: &[(&str, &str)]) -> Vec<(String, String)> {
    tags.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
}

async fn tags_need_a_permission_of_their_own(database: &TestDatabase) {
    let client = client(database).await;
    let user = Actor::user(&client, "a").await;
    let by_user = format!("arn:aws:iam::{ACCOUNT}:user/a");
    client.create_role("r", &trusting(&by_user, "sts:AssumeRole")).await.unwrap();
    user.assume(asked("r")).await.unwrap();
    assert_eq!(
        refusal(user.assume(tagged("r", &[("team", "keys")], &[])).await),
        format!(
            "AccessDenied: User: {by_user} is not authorized to perform: sts:TagSession on resource: \
             arn:aws:iam::{ACCOUNT}:role/r because no role trust policy allows the sts:TagSession action"
        )
    );
    client.create_role("s", &trusting(&by_user, "sts:AssumeRole\",\"sts:TagSession")).await.unwrap();
    user.assume(tagged("s", &[("team", "keys")], &[])).await.unwrap();
}

async fn tags_take_the_place_of_the_role_s(database: &TestDatabase) {
    let client = client(database).await;
    let user = administrator(&client).await;
    role(&client, "r", &[("Department", "Marketing"), ("Site", "Bonn")]).await;
    let session = user.session(tagged("r", &[("department", "Engineering")], &[])).await;
    assert_eq!(principal_tags(&session), pairs(&[("Site", "Bonn"), ("department", "Engineering")]));
}

/// The chain of "Chaining roles with session tags".
async fn transitive_tags_go_on(database: &TestDatabase) {
    let client = client(database).await;
    let user = administrator(&client).await;
    role(&client, "Role1", &[("Heart", "1")]).await;
    role(&client, "Role2", &[("Sun", "2")]).await;
    role(&client, "Role3", &[("Star", "3"), ("Lightning", "3")]).await;
    let first = user.session(tagged("Role1", &[("Star", "1"), ("Heart", "1")], &["Star", "Heart"])).await;
    let second = first.session(asked("Role2")).await;
    assert_eq!(principal_tags(&second), pairs(&[("Heart", "1"), ("Star", "1"), ("Sun", "2")]));
    assert_eq!(
        refusal(second.assume(tagged("Role3", &[("heart", "3")], &[])).await),
        "InvalidParameterValue: One of the specified transitive tag keys can't be set because it conflicts with a \
         transitive tag key from the calling session."
    );
    let third = second.session(tagged("Role3", &[("Moon", "3")], &[])).await;
    let tags = [("Heart", "1"), ("Lightning", "3"), ("Moon", "3"), ("Star", "1")];
    assert_eq!(principal_tags(&third), pairs(&tags));
    let is_transitive = |SessionTag { key, is_transitive, .. }: &SessionTag| (key.clone(), *is_transitive);
    let facts: Vec<_> = third.caller.session.clone().unwrap().tags.iter().map(is_transitive).collect();
    assert_eq!(facts, [("Star".to_owned(), true), ("Heart".to_owned(), true), ("Moon".to_owned(), false)]);
    // What goes on needs the permission too.
    let by_account = trusting(ACCOUNT, "sts:AssumeRole");
    client.create_role("Role4", &by_account).await.unwrap();
    let refused = refusal(third.assume(asked("Role4")).await);
    assert!(refused.contains("is not authorized to perform: sts:TagSession"), "{refused}");
}

async fn tags_are_checked(database: &TestDatabase) {
    let client = client(database).await;
    let user = administrator(&client).await;
    role(&client, "r", &[]).await;
    for (tags, transitive, refused) in [
        (
            &[("a", "1"), ("A", "2")][..],
            &[][..],
            "InvalidParameterValue: Duplicate tag keys found. Please note that Tag keys are case insensitive.",
        ),
        (
            &[("AWS:a", "1")],
            &[],
            "InvalidParameterValue: One or more specified tag keys begin with the reserved prefix aws:.",
        ),
        (
            &[("a", "1")],
            &["b"],
            "InvalidParameterValue: The specified transitive tag key must be included in the requested tags.",
        ),
    ] {
        assert_eq!(refusal(user.assume(tagged("r", tags, transitive)).await), refused);
    }
    // A case that differs does not matter.
    user.assume(tagged("r", &[("a", "1")], &["A"])).await.unwrap();
    let long: Vec<_> = (0..50).map(|at| (format!("key{at}{}", "k".repeat(100)), "v".repeat(256))).collect();
    let long: Vec<_> = long.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect();
    let refused = refusal(user.assume(tagged("r", &long, &[])).await);
    assert_eq!(refused, "PackedPolicyTooLarge: Packed size of session tags consumes 367% of allotted space.");
}

/// The trust policy of "Permissions required to add session tags".
async fn what_is_asked_is_seen_by_policies(database: &TestDatabase) {
    let client = client(database).await;
    let user = Actor::user(&client, "test-session-tags").await;
    let trust = r#"{"Version":"2012-10-17","Statement":[
        {"Sid":"AllowIamUserAssumeRole","Effect":"Allow","Action":"sts:AssumeRole",
         "Principal":{"AWS":"arn:aws:iam::111122223333:user/test-session-tags"},
         "Condition":{"StringLike":{"aws:RequestTag/Project":"*","aws:RequestTag/CostCenter":"*",
            "aws:RequestTag/Department":"*"},"StringEquals":{"sts:ExternalId":"Example987"}}},
        {"Sid":"AllowPassSessionTagsAndTransitive","Effect":"Allow","Action":"sts:TagSession",
         "Principal":{"AWS":"arn:aws:iam::111122223333:user/test-session-tags"},
         "Condition":{"StringLike":{"aws:RequestTag/Project":"*","aws:RequestTag/CostCenter":"*"},
            "StringEquals":{"aws:RequestTag/Department":["Engineering","Marketing"]},
            "ForAllValues:StringEquals":{"sts:TransitiveTagKeys":["Project","Department"]}}}]}"#;
    client.create_role("r", trust).await.unwrap();
    let with = |tags: &[(&str, &str)], transitive: &[&str]| AssumeRoleRequest {
        external_id: Some("Example987".to_owned()),
        ..tagged("r", tags, transitive)
    };
    let all = [("Project", "Automation"), ("CostCenter", "12345"), ("Department", "Engineering")];
    user.assume(with(&all, &["Project", "Department"])).await.unwrap();
    user.assume(with(&all, &[])).await.unwrap();
    user.assume(with(&all, &["CostCenter"])).await.unwrap_err();
    user.assume(with(&all[..2], &[])).await.unwrap_err();
    user.assume(with(&[all[0], all[1], ("Department", "Sales")], &[])).await.unwrap_err();
}

/// "Monitor and control actions taken with assumed roles".
async fn a_source_identity_stays(database: &TestDatabase) {
    let client = client(database).await;
    let user = administrator(&client).await;
    role(&client, "r", &[]).await;
    client.create_role("plain", &trusting(ACCOUNT, "sts:AssumeRole")).await.unwrap();
    let on_behalf_of =
        |role: &str, who: &str| AssumeRoleRequest { source_identity: Some(who.to_owned()), ..asked(role) };
    let refused = refusal(user.assume(on_behalf_of("plain", "DevUser")).await);
    assert!(refused.contains("is not authorized to perform: sts:SetSourceIdentity"), "{refused}");
    let answer = user.assume(on_behalf_of("r", "DevUser")).await.unwrap();
    assert_eq!(answer.source_identity.as_deref(), Some("DevUser"));
    let session = Actor::with(&client, &answer.credentials.unwrap()).await;
    let next = session.session(asked("r")).await;
    assert_eq!(next.caller.session.clone().unwrap().source_identity.as_deref(), Some("DevUser"));
    next.assume(on_behalf_of("r", "DevUser")).await.unwrap();
    let refused = refusal(next.assume(on_behalf_of("r", "Somebody")).await);
    assert!(refused.contains("is not authorized to perform: sts:SetSourceIdentity"), "{refused}");
    let refused = refusal(next.assume(asked("plain")).await);
    assert!(refused.contains("is not authorized to perform: sts:SetSourceIdentity"), "{refused}");

    let trust = trusting(ACCOUNT, "sts:*")
        .replace("}]", r#","Condition":{"StringEquals":{"sts:SourceIdentity":"${aws:username}"}}}]"#);
    client.create_role("own", &trust).await.unwrap();
    user.assume(on_behalf_of("own", "a")).await.unwrap();
    user.assume(on_behalf_of("own", "b")).await.unwrap_err();
    user.assume(asked("own")).await.unwrap_err();
}
