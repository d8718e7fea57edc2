//! Events of one stream.

use strongroom_api_logs::{GetLogEventsRequest, GetLogEventsResponse, OutputLogEvent, actions};
use strongroom_identity::RequestContext;

use crate::Logs;
use crate::domain::batch::size;
use crate::domain::group::GroupName;
use crate::domain::tokens::{Place, Way};
use crate::error::Refusal;
use crate::reading::{Opened, Opener};
use crate::repo::events::{self, EventRow, Portion};

/// Events on a page at the most, and their bytes (Logs API Reference, GetLogEvents).
pub(super) const MOST_EVENTS: i32 = 10_000;
pub(super) const MOST_BYTES: usize = 1 << 20;

/// Events that are read at once.
const AT_ONCE: usize = 500;

pub(super) async fn get_log_events(
    logs: &Logs,
    context: &RequestContext,
    input: GetLogEventsRequest,
) -> Result<GetLogEventsResponse, Refusal> {
    let GetLogEventsRequest {
        log_group_name,
        log_group_identifier,
        log_stream_name,
        start_time,
        end_time,
        next_token,
        limit,
        start_from_head,
        // Nothing is masked.
        unmask: _,
    } = input;
    let name = GroupName::named(context, log_group_name.as_deref(), log_group_identifier.as_deref())?;
    let (group, stream) =
        logs.permitted_stream::<actions::GetLogEvents>(context, &name, &log_stream_name).await?;
    let first_ms = start_time.unwrap_or(0).max(group.keeps_from(context.now_ms));
    // The end is not part of it.
    let last_ms = end_time.map_or(i64::MAX, |end_ms| end_ms.saturating_sub(1));
    let way = match next_token {
        Some(token) => Way::open(&token)?,
        None if start_from_head.unwrap_or_default() => Way::Forward(Place::from_ms(first_ms.max(0))),
        None => Way::Backward(Place::from_ms(end_time.unwrap_or(i64::MAX))),
    };
    let limit = usize::try_from(limit.unwrap_or(MOST_EVENTS)).unwrap_or_default().max(1);
    let mut page = Page { rows: Vec::new(), bytes: 0, limit };
    match way {
        Way::Forward(from) => {
            let mut from = from.max(Place::from_ms(first_ms));
            while !page.is_full() {
                let read = events::of_stream(&logs.events, stream.id, from, last_ms, page.portion()).await?;
                from = read.rows.last().map_or(from, |row| row.place.next());
                page.take(read.rows);
                if read.is_last {
                    break;
                }
            }
        }
        Way::Backward(before) => {
            let mut before = before.min(Place::from_ms(last_ms.saturating_add(1)));
            while !page.is_full() {
                let read =
                    events::of_stream_back(&logs.events, stream.id, before, first_ms, page.portion()).await?;
                before = read.rows.last().map_or(before, |row| row.place);
                page.take(read.rows);
                if read.is_last {
                    break;
                }
            }
            page.rows.reverse();
        }
    }
    // The end, either way, answers the token that led there.
    let (forward, backward) = match (page.rows.first(), page.rows.last(), way) {
        (Some(first), Some(last), _) => (last.place.next(), first.place),
        (_, _, Way::Forward(from)) => (from, from),
        (_, _, Way::Backward(before)) if before.at_ms == i64::MAX => {
            // What comes later is found going forward from the beginning.
            let begin = Place::from_ms(first_ms.max(0));
            (begin, begin)
        }
        (_, _, Way::Backward(before)) => (before, before),
    };
    let opened = Opener::new(logs, &group).open_all(page.rows).await?;
    let shown = opened.into_iter().map(|Opened { row, text }| OutputLogEvent {
        timestamp: Some(row.place.at_ms),
        message: Some(text),
        ingestion_time: Some(row.ingested_ms),
    });
    Ok(GetLogEventsResponse {
        events: Some(shown.collect()),
        next_forward_token: Some(Way::Forward(forward).close()),
        next_backward_token: Some(Way::Backward(backward).close()),
    })
}

/// The events of a page, as they are read.
struct Page {
    rows: Vec<EventRow>,
    bytes: usize,
    limit: usize,
}

impl Page {
    fn is_full(&self) -> bool {
        self.rows.len() >= self.limit || self.bytes >= MOST_BYTES
    }

    fn portion(&self) -> Portion {
        Portion {
            events: self.limit.saturating_sub(self.rows.len()).clamp(1, AT_ONCE),
            bytes: MOST_BYTES.saturating_sub(self.bytes),
        }
    }

    /// Takes the events that fit; one always does.
    fn take(&mut self, rows: Vec<EventRow>) {
        for row in rows {
            let bytes = self.bytes.saturating_add(size_of(&row));
            if bytes > MOST_BYTES && !self.rows.is_empty() {
                self.bytes = MOST_BYTES;
                return;
            }
            self.bytes = bytes;
            self.rows.push(row);
        }
    }
}

/// The bytes that an event counts for.
fn size_of(row: &EventRow) -> usize {
    row.bytes.saturating_add(size(""))
}
