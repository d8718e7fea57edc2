//! Services that call another for whoever calls them, as S3 and SNS ask KMS for a data key: the caller stays who asks, and
//! the call is recorded as his, made through the service (IAM User Guide, "Forward access sessions").

use std::future::Future;
use std::sync::Arc;

use strongroom_crypto::{CryptoError, random};
use strongroom_identity::{RecordDraft, Region, RequestContext, RequestId};
use strongroom_runtime::Clocks;

use crate::asked::keep;
use crate::{Asked, OnBehalfError, Outbox};

/// An AWS service, as far as it calls others for its callers.
pub struct PassedOn {
    service: &'static str,
    outbox: Arc<Outbox>,
    clocks: Clocks,
}

impl PassedOn {
    /// The service of that name, for example `sns.amazonaws.com`.
    pub fn new(service: &'static str, outbox: Arc<Outbox>, clocks: Clocks) -> Self {
        Self { service, outbox, clocks }
    }

    /// Makes a call for the caller of `context`, and records it before its answer is used, refused or not. The draft of a
    /// change is in the context. `told` gives the code and the message of a refusal.
    pub async fn call<T, E, F>(
        &self,
        context: &RequestContext,
        asked: Asked,
        told: impl FnOnce(&E) -> (String, Option<String>),
        call: impl FnOnce(Arc<RequestContext>) -> F,
    ) -> Result<Result<T, E>, OnBehalfError>
    where
        F: Future<Output = Result<T, E>>,
    {
        self.call_in(context.region, context, asked, told, call).await
    }

    /// The same in another Region than the caller's: that of a bucket, whichever Region its requests are signed for.
    pub async fn call_in<T, E, F>(
        &self,
        region: Region,
        context: &RequestContext,
        asked: Asked,
        told: impl FnOnce(&E) -> (String, Option<String>),
        call: impl FnOnce(Arc<RequestContext>) -> F,
    ) -> Result<Result<T, E>, OnBehalfError>
    where
        F: Future<Output = Result<T, E>>,
    {
        let mark = context.mark();
        let mut context = self.pass_on(region, context)?;
        let record = asked.record(self.service, &context, context.now_ms)?;
        if !asked.read_only {
            // What the call rests on is what its caller's rests on.
            context = context.with_draft(RecordDraft { mark, ..self.outbox.draft(&record) });
        }
        let context = Arc::new(context);
        let outcome = call(context.clone()).await;
        let error = outcome.as_ref().err().map(told);
        keep(&self.outbox, (self.service, asked.read_only), record, &context, error).await?;
        Ok(outcome)
    }

    /// The same caller, calling through the service, now: a call of its own, with an id and a record of its own.
    fn pass_on(&self, region: Region, context: &RequestContext) -> Result<RequestContext, CryptoError> {
        let mut passed = context.again_in(region).passed_on_by(self.service);
        passed.request_id = RequestId::from_random(random::id()?);
        passed.now_ms = self.clocks.domain_now();
        Ok(passed)
    }
}
