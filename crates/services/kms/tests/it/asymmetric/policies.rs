//! Policies of asymmetric and HMAC keys, also of those in a custom key store, decide as those of any key do: every operation asks them, with what its
//! input and the key say (KMS Developer Guide, "AWS KMS condition keys").

use strongroom_api_kms::{
    CreateKeyRequest, DataKeyPairSpec, DeriveSharedSecretRequest, GenerateDataKeyPairRequest,
    GenerateMacRequest, Kms as _, MessageType, OriginType, PutKeyPolicyRequest, SignRequest,
    SigningAlgorithmSpec,
};
use strongroom_testkit::{TestDatabase, on_both_engines};

use super::permissions::{aids, all};
use super::{Lab, new_key};
use crate::data_key_pairs::data_key_pair;
use crate::fixture::{ACCOUNT, bound_to};
use crate::key_policies::{ALICE, ROOT, outcome, policy, statement};
use crate::operations::{Aids, BY_ANY_NAME, BY_KEY_ONLY, Operation};
use crate::symmetric_only::{derive_shared_secret, generate_mac, get_public_key, sign, verify, verify_mac};

on_both_engines! {
    a_policy_that_does_not_name_the_account_refuses_every_operation,
    a_refused_caller_learns_nothing_of_a_key_that_cannot_be_used,
    conditions_on_what_a_key_is,
    conditions_on_signing,
    conditions_on_macs,
    conditions_on_agreement,
    conditions_on_data_key_pairs,
    conditions_on_the_name_by_which_a_public_key_is_asked_for,
    the_safety_check_knows_what_a_key_is,
}

impl Lab {
    /// Puts a policy, whomever it locks out.
    async fn close(&self, key: &str, policy: &str) {
        let input = PutKeyPolicyRequest {
            key_id: key.to_owned(),
            policy: policy.to_owned(),
            bypass_policy_lockout_safety_check: Some(true),
            ..PutKeyPolicyRequest::default()
        };
        self.client.try_put_policy(input).await.unwrap();
    }

