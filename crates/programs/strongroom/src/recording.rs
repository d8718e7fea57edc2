//! From the server's finished calls to the journal's records.

use std::error::Error;
use std::sync::Arc;

use async_trait::async_trait;
use strongroom_identity::{Principal, RecordDraft, RequestContext};
use strongroom_journal::{EventId, EventType, Identity, IdentityKind, Record, Resource, TlsDetails};
use strongroom_outbox::Outbox;
use strongroom_runtime::Clocks;
use strongroom_server::{FinishedCall, Recorder};

/// What CloudTrail calls a denial, whatever the service's own code for it.
const DENIED: &str = "AccessDenied";

/// Keeps the server's calls in a journal.
pub(crate) struct JournalRecorder {
    clocks: Clocks,
    outbox: Arc<Outbox>,
}

impl JournalRecorder {
    pub(crate) fn new(clocks: Clocks, outbox: Arc<Outbox>) -> Self {
        Self { clocks, outbox }
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
            request_parameters: call
                .request_parameters
                .map(strongroom_kms::conceal_chosen_material)
                .map(strongroom_kms::spell_origin)
                .map(strongroom_kms::name_cluster),
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
        let changed = call.context.draft().is_some() && call.error.is_none();
        Ok(self.outbox.record(self.record_of(call)?, changed).await?)
    }

    fn draft(&self, call: FinishedCall<'_>) -> Result<RecordDraft, Box<dyn Error + Send + Sync>> {
        Ok(self.outbox.draft(&self.record_of(call)?))
    }

    fn is_ready(&self) -> bool {
        self.outbox.is_ready()
    }

    async fn probe(&self) {
        self.outbox.probe().await;
    }
}

/// CloudTrail's `userIdentity` of the caller.
fn identity(context: &RequestContext) -> Identity {
    let principal = &context.caller.principal;
    if let Some(service) = principal.service() {
        return Identity {
            kind: Some(IdentityKind::AwsService),
            invoked_by: Some(service.to_owned()),
            ..Identity::default()
        };
    }
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
