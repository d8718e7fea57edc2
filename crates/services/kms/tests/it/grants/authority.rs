//! What grants let their grantees do.

use std::sync::Arc;

use strongroom_api_kms::{CreateGrantRequest, DecryptRequest, GrantConstraints, Kms as _, ReEncryptRequest};
use strongroom_identity::{Caller, Principal};
use strongroom_policy::document::{Document, Kind};
use strongroom_policy::{CallerPolicies, Policy};
use strongroom_service::ApiError;
use strongroom_testkit::{TestDatabase, on_both_engines};

use crate::fixture::{
    ACCOUNT, Pairs, REGION, STRANGER, bound_to, client, decrypt, encrypt, exactly, grant, within,
};

on_both_engines! {
    a_grantee_may_what_the_grant_says_until_it_is_revoked,
    encryption_contexts_keep_to_constraints,
    tokens_are_of_grants,
    grantees_are_users_roles_sessions_and_accounts,
    federated_users_have_of_their_users_grants_what_was_passed_to_them,
    a_grant_reaches_into_another_account,
    another_account_makes_grants_where_the_key_policy_lets_it,
    denials_outweigh_grants,
    a_namesake_gets_nothing,
    a_grant_lets_in_whom_the_key_policy_does_not,
    grants_by_grantees_go_no_further,
    services_act_about_the_resource_of_the_constraint,
    each_key_of_re_encrypt_has_its_own_grant,
    policies_can_speak_of_grants_to_be_made,
    conditions_know_an_account_however_it_is_written,
}

const DECRYPTS: &str =
    r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"kms:Decrypt","Resource":"*"}}"#;

fn code<T>(outcome: Result<T, ApiError>) -> Result<(), String> {
    outcome.map(drop).map_err(|refusal| refusal.code().to_owned())
}

fn denied() -> Result<(), String> {
    Err("AccessDeniedException".to_owned())
}

async fn a_grantee_may_what_the_grant_says_until_it_is_revoked(database: &TestDatabase) {
    let root = client(database).await;
    let key = root.create_key().await;
    let (key, arn) = (key.key_id, key.arn.unwrap());
    let blob = root.encrypt(&key, b"x", &[]).await.unwrap();
    let alice = root.user("user/alice");
    let refusal = alice.decrypt(&blob, Some(&key), &[]).await.unwrap_err();
    assert_eq!(
        refusal.to_string(),
        format!(
            "AccessDeniedException: User: arn:aws:iam::{ACCOUNT}:user/alice is not authorized to perform: kms:Decrypt \
             on resource: {arn} because no identity-based policy allows the kms:Decrypt action"
        )
    );
    let id = root.grant(&key, &root.iam("user/alice"), &["Decrypt", "DescribeKey"]).await;
    for _ in 0..2 {
        assert_eq!(alice.decrypt(&blob, Some(&key), &[]).await.unwrap(), b"x");
        assert_eq!(alice.decrypt(&blob, None, &[]).await.unwrap(), b"x");
        alice.describe(&key).await.unwrap();
    }
    assert_eq!(code(alice.encrypt(&key, b"x", &[]).await), denied());
    assert_eq!(code(root.user("user/bob").decrypt(&blob, Some(&key), &[]).await), denied());
    // A second server of the same store, and this one after a restart, see the same.
    root.kms.forget_everything().await;
    assert_eq!(alice.decrypt(&blob, None, &[]).await.unwrap(), b"x");
    root.revoke(&key, &id).await.unwrap();
    assert_eq!(code(alice.decrypt(&blob, Some(&key), &[]).await), denied());
    assert_eq!(code(alice.describe(&key).await), denied());
}

