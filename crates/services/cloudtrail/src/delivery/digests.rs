//! Digests: each hour what was put in it, signed, naming the one before.

use strongroom_crypto::digest::sha256;
use strongroom_crypto::hex;
use strongroom_runtime::BoxError;
use strongroom_store::{StoreError, Tx};

use super::bucket::Put;
use super::files::{PATIENCE_MS, behalf, is_under};
use super::{Deliveries, HOUR_MS, is_signed, writing};
use crate::domain::digest::{Digest, LogFile, Place, Previous, SIGNATURE_ALGORITHM};
use crate::domain::object;
use crate::domain::trail::Trail;
use crate::repo::chains::{self, Chain, Planned};
use crate::repo::{files, status, trails};
use crate::signing::Signer;
use crate::trails::Trails;

/// Files that one digest names: of more, the others are the next one's.
const MOST_FILES: u32 = 10_000;

/// What is to be done with a chain.
enum Step {
    /// Nothing is due.
    Nothing,
    /// A digest is to be put.
    Put(Box<(Trail, Chain, Planned)>),
    /// A digest that ends at that moment is to be written and signed.
    Write { end_ms: i64 },
}

impl Deliveries {
    /// Delivers the digest of a trail in a Region that became due at `due_ms`.
    pub(super) async fn deliver_digest(
        &self,
        trail_id: &str,
        region: &str,
        due_ms: i64,
    ) -> Result<(), BoxError> {
        let mut step = self.next_step(trail_id, region, due_ms, None).await?;
        if let Step::Write { end_ms } = step {
            let signer = self.trails.signing.signer(region, end_ms).await?;
            step = self.next_step(trail_id, region, due_ms, Some((end_ms, &*signer))).await?;
        }
        let Step::Put(digest) = step else { return Ok(()) };
        let (trail, chain, planned) = *digest;
        let put = Put {
            bucket: planned.place.bucket.clone(),
            key: planned.place.key.clone(),
            body: writing::compress(&planned.text)?.bytes,
            is_compressed_json: true,
            kms_key_arn: trail.settings.kms_key_arn.clone(),
            metadata: vec![
                ("signature", planned.signature.clone()),
                ("signature-algorithm", SIGNATURE_ALGORITHM.to_owned()),
            ],
        };
        let (now_ms, mac) = (self.trails.clocks.domain_now(), &self.trails.mac);
        let outcome = self.trails.buckets.put(&behalf(&trail), put).await;
        let (trail, chain, planned, outcome) = (&trail, &chain, &planned, &outcome);
        let next_ms = now_ms.saturating_add(self.settings.every_ms());
        // The last one of a trail whose bucket may be gone with it is not tried for ever.
        let is_over = !is_signed(trail, region) && now_ms.saturating_sub(planned.end_ms) > PATIENCE_MS;
        let noted = self.trails.db.transaction(|tx| {
            Box::pin(async move {
                match outcome {
                    Ok(()) => {
                        // It may have been started or stopped meanwhile.
                        let trail = trails::find_by_id(tx, mac, &trail.id).await?.unwrap_or(trail.clone());
                        go_on(tx, &trail, region, chain, planned).await?;
                        status::change(tx, &trail.id, |status| status.digests.done(now_ms)).await
                    }
                    Err(_) if is_over => {
                        files::forget_delivered(tx, &trail.id, Some(region)).await?;
                        chains::delete(tx, &trail.id, region).await
                    }
                    Err(error) => {
                        chains::postpone(tx, &trail.id, region, (due_ms, next_ms)).await?;
                        status::change(tx, &trail.id, |status| status.digests.failed(now_ms, &error.code))
                            .await
                    }
                }
            })
        });
        let noted: Result<(), StoreError> = noted.await;
        if let Err(error) = outcome {
            let trail_arn = trail.arn();
            tracing::warn!(trail_arn, region, %error, "a trail's digest was not delivered");
        }
        Ok(noted?)
    }

