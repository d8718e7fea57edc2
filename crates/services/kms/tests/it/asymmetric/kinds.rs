//! Every kind of key: how it is shown, what it is in the HSMs, and what it does not do.

use strongroom_api_kms::{
    CreateKeyRequest, CustomerMasterKeySpec, DataKeyPairSpec, DisableKeyRotationRequest,
    EnableKeyRotationRequest, EncryptionAlgorithmSpec, GetKeyRotationStatusRequest,
    KeyAgreementAlgorithmSpec, KeyMetadata, KeySpec, KeyUsageType, Kms as _, ListKeyRotationsRequest,
    MacAlgorithmSpec, OriginType, RotateKeyOnDemandRequest, ScheduleKeyDeletionRequest, SigningAlgorithmSpec,
};
use strongroom_hsm_proto::command::{
    AttributeName, AttributeValue, Command, FindKeys, KeyDescription, Result as Answered, ShowKeys,
};
use strongroom_testkit::{TestDatabase, on_both_engines, run};

use super::{Lab, new_key};
use crate::data_key_pairs::{data_key_pair, fit};
use crate::fixture::cluster::TestCluster;
use crate::fixture::{DAY, plaintext};

on_both_engines! {
    specs_and_usages_that_do_not_go_together,
    an_alias_stays_with_its_kind,
    what_does_not_rotate,
    a_deleted_key_leaves_neither_half,
    data_key_pairs_under_a_key_in_the_store,
    strict_mode_refuses_what_aws_does,
}

const ALL: [(&str, &str, &[&str]); 13] = [
    ("RSA_2048", "ENCRYPT_DECRYPT", &["RSAES_OAEP_SHA_1", "RSAES_OAEP_SHA_256"]),
    (
        "RSA_2048",
        "SIGN_VERIFY",
        &[
            "RSASSA_PKCS1_V1_5_SHA_256",
            "RSASSA_PKCS1_V1_5_SHA_384",
            "RSASSA_PKCS1_V1_5_SHA_512",
            "RSASSA_PSS_SHA_256",
            "RSASSA_PSS_SHA_384",
            "RSASSA_PSS_SHA_512",
        ],
    ),
    ("ECC_NIST_P256", "SIGN_VERIFY", &["ECDSA_SHA_256"]),
    ("ECC_NIST_P256", "KEY_AGREEMENT", &["ECDH"]),
    ("ECC_NIST_P384", "SIGN_VERIFY", &["ECDSA_SHA_384"]),
    ("ECC_NIST_P384", "KEY_AGREEMENT", &["ECDH"]),
    ("ECC_NIST_P521", "SIGN_VERIFY", &["ECDSA_SHA_512"]),
    ("ECC_NIST_P521", "KEY_AGREEMENT", &["ECDH"]),
    ("ECC_SECG_P256K1", "SIGN_VERIFY", &["ECDSA_SHA_256"]),
    ("ECC_NIST_EDWARDS25519", "SIGN_VERIFY", &["ED25519_SHA_512", "ED25519_PH_SHA_512"]),
    ("ML_DSA_44", "SIGN_VERIFY", &["ML_DSA_SHAKE_256"]),
    ("HMAC_224", "GENERATE_VERIFY_MAC", &["HMAC_SHA_224"]),
    ("HMAC_512", "GENERATE_VERIFY_MAC", &["HMAC_SHA_512"]),
];

/// The keys of the cluster, as its administrator sees them.
pub(super) fn keys(cluster: &TestCluster) -> Vec<KeyDescription> {
    let find = FindKeys { filter: None, after: 0, most: 4_096 };
    let Some(Answered::Found(found)) = cluster.as_admin(Command::FindKeys(find)).unwrap().result else {
        panic!("no answer");
    };
    let show = Command::ShowKeys(ShowKeys { keys: found.keys });
    match cluster.as_admin(show).unwrap().result {
        Some(Answered::Keys(shown)) => shown.keys,
        other => panic!("{other:?}"),
    }
}

pub(super) fn value(key: &KeyDescription, name: AttributeName) -> Option<&AttributeValue> {
    let mut attributes = key.attributes.as_ref().unwrap().attributes.iter();
    attributes.find(|attribute| attribute.name() == name)?.value.as_ref()
}

