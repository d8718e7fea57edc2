//! Services that call others for an account, as `cloudhsm.amazonaws.com` calls EC2: recorded like every call.

use std::future::Future;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

use strongroom_crypto::random;
use strongroom_identity::{AccountId, Caller, Principal, Region, RequestContext, RequestId};
use strongroom_journal::{JournalError, Record};
use strongroom_runtime::Clocks;

use crate::asked::{complete, keep};
use crate::{Asked, Outbox};

/// Why a service cannot call for an account.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OnBehalfError {
    /// The Region is none that is served.
    #[error("a service was to call in {0}, which is no Region")]
    Region(String),
    /// There are no random numbers for the ids.
    #[error("there are no random numbers for the ids of a call")]
    Random(#[from] strongroom_crypto::CryptoError),
    /// A call that changes nothing cannot be recorded, so its answer is not used.
    #[error("a call of a service cannot be recorded")]
    Journal(#[from] JournalError),
}

/// An AWS service, as far as it calls others for accounts.
pub struct OnBehalf {
    service: &'static str,
    outbox: Arc<Outbox>,
    clocks: Clocks,
}

/// A call that changes something and has begun. Its draft, in the context, commits with what is changed.
pub struct Change<'o> {
    outbox: &'o Outbox,
    context: Arc<RequestContext>,
    record: Record,
}

impl OnBehalf {
    /// The service of that name, for example `cloudhsm.amazonaws.com`.
    pub fn new(service: &'static str, outbox: Arc<Outbox>, clocks: Clocks) -> Self {
        Self { service, outbox, clocks }
    }

    /// A context in which the service calls for an account.
    pub fn context(&self, account: AccountId, region: &str) -> Result<RequestContext, OnBehalfError> {
        let principal = Principal::Service { account, name: self.service };
        self.context_of(Caller::new(principal, ""), region)
    }

    fn context_of(&self, caller: Caller, region: &str) -> Result<RequestContext, OnBehalfError> {
        let region = Region::named(region).ok_or_else(|| OnBehalfError::Region(region.to_owned()))?;
        Ok(RequestContext::new(
            RequestId::from_random(random::bytes()?),
            caller,
            region,
            self.clocks.domain_now(),
            IpAddr::V4(Ipv4Addr::LOCALHOST),
            self.service.to_owned(),
            None,
        ))
    }

    /// Makes a call for an account, about what `about` names (`aws:SourceArn`), and records it, refused or not. The draft
    /// of a change is in the context; a call that changes nothing is recorded before its answer is used. `told` gives the
    /// code and the message of a refusal.
    pub async fn call<T, E, F>(
        &self,
        (account, region, about): (AccountId, &str, Option<&str>),
        asked: Asked,
        told: impl FnOnce(&E) -> (String, Option<String>),
        call: impl FnOnce(Arc<RequestContext>) -> F,
    ) -> Result<Result<T, E>, OnBehalfError>
    where
        F: Future<Output = Result<T, E>>,
    {
        let mut context = self.context(account, region)?;
        if let Some(arn) = about {
            context = context.about(arn);
        }
        self.make(context, asked, told, call).await
    }

    /// The same with the rights of a role that the account has given to the service: `caller` is the session that the
    /// service has assumed. The call is made through the service (`aws:CalledVia`).
    pub async fn call_as<T, E, F>(
        &self,
        (caller, region): (Caller, &str),
        asked: Asked,
        told: impl FnOnce(&E) -> (String, Option<String>),
        call: impl FnOnce(Arc<RequestContext>) -> F,
    ) -> Result<Result<T, E>, OnBehalfError>
    where
        F: Future<Output = Result<T, E>>,
    {
        let context = self.context_of(caller, region)?.passed_on_by(self.service);
        self.make(context, asked, told, call).await
    }

    async fn make<T, E, F>(
        &self,
        mut context: RequestContext,
        asked: Asked,
        told: impl FnOnce(&E) -> (String, Option<String>),
        call: impl FnOnce(Arc<RequestContext>) -> F,
    ) -> Result<Result<T, E>, OnBehalfError>
    where
        F: Future<Output = Result<T, E>>,
    {
        let record = asked.record(self.service, &context, context.now_ms)?;
        if !asked.read_only {
            context = context.with_draft(self.outbox.draft(&record));
        }
        let context = Arc::new(context);
        let outcome = call(context.clone()).await;
        let error = outcome.as_ref().err().map(told);
        keep(&self.outbox, (self.service, asked.read_only), record, &context, error).await?;
        Ok(outcome)
    }

    /// Begins a call that changes something: its event's source and name, and its parameters as JSON.
    pub fn begin(
        &self,
        account: AccountId,
        region: &str,
        event_source: &'static str,
        event_name: &'static str,
        parameters: String,
    ) -> Result<Change<'_>, OnBehalfError> {
        let context = self.context(account, region)?;
        let asked = Asked { read_only: false, ..Asked::reading(event_source, event_name, parameters) };
        let record = asked.record(self.service, &context, context.now_ms)?;
        let context = Arc::new(context.with_draft(self.outbox.draft(&record)));
        Ok(Change { outbox: &self.outbox, context, record })
    }
}

impl Change<'_> {
    /// The context to call in.
    pub fn context(&self) -> Arc<RequestContext> {
        self.context.clone()
    }

    /// Writes the record of a call that was made. Where that fails, the draft is what is left, and becomes the
    /// record later.
    pub async fn done(self) {
        let record = complete(self.record, &self.context, None);
        let (service, event) = (record.source_ip.clone(), record.event_name.clone());
        if let Err(error) = self.outbox.record(record, true).await {
            tracing::warn!(service, event, %error, "the record of what a service did is still to be written");
        }
    }
}
