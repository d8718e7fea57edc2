//! Keys are found and shown.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use strongroom_hsm_proto::command::{
    AttributeName, AttributeValue, ConfirmKey, Confirmed, FindKeys, FoundKeys, KeyList, Result as Answered,
    Role, ShowKeys,
};

use super::template::pairs;
use super::{attribute, describe};
use crate::effect::{KeyRecord, UserRef};
use crate::hsm::Caller;
use crate::outcome::Progress;
use crate::refusal::Refusal;
use crate::state::{KeyEntry, State};

/// The most handles of one answer.
const MOST_FOUND: usize = 4_096;
/// The most keys of one answer.
const MOST_SHOWN: usize = 256;

impl Caller<'_> {
    pub(crate) fn find_keys(&self, command: &FindKeys) -> Result<Progress, Refusal> {
        let user = self.user()?;
        let filter = pairs(command.filter.as_ref())?;
        let most = command.most as usize;
        if !(1..=MOST_FOUND).contains(&most) {
            return Err(Refusal::invalid_request("One search gives 1 to 4096 keys"));
        }
        let session_keys = self.session_keys()?;
        let state = self.hsm.state();
        let fits = |record: &KeyRecord| {
            is_seen_by(record, &user)
                && filter.iter().all(|(name, value)| attribute(record, *name).as_ref() == Some(*value))
        };
        let mut found = match fewest(&state, &filter, &user) {
            Candidates::Some(handles) => {
                let entries = handles.into_iter().filter_map(|handle| state.keys.get(handle));
                handles_of(entries, fits)
            }
            Candidates::All => handles_of(state.keys.iter(), fits),
        };
        if !session_keys.is_empty() {
            found.extend(handles_of(session_keys.values(), fits));
            found.sort_unstable();
        }
        let total = found.len() as u32;
        let keys = found.into_iter().filter(|handle| *handle > command.after).take(most).collect();
        Ok(Progress::Done(Some(Answered::Found(FoundKeys { keys, total }))))
    }

    pub(crate) fn show_keys(&self, command: &ShowKeys) -> Result<Progress, Refusal> {
        let user = self.user()?;
        if command.keys.len() > MOST_SHOWN {
            return Err(Refusal::invalid_request("One answer shows at most 256 keys"));
        }
        let session_keys = self.session_keys()?;
        let entries: Vec<_> = {
            let state = self.hsm.state();
            let entry = |handle| state.keys.get(handle).or_else(|| session_keys.get(&handle)).cloned();
            command.keys.iter().filter_map(|handle| entry(*handle)).collect()
        };
        let keys = entries
            .iter()
            .map(|entry| &entry.record)
            .filter(|record| is_seen_by(record, &user))
            .map(describe);
        Ok(Progress::Done(Some(Answered::Keys(KeyList { keys: keys.collect() }))))
    }

    pub(crate) fn confirm_key(&self, command: &ConfirmKey) -> Result<Progress, Refusal> {
        let user = self.user()?;
        if command.keys.len() > MOST_FOUND {
            return Err(Refusal::invalid_request("One call confirms at most 4096 keys"));
        }
        let state = self.hsm.state();
        let there = command
            .keys
            .iter()
            .all(|handle| state.keys.get(*handle).is_some_and(|entry| is_seen_by(&entry.record, &user)));
        Ok(Progress::Done(Some(Answered::Confirmed(Confirmed { there }))))
    }

    fn session_keys(&self) -> Result<BTreeMap<u64, Arc<KeyEntry>>, Refusal> {
        Ok(self.session()?.inner().keys.clone())
    }
}

/// Whether a user may know of a key: administrators of all, crypto users of those that they may use.
fn is_seen_by(record: &KeyRecord, user: &UserRef) -> bool {
    user.role == i32::from(Role::Admin) || record.is_usable_by(&user.name)
}

fn handles_of<'a>(
    entries: impl Iterator<Item = &'a Arc<KeyEntry>>,
    fits: impl Fn(&KeyRecord) -> bool,
) -> Vec<u64> {
    entries.filter(|entry| fits(&entry.record)).map(|entry| entry.record.handle).collect()
}

/// Among which keys to look.
enum Candidates {
    /// These, in order.
    Some(Vec<u64>),
    All,
}

/// The smallest set that an index gives for a filter.
fn fewest(state: &State, filter: &[(AttributeName, &AttributeValue)], user: &UserRef) -> Candidates {
    let mut fewest: Option<Option<&BTreeSet<u64>>> = None;
    for (name, value) in filter {
        let indexed = match (name, value) {
            (AttributeName::Label, AttributeValue::Bytes(label)) => {
                std::str::from_utf8(label).ok().and_then(|label| state.keys.with_label(label))
            }
            (AttributeName::Id, AttributeValue::Bytes(id)) => state.keys.with_id(id),
            (AttributeName::Class, AttributeValue::Number(class)) => state.keys.of_class(*class as i32),
            (AttributeName::KeyType, AttributeValue::Number(key_type)) => {
                state.keys.of_type(*key_type as i32)
            }
            _ => continue,
        };
        let length = |set: Option<&BTreeSet<u64>>| set.map_or(0, BTreeSet::len);
        if fewest.is_none_or(|fewest| length(indexed) < length(fewest)) {
            fewest = Some(indexed);
        }
    }
    if let Some(fewest) = fewest {
        return Candidates::Some(fewest.into_iter().flatten().copied().collect());
    }
    if user.role == i32::from(Role::Admin) {
        return Candidates::All;
    }
    let mut own: BTreeSet<u64> = state.keys.of_owner(&user.name).collect();
    own.extend(state.keys.shared_with(&user.name));
    own.extend(state.keys.public());
    Candidates::Some(own.into_iter().collect())
}
