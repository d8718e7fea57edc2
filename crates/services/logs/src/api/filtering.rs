//! Events of a group, of all its streams or of some.

use std::collections::HashMap;
use std::sync::Arc;

use strongroom_api_logs::{FilterLogEventsRequest, FilterLogEventsResponse, FilteredLogEvent, actions};
use strongroom_identity::RequestContext;

use super::merging::Merge;
use super::reading::{MOST_BYTES, MOST_EVENTS};
use crate::Logs;
use crate::domain::batch::size;
use crate::domain::group::{Group, GroupName};
use crate::domain::id::Id;
use crate::domain::pattern::{Event, Pattern, Spent, Work};
use crate::domain::tokens::{Cursor, Place};
use crate::error::Refusal;
use crate::permitting::Aspect;
use crate::reading::{Opened, Opener};
use crate::repo::events::{self, EventRow, Portion};
use crate::repo::streams;

/// Events, and bytes of them, that one call looks at. What follows is for the next page.
const MOST_LOOKED_AT: usize = 20_000;
const MOST_BYTES_LOOKED_AT: usize = 8 << 20;

/// The work of a page with the pattern. An event that alone is more does not fit.
const MOST_WORK: u64 = 512 << 20;

/// Events that are read at once, the more the longer nothing is found, and their bytes. Of each of some streams it is a part
/// of that.
const AT_ONCE: usize = 1_000;
const LEAST_AT_ONCE: usize = 20;
const BYTES_AT_ONCE: usize = 1 << 20;

/// Streams that are read one by one. Of more, the group is read, and what is not theirs is passed over.
const MOST_STREAMS: usize = 100;

/// Since when newest events come first, if that is asked for: 1 January 2024 (Logs API Reference, FilterLogEvents).
const DESCENDING_SINCE_MS: i64 = 1_704_067_200_000;

pub(super) async fn filter_log_events(
    logs: &Logs,
    context: &RequestContext,
    input: FilterLogEventsRequest,
) -> Result<FilterLogEventsResponse, Refusal> {
    let name =
        GroupName::named(context, input.log_group_name.as_deref(), input.log_group_identifier.as_deref())?;
    let group = logs.permitted_group::<actions::FilterLogEvents>(context, &name, Aspect::Group).await?;
    let pattern = Arc::new(Pattern::parse(input.filter_pattern.as_deref().unwrap_or_default())?);
    let is_descending = input.start_from_head == Some(false);
    if is_descending && input.start_time.is_none_or(|start_ms| start_ms < DESCENDING_SINCE_MS) {
        // Text: ours, after the API Reference.
        return Err(Refusal::invalid(
            "startFromHead can be false only if startTime is on or after January 1, 2024 00:00:00 UTC.",
        ));
    }
    let search = Search {
        logs,
        group: &group,
        streams: streams_of(logs, &group, &input).await?,
        first_ms: input.start_time.unwrap_or(0).max(group.keeps_from(context.now_ms)),
        last_ms: input.end_time.unwrap_or(i64::MAX),
    };
    let cursor = match &input.next_token {
        Some(token) => search.within(Cursor::open(token)?),
        None => search.begin(is_descending),
    };
    let limit = usize::try_from(input.limit.unwrap_or(MOST_EVENTS)).unwrap_or_default().max(1);
    let (events, next) = search.page(cursor, &pattern, limit).await?;
    Ok(FilterLogEventsResponse {
        events: Some(events),
        // "This parameter returns an empty list" (Logs API Reference, FilterLogEvents).
        searched_log_streams: Some(Vec::new()),
        next_token: next.map(Cursor::close),
    })
}

/// Which streams are searched.
enum Streams {
    All,
    /// These, by their ids.
    Some(HashMap<Id, String>),
    /// Those whose names begin so; more than are read one by one.
    Begin(String),
}

