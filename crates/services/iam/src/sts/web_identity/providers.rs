//! The keys of identity providers: read where they publish them, and kept for an hour.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex as StdMutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use serde::Deserialize;
use strongroom_api_sts::errors::IDP_COMMUNICATION_ERROR_EXCEPTION;
use strongroom_runtime::Clocks;
use tokio::sync::{Mutex, Semaphore};

use super::jwk::KeySet;
use super::{HTTP, invalid};
use crate::error::Refusal;

/// How long the keys of a provider count, milliseconds.
const KEPT_MS: i64 = 3_600_000;

/// How long a provider is not asked again because of a key that it has not published, milliseconds.
const PATIENCE_MS: i64 = 60_000;

/// How long a provider is not asked again that did not answer, milliseconds.
const PAUSE_MS: i64 = 5_000;

/// Callers that wait for one provider at one time; to others it is out of reach for the moment. Callers whom nobody knows
/// yet have few places, and one provider that answers slowly is not to take them all.
const MOST_WAITING: usize = 8;

/// Providers whose keys are kept. Beyond it one is forgotten, and asked again when needed.
const MOST_PROVIDERS: usize = 256;

/// Where a provider says where its keys are (OpenID Connect Discovery 1.0, 4).
const CONFIGURATION: &str = "/.well-known/openid-configuration";

/// Reads what identity providers publish. Whoever does it bounds how long it takes and how much is read, goes to public
/// addresses only, and follows no redirects.
#[async_trait]
pub trait ProviderDocuments: Send + Sync {
    /// The document at `url`, which begins with `https://`, or with `http://` where [local
    /// providers](Self::reaches_local) count. Trusted are the authorities that the system trusts, and those with one of
    /// the SHA-1 `thumbprints`, in lower-case hexadecimal.
    async fn read(&self, url: &str, thumbprints: &[String]) -> Result<Vec<u8>, Unread>;

    /// Whether providers on this machine count, by plain HTTP too: for development only.
    fn reaches_local(&self) -> bool {
        false
    }
}

/// Why a document could not be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Unread(pub String);

/// The providers that have been asked, and whoever asks them.
pub(crate) struct Providers {
    documents: Option<Arc<dyn ProviderDocuments>>,
    clocks: Clocks,
    asked: StdMutex<HashMap<Asked, Arc<Provider>>>,
}

impl fmt::Debug for Providers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Providers").finish_non_exhaustive()
    }
}

/// Who was asked, and whom that trusts: two accounts may trust one provider in different ways.
#[derive(Clone, PartialEq, Eq, Hash)]
struct Asked {
    issuer: String,
    thumbprints: Vec<String>,
}

/// One provider: what is known of it, who reads it, and who waits for that.
struct Provider {
    known: StdMutex<Known>,
    reading: Mutex<()>,
    waiting: Semaphore,
}

/// What is known of a provider.
#[derive(Default)]
struct Known {
    keys: Option<Arc<KeySet>>,
    read_ms: i64,
    failed_ms: Option<i64>,
}

#[derive(Deserialize)]
struct Configuration {
    issuer: String,
    jwks_uri: String,
}

impl Providers {
    /// Providers that nobody can ask.
    pub(crate) fn out_of_reach(clocks: Clocks) -> Self {
        Self { documents: None, clocks, asked: StdMutex::default() }
    }

    /// The same, asked through `documents`.
    #[must_use]
    pub(crate) fn read_by(self, documents: Arc<dyn ProviderDocuments>) -> Self {
        Self { documents: Some(documents), ..self }
    }

    /// Whether providers on this machine count.
    pub(crate) fn reaches_local(&self) -> bool {
        self.documents.as_ref().is_some_and(|documents| documents.reaches_local())
    }

