//! Policies passed to sessions, and sessions of GetFederationToken, which have no others.

use strongroom_api_iam::{self as iam, Iam as _};
use strongroom_api_sts::{AssumeRoleRequest, GetFederationTokenRequest, PolicyDescriptorType, Sts as _, Tag};
use strongroom_identity::{NoCredential, Origin};
use strongroom_policy::CallerPolicies;
use strongroom_testkit::{TestDatabase, on_both_engines};

use super::assume_role::asked;
use super::{Actor, allowing, find, trusting};
use crate::fixture::NOW;
use crate::fixture::iam::{ACCOUNT, Client, POLICY, client, refusal};

on_both_engines! {
    a_session_has_what_was_passed_to_it,
    a_policy_that_is_gone_lets_the_session_do_nothing,
    policies_are_read_and_must_be_there,
    policies_have_limited_room,
    what_is_given_out_can_be_used,
    a_federated_user_has_what_was_passed_to_it,
    federated_sessions_of_root_users,
    federation_needs_its_permissions,
    a_federated_user_goes_with_his_user,
}

fn managed(arns: &[&str]) -> Vec<PolicyDescriptorType> {
    arns.iter().map(|arn| PolicyDescriptorType { arn: Some((*arn).to_owned()) }).collect()
}

/// A user who may assume the role `r`.
async fn user_and_role(client: &Client) -> Actor {
    let user = Actor::user(client, "a").await;
    let trust = trusting(&format!("arn:aws:iam::{ACCOUNT}:user/a"), "sts:AssumeRole");
    client.create_role("r", &trust).await.unwrap();
    user
}

/// The names of the policies that limit a session.
fn limits(actor: &Actor) -> Option<Vec<String>> {
    let policies = actor.caller.permissions.get::<CallerPolicies>().unwrap();
    policies.session.as_ref().map(|session| session.iter().map(|policy| policy.name().to_owned()).collect())
}

async fn a_session_has_what_was_passed_to_it(database: &TestDatabase) {
    let client = client(database).await;
    let user = user_and_role(&client).await;
    assert_eq!(limits(&user.session(asked("r")).await), None);
    let own = client.create_policy("own", POLICY).await.unwrap();
    let everything = "arn:aws:iam::aws:policy/AdministratorAccess";
    let input = AssumeRoleRequest {
        policy: Some(POLICY.to_owned()),
        policy_arns: Some(managed(&[&own, everything])),
        ..asked("r")
    };
    let answer = user.assume(input).await.unwrap();
    assert_eq!(answer.packed_policy_size, Some(5));
    let credentials = answer.credentials.unwrap();
    let session = Actor::with(&client, &credentials).await;
    assert_eq!(limits(&session), Some(vec!["session policy".to_owned(), own.clone(), everything.to_owned()]));
}

async fn a_policy_that_is_gone_lets_the_session_do_nothing(database: &TestDatabase) {
    let client = client(database).await;
    let user = user_and_role(&client).await;
    let input = iam::PutRolePolicyRequest {
        role_name: "r".to_owned(),
        policy_name: "p".to_owned(),
        policy_document: allowing("*", "*"),
    };
    client.iam().put_role_policy(&client.changing(), input).await.unwrap();
    let own = client.create_policy("own", POLICY).await.unwrap();
    let everything = "arn:aws:iam::aws:policy/AdministratorAccess";
    let input = AssumeRoleRequest { policy_arns: Some(managed(&[&own, everything])), ..asked("r") };
    let credentials = user.assume(input).await.unwrap().credentials.unwrap();
    let lists_users = async || {
        let session = Actor::with(&client, &credentials).await;
        let input = iam::ListUsersRequest::default();
        client.iam().list_users(&session.context(), input).await.map(drop)
    };
    lists_users().await.unwrap();
    // Nobody knows what it denied; the others do not make up for it.
    client.delete_policy(&own).await.unwrap();
    assert_eq!(
        refusal(lists_users().await),
        format!(
            "AccessDenied: User: arn:aws:sts::{ACCOUNT}:assumed-role/r/s1 is not authorized to perform: iam:ListUsers on \
             resource: arn:aws:iam::{ACCOUNT}:user/ with an explicit deny in a session policy: {own}"
        )
    );
}

