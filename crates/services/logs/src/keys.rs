//! What events are sealed under: a data key of their group, which is kept under the seal, or which KMS opens where the group
//! has a key of KMS's (CloudWatch Logs User Guide, "Encrypt log data in CloudWatch Logs using AWS KMS").
//!
//! A group may have had several data keys. Whoever writes takes the newest, if it is of the kind that the group has now. KMS
//! makes one for a day. To write it is asked for it once in five minutes, to read each time.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde_json::json;
use strongroom_api_kms::{DataKeySpec, DecryptRequest, GenerateDataKeyRequest, Kms, SERVICE as KMS};
use strongroom_crypto::random;
use strongroom_outbox::{Asked, OnBehalf};
use strongroom_runtime::Clocks;
use strongroom_schema::Blob;
use strongroom_seal::Sealer;
use strongroom_secret::{Key256, SecretBytes};
use strongroom_service::ApiError;
use strongroom_store::Db;

use crate::domain::group::{DAY_MS, Group, GroupName};
use crate::domain::id::Id;
use crate::error::Refusal;
use crate::repo::data_keys::{self, DataKeyRow};

/// How long a data key that KMS has opened serves those who write, in milliseconds of real time.
const REUSED_MS: i64 = 5 * 60 * 1000;

/// How long new events are sealed under a data key of KMS's, in milliseconds of domain time.
const SERVES_MS: i64 = DAY_MS;

/// Opened data keys that are kept at most.
const MOST_KEPT: usize = 1024;

/// Tries to agree with other servers on a new data key.
const TRIES: usize = 3;

/// The member of the encryption context that names the group.
const CONTEXT: &str = "aws:logs:arn";

/// What a sealed data key begins with: the key itself follows, or the ARN of KMS's key (after its length in two bytes) and
/// what KMS opens.
const OWN: u8 = 1;
const OF_KMS: u8 = 2;

/// Makes and opens data keys.
pub(crate) struct Keys {
    pub(crate) db: Db,
    pub(crate) sealer: Sealer,
    pub(crate) kms: Arc<dyn Kms>,
    pub(crate) on_behalf: OnBehalf,
    pub(crate) clocks: Clocks,
    opened: Mutex<Opened>,
}

/// Opened data keys by group and number, and how long each serves.
type Opened = HashMap<(Id, i64), (i64, Arc<Key256>)>;

/// A data key of a group.
#[derive(Clone)]
pub(crate) struct DataKey {
    pub(crate) number: i64,
    pub(crate) key: Arc<Key256>,
}

/// A data key as it is kept.
enum Kept {
    Own(Key256),
    OfKms { arn: String, ciphertext: Vec<u8> },
}

/// What the sealed data key of that number is bound to.
pub(crate) fn bound_to(group: Id, number: i64) -> Vec<u8> {
    format!("data key {number} of log group {group}").into_bytes()
}

impl Keys {
    pub(crate) fn new(
        db: Db,
        sealer: Sealer,
        kms: Arc<dyn Kms>,
        on_behalf: OnBehalf,
        clocks: Clocks,
    ) -> Self {
        Self { db, sealer, kms, on_behalf, clocks, opened: Mutex::default() }
    }

    /// Forgets all opened data keys.
    pub(crate) fn forget(&self) {
        self.lock().clear();
    }

    /// The data key that new events of a group are sealed under. Makes one where there is none that fits.
    pub(crate) async fn current(&self, group: &Group) -> Result<DataKey, Refusal> {
        for _ in 0..TRIES {
            let newest = data_keys::newest(&self.db, group.id).await?;
            let number = newest.as_ref().map_or(0, |newest| newest.number);
            if let Some(newest) = newest
                && let Some(key) = self.fitting(group, &newest).await?
            {
                return Ok(DataKey { number, key });
            }
            let (row, key) = self.make(group, number.saturating_add(1)).await?;
            let row = &row;
            let is_first = self.db.transaction(|tx| Box::pin(async move { data_keys::add(tx, row).await }));
            if is_first.await? {
                return Ok(DataKey { number: row.number, key });
            }
        }
        Err(Refusal::Unavailable("other servers make data keys of the same log group".into()))
    }

    /// Makes the first data key of a group that is to be, or the next one.
    pub(crate) async fn make(
        &self,
        group: &Group,
        number: i64,
    ) -> Result<(DataKeyRow, Arc<Key256>), Refusal> {
        let (kept, key) = match &group.kms_key {
            None => {
                let key = random::key256()?;
                (Kept::Own(Key256::new(*key.expose())), key)
            }
            Some(arn) => {
                let (key, ciphertext) = self.generate(&group.name, arn).await?;
                (Kept::OfKms { arn: arn.clone(), ciphertext }, key)
            }
        };
        let sealed = self.sealer.seal(&bound_to(group.id, number), kept.encode()?.expose())?;
        let key = Arc::new(key);
        if group.kms_key.is_some() {
            self.keep(group.id, number, &key);
        }
        let row = DataKeyRow { group: group.id, number, created_ms: self.clocks.domain_now(), sealed };
        Ok((row, key))
    }

