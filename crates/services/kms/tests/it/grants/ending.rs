//! Grants retired and revoked.

use strongroom_api_kms::{
    CreateGrantRequest, GrantConstraints, Kms as _, ListRetirableGrantsRequest, RetireGrantRequest,
    RevokeGrantRequest,
};
use strongroom_identity::{Caller, Principal};
use strongroom_service::ApiError;
use strongroom_testkit::{TestDatabase, on_both_engines};

use crate::fixture::{ABSENT, ACCOUNT, Client, FAR_REGION, REGION, STRANGER, bound_to, client, grant};

on_both_engines! {
    the_grant_says_who_may_retire_it,
    the_account_lets_its_users_retire,
    another_account_that_may_retire_lets_its_users_do_it,
    revoking_is_the_key_policys,
    what_is_not_there_is_not_ended,
    retirable_grants_are_listed_to_their_account,
    what_a_service_may_retire_is_its_own_business,
    a_stranger_learns_of_no_key_and_leaves_no_trace,
    dry_runs_end_nothing,
    conditions_see_the_constraints_of_the_retired,
}

const RETIRES: &str = r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":["kms:RetireGrant","kms:ListRetirableGrants"],"Resource":"*"}}"#;
const REVOKES: &str =
    r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"kms:RevokeGrant","Resource":"*"}}"#;

fn code<T>(outcome: Result<T, ApiError>) -> Result<(), String> {
    outcome.map(drop).map_err(|refusal| refusal.code().to_owned())
}

fn denied() -> Result<(), String> {
    Err("AccessDeniedException".to_owned())
}

async fn the_grant_says_who_may_retire_it(database: &TestDatabase) {
    let root = client(database).await;
    let key = root.create_key().await;
    let (key, arn) = (key.key_id, key.arn.unwrap());
    // A key policy has no say in it, however wide.
    let everybody = r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":{"AWS":"*"},"Action":"kms:*","Resource":"*"}}"#;
    root.put_policy(&key, everybody).await.unwrap();
    let (alice, rita) = (root.iam("user/alice"), root.iam("role/rita"));
    for (operations, grantee_may) in
        [(vec!["Decrypt"], false), (vec!["Decrypt", "RetireGrant"], true), (vec!["RetireGrant"], true)]
    {
        for (who, may) in [
            (root.user("user/alice"), grantee_may),
            (root.user("role/rita"), true),
            (root.user("user/carol"), false),
            (root.clone(), true),
            (root.as_of(STRANGER, REGION), false),
        ] {
            let input = CreateGrantRequest {
                retiring_principal: Some(rita.clone()),
                ..grant(&key, &alice, &operations)
            };
            let made = root.create_grant(input).await.unwrap();
            let (id, token) = (made.grant_id.unwrap(), made.grant_token.unwrap());
            let expected = if may { Ok(()) } else { denied() };
            assert_eq!(code(who.retire_by_token(&token).await), expected, "{operations:?}");
            let expected = if may { Err("NotFoundException".to_owned()) } else { denied() };
            assert_eq!(code(who.retire(&arn, &id).await), expected, "{operations:?}");
        }
    }
    let refusal = root
        .user("user/carol")
        .retire(&arn, &root.grants(&key, None).await[0].grant_id.clone().unwrap())
        .await;
    assert_eq!(
        refusal.unwrap_err().to_string(),
        format!(
            "AccessDeniedException: User: arn:aws:iam::{ACCOUNT}:user/carol is not authorized to perform: \
             kms:RetireGrant on resource: {arn} because no identity-based policy allows the kms:RetireGrant action"
        )
    );
}

async fn the_account_lets_its_users_retire(database: &TestDatabase) {
    let root = client(database).await;
    let key = root.create_key().await.key_id;
    let alice = root.iam("user/alice");
    let id = root.grant(&key, &alice, &["Decrypt", "RetireGrant"]).await;
    let denying = RETIRES.replace("Allow", "Deny");
    assert_eq!(code(root.user_with("user/alice", &denying).retire(&key, &id).await), denied());
    root.user_with("user/carol", RETIRES).retire(&key, &id).await.unwrap();
    assert_eq!(root.grants(&key, None).await.len(), 0);
}

async fn another_account_that_may_retire_lets_its_users_do_it(database: &TestDatabase) {
    let root = client(database).await;
    let key = root.create_key().await;
    let (key, arn) = (key.key_id, key.arn.unwrap());
    let stranger = root.as_of(STRANGER, REGION);
    for (who, may) in [
        (stranger.clone(), true),
        (stranger.user_with("user/eve", RETIRES), true),
        (stranger.user("user/eve"), false),
        (root.as_of("777788889999", REGION), false),
    ] {
        let input = CreateGrantRequest {
            retiring_principal: Some(STRANGER.to_owned()),
            ..grant(&key, &root.iam("user/alice"), &["Decrypt"])
        };
        let id = root.create_grant(input).await.unwrap().grant_id.unwrap();
        assert_eq!(code(who.retire(&arn, &id).await), if may { Ok(()) } else { denied() });
    }
}