    /// A key in the store that the root user may do everything with, and `actions` where `condition` holds.
    async fn on_condition(&self, spec: &str, usage: &str, actions: &str, condition: &str) -> String {
        let key = self.create(spec, usage).await.key_id;
        let all_but =
            format!(r#"{{"Effect":"Allow","Principal":{ROOT},"NotAction":{actions},"Resource":"*"}}"#);
        let conditional = policy(&[all_but, statement("Allow", ROOT, actions, condition)]);
        self.client.put_policy(&key, &conditional).await.unwrap();
        key
    }
}

fn for_alice() -> String {
    policy(&[statement("Allow", ALICE, r#""kms:*""#, "")])
}

async fn a_policy_that_does_not_name_the_account_refuses_every_operation(database: &TestDatabase) {
    for lab in Lab::both(database).await {
        let client = &lab.client;
        for (operation, spec, usage) in all(&lab) {
            let key = lab.create(spec, usage).await;
            let (key_id, arn) = (key.key_id, key.arn.unwrap());
            let aids = aids(&lab, spec, usage, &key_id).await;
            operation.call(client, &key_id, &aids).await.unwrap();
            lab.close(&key_id, &for_alice()).await;
            let refused = lab.in_no_call(operation.call(client, &key_id, &aids)).await.unwrap_err();
            assert_eq!(refused.to_string(), operation.denied(ACCOUNT, &arn));
        }
        let key = lab.create("SYMMETRIC_DEFAULT", "ENCRYPT_DECRYPT").await;
        let (key_id, arn) = (key.key_id, key.arn.unwrap());
        let aids = Aids::new(client, &key_id).await;
        lab.close(&key_id, &for_alice()).await;
        for operation in BY_ANY_NAME.into_iter().chain(BY_KEY_ONLY) {
            // The list of one's own aliases is nothing that a key has a say in.
            if operation == Operation::ListAliases {
                continue;
            }
            let refused = lab.in_no_call(operation.call(client, &key_id, &aids)).await.unwrap_err();
            let denied = operation.denied(&format!("arn:aws:iam::{ACCOUNT}:root"), &arn);
            assert_eq!(refused.to_string(), denied, "{operation:?}");
        }
        // Key stores are the account's: no key has a say in them.
        assert_eq!(client.stores().await, std::slice::from_ref(&lab.store));
        if lab.built_in {
            client.disconnect(&lab.store).await.unwrap();
        }
    }
}

async fn a_refused_caller_learns_nothing_of_a_key_that_cannot_be_used(database: &TestDatabase) {
    let lab = Lab::new(database).await;
    let client = &lab.client;
    let key = lab.create("ECC_NIST_P256", "SIGN_VERIFY").await.key_id;
    let call = async |dry_run| {
        let input = sign(&key, SigningAlgorithmSpec::EcdsaSha256, b"x");
        let signed = client.kms.sign(&client.context(), SignRequest { dry_run, ..input }).await;
        signed.unwrap_err().code().to_owned()
    };
    assert_eq!(call(Some(true)).await, "DryRunOperationException");
    client.disconnect(&lab.store).await.unwrap();
    for dry_run in [None, Some(true)] {
        assert_eq!(call(dry_run).await, "KMSInvalidStateException");
    }
    client.disable(&key).await.unwrap();
    assert_eq!(call(None).await, "DisabledException");
    lab.close(&key, &for_alice()).await;
    for dry_run in [None, Some(true)] {
        assert_eq!(call(dry_run).await, "AccessDeniedException");
    }
}

async fn conditions_on_what_a_key_is(database: &TestDatabase) {
    let lab = Lab::new(database).await;
    let table = [
        ("HMAC_384", r#"{"StringEquals":{"kms:KeySpec":"HMAC_384"}}"#, true),
        ("HMAC_384", r#"{"StringEquals":{"kms:CustomerMasterKeySpec":"HMAC_384"}}"#, true),
        ("HMAC_384", r#"{"StringEquals":{"kms:KeySpec":["SYMMETRIC_DEFAULT","HMAC_256"]}}"#, false),
        ("HMAC_384", r#"{"StringEquals":{"kms:KeyUsage":"GENERATE_VERIFY_MAC"}}"#, true),
        ("HMAC_384", r#"{"StringEquals":{"kms:KeyUsage":"ENCRYPT_DECRYPT"}}"#, false),
        ("HMAC_384", r#"{"StringEquals":{"kms:KeyOrigin":"AWS_CLOUDHSM"}}"#, true),
        ("HMAC_384", r#"{"StringNotEquals":{"kms:KeyOrigin":"AWS_KMS"}}"#, true),
        ("SYMMETRIC_DEFAULT", r#"{"StringEquals":{"kms:KeyOrigin":"AWS_KMS"}}"#, false),
        ("SYMMETRIC_DEFAULT", r#"{"StringEquals":{"kms:KeySpec":"SYMMETRIC_DEFAULT"}}"#, true),
        ("SYMMETRIC_DEFAULT", r#"{"Bool":{"kms:MultiRegion":"false"}}"#, true),
    ];
    for (spec, condition, allowed) in table {
        let usage = if spec.starts_with("HMAC") { "GENERATE_VERIFY_MAC" } else { "ENCRYPT_DECRYPT" };
        let key = lab.on_condition(spec, usage, r#""kms:DescribeKey""#, condition).await;
        assert_eq!(outcome(lab.client.describe(&key).await), allowed, "{spec} {condition}");
    }
}

async fn conditions_on_signing(database: &TestDatabase) {
    for lab in Lab::both(database).await {
        let client = &lab.client;
        let (short, long) = (SigningAlgorithmSpec::RsassaPssSha256, SigningAlgorithmSpec::RsassaPssSha512);
        let (raw, digest) = (MessageType::Raw, MessageType::Digest);
        let by_algorithm = r#"{"StringEquals":{"kms:SigningAlgorithm":"RSASSA_PSS_SHA_256"}}"#;
        let by_raw = r#"{"StringEquals":{"kms:MessageType":"RAW"}}"#;
        let by_digest = r#"{"StringEquals":{"kms:MessageType":"DIGEST"}}"#;
        let table = [
            (by_algorithm, &short, Some(&raw), true),
            (by_algorithm, &long, Some(&raw), false),
            (by_raw, &short, Some(&raw), true),
            (by_raw, &short, None, true),
            (by_raw, &short, Some(&digest), false),
            (by_digest, &short, Some(&digest), true),
            (by_digest, &short, None, false),
        ];
        for condition in [by_algorithm, by_raw, by_digest] {
            let key = lab.create("RSA_2048", "SIGN_VERIFY").await.key_id;
            let actions = r#"["kms:Sign","kms:Verify"]"#;
            let open = client.policy(&key).await.unwrap();
            let all_but =
                format!(r#"{{"Effect":"Allow","Principal":{ROOT},"NotAction":{actions},"Resource":"*"}}"#);
            let conditional = policy(&[all_but, statement("Allow", ROOT, actions, condition)]);
            for (_, algorithm, form, allowed) in table.iter().filter(|row| row.0 == condition) {
                let message_type = form.cloned();
                let input = || {
                    let input = sign(&key, (*algorithm).clone(), &[7; 32]);
                    SignRequest { message_type: message_type.clone(), ..input }
                };
                client.put_policy(&key, &open).await.unwrap();
                let signed = client.kms.sign(&client.context(), input()).await.unwrap().signature.unwrap().0;
                client.put_policy(&key, &conditional).await.unwrap();
                let case = format!("{condition} {algorithm:?} {form:?}");
                assert_eq!(outcome(client.kms.sign(&client.context(), input()).await), *allowed, "{case}");
                let mut check = verify(&key, (*algorithm).clone(), &[7; 32], &signed);
                check.message_type = message_type.clone();
                assert_eq!(outcome(client.kms.verify(&client.context(), check).await), *allowed, "{case}");
            }
        }
    }
}

async fn conditions_on_macs(database: &TestDatabase) {
    for lab in Lab::both(database).await {
        let client = &lab.client;
        let hmac = strongroom_api_kms::MacAlgorithmSpec::HmacSha256;
        for (named, allowed) in [("HMAC_SHA_256", true), ("HMAC_SHA_512", false)] {
            let key = lab.create("HMAC_256", "GENERATE_VERIFY_MAC").await.key_id;
            let input = || -> GenerateMacRequest { generate_mac(&key, hmac.clone(), b"x") };
            let mac = client.kms.generate_mac(&client.context(), input()).await.unwrap().mac.unwrap().0;
            let condition = format!(r#"{{"StringEquals":{{"kms:MacAlgorithm":"{named}"}}}}"#);
            let actions = r#"["kms:GenerateMac","kms:VerifyMac"]"#;
            let all_but =
                format!(r#"{{"Effect":"Allow","Principal":{ROOT},"NotAction":{actions},"Resource":"*"}}"#);
            let conditional = policy(&[all_but, statement("Allow", ROOT, actions, &condition)]);
            client.put_policy(&key, &conditional).await.unwrap();
            assert_eq!(outcome(client.kms.generate_mac(&client.context(), input()).await), allowed);
            let check = verify_mac(&key, hmac.clone(), b"x", &mac);
            assert_eq!(outcome(client.kms.verify_mac(&client.context(), check).await), allowed);
        }
    }
}

async fn conditions_on_agreement(database: &TestDatabase) {
    for lab in Lab::both(database).await {
        let client = &lab.client;
        let other = lab.create("ECC_NIST_P256", "KEY_AGREEMENT").await.key_id;
        let peer = lab.public_key(&other).await;
        for (named, allowed) in [("ECDH", true), ("ECMQV", false)] {
            let condition = format!(r#"{{"StringEquals":{{"kms:KeyAgreementAlgorithm":"{named}"}}}}"#);
            let actions = r#""kms:DeriveSharedSecret""#;
            let key = lab.on_condition("ECC_NIST_P256", "KEY_AGREEMENT", actions, &condition).await;
            let input: DeriveSharedSecretRequest = derive_shared_secret(&key, &peer);
            let derived = client.kms.derive_shared_secret(&client.context(), input).await;
            assert_eq!(outcome(derived), allowed, "{named}");
        }
    }
}

async fn conditions_on_data_key_pairs(database: &TestDatabase) {
    for lab in Lab::both(database).await {
        let client = &lab.client;
        let table = [
            (r#"{"StringEquals":{"kms:DataKeyPairSpec":"ECC_NIST_P256"}}"#, true),
            (r#"{"StringLike":{"kms:DataKeyPairSpec":"RSA_*"}}"#, false),
            (r#"{"StringEquals":{"kms:EncryptionContext:team":"blue"}}"#, true),
            (r#"{"StringEquals":{"kms:EncryptionContext:team":"red"}}"#, false),
            (r#"{"ForAllValues:StringEquals":{"kms:EncryptionContextKeys":"team"}}"#, true),
            (r#"{"StringEquals":{"kms:EncryptionAlgorithm":"SYMMETRIC_DEFAULT"}}"#, true),
            (r#"{"Null":{"kms:RequestAlias":"false"}}"#, false),
        ];
        for (condition, allowed) in table {
            let actions = r#""kms:GenerateDataKeyPair*""#;
            let key = lab.on_condition("SYMMETRIC_DEFAULT", "ENCRYPT_DECRYPT", actions, condition).await;
            let input = GenerateDataKeyPairRequest {
                encryption_context: bound_to(&[("team", "blue")]),
                ..data_key_pair(&key, DataKeyPairSpec::EccNistP256)
            };
            let without = strongroom_api_kms::GenerateDataKeyPairWithoutPlaintextRequest {
                key_id: key.clone(),
                key_pair_spec: DataKeyPairSpec::EccNistP256,
                encryption_context: bound_to(&[("team", "blue")]),
                ..Default::default()
            };
            let kms = &client.kms;
            let made = kms.generate_data_key_pair(&client.context(), input).await;
            assert_eq!(outcome(made), allowed, "{condition}");
            let made = kms.generate_data_key_pair_without_plaintext(&client.context(), without).await;
            assert_eq!(outcome(made), allowed, "{condition}");
        }
    }
}

async fn conditions_on_the_name_by_which_a_public_key_is_asked_for(database: &TestDatabase) {
    for lab in Lab::both(database).await {
        let client = &lab.client;
        let by_alias = r#"{"StringEquals":{"kms:RequestAlias":"alias/in"}}"#;
        let actions = r#"["kms:GetPublicKey","kms:Sign"]"#;
        let key = lab.on_condition("ECC_NIST_P256", "SIGN_VERIFY", actions, by_alias).await;
        client.create_alias("alias/in", &key).await.unwrap();
        client.create_alias("alias/other", &key).await.unwrap();
        for (name, allowed) in
            [("alias/in", true), (&client.arn("alias/in"), true), ("alias/other", false), (&key, false)]
        {
            let public = client.kms.get_public_key(&client.context(), get_public_key(name)).await;
            assert_eq!(outcome(public), allowed, "{name}");
            let input = sign(name, SigningAlgorithmSpec::EcdsaSha256, b"x");
            assert_eq!(outcome(client.kms.sign(&client.context(), input).await), allowed, "{name}");
        }
        // The next lab takes the names.
        client.delete_alias("alias/in").await.unwrap();
        client.delete_alias("alias/other").await.unwrap();
    }
}

async fn the_safety_check_knows_what_a_key_is(database: &TestDatabase) {
    let lab = Lab::new(database).await;
    let in_hsms = r#"{"StringEquals":{"kms:KeyOrigin":"AWS_CLOUDHSM","kms:KeySpec":"HMAC_256"}}"#;
    let of_ours = r#"{"StringEquals":{"kms:KeyOrigin":["AWS_KMS","CLOUDHSM"]}}"#;
    let whole = |condition| policy(&[statement("Allow", ROOT, r#""kms:*""#, condition)]);
    let key = lab.create("HMAC_256", "GENERATE_VERIFY_MAC").await.key_id;
    lab.client.put_policy(&key, &whole(in_hsms)).await.unwrap();
    let refused = lab.client.put_policy(&key, &whole(of_ours)).await.unwrap_err();
    assert_eq!(refused.code(), "MalformedPolicyDocumentException");
    // However the origin is spelt.
    for origin in [OriginType::AwsCloudhsm, OriginType::from("CLOUDHSM")] {
        let input = |condition| CreateKeyRequest {
            origin: Some(origin.clone()),
            policy: Some(whole(condition)),
            ..new_key(&lab.store, "HMAC_256", "GENERATE_VERIFY_MAC")
        };
        lab.client.try_create_key(input(in_hsms)).await.unwrap();
        let refused = lab.client.try_create_key(input(of_ours)).await.unwrap_err();
        assert_eq!(refused.code(), "MalformedPolicyDocumentException");
    }
}
