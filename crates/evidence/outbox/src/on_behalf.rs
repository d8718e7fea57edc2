//! Services that call others for an account, as `cloudhsm.amazonaws.com` calls EC2: recorded like every call.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

use strongroom_crypto::random;
use strongroom_identity::{AccountId, Caller, Principal, Region, RequestContext, RequestId, TouchedResource};
use strongroom_journal::{EventId, EventType, Identity, IdentityKind, Record, Resource};
use strongroom_runtime::Clocks;

use crate::Outbox;

/// How long a service waits for another, in milliseconds.
const PATIENCE_MS: i64 = 30_000;

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
        let region = Region::named(region).ok_or_else(|| OnBehalfError::Region(region.to_owned()))?;
        let principal = Principal::Service { account, name: self.service };
        Ok(RequestContext::new(
            RequestId::from_random(random::bytes()?),
            Caller::new(principal, ""),
            region,
            self.clocks.domain_now(),
            self.clocks.real_now().saturating_add(PATIENCE_MS),
            IpAddr::V4(Ipv4Addr::LOCALHOST),
            self.service.to_owned(),
            None,
        ))
    }

    /// Begins a call that changes something: its event's source and name, and its parameters as JSON.
    pub fn begin(
        &self,
        account: AccountId,
        region: &str,
        event_source: &str,
        event_name: &str,
        parameters: String,
    ) -> Result<Change<'_>, OnBehalfError> {
        let context = self.context(account, region)?;
        let record = Record {
            event_id: EventId(random::bytes()?),
            event_time_ms: context.now_ms,
            event_source: event_source.to_owned(),
            event_name: event_name.to_owned(),
            aws_region: region.to_owned(),
            account_id: account.to_string(),
            identity: Identity {
                kind: Some(IdentityKind::AwsService),
                invoked_by: Some(self.service.to_owned()),
                ..Identity::default()
            },
            source_ip: self.service.to_owned(),
            user_agent: Some(self.service.to_owned()),
            request_parameters: Some(parameters),
            request_id: Some(context.request_id.to_string()),
            event_type: EventType::AwsApiCall,
            management: true,
            ..Record::default()
        };
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
    pub async fn done(mut self) {
        let touched = self.context.take_notes().resources.into_iter();
        let resources: Vec<_> = touched
            .map(|TouchedResource { account, kind, arn }| Resource {
                account_id: Some(account),
                kind: Some(kind.to_owned()),
                arn,
            })
            .collect();
        self.record.resources = (!resources.is_empty()).then_some(resources);
        let (service, event) = (self.record.source_ip.clone(), self.record.event_name.clone());
        if let Err(error) = self.outbox.record(self.record, true).await {
            tracing::warn!(service, event, %error, "the record of what a service did is still to be written");
        }
    }
}
