//! Running an authenticated operation, recording it, and only then answering.

mod manner;

use std::sync::Arc;

use http::Response;
use strongroom_identity::{NoteValue, Principal, RecordDraft, RequestContext};
use strongroom_protocols::envelope::{self, ErrorView, Framing};
use strongroom_protocols::rest::Answer;
use strongroom_protocols::trail::{self, Extra};
use strongroom_runtime::Stopwatch;
use strongroom_schema::{Fault, Structure, Timestamp, Value};
use strongroom_service::ApiError;
use tokio::sync::SemaphorePermit;

pub(crate) use self::manner::{Manner, Pathway};
use crate::detached::{Detached, caught};
use crate::metrics::Outcome;
use crate::pipeline::{Cause, Decoded, Failure, view};
use crate::registry::Found;
use crate::server::Mark;
use crate::{FinishedCall, Server};

impl Server {
    /// Runs the operation to its end, also when the client is gone by then or has been told that it takes too
    /// long: what is done is recorded as it was done. What it takes of the server's bounds is `held` until then.
    pub(crate) async fn operate(
        self: &Arc<Self>,
        (found, mark): (Found, Mark),
        manner: Manner,
        context: RequestContext,
        decoded: Decoded,
        held: impl Send + 'static,
    ) -> Result<Response<Answer>, Failure> {
        let (server, running) = (self.clone(), found.clone());
        let (framing, progress) = (manner.framing(), manner.progress());
        let mut ended = Detached::new(self.shutdown(), async move {
            let outcome = server.run_and_record((&running, mark), &manner, context, decoded).await;
            // The input is gone, and with it what it took of the memory of bodies.
            drop(held);
            outcome
        });
        let outcome = loop {
            match tokio::time::timeout(self.limits().operation_time, &mut ended).await {
                Ok(outcome) => break outcome,
                // What the client still sends is not waited for in vain.
                Err(_) if progress.as_ref().is_some_and(|progress| progress.has_moved()) => {}
                Err(_) => {
                    let late = "The operation did not end in time. It may yet take effect.";
                    break Err(ApiError::unavailable(late));
                }
            }
        };
        outcome.map_err(|error| Failure::of(&found, framing, Cause::Operation(error)))
    }

    async fn run_and_record(
        &self,
        (found, mark): (&Found, Mark),
        manner: &Manner,
        mut context: RequestContext,
        decoded: Decoded,
    ) -> Result<Response<Answer>, ApiError> {
        let watch = Stopwatch::start();
        // Kept until the call is recorded: where every place is free, nothing is under way.
        let place = self.place().await;
        // Whoever waited for a place may have waited through a reset, which sets the clock right.
        context.now_ms = self.clocks().domain_now();
        let (operation, framing) = (found.operation(), manner.framing());
        let parameters = decoded.as_ref().ok().and_then(|input| manner.parameters(operation, &**input));
        if !operation.read_only && decoded.is_ok() {
            let draft = self.recorder().draft(begun(found, &context, parameters.clone()));
            let draft = draft.map_err(ApiError::internal)?;
            context = context.with_draft(RecordDraft { mark: mark.number(), ..draft });
        }
        let context = &context;
        let outcome = match decoded {
            Ok(_) if place.is_none() => {
                Err(ApiError::unavailable("The service is busy. Try again in a moment."))
            }
            // Waiting for a place may have taken long.
            Ok(input) if self.is_ready() => match self.expect_fresh(mark, found) {
                Ok(()) => self.run(found, context, input).await,
                Err(stale) => Err(stale),
            },
            Ok(_) => Err(ApiError::unavailable(
                "The audit journal cannot be written, so no call is served. See the server's log.",
            )),
            Err(error) => Err(error),
        };
        // What has been changed is changed. What was only looked at is not told to somebody who may have lost the right.
        let mut outcome = match outcome {
            Ok(output) if operation.read_only => self.expect_fresh(mark, found).map(|()| output),
            other => other,
        };
        if let Err(error) = &outcome
            && let Some(source) = std::error::Error::source(error)
        {
            let operation = operation.name;
            tracing::error!(request_id = %context.request_id, operation, error = source, "an operation failed");
        }
        if let Err(error) = &outcome
            && is_stranger(context)
        {
            // The account is the one that the stranger has named: its record is not for him to fill.
            let now_ms = self.clocks().real_now();
            self.unauthenticated(now_ms, context.source_ip, None, error.code());
            return Err(error.clone());
        }
        let notes = context.take_notes();
        let changed = outcome.as_ref().ok().filter(|_| !operation.read_only);
        let request_id = context.request_id.to_string();
        let mut response = changed.and_then(|output| manner.response(operation, &**output));
        if changed.is_some() && framing == Framing::Ec2 {
            // The id is of every answer, `return` of those without a result; neither is in a model.
            let mut own = vec![("requestId", Extra::Value(Value::String(&request_id)))];
            if !operation.has_output {
                own.push(("_return", Extra::Value(Value::Boolean(true))));
            }
            response = trail::extend(response, &own);
        }
        let output = outcome.as_mut().ok().map(|output| &mut **output);
        let additional = manner.additional(context, members(&notes.additional), output);
        let error = outcome.as_ref().err();
        let call = FinishedCall {
            request_parameters: trail::extend(parameters, &members(&notes.defaults)),
            additional_event_data: additional,
            response_elements: trail::extend(response, &members(&notes.response)),
            error: error.map(|error| {
                let code = envelope::recorded_code(framing, &view(error)).into_owned();
                (code, error.message().map(str::to_owned))
            }),
            resources: &notes.resources,
            decisions: &notes.decisions,
            ..begun(found, context, None)
        };
        let recorded = self.recorder().record(call).await.map_err(|source| {
            tracing::error!(request_id = %context.request_id, error = %source, "a call was not recorded");
            ApiError::unavailable(
                "The call could not be recorded in the audit journal. See the server's log.",
            )
        });
        let outcome = recorded.and(outcome);
        // Here, and not where somebody may have stopped waiting: what hangs counts too.
        let how = outcome.as_ref().map_or_else(|error| outcome_of(&view(error)), |_| Outcome::Ok);
        self.metrics().called(found.schema().signing_name, operation.name, how, watch.elapsed());
        let mut output = outcome.map_err(|error| match notes.authorization_message {
            Some(message) if error.is_access_denied() => error.with_authorization_message(message),
            _ => error,
        })?;
        Ok(envelope::success(framing, found.schema(), operation, &mut *output, &request_id))
    }

