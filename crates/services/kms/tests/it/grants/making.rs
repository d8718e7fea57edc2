//! Grants made and listed.

use strongroom_api_kms::{CreateGrantRequest, GrantConstraints, GrantOperation, ListGrantsRequest};
use strongroom_testkit::{TestDatabase, on_both_engines};

use crate::asymmetric::Lab;
use crate::fixture::{self, ACCOUNT, FAR_REGION, STRANGER, bound_to, client, exactly, grant, open, within};

on_both_engines! {
    a_grant_is_listed_as_it_was_made,
    lists_come_in_pages_and_can_be_narrowed,
    a_name_makes_requests_one_grant,
    refuses_what_no_grant_can_be,
    operations_are_those_that_the_key_can_do,
    principals_exist,
    a_dry_run_makes_nothing,
    states_of_keys,
    who_is_gone_is_shown_by_his_unique_id,
    grants_end_with_their_key,
}

async fn a_grant_is_listed_as_it_was_made(database: &TestDatabase) {
    let root = client(database).await;
    let key = root.create_key().await;
    let made = root
        .create_grant(CreateGrantRequest {
            name: Some("for:letters".to_owned()),
            retiring_principal: Some(ACCOUNT.to_owned()),
            constraints: Some(exactly(&[("purpose", "letters")])),
            ..grant(&key.key_id, &root.iam("user/path/alice"), &["DescribeKey", "Decrypt", "Decrypt"])
        })
        .await
        .unwrap();
    let id = made.grant_id.unwrap();
    assert_eq!(id.len(), 64);
    let bare = root.grant(key.arn.as_ref().unwrap(), &root.iam("role/worker"), &["Encrypt"]).await;
    let restarted = root.kms.restarted(&open(database).await, &fixture::root());
    for client in [root.clone(), root.on(&restarted)] {
        let mut listed = client.grants(&key.key_id, None).await;
        listed.sort_by_key(|grant| grant.name == Some(String::new()));
        let [named, unnamed] = listed.as_slice() else { panic!("{listed:?}") };
        assert_eq!(named.key_id, key.arn);
        assert_eq!(named.grant_id.as_ref(), Some(&id));
        assert_eq!(named.name.as_deref(), Some("for:letters"));
        assert_eq!(named.grantee_principal, Some(root.iam("user/path/alice")));
        assert_eq!(named.retiring_principal, Some(root.iam("root")));
        assert_eq!(named.issuing_account, Some(root.iam("root")));
        assert_eq!(named.creation_date.unwrap().as_millis(), root.now);
        let operations: Vec<_> = named.operations.iter().flatten().map(GrantOperation::as_str).collect();
        assert_eq!(operations, ["Decrypt", "DescribeKey"]);
        let equals = named.constraints.as_ref().unwrap().encryption_context_equals.as_ref().unwrap();
        assert_eq!(equals.get("purpose").map(String::as_str), Some("letters"));
        assert_eq!(unnamed.grant_id.as_ref(), Some(&bare));
        assert_eq!((&unnamed.retiring_principal, unnamed.constraints.is_some()), (&None, false));
    }
}

