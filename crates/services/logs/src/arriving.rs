//! Events on their way into a stream.
//!
//! What can take other services (groups and streams that are made first, a data key of KMS's) happens before the transaction
//! in which events are written, so that whoever derives them from something else can commit them together with how far they
//! have come.

use std::collections::BTreeMap;
use std::sync::Arc;

use strongroom_crypto::salted;
use strongroom_identity::AccountId;
use strongroom_secret::{Key256, SecretBytes};
use strongroom_service::ApiError;
use strongroom_store::{StoreError, Tx};

use crate::Logs;
use crate::domain::group::{Group, GroupName};
use crate::domain::id::Id;
use crate::domain::stream::Stream;
use crate::error::Refusal;
use crate::filtering::Spoken;
use crate::keys::DataKey;
use crate::repo::emissions::Saying;
use crate::repo::events::{self, SealedEvent, Stretch};
use crate::repo::filter_minutes::{self, FilterMinute};

/// Events at once (Logs API Reference, PutLogEvents).
const MOST_EVENTS: usize = 10_000;

/// Bytes of the texts of events at once.
const MOST_BYTES: usize = 16 << 20;

/// Events that take some milliseconds to seal or to open, and bytes of theirs.
const SHORT_EVENTS: usize = 100;
const SHORT_BYTES: usize = 256 << 10;

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
    spoken: Spoken,
    /// The same, ready to be written, without what the minutes of filters add to it.
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
    /// What is kept of the group or the stream is not as it was written: another try finds the same.
    #[error("what is kept of the log group has been altered")]
    Damaged(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The store does not answer, or something of ours failed: another try may succeed.
    #[error("log events cannot be taken now")]
    Failed(#[source] Box<dyn std::error::Error + Send + Sync>),
}

impl Admitted {
    /// Writes them, in a transaction of [`Logs::events_db`], where nothing is written after them that others could wait for.
    /// May be done again where the transaction is.
    pub async fn write(&self, tx: &mut Tx<'_>) -> Result<(), StoreError> {
        Self::write_all(std::slice::from_ref(self), tx).await
    }

    /// As [`write`](Self::write), several of them. Those of which a transaction writes more than one must come together: streams
    /// come first, as given, then the minutes of filters, so that transactions that have some of both wait for each other in
    /// one order.
    pub async fn write_all(all: &[Self], tx: &mut Tx<'_>) -> Result<(), StoreError> {
        let Some(first) = all.first() else { return Ok(()) };
        for one in all {
            events::append(tx, &one.stretch).await?;
        }
        let mut by_group: BTreeMap<Id, Vec<&FilterMinute>> = BTreeMap::new();
        for one in all {
            by_group.entry(one.stretch.group).or_default().extend(&one.spoken.minutes);
        }
        let mut defaults = Vec::new();
        for (group, minutes) in by_group {
            defaults.extend(filter_minutes::note(tx, group, &filter_minutes::merged(minutes)).await?);
        }
        if defaults.is_empty() {
            for one in all {
                one.saying.add(tx).await?;
            }
            return Ok(());
        }
        let said = all.iter().flat_map(|one| one.spoken.said.iter().cloned());
        let said: Vec<_> = defaults.into_iter().chain(said).collect();
        Saying::new(&said, first.saying.engine())?.add(tx).await
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
        let data_key = match made_by {
            Some(_) => self.data_key_of_service(&group).await?,
            None => self.keys.current(&group).await?,
        };
        Ok(self.seal_under(&data_key, &group, &stream, events).await?)
    }

    /// The data key for what a service logs. Evidence does not wait for a key of KMS's that cannot be used, whatever the reason,
    /// and does not keep out what others log: it is sealed under a data key of the group that does not need KMS.
    async fn data_key_of_service(&self, group: &Group) -> Result<DataKey, Refusal> {
        match self.keys.current(group).await {
            Err(Refusal::OfKms(refused)) => {
                let (name, kms_key, error) = (&group.name.name, &group.kms_key, refused.into_error());
                tracing::warn!(
                    name,
                    kms_key,
                    %error,
                    "the KMS key of a log group cannot be used; what is logged is sealed without"
                );
                self.keys.current(&Group { kms_key: None, ..group.clone() }).await
            }
            found => found,
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
        self.seal_under(&data_key, group, stream, events).await
    }

    async fn seal_under(
        &self,
        data_key: &DataKey,
        group: &Group,
        stream: &Stream,
        events: Vec<Arrival>,
    ) -> Result<Admitted, Refusal> {
        let ingested_ms = self.clocks.domain_now();
        let place = SealedIn { group: group.id, stream: stream.id, ingested_ms };
        let events = Arc::new(events);
        let sealed = place.seal_all(data_key.key.clone(), events.clone()).await?;
        let stretch = Stretch {
            group: group.id,
            stream: stream.id,
            ingested_ms,
            data_key: data_key.number,
            events: sealed,
        };
        let spoken = self.said_by(group, &events, ingested_ms).await?;
        let saying = Saying::new(&spoken.said, self.events.engine())?;
        Ok(Admitted { stretch, spoken, saying })
    }
}

/// Whether these are more events than are taken at once.
pub(crate) fn are_too_many(events: &[Arrival]) -> bool {
    let bytes: usize = events.iter().map(|event| event.message.len()).sum();
    events.len() > MOST_EVENTS || bytes > MOST_BYTES
}

/// Whether so many events, with texts of so many bytes, may be sealed or opened on the threads that answer calls.
pub(crate) fn is_short_work(events: usize, bytes: usize) -> bool {
    events <= SHORT_EVENTS && bytes <= SHORT_BYTES
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

    /// Seals events; many of them where other calls do not wait for the end.
    async fn seal_all(
        self,
        key: Arc<Key256>,
        events: Arc<Vec<Arrival>>,
    ) -> Result<Vec<SealedEvent>, Refusal> {
        let bytes = events.iter().map(|event| event.message.len()).sum();
        let is_short_work = is_short_work(events.len(), bytes);
        let seal = move || events.iter().map(|event| self.seal(&key, event)).collect();
        if is_short_work {
            return seal();
        }
        tokio::task::spawn_blocking(seal).await.map_err(|error| Refusal::Internal(error.into()))?
    }

    fn seal(&self, key: &Key256, event: &Arrival) -> Result<SealedEvent, Refusal> {
        let mut sealed = vec![FORMAT];
        let text = event.message.as_bytes();
        salted::seal_into(key, LABEL, &self.bound_to(event.at_ms), text, &mut sealed)?;
        Ok(SealedEvent { at_ms: event.at_ms, bytes: text.len(), sealed })
    }

    /// The text of an event.
    pub(crate) fn open(&self, key: &Key256, at_ms: i64, sealed: &[u8]) -> Result<SecretBytes, Refusal> {
        let Some((&FORMAT, salted)) = sealed.split_first() else {
            return Err(Refusal::Internal("an event has no form that is known".into()));
        };
        Ok(salted::open(key, LABEL, &self.bound_to(at_ms), salted)?)
    }
}

impl From<Refusal> for NotAdmitted {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::OfKms(refused) => Self::Key(refused.into_error()),
            Refusal::Damaged(source) => Self::Damaged(source),
            other => Self::Failed(other.into_cause()),
        }
    }
}