/// The one list of algorithms that the metadata shows.
fn algorithms(key: &KeyMetadata) -> Vec<&str> {
    let encryption = key.encryption_algorithms.iter().flatten().map(EncryptionAlgorithmSpec::as_str);
    let signing = key.signing_algorithms.iter().flatten().map(SigningAlgorithmSpec::as_str);
    let mac = key.mac_algorithms.iter().flatten().map(MacAlgorithmSpec::as_str);
    let agreement = key.key_agreement_algorithms.iter().flatten().map(KeyAgreementAlgorithmSpec::as_str);
    encryption.chain(signing).chain(mac).chain(agreement).collect()
}

#[test]
fn keys_are_shown_as_aws_shows_them_and_never_leave_the_hsms() {
    run(async {
        let database = TestDatabase::sqlite();
        let lab = Lab::new(&database).await;
        for (spec, usage, names) in ALL {
            let made = lab.create(spec, usage).await;
            let arn = made.arn.clone().unwrap();
            for key in [&made, &lab.client.describe(&made.key_id).await.unwrap()] {
                assert_eq!(key.key_spec, Some(KeySpec::from(spec)));
                assert_eq!(key.customer_master_key_spec, Some(CustomerMasterKeySpec::from(spec)));
                assert_eq!(key.key_usage, Some(KeyUsageType::from(usage)));
                assert_eq!(algorithms(key), names);
                assert_eq!(key.origin, Some(OriginType::AwsCloudhsm));
                assert_eq!(key.custom_key_store_id.as_ref(), Some(&lab.store));
                assert_eq!(key.cloud_hsm_cluster_id.as_ref(), Some(&lab.cluster.id));
                assert_eq!(key.current_key_material_id, None);
            }
            if usage != "GENERATE_VERIFY_MAC" {
                let shown = lab.get_public_key(&arn).await.unwrap();
                assert_eq!(shown.key_id.as_ref(), Some(&arn));
                assert_eq!(shown.key_spec, made.key_spec);
                assert_eq!(shown.customer_master_key_spec, made.customer_master_key_spec);
                assert_eq!(shown.key_usage, made.key_usage);
                assert_eq!(shown.encryption_algorithms, made.encryption_algorithms);
                assert_eq!(shown.signing_algorithms, made.signing_algorithms);
                assert_eq!(shown.key_agreement_algorithms, made.key_agreement_algorithms);
            }
            let label = AttributeValue::Bytes(arn.into_bytes());
            let halves: Vec<_> = keys(&lab.cluster)
                .into_iter()
                .filter(|key| value(key, AttributeName::Label) == Some(&label))
                .collect();
            let secret: Vec<_> = halves
                .iter()
                .filter(|key| {
                    value(key, AttributeName::NeverExtractable) == Some(&AttributeValue::Flag(true))
                })
                .collect();
            let is_pair = usage != "GENERATE_VERIFY_MAC";
            assert_eq!((halves.len(), secret.len()), (1 + usize::from(is_pair), 1));
            let yes = Some(&AttributeValue::Flag(true));
            assert_eq!(value(secret[0], AttributeName::AlwaysSensitive), yes);
            assert!(halves.iter().all(|key| key.owner == "kmsuser" && key.shared_with.is_empty()));
        }
        // An HMAC key has no public half.
        let hmac = lab.create("HMAC_256", "GENERATE_VERIFY_MAC").await;
        let refused = lab.get_public_key(&hmac.key_id).await.unwrap_err();
        assert_eq!(refused.code(), "UnsupportedOperationException");
    });
}

