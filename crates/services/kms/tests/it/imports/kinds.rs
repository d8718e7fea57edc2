//! Materials of every kind that can be brought, wrapped in every way that AWS lets.

use strongroom_api_kms::{
    GenerateMacRequest, GetPublicKeyRequest, KeySpec, KeyState, KeyUsageType, Kms as _, MacAlgorithmSpec,
    OriginType, SignRequest, SigningAlgorithmSpec,
};
use strongroom_crypto::digest::Hash;
use strongroom_crypto::{ec, ed25519, hmac, rsa};
use strongroom_schema::Blob;
use strongroom_secret::Secret;
use strongroom_testkit::{TestDatabase, on_both_engines};

use crate::fixture::{Client, Parameters, client, external, plaintext};
use crate::symmetric_only::derive_shared_secret;

const OAEP: [&str; 2] = ["RSAES_OAEP_SHA_1", "RSAES_OAEP_SHA_256"];
const KEY_WRAP: [&str; 2] = ["RSA_AES_KEY_WRAP_SHA_1", "RSA_AES_KEY_WRAP_SHA_256"];

on_both_engines! {
    symmetric_keys_travel_by_oaep,
    secrets_for_macs_are_as_long_as_their_owner_wants,
    private_keys_of_curves_travel_both_ways,
    private_keys_of_rsa_travel_under_aes,
    what_cannot_travel_so_is_refused,
    a_public_half_outlives_its_private_one,
    a_secret_agreed_on_says_whose_key_it_comes_from,
}

async fn made(client: &Client, spec: &KeySpec, usage: &KeyUsageType) -> String {
    client.try_create_key(external(spec.clone(), usage.clone())).await.unwrap().key_id
}

/// Brings a material in each of these ways, to a key of its own each time; answers the last.
async fn brought(
    client: &Client,
    (spec, usage): (KeySpec, KeyUsageType),
    ways: &[&str],
    material: &[u8],
) -> String {
    let mut last = String::new();
    for (index, algorithm) in ways.iter().enumerate() {
        // The longest wrapping keys take seconds to make.
        let under = if index == 0 { "RSA_3072" } else { "RSA_2048" };
        let under = if spec == KeySpec::EccNistP521 { "RSA_3072" } else { under };
        last = made(client, &spec, &usage).await;
        let answer = client.try_parameters(&last, algorithm, under).await.unwrap();
        let parameters = Parameters::of(answer, algorithm);
        let public = rsa::PublicKey::from_spki(&parameters.public_key).unwrap();
        assert_eq!(format!("RSA_{}", public.bits()), under);
        let answer = client.import(parameters.import(&last, material)).await.unwrap();
        assert_eq!(answer.key_material_id.is_some(), spec == KeySpec::SymmetricDefault);
        let shown = client.describe(&last).await.unwrap();
        assert_eq!((shown.key_state, shown.key_spec), (Some(KeyState::Enabled), Some(spec.clone())));
    }
    last
}

async fn public_key(client: &Client, key: &str) -> Vec<u8> {
    let input = GetPublicKeyRequest { key_id: key.to_owned(), ..GetPublicKeyRequest::default() };
    client.kms.get_public_key(&client.context(), input).await.unwrap().public_key.unwrap().0
}

async fn symmetric_keys_travel_by_oaep(database: &TestDatabase) {
    let client = client(database).await;
    brought(&client, (KeySpec::SymmetricDefault, KeyUsageType::EncryptDecrypt), &OAEP, &[7; 32]).await;
}