    /// The data key of that number, for who reads.
    pub(crate) async fn open(
        &self,
        name: &GroupName,
        group: Id,
        number: i64,
    ) -> Result<Arc<Key256>, Refusal> {
        let row = data_keys::find(&self.db, group, number).await?;
        let row = row.ok_or_else(|| Refusal::Internal("the data key of an event is not there".into()))?;
        match self.kept(&row)? {
            Kept::Own(key) => Ok(Arc::new(key)),
            Kept::OfKms { arn, ciphertext } => self
                .decrypt(name, &arn, &ciphertext)
                .await
                .map(Arc::new)
                .map_err(|error| refused(name, error)),
        }
    }

    /// The key of a row, if new events may be sealed under it.
    async fn fitting(&self, group: &Group, row: &DataKeyRow) -> Result<Option<Arc<Key256>>, Refusal> {
        match (self.kept(row)?, &group.kms_key) {
            (Kept::Own(key), None) => Ok(Some(Arc::new(key))),
            (Kept::OfKms { arn, ciphertext }, Some(wanted)) if arn == *wanted => {
                if self.clocks.domain_now() >= row.created_ms.saturating_add(SERVES_MS) {
                    return Ok(None);
                }
                if let Some(key) = self.remembered(row.group, row.number) {
                    return Ok(Some(key));
                }
                let opened = self.decrypt(&group.name, &arn, &ciphertext).await;
                let key = Arc::new(opened.map_err(|error| refused(&group.name, error))?);
                self.keep(row.group, row.number, &key);
                Ok(Some(key))
            }
            _ => Ok(None),
        }
    }

    fn kept(&self, row: &DataKeyRow) -> Result<Kept, Refusal> {
        let opened = self.sealer.open(&bound_to(row.group, row.number), &row.sealed)?;
        Kept::decode(opened.expose())
            .ok_or_else(|| Refusal::Internal("the data key of a log group has no proper form".into()))
    }

    /// A data key of KMS's for a group, made for Logs itself.
    async fn generate(&self, name: &GroupName, key_id: &str) -> Result<(Key256, Vec<u8>), Refusal> {
        let arn = name.arn();
        let parameters = json!({
            "encryptionContext": { CONTEXT: &arn }, "keyId": key_id, "keySpec": "AES_256",
        });
        let asked = Asked::reading(KMS.event_source, "GenerateDataKey", parameters.to_string());
        let input = GenerateDataKeyRequest {
            key_id: key_id.to_owned(),
            key_spec: Some(DataKeySpec::Aes256),
            encryption_context: Some([(CONTEXT.to_owned(), arn.clone())].into_iter().collect()),
            ..Default::default()
        };
        let kms = &self.kms;
        let made =
            self.on_behalf.call((name.account, name.region, Some(&arn)), asked, told, |context| async move {
                kms.generate_data_key(&context, input).await
            });
        let made = made.await?.map_err(|error| refused(name, error))?;
        let plain = made.plaintext.as_ref().and_then(|plain| Key256::copied_from(&plain.expose().0));
        match (plain, made.ciphertext_blob) {
            (Some(plain), Some(Blob(ciphertext))) => Ok((plain, ciphertext)),
            _ => Err(Refusal::Internal("KMS answered without a data key".into())),
        }
    }

    async fn decrypt(&self, name: &GroupName, key_id: &str, ciphertext: &[u8]) -> Result<Key256, ApiError> {
        let arn = name.arn();
        let parameters = json!({
            "encryptionAlgorithm": "SYMMETRIC_DEFAULT", "encryptionContext": { CONTEXT: &arn }, "keyId": key_id,
        });
        let asked = Asked::reading(KMS.event_source, "Decrypt", parameters.to_string());
        let input = DecryptRequest {
            ciphertext_blob: Some(Blob(ciphertext.to_vec())),
            key_id: Some(key_id.to_owned()),
            encryption_context: Some([(CONTEXT.to_owned(), arn.clone())].into_iter().collect()),
            ..Default::default()
        };
        let kms = &self.kms;
        let opened =
            self.on_behalf.call((name.account, name.region, Some(&arn)), asked, told, |context| async move {
                kms.decrypt(&context, input).await
            });
        let opened = opened.await.map_err(ApiError::internal)??;
        let plain = opened.plaintext.as_ref().and_then(|plain| Key256::copied_from(&plain.expose().0));
        plain.ok_or_else(|| ApiError::internal("KMS answered without a data key"))
    }