async fn lists_come_in_pages_and_can_be_narrowed(database: &TestDatabase) {
    let root = client(database).await;
    let (key, other) = (root.create_key().await.key_id, root.create_key().await.key_id);
    let (alice, bob) = (root.iam("user/alice"), root.iam("user/bob"));
    root.grant(&other, &alice, &["Decrypt"]).await;
    let mut ids = Vec::new();
    for number in 0..7 {
        ids.push(root.grant(&key, if number < 4 { &alice } else { &bob }, &["Decrypt"]).await);
    }
    let to_bob: Vec<_> = ids.split_off(4);
    for page in [1, 2, 100] {
        let listed = root.grants(&key, Some(page)).await;
        let listed: Vec<_> = listed.into_iter().map(|grant| grant.grant_id.unwrap()).collect();
        assert!(listed.is_sorted());
        assert_eq!(listed.len(), 7);
    }
    let narrowed = |grantee: Option<&String>, grant_id: Option<&String>| ListGrantsRequest {
        key_id: key.clone(),
        grantee_principal: grantee.cloned(),
        grant_id: grant_id.cloned(),
        ..ListGrantsRequest::default()
    };
    let table = [
        (Some(&alice), None, 4),
        (Some(&bob), None, 3),
        (Some(&bob), Some(&to_bob[0]), 1),
        (Some(&alice), Some(&to_bob[0]), 0),
        (None, Some(&ids[1]), 1),
    ];
    for (grantee, grant_id, count) in table {
        assert_eq!(root.list_grants(narrowed(grantee, grant_id)).await.unwrap().len(), count);
    }
    for (input, refusal) in [
        (ListGrantsRequest { limit: Some(101), ..narrowed(None, None) }, "ValidationException"),
        (
            ListGrantsRequest { marker: Some("x".to_owned()), ..narrowed(None, None) },
            "InvalidMarkerException",
        ),
        (narrowed(None, Some(&"x".to_owned())), "InvalidGrantIdException"),
        (narrowed(Some(&"x".to_owned()), None), "InvalidArnException"),
        (
            ListGrantsRequest {
                grantee_service_principal: Some("s3.amazonaws.com".to_owned()),
                ..narrowed(None, None)
            },
            "ValidationException",
        ),
        (ListGrantsRequest { key_id: "alias/x".to_owned(), ..narrowed(None, None) }, "InvalidArnException"),
    ] {
        assert_eq!(root.list_grants(input).await.unwrap_err().code(), refusal);
    }
}

async fn a_name_makes_requests_one_grant(database: &TestDatabase) {
    let root = client(database).await;
    let key = root.create_key().await.key_id;
    let alice = root.iam("user/alice");
    let named = || CreateGrantRequest {
        name: Some("n".to_owned()),
        constraints: Some(within(&[("a", "1"), ("b", "2")])),
        ..grant(&key, &alice, &["Decrypt", "Encrypt"])
    };
    let first = root.create_grant(named()).await.unwrap();
    let again = CreateGrantRequest { constraints: Some(within(&[("b", "2"), ("a", "1")])), ..named() };
    let second = root.create_grant(again).await.unwrap();
    assert_eq!(first.grant_id, second.grant_id);
    assert_ne!(first.grant_token, second.grant_token);
    for other in [
        CreateGrantRequest { name: Some("m".to_owned()), ..named() },
        CreateGrantRequest { name: None, ..named() },
        CreateGrantRequest { constraints: Some(exactly(&[("a", "1"), ("b", "2")])), ..named() },
        CreateGrantRequest { retiring_principal: Some(alice.clone()), ..named() },
        CreateGrantRequest { constraints: Some(within(&[("a", "1")])), ..named() },
        CreateGrantRequest { operations: grant(&key, &alice, &["Decrypt"]).operations, ..named() },
    ] {
        assert_ne!(root.create_grant(other).await.unwrap().grant_id, first.grant_id);
    }
    assert_eq!(root.grants(&key, None).await.len(), 7);
    // Whoever has the name now is somebody else.
    root.kms.surroundings.people.replace(&alice);
    assert_ne!(root.create_grant(named()).await.unwrap().grant_id, first.grant_id);
}