async fn policies_are_read_and_must_be_there(database: &TestDatabase) {
    let client = client(database).await;
    let user = user_and_role(&client).await;
    for (policy, refused) in [
        ("{", "MalformedPolicyDocument: Syntax errors in policy."),
        // Session policies have whole ARNs ("IAM JSON policy elements: Resource").
        (&allowing("s3:*", "arn:aws:s3"), "MalformedPolicyDocument: The policy failed legacy parsing"),
    ] {
        let input = AssumeRoleRequest { policy: Some(policy.to_owned()), ..asked("r") };
        assert_eq!(refusal(user.assume(input).await), refused);
    }
    for arn in ["arn:aws:iam::111122223333:policy/none", "arn:aws:iam::444455556666:policy/own", "own"] {
        let input = AssumeRoleRequest { policy_arns: Some(managed(&[arn])), ..asked("r") };
        assert_eq!(
            refusal(user.assume(input).await),
            format!("ValidationError: Policy {arn} does not exist or is not attachable.")
        );
    }
    let many = managed(&["arn:aws:iam::aws:policy/AdministratorAccess"; 11]);
    let refused = refusal(user.assume(AssumeRoleRequest { policy_arns: Some(many), ..asked("r") }).await);
    assert!(refused.starts_with("ValidationError: 1 validation error detected"), "{refused}");
}

async fn policies_have_limited_room(database: &TestDatabase) {
    let client = client(database).await;
    let user = user_and_role(&client).await;
    let frame = allowing("", "*").len();
    let longest = allowing(&format!("kms:{}", "a".repeat(2044 - frame)), "*");
    let of = |policy: &str| AssumeRoleRequest { policy: Some(policy.to_owned()), ..asked("r") };
    let answer = user.assume(of(&longest)).await.unwrap();
    assert_eq!(answer.packed_policy_size, Some(41));
    let token = answer.credentials.unwrap().session_token;
    assert!(token.len() < 4096, "{}", token.len());
    // Whitespace is free, and an ARN is not.
    user.assume(of(&longest.replace(',', ", "))).await.unwrap();
    let arns = managed(&["arn:aws:iam::aws:policy/AdministratorAccess"]);
    assert_eq!(
        refusal(user.assume(AssumeRoleRequest { policy_arns: Some(arns), ..of(&longest) }).await),
        "PackedPolicyTooLarge: Packed policy consumes 103% of allotted space, please use smaller policy."
    );
}

