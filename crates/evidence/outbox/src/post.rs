//! What commits a draft.

use strongroom_identity::RecordDraft;
use strongroom_store::{StoreError, Tx};

/// Commits the draft of a record together with the change that it speaks of, and the change only if what allowed it
/// [holds](RecordDraft::mark) by then. A change that has no record of its own has no draft.
pub async fn post(tx: &mut Tx<'_>, draft: Option<&RecordDraft>) -> Result<(), StoreError> {
    match draft {
        Some(draft) => {
            tx.only_if_holds(draft.mark);
            tx.post(&draft.event_id, &draft.bytes).await
        }
        None => Ok(()),
    }
}
