//! Key policies (KMS Developer Guide, "Key policies in AWS KMS").

use strongroom_api_kms::{CreateKeyRequest, GetKeyPolicyRequest, Kms as _, PutKeyPolicyRequest};
use strongroom_testkit::{TestDatabase, on_both_engines};

use crate::fixture::{ACCOUNT, Client, FAR_REGION, STRANGER, client};
use crate::operations::ANYONE_MAY;

/// Answer of AWS's quoted in many issue threads.
const LOCKED_OUT: &str = "MalformedPolicyDocumentException: The new key policy will not allow you to update the key \
    policy in the future.";
/// Answer of AWS's quoted in many issue threads.
const NO_PRINCIPAL: &str =
    "MalformedPolicyDocumentException: Policy contains a statement with one or more invalid principals.";
/// Answer of AWS's quoted in an issue thread.
const INVALID_ARN: &str = "InvalidArnException: An ARN in the specified key policy is invalid.";

on_both_engines! {
    a_new_key_has_the_policy_that_aws_gives,
    a_policy_is_kept_to_the_letter,
    policies_have_one_name,
    a_policy_must_let_its_maker_replace_it,
    texts_that_are_no_key_policies,
    a_pair_of_an_encryption_context_has_one_value,
    a_policy_has_32_768_bytes_at_most,
}

async fn a_new_key_has_the_policy_that_aws_gives(database: &TestDatabase) {
    let client = client(database).await;
    for caller in [client.clone(), client.as_of(STRANGER, FAR_REGION)] {
        let account = caller.context().account();
        let key = caller.create_key().await.key_id;
        // The text as GetKeyPolicy shows it, to the letter.
        let expected = format!(
            "{{\n  \"Version\" : \"2012-10-17\",\n  \"Id\" : \"key-default-1\",\n  \"Statement\" : [ {{\n    \
             \"Sid\" : \"Enable IAM User Permissions\",\n    \"Effect\" : \"Allow\",\n    \"Principal\" : {{\n      \
             \"AWS\" : \"arn:aws:iam::{account}:root\"\n    }},\n    \"Action\" : \"kms:*\",\n    \"Resource\" : \
             \"*\"\n  }} ]\n}}"
        );
        assert_eq!(caller.policy(&key).await.unwrap(), expected);
        // It can be put back.
        caller.put_policy(&key, ANYONE_MAY).await.unwrap();
        caller.put_policy(&key, &expected).await.unwrap();
        assert_eq!(caller.policy(&key).await.unwrap(), expected);
    }
}

async fn a_policy_is_kept_to_the_letter(database: &TestDatabase) {
    let client = client(database).await;
    let spaced = format!(" \t\r\n{}\n\n", ANYONE_MAY.replace(',', " ,\n\t"));
    let latin = ANYONE_MAY.replace(r#"{"Effect""#, r#"{"Sid":"Größe ½","Effect""#);
    for policy in [ANYONE_MAY, &spaced, &latin] {
        let key = client.create_key().await.key_id;
        client.put_policy(&key, policy).await.unwrap();
        assert_eq!(client.policy(&key).await.unwrap(), policy);
        let input = CreateKeyRequest { policy: Some(policy.to_owned()), ..CreateKeyRequest::default() };
        let made = client.try_create_key(input).await.unwrap().key_id;
        assert_eq!(client.policy(&made).await.unwrap(), policy);
        assert_eq!(crate::fixture::client(database).await.policy(&made).await.unwrap(), policy);
    }
}

async fn policies_have_one_name(database: &TestDatabase) {
    let client = client(database).await;
    let key = client.create_key().await.key_id;
    let get = async |name: Option<&str>| {
        let input = GetKeyPolicyRequest { key_id: key.clone(), policy_name: name.map(str::to_owned) };
        client.kms.get_key_policy(&client.context(), input).await
    };
    let put = async |name: Option<&str>| {
        let (key_id, policy_name) = (key.clone(), name.map(str::to_owned));
        let policy = ANYONE_MAY.to_owned();
        client.try_put_policy(PutKeyPolicyRequest { key_id, policy_name, policy, ..Default::default() }).await
    };
    for name in [None, Some("default")] {
        assert_eq!(get(name).await.unwrap().policy_name.as_deref(), Some("default"));
        put(name).await.unwrap();
    }
    let named = client.list_policies(&key, None, None).await.unwrap();
    assert_eq!(named.policy_names.unwrap(), ["default"]);
    assert_eq!((named.truncated, named.next_marker), (Some(false), None));
    let named = client.list_policies(&key, Some(1), None).await.unwrap();
    assert_eq!((named.truncated, named.next_marker), (Some(false), None));

    // Ours: no text of AWS's is known.
    let absent = |name: &str| format!("NotFoundException: No such policy exists: {name}");
    for name in ["Default", "other", "AWS_RAM"] {
        assert_eq!(get(Some(name)).await.unwrap_err().to_string(), absent(name));
    }
    for name in ["Default", "other"] {
        assert_eq!(put(Some(name)).await.unwrap_err().to_string(), absent(name));
    }
    // KMS API Reference, PutKeyPolicy.
    assert_eq!(
        put(Some("AWS_RAM")).await.unwrap_err().to_string(),
        "ValidationException: The AWS_RAM policy can only be managed by the RAM service"
    );
}

/// A policy of one statement.
fn statement(effect: &str, principal: &str, action: &str, more: &str) -> String {
    format!(
        r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"{effect}","Principal":{principal},"Action":{action},"Resource":"*"{more}}}]}}"#
    )
}

