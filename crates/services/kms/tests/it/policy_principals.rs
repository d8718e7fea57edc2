//! The users and roles that key policies name: they exist when the policy is put, and nobody takes their place (KMS
//! Developer Guide, "Key policies"; IAM User Guide, "Principal").

use strongroom_api_kms::CreateKeyRequest;
use strongroom_identity::Permissions;
use strongroom_testkit::{TestDatabase, on_both_engines};

use crate::fixture::{ACCOUNT, STRANGER, client};

on_both_engines! {
    whoever_is_named_exists,
    a_namesake_is_somebody_else,
    another_session_of_the_role_is_not_the_one_that_is_named,
    whoever_is_gone_is_shown_by_his_unique_id,
    a_denial_of_somebody_gone_is_kept,
}

/// A policy that lets the account in and says something of somebody.
fn naming(effect: &str, element: &str, principal: &str) -> String {
    format!(
        r#"{{"Version":"2012-10-17","Statement":[
        {{"Effect":"Allow","Principal":{{"AWS":"111122223333"}},"Action":"kms:*","Resource":"*"}},
        {{"Effect":"{effect}","{element}":{{"AWS":{principal}}},"Action":"kms:DescribeKey","Resource":"*"}}]}}"#
    )
}

fn allowing(principal: &str) -> String {
    naming("Allow", "Principal", &format!(r#""{principal}""#))
}

async fn whoever_is_named_exists(database: &TestDatabase) {
    let root = client(database).await;
    let people = &root.kms.surroundings.people;
    let key = root.create_key().await.key_id;
    let (alice, gone) = (root.iam("user/alice"), root.iam("role/gone"));
    let (alices_id, id_of_gone) = (people.id(&alice), people.id(&gone));
    people.remove(&gone);
    let stranger = format!("arn:aws:iam::{STRANGER}:role/path/worker");
    let listed = |element| naming("Deny", element, &format!(r#"["{alice}","{gone}"]"#));
    for (policy, exists) in [
        (allowing(&alice), true),
        (allowing(&stranger), true),
        (allowing(&alices_id), true),
        (allowing(STRANGER), true),
        (allowing(&format!("arn:aws:sts::{STRANGER}:federated-user/bob")), true),
        (allowing(&format!("arn:aws:sts::{ACCOUNT}:assumed-role/clerk/session")), true),
        (allowing(&format!("arn:aws:sts::{ACCOUNT}:assumed-role/gone/session")), false),
        (allowing(&format!("{}:session", people.id(&root.iam("role/clerk")))), false),
        (allowing(&gone), false),
        (allowing(&id_of_gone), false),
        (allowing("AIDACKCEVSQ6C2EXAMPLE"), false),
        (listed("Principal"), false),
        (listed("NotPrincipal"), false),
    ] {
        let text = "MalformedPolicyDocumentException: Policy contains a statement with one or more invalid principals.";
        let expected = if exists { Ok(()) } else { Err(text.to_owned()) };
        let put = root.put_policy(&key, &policy).await.map_err(|refusal| refusal.to_string());
        assert_eq!(put, expected, "{policy}");
        let input = CreateKeyRequest { policy: Some(policy.clone()), ..CreateKeyRequest::default() };
        let made = root.try_create_key(input).await.map(drop).map_err(|refusal| refusal.to_string());
        assert_eq!(made, expected, "{policy}");
    }
    // Who may put no policy is not told who exists.
    let refusal = root.user("user/bob").put_policy(&key, &allowing(&gone)).await.unwrap_err();
    assert_eq!(refusal.code(), "AccessDeniedException");
    let input = CreateKeyRequest { policy: Some(allowing(&gone)), ..CreateKeyRequest::default() };
    let refusal = root.user("user/bob").try_create_key(input).await.unwrap_err();
    assert_eq!(refusal.code(), "AccessDeniedException");
}

async fn a_namesake_is_somebody_else(database: &TestDatabase) {
    let root = client(database).await;
    let people = &root.kms.surroundings.people;
    let session = format!("arn:aws:sts::{ACCOUNT}:assumed-role/clerk/session");
    let named = [root.iam("user/alice"), root.iam("role/worker"), session];
    for (who, named) in ["user/alice", "role/worker", "role/clerk"].into_iter().zip(named) {
        let key = root.create_key().await.key_id;
        root.put_policy(&key, &allowing(&named)).await.unwrap();
        root.user(who).describe(&key).await.unwrap();
        people.replace(&root.iam(who));
        assert_eq!(root.user(who).describe(&key).await.unwrap_err().code(), "AccessDeniedException");
        root.kms.forget_everything().await;
        assert_eq!(root.user(who).describe(&key).await.unwrap_err().code(), "AccessDeniedException");
        root.put_policy(&key, &allowing(&named)).await.unwrap();
        root.user(who).describe(&key).await.unwrap();
    }
}

async fn another_session_of_the_role_is_not_the_one_that_is_named(database: &TestDatabase) {
    let root = client(database).await;
    let people = &root.kms.surroundings.people;
    let key = root.create_key().await.key_id;
    let session = format!("arn:aws:sts::{ACCOUNT}:assumed-role/clerk/session");
    root.put_policy(&key, &allowing(&session)).await.unwrap();
    assert_eq!(root.policy(&key).await.unwrap(), allowing(&session));
    root.user("role/clerk").describe(&key).await.unwrap();
    let other = people.caller(&root.iam("role/clerk"), "other", Permissions::none());
    assert_eq!(root.calling(other).describe(&key).await.unwrap_err().code(), "AccessDeniedException");
    let id = people.id(&root.iam("role/clerk"));
    people.replace(&root.iam("role/clerk"));
    assert!(root.policy(&key).await.unwrap().contains(&format!("{id}:session")));
}

async fn whoever_is_gone_is_shown_by_his_unique_id(database: &TestDatabase) {
    let root = client(database).await;
    let people = &root.kms.surroundings.people;
    let key = root.create_key().await.key_id;
    let alice = root.iam("user/alice");
    let id = people.id(&alice);
    let policy = allowing(&alice);
    root.put_policy(&key, &policy).await.unwrap();
    assert_eq!(root.policy(&key).await.unwrap(), policy);
    people.replace(&alice);
    let shown = root.policy(&key).await.unwrap();
    assert!(shown.contains(&id) && !shown.contains(&alice), "{shown}");
    // So it cannot be put again: nobody has that id.
    assert_eq!(root.put_policy(&key, &shown).await.unwrap_err().code(), "MalformedPolicyDocumentException");
}

async fn a_denial_of_somebody_gone_is_kept(database: &TestDatabase) {
    let root = client(database).await;
    let key = root.create_key().await.key_id;
    let everything = r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"*","Resource":"*"}}"#;
    let policy = naming("Deny", "Principal", &format!(r#""{}""#, root.iam("user/alice")));
    root.put_policy(&key, &policy).await.unwrap();
    let denied = root.user_with("user/alice", everything).describe(&key).await.unwrap_err();
    assert!(denied.to_string().ends_with("with an explicit deny in a resource-based policy"), "{denied}");
    root.kms.surroundings.people.replace(&root.iam("user/alice"));
    root.user_with("user/alice", everything).describe(&key).await.unwrap();
}
