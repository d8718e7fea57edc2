//! Events of a group, of all its streams or of some.

use std::collections::HashMap;

use strongroom_api_logs::{FilterLogEventsRequest, FilterLogEventsResponse, FilteredLogEvent, actions};
use strongroom_identity::RequestContext;

use super::reading::{MOST_BYTES, MOST_EVENTS};
use crate::Logs;
use crate::domain::batch::size;
use crate::domain::group::{Group, GroupName};
use crate::domain::id::Id;
use crate::domain::pattern::{Event, Pattern};
use crate::domain::tokens::{Cursor, Place};
use crate::error::Refusal;
use crate::permitting::Aspect;
use crate::reading::Opener;
use crate::repo::events::{self, EventRow};
use crate::repo::streams;

/// Events, and bytes of them, that one call looks at. What follows is for the next page.
const MOST_LOOKED_AT: usize = 20_000;
const MOST_BYTES_LOOKED_AT: usize = 8 << 20;

/// Events that are read at once: of the whole group, or of each of some streams.
const AT_ONCE: usize = 1_000;
const LEAST_AT_ONCE: usize = 20;

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
    let pattern = Pattern::parse(input.filter_pattern.as_deref().unwrap_or_default())?;
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
        Some(token) => Cursor::open(token)?,
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

    /// The events of a page that fit, and where the next one goes on.
    async fn page(
        &self,
        mut cursor: Cursor,
        pattern: &Pattern,
        limit: usize,
    ) -> Result<(Vec<FilteredLogEvent>, Option<Cursor>), Refusal> {
        let mut opener = Opener::new(self.logs, self.group);
        let mut names: HashMap<Id, Option<String>> = HashMap::new();
        let (mut found, mut bytes) = (Vec::new(), 0_usize);
        let (mut looked_at, mut bytes_looked_at) = (0_usize, 0_usize);
        while looked_at < MOST_LOOKED_AT && bytes_looked_at < MOST_BYTES_LOOKED_AT {
            let (rows, is_last) = self.read(cursor).await?;
            looked_at = looked_at.saturating_add(rows.len());
            for row in &rows {
                // A page ends before the event that it has no room for.
                if found.len() == limit || bytes >= MOST_BYTES {
                    return Ok((found, Some(cursor)));
                }
                bytes_looked_at = bytes_looked_at.saturating_add(row.bytes);
                if let Some(stream) = self.name_of(&mut names, row.stream).await? {
                    let text = opener.open(row).await?;
                    if pattern.fits(&Event::new(&text)) {
                        let with_it = bytes.saturating_add(size(&text));
                        if with_it > MOST_BYTES && !found.is_empty() {
                            return Ok((found, Some(cursor)));
                        }
                        bytes = with_it;
                        found.push(shown(row, stream, text));
                    }
                }
                let place = if cursor.is_descending { row.place } else { row.place.next() };
                cursor = Cursor { place, stream: row.stream, ..cursor };
            }
            if is_last {
                return Ok((found, None));
            }
        }
        Ok((found, Some(cursor)))
    }

    /// The next events, and whether nothing follows them.
    async fn read(&self, cursor: Cursor) -> Result<(Vec<EventRow>, bool), Refusal> {
        let db = &self.logs.events;
        let Cursor { place, stream, is_descending } = cursor;
        let Streams::Some(ids) = &self.streams else {
            let from = (place, stream);
            let rows = if is_descending {
                events::of_group_back(db, self.group.id, from, self.first_ms, AT_ONCE).await?
            } else {
                events::of_group(db, self.group.id, from, self.last_ms, AT_ONCE).await?
            };
            let is_last = rows.len() < AT_ONCE;
            return Ok((rows, is_last));
        };
        // The first events of each stream: among them are the first of all.
        let at_once = AT_ONCE.checked_div(ids.len()).unwrap_or(AT_ONCE).max(LEAST_AT_ONCE);
        let mut rows = Vec::new();
        for &id in ids.keys() {
            let from = place_in(id, cursor);
            rows.extend(if is_descending {
                events::of_stream_back(db, id, from, self.first_ms, at_once).await?
            } else {
                events::of_stream(db, id, from, self.last_ms, at_once).await?
            });
        }
        rows.sort_by_key(|row| (row.place.at_ms, row.stream, row.place.sequence));
        if is_descending {
            rows.reverse();
        }
        let is_last = rows.len() < at_once;
        rows.truncate(at_once);
        Ok((rows, is_last))
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