    /// The keys of an issuer, among them the one of that id, if it has published it. Of several who ask at one time one
    /// reads, and the others wait.
    pub(super) async fn keys(
        &self,
        issuer: &str,
        thumbprints: &[String],
        key_id: &str,
    ) -> Result<Arc<KeySet>, Refusal> {
        let provider = self.provider(Asked { issuer: issuer.to_owned(), thumbprints: thumbprints.to_vec() });
        if let Some(answer) = provider.answer(self.clocks.real_now(), key_id) {
            return answer;
        }
        let _place = provider.waiting.try_acquire().map_err(|_| out_of_reach())?;
        let _turn = provider.reading.lock().await;
        let now_ms = self.clocks.real_now();
        if let Some(answer) = provider.answer(now_ms, key_id) {
            return answer;
        }
        match self.read(issuer, thumbprints).await {
            Ok(keys) => {
                let keys = Arc::new(keys);
                *provider.known() = Known { keys: Some(keys.clone()), read_ms: now_ms, failed_ms: None };
                if keys.has(key_id) { Ok(keys) } else { Err(no_key()) }
            }
            Err(error) => {
                tracing::warn!(issuer, %error, "the keys of an identity provider cannot be read");
                provider.known().failed_ms = Some(now_ms);
                Err(out_of_reach())
            }
        }
    }

    /// Forgets all keys, after the store has been emptied.
    pub(crate) fn start_over(&self) {
        self.asked.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    fn provider(&self, who: Asked) -> Arc<Provider> {
        let mut asked = self.asked.lock().unwrap_or_else(PoisonError::into_inner);
        if asked.len() >= MOST_PROVIDERS
            && !asked.contains_key(&who)
            && let Some(any) = asked.keys().next().cloned()
        {
            asked.remove(&any);
        }
        asked.entry(who).or_default().clone()
    }

    async fn read(&self, issuer: &str, thumbprints: &[String]) -> Result<KeySet, Unread> {
        let unread = |text: &str| Unread(text.to_owned());
        let documents = self.documents.as_ref().ok_or_else(|| unread("nobody is asked outside"))?;
        let url = format!("{}{CONFIGURATION}", issuer.trim_end_matches('/'));
        let configuration = documents.read(&url, thumbprints).await?;
        let configuration: Configuration = serde_json::from_slice(&configuration)
            .map_err(|_| unread("its configuration is no JSON document with an issuer and a jwks_uri"))?;
        // Another issuer's configuration does not speak for this one (OpenID Connect Discovery 1.0, 4.3).
        if configuration.issuer != issuer {
            return Err(unread("its configuration is that of another issuer"));
        }
        // Only a provider on this machine is read without TLS, and none from outside sends us there.
        if configuration.jwks_uri.starts_with(HTTP) && !issuer.starts_with(HTTP) {
            return Err(unread("its keys are not behind TLS, as it is itself"));
        }
        let keys = documents.read(&configuration.jwks_uri, thumbprints).await?;
        KeySet::parse(&keys).map_err(|error| Unread(error.to_string()))
    }
}

impl Default for Provider {
    fn default() -> Self {
        Self { known: StdMutex::default(), reading: Mutex::default(), waiting: Semaphore::new(MOST_WAITING) }
    }
}

impl Provider {
    /// What needs no look at the provider: its keys, or that it is not to be asked again so soon.
    fn answer(&self, now_ms: i64, key_id: &str) -> Option<Result<Arc<KeySet>, Refusal>> {
        let known = self.known();
        let age_ms = now_ms.saturating_sub(known.read_ms);
        if let Some(keys) = &known.keys
            && (0..KEPT_MS).contains(&age_ms)
        {
            if keys.has(key_id) {
                return Some(Ok(keys.clone()));
            }
            if age_ms < PATIENCE_MS {
                return Some(Err(no_key()));
            }
        }
        let failed = known.failed_ms.is_some_and(|ms| (0..PAUSE_MS).contains(&now_ms.saturating_sub(ms)));
        failed.then(|| Err(out_of_reach()))
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Text: answers of AWS quoted in public issue threads.
fn no_key() -> Refusal {
    invalid(
        "Couldn't retrieve verification key from your identity provider,  please reference \
         AssumeRoleWithWebIdentity documentation for requirements",
    )
}

/// SDKs try again after this code. AWS's text is not known.
fn out_of_reach() -> Refusal {
    let text = "The identity provider did not answer as it should. Try again in a moment.".to_owned();
    Refusal::Modelled(&IDP_COMMUNICATION_ERROR_EXCEPTION, text)
}
