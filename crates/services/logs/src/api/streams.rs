//! Log streams.

use strongroom_api_logs::{
    CreateLogStreamRequest, DeleteLogStreamRequest, DescribeLogStreamsRequest, DescribeLogStreamsResponse,
    LogStream, OrderBy, actions,
};
use strongroom_crypto::hex;
use strongroom_identity::RequestContext;
use strongroom_schema::Unit;

use crate::Logs;
use crate::domain::group::{Group, GroupName};
use crate::domain::id::Id;
use crate::domain::stream::Stream;
use crate::domain::tokens;
use crate::error::Refusal;
use crate::permitting::Aspect;
use crate::repo::leavings::{self, Leaving};
use crate::repo::stored::{self, Stored};
use crate::repo::{self, streams};

/// Streams on a page, where nothing else is said.
const PAGE: i32 = 50;

/// Streams that are looked at for one page, and some more than one page shows, in the order of their last events.
const MOST_LOOKED_AT: usize = 1_000;

/// Rows beyond those that have room on a page that are read at once, to see whether the list goes on.
const BEYOND: usize = 10;

/// What tokens are for: streams by name, with events, and those of the same list that have had none.
const BY_NAME: &str = "streams";
const BY_EVENT: &str = "last events";
const WITHOUT: &str = "no events";

pub(super) async fn create_log_stream(
    logs: &Logs,
    context: &RequestContext,
    input: CreateLogStreamRequest,
) -> Result<Unit, Refusal> {
    let CreateLogStreamRequest { log_group_name, log_stream_name } = input;
    let (name, stream) = (&GroupName::of(context, &log_group_name), &log_stream_name);
    if stream.contains('\0') {
        // As the schema's pattern refuses other characters.
        return Err(Refusal::invalid("A log stream's name must not contain a null character."));
    }
    let id = Id::new()?;
    let made = logs.db.transaction(|tx| {
        Box::pin(async move {
            let aspect = Aspect::Stream(stream);
            let group = logs.load_permitted::<actions::CreateLogStream>(tx, context, name, aspect).await?;
            if streams::load(tx, &logs.mac, group.id, stream).await?.is_some() {
                return Err(Refusal::exists("stream"));
            }
            let stream = Stream { group: group.id, name: stream.clone(), id, created_ms: context.now_ms };
            streams::insert(tx, &logs.mac, &stream).await?;
            Ok(repo::post(tx, context.draft()).await?)
        })
    });
    made.await?;
    Ok(Unit)
}

pub(super) async fn delete_log_stream(
    logs: &Logs,
    context: &RequestContext,
    input: DeleteLogStreamRequest,
) -> Result<Unit, Refusal> {
    let DeleteLogStreamRequest { log_group_name, log_stream_name } = input;
    let (name, stream) = (&GroupName::of(context, &log_group_name), &log_stream_name);
    let deleted = logs.db.transaction(|tx| {
        Box::pin(async move {
            let aspect = Aspect::Stream(stream);
            let group = logs.load_permitted::<actions::DeleteLogStream>(tx, context, name, aspect).await?;
            if group.is_protected {
                return Err(Refusal::protected(&name.name));
            }
            let found = streams::load(tx, &logs.mac, group.id, stream).await?;
            let found = found.ok_or_else(Refusal::no_such_stream)?;
            streams::delete(tx, &found).await?;
            leavings::add(tx, Leaving::Stream { group: group.id, stream: found.id }, context.now_ms).await?;
            Ok(repo::post(tx, context.draft()).await?)
        })
    });
    deleted.await?;
    Ok(Unit)
}

pub(super) async fn describe_log_streams(
    logs: &Logs,
    context: &RequestContext,
    input: DescribeLogStreamsRequest,
) -> Result<DescribeLogStreamsResponse, Refusal> {
    let DescribeLogStreamsRequest {
        log_group_name,
        log_group_identifier,
        log_stream_name_prefix,
        order_by,
        descending,
        next_token,
        limit,
    } = input;
    let name = GroupName::named(context, log_group_name.as_deref(), log_group_identifier.as_deref())?;
    let group = logs.permitted_group::<actions::DescribeLogStreams>(context, &name, Aspect::Group).await?;
    let list = List {
        logs,
        group: &group,
        is_descending: descending.unwrap_or_default(),
        limit: usize::try_from(limit.unwrap_or(PAGE)).unwrap_or_default().max(1),
    };
    let (log_streams, next_token) = if order_by == Some(OrderBy::LastEventTime) {
        if log_stream_name_prefix.is_some() {
            // Text: an answer of AWS, quoted in public issue threads.
            return Err(Refusal::invalid("Cannot order by LastEventTime with a logStreamNamePrefix."));
        }
        list.by_event(next_token.as_deref()).await?
    } else {
        list.by_name(log_stream_name_prefix.as_deref().unwrap_or_default(), next_token.as_deref()).await?
    };
    Ok(DescribeLogStreamsResponse { log_streams: Some(log_streams), next_token })
}

/// A list of a group's streams.
struct List<'l> {
    logs: &'l Logs,
    group: &'l Group,
    is_descending: bool,
    limit: usize,
}

type Page = (Vec<LogStream>, Option<String>);

/// Where a list in the order of last events stands: behind a stream that has had events, or behind the name of one that has
/// not.
enum Place {
    With(Option<stored::After>),
    Without(String),
}

/// Some streams of such a list, how many were looked at for them, whether another was found for which there was no room, and
/// where it goes on.
struct Step {
    shown: Vec<LogStream>,
    looked_at: usize,
    is_full: bool,
    next: Option<Place>,
}

