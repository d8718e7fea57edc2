//! Which keys a filter means, and what HSMs know of them.

use std::collections::HashMap;

use strongroom_hsm_client::Cluster;
use strongroom_hsm_proto::command::{Command, FindKeys, KeyDescription, ShowKeys};

use super::{answers, the};
use crate::error::CliError;
use crate::filter::{Filter, Term};
use crate::output::key::Views;

/// Handles that an HSM is asked for at a time.
const FIND_AT_ONCE: u32 = 4_096;
/// Keys that an HSM shows at a time.
const SHOW_AT_ONCE: usize = 256;
/// Handles that a list may hold; more than any HSM keeps.
const MAX_HANDLES: usize = 1 << 20;

/// The handles of all keys that fit.
pub(super) fn handles(cluster: &mut Cluster, filter: &Filter) -> Result<Vec<u64>, CliError> {
    if filter.references.len() > 1 {
        return Ok(Vec::new());
    }
    if let ([reference], true) = (filter.references.as_slice(), filter.template.attributes.is_empty()) {
        let show = Command::ShowKeys(ShowKeys { keys: vec![*reference] });
        return Ok(the!(cluster.call(show)?, Keys)?.keys.iter().map(|key| key.key).collect());
    }
    let mut found = Vec::new();
    let mut after = 0;
    while found.len() < MAX_HANDLES {
        let find = FindKeys { filter: Some(filter.template.clone()), after, most: FIND_AT_ONCE };
        let page = the!(cluster.call(Command::FindKeys(find))?, Found)?.keys;
        let Some(last) = page.last() else { break };
        // An HSM that does not go on is not asked for ever.
        if *last <= after {
            break;
        }
        after = *last;
        let is_last = page.len() < FIND_AT_ONCE as usize;
        found.extend(page);
        if is_last {
            break;
        }
    }
    if let [reference] = filter.references.as_slice() {
        found.retain(|handle| handle == reference);
    }
    Ok(found)
}

/// The handle of the only key that fits.
pub(super) fn one(cluster: &mut Cluster, terms: &[Term]) -> Result<u64, CliError> {
    match handles(cluster, &Filter::of(terms))?.as_slice() {
        [only] => Ok(*only),
        several => Err(CliError::usage(format!(
            "Key selection criteria matched {} keys. Refine selection criteria to select a single key.",
            several.len()
        ))),
    }
}

/// The only key that fits.
pub(super) fn one_shown(cluster: &mut Cluster, terms: &[Term]) -> Result<KeyDescription, CliError> {
    let key = one(cluster, terms)?;
    let shown = the!(cluster.call(Command::ShowKeys(ShowKeys { keys: vec![key] }))?, Keys)?.keys;
    shown.into_iter().next().ok_or_else(super::unexpected)
}

/// What every HSM says of some keys.
pub(super) struct Shown {
    handles: Vec<u64>,
    hsms: Vec<HashMap<u64, KeyDescription>>,
}

impl Shown {
    /// Asks every HSM.
    pub(super) fn everywhere(cluster: &mut Cluster, handles: &[u64]) -> Result<Self, CliError> {
        let mut hsms: Vec<HashMap<u64, KeyDescription>> = Vec::new();
        for part in handles.chunks(SHOW_AT_ONCE) {
            let show = Command::ShowKeys(ShowKeys { keys: part.to_vec() });
            let shown = answers(cluster.call_each(&show)?, |reply| Ok(the!(reply, Keys)?.keys))?;
            if hsms.len() < shown.len() {
                hsms.resize_with(shown.len(), HashMap::new);
            }
            for (hsm, keys) in hsms.iter_mut().zip(shown) {
                hsm.extend(keys.into_iter().map(|key| (key.key, key)));
            }
        }
        Ok(Self { handles: handles.to_vec(), hsms })
    }

    /// Key by key.
    pub(super) fn keys(&self) -> impl Iterator<Item = Views<'_>> {
        self.handles.iter().map(|handle| Views {
            handle: *handle,
            views: self.hsms.iter().map(|hsm| hsm.get(handle)).collect(),
        })
    }
}
