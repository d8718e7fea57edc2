//! Messages of encrypted topics: sealed under a data key of the topic's KMS key, which KMS gives to whoever may use it (SNS
//! Developer Guide, "Amazon SNS encryption at rest").
//!
//! A publisher needs kms:GenerateDataKey and kms:Decrypt. The data key serves him for five minutes. To deliver, SNS asks KMS
//! again, in its own name, for what it does not remember.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde_json::json;
use strongroom_api_kms::{DataKeySpec, DecryptRequest, GenerateDataKeyRequest, Kms, SERVICE as KMS};
use strongroom_api_sns::errors;
use strongroom_crypto::digest::sha256;
use strongroom_crypto::salted;
use strongroom_identity::RequestContext;
use strongroom_outbox::{Asked, OnBehalf, Outbox, PassedOn};
use strongroom_policy::services::NOTIFICATIONS;
use strongroom_runtime::Clocks;
use strongroom_schema::{Blob, ErrorShape};
use strongroom_secret::{Key256, SecretBytes};
use strongroom_service::ApiError;

use crate::domain::names::TopicName;
use crate::error::Refusal;

/// How long a data key serves, in milliseconds of real time.
const REUSED_MS: i64 = 5 * 60 * 1000;

/// Data keys kept at most.
const MOST_KEPT: usize = 1024;

/// What the values are for.
const LABEL: &[u8] = b"strongroom/sns/message";

/// A sealed message: this, the length of the data key's ciphertext in two bytes, that, and the salted value.
const FORMAT: u8 = 1;

/// The member of the encryption context that names the topic.
const CONTEXT: &str = "aws:sns:topicArn";

/// The alias of the key that AWS keeps for SNS.
const MANAGED_ALIAS: &str = "alias/aws/sns";

/// Data keys of encrypted topics.
pub(crate) struct Encryption {
    kms: Arc<dyn Kms>,
    passed_on: PassedOn,
    on_behalf: OnBehalf,
    clocks: Clocks,
    /// By topic, key and publisher.
    publishing: Kept<[u8; 32]>,
    /// By ciphertext.
    delivering: Kept<[u8; 32]>,
}

/// A data key, and what KMS makes it again from.
#[derive(Clone)]
struct DataKey {
    plain: Arc<Key256>,
    ciphertext: Arc<[u8]>,
}

/// Data keys that are remembered for a while.
struct Kept<K>(Mutex<HashMap<K, (i64, DataKey)>>);

impl<K: Eq + std::hash::Hash> Kept<K> {
    fn get(&self, key: &K, now_ms: i64) -> Option<DataKey> {
        let kept = self.lock();
        kept.get(key).filter(|(until_ms, _)| now_ms < *until_ms).map(|(_, key)| key.clone())
    }

