//! Sealing key tokens anew after the epoch has turned.

use super::{Hsm, planned};
use crate::effect::Kind;
use crate::outcome::Draft;
use crate::state::Resource;
use crate::{HsmError, Now, Planned};

impl Hsm {
    /// Plans to seal at most `most` key tokens anew that are still of an older epoch; the partition's own keys come
    /// first. `None` when all are of the newest: then older epochs' keys can be
    /// [forgotten](Self::forget_epochs_before).
    pub fn reseal(&self, most: usize, now: Now) -> Result<Option<Planned>, HsmError> {
        let (revision, old) = {
            let state = self.state();
            let old = state.keys.iter().filter(|entry| self.keyring.is_old(&entry.record.token));
            (state.history.revision(), old.take(most).cloned().collect::<Vec<_>>())
        };
        let mut draft = Draft::new(revision).relying_on([Resource::Foundation]);
        draft.effects.extend(self.foundation_anew()?.map(Kind::Foundation));
        for entry in old {
            let material = self.keyring.open_key(&entry.record)?;
            let mut record = entry.record.clone();
            record.version = record.version.wrapping_add(1);
            draft.reads.insert(Resource::Key(record.handle));
            draft.effects.push(Kind::PutKey(self.keyring.seal_key(record, material.expose())?));
        }
        Ok((!draft.effects.is_empty()).then(|| planned(draft, now, None)))
    }
}
