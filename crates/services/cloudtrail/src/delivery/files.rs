//! Files: closed, placed, put, noted.

use std::error::Error as _;
use std::sync::atomic::Ordering;

use strongroom_runtime::BoxError;
use strongroom_store::StoreError;

use super::Deliveries;
use super::HOUR_MS;
use super::bucket::{Behalf, DeliveryError, Put};
use super::writing::{self, Compressed, Made, WritingError};
use crate::domain::destination::Destination;
use crate::domain::digest::Place;
use crate::domain::object;
use crate::domain::status::Status;
use crate::domain::trail::Trail;
use crate::repo::files::{self, File};
use crate::repo::{chains, status, trails};
use crate::trails::Trails;

/// How long CloudTrail tries to deliver a file (CloudTrail User Guide, "How CloudTrail works": 30 days).
pub(super) const PATIENCE_MS: i64 = 30 * 24 * 60 * 60 * 1000;

/// S3's code for what is nobody's fault who calls it: what a trail's status shows where a file cannot be made.
const INTERNAL_ERROR: &str = "InternalError";

impl Deliveries {
    /// Delivers a file that became due at `due_ms`. Nothing happens if it was not to any more.
    pub(super) async fn deliver_file(&self, file_id: &str, due_ms: i64) -> Result<(), BoxError> {
        let Some((trail, file, place)) = self.prepare_file(file_id, due_ms).await? else { return Ok(()) };
        let Some(place) = place else { return self.deliver_events(&trail, &file, due_ms).await };
        let made = self.make(&file).await?;
        let compressed = match made.and_then(|made| self.complete(&file, made)) {
            Ok(compressed) => compressed,
            Err(error) => return Ok(self.file_failed(&trail, &file, due_ms, &error).await?),
        };
        let behalf = behalf(&trail);
        let put = Put {
            bucket: place.bucket.clone(),
            key: place.key.clone(),
            body: compressed.bytes,
            is_compressed_json: true,
            kms_key_arn: trail.settings.kms_key_arn.clone(),
            metadata: Vec::new(),
        };
        match self.trails.buckets.put(&behalf, put).await {
            Ok(()) => {
                let told = self.tell(&trail, &place).await;
                self.file_delivered(&trail, &file, &place, (&compressed.hash, told)).await?;
            }
            Err(error) => self.file_failed(&trail, &file, due_ms, &error).await?,
        }
        Ok(())
    }

    /// Closes a file, and decides where in its bucket it goes, if it goes to one.
    async fn prepare_file(
        &self,
        file_id: &str,
        due_ms: i64,
    ) -> Result<Option<(Trail, File, Option<Place>)>, StoreError> {
        let Trails { db, mac, clocks, .. } = &*self.trails;
        let now_ms = clocks.domain_now();
        db.transaction(|tx| {
            Box::pin(async move {
                let found = files::find(tx, file_id).await?;
                let Some(file) = found.filter(|file| file.due_ms == Some(due_ms) && !file.is_delivered)
                else {
                    return Ok(None);
                };
                let Some(trail) = trails::find_by_id(tx, mac, &file.trail_id).await? else {
                    // Nobody is there whose file it could be.
                    files::delete(tx, file_id).await?;
                    return Ok(None);
                };
                if file.destination == Destination::Logs
                    && let Some(again_ms) = files::held_back(tx, &file, now_ms).await?
                {
                    // What keeps an older one out keeps this one out, and goes on gathering meanwhile: one is tried for all.
                    // Each try may be recorded, and would otherwise make the next file. What is given up one day has the
                    // events of an hour.
                    if file.is_open && now_ms.saturating_sub(file.opened_ms) >= HOUR_MS {
                        files::close(tx, file_id, due_ms).await?;
                    }
                    files::postpone(tx, file_id, due_ms, again_ms.saturating_add(1)).await?;
                    return Ok(None);
                }
                if file.is_open {
                    files::close(tx, file_id, due_ms).await?;
                }
                if file.destination == Destination::Logs {
                    return Ok(Some((trail, file, None)));
                }
                let (bucket, prefix) = (&trail.settings.bucket, trail.settings.prefix.as_deref());
                // Where it was tried to go stays where it goes, unless the trail delivers elsewhere by now.
                if let Some(place) = file.place.clone().filter(|place| is_under(place, bucket, prefix)) {
                    return Ok(Some((trail, file, Some(place))));
                }
                let key = object::log_file(prefix, file.account, &file.region, now_ms, &file.id);
                let place = Place { bucket: bucket.clone(), key };
                files::plan(tx, file_id, &place).await?;
                Ok(Some((trail, file, Some(place))))
            })
        })
        .await
    }

    async fn make(&self, file: &File) -> Result<Result<Made<Compressed>, DeliveryError>, BoxError> {
        let slices = files::slices(&self.trails.db, &file.id).await?;
        let (journal, prover, file) = (self.journal(), self.prover.clone(), file.clone());
        let made = tokio::task::spawn_blocking(move || {
            let of = (&file.selection, file.account.to_string(), file.region);
            writing::log_file((&journal, &prover), &slices, (of.0, &of.1, &of.2))
        });
        Ok(made.await?.map_err(|error| not_made(&error)))
    }