async fn streams_of(logs: &Logs, group: &Group, input: &FilterLogEventsRequest) -> Result<Streams, Refusal> {
    let (db, mac) = (&logs.db, &logs.mac);
    match (&input.log_stream_names, &input.log_stream_name_prefix) {
        // Text: ours; the error is the API Reference's.
        (Some(_), Some(_)) => Err(Refusal::invalid(
            "logStreamNames and logStreamNamePrefix are mutually exclusive parameters. Only one of these parameters can be \
             passed.",
        )),
        (Some(names), None) => {
            let mut found = HashMap::new();
            for name in names {
                let stream = logs.find_stream(group, name).await?.ok_or_else(Refusal::no_such_stream)?;
                found.insert(stream.id, stream.name);
            }
            Ok(Streams::Some(found))
        }
        (None, Some(prefix)) => {
            let after = ("", prefix.as_str());
            let rows = streams::list(db, mac, group.id, after, false, MOST_STREAMS.saturating_add(1)).await?;
            let matching = rows.into_iter().take_while(|stream| stream.name.starts_with(prefix));
            let found: HashMap<_, _> = matching.map(|stream| (stream.id, stream.name)).collect();
            Ok(if found.len() > MOST_STREAMS { Streams::Begin(prefix.clone()) } else { Streams::Some(found) })
        }
        (None, None) => Ok(Streams::All),
    }
}

/// A search through a group's events.
struct Search<'l> {
    logs: &'l Logs,
    group: &'l Group,
    streams: Streams,
    first_ms: i64,
    last_ms: i64,
}

impl Search<'_> {
    fn begin(&self, is_descending: bool) -> Cursor {
        let at_ms = if is_descending { self.last_ms.saturating_add(1) } else { self.first_ms };
        Cursor { place: Place::from_ms(at_ms), stream: Id::FIRST, is_descending }
    }

    /// A cursor that is not outside of what is searched: the group may keep less than it did, and tokens can be made up.
    fn within(&self, cursor: Cursor) -> Cursor {
        let begin = self.begin(cursor.is_descending);
        let is_outside = if cursor.is_descending {
            cursor.place.at_ms > begin.place.at_ms
        } else {
            cursor.place.at_ms < begin.place.at_ms
        };
        if is_outside { begin } else { cursor }
    }

    /// The events of a page that fit, and where the next one goes on.
    async fn page(
        &self,
        mut cursor: Cursor,
        pattern: &Arc<Pattern>,
        limit: usize,
    ) -> Result<(Vec<FilteredLogEvent>, Option<Cursor>), Refusal> {
        let mut opener = Opener::new(self.logs, self.group);
        let mut names: HashMap<Id, Option<String>> = HashMap::new();
        let (mut found, mut bytes) = (Vec::new(), 0_usize);
        let (mut looked_at, mut bytes_looked_at) = (0_usize, 0_usize);
        let mut work = Work::of(MOST_WORK);
        let mut at_once = limit.clamp(LEAST_AT_ONCE, AT_ONCE);
        while looked_at < MOST_LOOKED_AT && bytes_looked_at < MOST_BYTES_LOOKED_AT {
            let (rows, is_last) = self.read(cursor, at_once).await?;
            looked_at = looked_at.saturating_add(rows.len());
            let end = rows.last().map_or(cursor, |row| behind(row, cursor));
            let mut searched = Vec::with_capacity(rows.len());
            for row in rows {
                bytes_looked_at = bytes_looked_at.saturating_add(row.bytes);
                if self.name_of(&mut names, row.stream).await?.is_some() {
                    searched.push(row);
                }
            }
            let looked = look(pattern, opener.open_all(searched).await?, work).await?;
            work = looked.work;
            for (Opened { row, text }, fits) in looked.events {
                // A page ends before the event that it has no room for.
                if found.len() == limit || bytes >= MOST_BYTES {
                    return Ok((found, Some(cursor)));
                }
                if fits {
                    let with_it = bytes.saturating_add(size(&text));
                    if with_it > MOST_BYTES && !found.is_empty() {
                        return Ok((found, Some(cursor)));
                    }
                    bytes = with_it;
                    let stream = self.name_of(&mut names, row.stream).await?;
                    found.push(shown(&row, stream.unwrap_or_default(), text));
                }
                cursor = behind(&row, cursor);
            }
            if work.is_spent() {
                return Ok((found, Some(cursor)));
            }
            cursor = end;
            if is_last {
                return Ok((found, None));
            }
            at_once = at_once.saturating_mul(2).min(AT_ONCE);
        }
        Ok((found, Some(cursor)))
    }

    /// The next events, and whether nothing follows them.
    async fn read(&self, cursor: Cursor, at_once: usize) -> Result<(Vec<EventRow>, bool), Refusal> {
        let db = &self.logs.events;
        let room = Portion { events: at_once, bytes: BYTES_AT_ONCE };
        let Cursor { place, stream, is_descending } = cursor;
        let Streams::Some(ids) = &self.streams else {
            let from = (place, stream);
            let read = if is_descending {
                events::of_group_back(db, self.group.id, from, self.first_ms, room).await?
            } else {
                events::of_group(db, self.group.id, from, self.last_ms, room).await?
            };
            return Ok((read.rows, read.is_last));
        };
        // The first events of each stream: among them are the first of all.
        let of_each = at_once.checked_div(ids.len()).unwrap_or_default().max(LEAST_AT_ONCE);
        let portion = Portion { events: of_each, ..room };
        let mut merge = Merge::new(is_descending, room);
        for &id in ids.keys() {
            let from = place_in(id, cursor);
            merge.add(if is_descending {
                events::of_stream_back(db, id, from, merge.end_ms(self.first_ms), portion).await?
            } else {
                events::of_stream(db, id, from, merge.end_ms(self.last_ms), portion).await?
            });
        }
        Ok(merge.into_rows())
    }

    /// The name of a stream that is searched; none for others, and for those that were deleted.
    async fn name_of(
        &self,
        names: &mut HashMap<Id, Option<String>>,
        id: Id,
    ) -> Result<Option<String>, Refusal> {
        if let Streams::Some(ids) = &self.streams {
            return Ok(ids.get(&id).cloned());
        }
        if let Some(known) = names.get(&id) {
            return Ok(known.clone());
        }
        let found = streams::find_by_id(&self.logs.db, &self.logs.mac, self.group.id, id).await?;
        let name = found.map(|stream| stream.name).filter(|name| match &self.streams {
            Streams::Begin(prefix) => name.starts_with(prefix),
            Streams::All | Streams::Some(_) => true,
        });
        names.insert(id, name.clone());
        Ok(name)
    }
}

