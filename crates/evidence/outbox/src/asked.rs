//! Calls that services make of others, as their records show them.

use strongroom_crypto::{CryptoError, random};
use strongroom_identity::{RequestContext, TouchedResource};
use strongroom_journal::{EventId, EventType, Record, Resource};

use crate::identity::identity_of;
use crate::owners::{recorded_code, records_of_owners};
use crate::{OnBehalfError, Outbox};

/// What a service asks of another.
#[derive(Clone, Debug)]
pub struct Asked {
    /// The event's source, for example `kms.amazonaws.com`.
    pub event_source: &'static str,
    /// The operation.
    pub event_name: &'static str,
    /// The parameters as the record shows them: JSON.
    pub parameters: String,
    /// Whether the operation changes nothing.
    pub read_only: bool,
    /// Whether it is on what is in a resource: an object, a message.
    pub is_data_event: bool,
}

impl Asked {
    /// A management event that changes nothing.
    pub fn reading(event_source: &'static str, event_name: &'static str, parameters: String) -> Self {
        Self { event_source, event_name, parameters, read_only: true, is_data_event: false }
    }

    /// The record of the call, as far as it is known before it is made.
    pub(crate) fn record(
        &self,
        service: &str,
        context: &RequestContext,
        now_ms: i64,
    ) -> Result<Record, CryptoError> {
        let mut identity = identity_of(&context.caller);
        // A service that calls under its own name is who called already.
        identity.invoked_by.get_or_insert_with(|| service.to_owned());
        Ok(Record {
            event_id: EventId(random::id()?),
            event_time_ms: now_ms,
            event_source: self.event_source.to_owned(),
            event_name: self.event_name.to_owned(),
            aws_region: context.region.name().to_owned(),
            account_id: context.account().to_string(),
            identity,
            source_ip: service.to_owned(),
            user_agent: Some(service.to_owned()),
            request_parameters: Some(self.parameters.clone()),
            request_id: Some(context.request_id.to_string()),
            read_only: self.read_only,
            event_type: EventType::AwsApiCall,
            management: !self.is_data_event,
            ..Record::default()
        })
    }
}

/// Records a call that was made, and how it was refused, if it was. What was changed and committed stays so where that
/// fails: its draft becomes the record later.
pub(crate) async fn keep(
    outbox: &Outbox,
    (service, read_only): (&str, bool),
    record: Record,
    context: &RequestContext,
    error: Option<(String, Option<String>)>,
) -> Result<(), OnBehalfError> {
    let changed = !read_only && error.is_none();
    let event = record.event_name.clone();
    let mut record = complete(record, context, error);
    let others = records_of_owners(&mut record, &context.caller)?;
    match outbox.record_for_all(&record, &others, changed).await {
        Err(error) if changed => {
            tracing::warn!(service, event, %error, "the record of what a service did is still to be written");
            Ok(())
        }
        recorded => Ok(recorded?),
    }
}

/// Adds what is known once the call was made: what it touched, and how it was refused.
pub(crate) fn complete(
    record: Record,
    context: &RequestContext,
    error: Option<(String, Option<String>)>,
) -> Record {
    let (error_code, error_message) = error.unzip();
    let resources: Vec<_> = context
        .take_notes()
        .resources
        .into_iter()
        .map(|TouchedResource { account, kind, arn }| Resource {
            account_id: Some(account),
            kind: Some(kind.to_owned()),
            arn,
        })
        .collect();
    Record {
        error_code: error_code.map(recorded_code),
        error_message: error_message.flatten(),
        resources: (!resources.is_empty()).then_some(resources),
        ..record
    }
}