async fn encryption_contexts_keep_to_constraints(database: &TestDatabase) {
    let root = client(database).await;
    let key = root.create_key().await.key_id;
    let pairs: Pairs<'_> = &[("Department", "IT"), ("b", "2")];
    let constraints = [exactly(pairs), within(pairs), exactly(&[]), within(&[])].map(Some);
    // KMS API Reference, GrantConstraints: names count in any case, values as they are.
    let table: [(Pairs<'_>, [bool; 4]); 9] = [
        (&[("Department", "IT"), ("b", "2")], [true, true, false, true]),
        (&[("b", "2"), ("department", "IT")], [true, true, false, true]),
        (&[("b", "2"), ("Department", "it")], [false, false, false, true]),
        (&[("Department", "IT")], [false, false, false, true]),
        (&[("Department", "IT"), ("b", "2"), ("c", "")], [false, true, false, true]),
        (&[("Department", "IT"), ("b", "2"), ("B", "3")], [false, true, false, true]),
        (&[("Department", "IT"), ("b", "3")], [false, false, false, true]),
        (&[("c", "IT"), ("b", "2")], [false, false, false, true]),
        (&[], [false, false, true, true]),
    ];
    for (number, constraints) in constraints.into_iter().enumerate() {
        let who = format!("user/{number}");
        let input = CreateGrantRequest {
            constraints,
            ..grant(&key, &root.iam(&who), &["Encrypt", "Decrypt", "GenerateDataKey", "DescribeKey"])
        };
        root.create_grant(input).await.unwrap();
        let user = root.user(&who);
        for (asked, allowed) in table {
            let expected = if allowed[number] { Ok(()) } else { denied() };
            let blob = root.encrypt(&key, b"x", asked).await.unwrap();
            assert_eq!(code(user.decrypt(&blob, Some(&key), asked).await), expected, "{number} {asked:?}");
            assert_eq!(code(user.encrypt(&key, b"x", asked).await), expected, "{number} {asked:?}");
        }
        user.describe(&key).await.unwrap();
    }
}

async fn tokens_are_of_grants(database: &TestDatabase) {
    let root = client(database).await;
    let key = root.create_key().await.key_id;
    let blob = root.encrypt(&key, b"x", &[]).await.unwrap();
    let made = root.create_grant(grant(&key, &root.iam("user/alice"), &["Decrypt"])).await.unwrap();
    let (token, id) = (made.grant_token.unwrap(), made.grant_id.unwrap());
    let alice = root.user("user/alice");
    let with = |token: &str| DecryptRequest {
        grant_tokens: Some(vec![token.to_owned()]),
        key_id: Some(key.clone()),
        ..decrypt(&blob)
    };
    alice.try_decrypt(with(&token)).await.unwrap();
    // A token is no permission of whoever has it.
    assert_eq!(code(root.user("user/bob").try_decrypt(with(&token)).await), denied());
    let altered = token.replacen(char::is_alphanumeric, "/", 1);
    let longer = format!("{token}{token}");
    for token in ["x", "", &altered, &longer, &"A".repeat(8192)] {
        let refusal = alice.try_decrypt(with(token)).await.unwrap_err();
        assert_eq!(refusal.to_string(), "InvalidGrantTokenException: Invalid grant token.");
    }
    root.revoke(&key, &id).await.unwrap();
    assert_eq!(code(alice.try_decrypt(with(&token)).await), denied());
}

async fn grantees_are_users_roles_sessions_and_accounts(database: &TestDatabase) {
    let root = client(database).await;
    let sessions = format!("arn:aws:sts::{ACCOUNT}:assumed-role/worker");
    // For each grantee: a user of that name, the role's session of the tests, another one, a user whom his own
    // policies let decrypt though the account may not delegate.
    let table = [
        (root.iam("user/alice"), [true, false, false]),
        (root.iam("role/worker"), [false, true, false]),
        (format!("{sessions}/session"), [false, true, false]),
        (format!("{sessions}/other"), [false, false, false]),
        (ACCOUNT.to_owned(), [false, false, true]),
        (root.iam("root"), [false, false, true]),
        (STRANGER.to_owned(), [false, false, false]),
    ];
    for (grantee, expected) in table {
        let key = root.create_key().await.key_id;
        let blob = root.encrypt(&key, b"x", &[]).await.unwrap();
        // Nobody is let in by the policy, so that only the grant counts.
        let nobody = r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":{"AWS":"777788889999"},"Action":"kms:*","Resource":"*"}}"#;
        root.grant(&key, &grantee, &["Decrypt"]).await;
        root.put_policy_unchecked(&key, nobody).await;
        let callers =
            [root.user("user/alice"), root.user("role/worker"), root.user_with("user/carol", DECRYPTS)];
        for (caller, expected) in callers.iter().zip(expected) {
            let outcome = caller.decrypt(&blob, Some(&key), &[]).await;
            assert_eq!(outcome.is_ok(), expected, "{grantee}");
        }
    }
}

/// IAM User Guide, Permissions for GetFederationToken: who was passed no policies has what names his session.
async fn federated_users_have_of_their_users_grants_what_was_passed_to_them(database: &TestDatabase) {
    let root = client(database).await;
    let Principal::User(entity) = root.user("user/alice").context().caller.principal else {
        panic!("not a user");
    };
    let bob = |passed: &[&str]| {
        let (name, issuer) = ("bob".to_owned(), Some(entity.clone()));
        let principal = Principal::FederatedUser { account: entity.account, name, issuer };
        let passed = passed
            .iter()
            .map(|text| Arc::new(Policy::new("passed", &Document::parse(text, Kind::Session).unwrap())));
        let session = Some(passed.collect());
        let permissions = CallerPolicies { session, ..CallerPolicies::default() }.into();
        root.calling(Caller { permissions, ..Caller::new(principal, "ASIATESTS") })
    };
    let of_session = format!("arn:aws:sts::{ACCOUNT}:federated-user/bob");
    // For each grantee: without policies, with one that allows it, with one that is about something else.
    let table = [(root.iam("user/alice"), [false, true, false]), (of_session, [true, true, true])];
    for (grantee, expected) in table {
        let key = root.create_key().await.key_id;
        let blob = root.encrypt(&key, b"x", &[]).await.unwrap();
        root.grant(&key, &grantee, &["Decrypt"]).await;
        let describes = DECRYPTS.replace("Decrypt", "DescribeKey");
        for (caller, expected) in [bob(&[]), bob(&[DECRYPTS]), bob(&[&describes])].iter().zip(expected) {
            let outcome = caller.decrypt(&blob, Some(&key), &[]).await;
            assert_eq!(outcome.is_ok(), expected, "{grantee}");
        }
    }
}

async fn a_grant_reaches_into_another_account(database: &TestDatabase) {
    let root = client(database).await;
    let key = root.create_key().await;
    let (id, arn) = (key.key_id, key.arn.unwrap());
    let blob = root.encrypt(&id, b"x", &[]).await.unwrap();
    let stranger = root.as_of(STRANGER, REGION);
    let (eve, mallory) = (stranger.user("user/eve"), stranger.user_with("user/mallory", DECRYPTS));
    assert_eq!(code(eve.decrypt(&blob, Some(&arn), &[]).await), denied());
    root.grant(&id, &stranger.iam("user/eve"), &["Decrypt", "RetireGrant"]).await;
    // EC2 Auto Scaling User Guide, "Required AWS KMS key policy for use with encrypted volumes", example 2: the grant
    // is to a role of another account that no policy there lets use keys.
    assert_eq!(eve.decrypt(&blob, Some(&arn), &[]).await.unwrap(), b"x");
    assert_eq!(code(mallory.decrypt(&blob, Some(&arn), &[]).await), denied());
    root.grant(&id, STRANGER, &["Decrypt"]).await;
    assert_eq!(mallory.decrypt(&blob, Some(&arn), &[]).await.unwrap(), b"x");
    assert_eq!(code(stranger.user("user/dave").decrypt(&blob, Some(&arn), &[]).await), denied());
    assert_eq!(stranger.decrypt(&blob, Some(&arn), &[]).await.unwrap(), b"x");
}

async fn another_account_makes_grants_where_the_key_policy_lets_it(database: &TestDatabase) {
    let root = client(database).await;
    let key = root.create_key().await;
    let (id, arn) = (key.key_id, key.arn.unwrap());
    let stranger = root.as_of(STRANGER, REGION);
    let input = || grant(&arn, &stranger.iam("role/worker"), &["DescribeKey"]);
    assert_eq!(code(stranger.create_grant(input()).await), denied());
    let policy = r#"{"Version":"2012-10-17","Statement":[
        {"Effect":"Allow","Principal":{"AWS":"111122223333"},"Action":"kms:*","Resource":"*"},
        {"Effect":"Allow","Principal":{"AWS":"444455556666"},"Action":["kms:CreateGrant","kms:ListGrants","kms:RevokeGrant"],
         "Resource":"*"}]}"#;
    root.put_policy(&id, policy).await.unwrap();
    let first = stranger.create_grant(input()).await.unwrap();
    stranger.user("role/worker").describe(&arn).await.unwrap();
    assert_eq!(code(stranger.user("user/eve").create_grant(input()).await), denied());
    let listed = stranger.grants(&arn, None).await;
    assert_eq!(listed[0].issuing_account, Some(stranger.iam("root")));
    // The account that made it ends it; and so does whoever looks after the key.
    stranger.retire_by_token(&first.grant_token.unwrap()).await.unwrap();
    let second = stranger.create_grant(input()).await.unwrap().grant_id.unwrap();
    assert_eq!(code(stranger.user("user/eve").revoke(&arn, &second).await), denied());
    root.revoke(&id, &second).await.unwrap();
    assert_eq!(code(stranger.user("role/worker").describe(&arn).await), denied());
}

