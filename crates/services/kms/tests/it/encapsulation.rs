//! Secrets encapsulated for keys of the built-in backend, and taken out again.

use strongroom_api_kms::{
    DecapsulateRequest, DecapsulateResponse, EncapsulateRequest, EncapsulateResponse,
    EncapsulationAlgorithmSpec, Kms as _,
};
use strongroom_crypto::ml_kem::{ParameterSet, PublicKey};
use strongroom_schema::Blob;
use strongroom_service::ApiError;
use strongroom_testkit::{TestDatabase, on_both_engines};

use crate::fixture::{Client, client, plaintext};

on_both_engines! {
    both_sides_have_the_same_secret,
    what_was_altered_gives_another_secret,
    what_has_another_length_is_refused,
    a_key_for_this_is_for_nothing_else,
    dry_runs_do_all_but_answer,
}

const SETS: [(&str, ParameterSet, usize); 3] = [
    ("ML_KEM_512", ParameterSet::MlKem512, 768),
    ("ML_KEM_768", ParameterSet::MlKem768, 1_088),
    ("ML_KEM_1024", ParameterSet::MlKem1024, 1_568),
];

pub(crate) fn encapsulate(key_id: &str) -> EncapsulateRequest {
    EncapsulateRequest {
        key_id: key_id.to_owned(),
        encapsulation_algorithm: EncapsulationAlgorithmSpec::MlKem,
        ..EncapsulateRequest::default()
    }
}

pub(crate) fn decapsulate(key_id: &str, ciphertext: &[u8]) -> DecapsulateRequest {
    DecapsulateRequest {
        key_id: key_id.to_owned(),
        shared_secret_ciphertext_blob: Blob(ciphertext.to_vec()),
        encapsulation_algorithm: EncapsulationAlgorithmSpec::MlKem,
        ..DecapsulateRequest::default()
    }
}

impl Client {
    async fn encapsulate(&self, key: &str) -> EncapsulateResponse {
        self.kms.encapsulate(&self.context(), encapsulate(key)).await.unwrap()
    }

    async fn decapsulate(&self, key: &str, ciphertext: &[u8]) -> Result<DecapsulateResponse, ApiError> {
        self.kms.decapsulate(&self.context(), decapsulate(key, ciphertext)).await
    }

    /// The secret that comes out of a ciphertext of the right length.
    async fn taken_out(&self, key: &str, ciphertext: &[u8]) -> Vec<u8> {
        plaintext(self.decapsulate(key, ciphertext).await.unwrap().shared_secret)
    }
}

async fn both_sides_have_the_same_secret(database: &TestDatabase) {
    let client = client(database).await;
    for (spec, set, length) in SETS {
        let key = client.create_key_of(spec, "ENCAPSULATE_DECAPSULATE").await;
        assert_eq!(key.encapsulation_algorithms, Some(vec![EncapsulationAlgorithmSpec::MlKem]));
        let made = client.encapsulate(&key.key_id).await;
        assert_eq!(made.key_id, key.arn);
        assert_eq!(made.encapsulation_algorithm, Some(EncapsulationAlgorithmSpec::MlKem));
        let ciphertext = made.shared_secret_ciphertext_blob.unwrap().0;
        let secret = plaintext(made.shared_secret);
        assert_eq!((ciphertext.len(), secret.len()), (length, 32));
        let taken = client.decapsulate(&key.key_id, &ciphertext).await.unwrap();
        assert_eq!((taken.key_id, taken.encapsulation_algorithm), (key.arn, made.encapsulation_algorithm));
        assert_eq!(plaintext(taken.shared_secret), secret);
        // Somebody who has the public key alone.
        let public = PublicKey::from_spki(set, &client.public_key(&key.key_id).await).unwrap();
        let outside = public.encapsulate().unwrap();
        let taken = client.taken_out(&key.key_id, &outside.ciphertext).await;
        assert_eq!(&taken, outside.secret.expose());
        assert_ne!(taken, secret);
    }
}