async fn refuses_what_no_grant_can_be(database: &TestDatabase) {
    let root = client(database).await;
    let key = root.create_key().await.key_id;
    let alice = root.iam("user/alice");
    let valid = || grant(&key, &alice, &["Decrypt"]);
    let nine: Vec<_> = (0..9).map(|number| (number.to_string(), "x".to_owned())).collect();
    let nine: Vec<_> = nine.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    let long = "x".repeat(385);
    let wide: Vec<_> =
        (0..8).map(|number| (format!("{number}{}", "\u{e9}".repeat(380)), "\u{e9}".repeat(384))).collect();
    let wide: Vec<_> = wide.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    let both = GrantConstraints {
        encryption_context_equals: bound_to(&[("a", "b")]),
        encryption_context_subset: bound_to(&[("a", "b")]),
        source_arn: None,
    };
    let service = || CreateGrantRequest {
        grantee_principal: None,
        grantee_service_principal: Some("s3.amazonaws.com".to_owned()),
        constraints: Some(GrantConstraints {
            source_arn: Some("arn:aws:s3:us-east-1:111122223333:bucket/b".to_owned()),
            ..GrantConstraints::default()
        }),
        retiring_service_principal: Some("s3.amazonaws.com".to_owned()),
        ..valid()
    };
    let table = [
        (grant(&key, &alice, &[]), "ValidationException: A grant must contain at least one operation."),
        (
            grant(&key, &alice, &["CreateGrant"]),
            "ValidationException: Grants must not contain only the CreateGrant operation.",
        ),
        (
            CreateGrantRequest { constraints: Some(both), ..valid() },
            "ValidationException: You must specify either EncryptionContextEquals or EncryptionContextSubset, but \
             not both.",
        ),
        (
            CreateGrantRequest { constraints: Some(within(&nine)), ..valid() },
            "ValidationException: EncryptionContextSubset can have at most 8 encryption context pairs.",
        ),
        (
            CreateGrantRequest { constraints: Some(exactly(&[("a", &long)])), ..valid() },
            "ValidationException: An encryption context value in a grant constraint can have at most 384 characters.",
        ),
        (
            CreateGrantRequest { constraints: Some(within(&[(&long, "b")])), ..valid() },
            "ValidationException: An encryption context in a grant constraint can have names of at most 384 characters, \
             and at most 8192 bytes.",
        ),
        (
            CreateGrantRequest { constraints: Some(exactly(&wide)), ..valid() },
            "ValidationException: An encryption context in a grant constraint can have names of at most 384 characters, \
             and at most 8192 bytes.",
        ),
        (
            CreateGrantRequest { grantee_principal: None, ..valid() },
            "ValidationException: You must specify either GranteePrincipal or GranteeServicePrincipal, but not both.",
        ),
        (
            CreateGrantRequest { grantee_service_principal: Some("s3.amazonaws.com".to_owned()), ..valid() },
            "ValidationException: You must specify either GranteePrincipal or GranteeServicePrincipal, but not both.",
        ),
        (
            CreateGrantRequest { constraints: None, ..service() },
            "ValidationException: A grant with a GranteeServicePrincipal must have a SourceArn grant constraint.",
        ),
        (
            CreateGrantRequest { retiring_service_principal: None, ..service() },
            "ValidationException: A grant with a GranteeServicePrincipal must have a RetiringPrincipal or a \
             RetiringServicePrincipal.",
        ),
        (
            CreateGrantRequest { grant_tokens: Some(vec!["x".to_owned()]), ..valid() },
            "InvalidGrantTokenException: Invalid grant token.",
        ),
        (
            grant("alias/x", &alice, &["Decrypt"]),
            "InvalidArnException: Key Aliases are not supported for this operation.",
        ),
    ];
    for (input, refusal) in table {
        assert_eq!(root.create_grant(input).await.unwrap_err().to_string(), refusal);
    }
    assert_eq!(root.grants(&key, None).await.len(), 0);
    root.create_grant(service()).await.unwrap();
    let listed = root.grants(&key, None).await;
    assert_eq!(listed[0].grantee_service_principal.as_deref(), Some("s3.amazonaws.com"));
    assert_eq!(listed[0].retiring_service_principal.as_deref(), Some("s3.amazonaws.com"));
    assert_eq!((&listed[0].grantee_principal, &listed[0].retiring_principal), (&None, &None));
}