async fn denials_outweigh_grants(database: &TestDatabase) {
    let root = client(database).await;
    let key = root.create_key().await.key_id;
    let blob = root.encrypt(&key, b"x", &[]).await.unwrap();
    root.grant(&key, &root.iam("user/alice"), &["Decrypt"]).await;
    let denying =
        r#"{"Version":"2012-10-17","Statement":{"Effect":"Deny","Action":"kms:Decrypt","Resource":"*"}}"#;
    let refusal = root.user_with("user/alice", denying).decrypt(&blob, Some(&key), &[]).await.unwrap_err();
    assert!(refusal.to_string().ends_with("with an explicit deny in an identity-based policy"), "{refusal}");
    assert_eq!(root.user("user/alice").decrypt(&blob, None, &[]).await.unwrap(), b"x");
    let policy = r#"{"Version":"2012-10-17","Statement":[
        {"Effect":"Allow","Principal":{"AWS":"111122223333"},"Action":"kms:*","Resource":"*"},
        {"Effect":"Deny","Principal":"*","Action":"kms:Decrypt","Resource":"*"}]}"#;
    root.put_policy(&key, policy).await.unwrap();
    let refusal = root.user("user/alice").decrypt(&blob, Some(&key), &[]).await.unwrap_err();
    assert!(refusal.to_string().ends_with("with an explicit deny in a resource-based policy"), "{refusal}");
}