    /// What was made of a file, if it has all records that were gathered for it: what is put is signed, and never put again. What
    /// lacks some waits for the journal to show them, for as long as CloudTrail tries; then what there is of it is put.
    pub(super) fn complete<T>(&self, file: &File, made: Made<T>) -> Result<T, DeliveryError> {
        let Made { content, records, passed_over } = made;
        let missing = file.records.saturating_sub(records);
        if missing == 0 {
            return Ok(content);
        }
        self.missing.fetch_add(missing, Ordering::Relaxed);
        let (file_id, region, is_over) = (&file.id, &file.region, self.is_over(file));
        tracing::error!(
            file_id,
            region,
            missing,
            passed_over,
            is_over,
            "the journal does not show all records of a trail's file as they were; `strongroom audit verify` tells more"
        );
        // Waiting tells nothing about a log group, in which nothing is signed, and later events wait behind these.
        let opened_ms = file.opened_ms;
        let waits_no_more = file.destination == Destination::Logs
            && self.trails.clocks.domain_now().saturating_sub(opened_ms) > HOUR_MS;
        if is_over || waits_no_more {
            return Ok(content);
        }
        let message = format!("{missing} of {} records are not in the journal as they were", file.records);
        Err(DeliveryError { code: INTERNAL_ERROR.to_owned(), message })
    }

    fn is_over(&self, file: &File) -> bool {
        self.trails.clocks.domain_now().saturating_sub(file.opened_ms) > PATIENCE_MS
    }

    async fn file_delivered(
        &self,
        trail: &Trail,
        file: &File,
        place: &Place,
        (hash, told): (&str, Option<Result<(), DeliveryError>>),
    ) -> Result<(), StoreError> {
        let now_ms = self.trails.clocks.domain_now();
        let told = &told;
        let delivered = self.trails.db.transaction(|tx| {
            Box::pin(async move {
                if !files::delivered(tx, &file.id, place, hash).await? {
                    // Another server has put the same, and noted it.
                    return Ok(());
                }
                // It waits for its digest, if there is to be one; also where the last one has gone before it.
                if trail.settings.is_validated {
                    let start_ms = now_ms.saturating_sub(now_ms.rem_euclid(1000));
                    let window = (start_ms, start_ms.saturating_add(HOUR_MS));
                    chains::begin(tx, &trail.id, &file.region, window).await?;
                }
                if chains::find(tx, &trail.id, &file.region).await?.is_some() {
                    files::release(tx, &file.id).await?;
                } else {
                    files::delete(tx, &file.id).await?;
                }
                let note = |status: &mut Status| {
                    status.files.done(now_ms);
                    match told {
                        None => {}
                        Some(Ok(())) => status.notifications.done(now_ms),
                        Some(Err(error)) => status.notifications.failed(now_ms, &error.code),
                    }
                };
                status::change(tx, &trail.id, note).await
            })
        });
        delivered.await
    }

    /// Tells a trail's topic of a file that was put, before that is noted: after a crash in between it is told again. A
    /// topic that cannot be told keeps no file back.
    async fn tell(&self, trail: &Trail, place: &Place) -> Option<Result<(), DeliveryError>> {
        let topic_arn = trail.settings.topic_arn.as_deref()?;
        let Trails { notices, on_behalf, .. } = &*self.trails;
        let file = (place.bucket.as_str(), place.key.as_str());
        let told = notices.delivered(on_behalf, &behalf(trail), topic_arn, file).await;
        if let Err(error) = &told {
            tracing::warn!(topic_arn, %error, "a topic was not told of a trail's file");
        }
        Some(told)
    }

    /// Tries again later, for as long as CloudTrail does.
    pub(super) async fn file_failed(
        &self,
        trail: &Trail,
        file: &File,
        due_ms: i64,
        error: &DeliveryError,
    ) -> Result<(), StoreError> {
        let now_ms = self.trails.clocks.domain_now();
        let is_over = self.is_over(file);
        let (trail_arn, region, file_id) = (trail.arn(), &file.region, &file.id);
        tracing::warn!(trail_arn, region, file_id, %error, is_over, "a trail's file was not delivered");
        let next_ms = now_ms.saturating_add(self.settings.every_ms());
        let noted = self.trails.db.transaction(|tx| {
            Box::pin(async move {
                if is_over {
                    files::delete(tx, &file.id).await?;
                } else {
                    files::postpone(tx, &file.id, due_ms, next_ms).await?;
                }
                let note = |status: &mut Status| {
                    let attempts = match file.destination {
                        Destination::Bucket => &mut status.files,
                        Destination::Logs => &mut status.logs,
                    };
                    attempts.failed(now_ms, &error.code);
                };
                status::change(tx, &trail.id, note).await
            })
        });
        noted.await
    }
}

/// Why nothing could be put: the content could not be made.
pub(super) fn not_made(error: &WritingError) -> DeliveryError {
    let cause = error.source().map(|cause| format!(": {cause}")).unwrap_or_default();
    DeliveryError { code: INTERNAL_ERROR.to_owned(), message: format!("{error}{cause}") }
}

/// For whom a trail's files are put.
pub(super) fn behalf(trail: &Trail) -> Behalf {
    Behalf { account: trail.account, region: trail.home_region.clone(), trail_arn: trail.arn() }
}

/// Whether a place is one that a trail delivers to.
pub(super) fn is_under(place: &Place, bucket: &str, prefix: Option<&str>) -> bool {
    let prefix = prefix.map(|prefix| format!("{prefix}/")).unwrap_or_default();
    place.bucket == bucket && place.key.strip_prefix(&prefix).is_some_and(|rest| rest.starts_with("AWSLogs/"))
}
