//! The seam to the journal: every authenticated call, done or refused, is recorded before it is answered.

use std::error::Error;

use async_trait::async_trait;
use strongroom_identity::{DecisionNote, RecordDraft, RequestContext, TouchedResource};
use strongroom_schema::{Operation, ServiceSchema};

/// An authenticated call that has ended, as far as its record goes.
pub struct FinishedCall<'a> {
    /// Who, where, when.
    pub context: &'a RequestContext,
    /// The service.
    pub service: &'static ServiceSchema,
    /// The operation.
    pub operation: &'static Operation,
    /// The parameters in CloudTrail's form, secrets and blobs left out; `None` where there are none or they
    /// could not be read.
    pub request_parameters: Option<String>,
    /// The answer in the same form; `None` for operations that change nothing, and for refusals.
    pub response_elements: Option<String>,
    /// Code and message of the refusal.
    pub error: Option<(String, Option<String>)>,
    /// `additionalEventData`, as JSON.
    pub additional_event_data: Option<String>,
    /// The resources that the call touched.
    pub resources: &'a [TouchedResource],
    /// The decisions about it: for whoever runs the server, and never shown to callers.
    pub decisions: &'a [DecisionNote],
}

/// Keeps records.
#[async_trait]
pub trait Recorder: Send + Sync {
    /// Makes the draft of a record, of a call that is about to run. It is committed together with what the
    /// call changes; [`Recorder::record`] with the same context replaces it.
    fn draft(&self, call: FinishedCall<'_>) -> Result<RecordDraft, Box<dyn Error + Send + Sync>>;

    /// Records the call. When this answers `Ok`, the record is as durable as the journal promises; on an
    /// error the caller is not told that the call succeeded.
    async fn record(&self, call: FinishedCall<'_>) -> Result<(), Box<dyn Error + Send + Sync>>;

    /// Whether records can be kept now, as far as the last one tells. When not, calls are refused before they
    /// do anything; their refusals are recorded, and so find out when records can be kept again.
    fn is_ready(&self) -> bool;

    /// Finds out, after a failure, whether records can be kept again. Asked by health checks, behind which no
    /// call may come that would find out.
    async fn probe(&self) {}
}