async fn a_namesake_gets_nothing(database: &TestDatabase) {
    let root = client(database).await;
    let key = root.create_key().await.key_id;
    let blob = root.encrypt(&key, b"x", &[]).await.unwrap();
    let people = root.kms.surroundings.people.clone();
    for (who, named) in [
        ("user/alice", root.iam("user/alice")),
        ("role/worker", root.iam("role/worker")),
        ("role/clerk", format!("arn:aws:sts::{ACCOUNT}:assumed-role/clerk/session")),
    ] {
        let input = CreateGrantRequest {
            retiring_principal: Some(named.clone()),
            ..grant(&key, &named, &["Decrypt", "RetireGrant"])
        };
        let id = root.create_grant(input).await.unwrap().grant_id.unwrap();
        assert_eq!(root.user(who).decrypt(&blob, Some(&key), &[]).await.unwrap(), b"x");
        people.replace(&root.iam(who));
        assert_eq!(code(root.user(who).decrypt(&blob, Some(&key), &[]).await), denied(), "{named}");
        assert_eq!(code(root.user(who).retire(&key, &id).await), denied(), "{named}");
    }
}

async fn a_grant_lets_in_whom_the_key_policy_does_not(database: &TestDatabase) {
    let root = client(database).await;
    let key = root.create_key().await.key_id;
    let blob = root.encrypt(&key, b"x", &[]).await.unwrap();
    root.grant(&key, &root.iam("user/alice"), &["Decrypt"]).await;
    let policy = r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::111122223333:user/bob"},"Action":"kms:*","Resource":"*"}}"#;
    root.put_policy_unchecked(&key, policy).await;
    assert_eq!(root.user("user/alice").decrypt(&blob, None, &[]).await.unwrap(), b"x");
    assert_eq!(root.user("user/bob").decrypt(&blob, None, &[]).await.unwrap(), b"x");
    assert_eq!(code(root.decrypt(&blob, Some(&key), &[]).await), denied());
}

/// The parent's constraints, the child's operations and constraints, whether it may be made.
type Case = (Option<GrantConstraints>, &'static [&'static str], Option<GrantConstraints>, bool);

