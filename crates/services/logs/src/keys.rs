//! What events are sealed under: a data key of their group, which is kept under the seal, or which KMS opens where the group
//! has a key of KMS's (CloudWatch Logs User Guide, "Encrypt log data in CloudWatch Logs using AWS KMS").
//!
//! A group may have had several data keys. Whoever writes takes the newest, if it is of the kind that the group has now. KMS
//! makes one for a day. To write it is asked for it once in five minutes, to read each time; what it refuses holds for a
//! minute for those who write.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde_json::json;
use strongroom_api_kms::{DataKeySpec, DecryptRequest, GenerateDataKeyRequest, Kms, SERVICE as KMS};
use strongroom_crypto::{digest, random};
use strongroom_outbox::{Asked, OnBehalf};
use strongroom_runtime::Clocks;
use strongroom_schema::Blob;
use strongroom_seal::Sealer;
use strongroom_secret::{Key256, SecretBytes};
use strongroom_service::ApiError;
use strongroom_store::{Db, RowMac, Tx};

use crate::domain::group::{DAY_MS, Group, GroupName};
use crate::domain::id::Id;
use crate::error::Refusal;
use crate::kms_refusals::{KmsRefused, Refusals};
use crate::repo::data_keys::{self, DataKeyRow};
use crate::repo::groups;

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
    pub(crate) mac: RowMac,
    pub(crate) sealer: Sealer,
    pub(crate) kms: Arc<dyn Kms>,
    pub(crate) on_behalf: OnBehalf,
    pub(crate) clocks: Clocks,
    opened: Mutex<Opened>,
    refusals: Refusals,
}

/// Opened data keys, and how long each serves, by the SHA-256 of what is kept of them: of two that were made at the same time
/// with one number, one is kept, and the other must not stand for it.
type Opened = HashMap<[u8; 32], (i64, Arc<Key256>)>;

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
        (db, mac): (Db, RowMac),
        sealer: Sealer,
        kms: Arc<dyn Kms>,
        on_behalf: OnBehalf,
        clocks: Clocks,
    ) -> Self {
        let (opened, refusals) = (Mutex::default(), Refusals::default());
        Self { db, mac, sealer, kms, on_behalf, clocks, opened, refusals }
    }

    /// Forgets all opened data keys, and what KMS refused.
    pub(crate) fn forget(&self) {
        self.lock().clear();
        self.refusals.forget();
    }

    /// The data key that new events of a group are sealed under. Makes one where there is none that fits.
    pub(crate) async fn current(&self, group: &Group) -> Result<DataKey, Refusal> {
        if let Some(refused) = self.refusals.of(group, self.clocks.real_now()) {
            return Err(Refusal::OfKms(refused));
        }
        let found = self.find_or_make(group).await;
        if let Err(Refusal::OfKms(refused)) = &found {
            self.refusals.note(group, Some(refused), self.clocks.real_now());
        }
        found
    }

    async fn find_or_make(&self, group: &Group) -> Result<DataKey, Refusal> {
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
            let is_first = self.db.transaction(|tx| Box::pin(self.add(tx, group, row)));
            if is_first.await? {
                return Ok(DataKey { number: row.number, key });
            }
        }
        Err(Refusal::Unavailable("other servers make data keys of the same log group".into()))
    }

    /// Adds a data key to a group that is still there; tells whether there was none of that number.
    async fn add(&self, tx: &mut Tx<'_>, group: &Group, row: &DataKeyRow) -> Result<bool, Refusal> {
        let found = groups::load(tx, &self.mac, &group.name).await?;
        if found.is_none_or(|found| found.id != group.id) {
            return Err(Refusal::no_such_group());
        }
        Ok(data_keys::add(tx, row).await?)
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
            self.refusals.note(group, None, self.clocks.real_now());
            self.keep(&sealed, &key);
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
            Kept::OfKms { arn, ciphertext } => self.decrypt(name, &arn, &ciphertext).await.map(Arc::new),
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
                if let Some(key) = self.remembered(&row.sealed) {
                    return Ok(Some(key));
                }
                let key = Arc::new(self.decrypt(&group.name, &arn, &ciphertext).await?);
                self.keep(&row.sealed, &key);
                Ok(Some(key))
            }
            _ => Ok(None),
        }
    }

    fn kept(&self, row: &DataKeyRow) -> Result<Kept, Refusal> {
        let opened = self.sealer.open(&bound_to(row.group, row.number), &row.sealed);
        let opened = opened.map_err(|error| Refusal::Damaged(error.into()))?;
        Kept::decode(opened.expose())
            .ok_or_else(|| Refusal::Damaged("the data key of a log group has no proper form".into()))
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
        let made = made.await?.map_err(|error| Refusal::OfKms(KmsRefused::new(name, error)))?;
        let plain = made.plaintext.as_ref().and_then(|plain| Key256::copied_from(&plain.expose().0));
        match (plain, made.ciphertext_blob) {
            (Some(plain), Some(Blob(ciphertext))) => Ok((plain, ciphertext)),
            _ => Err(no_data_key(name)),
        }
    }

    async fn decrypt(&self, name: &GroupName, key_id: &str, ciphertext: &[u8]) -> Result<Key256, Refusal> {
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
        let opened = opened.await?.map_err(|error| Refusal::OfKms(KmsRefused::new(name, error)))?;
        let plain = opened.plaintext.as_ref().and_then(|plain| Key256::copied_from(&plain.expose().0));
        plain.ok_or_else(|| no_data_key(name))
    }

    /// The key of a row that is sealed so.
    fn remembered(&self, sealed: &[u8]) -> Option<Arc<Key256>> {
        let now_ms = self.clocks.real_now();
        let opened = self.lock();
        let found = opened.get(&digest::sha256(sealed)).filter(|(until_ms, _)| now_ms < *until_ms);
        found.map(|(_, key)| key.clone())
    }

    fn keep(&self, sealed: &[u8], key: &Arc<Key256>) {
        let now_ms = self.clocks.real_now();
        let mut opened = self.lock();
        if opened.len() >= MOST_KEPT {
            opened.retain(|_, (until_ms, _)| now_ms < *until_ms);
        }
        if opened.len() >= MOST_KEPT {
            opened.clear();
        }
        opened.insert(digest::sha256(sealed), (now_ms.saturating_add(REUSED_MS), key.clone()));
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

fn no_data_key(name: &GroupName) -> Refusal {
    Refusal::OfKms(KmsRefused::new(name, ApiError::internal("KMS answered without a data key")))
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
