//! Who may replicate a key, and make another the primary one (KMS Developer Guide, "Control access to multi-Region
//! keys").

use strongroom_api_kms::{CreateKeyRequest, ReplicateKeyRequest};
use strongroom_testkit::{TestDatabase, on_both_engines};

use crate::fixture::multi_region::{primary, replica};
use crate::fixture::{ACCOUNT, Client, FAR_REGION, REGION, client, tags};
use crate::key_policies::outcome;

const THIRD: &str = "ap-southeast-2";

on_both_engines! {
    replicating_takes_permission_in_both_regions,
    promoting_takes_permission_in_both_regions,
    policies_tell_related_keys_apart,
    a_replicas_policy_is_checked_where_it_is_to_be,
    the_first_key_takes_the_role,
}

fn allow(actions: &str, condition: &str) -> String {
    let condition = if condition.is_empty() { String::new() } else { format!(r#","Condition":{condition}"#) };
    format!(r#"{{"Effect":"Allow","Action":{actions},"Resource":"*"{condition}}}"#)
}

fn may(statements: &[String]) -> String {
    format!(r#"{{"Version":"2012-10-17","Statement":[{}]}}"#, statements.join(","))
}

async fn replicating_takes_permission_in_both_regions(database: &TestDatabase) {
    let client = client(database).await;
    let here = format!(r#"{{"StringEquals":{{"aws:RequestedRegion":"{REGION}"}}}}"#);
    let there = format!(r#"{{"StringEquals":{{"aws:RequestedRegion":"{FAR_REGION}"}}}}"#);
    let to = |region: &str| format!(r#"{{"StringEquals":{{"kms:ReplicaRegion":"{region}"}}}}"#);
    let (replicate, create) = (r#""kms:ReplicateKey""#, r#""kms:CreateKey""#);
    let passed_on = r#"{"StringEquals":{"aws:CalledViaLast":"kms.amazonaws.com"}}"#;
    let replicas = r#"{"StringEquals":{"kms:MultiRegionKeyType":"REPLICA","kms:KeyOrigin":"AWS_KMS"},"Bool":{"kms:MultiRegion":"true"}}"#;
    for (statements, expected) in [
        (vec![allow(replicate, ""), allow(create, "")], true),
        (vec![allow(replicate, &here), allow(create, &there)], true),
        (vec![allow(replicate, &here), allow(create, &here)], false),
        (vec![allow(replicate, &there), allow(create, &there)], false),
        (vec![allow(replicate, "")], false),
        (vec![allow(create, "")], false),
        (vec![allow(replicate, &to(FAR_REGION)), allow(create, "")], true),
        (vec![allow(replicate, &to(THIRD)), allow(create, "")], false),
        (vec![allow(replicate, ""), allow(create, replicas)], true),
        (vec![allow(replicate, ""), allow(create, passed_on)], true),
        (vec![allow(replicate, passed_on), allow(create, "")], false),
    ] {
        let key = client.create_primary().await;
        let user = client.user_with("user/admin", &may(&statements));
        assert_eq!(outcome(user.replicate(&key, FAR_REGION).await), expected, "{statements:?}");
        let made = client.in_region(FAR_REGION).key_ids(None).await.contains(&key);
        assert_eq!(made, expected, "{statements:?}");
    }
    // Tags take one more.
    for (more, expected) in [("", false), (r#","kms:TagResource""#, true)] {
        let key = client.create_primary().await;
        let actions = format!("[{replicate},{create}{more}]");
        let user = client.user_with("user/admin", &may(&[allow(&actions, "")]));
        let input = ReplicateKeyRequest { tags: Some(tags(&[("a", "b")])), ..replica(&key, FAR_REGION) };
        assert_eq!(outcome(user.try_replicate(input).await), expected);
    }
    let key = client.create_primary().await;
    let stranger = client.as_of(crate::fixture::STRANGER, REGION);
    let arn = client.arn(&format!("key/{key}"));
    assert!(!outcome(stranger.replicate(&arn, FAR_REGION).await));
    // A refusal in the other Region is told with what was missing there.
    let user = client.user_with("user/admin", &may(&[allow(replicate, "")]));
    let refused = user.replicate(&key, FAR_REGION).await.unwrap_err();
    assert_eq!(
        refused.to_string(),
        format!(
            "AccessDeniedException: User: arn:aws:iam::{ACCOUNT}:user/admin is not authorized to perform: kms:CreateKey \
             on resource: * because no identity-based policy allows the kms:CreateKey action"
        )
    );
}

async fn promoting_takes_permission_in_both_regions(database: &TestDatabase) {
    let client = client(database).await;
    let update = r#""kms:UpdatePrimaryRegion""#;
    let region = |region: &str| format!(r#"{{"StringEquals":{{"aws:RequestedRegion":"{region}"}}}}"#);
    let passed_on = r#"{"StringEquals":{"aws:CalledViaLast":"kms.amazonaws.com"}}"#;
    let role = |role: &str| format!(r#"{{"StringEquals":{{"kms:MultiRegionKeyType":"{role}"}}}}"#);
    let to = |region: &str| format!(r#"{{"StringEquals":{{"kms:PrimaryRegion":"{region}"}}}}"#);
    for (statements, expected) in [
        (vec![allow(update, "")], true),
        (vec![allow(update, &region(REGION))], false),
        (vec![allow(update, &region(FAR_REGION))], false),
        (vec![allow(update, &region(REGION)), allow(update, &region(FAR_REGION))], true),
        (vec![allow(update, &region(REGION)), allow(update, passed_on)], true),
        (vec![allow(update, passed_on)], false),
        (vec![allow(update, &role("PRIMARY"))], false),
        (vec![allow(update, &role("PRIMARY")), allow(update, &role("REPLICA"))], true),
        (vec![allow(update, &to(FAR_REGION))], true),
        (vec![allow(update, &to(REGION))], false),
    ] {
        let (key, there) = client.create_related().await;
        let user = client.user_with("user/admin", &may(&statements));
        assert_eq!(outcome(user.update_primary(&key, FAR_REGION).await), expected, "{statements:?}");
        assert_eq!(there.related(&key).await.1 == FAR_REGION, expected, "{statements:?}");
    }
}

async fn policies_tell_related_keys_apart(database: &TestDatabase) {
    let client = client(database).await;
    let (key, there) = client.create_related().await;
    let single = client.create_key().await.key_id;
    let encrypt = r#""kms:Encrypt""#;
    for (condition, primary, replica, of_one_region) in [
        (r#"{"Bool":{"kms:MultiRegion":"true"}}"#, true, true, false),
        (r#"{"Bool":{"kms:MultiRegion":"false"}}"#, false, false, true),
        (r#"{"StringEquals":{"kms:MultiRegionKeyType":"PRIMARY"}}"#, true, false, false),
        (r#"{"StringEquals":{"kms:MultiRegionKeyType":"REPLICA"}}"#, false, true, false),
        (r#"{"Null":{"kms:MultiRegionKeyType":"true"}}"#, false, false, true),
    ] {
        let policy = may(&[allow(encrypt, condition)]);
        let who = |client: &Client| client.user_with("user/app", &policy);
        assert_eq!(outcome(who(&client).encrypt(&key, b"x", &[]).await), primary, "{condition}");
        assert_eq!(outcome(who(&there).encrypt(&key, b"x", &[]).await), replica, "{condition}");
        assert_eq!(outcome(who(&client).encrypt(&single, b"x", &[]).await), of_one_region, "{condition}");
    }
    // What is said of a key that is to be made.
    let create = r#"["kms:CreateKey","iam:CreateServiceLinkedRole"]"#;
    let only = |condition| client.user_with("user/app", &may(&[allow(create, condition)]));
    let never = only(r#"{"Bool":{"kms:MultiRegion":"false"}}"#);
    assert!(!outcome(never.try_create_key(primary()).await));
    assert!(outcome(never.try_create_key(CreateKeyRequest::default()).await));
    let primaries = only(r#"{"StringEquals":{"kms:MultiRegionKeyType":"PRIMARY"}}"#);
    assert!(outcome(primaries.try_create_key(primary()).await));
    assert!(!outcome(primaries.try_create_key(CreateKeyRequest::default()).await));
}

async fn a_replicas_policy_is_checked_where_it_is_to_be(database: &TestDatabase) {
    let client = client(database).await;
    let key = client.create_primary().await;
    let for_region = |region: &str| {
        format!(
            r#"{{"Version":"2012-10-17","Statement":{{"Effect":"Allow","Principal":"*","Action":"kms:*","Resource":"*",
                "Condition":{{"StringEquals":{{"aws:RequestedRegion":"{region}"}}}}}}}}"#
        )
    };
    let with = |policy: String| ReplicateKeyRequest { policy: Some(policy), ..replica(&key, FAR_REGION) };
    let refused = client.try_replicate(with(for_region(REGION))).await.unwrap_err();
    assert_eq!(
        refused.to_string(),
        "MalformedPolicyDocumentException: The new key policy will not allow you to update the key policy in the future."
    );
    let policy = for_region(FAR_REGION);
    let answer = client.try_replicate(with(policy.clone())).await.unwrap();
    assert_eq!(answer.replica_policy.as_deref(), Some(policy.as_str()));
    assert_eq!(client.in_region(FAR_REGION).policy(&key).await.unwrap(), policy);
    assert_ne!(client.policy(&key).await.unwrap(), policy);
    let unchecked = ReplicateKeyRequest {
        policy: Some(for_region(REGION)),
        bypass_policy_lockout_safety_check: Some(true),
        ..replica(&key, THIRD)
    };
    client.try_replicate(unchecked).await.unwrap();
    // Whoever replaces the policy later calls by himself, not through KMS.
    let only_if = |via: bool| {
        format!(
            r#"{{"Version":"2012-10-17","Statement":{{"Effect":"Allow","Principal":"*","Action":"kms:*","Resource":"*",
                "Condition":{{"Bool":{{"aws:ViaAWSService":"{via}"}}}}}}}}"#
        )
    };
    let key = client.create_primary().await;
    let with = |policy: String| ReplicateKeyRequest { policy: Some(policy), ..replica(&key, FAR_REGION) };
    let refused = client.try_replicate(with(only_if(true))).await.unwrap_err();
    assert_eq!(refused.code(), "MalformedPolicyDocumentException");
    client.try_replicate(with(only_if(false))).await.unwrap();
}

async fn the_first_key_takes_the_role(database: &TestDatabase) {
    let client = client(database).await;
    let roles = client.kms.surroundings.roles.clone();
    client.create_key().await;
    assert!(!roles.is_there(ACCOUNT));
    roles.deny(true);
    let refused = client.try_create_key(primary()).await.unwrap_err();
    assert_eq!(refused.to_string(), "AccessDeniedException: you may not make roles");
    assert_eq!(client.key_ids(None).await.len(), 1);
    roles.deny(false);
    client.create_primary().await;
    assert!(roles.is_there(ACCOUNT));
    // One that is there is as good.
    client.create_primary().await;
    let names: Vec<_> = client
        .kms
        .records()
        .into_iter()
        .map(|record| (record.event_name, record.error_code.unwrap_or_default()))
        .collect();
    let role = |code: &str| ("CreateServiceLinkedRole".to_owned(), code.to_owned());
    assert_eq!(names, [role("AccessDenied"), role(""), role("InvalidInputException")]);
}