async fn a_policy_must_let_its_maker_replace_it(database: &TestDatabase) {
    let client = client(database).await;
    let key = client.create_key().await.key_id;
    let root = format!(r#"{{"AWS":"arn:aws:iam::{ACCOUNT}:root"}}"#);
    let stranger = format!(r#"{{"AWS":"arn:aws:iam::{STRANGER}:root"}}"#);
    let refused = [
        statement("Allow", &root, r#""kms:Encrypt""#, ""),
        statement("Allow", &root, r#"["kms:Get*","kms:List*","kms:PutGrant"]"#, ""),
        statement("Allow", &stranger, r#""kms:*""#, ""),
        statement("Deny", &root, r#""kms:*""#, ""),
        statement("Deny", r#""*""#, r#""kms:PutKeyPolicy""#, ""),
        statement("Allow", &root, r#""kms:*""#, r#","Condition":{"Bool":{"aws:SecureTransport":"true"}}"#),
        // Elements that a key policy may lack, and is without effect then.
        r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":"*","Resource":"*"}]}"#
            .to_owned(),
    ];
    for policy in &refused {
        assert_eq!(client.put_policy(&key, policy).await.unwrap_err().to_string(), LOCKED_OUT, "{policy}");
        let create = |bypass| CreateKeyRequest {
            policy: Some(policy.clone()),
            bypass_policy_lockout_safety_check: bypass,
            ..CreateKeyRequest::default()
        };
        for bypass in [None, Some(false)] {
            let made = client.try_create_key(create(bypass)).await;
            assert_eq!(made.unwrap_err().to_string(), LOCKED_OUT, "{policy}");
        }
        assert_eq!(client.key_ids(None).await, [&*key], "a refused call makes nothing");
        assert!(client.policy(&key).await.unwrap().contains("key-default-1"));
    }
    let accepted = [
        statement("Allow", &root, r#""kms:*""#, ""),
        statement("Allow", &root, r#""*""#, ""),
        statement("Allow", &root, r#"["kms:Encrypt","kms:put*"]"#, ""),
        statement("Allow", &format!(r#"{{"AWS":["{STRANGER}","{ACCOUNT}"]}}"#), r#""kms:PutKeyPolicy""#, ""),
        statement("Allow", r#""*""#, r#""kms:PutKeyPolicy""#, ""),
        // A condition counts as it is when the policy is put: these calls come without TLS.
        statement("Allow", &root, r#""kms:*""#, r#","Condition":{"Bool":{"aws:SecureTransport":"false"}}"#),
    ];
    for policy in &accepted {
        client.put_policy(&key, policy).await.unwrap();
    }
    assert_eq!(client.policy(&key).await.unwrap(), *accepted.last().unwrap());
    for policy in &refused {
        let bypass_policy_lockout_safety_check = Some(true);
        let (key_id, policy) = (client.create_key().await.key_id, policy.clone());
        let bypassing = PutKeyPolicyRequest {
            key_id,
            policy: policy.clone(),
            bypass_policy_lockout_safety_check,
            ..PutKeyPolicyRequest::default()
        };
        client.try_put_policy(bypassing.clone()).await.unwrap();
        // What was bypassed was no idle warning.
        assert_eq!(client.try_put_policy(bypassing).await.unwrap_err().code(), "AccessDeniedException");
    }
}

/// The refusal of a text, by PutKeyPolicy and by CreateKey, also where the lock-out check is bypassed.
async fn refusal(client: &Client, key: &str, policy: &str) -> String {
    let refused = client.put_policy(key, policy).await.unwrap_err().to_string();
    let bypass_policy_lockout_safety_check = Some(true);
    let input = CreateKeyRequest {
        policy: Some(policy.to_owned()),
        bypass_policy_lockout_safety_check,
        ..CreateKeyRequest::default()
    };
    assert_eq!(client.try_create_key(input).await.unwrap_err().to_string(), refused, "{policy}");
    refused
}

async fn texts_that_are_no_key_policies(database: &TestDatabase) {
    let client = client(database).await;
    let key = client.create_key().await.key_id;
    let with = |principal: &str| statement("Allow", principal, r#""kms:*""#, "");
    for (policy, text) in [
        (with(r#"{"AWS":"nobody"}"#), NO_PRINCIPAL),
        (with(r#"{"AWS":"1234"}"#), NO_PRINCIPAL),
        (with(&format!(r#"{{"AWS":["{ACCOUNT}","nobody"]}}"#)), NO_PRINCIPAL),
        (with(&format!(r#"{{"AWS":"arn:aws:iam::{ACCOUNT}:group/Admins"}}"#)), INVALID_ARN),
        (with(r#"{"AWS":"arn:aws:iam::12:root"}"#), INVALID_ARN),
        (with(r#"{"AWS":"arn:aws:s3:::bucket"}"#), INVALID_ARN),
    ] {
        assert_eq!(refusal(&client, &key, &policy).await, text, "{policy}");
    }
    for policy in [
        "x",
        "{}",
        "[]",
        "null",
        "{",
        r#"{"Version":"2012-10-17"}"#,
        r#"{"Version":"2012-10-17","Statement":[]}"#,
        r#"{"Version":"2012-10-18","Statement":[{"Effect":"Allow","Principal":"*","Action":"*","Resource":"*"}]}"#,
        r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}"#,
        &statement("allow", r#""*""#, r#""*""#, ""),
        &statement("Allow", r#""*""#, r#""PutKeyPolicy""#, ""),
        &statement("Allow", r#""*""#, r#""*""#, r#","Sometimes":true"#),
        &statement("Allow", r#""*""#, r#""*""#, r#","Condition":{"Perhaps":{"aws:username":"x"}}"#),
        &format!("{ANYONE_MAY}{ANYONE_MAY}"),
        &ANYONE_MAY.replace("kms", "k\0s"),
        &ANYONE_MAY.replace(r#"{"Effect""#, r#"{"Sid":"名前","Effect""#),
    ] {
        let refused = refusal(&client, &key, policy).await;
        assert!(refused.starts_with("MalformedPolicyDocumentException: "), "{policy}: {refused}");
    }
    assert!(client.policy(&key).await.unwrap().contains("key-default-1"));
}

async fn a_pair_of_an_encryption_context_has_one_value(database: &TestDatabase) {
    let client = client(database).await;
    let key = client.create_key().await.key_id;
    let with = |effect: &str, operator: &str, condition_key: &str| {
        let condition = format!(r#"{{"{operator}":{{"{condition_key}":"blue"}}}}"#);
        let conditional = format!(
            r#"{{"Effect":"{effect}","Principal":"*","Action":"kms:Encrypt","Resource":"*","Condition":{condition}}}"#
        );
        ANYONE_MAY.replace(r#""Statement":["#, &format!(r#""Statement":[{conditional},"#))
    };
    // KMS Developer Guide, "kms:EncryptionContext:context-key".
    let refused = "MalformedPolicyDocumentException: OverlyPermissiveCondition:EncryptionContext: Using the \
        ForAllValues set operator with a single-valued condition key matches requests without the specified encryption \
        context or with an unspecified encryption context. To fix, remove ForAllValues.";
    for (effect, operator, condition_key) in [
        ("Allow", "ForAllValues:StringEquals", "kms:EncryptionContext:team"),
        ("Allow", "ForAllValues:StringLikeIfExists", "KMS:encryptioncontext:aws:s3:arn"),
        ("Deny", "ForAllValues:StringNotEquals", "kms:EncryptionContext:team"),
    ] {
        let policy = with(effect, operator, condition_key);
        assert_eq!(refusal(&client, &key, &policy).await, refused, "{policy}");
    }
    assert!(client.policy(&key).await.unwrap().contains("key-default-1"));
    for (operator, condition_key) in [
        ("StringEquals", "kms:EncryptionContext:team"),
        ("ForAnyValue:StringEquals", "kms:EncryptionContext:team"),
        ("ForAllValues:StringEquals", "kms:EncryptionContextKeys"),
        ("ForAllValues:StringEquals", "kms:EncryptionContextté"),
    ] {
        client.put_policy(&key, &with("Allow", operator, condition_key)).await.unwrap();
    }
}

async fn a_policy_has_32_768_bytes_at_most(database: &TestDatabase) {
    let client = client(database).await;
    let key = client.create_key().await.key_id;
    let of_length = |length: usize| format!("{ANYONE_MAY}{}", " ".repeat(length - ANYONE_MAY.len()));
    client.put_policy(&key, &of_length(32_768)).await.unwrap();
    assert_eq!(client.policy(&key).await.unwrap().len(), 32_768);
    // KMS Developer Guide, "Resource quotas"; the text is ours.
    assert_eq!(
        refusal(&client, &key, &of_length(32_769)).await,
        "LimitExceededException: A key policy can have at most 32768 bytes."
    );
}