    /// Runs the operation itself, unless it is one too many. Not timed: a change that is cut off halfway may have
    /// happened, and its record would say otherwise. What an operation waits for (the store, the journal) has its own bounds.
    async fn run(
        &self,
        found: &Found,
        context: &RequestContext,
        input: Box<dyn Structure>,
    ) -> Result<Box<dyn Structure>, ApiError> {
        let ended = caught(async {
            if let Some(admission) = self.admission() {
                admission.admit(context, found.schema(), found.operation(), &*input)?;
            }
            found.service.call(context, found.position, input).await
        })
        .await;
        ended.unwrap_or_else(|| Err(ApiError::internal("the operation panicked")))
    }

    /// A place for one call, if there is one in time.
    async fn place(&self) -> Option<SemaphorePermit<'_>> {
        if let Ok(place) = self.operations().try_acquire() {
            return Some(place);
        }
        tokio::time::timeout(self.limits().operation_time, self.operations().acquire()).await.ok()?.ok()
    }

    /// All places, once no call has one any more. Calls that come after this was asked for wait.
    pub(crate) async fn every_place(&self) -> Option<SemaphorePermit<'_>> {
        // The semaphore is never closed.
        self.operations().acquire_many(self.limits().places()).await.ok()
    }
}

/// Whose doing an error is, by its status or else by its fault.
fn outcome_of(error: &ErrorView<'_>) -> Outcome {
    let is_servers = error.status.map_or(error.fault == Fault::Server, |status| status >= 500);
    if is_servers { Outcome::Failed } else { Outcome::Refused }
}

/// Whether nobody knows who calls: without a signature, and without a provider that vouches for him.
fn is_stranger(context: &RequestContext) -> bool {
    matches!(&context.caller.principal, Principal::WebIdentity(web) if web.vouched().is_none())
}

/// A call as far as it is known before it is done.
fn begun<'c>(
    found: &Found,
    context: &'c RequestContext,
    request_parameters: Option<String>,
) -> FinishedCall<'c> {
    FinishedCall {
        context,
        service: found.schema(),
        operation: found.operation(),
        request_parameters,
        additional_event_data: None,
        response_elements: None,
        error: None,
        resources: &[],
        decisions: &[],
    }
}

/// Notes as members of a record.
fn members<'n>(notes: &'n [(&'static str, NoteValue)]) -> Vec<(&'n str, Extra<'n>)> {
    notes.iter().map(|(name, note)| (*name, extra(note))).collect()
}

fn extra(note: &NoteValue) -> Extra<'_> {
    Extra::Value(match note {
        NoteValue::Text(text) => Value::String(text),
        NoteValue::Flag(flag) => Value::Boolean(*flag),
        NoteValue::Number(number) => Value::Integer(*number),
        NoteValue::Moment(millis) => Value::Timestamp(Timestamp::from_millis(*millis)),
        NoteValue::Members(members) => {
            return Extra::Members(members.iter().map(|(name, note)| (name.as_str(), extra(note))).collect());
        }
    })
}