async fn grants_by_grantees_go_no_further(database: &TestDatabase) {
    let root = client(database).await;
    let bob = root.iam("user/bob");
    let (one, two): (Pairs<'_>, Pairs<'_>) = (&[("a", "1")], &[("a", "1"), ("b", "2")]);
    // KMS Developer Guide, "Granting CreateGrant permission".
    let table: [Case; 14] = [
        (None, &["Decrypt"], None, true),
        (None, &["Decrypt", "CreateGrant"], None, true),
        (None, &["Decrypt", "Encrypt"], None, false),
        (None, &["DescribeKey"], None, false),
        (None, &["Decrypt"], Some(within(one)), true),
        (Some(within(one)), &["Decrypt"], None, false),
        (Some(within(one)), &["Decrypt"], Some(within(one)), true),
        (Some(within(one)), &["Decrypt"], Some(within(two)), true),
        (Some(within(one)), &["Decrypt"], Some(exactly(one)), true),
        (Some(within(two)), &["Decrypt"], Some(within(one)), false),
        (Some(within(two)), &["Decrypt"], Some(exactly(&[("A", "1"), ("B", "2")])), true),
        (Some(exactly(one)), &["Decrypt"], Some(exactly(&[("A", "1")])), true),
        (Some(exactly(one)), &["Decrypt"], Some(within(one)), false),
        (Some(exactly(one)), &["Decrypt"], Some(exactly(two)), false),
    ];
    for (number, (parent, operations, child, allowed)) in table.into_iter().enumerate() {
        let key = root.create_key().await.key_id;
        let parent = CreateGrantRequest {
            constraints: parent,
            ..grant(&key, &root.iam("user/alice"), &["Decrypt", "CreateGrant"])
        };
        let parent = root.create_grant(parent).await.unwrap().grant_id.unwrap();
        let child = CreateGrantRequest { constraints: child, ..grant(&key, &bob, operations) };
        let made = root.user("user/alice").create_grant(child.clone()).await;
        assert_eq!(code(made), if allowed { Ok(()) } else { denied() }, "{number}");
        // Grants outlive the one that let them be made.
        root.revoke(&key, &parent).await.unwrap();
        assert_eq!(root.grants(&key, None).await.len(), usize::from(allowed), "{number}");
        assert_eq!(code(root.user("user/alice").create_grant(child).await), denied(), "{number}");
    }
}

async fn services_act_about_the_resource_of_the_constraint(database: &TestDatabase) {
    const TRAIL: &str = "arn:aws:cloudtrail:us-east-1:111122223333:trail/one";
    let root = client(database).await;
    let key = root.create_key().await.key_id;
    let input = CreateGrantRequest {
        grantee_principal: None,
        grantee_service_principal: Some("cloudtrail.amazonaws.com".to_owned()),
        retiring_principal: Some(root.iam("root")),
        constraints: Some(GrantConstraints {
            source_arn: Some(TRAIL.to_owned()),
            ..GrantConstraints::default()
        }),
        ..grant(&key, "", &["Encrypt", "DescribeKey"])
    };
    root.create_grant(input).await.unwrap();
    let service = |name| {
        let account = ACCOUNT.parse().unwrap();
        root.calling(Caller::new(Principal::Service { account, name }, "service"))
    };
    let trail = service("cloudtrail.amazonaws.com");
    let table = [
        (trail.context().about(TRAIL), true),
        (trail.context().about(format!("{TRAIL}s")), false),
        (trail.context(), false),
        (service("sns.amazonaws.com").context().about(TRAIL), false),
        (root.user("user/alice").context().about(TRAIL), false),
    ];
    for (context, allowed) in table {
        let outcome = root.kms.encrypt(&context, encrypt(&key, b"x")).await;
        assert_eq!(code(outcome), if allowed { Ok(()) } else { denied() });
    }
}

async fn each_key_of_re_encrypt_has_its_own_grant(database: &TestDatabase) {
    let root = client(database).await;
    let (from, to) = (root.create_key().await.key_id, root.create_key().await.key_id);
    let blob = root.encrypt(&from, b"x", &[("a", "1")]).await.unwrap();
    let input = ReEncryptRequest {
        source_encryption_context: bound_to(&[("a", "1")]),
        destination_encryption_context: bound_to(&[("b", "2")]),
        ..re_encrypt(&blob, &from, &to)
    };
    let alice = root.user("user/alice");
    let operation = |key: &str, operation, pairs| CreateGrantRequest {
        constraints: Some(exactly(pairs)),
        ..grant(key, &root.iam("user/alice"), &[operation])
    };
    let first = root.create_grant(operation(&from, "ReEncryptFrom", &[("a", "1")])).await.unwrap();
    assert_eq!(code(alice.re_encrypt(input.clone()).await), denied());
    root.create_grant(operation(&to, "ReEncryptTo", &[("a", "1")])).await.unwrap();
    assert_eq!(code(alice.re_encrypt(input.clone()).await), denied());
    root.create_grant(operation(&to, "ReEncryptTo", &[("b", "2")])).await.unwrap();
    alice.re_encrypt(input.clone()).await.unwrap();
    root.revoke(&from, &first.grant_id.unwrap()).await.unwrap();
    assert_eq!(code(alice.re_encrypt(input).await), denied());
}

