//! From the server's finished calls to the journal's records.

use std::error::Error;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use strongroom_identity::{Principal, RecordDraft, RequestContext};
use strongroom_journal::{
    EventId, EventType, Identity, IdentityKind, Journal, JournalError, Record, Resource, TlsDetails,
};
use strongroom_runtime::Clocks;
use strongroom_server::{FinishedCall, Recorder};

use crate::outbox::Outbox;

/// What CloudTrail calls a denial, whatever the service's own code for it.
const DENIED: &str = "AccessDenied";

/// Keeps the server's calls in a journal.
pub(crate) struct JournalRecorder {
    journal: Arc<Journal>,
    clocks: Clocks,
    outbox: Arc<Outbox>,
    /// Records of changes that happened while the journal could not be written.
    late: Mutex<Vec<Record>>,
    /// The last record could not be written; the next that can be ends this.
    failing: AtomicBool,
}

impl JournalRecorder {
    pub(crate) fn new(journal: Arc<Journal>, clocks: Clocks, outbox: Arc<Outbox>) -> Self {
        Self { journal, clocks, outbox, late: Mutex::default(), failing: AtomicBool::new(false) }
    }

    /// Appends a record. That of a change which has happened is kept for later if it cannot be appended now;
    /// its draft is in the outbox besides.
    async fn append(&self, record: Record, change: Option<[u8; 16]>) -> Result<(), JournalError> {
        if let Err(error) = self.journal.append(&record).await {
            self.failing.store(true, Ordering::Relaxed);
            if change.is_some() {
                self.late.lock().unwrap_or_else(PoisonError::into_inner).push(record);
            }
            return Err(error);
        }
        if let Some(id) = change {
            self.outbox.delivered(id).await;
        }
        Ok(())
    }

    /// Appends what could not be appended before.
    async fn catch_up(&self) -> Result<(), JournalError> {
        loop {
            let Some(record) = self.late.lock().unwrap_or_else(PoisonError::into_inner).pop() else {
                return Ok(());
            };
            let id = record.event_id.0;
            // One that fails again is kept again.
            self.append(record, Some(id)).await?;
        }
    }

    fn record_of(&self, call: FinishedCall<'_>) -> Result<Record, Box<dyn Error + Send + Sync>> {
        let context = call.context;
        let (error_code, error_message) = call.error.unzip();
        let resources = call.resources.iter().map(|resource| Resource {
            account_id: Some(resource.account.clone()),
            kind: Some(resource.kind.to_owned()),
            arn: resource.arn.clone(),
        });
        Ok(Record {
            event_id: EventId(match context.draft() {
                Some(draft) => draft.event_id,
                None => strongroom_crypto::random::bytes()?,
            }),
            event_time_ms: self.clocks.domain_now(),
            event_source: call.service.event_source.to_owned(),
            event_name: call.operation.name.to_owned(),
            aws_region: context.region.name().to_owned(),
            account_id: context.account().to_string(),
            identity: identity(context),
            source_ip: context.source_ip.to_string(),
            user_agent: (!context.user_agent.is_empty()).then(|| context.user_agent.clone()),
            error_code: error_code
                .map(|code| if code == "AccessDeniedException" { DENIED.to_owned() } else { code }),
            error_message: error_message.flatten(),
            request_parameters: call.request_parameters,
            response_elements: call.response_elements,
            additional_event_data: call.additional_event_data,
            service_event_details: None,
            request_id: Some(context.request_id.to_string()),
            read_only: call.operation.read_only,
            resources: (!call.resources.is_empty()).then(|| resources.collect()),
            event_type: EventType::AwsApiCall,
            api_version: None,
            management: true,
            tls: context.tls.as_ref().map(|tls| TlsDetails {
                version: Some(tls.version.clone()),
                cipher_suite: Some(tls.cipher_suite.clone()),
                host: None,
            }),
            shared_event_id: None,
        })
    }
}

#[async_trait]
impl Recorder for JournalRecorder {
    async fn record(&self, call: FinishedCall<'_>) -> Result<(), Box<dyn Error + Send + Sync>> {
        let change = call.context.draft().filter(|_| call.error.is_none()).map(|draft| draft.event_id);
        let record = self.record_of(call)?;
        self.append(record, change).await?;
        if self.failing.swap(false, Ordering::Relaxed) {
            self.catch_up().await?;
        }
        Ok(())
    }

    fn draft(&self, call: FinishedCall<'_>) -> Result<RecordDraft, Box<dyn Error + Send + Sync>> {
        Ok(self.outbox.draft(&self.record_of(call)?))
    }

    fn is_ready(&self) -> bool {
        !self.failing.load(Ordering::Relaxed)
    }

    async fn probe(&self) {
        if self.journal.probe().await.is_ok() {
            self.failing.store(false, Ordering::Relaxed);
            if let Err(error) = self.catch_up().await {
                tracing::warn!(%error, "records of changes are still to be written");
            }
        }
    }
}

/// CloudTrail's `userIdentity` of the caller.
fn identity(context: &RequestContext) -> Identity {
    let principal = &context.caller.principal;
    let kind = match principal {
        Principal::Root(_) => Some(IdentityKind::Root),
        _ => None,
    };
    Identity {
        kind,
        principal_id: Some(principal.unique_id()),
        arn: Some(principal.arn()),
        account_id: Some(principal.account().to_string()),
        access_key_id: Some(context.caller.access_key_id.clone()),
        user_name: None,
        session: None,
        invoked_by: None,
    }
}