async fn specs_and_usages_that_do_not_go_together(database: &TestDatabase) {
    let lab = Lab::new(database).await;
    for (spec, usage) in [
        ("SYMMETRIC_DEFAULT", "SIGN_VERIFY"),
        ("RSA_4096", "KEY_AGREEMENT"),
        ("RSA_2048", "GENERATE_VERIFY_MAC"),
        ("ECC_NIST_P256", "ENCRYPT_DECRYPT"),
        ("ECC_SECG_P256K1", "KEY_AGREEMENT"),
        ("ECC_NIST_EDWARDS25519", "KEY_AGREEMENT"),
        ("HMAC_256", "SIGN_VERIFY"),
        ("ML_DSA_87", "ENCRYPT_DECRYPT"),
        ("ML_KEM_768", "SIGN_VERIFY"),
    ] {
        let refused = lab.in_no_call(lab.try_create(spec, usage)).await.unwrap_err();
        // Wording after AWS's for other pairs.
        assert_eq!(
            refused.to_string(),
            format!("ValidationException: KeyUsage {usage} is not compatible with KeySpec {spec}")
        );
    }
    // Answer of AWS's, measured by others.
    let refused = lab.in_no_call(lab.try_create("SM2", "SIGN_VERIFY")).await.unwrap_err();
    assert_eq!(
        refused.to_string(),
        "UnsupportedOperationException: KeySpec SM2 is not supported in this Region"
    );
    let refused = lab.try_create("ML_KEM_768", "ENCAPSULATE_DECAPSULATE").await.unwrap_err();
    assert_eq!(refused.code(), "UnsupportedOperationException");
    let nothing_said = CreateKeyRequest { key_usage: None, ..new_key(&lab.store, "HMAC_256", "") };
    let refused = lab.client.try_create_key(nothing_said).await.unwrap_err();
    assert_eq!(
        refused.to_string(),
        "ValidationException: You must specify a KeyUsage value for all KMS keys except for symmetric encryption keys."
    );
    assert_eq!(lab.client.key_ids(None).await, [""; 0], "a refused call makes nothing");
    assert_eq!(keys(&lab.cluster).len(), 0);
}

async fn an_alias_stays_with_its_kind(database: &TestDatabase) {
    for lab in Lab::both(database).await {
        let client = &lab.client;
        let p256 = lab.create("ECC_NIST_P256", "SIGN_VERIFY").await.key_id;
        let agreeing = lab.create("ECC_NIST_P256", "KEY_AGREEMENT").await.key_id;
        let rsa = lab.create("RSA_2048", "SIGN_VERIFY").await.key_id;
        let encrypting = lab.create("RSA_2048", "ENCRYPT_DECRYPT").await.key_id;
        let hmac = lab.create("HMAC_256", "GENERATE_VERIFY_MAC").await.key_id;
        let symmetric = client.create_key().await.key_id;
        client.create_alias("alias/signing", &p256).await.unwrap();
        client.create_alias("alias/encrypting", &symmetric).await.unwrap();
        for (alias, others) in [
            ("alias/signing", &[&agreeing, &encrypting, &hmac, &symmetric][..]),
            ("alias/encrypting", &[&p256, &encrypting, &hmac]),
        ] {
            for other in others {
                let refused = client.update_alias(alias, other).await.unwrap_err();
                assert_eq!(refused.code(), "ValidationException", "{refused}");
            }
        }
        assert_eq!(client.describe("alias/signing").await.unwrap().key_id, p256);
        client.update_alias("alias/signing", &rsa).await.unwrap();
        assert_eq!(client.describe("alias/signing").await.unwrap().key_id, rsa);
        // The next lab takes the names.
        client.delete_alias("alias/signing").await.unwrap();
        client.delete_alias("alias/encrypting").await.unwrap();
    }
}

async fn what_does_not_rotate(database: &TestDatabase) {
    for lab in Lab::both(database).await {
        let (client, kms) = (&lab.client, &lab.client.kms);
        for (spec, usage) in [("ECC_NIST_P256", "SIGN_VERIFY"), ("HMAC_256", "GENERATE_VERIFY_MAC")] {
            let key_id = || lab.create(spec, usage);
            let key_id = key_id().await.key_id;
            let enable = EnableKeyRotationRequest { key_id: key_id.clone(), rotation_period_in_days: None };
            let refused = [
                kms.enable_key_rotation(&client.changing(), enable).await.err(),
                kms.disable_key_rotation(
                    &client.changing(),
                    DisableKeyRotationRequest { key_id: key_id.clone() },
                )
                .await
                .err(),
                kms.rotate_key_on_demand(
                    &client.changing(),
                    RotateKeyOnDemandRequest { key_id: key_id.clone() },
                )
                .await
                .err(),
            ];
            for refused in refused {
                // AWS's answer has no text.
                assert_eq!(refused.unwrap().to_string(), "UnsupportedOperationException");
            }
            let status = GetKeyRotationStatusRequest { key_id: key_id.clone() };
            let status = kms.get_key_rotation_status(&client.context(), status).await.unwrap();
            assert_eq!(status.key_rotation_enabled, Some(false));
            let list = ListKeyRotationsRequest { key_id, ..ListKeyRotationsRequest::default() };
            let rotations = kms.list_key_rotations(&client.context(), list).await.unwrap();
            assert_eq!(rotations.rotations.unwrap().len(), 0);
        }
    }
}