async fn revoking_is_the_key_policys(database: &TestDatabase) {
    let root = client(database).await;
    let key = root.create_key().await.key_id;
    let alice = root.iam("user/alice");
    let input = CreateGrantRequest {
        retiring_principal: Some(alice.clone()),
        ..grant(&key, &alice, &["Decrypt", "RetireGrant"])
    };
    let id = root.create_grant(input).await.unwrap().grant_id.unwrap();
    assert_eq!(code(root.user("user/alice").revoke(&key, &id).await), denied());
    assert_eq!(code(root.user_with("user/bob", RETIRES).revoke(&key, &id).await), denied());
    root.user_with("user/bob", REVOKES).revoke(&key, &id).await.unwrap();
    assert_eq!(code(root.revoke(&key, &id).await), Err("NotFoundException".to_owned()));
}

async fn what_is_not_there_is_not_ended(database: &TestDatabase) {
    let root = client(database).await;
    let (key, other) = (root.create_key().await.key_id, root.create_key().await.key_id);
    let made = root.create_grant(grant(&key, &root.iam("user/alice"), &["Decrypt"])).await.unwrap();
    let (id, token) = (made.grant_id.unwrap(), made.grant_token.unwrap());
    let absent = "0".repeat(64);
    for (key, id, refusal) in [
        (key.as_str(), "x", "InvalidGrantIdException: Invalid grant id."),
        (&key, &absent, &*format!("NotFoundException: Grant {absent} is not found.")),
        (&other, &id, &*format!("NotFoundException: Grant {id} is not found.")),
        (
            ABSENT,
            &id,
            &*format!("NotFoundException: Key '{}' does not exist", root.arn(&format!("key/{ABSENT}"))),
        ),
        ("alias/x", &id, "InvalidArnException: Key Aliases are not supported for this operation."),
    ] {
        assert_eq!(root.revoke(key, id).await.unwrap_err().to_string(), refusal);
        assert_eq!(root.retire(key, id).await.unwrap_err().to_string(), refusal);
    }
    for refused in ["x", &token[4..]] {
        let refusal = root.retire_by_token(refused).await.unwrap_err();
        assert_eq!(refusal.to_string(), "InvalidGrantTokenException: Invalid grant token.");
    }
    let far = root.as_of(ACCOUNT, FAR_REGION);
    assert_eq!(far.retire_by_token(&token).await.unwrap_err().code(), "InvalidGrantTokenException");
    for (grant_token, key_id, grant_id) in [
        (None, None, None),
        (None, Some(key.clone()), None),
        (None, None, Some(id.clone())),
        (Some(token.clone()), Some(key.clone()), Some(id.clone())),
    ] {
        let input = RetireGrantRequest { grant_token, key_id, grant_id, dry_run: None };
        let refusal = root.kms.retire_grant(&root.changing(), input).await.unwrap_err();
        assert_eq!(
            refusal.to_string(),
            "ValidationException: You must specify either GrantToken, or both KeyId and GrantId."
        );
    }
    assert_eq!(root.grants(&key, None).await.len(), 1);
}

async fn retirable_grants_are_listed_to_their_account(database: &TestDatabase) {
    let root = client(database).await;
    let stranger = root.as_of(STRANGER, REGION);
    let rita = root.iam("role/rita");
    let mut expected = Vec::new();
    for owner in [&root, &stranger] {
        for retiring in [Some(rita.clone()), Some(STRANGER.to_owned()), None] {
            let key = owner.create_key().await;
            let input = CreateGrantRequest {
                retiring_principal: retiring.clone(),
                ..grant(&key.key_id, &owner.iam("user/alice"), &["Decrypt"])
            };
            let made = owner.create_grant(input).await.unwrap();
            if retiring.as_ref() == Some(&rita) {
                expected.push((key.arn, made.grant_id));
            }
        }
    }
    let mut listed: Vec<_> = root
        .retirable(&rita)
        .await
        .unwrap()
        .into_iter()
        .map(|grant| {
            assert_eq!(grant.retiring_principal.as_ref(), Some(&rita));
            (grant.key_id, grant.grant_id)
        })
        .collect();
    listed.sort();
    expected.sort();
    assert_eq!(listed, expected);
    assert_eq!(root.as_of(ACCOUNT, FAR_REGION).retirable(&rita).await.unwrap().len(), 0);
    assert_eq!(stranger.retirable(STRANGER).await.unwrap().len(), 2);
    assert_eq!(root.user_with("user/carol", RETIRES).retirable(&rita).await.unwrap().len(), 2);
    let refusal = root.user("user/carol").retirable(&rita).await.unwrap_err();
    assert_eq!(
        refusal.to_string(),
        format!(
            "AccessDeniedException: User: arn:aws:iam::{ACCOUNT}:user/carol is not authorized to perform: \
             kms:ListRetirableGrants on resource: {rita} because no identity-based policy allows the \
             kms:ListRetirableGrants action"
        )
    );
    assert_eq!(code(stranger.retirable(&rita).await), denied());
    assert_eq!(code(root.retirable("x").await), Err("InvalidArnException".to_owned()));
}

