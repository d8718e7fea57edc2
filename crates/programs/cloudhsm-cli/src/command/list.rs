//! `key list`

use super::selection::{Shown, handles};
use crate::bench::Bench;
use crate::error::CliError;
use crate::filter::Filter;
use crate::grammar::key::List;
use crate::output::key::Page;
use crate::output::{Data, data};
use strongroom_hsm_proto::command::Role;

pub(super) fn list(bench: &mut Bench, options: &List) -> Result<Data, CliError> {
    let start: usize = match &options.starting_token {
        Some(token) => {
            token.parse().map_err(|_| CliError::usage("--starting-token is a page's next_token"))?
        }
        None => 0,
    };
    let cluster = bench.cluster()?;
    // Administrators see that keys exist and no more.
    let verbose = options.verbose && cluster.user().is_none_or(|(_, role)| role != Role::Admin);
    let all = handles(cluster, &Filter::of(&options.filter))?;
    let end = start.saturating_add(options.max_items as usize).min(all.len());
    let page = all.get(start..end).unwrap_or_default();
    let shown = Shown::everywhere(cluster, page)?;
    let keys: Vec<_> = shown.keys().map(|key| if verbose { key.verbose() } else { key.brief() }).collect();
    data(Page {
        total_key_count: all.len(),
        returned_key_count: keys.len(),
        matched_keys: keys,
        next_token: (end < all.len() && start < end).then(|| end.to_string()),
    })
}
