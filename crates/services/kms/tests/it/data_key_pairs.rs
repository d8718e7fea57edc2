//! Data key pairs: halves that belong together, the private one encrypted like anything else under a symmetric key.

use std::pin::Pin;
use std::task::Poll;

use strongroom_api_kms::{
    DataKeyPairSpec, GenerateDataKeyPairRequest, GenerateDataKeyPairResponse,
    GenerateDataKeyPairWithoutPlaintextRequest, GenerateDataKeyPairWithoutPlaintextResponse, Kms as _,
    RecipientInfo,
};
use strongroom_crypto::digest::Hash;
use strongroom_crypto::{CryptoError, ec, ed25519, ml_kem, rsa};
use strongroom_service::ApiError;
use strongroom_testkit::{TestDatabase, on_both_engines, run};

use crate::fixture::{ABSENT, Client, NOW, Pairs, REGION, STRANGER, bound_to, client, plaintext};

on_both_engines! {
    both_halves_belong_together,
    a_private_half_that_its_caller_does_not_get,
    pairs_that_are_not_made,
    so_many_rsa_keys_wait_and_nobody_else,
}

/// Long primes take seconds to find: once is enough.
#[test]
fn long_rsa_keys_belong_together_too() {
    run(async {
        let database = TestDatabase::sqlite();
        let client = client(&database).await;
        let key = client.create_key().await.key_id;
        for spec in [DataKeyPairSpec::Rsa3072, DataKeyPairSpec::Rsa4096] {
            belong_together(&client, &key, spec).await;
        }
    });
}

pub(crate) fn data_key_pair(key_id: &str, spec: DataKeyPairSpec) -> GenerateDataKeyPairRequest {
    GenerateDataKeyPairRequest {
        key_id: key_id.to_owned(),
        key_pair_spec: spec,
        ..GenerateDataKeyPairRequest::default()
    }
}

async fn generate(
    client: &Client,
    input: GenerateDataKeyPairRequest,
) -> Result<GenerateDataKeyPairResponse, ApiError> {
    client.kms.generate_data_key_pair(&client.context(), input).await
}

async fn without_plaintext(
    client: &Client,
    key_id: &str,
    spec: DataKeyPairSpec,
    pairs: Pairs<'_>,
) -> Result<GenerateDataKeyPairWithoutPlaintextResponse, ApiError> {
    let input = GenerateDataKeyPairWithoutPlaintextRequest {
        key_id: key_id.to_owned(),
        key_pair_spec: spec,
        encryption_context: bound_to(pairs),
        ..GenerateDataKeyPairWithoutPlaintextRequest::default()
    };
    client.kms.generate_data_key_pair_without_plaintext(&client.context(), input).await
}

/// Signs with the one half and verifies with the other, or encapsulates and takes out, outside KMS.
pub(crate) fn fit(spec: &DataKeyPairSpec, private: &[u8], public: &[u8]) -> Result<(), CryptoError> {
    let digest = Hash::Sha256.digest(b"message");
    let rsa = |bits| {
        let key = rsa::PrivateKey::from_pkcs8(private)?;
        let public = rsa::PublicKey::from_spki(public)?;
        assert_eq!(public.bits(), bits);
        public.verify_pkcs1(Hash::Sha256, &digest, &key.sign_pkcs1(Hash::Sha256, &digest)?)
    };
    let curve = |curve| {
        let key = ec::PrivateKey::from_pkcs8(private)?;
        let public = ec::PublicKey::from_spki(public)?;
        assert_eq!((key.curve(), public.curve()), (curve, curve));
        public.verify_digest(&digest, &key.sign_digest(&digest)?)
    };
    let kem = |set| {
        let key = ml_kem::PrivateKey::from_pkcs8(set, private)?;
        let sent = ml_kem::PublicKey::from_spki(set, public)?.encapsulate()?;
        assert_eq!(key.decapsulate(&sent.ciphertext)?.expose(), sent.secret.expose());
        Ok(())
    };
    match spec {
        DataKeyPairSpec::MlKem512 => kem(ml_kem::ParameterSet::MlKem512),
        DataKeyPairSpec::MlKem768 => kem(ml_kem::ParameterSet::MlKem768),
        DataKeyPairSpec::MlKem1024 => kem(ml_kem::ParameterSet::MlKem1024),
        DataKeyPairSpec::Rsa2048 => rsa(2_048),
        DataKeyPairSpec::Rsa3072 => rsa(3_072),
        DataKeyPairSpec::Rsa4096 => rsa(4_096),
        DataKeyPairSpec::EccNistP256 => curve(ec::Curve::P256),
        DataKeyPairSpec::EccNistP384 => curve(ec::Curve::P384),
        DataKeyPairSpec::EccNistP521 => curve(ec::Curve::P521),
        DataKeyPairSpec::EccSecgP256K1 => curve(ec::Curve::Secp256k1),
        DataKeyPairSpec::EccNistEdwards25519 => {
            let key = ed25519::PrivateKey::from_pkcs8(private)?;
            ed25519::PublicKey::from_spki(public)?.verify(b"message", &key.sign(b"message")?)
        }
        other => panic!("{}", other.as_str()),
    }
}

