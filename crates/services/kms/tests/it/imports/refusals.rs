//! What is no import, and that nothing comes of it.

use strongroom_api_kms::{ImportKeyMaterialRequest, ImportType, KeySpec, KeyState, KeyUsageType};
use strongroom_crypto::{ec, rsa};
use strongroom_schema::Blob;
use strongroom_service::ApiError;
use strongroom_testkit::{TestDatabase, on_both_engines};

use crate::fixture::{ABSENT, Client, client, external};

const MATERIAL: [u8; 32] = [0x5a; 32];

on_both_engines! {
    keys_of_another_origin_take_no_material,
    what_was_wrapped_otherwise_is_one_refusal,
    every_tampered_byte_is_that_refusal,
    what_is_no_material_of_the_key_is_another,
    what_is_said_of_symmetric_keys_only_is_refused_of_others,
    new_and_known_materials_are_told_apart,
    aliases_name_no_key_here,
}

/// The refusal has not told why, and nothing was imported.
async fn is_refused(client: &Client, key: &str, outcome: Result<impl Sized, ApiError>, text: &str) {
    let Err(refused) = outcome else { panic!("it was imported") };
    assert_eq!(refused.to_string(), text);
    let shown = client.describe(key).await.unwrap();
    assert_eq!((shown.key_state, shown.current_key_material_id), (Some(KeyState::PendingImport), None));
}

const INVALID: &str = "InvalidCiphertextException";

async fn keys_of_another_origin_take_no_material(database: &TestDatabase) {
    let client = client(database).await;
    let (key, external) = (client.create_key().await, client.empty_key().await);
    let (id, arn) = (key.key_id, key.arn.unwrap());
    let text = format!(
        "UnsupportedOperationException: {arn} origin is AWS_KMS which is not valid for this operation."
    );
    let parameters = client.parameters(&external, "RSAES_OAEP_SHA_256").await;
    let refused = client.try_parameters(&id, "RSAES_OAEP_SHA_256", "RSA_2048").await.unwrap_err();
    assert_eq!(refused.to_string(), text);
    assert_eq!(client.import(parameters.import(&id, &MATERIAL)).await.unwrap_err().to_string(), text);
    assert_eq!(client.take_away(&id, None).await.unwrap_err().to_string(), text);
    // And it does not rotate by itself (measured: public tools quote the text for the last of these).
    let arn = client.arn(&format!("key/{external}"));
    let text = format!(
        "UnsupportedOperationException: {arn} origin is EXTERNAL which is not valid for this operation."
    );
    client.bring(&external, &MATERIAL).await.unwrap();
    assert_eq!(client.enable_rotation(&external, None).await.unwrap_err().to_string(), text);
    assert_eq!(client.disable_rotation(&external).await.unwrap_err().to_string(), text);
    assert_eq!(client.rotation_status(&external).await.unwrap_err().to_string(), text);
}

async fn what_was_wrapped_otherwise_is_one_refusal(database: &TestDatabase) {
    let client = client(database).await;
    let key = client.empty_key().await;
    let of = |wrapped: Vec<u8>, input: &ImportKeyMaterialRequest| ImportKeyMaterialRequest {
        encrypted_key_material: Blob(wrapped),
        ..input.clone()
    };
    for algorithm in ["RSAES_OAEP_SHA_1", "RSAES_OAEP_SHA_256"] {
        let (parameters, other) =
            (client.parameters(&key, algorithm).await, client.parameters(&key, algorithm).await);
        let sound = parameters.import(&key, &MATERIAL);
        let otherwise =
            parameters.by(if algorithm.ends_with('1') { "RSAES_OAEP_SHA_256" } else { "RSAES_OAEP_SHA_1" });
        let public = rsa::PublicKey::from_spki(&parameters.public_key).unwrap();
        let wrapped = parameters.wrap(&MATERIAL);
        let long = [wrapped.as_slice(), &[0]].concat();
        for (what, bad) in [
            ("by another key", other.wrap(&MATERIAL)),
            ("by the other hash", otherwise.wrap(&MATERIAL)),
            ("by PKCS#1 v1.5", public.encrypt_pkcs1(&MATERIAL).unwrap()),
            ("not at all", MATERIAL.to_vec()),
            ("cut short", wrapped[..255].to_vec()),
            ("too long", long),
            ("one byte", vec![0]),
            ("the longest", vec![0xff; 6_144]),
        ] {
            let refused = client.import(of(bad, &sound)).await.unwrap_err();
            assert_eq!(refused.to_string(), INVALID, "{algorithm}: {what}");
            assert_eq!(client.describe(&key).await.unwrap().key_state, Some(KeyState::PendingImport));
        }
    }
    let key =
        client.try_create_key(external(KeySpec::EccNistP256, KeyUsageType::SignVerify)).await.unwrap().key_id;
    let pair = ec::PrivateKey::generate(ec::Curve::P256).unwrap();
    let pkcs8 = pair.to_pkcs8().unwrap();
    let parameters = client.parameters(&key, "RSA_AES_KEY_WRAP_SHA_256").await;
    let sound = parameters.import(&key, pkcs8.expose());
    let wrapped = sound.encrypted_key_material.0.clone();
    let by_oaep = parameters.by("RSAES_OAEP_SHA_256");
    for (what, bad) in [
        ("by OAEP alone", by_oaep.wrap(pkcs8.expose())),
        ("the AES key alone", wrapped[..256].to_vec()),
        ("less than the AES key", wrapped[..100].to_vec()),
        ("cut short", wrapped[..wrapped.len() - 8].to_vec()),
        ("an AES key of no length", [by_oaep.wrap(&[1; 31]), wrapped[256..].to_vec()].concat()),
        ("another AES key", [by_oaep.wrap(&[1; 32]), wrapped[256..].to_vec()].concat()),
    ] {
        let refused = client.import(of(bad, &sound)).await.unwrap_err();
        assert_eq!(refused.to_string(), INVALID, "{what}");
        assert_eq!(client.describe(&key).await.unwrap().key_state, Some(KeyState::PendingImport));
    }
    client.import(sound).await.unwrap();
}

