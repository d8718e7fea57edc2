//! Events on their way into a stream.
//!
//! What can take other services (groups and streams that are made first, a data key of KMS's) happens before the transaction
//! in which events are written, so that whoever derives them from something else can commit them together with how far they
//! have come.

use std::sync::Arc;

use strongroom_crypto::salted;
use strongroom_identity::AccountId;
use strongroom_secret::SecretBytes;
use strongroom_service::ApiError;
use strongroom_store::{StoreError, Tx};

use crate::Logs;
use crate::domain::group::{Group, GroupName};
use crate::domain::id::Id;
use crate::domain::stream::Stream;
use crate::error::Refusal;
use crate::keys::DataKey;
use crate::repo::emissions::Saying;
use crate::repo::events::{self, SealedEvent, Stretch};

/// Events at once (Logs API Reference, PutLogEvents).
const MOST_EVENTS: usize = 10_000;

/// Bytes of the texts of events at once.
const MOST_BYTES: usize = 16 << 20;

/// A sealed event: this, and the salted value.
const FORMAT: u8 = 1;

/// What the values are for.
const LABEL: &[u8] = b"strongroom/logs/event";

/// Events for one stream.
#[derive(Clone, Debug)]
pub struct Arrivals {
    /// Whose group it is.
    pub account: AccountId,
    /// The Region's name.
    pub region: &'static str,
    /// The group's name.
    pub group: String,
    /// The stream's name.
    pub stream: String,
    /// The events, at most 10,000, their texts 16 MiB together. Of those of the same time the first one stays the first.
    pub events: Vec<Arrival>,
    /// The service that makes group and stream where they are not there, and is recorded as who did, for example
    /// `cloudhsm.amazonaws.com`; what it logs comes in also where the group's key of KMS's cannot be used. Nobody does: they
    /// must be there.
    pub made_by: Option<&'static str>,
}

/// An event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Arrival {
    /// When it happened, in milliseconds since 1970.
    pub at_ms: i64,
    /// What it says.
    pub message: String,
}

/// Events that can be written: sealed, for a stream that is there.
#[derive(Debug)]
pub struct Admitted {
    stretch: Stretch,
    /// What they say to CloudWatch.
    saying: Saying,
}