async fn operations_are_those_that_the_key_can_do(database: &TestDatabase) {
    let lab = Lab::new(database).await;
    let root = &lab.client;
    let alice = root.iam("user/alice");
    let any = ["RetireGrant", "DescribeKey"];
    let table = [
        (
            "SYMMETRIC_DEFAULT",
            "ENCRYPT_DECRYPT",
            vec![
                "Decrypt",
                "Encrypt",
                "GenerateDataKey",
                "GenerateDataKeyWithoutPlaintext",
                "ReEncryptFrom",
                "ReEncryptTo",
                "GenerateDataKeyPair",
                "GenerateDataKeyPairWithoutPlaintext",
            ],
        ),
        (
            "RSA_2048",
            "ENCRYPT_DECRYPT",
            vec!["Decrypt", "Encrypt", "ReEncryptFrom", "ReEncryptTo", "GetPublicKey"],
        ),
        ("ECC_NIST_P256", "SIGN_VERIFY", vec!["Sign", "Verify", "GetPublicKey"]),
        ("ECC_NIST_P256", "KEY_AGREEMENT", vec!["DeriveSharedSecret", "GetPublicKey"]),
        ("HMAC_256", "GENERATE_VERIFY_MAC", vec!["GenerateMac", "VerifyMac"]),
    ];
    let all: Vec<_> = table.iter().flat_map(|(_, _, operations)| operations.clone()).collect();
    for (spec, usage, operations) in table {
        let key = lab.create(spec, usage).await.key_id;
        for operation in all.iter().chain(&any) {
            let made = root.create_grant(grant(&key, &alice, &[operation])).await;
            let is_done = operations.contains(operation) || any.contains(operation);
            let code = made.map_err(|refusal| refusal.code().to_owned()).map(drop);
            let expected = if is_done { Ok(()) } else { Err("ValidationException".to_owned()) };
            assert_eq!(code, expected, "{operation} {spec} {usage}");
        }
        if spec != "SYMMETRIC_DEFAULT" {
            let input = CreateGrantRequest {
                constraints: Some(within(&[("a", "b")])),
                ..grant(&key, &alice, &["DescribeKey"])
            };
            assert_eq!(
                root.create_grant(input).await.unwrap_err().to_string(),
                "ValidationException: EncryptionContext is supported only when creating a grant for a symmetric \
                 encryption KMS key."
            );
        }
    }
}

async fn principals_exist(database: &TestDatabase) {
    let root = client(database).await;
    let key = root.create_key().await.key_id;
    root.kms.surroundings.people.remove(&root.iam("role/gone"));
    let table = [
        (root.iam("role/gone"), false),
        ("arn:aws:sts::111122223333:assumed-role/gone/session".to_owned(), false),
        (root.iam("role/worker"), true),
        ("arn:aws:sts::111122223333:assumed-role/worker/session".to_owned(), true),
        ("arn:aws:sts::111122223333:federated-user/bob".to_owned(), true),
        (root.iam("root"), true),
        (STRANGER.to_owned(), true),
        ("rds.us-east-1.amazonaws.com".to_owned(), true),
        (root.iam("group/all"), false),
        ("*".to_owned(), false),
        ("AIDACKCEVSQ6C2EXAMPLE".to_owned(), false),
        ("alice".to_owned(), false),
        ("arn:aws:iam::11112222333:root".to_owned(), false),
    ];
    for (principal, exists) in table {
        let as_grantee = grant(&key, &principal, &["Decrypt"]);
        let as_retiring = CreateGrantRequest {
            retiring_principal: Some(principal.clone()),
            ..grant(&key, &root.iam("root"), &["Decrypt"])
        };
        for input in [as_grantee, as_retiring] {
            let made = root.create_grant(input).await.map_err(|refusal| refusal.to_string()).map(drop);
            let text = format!("InvalidArnException: ARN does not refer to a valid principal: {principal}");
            assert_eq!(made, if exists { Ok(()) } else { Err(text) });
        }
    }
    // Who may make no grants is not told who exists.
    let input = grant(&key, &root.iam("role/gone"), &["Decrypt"]);
    let refusal = root.user("user/alice").create_grant(input).await.unwrap_err();
    assert_eq!(refusal.code(), "AccessDeniedException");
}