async fn belong_together(client: &Client, key: &str, spec: DataKeyPairSpec) {
    let context: Pairs<'_> = &[("tenant", "blue")];
    let input = GenerateDataKeyPairRequest {
        encryption_context: bound_to(context),
        ..data_key_pair(key, spec.clone())
    };
    let made = generate(client, input).await.unwrap();
    let private = plaintext(made.private_key_plaintext);
    fit(&spec, &private, &made.public_key.unwrap().0).unwrap();
    assert_eq!(made.key_pair_spec, Some(spec));
    assert!(made.ciphertext_for_recipient.is_none());
    let described = client.describe(key).await.unwrap();
    assert_eq!((made.key_id, made.key_material_id), (described.arn, described.current_key_material_id));
    let blob = made.private_key_ciphertext_blob.unwrap().0;
    assert_eq!(client.decrypt(&blob, None, context).await.unwrap(), private);
    assert!(client.decrypt(&blob, None, &[]).await.is_err());
}

async fn both_halves_belong_together(database: &TestDatabase) {
    let client = client(database).await;
    let key = client.create_key().await.key_id;
    for spec in [
        DataKeyPairSpec::Rsa2048,
        DataKeyPairSpec::EccNistP256,
        DataKeyPairSpec::EccNistP384,
        DataKeyPairSpec::EccNistP521,
        DataKeyPairSpec::EccSecgP256K1,
        DataKeyPairSpec::EccNistEdwards25519,
        DataKeyPairSpec::MlKem512,
        DataKeyPairSpec::MlKem768,
        DataKeyPairSpec::MlKem1024,
    ] {
        belong_together(&client, &key, spec).await;
    }
}

async fn a_private_half_that_its_caller_does_not_get(database: &TestDatabase) {
    let client = client(database).await;
    let key = client.create_key().await;
    let mut seen = Vec::new();
    for _ in 0..2 {
        let spec = DataKeyPairSpec::EccNistP256;
        let made = without_plaintext(&client, &key.key_id, spec.clone(), &[("a", "b")]).await.unwrap();
        assert_eq!((&made.key_id, &made.key_material_id), (&key.arn, &key.current_key_material_id));
        assert_eq!(made.key_pair_spec, Some(spec.clone()));
        let blob = made.private_key_ciphertext_blob.unwrap().0;
        let private = client.decrypt(&blob, None, &[("a", "b")]).await.unwrap();
        let public = made.public_key.unwrap().0;
        fit(&spec, &private, &public).unwrap();
        assert!(!seen.contains(&public), "each call makes a pair of its own");
        seen.push(public);
    }
}

