//! Key policies decide (KMS Developer Guide, "Key policies in AWS KMS", "AWS KMS condition keys" and "Allowing
//! users in other accounts to use a KMS key").

use strongroom_api_kms::{
    CreateKeyRequest, EnableKeyRotationRequest, Kms as _, PutKeyPolicyRequest, ScheduleKeyDeletionRequest,
};
use strongroom_service::ApiError;
use strongroom_testkit::{TestDatabase, on_both_engines};

use crate::fixture::{ACCOUNT, Client, DAY, NOW, Pairs, REGION, STRANGER, bound_to, client, data_key, tags};
use crate::operations::{ANYONE_MAY, Aids, BY_ANY_NAME, BY_KEY_ONLY, Operation};

on_both_engines! {
    a_policy_that_does_not_name_the_account_refuses_its_root_user,
    a_deny_is_told_as_a_deny,
    a_new_policy_counts_at_once,
    conditions_on_cryptography,
    conditions_on_what_surrounds_a_call,
    conditions_on_the_key_and_its_tags,
    conditions_on_parameters_of_administration,
    other_accounts_use_a_key_and_do_not_administer_it,
    re_encrypt_asks_both_keys_with_their_own_contexts,
    the_safety_check_evaluates_conditions,
}

pub(crate) const ROOT: &str = r#"{"AWS":"arn:aws:iam::111122223333:root"}"#;
pub(crate) const ALICE: &str = r#"{"AWS":"arn:aws:iam::111122223333:user/alice"}"#;

