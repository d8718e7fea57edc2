//! Keys made in a cluster, and what is refused.

use strongroom_api_kms::{CreateKeyRequest, KeySpec, KeyState, Kms as _, OriginType};
use strongroom_hsm_proto::command::{AttributeName, AttributeValue};
use strongroom_testkit::{TestDatabase, on_both_engines};

use super::{Rig, attribute, said};
use crate::fixture::cloud::ZONES;

on_both_engines! {
    a_key_is_made_in_the_hsms_and_cannot_leave_them,
    both_spellings_of_the_origin_make_the_same,
    what_cannot_be_made_is_refused_and_leaves_nothing,
    strict_mode_knows_one_spelling_and_symmetric_keys,
}

async fn a_key_is_made_in_the_hsms_and_cannot_leave_them(database: &TestDatabase) {
    let rig = Rig::new(database).await;
    let context = rig.changing();
    let made = rig.client.kms.create_key(&context, rig.asking()).await.unwrap().key_metadata.unwrap();
    assert_eq!(made.origin, Some(OriginType::AwsCloudhsm));
    assert_eq!(made.custom_key_store_id.as_ref(), Some(&rig.store));
    assert_eq!(made.cloud_hsm_cluster_id.as_ref(), Some(&rig.cluster.id));
    assert_eq!(made.key_state, Some(KeyState::Enabled));
    assert_eq!(made.key_spec, Some(KeySpec::SymmetricDefault));
    assert_eq!(made.multi_region, Some(false));
    assert_eq!(format!("{:?}", rig.describe(&made.key_id).await.unwrap()), format!("{made:?}"));

    let keys = rig.hsm_keys();
    let [key] = keys.as_slice() else { panic!("{keys:?}") };
    let material = made.current_key_material_id.unwrap();
    let id = strongroom_crypto::hex::decode(&material).unwrap();
    assert_eq!(attribute(key, AttributeName::Label), AttributeValue::Bytes(made.arn.unwrap().into_bytes()));
    assert_eq!(attribute(key, AttributeName::Id), AttributeValue::Bytes(id));
    assert_eq!(attribute(key, AttributeName::ValueLength), AttributeValue::Number(32));
    for (name, value) in [
        (AttributeName::Token, true),
        (AttributeName::Private, true),
        (AttributeName::Sensitive, true),
        (AttributeName::Extractable, false),
        (AttributeName::NeverExtractable, true),
        (AttributeName::Encrypt, true),
        (AttributeName::Decrypt, true),
        (AttributeName::Wrap, false),
        (AttributeName::Unwrap, false),
        (AttributeName::Sign, false),
        (AttributeName::Derive, false),
    ] {
        assert_eq!(attribute(key, name), AttributeValue::Flag(value), "{name:?}");
    }

    let additional = context.take_notes().additional;
    let (_, backing_key) = additional.iter().find(|(name, _)| *name == "backingKey").unwrap();
    let expected = format!(r#"{{"keyHandle":"{}","backingKeyId":"{material}"}}"#, key.key);
    assert_eq!(format!("{backing_key:?}"), format!("Text({expected:?})"));
}

async fn both_spellings_of_the_origin_make_the_same(database: &TestDatabase) {
    let rig = Rig::new(database).await;
    let spelt = CreateKeyRequest { origin: Some(OriginType::from("CLOUDHSM")), ..rig.asking() };
    let made = rig.try_create_key(spelt).await.unwrap();
    assert_eq!(made.origin, Some(OriginType::AwsCloudhsm));
    let recorded =
        strongroom_kms::spell_origin(r#"{"origin":"CLOUDHSM","description":"CLOUDHSM"}"#.to_owned());
    assert_eq!(recorded, r#"{"origin":"AWS_CLOUDHSM","description":"CLOUDHSM"}"#);
}

async fn what_cannot_be_made_is_refused_and_leaves_nothing(database: &TestDatabase) {
    let rig = Rig::new(database).await;
    let cases = [
        (
            CreateKeyRequest { custom_key_store_id: None, ..rig.asking() },
            "ValidationException: You must specify a CustomKeyStoreId with Origin AWS_CLOUDHSM.",
        ),
        (
            CreateKeyRequest { origin: None, ..rig.asking() },
            "ValidationException: CustomKeyStoreId can only be specified with Origin AWS_CLOUDHSM or \
             EXTERNAL_KEY_STORE.",
        ),
        (
            CreateKeyRequest { xks_key_id: Some("1".to_owned()), ..rig.asking() },
            "ValidationException: XksKeyId can only be specified with Origin EXTERNAL_KEY_STORE.",
        ),
        (
            CreateKeyRequest { multi_region: Some(true), ..rig.asking() },
            "UnsupportedOperationException: You cannot create a multi-Region key in a custom key store.",
        ),
        (
            CreateKeyRequest {
                custom_key_store_id: Some("cks-0000000000000000a".to_owned()),
                ..rig.asking()
            },
            "CustomKeyStoreNotFoundException: Custom key store 'cks-0000000000000000a' does not exist",
        ),
    ];
    for (input, text) in cases {
        assert_eq!(said(rig.try_create_key(input).await), text);
    }

    // One HSM is not enough, and neither are two in one zone.
    let second = rig.cluster.hsms()[1].clone();
    second.set_active(false);
    let refused = said(rig.try_create_key(rig.asking()).await);
    assert!(refused.starts_with("CloudHsmClusterInvalidConfigurationException: "), "{refused}");
    rig.cluster.add_hsm(ZONES[0], &rig.cloud.free_address(0));
    let refused = said(rig.try_create_key(rig.asking()).await);
    assert!(refused.starts_with("CloudHsmClusterInvalidConfigurationException: "), "{refused}");
    second.set_active(true);

    rig.disconnect().await;
    let refused = said(rig.try_create_key(rig.asking()).await);
    assert!(refused.starts_with("CustomKeyStoreInvalidStateException: "), "{refused}");

    assert_eq!(rig.key_ids(None).await, [""; 0]);
    assert_eq!(rig.hsm_keys().len(), 0);
    assert_eq!(rig.client.kms.next_due().await, None, "no leftover either");
    rig.connect().await;
    rig.key().await;
}

async fn strict_mode_knows_one_spelling_and_symmetric_keys(database: &TestDatabase) {
    let rig = Rig::strict(database).await;
    let spelt = CreateKeyRequest { origin: Some(OriginType::from("CLOUDHSM")), ..rig.asking() };
    assert_eq!(
        said(rig.try_create_key(spelt).await),
        "ValidationException: 1 validation error detected: Value 'CLOUDHSM' at 'origin' failed to satisfy constraint: \
         Member must satisfy enum value set: [AWS_KMS, EXTERNAL, AWS_CLOUDHSM, EXTERNAL_KEY_STORE]"
    );
    let rsa = CreateKeyRequest {
        key_spec: Some(KeySpec::Rsa2048),
        key_usage: Some("SIGN_VERIFY".into()),
        ..rig.asking()
    };
    assert_eq!(
        said(rig.try_create_key(rsa).await),
        "UnsupportedOperationException: KeySpec must be SYMMETRIC_DEFAULT for a key in a custom key store."
    );
    let key = rig.key().await;
    let text = format!(
        "UnsupportedOperationException: {} origin is AWS_CLOUDHSM which is not valid for this operation.",
        rig.arn(&format!("key/{key}"))
    );
    assert_eq!(said(rig.enable_rotation(&key, Some(90)).await), text);
    assert_eq!(said(rig.disable_rotation(&key).await), text);
    assert_eq!(said(rig.rotate(&key).await), text);
    assert_eq!(said(rig.rotation_status(&key).await), text);
    assert_eq!(said(rig.list_rotations(&key, None, None, None).await), text);
    assert_eq!(rig.hsm_keys().len(), 1);
}