    /// Finds what is to be done; writes and signs the next digest if it is given with what.
    async fn next_step(
        &self,
        trail_id: &str,
        region: &str,
        due_ms: i64,
        written_with: Option<(i64, &Signer)>,
    ) -> Result<Step, BoxError> {
        let Trails { db, mac, clocks, .. } = &*self.trails;
        let now_ms = clocks.domain_now();
        let again_ms = now_ms.saturating_add(self.settings.every_ms());
        let step = db.transaction(|tx| {
            Box::pin(async move {
                let found = chains::find(tx, trail_id, region).await?;
                let Some(chain) = found.filter(|chain| chain.due_ms == due_ms) else {
                    return Ok(Step::Nothing);
                };
                let Some(trail) = trails::find_by_id(tx, mac, trail_id).await? else {
                    chains::delete(tx, trail_id, region).await?;
                    return Ok(Step::Nothing);
                };
                let settings = &trail.settings;
                let is_there = |planned: &Planned| {
                    is_under(&planned.place, &settings.bucket, settings.prefix.as_deref())
                };
                // One that was to go where the trail delivers no more is written anew.
                if let Some(planned) = chain.planned.clone().filter(is_there) {
                    return Ok(Step::Put(Box::new((trail, chain, planned))));
                }
                let Some((end_ms, signer)) = written_with else {
                    let is_stopped = !is_signed(&trail, region);
                    if is_stopped && files::waiting(tx, trail_id, Some(region)).await? > 0 {
                        // They are to be in the last one.
                        chains::postpone(tx, trail_id, region, (due_ms, again_ms)).await?;
                        return Ok(Step::Nothing);
                    }
                    // A chain that was to end ends, also where the trail signs again: another one follows.
                    let is_last = is_stopped || chain.is_hurried();
                    return Ok(Step::Write { end_ms: end(chain.start_ms, now_ms, is_last) });
                };
                let planned = plan(tx, &trail, region, &chain, (end_ms, signer)).await?;
                Ok(Step::Put(Box::new((trail, chain, planned))))
            })
        });
        let step: Result<Step, StoreError> = step.await;
        Ok(step?)
    }
}

/// The end of a window that began at `start_ms`: whole hours behind that, all that there have been, so that a clock that
/// jumps leaves one digest and not many. The last one ends at once.
fn end(start_ms: i64, now_ms: i64, is_last: bool) -> i64 {
    let passed = now_ms.saturating_sub(start_ms).max(0);
    let whole = start_ms.saturating_add(passed.saturating_sub(passed.rem_euclid(HOUR_MS)).max(HOUR_MS));
    if !is_last {
        return whole;
    }
    // No two digests of a chain end at one second: it is in their names.
    now_ms.saturating_sub(now_ms.rem_euclid(1000)).max(start_ms.saturating_add(1000))
}

/// Writes and signs a digest, and commits to it.
async fn plan(
    tx: &mut Tx<'_>,
    trail: &Trail,
    region: &str,
    chain: &Chain,
    (end_ms, signer): (i64, &Signer),
) -> Result<Planned, StoreError> {
    let named = files::of_digest(tx, &trail.id, region, MOST_FILES).await?;
    let (ids, new): (Vec<String>, Vec<LogFile>) = named.into_iter().unzip();
    let taken = chain.planned.iter().flat_map(|planned| planned.files.iter().cloned());
    let log_files: Vec<_> = taken.chain(new).collect();
    let settings = &trail.settings;
    let of = (trail.name.as_str(), trail.home_region.as_str());
    let key = object::digest(settings.prefix.as_deref(), trail.account, region, of, end_ms);
    let place = Place { bucket: settings.bucket.clone(), key };
    let account = trail.account.to_string();
    let digest = Digest {
        account: &account,
        start_ms: chain.start_ms,
        end_ms,
        place: &place,
        fingerprint: &signer.fingerprint,
        previous: chain.previous.as_ref(),
        files: &log_files,
    };
    let unwritten = |source: Box<dyn std::error::Error + Send + Sync>| StoreError::Column {
        column: "planned".to_owned(),
        source,
    };
    let text = digest.text().map_err(|error| unwritten(error.into()))?;
    let hash = hex::encode(&sha256(text.as_bytes()));
    let signature = signer.sign(&digest.signed(&hash)).map_err(|error| unwritten(error.into()))?;
    let planned = Planned { place, end_ms, files: log_files, text, hash, signature };
    chains::plan(tx, &trail.id, region, &planned).await?;
    for id in &ids {
        files::delete(tx, id).await?;
    }
    Ok(planned)
}

/// Goes on behind a digest that was put; a chain that is over goes.
async fn go_on(
    tx: &mut Tx<'_>,
    trail: &Trail,
    region: &str,
    chain: &Chain,
    planned: &Planned,
) -> Result<(), StoreError> {
    let previous = Previous {
        place: planned.place.clone(),
        hash: planned.hash.clone(),
        signature: planned.signature.clone(),
    };
    let (from_ms, to_ms) = (chain.start_ms, planned.end_ms);
    let next = (to_ms, to_ms.saturating_add(HOUR_MS));
    let advanced = chains::advance(tx, &trail.id, region, from_ms, next, &previous).await?;
    if !advanced {
        return Ok(());
    }
    if is_signed(trail, region) {
        if chain.is_hurried() {
            chains::delete(tx, &trail.id, region).await?;
            chains::begin(tx, &trail.id, region, next).await?;
        }
        return Ok(());
    }
    let left = files::of_digest(tx, &trail.id, region, 1).await?.len() as u64;
    if left + files::waiting(tx, &trail.id, Some(region)).await? == 0 {
        return chains::delete(tx, &trail.id, region).await;
    }
    // More than one digest takes, or what was read too late for it: another last one follows.
    chains::hurry_in(tx, &trail.id, region, to_ms.saturating_add(1000)).await
}
