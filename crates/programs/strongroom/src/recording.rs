//! From the server's finished calls to the journal's records.

mod manner;

use std::error::Error;
use std::sync::Arc;

use async_trait::async_trait;
use strongroom_identity::{DecisionNote, RecordDraft};
use strongroom_journal::{DECISIONS_LIMIT, EventId, EventType, Record, Resource, TlsDetails};
use strongroom_outbox::{Outbox, identity_of, recorded_code, records_of_owners};
use strongroom_runtime::Clocks;
use strongroom_server::{FinishedCall, Recorder};

use self::manner::{Asked, Manner};

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
        let of_objects = objects_of(&call);
        let (error_code, error_message) = call.error.unzip();
        let operation = call.operation.name;
        let manner = Manner::of(call.service.event_source);
        let asked =
            Asked { operation, parameters: call.request_parameters, error_code: error_code.as_deref() };
        let request_parameters = manner.shown_parameters(asked);
        let has_list = !call.resources.is_empty() || manner.is_about_nothing(operation);
        let resources = call.resources.iter().map(|resource| Resource {
            account_id: Some(resource.account.clone()),
            kind: Some(resource.kind.to_owned()),
            arn: resource.arn.clone(),
        });
        Ok(Record {
            event_id: EventId(match context.draft() {
                Some(draft) => draft.event_id,
                None => strongroom_crypto::random::id()?,
            }),
            event_time_ms: self.clocks.domain_now(),
            event_source: call.service.event_source.to_owned(),
            event_name: (manner.name)(operation).to_owned(),
            aws_region: context.place().name().to_owned(),
            account_id: context.account().to_string(),
            identity: identity_of(&context.caller),
            source_ip: context.source_ip.to_string(),
            user_agent: (!context.user_agent.is_empty()).then(|| (manner.agent)(&context.user_agent)),
            error_code: error_code.map(recorded_code),
            error_message: error_message.flatten().map(strongroom_kms::conceal_refused_tokens),
            request_parameters,
            response_elements: call
                .response_elements
                .and_then(|elements| (manner.elements)(operation, elements)),
            additional_event_data: call.additional_event_data,
            service_event_details: None,
            request_id: Some(context.request_id.to_string()),
            read_only: call.operation.read_only,
            resources: has_list.then(|| of_objects.into_iter().chain(resources).collect()),
            event_type: EventType::AwsApiCall,
            api_version: manner.names_version.then(|| call.service.api_version.replace('-', "")),
            management: !call.operation.data_event && manner.is_management(operation),
            tls: context.tls.as_ref().map(|tls| TlsDetails {
                version: Some(tls.version.to_owned()),
                cipher_suite: Some(tls.cipher_suite.to_owned()),
                host: tls.host.clone(),
            }),
            shared_event_id: None,
            decisions: decisions(call.decisions),
        })
    }
}

/// The objects that a call on what is in a bucket is about, where it names none: those whose keys begin so. Trails choose events
/// of S3 by objects, and have these too.
fn objects_of(call: &FinishedCall<'_>) -> Option<Resource> {
    let is_of = |kind: &'static str| call.resources.iter().find(|resource| resource.kind == kind);
    let bucket = is_of("AWS::S3::Bucket")
        .filter(|_| call.operation.data_event && is_of("AWS::S3::Object").is_none())?;
    let prefix = strongroom_s3::touched_prefix(call.request_parameters.as_deref());
    Some(Resource {
        account_id: Some(bucket.account.clone()),
        kind: Some("AWS::S3::Object".to_owned()),
        arn: format!("{}/{prefix}", bucket.arn),
    })
}

/// The traces of a call as one JSON array: as many as a record takes, those of refusals before others.
fn decisions(decisions: &[DecisionNote]) -> Option<String> {
    let mut by_weight: Vec<_> = decisions.iter().enumerate().collect();
    by_weight.sort_by_key(|(_, decision)| decision.is_allowed);
    // The closing bracket; each trace has an opening one or a comma before it.
    let mut size = 1;
    by_weight.retain(|(_, decision)| {
        let with_it = size + decision.trace.len() + 1;
        let fits = with_it <= DECISIONS_LIMIT;
        if fits {
            size = with_it;
        }
        fits
    });
    by_weight.sort_by_key(|(at, _)| *at);
    let kept: Vec<_> = by_weight.into_iter().map(|(_, decision)| decision.trace.as_str()).collect();
    (!kept.is_empty()).then(|| format!("[{}]", kept.join(",")))
}

#[async_trait]
impl Recorder for JournalRecorder {
    async fn record(&self, call: FinishedCall<'_>) -> Result<(), Box<dyn Error + Send + Sync>> {
        let changed = call.context.draft().is_some() && call.error.is_none();
        let caller = &call.context.caller;
        let mut record = self.record_of(call)?;
        let others = records_of_owners(&mut record, caller)?;
        Ok(self.outbox.record_for_all(&record, &others, changed).await?)
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

#[cfg(test)]
mod tests {
    use super::*;

    /// A trace as long as that, in quotes.
    fn decision(letter: &str, length: usize, is_allowed: bool) -> DecisionNote {
        DecisionNote { trace: format!("\"{}\"", letter.repeat(length - 2)), is_allowed }
    }

    fn kept(of: &[DecisionNote]) -> Vec<String> {
        let text = decisions(of).unwrap_or_else(|| "[]".to_owned());
        assert!(text.len() <= DECISIONS_LIMIT);
        let traces: Vec<String> = serde_json::from_str(&text).unwrap();
        traces.iter().map(|trace| trace[..1].to_owned()).collect()
    }

    #[test]
    fn decisions_that_refused_are_kept_before_those_that_allowed() {
        let half = DECISIONS_LIMIT / 2 - 2;
        assert!(kept(&[]).is_empty());
        let allowed = [decision("a", half, true), decision("b", half, true)];
        assert_eq!(kept(&allowed), ["a", "b"]);
        let refused = [&allowed[..], &[decision("c", half, false)]].concat();
        assert_eq!(kept(&refused), ["a", "c"]);
        let too_long = [decision("a", DECISIONS_LIMIT, false), decision("b", half, true)];
        assert_eq!(kept(&too_long), ["b"]);
    }
}