    fn keep(&self, key: K, data_key: DataKey, now_ms: i64) {
        let mut kept = self.lock();
        if kept.len() >= MOST_KEPT {
            kept.retain(|_, (until_ms, _)| now_ms < *until_ms);
        }
        if kept.len() >= MOST_KEPT {
            kept.clear();
        }
        kept.insert(key, (now_ms.saturating_add(REUSED_MS), data_key));
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<K, (i64, DataKey)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Encryption {
    pub(crate) fn new(kms: Arc<dyn Kms>, outbox: Arc<Outbox>, clocks: Clocks) -> Self {
        Self {
            kms,
            passed_on: PassedOn::new(NOTIFICATIONS, outbox.clone(), clocks.clone()),
            on_behalf: OnBehalf::new(NOTIFICATIONS, outbox, clocks.clone()),
            clocks,
            publishing: Kept(Mutex::default()),
            delivering: Kept(Mutex::default()),
        }
    }

    /// Forgets all data keys.
    pub(crate) fn start_over(&self) {
        self.publishing.lock().clear();
        self.delivering.lock().clear();
    }

    /// Seals messages that somebody publishes to a topic with that key. Each is bound to its id.
    pub(crate) async fn sealer(
        &self,
        context: &RequestContext,
        topic: &TopicName,
        key_id: &str,
    ) -> Result<MessageSealer, Refusal> {
        // The key that AWS keeps for SNS is for the account's own users and roles: its policy is nobody's to open for
        // services (SNS Developer Guide, "Enable compatibility between event sources from AWS services and encrypted topics").
        if key_id.rsplit(':').next() == Some(MANAGED_ALIAS)
            && let Some(service) = context.caller.principal.service()
        {
            let text = format!(
                "User: {service} is not authorized to perform: kms:GenerateDataKey on resource: {key_id} because no \
                 resource-based policy allows the kms:GenerateDataKey action"
            );
            return Err(refused(&ApiError::access_denied(text), context));
        }
        let now_ms = self.clocks.real_now();
        let caller = &context.caller;
        let about = context.acts_about().unwrap_or_default();
        // What one publisher may use is none of another's.
        let who = [
            topic.to_string(),
            key_id.to_owned(),
            caller.principal.arn(),
            caller.access_key_id.clone(),
            about.to_owned(),
        ];
        let name = sha256(who.join("\0").as_bytes());
        if let Some(data_key) = self.publishing.get(&name, now_ms) {
            return Ok(MessageSealer(data_key));
        }
        let data_key = self.generate(context, topic, key_id).await?;
        // A publisher who may not decrypt is refused by AWS, too.
        self.opened(context, topic, &data_key.ciphertext).await.map_err(|error| refused(&error, context))?;
        self.publishing.keep(name, data_key.clone(), now_ms);
        self.delivering.keep(sha256(&data_key.ciphertext), data_key.clone(), now_ms);
        Ok(MessageSealer(data_key))
    }

    /// Opens a message that waits.
    pub(crate) async fn open(
        &self,
        topic: &TopicName,
        message_id: &str,
        sealed: &[u8],
    ) -> Result<SecretBytes, Refusal> {
        let (ciphertext, salted) = split(sealed)
            .ok_or_else(|| Refusal::Internal("a message of an encrypted topic has no proper form".into()))?;
        let now_ms = self.clocks.real_now();
        let name = sha256(ciphertext);
        let data_key = if let Some(known) = self.delivering.get(&name, now_ms) {
            known
        } else {
            let arn = topic.to_string();
            let context = self.on_behalf.context(topic.account, topic.region);
            let context = context.map_err(|error| Refusal::Internal(error.into()))?.about(arn);
            let plain = self.opened(&context, topic, ciphertext).await;
            let plain = plain.map_err(|error| refused(&error, &context))?;
            let data_key = DataKey { plain: Arc::new(plain), ciphertext: ciphertext.into() };
            self.delivering.keep(name, data_key.clone(), now_ms);
            data_key
        };
        salted::open(&data_key.plain, LABEL, &bound_to(topic, message_id), salted)
            .map_err(|error| Refusal::Internal(error.into()))
    }

    async fn generate(
        &self,
        context: &RequestContext,
        topic: &TopicName,
        key_id: &str,
    ) -> Result<DataKey, Refusal> {
        let arn = topic.to_string();
        let parameters = json!({
            "encryptionContext": { CONTEXT: &arn }, "keyId": key_id, "keySpec": "AES_256",
        });
        let asked = Asked::reading(KMS.event_source, "GenerateDataKey", parameters.to_string());
        let input = GenerateDataKeyRequest {
            key_id: key_id.to_owned(),
            key_spec: Some(DataKeySpec::from("AES_256")),
            encryption_context: Some([(CONTEXT.to_owned(), arn)].into_iter().collect()),
            ..Default::default()
        };
        let made = self.passed_on.call(context, asked, told, |context| async move {
            self.kms.generate_data_key(&context, input).await
        });
        let made = made.await.map_err(|error| Refusal::Internal(error.into()))?;
        let made = made.map_err(|error| refused(&error, context))?;
        let plain = made.plaintext.as_ref().and_then(|plain| Key256::copied_from(&plain.expose().0));
        match (plain, made.ciphertext_blob) {
            (Some(plain), Some(Blob(ciphertext))) => {
                Ok(DataKey { plain: Arc::new(plain), ciphertext: ciphertext.into() })
            }
            _ => Err(Refusal::Internal("KMS answered without a data key".into())),
        }
    }

    /// The data key of a ciphertext, for whoever asks.
    async fn opened(
        &self,
        context: &RequestContext,
        topic: &TopicName,
        ciphertext: &[u8],
    ) -> Result<Key256, ApiError> {
        let arn = topic.to_string();
        let parameters = json!({
            "encryptionAlgorithm": "SYMMETRIC_DEFAULT", "encryptionContext": { CONTEXT: &arn },
        });
        let asked = Asked::reading(KMS.event_source, "Decrypt", parameters.to_string());
        let input = DecryptRequest {
            ciphertext_blob: Some(Blob(ciphertext.to_vec())),
            encryption_context: Some([(CONTEXT.to_owned(), arn)].into_iter().collect()),
            ..Default::default()
        };
        let opened = self
            .passed_on
            .call(context, asked, told, |context| async move { self.kms.decrypt(&context, input).await });
        let opened = opened.await.map_err(ApiError::internal)??;
        let plain = opened.plaintext.as_ref().and_then(|plain| Key256::copied_from(&plain.expose().0));
        plain.ok_or_else(|| ApiError::internal("KMS answered without a data key"))
    }
}

/// Seals messages under one data key.
pub(crate) struct MessageSealer(DataKey);

impl MessageSealer {
    pub(crate) fn seal(
        &self,
        topic: &TopicName,
        message_id: &str,
        message: &[u8],
    ) -> Result<Vec<u8>, Refusal> {
        let DataKey { plain, ciphertext } = &self.0;
        let length = u16::try_from(ciphertext.len())
            .map_err(|_| Refusal::Internal("a data key's ciphertext is too long".into()))?;
        let mut sealed = vec![FORMAT];
        sealed.extend(length.to_be_bytes());
        sealed.extend_from_slice(ciphertext);
        salted::seal_into(plain, LABEL, &bound_to(topic, message_id), message, &mut sealed)
            .map_err(|error| Refusal::Internal(error.into()))?;
        Ok(sealed)
    }
}

/// The data key's ciphertext and the salted value.
fn split(sealed: &[u8]) -> Option<(&[u8], &[u8])> {
    let (&[FORMAT, high, low], rest) = sealed.split_first_chunk::<3>()? else { return None };
    rest.split_at_checked(u16::from_be_bytes([high, low]).into())
}

fn bound_to(topic: &TopicName, message_id: &str) -> Vec<u8> {
    format!("{topic}\0{message_id}").into_bytes()
}

fn told(error: &ApiError) -> (String, Option<String>) {
    (error.code().to_owned(), error.message().map(str::to_owned))
}

/// KMS's refusal in SNS's words.
fn refused(error: &ApiError, context: &RequestContext) -> Refusal {
    let shape: &'static ErrorShape = match error.code() {
        "AccessDeniedException" => &errors::KMS_ACCESS_DENIED_EXCEPTION,
        "DisabledException" => &errors::KMS_DISABLED_EXCEPTION,
        "NotFoundException" => &errors::KMS_NOT_FOUND_EXCEPTION,
        "KMSInvalidStateException" | "KeyUnavailableException" | "InvalidKeyUsageException" => {
            &errors::KMS_INVALID_STATE_EXCEPTION
        }
        "ThrottlingException" | "LimitExceededException" => &errors::KMS_THROTTLING_EXCEPTION,
        _ => return Refusal::Internal(error.clone().into()),
    };
    Refusal::modelled(
        shape,
        format!(
            "{} (Service: AWSKMS; Status Code: 400; Error Code: {}; Request ID: {})",
            error.message().unwrap_or_default(),
            error.code(),
            context.request_id
        ),
    )
}