async fn a_deleted_key_leaves_neither_half(database: &TestDatabase) {
    let lab = Lab::new(database).await;
    let client = &lab.client;
    for (spec, usage) in [("ECC_NIST_P256", "SIGN_VERIFY"), ("HMAC_256", "GENERATE_VERIFY_MAC")] {
        let key = lab.create(spec, usage).await.key_id;
        let input = ScheduleKeyDeletionRequest { key_id: key, pending_window_in_days: Some(7) };
        client.kms.schedule_key_deletion(&client.changing(), input).await.unwrap();
    }
    assert_eq!(keys(&lab.cluster).len(), 3);
    client.later(8 * DAY).await;
    assert_eq!(keys(&lab.cluster).len(), 0);
}

async fn data_key_pairs_under_a_key_in_the_store(database: &TestDatabase) {
    let lab = Lab::new(database).await;
    let client = &lab.client;
    let key = lab.create("SYMMETRIC_DEFAULT", "ENCRYPT_DECRYPT").await.key_id;
    let spec = DataKeyPairSpec::EccNistP256;
    let input = data_key_pair(&key, spec.clone());
    let made = lab.in_one_call(client.kms.generate_data_key_pair(&client.context(), input)).await.unwrap();
    let private = plaintext(made.private_key_plaintext);
    fit(&spec, &private, &made.public_key.unwrap().0).unwrap();
    let blob = made.private_key_ciphertext_blob.unwrap().0;
    assert_eq!(client.decrypt(&blob, None, &[]).await.unwrap(), private);
    // Only a symmetric key encrypts a private half.
    let rsa = lab.create("RSA_2048", "ENCRYPT_DECRYPT").await.key_id;
    let context = client.context();
    let operation = client.kms.generate_data_key_pair(&context, data_key_pair(&rsa, spec));
    assert_eq!(
        lab.in_no_call(operation).await.unwrap_err().to_string(),
        "InvalidKeyUsageException: Algorithm SYMMETRIC_DEFAULT is incompatible with key spec RSA_2048."
    );
}

async fn strict_mode_refuses_what_aws_does(database: &TestDatabase) {
    let lab = Lab::new(database).await;
    let symmetric = lab.create("SYMMETRIC_DEFAULT", "ENCRYPT_DECRYPT").await;
    let lab = lab.strict(database).await;
    let client = &lab.client;
    for (spec, usage) in [("RSA_2048", "SIGN_VERIFY"), ("HMAC_256", "GENERATE_VERIFY_MAC")] {
        let refused = lab.in_no_call(lab.try_create(spec, usage)).await.unwrap_err();
        assert_eq!(refused.code(), "UnsupportedOperationException");
    }
    let input = data_key_pair(&symmetric.key_id, DataKeyPairSpec::EccNistP256);
    let context = client.context();
    let operation = client.kms.generate_data_key_pair(&context, input);
    assert_eq!(
        lab.in_no_call(operation).await.unwrap_err().to_string(),
        format!(
            "UnsupportedOperationException: {} origin is AWS_CLOUDHSM which is not valid for this operation.",
            symmetric.arn.unwrap()
        )
    );
    // What AWS does with built-in keys goes on.
    let built_in = client.create_key().await.key_id;
    let input = data_key_pair(&built_in, DataKeyPairSpec::EccNistP256);
    client.kms.generate_data_key_pair(&client.context(), input).await.unwrap();
}

/// FIPS 140-3 mode has no Ed25519 with these HSMs. The refusal says so, and nothing is half made.
#[test]
fn a_cluster_in_fips_mode_makes_no_ed25519_keys() {
    run(async {
        let database = TestDatabase::sqlite();
        let lab = Lab::in_fips_mode(&database).await;
        let refused = lab.try_create("ECC_NIST_EDWARDS25519", "SIGN_VERIFY").await.unwrap_err();
        assert_eq!(
            refused.to_string(),
            "UnsupportedOperationException: The CloudHSM cluster of this custom key store makes no keys of KeySpec \
             ECC_NIST_EDWARDS25519: Ed25519 is not available in FIPS mode"
        );
        assert_eq!(lab.client.key_ids(None).await, [""; 0]);
        assert_eq!(keys(&lab.cluster).len(), 0);
        lab.create("ECC_NIST_P256", "SIGN_VERIFY").await;
        lab.create("ECC_SECG_P256K1", "SIGN_VERIFY").await;
    });
}