/// FIPS 203 has no failure here: who altered a ciphertext learns nothing, and gets the same nothing each time.
async fn what_was_altered_gives_another_secret(database: &TestDatabase) {
    let client = client(database).await;
    let key = client.create_key_of("ML_KEM_512", "ENCAPSULATE_DECAPSULATE").await.key_id;
    let other = client.create_key_of("ML_KEM_512", "ENCAPSULATE_DECAPSULATE").await.key_id;
    let made = client.encapsulate(&key).await;
    let (mut ciphertext, secret) =
        (made.shared_secret_ciphertext_blob.unwrap().0, plaintext(made.shared_secret));
    assert_ne!(client.taken_out(&other, &ciphertext).await, secret);
    let mut seen = vec![secret];
    for at in 0..ciphertext.len() {
        ciphertext[at] ^= 0x10;
        let taken = client.taken_out(&key, &ciphertext).await;
        assert!(!seen.contains(&taken), "a byte at {at}");
        assert_eq!(client.taken_out(&key, &ciphertext).await, taken);
        seen.push(taken);
        ciphertext[at] ^= 0x10;
    }
}

async fn what_has_another_length_is_refused(database: &TestDatabase) {
    let client = client(database).await;
    for (spec, _, length) in SETS {
        let key = client.create_key_of(spec, "ENCAPSULATE_DECAPSULATE").await.key_id;
        let lengths = [1, length - 1, length + 1].into_iter();
        for other in
            lengths.chain(SETS.map(|(.., length)| length).into_iter().filter(|other| *other != length))
        {
            let refused = client.decapsulate(&key, &vec![7; other]).await.unwrap_err();
            assert_eq!((refused.code(), refused.message()), ("InvalidCiphertextException", None));
        }
    }
}

async fn a_key_for_this_is_for_nothing_else(database: &TestDatabase) {
    let client = client(database).await;
    let key = client.create_key_of("ML_KEM_768", "ENCAPSULATE_DECAPSULATE").await;
    let arn = key.arn.unwrap();
    let refused = client.encrypt(&key.key_id, b"x", &[]).await.unwrap_err();
    assert_eq!(
        refused.to_string(),
        format!(
            "InvalidKeyUsageException: {arn} key usage is ENCAPSULATE_DECAPSULATE which is not valid for Encrypt."
        )
    );
    let signing = client.create_key_of("ML_DSA_44", "SIGN_VERIFY").await;
    let refused = client.kms.encapsulate(&client.context(), encapsulate(&signing.key_id)).await.unwrap_err();
    let arn = signing.arn.unwrap();
    assert_eq!(
        refused.to_string(),
        format!(
            "InvalidKeyUsageException: {arn} key usage is SIGN_VERIFY which is not valid for Encapsulate."
        )
    );
}

async fn dry_runs_do_all_but_answer(database: &TestDatabase) {
    let client = client(database).await;
    let key = client.create_key_of("ML_KEM_768", "ENCAPSULATE_DECAPSULATE").await.key_id;
    let dry = EncapsulateRequest { dry_run: Some(true), ..encapsulate(&key) };
    let refused = client.kms.encapsulate(&client.context(), dry).await.unwrap_err();
    assert_eq!(refused.code(), "DryRunOperationException");
    // A dry run of the other way does all but answer: what has no length of a ciphertext is refused.
    let dry = DecapsulateRequest { dry_run: Some(true), ..decapsulate(&key, b"short") };
    let refused = client.kms.decapsulate(&client.context(), dry).await.unwrap_err();
    assert_eq!(refused.code(), "InvalidCiphertextException");
    let dry = DecapsulateRequest { dry_run: Some(true), ..decapsulate(&key, &[7; 1_088]) };
    let refused = client.kms.decapsulate(&client.context(), dry).await.unwrap_err();
    assert_eq!(refused.code(), "DryRunOperationException");
}
