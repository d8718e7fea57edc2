//! Under what the keys of files are kept: the seal, or a data key of KMS's.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::json;
use strongroom_api_kms::{DataKeySpec, DecryptRequest, GenerateDataKeyRequest, Kms};
use strongroom_crypto::salted;
use strongroom_identity::{PARTITION, RequestContext};
use strongroom_outbox::{Asked, PassedOn};
use strongroom_schema::{Blob, Map};
use strongroom_seal::Sealer;
use strongroom_secret::Key256;
use strongroom_service::ApiError;

use crate::domain::bucket::Bucket;
use crate::domain::encryption::{Algorithm, Encryption, MANAGED_KEY, Wanted, context_for};
use crate::error::Refusal;
use crate::objects::FileKey;
use crate::repo::Part;

const KMS: &str = "kms.amazonaws.com";

/// What file keys are wrapped for, under a data key.
const LABEL: &[u8] = b"strongroom/objects/file-key";

/// Makes and opens data keys.
pub(crate) struct Keys {
    pub(crate) sealer: Sealer,
    pub(crate) kms: Arc<dyn Kms>,
    pub(crate) passed_on: PassedOn,
}

/// Under what the file keys of one content are kept.
pub(crate) enum Wrapping {
    Seal(Sealer),
    Kms(Key256),
}

/// A new content's.
pub(crate) struct DataKey {
    pub(crate) wrapping: Wrapping,
    /// What KMS opens, if it is KMS that does.
    pub(crate) blob: Option<Vec<u8>>,
    pub(crate) encryption: Encryption,
}

/// What a sealed or wrapped file key is bound to: its place.
pub(crate) fn bound_to(content: &str, number: i64, file: &str) -> Vec<u8> {
    format!("s3 part {number} of {content} in {file}").into_bytes()
}

impl Wrapping {
    /// Puts a file's key into its part.
    pub(crate) fn wrap(&self, part: Part, key: &FileKey) -> Result<Part, Refusal> {
        let bound = bound_to(&part.content, part.number, &part.file);
        match self {
            Self::Seal(sealer) => Ok(Part { sealed_key: Some(sealer.seal(&bound, key.expose())?), ..part }),
            Self::Kms(data_key) => {
                let mut wrapped = Vec::new();
                salted::seal_into(data_key, LABEL, &bound, key.expose(), &mut wrapped)?;
                Ok(Part { wrapped_key: Some(wrapped), ..part })
            }
        }
    }

    /// The key of a part's file.
    pub(crate) fn unwrap(&self, part: &Part) -> Result<FileKey, Refusal> {
        let bound = bound_to(&part.content, part.number, &part.file);
        let opened = match (self, &part.sealed_key, &part.wrapped_key) {
            (Self::Seal(sealer), Some(sealed), _) => sealer.open(&bound, sealed)?,
            (Self::Kms(data_key), _, Some(wrapped)) => salted::open(data_key, LABEL, &bound, wrapped)?,
            _ => {
                return Err(Refusal::internal(
                    "a file of an object has no key of the kind that the object has",
                ));
            }
        };
        Key256::copied_from(opened.expose())
            .ok_or_else(|| Refusal::internal("the key of a file has another length"))
    }
}