fn re_encrypt(blob: &[u8], from: &str, to: &str) -> ReEncryptRequest {
    ReEncryptRequest {
        ciphertext_blob: decrypt(blob).ciphertext_blob,
        source_key_id: Some(from.to_owned()),
        destination_key_id: to.to_owned(),
        ..ReEncryptRequest::default()
    }
}

/// KMS Developer Guide, "AWS KMS condition keys".
async fn policies_can_speak_of_grants_to_be_made(database: &TestDatabase) {
    let root = client(database).await;
    let key = root.create_key().await.key_id;
    let alice = root.iam("user/alice");
    let input = || CreateGrantRequest {
        retiring_principal: Some(root.iam("role/admin")),
        constraints: Some(within(&[("Purpose", "letters")])),
        ..grant(&key, &alice, &["Decrypt", "Encrypt"])
    };
    let table = [
        (r#"{"StringEquals":{"kms:GranteePrincipal":"arn:aws:iam::111122223333:user/alice"}}"#, true),
        (r#"{"StringEquals":{"kms:GranteePrincipal":"arn:aws:iam::111122223333:user/bob"}}"#, false),
        (r#"{"StringEquals":{"kms:RetiringPrincipal":"arn:aws:iam::111122223333:role/admin"}}"#, true),
        (r#"{"Null":{"kms:RetiringPrincipal":"true"}}"#, false),
        (r#"{"ForAllValues:StringEquals":{"kms:GrantOperations":["Encrypt","Decrypt"]}}"#, true),
        (r#"{"ForAllValues:StringEquals":{"kms:GrantOperations":["Encrypt"]}}"#, false),
        (r#"{"StringEquals":{"kms:GrantConstraintType":"EncryptionContextSubset"}}"#, true),
        (r#"{"StringEquals":{"kms:GrantConstraintType":"EncryptionContextEquals"}}"#, false),
        (r#"{"StringEquals":{"kms:EncryptionContext:purpose":"letters"}}"#, true),
        (r#"{"ForAnyValue:StringEquals":{"kms:EncryptionContextKeys":"Purpose"}}"#, true),
        (r#"{"Bool":{"kms:GrantIsForAWSResource":"true"}}"#, false),
        (r#"{"Bool":{"kms:GrantIsForAWSResource":"false"}}"#, true),
        (r#"{"Null":{"kms:GranteeServicePrincipal":"true"}}"#, true),
    ];
    for (condition, allowed) in table {
        let policy = format!(
            r#"{{"Version":"2012-10-17","Statement":{{"Effect":"Allow","Action":"kms:CreateGrant","Resource":"*","Condition":{condition}}}}}"#
        );
        let admin = root.user_with("user/admin", &policy);
        assert_eq!(
            code(admin.create_grant(input()).await),
            if allowed { Ok(()) } else { denied() },
            "{condition}"
        );
        // A service that forwards the request.
        let forwarded =
            root.kms.create_grant(&admin.changing().passed_on_by("rds.amazonaws.com"), input()).await;
        let is_for_resource = condition.contains("GrantIsForAWSResource");
        assert_eq!(forwarded.is_ok(), allowed != is_for_resource, "{condition}");
    }
}

async fn conditions_know_an_account_however_it_is_written(database: &TestDatabase) {
    let root = client(database).await;
    let key = root.create_key().await.key_id;
    let arn = format!("arn:aws:iam::{STRANGER}:root");
    for condition_key in ["kms:GranteePrincipal", "kms:RetiringPrincipal"] {
        let policy = format!(
            r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"Allow","Action":"kms:*","Resource":"*"}},
            {{"Effect":"Deny","Action":"kms:CreateGrant","Resource":"*","Condition":{{"StringEquals":{{"{condition_key}":"{arn}"}}}}}}]}}"#
        );
        let admin = root.user_with("user/admin", &policy);
        for written in [&arn, STRANGER] {
            let input = match condition_key {
                "kms:GranteePrincipal" => grant(&key, written, &["Decrypt"]),
                _ => CreateGrantRequest {
                    retiring_principal: Some(written.to_owned()),
                    ..grant(&key, &root.iam("user/alice"), &["Decrypt"])
                },
            };
            assert_eq!(code(admin.create_grant(input).await), denied(), "{condition_key} {written}");
        }
    }
}