/// The cursor behind an event.
fn behind(row: &EventRow, cursor: Cursor) -> Cursor {
    let place = if cursor.is_descending { row.place } else { row.place.next() };
    Cursor { place, stream: row.stream, ..cursor }
}

/// Events that a pattern has looked at, with whether they fit.
struct Looked {
    events: Vec<(Opened, bool)>,
    /// The work that is left. If none is, there may be events that the pattern has not looked at.
    work: Work,
}

/// Has a pattern look at events, off the asynchronous workers.
async fn look(pattern: &Arc<Pattern>, opened: Vec<Opened>, mut work: Work) -> Result<Looked, Refusal> {
    let pattern = pattern.clone();
    let looked = tokio::task::spawn_blocking(move || {
        let mut events = Vec::with_capacity(opened.len());
        for one in opened {
            let is_first = work.is_whole();
            match pattern.fits(&Event::new(&one.text), &mut work) {
                Ok(fits) => events.push((one, fits)),
                // The next page would have no more for it.
                Err(Spent) if is_first => events.push((one, false)),
                Err(Spent) => {}
            }
            if work.is_spent() {
                break;
            }
        }
        Looked { events, work }
    });
    looked.await.map_err(|error| Refusal::Internal(error.into()))
}

/// Where a cursor through all streams stands in one of them: those of the same moment follow each other by their ids.
fn place_in(stream: Id, cursor: Cursor) -> Place {
    let Cursor { place, stream: at, .. } = cursor;
    match stream.cmp(&at) {
        std::cmp::Ordering::Less => Place::from_ms(place.at_ms.saturating_add(1)),
        std::cmp::Ordering::Equal => place,
        std::cmp::Ordering::Greater => Place::from_ms(place.at_ms),
    }
}

fn shown(row: &EventRow, stream: String, text: String) -> FilteredLogEvent {
    FilteredLogEvent {
        log_stream_name: Some(stream),
        timestamp: Some(row.place.at_ms),
        message: Some(text),
        ingestion_time: Some(row.ingested_ms),
        event_id: Some(event_id(row)),
    }
}

/// Digits, as AWS's are: the moment, the stream, the place among its events.
fn event_id(row: &EventRow) -> String {
    let stream = row.stream.as_bytes().iter().fold(0_u64, |sum, byte| sum.rotate_left(8) ^ u64::from(*byte));
    format!("{:014}{stream:020}{:022}", row.place.at_ms, row.place.sequence)
}