impl Place {
    fn open(token: &str) -> Result<Self, Refusal> {
        if let Ok([at_ms, stream]) = tokens::open(BY_EVENT, token) {
            let stream = hex::decode(&stream).and_then(|bytes| Id::from_bytes(&bytes));
            let after = at_ms.parse().ok().zip(stream);
            return Ok(Self::With(Some(after.ok_or_else(Refusal::bad_token)?)));
        }
        let [after] = tokens::open(WITHOUT, token)?;
        Ok(Self::Without(after))
    }

    fn close(self) -> String {
        match self {
            Self::With(after) => {
                let (at_ms, stream) = after.unwrap_or((i64::MIN, Id::FIRST));
                tokens::close(BY_EVENT, &[&at_ms.to_string(), &stream.to_string()])
            }
            Self::Without(after) => tokens::close(WITHOUT, &[&after]),
        }
    }
}

impl List<'_> {
    async fn by_name(&self, prefix: &str, token: Option<&str>) -> Result<Page, Refusal> {
        let mut after = match token {
            Some(token) => {
                let [after] = tokens::open(BY_NAME, token)?;
                after
            }
            None if self.is_descending => format!("{prefix}{}", streams::END),
            None => String::new(),
        };
        let rows = self.names(&after, prefix, self.limit.saturating_add(1)).await?;
        let mut shown = Vec::new();
        for stream in rows.iter().take_while(|stream| stream.name.starts_with(prefix)) {
            if shown.len() == self.limit {
                return Ok((shown, Some(tokens::close(BY_NAME, &[&after]))));
            }
            let stored = stored::find(&self.logs.events, stream.id).await?;
            after.clone_from(&stream.name);
            shown.push(self.shown(stream, stored));
        }
        Ok((shown, None))
    }

    /// By the time of the last events. Streams without events are the oldest. Nobody is sent on for nothing, as long as there
    /// is not too much to pass over.
    async fn by_event(&self, token: Option<&str>) -> Result<Page, Refusal> {
        let mut place = match token {
            Some(token) => Place::open(token)?,
            None if self.is_descending => Place::With(None),
            None => Place::Without(self.first()),
        };
        let (mut shown, mut left) = (Vec::new(), MOST_LOOKED_AT);
        loop {
            let room = self.limit.saturating_sub(shown.len());
            let step = match place {
                Place::With(after) => self.with_events(after, room, left).await?,
                Place::Without(after) => self.without_events(after, room, left).await?,
            };
            shown.extend(step.shown);
            left = left.saturating_sub(step.looked_at);
            match step.next {
                Some(next) if !step.is_full && left > 0 => place = next,
                next => return Ok((shown, next.map(Place::close))),
            }
        }
    }

    fn first(&self) -> String {
        if self.is_descending { streams::END.to_owned() } else { String::new() }
    }

    async fn with_events(
        &self,
        mut after: Option<stored::After>,
        room: usize,
        most: usize,
    ) -> Result<Step, Refusal> {
        let most = most.min(room.saturating_add(BEYOND));
        let rows = stored::list(&self.logs.events, self.group.id, after, self.is_descending, most).await?;
        let looked_at = rows.len();
        let mut shown = Vec::new();
        for row in rows {
            let stream =
                streams::find_by_id(&self.logs.db, &self.logs.mac, self.group.id, row.stream).await?;
            // Of one that was deleted the events are still to be removed.
            if let Some(stream) = stream {
                if shown.len() == room {
                    return Ok(Step { shown, looked_at, is_full: true, next: Some(Place::With(after)) });
                }
                shown.push(self.shown(&stream, Some(row)));
            }
            after = Some((row.last_ms, row.stream));
        }
        let next = match (looked_at < most, self.is_descending) {
            (false, _) => Some(Place::With(after)),
            (true, true) => Some(Place::Without(self.first())),
            (true, false) => None,
        };
        Ok(Step { shown, looked_at, is_full: false, next })
    }

    async fn without_events(&self, mut after: String, room: usize, most: usize) -> Result<Step, Refusal> {
        let rows = self.names(&after, "", most).await?;
        let looked_at = rows.len();
        let mut shown = Vec::new();
        for stream in &rows {
            if stored::find(&self.logs.events, stream.id).await?.is_none() {
                if shown.len() == room {
                    let next = Some(Place::Without(after));
                    return Ok(Step { shown, looked_at, is_full: true, next });
                }
                shown.push(self.shown(stream, None));
            }
            after.clone_from(&stream.name);
        }
        let next = match (looked_at < most, self.is_descending) {
            (false, _) => Some(Place::Without(after)),
            (true, true) => None,
            (true, false) => Some(Place::With(None)),
        };
        Ok(Step { shown, looked_at, is_full: false, next })
    }

    async fn names(&self, after: &str, prefix: &str, most: usize) -> Result<Vec<Stream>, Refusal> {
        let (db, mac) = (&self.logs.db, &self.logs.mac);
        Ok(streams::list(db, mac, self.group.id, (after, prefix), self.is_descending, most).await?)
    }

    fn shown(&self, stream: &Stream, stored: Option<Stored>) -> LogStream {
        LogStream {
            log_stream_name: Some(stream.name.clone()),
            creation_time: Some(stream.created_ms),
            first_event_timestamp: stored.and_then(|stored| stored.first_ms),
            last_event_timestamp: stored.map(|stored| stored.last_ms),
            last_ingestion_time: stored.map(|stored| stored.ingested_ms),
            upload_sequence_token: stored.map(|stored| super::putting::sequence_token(stored.next_sequence)),
            arn: Some(self.group.name.stream_arn(&stream.name)),
            // "Always reported as zero" (Logs API Reference, LogStream).
            stored_bytes: Some(0),
        }
    }
}