async fn secrets_for_macs_are_as_long_as_their_owner_wants(database: &TestDatabase) {
    let client = client(database).await;
    for (spec, hash, algorithm, least) in [
        (KeySpec::Hmac224, Hash::Sha224, MacAlgorithmSpec::HmacSha224, 28),
        (KeySpec::Hmac256, Hash::Sha256, MacAlgorithmSpec::HmacSha256, 32),
        (KeySpec::Hmac384, Hash::Sha384, MacAlgorithmSpec::HmacSha384, 48),
        (KeySpec::Hmac512, Hash::Sha512, MacAlgorithmSpec::HmacSha512, 64),
    ] {
        for length in [least, 128] {
            let material = vec![9; length];
            let kind = (spec.clone(), KeyUsageType::GenerateVerifyMac);
            let key = brought(&client, kind, &OAEP[1..], &material).await;
            let input = GenerateMacRequest {
                key_id: key,
                message: Secret::new(Blob(b"message".to_vec())),
                mac_algorithm: algorithm.clone(),
                ..GenerateMacRequest::default()
            };
            let mac = client.kms.generate_mac(&client.context(), input).await.unwrap().mac.unwrap().0;
            assert_eq!(mac, hmac::Hmac::new(hash, &material).sign(&[b"message"]));
        }
        let key = made(&client, &spec, &KeyUsageType::GenerateVerifyMac).await;
        for length in [least - 1, 129] {
            let refused = client.bring(&key, &vec![9; length]).await.unwrap_err();
            assert_eq!(refused.code(), "IncorrectKeyMaterialException", "{length}");
        }
    }
}

async fn private_keys_of_curves_travel_both_ways(database: &TestDatabase) {
    let client = client(database).await;
    let ways = [OAEP, KEY_WRAP].concat();
    for (spec, curve, usage) in [
        (KeySpec::EccNistP256, ec::Curve::P256, KeyUsageType::SignVerify),
        (KeySpec::EccNistP384, ec::Curve::P384, KeyUsageType::KeyAgreement),
        (KeySpec::EccNistP521, ec::Curve::P521, KeyUsageType::SignVerify),
        (KeySpec::EccSecgP256K1, ec::Curve::Secp256k1, KeyUsageType::SignVerify),
    ] {
        let pair = ec::PrivateKey::generate(curve).unwrap();
        let key = brought(&client, (spec, usage), &ways, pair.to_pkcs8().unwrap().expose()).await;
        assert_eq!(public_key(&client, &key).await, pair.public_key().to_spki().unwrap());
    }
    let pair = ed25519::PrivateKey::generate().unwrap();
    let kind = (KeySpec::EccNistEdwards25519, KeyUsageType::SignVerify);
    let key = brought(&client, kind, &ways, pair.to_pkcs8().unwrap().expose()).await;
    assert_eq!(public_key(&client, &key).await, pair.public_key().to_spki());
    let input = SignRequest {
        key_id: key,
        message: Secret::new(Blob(b"message".to_vec())),
        signing_algorithm: SigningAlgorithmSpec::Ed25519Sha512,
        ..SignRequest::default()
    };
    let signature = client.kms.sign(&client.context(), input).await.unwrap().signature.unwrap().0;
    pair.public_key().verify(b"message", &signature).unwrap();
}

async fn private_keys_of_rsa_travel_under_aes(database: &TestDatabase) {
    let client = client(database).await;
    let pair = rsa::PrivateKey::generate(2_048, 65_537).unwrap();
    let pkcs8 = pair.to_pkcs8().unwrap();
    let kind = (KeySpec::Rsa2048, KeyUsageType::EncryptDecrypt);
    let key = brought(&client, kind, &KEY_WRAP, pkcs8.expose()).await;
    assert_eq!(public_key(&client, &key).await, pair.public_key().to_spki().unwrap());
    // One of another length is another KeySpec's.
    let other = made(&client, &KeySpec::Rsa3072, &KeyUsageType::EncryptDecrypt).await;
    let parameters = client.parameters(&other, KEY_WRAP[1]).await;
    let refused = client.import(parameters.import(&other, pkcs8.expose())).await.unwrap_err();
    assert_eq!(refused.code(), "IncorrectKeyMaterialException");
}