impl Keys {
    /// Makes what a new content needs. Under a key of KMS it is KMS that makes it, for the caller.
    pub(crate) async fn make(
        &self,
        context: &RequestContext,
        bucket: &Bucket,
        key: &str,
        wanted: Wanted,
    ) -> Result<DataKey, Refusal> {
        let Wanted { algorithm, key: kms_key, context: stated, has_bucket_key } = wanted;
        let encryption = Encryption { algorithm, key: None, context: stated, has_bucket_key };
        if algorithm == Algorithm::Aes256 {
            return Ok(DataKey { wrapping: Wrapping::Seal(self.sealer.clone()), blob: None, encryption });
        }
        let pairs = context_for(encryption.context.as_deref(), has_bucket_key, &bucket.name, key)?;
        let key_id = match kms_key {
            Some(key) => key,
            // The key that S3 keeps is that of the bucket's account.
            None if context.account() == bucket.account => MANAGED_KEY.to_owned(),
            None => format!("arn:{PARTITION}:kms:{}:{}:{MANAGED_KEY}", bucket.region, bucket.account),
        };
        let parameters = json!({"keyId": key_id, "encryptionContext": pairs, "keySpec": "AES_256"});
        let input = GenerateDataKeyRequest {
            key_id,
            encryption_context: Some(map(pairs)),
            key_spec: Some(DataKeySpec::Aes256),
            ..GenerateDataKeyRequest::default()
        };
        let asked = Asked::reading(KMS, "GenerateDataKey", parameters.to_string());
        let kms = &self.kms;
        let call = |context: Arc<RequestContext>| async move { kms.generate_data_key(&context, input).await };
        let made = self.passed_on.call_in(bucket.region, context, asked, told, call).await;
        let made = made.map_err(|error| Refusal::Internal(error.into()))?.map_err(of_kms)?;
        let plaintext =
            made.plaintext.as_ref().and_then(|plaintext| Key256::copied_from(&plaintext.expose().0));
        let missing = || Refusal::internal("KMS made no data key");
        Ok(DataKey {
            wrapping: Wrapping::Kms(plaintext.ok_or_else(missing)?),
            blob: Some(made.ciphertext_blob.ok_or_else(missing)?.0),
            encryption: Encryption { key: made.key_id, ..encryption },
        })
    }

    /// Opens what a content has.
    pub(crate) async fn open(
        &self,
        context: &RequestContext,
        bucket: &Bucket,
        key: &str,
        encryption: &Encryption,
        blob: Option<&[u8]>,
    ) -> Result<Wrapping, Refusal> {
        if encryption.algorithm == Algorithm::Aes256 {
            return Ok(Wrapping::Seal(self.sealer.clone()));
        }
        let pairs = encryption.context_for(&bucket.name, key)?;
        let blob = blob.ok_or_else(|| Refusal::internal("an object under a key of KMS has no data key"))?;
        let parameters = json!({"encryptionContext": pairs, "encryptionAlgorithm": "SYMMETRIC_DEFAULT"});
        let input = DecryptRequest {
            ciphertext_blob: Some(Blob(blob.to_vec())),
            encryption_context: Some(map(pairs)),
            ..DecryptRequest::default()
        };
        let asked = Asked::reading(KMS, "Decrypt", parameters.to_string());
        let kms = &self.kms;
        let call = |context: Arc<RequestContext>| async move { kms.decrypt(&context, input).await };
        let opened = self.passed_on.call_in(bucket.region, context, asked, told, call).await;
        let opened = opened.map_err(|error| Refusal::Internal(error.into()))?.map_err(of_kms)?;
        let plaintext =
            opened.plaintext.as_ref().and_then(|plaintext| Key256::copied_from(&plaintext.expose().0));
        plaintext
            .map(Wrapping::Kms)
            .ok_or_else(|| Refusal::internal("KMS opened something that is no data key"))
    }
}

fn map(pairs: BTreeMap<String, String>) -> Map<String> {
    pairs.into_iter().collect()
}

/// What a record says of a refusal.
fn told(error: &ApiError) -> (String, Option<String>) {
    (error.code().to_owned(), error.message().map(str::to_owned))
}

/// S3's refusal where KMS refuses (Amazon S3 API Reference, "Error responses": `KMS.*`).
fn of_kms(error: ApiError) -> Refusal {
    let text = error.message().unwrap_or_default().to_owned();
    if error.is_access_denied() {
        return Refusal::client(403, "AccessDenied", text);
    }
    let code = match error.code() {
        "DisabledException" => "KMS.DisabledException",
        "NotFoundException" => "KMS.NotFoundException",
        "KMSInvalidStateException" => "KMS.KMSInvalidStateException",
        "InvalidKeyUsageException" => "KMS.InvalidKeyUsageException",
        "InvalidCiphertextException" => "KMS.InvalidCiphertextException",
        "InvalidArnException" | "ValidationException" => "InvalidArgument",
        "NotImplementedException" => return Refusal::Other(error),
        _ => {
            let text = "KMS does not answer. Please try again.";
            return Refusal::Unavailable { text, source: error.into() };
        }
    };
    Refusal::client(400, code, text)
}