async fn pairs_that_are_not_made(database: &TestDatabase) {
    let client = client(database).await;
    let key = client.create_key().await.key_id;
    // Seen before the key is looked for.
    for key_id in [&*key, ABSENT] {
        // Answer of AWS's to another operation, measured by others.
        let text = "UnsupportedOperationException: KeySpec SM2 is not supported in this Region";
        let refused = generate(&client, data_key_pair(key_id, DataKeyPairSpec::Sm2)).await.unwrap_err();
        assert_eq!(refused.to_string(), text);
        let refused = without_plaintext(&client, key_id, DataKeyPairSpec::Sm2, &[]).await.unwrap_err();
        assert_eq!(refused.to_string(), text);
    }
    let p256 = || data_key_pair(&key, DataKeyPairSpec::EccNistP256);
    let cases = [
        (
            GenerateDataKeyPairRequest { recipient: Some(RecipientInfo::default()), ..p256() },
            "ValidationException: 1 validation error detected: Value null at 'recipient.keyEncryptionAlgorithm' failed to \
             satisfy constraint: Member must not be null"
                .to_owned(),
        ),
        (
            GenerateDataKeyPairRequest { dry_run: Some(true), ..p256() },
            "DryRunOperationException: The request would have succeeded, but the DryRun option is set."
                .to_owned(),
        ),
        (
            GenerateDataKeyPairRequest { grant_tokens: Some(vec!["token".to_owned()]), ..p256() },
            "InvalidGrantTokenException: Invalid grant token.".to_owned(),
        ),
        (
            data_key_pair(ABSENT, DataKeyPairSpec::EccNistP256),
            format!("NotFoundException: Key '{}' does not exist", client.arn(&format!("key/{ABSENT}"))),
        ),
    ];
    for (input, text) in cases {
        assert_eq!(generate(&client, input).await.unwrap_err().to_string(), text);
    }
    let disable = strongroom_api_kms::DisableKeyRequest { key_id: key.clone() };
    client.kms.disable_key(&client.at(NOW + 1).changing(), disable).await.unwrap();
    assert_eq!(generate(&client, p256()).await.unwrap_err().code(), "DisabledException");
}

type Call<'c> = Pin<Box<dyn Future<Output = Result<GenerateDataKeyPairResponse, ApiError>> + 'c>>;

/// How far a call has got that is looked at once.
async fn looked_at(call: &mut Call<'_>) -> Poll<Result<GenerateDataKeyPairResponse, ApiError>> {
    std::future::poll_fn(|context| Poll::Ready(call.as_mut().poll(context))).await
}

/// The primes of an RSA key take long to find, and each call has a place of the server meanwhile.
async fn so_many_rsa_keys_wait_and_nobody_else(database: &TestDatabase) {
    let client = client(database).await;
    let key = client.create_key().await.key_id;
    // Everything is in memory from now on, so that a call gets as far as the primes at once.
    let made = generate(&client, data_key_pair(&key, DataKeyPairSpec::EccNistP256)).await.unwrap();
    let blob = made.private_key_ciphertext_blob.unwrap().0;
    let stranger = client.as_of(STRANGER, REGION);
    let theirs = stranger.create_key().await.key_id;
    let (mut waiting, mut throttled) = (Vec::new(), 0);
    for _ in 0..40 {
        let input = data_key_pair(&key, DataKeyPairSpec::Rsa2048);
        let mut call: Call<'_> = Box::pin(generate(&client, input));
        match looked_at(&mut call).await {
            Poll::Pending => waiting.push(call),
            Poll::Ready(answer) => {
                assert_eq!(
                    answer.unwrap_err().to_string(),
                    "ThrottlingException: You have exceeded the rate at which you may call KMS. Reduce the frequency of \
                     your calls."
                );
                throttled += 1;
            }
        }
    }
    assert!(throttled > 20 && !waiting.is_empty(), "{throttled} of 40");
    // Others go on, and so do other accounts' long keys.
    assert!(client.decrypt(&blob, None, &[]).await.is_ok());
    for spec in
        [DataKeyPairSpec::EccNistP521, DataKeyPairSpec::EccNistEdwards25519, DataKeyPairSpec::MlKem768]
    {
        assert!(generate(&client, data_key_pair(&key, spec)).await.is_ok());
    }
    waiting.push(Box::pin(generate(&stranger, data_key_pair(&theirs, DataKeyPairSpec::Rsa2048))));
    std::future::poll_fn(|context| {
        waiting.retain_mut(|call| match call.as_mut().poll(context) {
            Poll::Ready(answer) => {
                answer.unwrap();
                false
            }
            Poll::Pending => true,
        });
        if waiting.is_empty() { Poll::Ready(()) } else { Poll::Pending }
    })
    .await;
}