async fn every_tampered_byte_is_that_refusal(database: &TestDatabase) {
    let client = client(database).await;
    let key =
        client.try_create_key(external(KeySpec::EccNistP256, KeyUsageType::SignVerify)).await.unwrap().key_id;
    let pair = ec::PrivateKey::generate(ec::Curve::P256).unwrap();
    let parameters = client.parameters(&key, "RSA_AES_KEY_WRAP_SHA_256").await;
    let sound = parameters.import(&key, pair.to_pkcs8().unwrap().expose());
    // PostgreSQL does not see any of it: a part is enough there.
    let step = if database.sqlite_file().is_some() { 1 } else { 37 };
    for position in (0..sound.encrypted_key_material.0.len()).step_by(step) {
        let mut bad = sound.clone();
        bad.encrypted_key_material.0[position] ^= 0x40;
        assert_eq!(client.import(bad).await.unwrap_err().to_string(), INVALID, "byte {position}");
    }
    assert_eq!(client.describe(&key).await.unwrap().key_state, Some(KeyState::PendingImport));
    client.import(sound).await.unwrap();
}

async fn what_is_no_material_of_the_key_is_another(database: &TestDatabase) {
    let client = client(database).await;
    let text = "IncorrectKeyMaterialException: The key material in the request is, expired, invalid, or does not meet \
                expectations.";
    let key = client.empty_key().await;
    for length in [1, 16, 31, 33, 64] {
        is_refused(&client, &key, client.bring(&key, &vec![7; length]).await, text).await;
    }
    let key =
        client.try_create_key(external(KeySpec::EccNistP256, KeyUsageType::SignVerify)).await.unwrap().key_id;
    let right = ec::PrivateKey::generate(ec::Curve::P256).unwrap();
    let wrong = ec::PrivateKey::generate(ec::Curve::Secp256k1).unwrap();
    let pkcs8 = right.to_pkcs8().unwrap();
    for bad in [
        wrong.to_pkcs8().unwrap().expose().clone(),
        right.to_sec1().unwrap().expose().clone(),
        right.public_key().to_spki().unwrap(),
        pkcs8.expose()[..pkcs8.expose().len() - 1].to_vec(),
        [pkcs8.expose().as_slice(), &[0]].concat(),
        MATERIAL.to_vec(),
    ] {
        is_refused(&client, &key, client.bring(&key, &bad).await, text).await;
    }
    client.bring(&key, pkcs8.expose()).await.unwrap();
}