pub(crate) fn policy(statements: &[String]) -> String {
    format!(r#"{{"Version":"2012-10-17","Statement":[{}]}}"#, statements.join(","))
}

pub(crate) fn statement(effect: &str, principal: &str, actions: &str, condition: &str) -> String {
    let condition = if condition.is_empty() { String::new() } else { format!(r#","Condition":{condition}"#) };
    format!(r#"{{"Effect":"{effect}","Principal":{principal},"Action":{actions},"Resource":"*"{condition}}}"#)
}

/// Makes a key with that policy, whomever it locks out.
pub(crate) async fn key_with(client: &Client, policy: &str) -> String {
    let input = CreateKeyRequest {
        policy: Some(policy.to_owned()),
        bypass_policy_lockout_safety_check: Some(true),
        ..CreateKeyRequest::default()
    };
    client.try_create_key(input).await.unwrap().key_id
}

/// A key that the root user may do everything with, and `actions` where `condition` holds.
pub(crate) async fn key_on_condition(client: &Client, actions: &str, condition: &str) -> String {
    let all_but = format!(r#"{{"Effect":"Allow","Principal":{ROOT},"NotAction":{actions},"Resource":"*"}}"#);
    key_with(client, &policy(&[all_but, statement("Allow", ROOT, actions, condition)])).await
}

pub(crate) fn outcome<T>(result: Result<T, ApiError>) -> bool {
    match result {
        Ok(_) => true,
        Err(error) if error.code() == "AccessDeniedException" => false,
        Err(error) => panic!("{error}"),
    }
}

async fn a_policy_that_does_not_name_the_account_refuses_its_root_user(database: &TestDatabase) {
    let client = client(database).await;
    let (root, home) = (format!("arn:aws:iam::{ACCOUNT}:root"), |id: &str| client.arn(&format!("key/{id}")));
    let key = client.create_key().await.key_id;
    let aids = Aids::new(&client, &key).await;
    let for_alice = policy(&[statement("Allow", ALICE, r#""kms:*""#, "")]);
    let input = PutKeyPolicyRequest {
        key_id: key.clone(),
        policy: for_alice,
        bypass_policy_lockout_safety_check: Some(true),
        ..PutKeyPolicyRequest::default()
    };
    client.try_put_policy(input).await.unwrap();
    for operation in BY_ANY_NAME.into_iter().chain(BY_KEY_ONLY) {
        // The list of one's own aliases is nothing that a key has a say in.
        if operation == Operation::ListAliases {
            continue;
        }
        let refused = operation.call(&client, &key, &aids).await.unwrap_err();
        assert_eq!(refused.to_string(), operation.denied(&root, &home(&key)), "{operation:?}");
    }
    // A ciphertext by itself does not tell what became of its key.
    let refused = client.decrypt(&aids.blob, None, &[]).await.unwrap_err().to_string();
    assert!(refused.contains("or you are not allowed to access"), "{refused}");
    // What is about no key in particular is the account's.
    assert!(client.key_ids(None).await.contains(&key));
    client.create_key().await;
}

async fn a_deny_is_told_as_a_deny(database: &TestDatabase) {
    let client = client(database).await;
    let deny = statement("Deny", r#""*""#, r#""kms:Encrypt""#, "");
    let key = key_with(&client, &policy(&[statement("Allow", ROOT, r#""kms:*""#, ""), deny])).await;
    assert_eq!(
        client.encrypt(&key, b"x", &[]).await.unwrap_err().to_string(),
        format!(
            "AccessDeniedException: User: arn:aws:iam::{ACCOUNT}:root is not authorized to perform: kms:Encrypt on \
             resource: {} with an explicit deny in a resource-based policy",
            client.arn(&format!("key/{key}"))
        )
    );
    client.try_generate(data_key(&key)).await.unwrap();
}

async fn a_new_policy_counts_at_once(database: &TestDatabase) {
    let client = client(database).await;
    let key = client.create_key().await.key_id;
    let blob = client.encrypt(&key, b"x", &[]).await.unwrap();
    let without_decrypt = policy(&[statement("Allow", ROOT, r#"["kms:Put*","kms:Encrypt"]"#, "")]);
    for _ in 0..2 {
        client.put_policy(&key, &without_decrypt).await.unwrap();
        assert!(!outcome(client.decrypt(&blob, Some(&key), &[]).await));
        assert!(outcome(client.encrypt(&key, b"x", &[]).await));
        client.put_policy(&key, ANYONE_MAY).await.unwrap();
        assert!(outcome(client.decrypt(&blob, Some(&key), &[]).await));
    }
}

async fn conditions_on_cryptography(database: &TestDatabase) {
    let client = client(database).await;
    let table: [(&str, Pairs<'_>, bool); 17] = [
        (r#"{"StringEquals":{"kms:EncryptionContext:team":"blue"}}"#, &[("team", "blue")], true),
        (r#"{"StringEquals":{"kms:EncryptionContext:team":"blue"}}"#, &[("Team", "blue")], true),
        (r#"{"StringEquals":{"kms:EncryptionContext:team":"blue"}}"#, &[("team", "Blue")], false),
        (r#"{"StringEquals":{"kms:EncryptionContext:team":"blue"}}"#, &[("team", "red")], false),
        (r#"{"StringEquals":{"kms:EncryptionContext:team":"blue"}}"#, &[], false),
        (
            r#"{"StringLike":{"kms:EncryptionContext:aws:s3:arn":"arn:aws:s3:::b*"}}"#,
            &[("aws:s3:arn", "arn:aws:s3:::bucket")],
            true,
        ),
        (
            r#"{"StringLike":{"kms:EncryptionContext:account":"${aws:PrincipalAccount}"}}"#,
            &[("account", ACCOUNT)],
            true,
        ),
        (
            r#"{"StringLike":{"kms:EncryptionContext:account":"${aws:PrincipalAccount}"}}"#,
            &[("account", STRANGER)],
            false,
        ),
        (
            r#"{"ForAllValues:StringEquals":{"kms:EncryptionContextKeys":["a","b"]}}"#,
            &[("a", "1"), ("b", "2")],
            true,
        ),
        (
            r#"{"ForAllValues:StringEquals":{"kms:EncryptionContextKeys":["a","b"]}}"#,
            &[("a", "1"), ("c", "2")],
            false,
        ),
        (
            r#"{"ForAnyValue:StringEquals":{"kms:EncryptionContextKeys":["a"]}}"#,
            &[("a", "1"), ("c", "2")],
            true,
        ),
        (r#"{"ForAnyValue:StringEquals":{"kms:EncryptionContextKeys":["a"]}}"#, &[("A", "1")], false),
        (r#"{"Null":{"kms:EncryptionContextKeys":"false"}}"#, &[], false),
        (r#"{"Null":{"kms:EncryptionContextKeys":"false"}}"#, &[("a", "1")], true),
        (r#"{"StringEquals":{"kms:EncryptionAlgorithm":"SYMMETRIC_DEFAULT"}}"#, &[], true),
        (r#"{"StringEquals":{"kms:EncryptionAlgorithm":"RSAES_OAEP_SHA_256"}}"#, &[], false),
        (r#"{"StringEquals":{"kms:EncryptionContext:unknown":"*"}}"#, &[("team", "*")], false),
    ];
    let actions = r#"["kms:Encrypt","kms:Decrypt","kms:GenerateDataKey*"]"#;
    for (condition, pairs, allowed) in table {
        let free = client.create_key().await.key_id;
        let blob = client.encrypt(&free, b"x", pairs).await.unwrap();
        let all_but =
            format!(r#"{{"Effect":"Allow","Principal":{ROOT},"NotAction":{actions},"Resource":"*"}}"#);
        let conditional = policy(&[all_but, statement("Allow", ROOT, actions, condition)]);
        client.put_policy(&free, &conditional).await.unwrap();
        assert_eq!(outcome(client.encrypt(&free, b"x", pairs).await), allowed, "{condition} {pairs:?}");
        assert_eq!(
            outcome(client.decrypt(&blob, Some(&free), pairs).await),
            allowed,
            "{condition} {pairs:?}"
        );
        assert_eq!(outcome(client.decrypt(&blob, None, pairs).await), allowed, "{condition} {pairs:?}");
    }
    // The name by which the key is asked for.
    let by_alias = r#"{"StringEquals":{"kms:RequestAlias":"alias/in"}}"#;
    let key = key_on_condition(&client, r#""kms:Encrypt""#, by_alias).await;
    client.create_alias("alias/in", &key).await.unwrap();
    client.create_alias("alias/other", &key).await.unwrap();
    for (name, allowed) in
        [("alias/in", true), (&client.arn("alias/in"), true), ("alias/other", false), (&key, false)]
    {
        assert_eq!(outcome(client.encrypt(name, b"x", &[]).await), allowed, "{name}");
    }
}

async fn conditions_on_what_surrounds_a_call(database: &TestDatabase) {
    let client = client(database).await;
    let table = [
        (r#"{"IpAddress":{"aws:SourceIp":"127.0.0.0/8"}}"#, true),
        (r#"{"IpAddress":{"aws:SourceIp":["203.0.113.0/24","2001:db8::/32"]}}"#, false),
        (r#"{"NotIpAddress":{"aws:SourceIp":"127.0.0.1"}}"#, false),
        (r#"{"Bool":{"aws:SecureTransport":"false"}}"#, true),
        (r#"{"Bool":{"aws:SecureTransport":"true"}}"#, false),
        (r#"{"DateLessThan":{"aws:CurrentTime":"2023-11-15T00:00:00Z"}}"#, true),
        (r#"{"DateLessThan":{"aws:CurrentTime":"2023-11-14T00:00:00Z"}}"#, false),
        (r#"{"DateGreaterThan":{"aws:CurrentTime":"2023-11-14T22:13:19Z"}}"#, true),
        (r#"{"NumericGreaterThanEquals":{"aws:EpochTime":"1700000000"}}"#, true),
        (r#"{"NumericGreaterThan":{"aws:EpochTime":"1700000000"}}"#, false),
        (r#"{"StringEquals":{"aws:RequestedRegion":["us-east-1","us-west-2"]}}"#, true),
        (r#"{"StringNotEquals":{"aws:RequestedRegion":["us-east-1","us-west-2"]}}"#, false),
        (r#"{"StringLike":{"aws:UserAgent":"test*"}}"#, true),
        (r#"{"StringEquals":{"aws:PrincipalAccount":"111122223333"}}"#, true),
        (r#"{"StringEquals":{"aws:PrincipalAccount":"444455556666"}}"#, false),
        (r#"{"ArnEquals":{"aws:PrincipalArn":"arn:aws:iam::111122223333:root"}}"#, true),
        (r#"{"ArnLike":{"aws:PrincipalArn":"arn:aws:iam::*:user/*"}}"#, false),
        (r#"{"StringEquals":{"aws:PrincipalType":"Account"}}"#, true),
        (r#"{"StringEquals":{"aws:PrincipalType":"User"}}"#, false),
        (r#"{"Bool":{"aws:PrincipalIsAWSService":"false"}}"#, true),
        (r#"{"Bool":{"aws:ViaAWSService":"false"}}"#, true),
        (r#"{"StringEquals":{"kms:CallerAccount":"111122223333"}}"#, true),
        (r#"{"StringEquals":{"kms:CallerAccount":"444455556666"}}"#, false),
        (r#"{"StringEquals":{"kms:ViaService":"s3.us-east-1.amazonaws.com"}}"#, false),
        (r#"{"Bool":{"aws:MultiFactorAuthPresent":"true"}}"#, false),
        (r#"{"BoolIfExists":{"aws:MultiFactorAuthPresent":"true"}}"#, true),
        (r#"{"StringEquals":{"aws:userid":"111122223333"}}"#, true),
        (r#"{"Null":{"aws:username":"true"}}"#, true),
    ];
    for (condition, allowed) in table {
        let key = key_on_condition(&client, r#""kms:DescribeKey""#, condition).await;
        assert_eq!(outcome(client.describe(&key).await), allowed, "{condition}");
    }
    let until = r#"{"DateLessThan":{"aws:CurrentTime":"2023-11-15T00:00:00Z"}}"#;
    let key = key_on_condition(&client, r#""kms:DescribeKey""#, until).await;
    assert!(outcome(client.describe(&key).await));
    assert!(!outcome(client.at(NOW + DAY).describe(&key).await));
}

async fn conditions_on_the_key_and_its_tags(database: &TestDatabase) {
    let client = client(database).await;
    let table = [
        (r#"{"StringEquals":{"kms:KeySpec":"SYMMETRIC_DEFAULT","kms:KeyUsage":"ENCRYPT_DECRYPT"}}"#, true),
        (r#"{"StringEquals":{"kms:KeyOrigin":"AWS_KMS"},"Bool":{"kms:MultiRegion":"false"}}"#, true),
        (r#"{"StringNotEquals":{"kms:KeyOrigin":"AWS_KMS"}}"#, false),
        (r#"{"StringEquals":{"aws:ResourceTag/Team":"blue"}}"#, true),
        (r#"{"StringEquals":{"aws:ResourceTag/TEAM":"blue"}}"#, true),
        (r#"{"StringEquals":{"aws:ResourceTag/Team":"red"}}"#, false),
        (r#"{"StringEquals":{"aws:ResourceTag/Cost":"1"}}"#, false),
        (r#"{"StringEquals":{"aws:ResourceAccount":"111122223333"}}"#, true),
    ];
    for (condition, allowed) in table {
        let key = key_on_condition(&client, r#""kms:DescribeKey""#, condition).await;
        client.tag(&key, &[("Team", "blue")]).await.unwrap();
        assert_eq!(outcome(client.describe(&key).await), allowed, "{condition}");
        client.untag(&key, &["Team"]).await.unwrap();
        let is_of_tags = condition.contains("ResourceTag");
        assert_eq!(outcome(client.describe(&key).await), allowed && !is_of_tags, "{condition}");
    }
}

async fn conditions_on_parameters_of_administration(database: &TestDatabase) {
    let client = client(database).await;
    let only = r#"{"ForAllValues:StringEquals":{"aws:TagKeys":["team","cost"]}}"#;
    let key = key_on_condition(&client, r#"["kms:TagResource","kms:UntagResource"]"#, only).await;
    assert!(outcome(client.tag(&key, &[("team", "blue"), ("cost", "1")]).await));
    assert!(!outcome(client.tag(&key, &[("team", "blue"), ("name", "x")]).await));
    assert!(outcome(client.untag(&key, &["cost"]).await));
    assert!(!outcome(client.untag(&key, &["name"]).await));

    let blue = r#"{"StringEquals":{"aws:RequestTag/Team":["blue","green"]}}"#;
    let key = key_on_condition(&client, r#""kms:TagResource""#, blue).await;
    assert!(outcome(client.tag(&key, &[("team", "green")]).await));
    assert!(!outcome(client.tag(&key, &[("team", "red")]).await));
    assert!(!outcome(client.tag(&key, &[("cost", "blue")]).await));

    let long = r#"{"NumericGreaterThanEquals":{"kms:ScheduleKeyDeletionPendingWindowInDays":"14"}}"#;
    let key = key_on_condition(&client, r#""kms:ScheduleKeyDeletion""#, long).await;
    let schedule = async |key: &str, pending_window_in_days| {
        let input = ScheduleKeyDeletionRequest { key_id: key.to_owned(), pending_window_in_days };
        client.kms.schedule_key_deletion(&client.changing(), input).await
    };
    assert!(!outcome(schedule(&key, Some(7)).await));
    assert!(outcome(schedule(&key, Some(14)).await));
    // What is left out counts as its default of 30 days.
    let key = key_on_condition(&client, r#""kms:ScheduleKeyDeletion""#, long).await;
    assert!(outcome(schedule(&key, None).await));
    let short = r#"{"NumericLessThan":{"kms:ScheduleKeyDeletionPendingWindowInDays":"14"}}"#;
    let key = key_on_condition(&client, r#""kms:ScheduleKeyDeletion""#, short).await;
    assert!(!outcome(schedule(&key, None).await));

    let often = r#"{"NumericLessThanEquals":{"kms:RotationPeriodInDays":"180"}}"#;
    let key = key_on_condition(&client, r#""kms:EnableKeyRotation""#, often).await;
    let enable = async |rotation_period_in_days| {
        let input = EnableKeyRotationRequest { key_id: key.clone(), rotation_period_in_days };
        client.kms.enable_key_rotation(&client.changing(), input).await
    };
    assert!(!outcome(enable(Some(365)).await));
    // What is left out counts as its default of 365 days.
    assert!(!outcome(enable(None).await));
    assert!(outcome(enable(Some(90)).await));

    let by_name = r#"{"StringEquals":{"kms:PolicyName":"default"}}"#;
    let key = key_on_condition(&client, r#"["kms:GetKeyPolicy","kms:PutKeyPolicy"]"#, by_name).await;
    assert!(outcome(client.policy(&key).await));
    let input = PutKeyPolicyRequest {
        key_id: key.clone(),
        policy_name: Some("AWS_RAM".to_owned()),
        policy: ANYONE_MAY.to_owned(),
        ..PutKeyPolicyRequest::default()
    };
    assert!(!outcome(client.try_put_policy(input).await));
    assert!(outcome(client.put_policy(&key, ANYONE_MAY).await));

    let safely = r#"{"Bool":{"kms:BypassPolicyLockoutSafetyCheck":"false"}}"#;
    let key = key_on_condition(&client, r#""kms:PutKeyPolicy""#, safely).await;
    let put = async |bypass_policy_lockout_safety_check| {
        let input = PutKeyPolicyRequest {
            key_id: key.clone(),
            policy: ANYONE_MAY.to_owned(),
            bypass_policy_lockout_safety_check,
            ..PutKeyPolicyRequest::default()
        };
        client.try_put_policy(input).await
    };
    assert!(!outcome(put(Some(true)).await));
    assert!(outcome(put(None).await));
}

async fn other_accounts_use_a_key_and_do_not_administer_it(database: &TestDatabase) {
    const SHARED: [Operation; 8] = [
        Operation::Encrypt,
        Operation::Decrypt,
        Operation::ReEncryptFrom,
        Operation::ReEncryptTo,
        Operation::GenerateDataKey,
        Operation::GenerateDataKeyWithoutPlaintext,
        Operation::DescribeKey,
        Operation::GetKeyRotationStatus,
    ];
    let client = client(database).await;
    let stranger = client.as_of(STRANGER, REGION);
    let key = client.create_key().await.key_id;
    let blob = client.encrypt(&key, b"x", &[]).await.unwrap();
    let both = format!(r#"{{"AWS":["{ACCOUNT}","{STRANGER}"]}}"#);
    client.put_policy(&key, &policy(&[statement("Allow", &both, r#""kms:*""#, "")])).await.unwrap();
    let arn = client.arn(&format!("key/{key}"));
    let aids = Aids { blob, ..Aids::new(&stranger, &stranger.create_key().await.key_id).await };
    for operation in BY_ANY_NAME.into_iter().chain(BY_KEY_ONLY) {
        if operation == Operation::ListAliases {
            continue;
        }
        let answer = operation.call(&stranger, &arn, &aids).await.map_err(|error| error.to_string());
        if SHARED.contains(&operation) {
            assert_eq!(answer, Ok(()), "{operation:?}");
        } else {
            let denied = operation.denied(&format!("arn:aws:iam::{STRANGER}:root"), &arn);
            assert_eq!(answer, Err(denied), "{operation:?}");
        }
    }
    // A third account is not meant.
    let third = client.as_of("777788889999", REGION);
    assert!(!outcome(third.describe(&arn).await));
    // What the owner does not allow, its own account included, others may not either.
    let owner = policy(&[statement("Allow", ROOT, r#""kms:*""#, "")]);
    client.put_policy(&key, &owner).await.unwrap();
    assert!(!outcome(stranger.describe(&arn).await));
}

async fn re_encrypt_asks_both_keys_with_their_own_contexts(database: &TestDatabase) {
    let client = client(database).await;
    let on = |team: &str| format!(r#"{{"StringEquals":{{"kms:EncryptionContext:team":"{team}"}}}}"#);
    let from = client.create_key().await.key_id;
    let blob = client.encrypt(&from, b"x", &[("team", "blue")]).await.unwrap();
    let all_but =
        format!(r#"{{"Effect":"Allow","Principal":{ROOT},"NotAction":"kms:ReEncrypt*","Resource":"*"}}"#);
    let may = statement("Allow", ROOT, r#""kms:ReEncryptFrom""#, &on("blue"));
    client.put_policy(&from, &policy(&[all_but, may])).await.unwrap();
    let to = key_on_condition(&client, r#""kms:ReEncryptTo""#, &on("green")).await;
    let call = async |source: &str, destination: &str| {
        let mut input = crate::operations::re_encrypt(&blob, None, &to);
        input.source_encryption_context = bound_to(&[("team", source)]);
        input.destination_encryption_context = bound_to(&[("team", destination)]);
        client.re_encrypt(input).await
    };
    assert!(outcome(call("blue", "green").await));
    assert!(!outcome(call("blue", "blue").await));
    assert!(!outcome(call("green", "green").await));
}

async fn the_safety_check_evaluates_conditions(database: &TestDatabase) {
    let client = client(database).await;
    let tagged = CreateKeyRequest { tags: Some(tags(&[("team", "blue")])), ..CreateKeyRequest::default() };
    let key = client.try_create_key(tagged).await.unwrap().key_id;
    let table = [
        (r#"{"IpAddress":{"aws:SourceIp":"127.0.0.0/8"}}"#, true),
        (r#"{"IpAddress":{"aws:SourceIp":"203.0.113.0/24"}}"#, false),
        (r#"{"StringEquals":{"aws:ResourceTag/team":"blue"}}"#, true),
        (r#"{"StringEquals":{"aws:ResourceTag/team":"red"}}"#, false),
        (r#"{"Bool":{"kms:BypassPolicyLockoutSafetyCheck":"true"}}"#, false),
    ];
    for (condition, accepted) in table {
        let conditional = policy(&[statement("Allow", ROOT, r#""kms:*""#, condition)]);
        match client.put_policy(&key, &conditional).await {
            Ok(()) => assert!(accepted, "{condition}"),
            Err(error) => {
                assert!(!accepted, "{condition}: {error}");
                assert_eq!(error.code(), "MalformedPolicyDocumentException", "{condition}");
            }
        }
    }
}
