//! Drafts that a start finds, or that another server has left: each becomes this server's own before it becomes a record.
//!
//! So of several that found the same draft one records it, and who finds it after a crash looks in that one's journal.

use std::collections::HashSet;

use strongroom_journal::{ClosedOff, Record, StreamId};
use strongroom_store::Claim;

use super::{Draft, Outbox, OutboxError, PAGE, blocking, lock, recorded_of};

/// A draft that is to be this server's, and its record in this journal.
pub(super) struct Claimed {
    claim: Claim,
    record: Record,
}

impl Outbox {
    /// Makes records of the drafts of a stream that is another server's, which is gone, and answers how many. Where its
    /// journal lies beside this one, it can record nothing more from now on, and those that it has recorded itself are left
    /// out. What it has in a folder of its own nobody here can know: such a record is then in two journals, under one event
    /// id.
    pub(crate) async fn adopt(&self, stream: StreamId) -> Result<usize, OutboxError> {
        let journal = self.journal.clone();
        let recorded = match blocking(move || journal.close_off(stream)).await? {
            // It records them itself.
            ClosedOff::IsBack => return Ok(0),
            ClosedOff::Closed(reader) => Some(reader),
            ClosedOff::Unknown => None,
        };
        let (mut adopted, mut after) = (0, None);
        loop {
            let posted = self.db.posted(after, PAGE).await?;
            let Some(last) = posted.last() else { return Ok(adopted) };
            after = Some(last.id);
            let drafts = posted.iter().filter_map(|draft| self.read_back(draft));
            let drafts: Vec<_> = drafts.filter(|draft| draft.place.stream == stream).collect();
            let known = match (&recorded, drafts.iter().map(|draft| draft.place).min()) {
                (Some(reader), Some(earliest)) => {
                    let wanted = drafts.iter().map(|draft| draft.record.event_id.0).collect();
                    let reader = reader.clone();
                    blocking(move || recorded_of(wanted, &reader, earliest)).await?
                }
                _ => HashSet::new(),
            };
            adopted += self.make_records(drafts, &known).await?;
        }
    }

    /// Takes drafts out of which records are `known`, and makes records of the others, which become this server's first: of
    /// several that found a draft, one records it. Answers how many there are.
    pub(super) async fn make_records(
        &self,
        drafts: Vec<Draft>,
        known: &HashSet<[u8; 16]>,
    ) -> Result<usize, OutboxError> {
        let (recorded, left): (Vec<_>, Vec<_>) =
            drafts.into_iter().partition(|draft| known.contains(&draft.posted.id));
        let claims = left.into_iter().map(|Draft { posted, record, .. }| Claimed {
            claim: Claim { found: posted, claimed: self.draft(&record).bytes },
            record,
        });
        self.claims.lock().await.extend(claims);
        let made = self.settle_claims().await?;
        let recorded: Vec<_> = recorded.iter().map(|draft| draft.posted.id).collect();
        self.db.take_delivered(&recorded).await?;
        Ok(made)
    }

    /// Makes records of the drafts that are being made this server's own, as far as they are, and answers how many.
    pub(crate) async fn settle_claims(&self) -> Result<usize, OutboxError> {
        let mut waiting = self.claims.lock().await;
        if waiting.is_empty() {
            return Ok(0);
        }
        let claims: Vec<_> = waiting.iter().map(|claimed| claimed.claim.clone()).collect();
        let own = self.db.claim_posted(&claims).await?;
        let claimed = std::mem::take(&mut *waiting).into_iter();
        let mut records =
            claimed.map(|claimed| claimed.record).filter(|record| own.contains(&record.event_id.0));
        while let Some(record) = records.next() {
            // From here on they are as drafts of this server's own changes.
            if let Err(error) = self.append(&record, &[], true).await {
                self.keep_for_later(*lock(&self.place), records);
                return Err(error.into());
            }
        }
        Box::pin(self.empty()).await;
        Ok(own.len())
    }
}