async fn a_dry_run_makes_nothing(database: &TestDatabase) {
    let root = client(database).await;
    let key = root.create_key().await.key_id;
    let alice = root.iam("user/alice");
    let dry =
        |operations: &[&str]| CreateGrantRequest { dry_run: Some(true), ..grant(&key, &alice, operations) };
    let refusal = root.create_grant(dry(&["Decrypt"])).await.unwrap_err();
    assert_eq!(
        refusal.to_string(),
        "DryRunOperationException: The request would have succeeded, but the DryRun option is set."
    );
    assert_eq!(root.create_grant(dry(&["Sign"])).await.unwrap_err().code(), "ValidationException");
    let denied = root.user("user/bob").create_grant(dry(&["Decrypt"])).await.unwrap_err();
    assert_eq!(denied.code(), "AccessDeniedException");
    assert_eq!(root.grants(&key, None).await.len(), 0);
}

async fn states_of_keys(database: &TestDatabase) {
    let root = client(database).await;
    let key = root.create_key().await;
    let (id, arn) = (key.key_id, key.arn.unwrap());
    let alice = root.iam("user/alice");
    let made = root.grant(&id, &alice, &["Decrypt"]).await;
    root.disable(&id).await.unwrap();
    let refusal = root.create_grant(grant(&id, &alice, &["Decrypt"])).await.unwrap_err();
    assert_eq!(refusal.to_string(), format!("DisabledException: {arn} is disabled."));
    root.schedule_deletion(&id, Some(7)).await.unwrap();
    let refusal = root.create_grant(grant(&id, &alice, &["Decrypt"])).await.unwrap_err();
    assert_eq!(refusal.to_string(), format!("KMSInvalidStateException: {arn} is pending deletion."));
    assert_eq!(root.grants(&id, None).await.len(), 1);
    root.revoke(&id, &made).await.unwrap();
    // Keys of another Region are not these.
    let far = root.as_of(ACCOUNT, FAR_REGION);
    assert_eq!(
        far.create_grant(grant(&id, &alice, &["Decrypt"])).await.unwrap_err().code(),
        "NotFoundException"
    );
}

async fn who_is_gone_is_shown_by_his_unique_id(database: &TestDatabase) {
    let root = client(database).await;
    let key = root.create_key().await.key_id;
    let (alice, people) = (root.iam("user/alice"), root.kms.surroundings.people.clone());
    let id = people.id(&alice);
    root.grant(&key, &alice, &["Decrypt"]).await;
    people.replace(&alice);
    assert_eq!(root.grants(&key, None).await[0].grantee_principal.as_ref(), Some(&id));
    let to = |grantee: &str| ListGrantsRequest {
        key_id: key.clone(),
        grantee_principal: Some(grantee.to_owned()),
        ..ListGrantsRequest::default()
    };
    assert_eq!(root.list_grants(to(&id)).await.unwrap().len(), 1);
    assert_eq!(root.list_grants(to(&alice)).await.unwrap().len(), 0);
}

async fn grants_end_with_their_key(database: &TestDatabase) {
    let root = client(database).await;
    let key = root.create_key().await.key_id;
    let alice = root.iam("user/alice");
    let input = CreateGrantRequest {
        retiring_principal: Some(alice.clone()),
        ..grant(&key, &alice, &["DescribeKey"])
    };
    root.create_grant(input).await.unwrap();
    root.user("user/alice").describe(&key).await.unwrap();
    root.schedule_deletion(&key, Some(7)).await.unwrap();
    let later = root.later(7 * fixture::DAY).await;
    assert_eq!(later.retirable(&alice).await.unwrap().len(), 0);
    assert_eq!(later.user("user/alice").describe(&key).await.unwrap_err().code(), "NotFoundException");
}