async fn what_is_said_of_symmetric_keys_only_is_refused_of_others(database: &TestDatabase) {
    let client = client(database).await;
    let key = client
        .try_create_key(external(KeySpec::Hmac256, KeyUsageType::GenerateVerifyMac))
        .await
        .unwrap()
        .key_id;
    let parameters = client.parameters(&key, "RSAES_OAEP_SHA_256").await;
    let import = || parameters.import(&key, &MATERIAL);
    for (input, member) in [
        (
            ImportKeyMaterialRequest { import_type: Some(ImportType::NewKeyMaterial), ..import() },
            "ImportType",
        ),
        (
            ImportKeyMaterialRequest { key_material_description: Some("mine".to_owned()), ..import() },
            "KeyMaterialDescription",
        ),
        (ImportKeyMaterialRequest { key_material_id: Some("a".repeat(64)), ..import() }, "KeyMaterialId"),
    ] {
        let text = format!("ValidationException: {member} is only valid for symmetric encryption KMS keys.");
        is_refused(&client, &key, client.import(input).await, &text).await;
    }
    client.import(import()).await.unwrap();
    // Nor is it said of one that is to go, or has gone.
    assert_eq!(
        client.take_away(&key, Some(&"a".repeat(64))).await.unwrap_err().to_string(),
        "ValidationException: KeyMaterialId is only valid for symmetric encryption KMS keys."
    );
    assert_eq!(client.take_away(&key, None).await.unwrap().key_material_id, None);
}

async fn new_and_known_materials_are_told_apart(database: &TestDatabase) {
    let client = client(database).await;
    let key = client.empty_key().await;
    let parameters = client.parameters(&key, "RSAES_OAEP_SHA_256").await;
    let import = |material: u8, kind: Option<ImportType>, id: Option<&str>| ImportKeyMaterialRequest {
        import_type: kind,
        key_material_id: id.map(str::to_owned),
        ..parameters.import(&key, &[material; 32])
    };
    let (new, existing) = (Some(ImportType::NewKeyMaterial), Some(ImportType::ExistingKeyMaterial));
    let incorrect = "IncorrectKeyMaterialException";
    assert_eq!(client.import(import(1, existing.clone(), None)).await.unwrap_err().code(), incorrect);
    let unknown = "0".repeat(64);
    assert_eq!(client.import(import(1, None, Some(&unknown))).await.unwrap_err().code(), incorrect);
    let refused = client.import(import(1, new.clone(), Some(&unknown))).await.unwrap_err();
    assert_eq!(
        refused.to_string(),
        "ValidationException: KeyMaterialId cannot be specified if ImportType is NEW_KEY_MATERIAL."
    );
    let first = client.import(import(1, new.clone(), None)).await.unwrap().key_material_id.unwrap();
    assert_eq!(client.import(import(1, new.clone(), None)).await.unwrap_err().code(), incorrect);
    assert_eq!(client.import(import(2, None, None)).await.unwrap_err().code(), incorrect);
    assert_eq!(client.import(import(2, existing.clone(), None)).await.unwrap_err().code(), incorrect);
    assert_eq!(
        client.import(import(1, existing.clone(), Some(&unknown))).await.unwrap_err().code(),
        incorrect
    );
    client.import(import(1, existing, Some(&first))).await.unwrap();
    client.import(import(1, None, Some(&first))).await.unwrap();
    let second = client.import(import(2, new.clone(), None)).await.unwrap().key_material_id.unwrap();
    assert_eq!(client.import(import(1, None, Some(&second))).await.unwrap_err().code(), incorrect);
    let arn = client.arn(&format!("key/{key}"));
    assert_eq!(
        client.import(import(3, new, None)).await.unwrap_err().to_string(),
        format!(
            "KMSInvalidStateException: {arn} has key material pending rotation already. Rotate the key on demand or \
             delete that material first."
        )
    );
}

async fn aliases_name_no_key_here(database: &TestDatabase) {
    let client = client(database).await;
    let key = client.empty_key().await;
    let parameters = client.parameters(&key, "RSAES_OAEP_SHA_256").await;
    client.create_alias("alias/x", &key).await.unwrap();
    let alias = "InvalidArnException: Key Aliases are not supported for this operation.";
    let refused = client.try_parameters("alias/x", "RSAES_OAEP_SHA_256", "RSA_2048").await.unwrap_err();
    assert_eq!(refused.to_string(), alias);
    assert_eq!(client.import(parameters.import("alias/x", &MATERIAL)).await.unwrap_err().to_string(), alias);
    assert_eq!(client.take_away("alias/x", None).await.unwrap_err().to_string(), alias);
    for refused in [
        client.try_parameters(ABSENT, "RSAES_OAEP_SHA_256", "RSA_2048").await.unwrap_err(),
        client.import(parameters.import(ABSENT, &MATERIAL)).await.unwrap_err(),
        client.take_away(ABSENT, None).await.unwrap_err(),
    ] {
        let arn = client.arn(&format!("key/{ABSENT}"));
        assert_eq!(refused.to_string(), format!("NotFoundException: Key '{arn}' does not exist"));
    }
}