    fn remembered(&self, group: Id, number: i64) -> Option<Arc<Key256>> {
        let now_ms = self.clocks.real_now();
        let opened = self.lock();
        opened.get(&(group, number)).filter(|(until_ms, _)| now_ms < *until_ms).map(|(_, key)| key.clone())
    }

    fn keep(&self, group: Id, number: i64, key: &Arc<Key256>) {
        let now_ms = self.clocks.real_now();
        let mut opened = self.lock();
        if opened.len() >= MOST_KEPT {
            opened.retain(|_, (until_ms, _)| now_ms < *until_ms);
        }
        if opened.len() >= MOST_KEPT {
            opened.clear();
        }
        opened.insert((group, number), (now_ms.saturating_add(REUSED_MS), key.clone()));
    }

    fn lock(&self) -> MutexGuard<'_, Opened> {
        self.opened.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Kept {
    fn encode(&self) -> Result<SecretBytes, Refusal> {
        let mut bytes = Vec::new();
        match self {
            Self::Own(key) => {
                bytes.push(OWN);
                bytes.extend_from_slice(key.expose());
            }
            Self::OfKms { arn, ciphertext } => {
                let length = u16::try_from(arn.len())
                    .map_err(|_| Refusal::Internal("the ARN of a KMS key is too long".into()))?;
                bytes.push(OF_KMS);
                bytes.extend(length.to_be_bytes());
                bytes.extend_from_slice(arn.as_bytes());
                bytes.extend_from_slice(ciphertext);
            }
        }
        Ok(SecretBytes::new(bytes))
    }

    fn decode(bytes: &[u8]) -> Option<Self> {
        let (kind, rest) = bytes.split_first()?;
        match *kind {
            OWN => Key256::copied_from(rest).map(Self::Own),
            OF_KMS => {
                let (length, rest) = rest.split_first_chunk::<2>()?;
                let (arn, ciphertext) = rest.split_at_checked(u16::from_be_bytes(*length).into())?;
                let arn = String::from_utf8(arn.to_vec()).ok()?;
                Some(Self::OfKms { arn, ciphertext: ciphertext.to_vec() })
            }
            _ => None,
        }
    }
}

fn told(error: &ApiError) -> (String, Option<String>) {
    (error.code().to_owned(), error.message().map(str::to_owned))
}

/// KMS's refusal in the words of Logs. A key that is not there or disabled is the caller's mistake (Logs API Reference,
/// AssociateKmsKey); the text of the one is AWS's, that of the other ours.
fn refused(name: &GroupName, error: ApiError) -> Refusal {
    if error.is_access_denied() {
        return Refusal::KeyNotUsable { arn: name.arn(), source: Box::new(error) };
    }
    match error.code() {
        "NotFoundException" | "InvalidArnException" => {
            Refusal::invalid(format!("The specified KMS Key Id could not be found. '{}'", name.name))
        }
        "DisabledException" | "KMSInvalidStateException" | "KeyUnavailableException" => Refusal::invalid(
            format!("The specified KMS Key Id is disabled or cannot be used. '{}'", name.name),
        ),
        "InvalidKeyUsageException" | "ValidationException" | "UnsupportedOperationException" => {
            Refusal::invalid(format!(
                "The specified KMS Key Id is not a symmetric encryption key. '{}'",
                name.name
            ))
        }
        "ThrottlingException" | "LimitExceededException" | "DependencyTimeoutException" => {
            Refusal::Unavailable(error.into())
        }
        _ => Refusal::Internal(error.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_is_read_back() {
        let own = Kept::Own(Key256::new([7; 32])).encode().unwrap();
        assert!(matches!(Kept::decode(own.expose()), Some(Kept::Own(key)) if key.expose() == &[7; 32]));
        let of_kms = Kept::OfKms { arn: "arn:a".to_owned(), ciphertext: vec![1, 2] }.encode().unwrap();
        let Some(Kept::OfKms { arn, ciphertext }) = Kept::decode(of_kms.expose()) else {
            panic!("another kind")
        };
        assert_eq!((arn.as_str(), ciphertext.as_slice()), ("arn:a", [1, 2].as_slice()));
        for broken in [&[][..], &[OWN, 1], &[OF_KMS, 0], &[OF_KMS, 0, 9, 1], &[3]] {
            assert!(Kept::decode(broken).is_none(), "{broken:?}");
        }
    }
}