/// Either it is refused, or the credentials are good: tokens are bounded where requests are read.
async fn what_is_given_out_can_be_used(database: &TestDatabase) {
    const LONGEST_TOKEN: usize = 8192;
    let client = client(database).await;
    let user = Actor::user(&client, "a").await;
    client.put_user_policy("a", "p", &allowing("sts:*", "*")).await.unwrap();
    client.create_role("r", &trusting(ACCOUNT, "sts:*")).await.unwrap();
    let user = user.anew().await;
    let blanks = POLICY.replace("\":", &format!("\":{}", " ".repeat(1500)));
    let naming = |name: &str| {
        let condition = format!(r#""Condition":{{"StringEquals":{{"aws:username":"{name}"}}}},"Effect""#);
        POLICY.replace(r#""Effect""#, &condition)
    };
    let letters = |count: usize| naming(&"é".repeat(count));
    let spaced = naming(&" ".repeat(3000));
    let mut sizes = Vec::new();
    for (policy, tags, expected) in [
        (blanks, 0, 0..=10),
        (spaced, 0, 50..=100),
        (letters(1850), 0, 50..=100),
        (letters(1850), 3, 90..=100),
        (letters(1850), 4, 101..=200),
        (POLICY.to_owned(), 12, 90..=100),
        (POLICY.to_owned(), 13, 101..=200),
    ] {
        let tag = |at: usize| Tag { key: format!("{at:02}{}", "k".repeat(126)), value: "v".repeat(256) };
        let input = AssumeRoleRequest {
            role_session_name: "s".repeat(64),
            source_identity: Some("i".repeat(64)),
            policy: Some(policy),
            tags: Some((0..tags).map(tag).collect()),
            ..asked("r")
        };
        let size = match user.assume(input).await {
            Ok(answer) => {
                let credentials = answer.credentials.unwrap();
                assert!(credentials.session_token.len() <= LONGEST_TOKEN);
                Actor::with(&client, &credentials).await;
                answer.packed_policy_size.unwrap()
            }
            Err(error) => {
                let text = refusal(Err::<(), _>(error));
                let percent = text.strip_prefix("PackedPolicyTooLarge: Packed policy consumes ");
                let percent =
                    percent.and_then(|text| text.split_once('%')).unwrap_or_else(|| panic!("{text}")).0;
                percent.parse().unwrap()
            }
        };
        sizes.push((size, expected.contains(&size)));
    }
    assert!(sizes.iter().all(|(_, is_expected)| *is_expected), "{sizes:?}");
}

fn federated(name: &str, policy: Option<&str>) -> GetFederationTokenRequest {
    GetFederationTokenRequest {
        name: name.to_owned(),
        policy: policy.map(str::to_owned),
        ..Default::default()
    }
}

/// "Permissions for GetFederationToken".
async fn a_federated_user_has_what_was_passed_to_it(database: &TestDatabase) {
    let client = client(database).await;
    let user = Actor::user(&client, "a").await;
    client.put_user_policy("a", "p", &allowing("sts:*", "*")).await.unwrap();
    let user = user.anew().await;
    let input = GetFederationTokenRequest {
        tags: Some(vec![Tag { key: "team".to_owned(), value: "keys".to_owned() }]),
        ..federated("Bob", Some(POLICY))
    };
    let answer = user.sts().get_federation_token(&user.context(), input).await.unwrap();
    let shown = answer.federated_user.unwrap();
    assert_eq!(shown.arn, format!("arn:aws:sts::{ACCOUNT}:federated-user/Bob"));
    assert_eq!(shown.federated_user_id, format!("{ACCOUNT}:Bob"));
    let credentials = answer.credentials.unwrap();
    assert_eq!(credentials.expiration.as_millis(), NOW / 1000 * 1000 + 43_200_000);
    let session = Actor::with(&client, &credentials).await;
    assert_eq!(session.identity().await, (shown.arn, shown.federated_user_id));
    assert_eq!(session.caller.session.clone().unwrap().origin, Origin::FederationToken);
    let policies = session.caller.permissions.get::<CallerPolicies>().unwrap();
    assert_eq!(policies.tags, [("team".to_owned(), "keys".to_owned())]);
    assert_eq!(policies.identity.len(), 1);
    assert_eq!(limits(&session), Some(vec!["session policy".to_owned()]));

    let answer = user.sts().get_federation_token(&user.context(), federated("Bob", None)).await.unwrap();
    let session = Actor::with(&client, &answer.credentials.unwrap()).await;
    assert_eq!(limits(&session), Some(Vec::new()));
}

async fn federated_sessions_of_root_users(database: &TestDatabase) {
    let client = client(database).await;
    let root = Actor::root(&client);
    let input = GetFederationTokenRequest { duration_seconds: Some(7200), ..federated("Bob", Some(POLICY)) };
    let credentials =
        root.sts().get_federation_token(&root.context(), input).await.unwrap().credentials.unwrap();
    assert_eq!(credentials.expiration.as_millis(), NOW / 1000 * 1000 + 3_600_000);
    let session = Actor::with(&client, &credentials).await;
    let policies = session.caller.permissions.get::<CallerPolicies>().unwrap();
    assert_eq!((policies.identity.len(), limits(&session).unwrap().len()), (1, 1));
}

async fn federation_needs_its_permissions(database: &TestDatabase) {
    let client = client(database).await;
    let user = Actor::user(&client, "a").await;
    let refused = |action: &str| {
        format!(
            "AccessDenied: User: arn:aws:iam::{ACCOUNT}:user/a is not authorized to perform: sts:{action} on resource: \
             arn:aws:sts::{ACCOUNT}:federated-user/Bob because no identity-based policy allows the sts:{action} action"
        )
    };
    let ask = async |user: &Actor, input| {
        refusal(user.sts().get_federation_token(&user.context(), input).await.map(drop))
    };
    assert_eq!(ask(&user, federated("Bob", None)).await, refused("GetFederationToken"));
    let allowed = allowing("sts:GetFederationToken", "arn:aws:sts::*:federated-user/B*");
    client.put_user_policy("a", "p", &allowed).await.unwrap();
    let user = user.anew().await;
    user.sts().get_federation_token(&user.context(), federated("Bob", None)).await.unwrap();
    let tags = Some(vec![Tag { key: "team".to_owned(), value: "keys".to_owned() }]);
    let input = GetFederationTokenRequest { tags, ..federated("Bob", None) };
    assert_eq!(ask(&user, input).await, refused("TagSession"));
    assert_eq!(
        ask(&user, federated("Carol", None)).await,
        refused("GetFederationToken").replace("Bob", "Carol")
    );
}

async fn a_federated_user_goes_with_his_user(database: &TestDatabase) {
    let client = client(database).await;
    let user = Actor::user(&client, "a").await;
    client.put_user_policy("a", "p", &allowing("sts:*", "*")).await.unwrap();
    let user = user.anew().await;
    let input = federated("Bob", Some(POLICY));
    let given = user.sts().get_federation_token(&user.context(), input).await.unwrap().credentials.unwrap();
    client.delete_user_policy("a", "p").await.unwrap();
    client.delete_access_key("a", &user.caller.access_key_id).await.unwrap();
    client.delete_user("a").await.unwrap();
    let found = find(&client.server, &given.access_key_id, Some(&given.session_token)).await;
    assert_eq!(found.unwrap_err(), NoCredential::InvalidToken);
}
