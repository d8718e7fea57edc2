//! What tells at a look that a statement is not about a request.
//!
//! A policy's gates stand one behind the other, apart from its statements: of a thousand statements a request has to
//! wait for the memory of those few that it passes the gates of.

use super::action::{Action, Actions};
use super::condition::Test;
use super::short_text::ShortText;
use super::template::Fillable;
use crate::decision::Facts;
use crate::document::Scope;
use crate::pattern::Trigrams;

/// What a request must have for a statement to be about it. Whoever passes may still be none of its.
#[derive(Clone, Debug)]
pub(super) struct Gate {
    actions: Actions,
    /// What the resource must have, whichever of the listed ones it is.
    resource: Trigrams,
    /// A condition key that must be there.
    wanted: Option<ShortText>,
}

impl Gate {
    pub(super) fn new(actions: &Scope<Action>, resources: Option<&Scope<Fillable>>, tests: &[Test]) -> Self {
        let resource = match resources {
            Some(Scope::Only(listed)) => listed.iter().map(Fillable::needs).reduce(Trigrams::common),
            Some(Scope::Except(_)) | None => None,
        };
        Self {
            actions: Actions::of(actions),
            resource: resource.unwrap_or_default(),
            wanted: tests.iter().find_map(Test::wanted).cloned(),
        }
    }

    /// Whether the statement may be about the request.
    pub(super) fn lets_in(&self, facts: &Facts<'_>) -> bool {
        self.actions.may_have(facts.asked())
            && facts.resource_trigrams().has(self.resource)
            && !self.wanted.as_ref().is_some_and(|key| facts.is_known_to_lack(key))
    }
}
