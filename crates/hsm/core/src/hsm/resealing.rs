//! Sealing key tokens anew after the epoch has turned.

use prost::Message;

use super::{Hsm, planned};
use crate::effect::Kind;
use crate::outcome::Draft;
use crate::state::Resource;
use crate::{HsmError, Now, Planned};

/// Key tokens are sealed anew until their records have so many bytes together: half of what one change of a
/// cluster's log takes.
const MOST_BYTES: usize = 256 << 10;

impl Hsm {
    /// Plans to seal at most `most` key tokens anew that are still of an older epoch, and no more than fit into one
    /// change; the partition's own keys come first. `None` when all are of the newest: then older epochs' keys can be
    /// [forgotten](Self::forget_epochs_before).
    pub fn reseal(&self, most: usize, now: Now) -> Result<Option<Planned>, HsmError> {
        let place = self.keyring.newest_place();
        let (revision, old) = {
            let state = self.state();
            let old = state.keys.iter().filter(|entry| self.keyring.is_old(&entry.record.token));
            (state.history.revision(), old.take(most).cloned().collect::<Vec<_>>())
        };
        let mut draft = Draft::new(revision).relying_on([Resource::Foundation]);
        draft.effects.extend(self.foundation_anew()?.map(Kind::Foundation));
        let mut length = 0;
        for entry in old {
            let before = length;
            length += entry.record.encoded_len();
            if before > 0 && length > MOST_BYTES {
                break;
            }
            let material = self.keyring.open_key(&entry.record)?;
            let mut record = entry.record.clone();
            record.version = record.version.wrapping_add(1);
            draft.reads.insert(Resource::Key(record.handle));
            draft.effects.push(Kind::PutKey(self.keyring.seal_key(record, material.expose())?));
        }
        Ok((!draft.effects.is_empty()).then(|| planned(draft, now, None, place)))
    }
}