async fn what_cannot_travel_so_is_refused(database: &TestDatabase) {
    let client = client(database).await;
    for (spec, usage, algorithm, under) in [
        (KeySpec::SymmetricDefault, KeyUsageType::EncryptDecrypt, KEY_WRAP[0], "RSA_4096"),
        (KeySpec::Hmac256, KeyUsageType::GenerateVerifyMac, KEY_WRAP[1], "RSA_4096"),
        (KeySpec::Rsa2048, KeyUsageType::SignVerify, OAEP[0], "RSA_4096"),
        (KeySpec::Rsa4096, KeyUsageType::SignVerify, OAEP[1], "RSA_4096"),
        (KeySpec::EccNistP521, KeyUsageType::SignVerify, OAEP[1], "RSA_2048"),
    ] {
        let key = made(&client, &spec, &usage).await;
        let refused = client.try_parameters(&key, algorithm, under).await.unwrap_err();
        assert_eq!(
            refused.to_string(),
            format!(
                "UnsupportedOperationException: Algorithm {algorithm} with wrapping key spec {under} is incompatible with \
                 key spec {}.",
                spec.as_str()
            )
        );
    }
    let key = client.empty_key().await;
    for (algorithm, under, why) in [
        ("RSAES_PKCS1_V1_5", "RSA_4096", "Wrapping algorithm RSAES_PKCS1_V1_5 is not supported."),
        ("SM2PKE", "SM2", "Wrapping algorithm SM2PKE is not supported."),
        ("RSAES_OAEP_SHA_256", "SM2", "WrappingKeySpec SM2 is not supported in this Region"),
    ] {
        let refused = client.try_parameters(&key, algorithm, under).await.unwrap_err();
        assert_eq!(refused.to_string(), format!("UnsupportedOperationException: {why}"));
    }
    for spec in [KeySpec::MlDsa44, KeySpec::MlDsa87] {
        let refused =
            client.try_create_key(external(spec.clone(), KeyUsageType::SignVerify)).await.unwrap_err();
        assert_eq!(
            refused.to_string(),
            format!(
                "UnsupportedOperationException: KeySpec {} is not supported for Origin EXTERNAL.",
                spec.as_str()
            )
        );
    }
}

async fn a_public_half_outlives_its_private_one(database: &TestDatabase) {
    let client = client(database).await;
    let pair = ec::PrivateKey::generate(ec::Curve::P256).unwrap();
    let key = made(&client, &KeySpec::EccNistP256, &KeyUsageType::SignVerify).await;
    let input = GetPublicKeyRequest { key_id: key.clone(), ..GetPublicKeyRequest::default() };
    let refused = client.kms.get_public_key(&client.context(), input).await.unwrap_err();
    assert_eq!(refused.code(), "KMSInvalidStateException", "there is none yet");
    client.bring(&key, pair.to_pkcs8().unwrap().expose()).await.unwrap();
    client.take_away(&key, None).await.unwrap();
    assert_eq!(public_key(&client, &key).await, pair.public_key().to_spki().unwrap());
    // Only the same pair comes back.
    let other = ec::PrivateKey::generate(ec::Curve::P256).unwrap();
    let refused = client.bring(&key, other.to_pkcs8().unwrap().expose()).await.unwrap_err();
    assert_eq!(refused.code(), "IncorrectKeyMaterialException");
    client.bring(&key, pair.to_pkcs8().unwrap().expose()).await.unwrap();
}

async fn a_secret_agreed_on_says_whose_key_it_comes_from(database: &TestDatabase) {
    let client = client(database).await;
    let pair = ec::PrivateKey::generate(ec::Curve::P256).unwrap();
    let peer = ec::PrivateKey::generate(ec::Curve::P256).unwrap();
    let key = made(&client, &KeySpec::EccNistP256, &KeyUsageType::KeyAgreement).await;
    client.bring(&key, pair.to_pkcs8().unwrap().expose()).await.unwrap();
    let input = derive_shared_secret(&key, &peer.public_key().to_spki().unwrap());
    let agreed = client.kms.derive_shared_secret(&client.context(), input).await.unwrap();
    assert_eq!(agreed.key_origin, Some(OriginType::External));
    assert_eq!(&plaintext(agreed.shared_secret), pair.agree(peer.public_key()).unwrap().expose());
}