async fn a_stranger_learns_of_no_key_and_leaves_no_trace(database: &TestDatabase) {
    let root = client(database).await;
    let (there, absent) = (root.create_key().await.arn.unwrap(), root.arn(&format!("key/{ABSENT}")));
    let grant_id = "0".repeat(64);
    for (who, noted) in [(root.as_of(STRANGER, REGION), 0), (root.clone(), 1)] {
        let mut texts = Vec::new();
        for key in [&there, &absent] {
            let context = who.changing();
            let input = RetireGrantRequest {
                key_id: Some(key.clone()),
                grant_id: Some(grant_id.clone()),
                ..RetireGrantRequest::default()
            };
            texts.push(root.kms.retire_grant(&context, input).await.unwrap_err().to_string());
            let expected = if key == &there { noted } else { 0 };
            assert_eq!(context.take_notes().resources.len(), expected, "{key}");
        }
        assert_eq!(texts[0], format!("NotFoundException: Grant {grant_id} is not found."));
        assert_eq!(texts[0] == texts[1], noted == 0, "{texts:?}");
    }
}

async fn what_a_service_may_retire_is_its_own_business(database: &TestDatabase) {
    const SERVICE: &str = "ebs.amazonaws.com";
    let root = client(database).await;
    let key = root.create_key().await.key_id;
    let alice = root.iam("user/alice");
    let named = grant(&key, &alice, &["Decrypt"]);
    let as_principal = CreateGrantRequest { retiring_principal: Some(SERVICE.to_owned()), ..named.clone() };
    let as_service = CreateGrantRequest { retiring_service_principal: Some(SERVICE.to_owned()), ..named };
    for input in [as_principal, as_service] {
        root.create_grant(input).await.unwrap();
    }
    let service = |name, of: &Client| {
        let account = ACCOUNT.parse().unwrap();
        of.calling(Caller::new(Principal::Service { account, name }, "service"))
    };
    let others = [root.clone(), root.as_of(STRANGER, REGION), root.user_with("user/carol", RETIRES)];
    for who in others.into_iter().chain([service("sns.amazonaws.com", &root)]) {
        for is_service_member in [false, true] {
            let name = Some(SERVICE.to_owned());
            let mut input = ListRetirableGrantsRequest::default();
            *(if is_service_member {
                &mut input.retiring_service_principal
            } else {
                &mut input.retiring_principal
            }) = name;
            let listed = root.kms.list_retirable_grants(&who.context(), input).await;
            assert_eq!(code(listed), Err("ValidationException".to_owned()));
        }
    }
}

async fn dry_runs_end_nothing(database: &TestDatabase) {
    let root = client(database).await;
    let key = root.create_key().await.key_id;
    let id = root.grant(&key, &root.iam("user/alice"), &["Decrypt"]).await;
    let revoke = RevokeGrantRequest { key_id: key.clone(), grant_id: id.clone(), dry_run: Some(true) };
    let retire = RetireGrantRequest {
        key_id: Some(key.clone()),
        grant_id: Some(id.clone()),
        dry_run: Some(true),
        ..RetireGrantRequest::default()
    };
    for (who, refusal) in
        [(root.clone(), "DryRunOperationException"), (root.user("user/alice"), "AccessDeniedException")]
    {
        let revoked = root.kms.revoke_grant(&who.changing(), revoke.clone()).await;
        assert_eq!(code(revoked), Err(refusal.to_owned()));
        let retired = root.kms.retire_grant(&who.changing(), retire.clone()).await;
        assert_eq!(code(retired), Err(refusal.to_owned()));
    }
    assert_eq!(root.grants(&key, None).await.len(), 1);
}

async fn conditions_see_the_constraints_of_the_retired(database: &TestDatabase) {
    let root = client(database).await;
    let key = root.create_key().await.key_id;
    for (condition, may) in [
        (r#"{"StringEquals":{"kms:GrantConstraintType":"EncryptionContextEquals"}}"#, true),
        (r#"{"StringEquals":{"kms:EncryptionContext:a":"1"}}"#, true),
        (r#"{"StringEquals":{"kms:EncryptionContext:a":"2"}}"#, false),
    ] {
        let input = CreateGrantRequest {
            constraints: Some(GrantConstraints {
                encryption_context_equals: bound_to(&[("a", "1")]),
                ..GrantConstraints::default()
            }),
            ..grant(&key, &root.iam("user/alice"), &["Decrypt"])
        };
        let id = root.create_grant(input).await.unwrap().grant_id.unwrap();
        let policy = format!(
            r#"{{"Version":"2012-10-17","Statement":{{"Effect":"Allow","Action":"kms:RetireGrant","Resource":"*","Condition":{condition}}}}}"#
        );
        let outcome = root.user_with("user/carol", &policy).retire(&key, &id).await;
        assert_eq!(code(outcome), if may { Ok(()) } else { denied() }, "{condition}");
    }
}