/// Why events do not come in.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum NotAdmitted {
    /// The group or the stream is not there, and nobody makes it.
    #[error("the log group or stream is not there")]
    NotThere,
    /// There are too many of them, or they are too long.
    #[error("these are more log events than are taken at once")]
    TooMuch,
    /// KMS does not let the group's key be used.
    #[error("the KMS key of the log group cannot be used")]
    Key(#[source] ApiError),
    /// The store does not answer, or something of ours failed: another try may succeed.
    #[error("log events cannot be taken now")]
    Failed(#[source] Box<dyn std::error::Error + Send + Sync>),
}

impl Admitted {
    /// Writes them, in a transaction of [`Logs::events_db`]. May be done again where the transaction is.
    pub async fn write(&self, tx: &mut Tx<'_>) -> Result<(), StoreError> {
        events::append(tx, &self.stretch).await?;
        self.saying.add(tx).await
    }
}

impl Logs {
    /// Has events come in. They are there once they are [written](Admitted::write).
    pub async fn admit(&self, arrivals: Arrivals) -> Result<Admitted, NotAdmitted> {
        let Arrivals { account, region, group, stream, events, made_by } = arrivals;
        if are_too_many(&events) {
            return Err(NotAdmitted::TooMuch);
        }
        let name = GroupName { account, region, name: group };
        let group = match (self.find_group(&name).await?, made_by) {
            (Some(group), _) => group,
            (None, Some(service)) => self.make_group_for(service, &name).await?,
            (None, None) => return Err(NotAdmitted::NotThere),
        };
        let stream = match (self.find_stream(&group, &stream).await?, made_by) {
            (Some(stream), _) => stream,
            (None, Some(service)) => self.make_stream_for(service, &group, &stream).await?,
            (None, None) => return Err(NotAdmitted::NotThere),
        };
        let group = match made_by {
            Some(_) => self.with_usable_key(group).await?,
            None => group,
        };
        Ok(self.seal_events(&group, &stream, events).await?)
    }

    /// The group as it takes what a service logs. Evidence does not wait for a key of KMS's that somebody has disabled, and
    /// does not keep out what others log: it is sealed under a data key of the group that does not need KMS.
    async fn with_usable_key(&self, group: Group) -> Result<Group, Refusal> {
        if group.kms_key.is_none() {
            return Ok(group);
        }
        match self.keys.current(&group).await {
            Ok(_) => Ok(group),
            Err(Refusal::KeyNotUsable { .. } | Refusal::Invalid(_)) => {
                let (name, kms_key) = (&group.name.name, &group.kms_key);
                tracing::warn!(
                    name,
                    kms_key,
                    "the KMS key of a log group cannot be used; what is logged is sealed without"
                );
                Ok(Group { kms_key: None, ..group })
            }
            Err(error) => Err(error),
        }
    }

    /// Seals events for a stream.
    pub(crate) async fn seal_events(
        &self,
        group: &Group,
        stream: &Stream,
        events: Vec<Arrival>,
    ) -> Result<Admitted, Refusal> {
        let data_key = self.keys.current(group).await?;
        let ingested_ms = self.clocks.domain_now();
        let place = SealedIn { group: group.id, stream: stream.id, ingested_ms };
        let sealed: Result<Vec<_>, Refusal> =
            events.iter().map(|event| place.seal(&data_key, event)).collect();
        let stretch = Stretch {
            group: group.id,
            stream: stream.id,
            ingested_ms,
            data_key: data_key.number,
            events: sealed?,
        };
        let said = self.said_by(group, &Arc::new(events), ingested_ms).await?;
        Ok(Admitted { stretch, saying: Saying::new(&said, self.events.engine())? })
    }
}

/// Whether these are more events than are taken at once.
pub(crate) fn are_too_many(events: &[Arrival]) -> bool {
    let bytes: usize = events.iter().map(|event| event.message.len()).sum();
    events.len() > MOST_EVENTS || bytes > MOST_BYTES
}

/// What a sealed event is bound to, beside its time.
#[derive(Clone, Copy)]
pub(crate) struct SealedIn {
    pub(crate) group: Id,
    pub(crate) stream: Id,
    pub(crate) ingested_ms: i64,
}

impl SealedIn {
    fn bound_to(&self, at_ms: i64) -> Vec<u8> {
        let times = [at_ms.to_be_bytes(), self.ingested_ms.to_be_bytes()].concat();
        [&[FORMAT], self.group.as_bytes(), self.stream.as_bytes(), &times].concat()
    }

    fn seal(&self, data_key: &DataKey, event: &Arrival) -> Result<SealedEvent, Refusal> {
        let mut sealed = vec![FORMAT];
        let text = event.message.as_bytes();
        salted::seal_into(&data_key.key, LABEL, &self.bound_to(event.at_ms), text, &mut sealed)?;
        Ok(SealedEvent { at_ms: event.at_ms, bytes: text.len(), sealed })
    }

    /// The text of an event.
    pub(crate) fn open(
        &self,
        key: &strongroom_secret::Key256,
        at_ms: i64,
        sealed: &[u8],
    ) -> Result<SecretBytes, Refusal> {
        let Some((&FORMAT, salted)) = sealed.split_first() else {
            return Err(Refusal::Internal("an event has no form that is known".into()));
        };
        Ok(salted::open(key, LABEL, &self.bound_to(at_ms), salted)?)
    }
}

impl From<Refusal> for NotAdmitted {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::KeyNotUsable { source, .. } => Self::Key(*source),
            // The only thing that is found invalid of what nobody called for is the key.
            Refusal::Invalid(_) => Self::Key(refusal.into()),
            other => Self::Failed(other.into_cause()),
        }
    }
}
