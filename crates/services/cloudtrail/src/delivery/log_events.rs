//! Events for a trail's log group: closed, put, noted. What was put and not noted is put again under the same name, and is
//! there once.

use strongroom_runtime::BoxError;
use strongroom_store::StoreError;

use super::Deliveries;
use super::bucket::DeliveryError;
use super::files::{behalf, not_made};
use super::log_groups::LogEvent;
use super::writing::{self, Made};
use crate::domain::log_place::LogPlace;
use crate::domain::trail::Trail;
use crate::repo::files::{self, File};
use crate::repo::status;

/// What one put takes (CloudWatch Logs API Reference, PutLogEvents): events, and bytes with 26 for each of them.
const MOST_EVENTS: usize = 10_000;
const MOST_BYTES: usize = 1_048_576;
const EVENT_BYTES: usize = 26;

impl Deliveries {
    /// Delivers the records of a file to the trail's log group.
    pub(super) async fn deliver_events(
        &self,
        trail: &Trail,
        file: &File,
        due_ms: i64,
    ) -> Result<(), BoxError> {
        if let Some(place) = trail.settings.log_place() {
            let behalf = behalf(trail);
            let stream = LogPlace::stream(trail.account, &file.region);
            let made = self.events(file).await?;
            let events = match made.and_then(|made| self.complete(file, made)) {
                Ok(events) => events,
                Err(error) => return Ok(self.file_failed(trail, file, due_ms, &error).await?),
            };
            for (number, events) in parts(events).into_iter().enumerate() {
                let name = format!("{}/{number}", file.id);
                let put = self.trails.log_groups.put(&behalf, &place, (&stream, &name), events);
                if let Err(obstacle) = put.await {
                    self.file_failed(trail, file, due_ms, obstacle.error()).await?;
                    return Ok(());
                }
            }
        }
        Ok(self.events_delivered(trail, file).await?)
    }

    async fn events(&self, file: &File) -> Result<Result<Made<Vec<LogEvent>>, DeliveryError>, BoxError> {
        let slices = files::slices(&self.trails.db, &file.id).await?;
        let (journal, prover, file) = (self.journal(), self.prover.clone(), file.clone());
        let made = tokio::task::spawn_blocking(move || {
            let account = file.account.to_string();
            writing::log_events((&journal, &prover), &slices, (&file.selection, &account, &file.region))
        });
        Ok(made.await?.map_err(|error| not_made(&error)))
    }

    /// Takes the file off the store: nothing more is to be done with it. Where the trail has no group any more, nothing
    /// was.
    async fn events_delivered(&self, trail: &Trail, file: &File) -> Result<(), StoreError> {
        let now_ms = self.trails.clocks.domain_now();
        let has_group = trail.settings.log_place().is_some();
        let noted = self.trails.db.transaction(|tx| {
            Box::pin(async move {
                files::delete(tx, &file.id).await?;
                if has_group {
                    status::change(tx, &trail.id, |status| status.logs.done(now_ms)).await?;
                }
                Ok(())
            })
        });
        noted.await
    }
}

/// Events as they are put at once, in the order of their times.
fn parts(mut events: Vec<LogEvent>) -> Vec<Vec<LogEvent>> {
    events.sort_by_key(|event| event.at_ms);
    let (mut parts, mut bytes): (Vec<Vec<LogEvent>>, usize) = (Vec::new(), 0);
    for event in events {
        let size = event.message.len() + EVENT_BYTES;
        let fits = |part: &&mut Vec<LogEvent>| part.len() < MOST_EVENTS && bytes + size <= MOST_BYTES;
        if let Some(part) = parts.last_mut().filter(fits) {
            part.push(event);
            bytes += size;
        } else {
            parts.push(vec![event]);
            bytes = size;
        }
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_what_one_put_takes() {
        let event = |at_ms, length| LogEvent { at_ms, message: "x".repeat(length) };
        let sizes = |events| parts(events).iter().map(Vec::len).collect::<Vec<_>>();
        assert_eq!(sizes(Vec::new()), [0; 0]);
        assert_eq!(sizes(vec![event(1, 1); 10_001]), [10_000, 1]);
        assert_eq!(sizes(vec![event(1, MOST_BYTES / 2 - EVENT_BYTES); 3]), [2, 1]);
        let sorted = parts(vec![event(2, 1), event(1, 2), event(2, 3)]);
        let lengths: Vec<_> = sorted.concat().iter().map(|event| event.message.len()).collect();
        assert_eq!(lengths, [2, 1, 3]);
    }
}
