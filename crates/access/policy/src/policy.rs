//! Policies, compiled: what a document says, ready to be asked about requests.

mod action;
mod comparison;
mod condition;
mod gate;
mod principal;
mod short_text;
mod statement;
mod template;
mod values;

use std::sync::Arc;

pub(crate) use action::Asked;
pub(crate) use condition::Test;
use gate::Gate;
pub use principal::Grip;
pub(crate) use statement::{Miss, Statement};
pub(crate) use values::text_of;

use crate::decision::Facts;
use crate::document::{ActionPattern, Document, Effect};

/// A policy, made from its document once and then asked as often as need be. Clones share what it says.
#[derive(Clone, Debug)]
pub struct Policy {
    name: String,
    statements: Arc<[Statement]>,
    /// For each statement, what a request must have for it to be looked at.
    gates: Arc<[Gate]>,
}

/// What the statements of one policy say of a request, taken together.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Opinion {
    /// The first statement that denies it.
    pub(crate) denies: Option<usize>,
    /// The statement that allows it with the firmest grip.
    pub(crate) allows: Option<(Grip, usize)>,
}

impl Policy {
    /// The policy that a document states. The name is how decisions speak of it: its ARN if it has one (a
    /// managed policy), otherwise any name.
    pub fn new(name: impl Into<String>, document: &Document) -> Self {
        let statement = |statement| Statement::new(statement, document.version);
        Self::of_statements(name.into(), document.statements.iter().map(statement).collect())
    }

    fn of_statements(name: String, statements: Arc<[Statement]>) -> Self {
        let gates = statements.iter().map(Statement::gate).collect();
        Self { name, statements, gates }
    }

    /// A policy that allows the listed actions on every resource.
    pub fn allowing(name: impl Into<String>, actions: &[&str]) -> Self {
        let actions: Vec<_> = actions.iter().map(|action| ActionPattern::named(action)).collect();
        Self::of_statements(name.into(), [Statement::of_actions(Effect::Allow, &actions)].into())
    }

    /// A policy that says nothing, and so allows nothing.
    pub fn silent(name: impl Into<String>) -> Self {
        Self::of_statements(name.into(), [].into())
    }

    /// A policy that denies everything: what stands in for one that is kept and cannot be read, since nobody knows
    /// what it denied.
    pub fn barring(name: impl Into<String>) -> Self {
        let everything = [ActionPattern::named("*")];
        Self::of_statements(name.into(), [Statement::of_actions(Effect::Deny, &everything)].into())
    }

    /// The same policy under another name.
    #[must_use]
    pub fn named(&self, name: impl Into<String>) -> Self {
        Self { name: name.into(), ..self.clone() }
    }

    /// About how many bytes the policy of that text takes when it is compiled, and no fewer: many short values weigh
    /// most, and ARNs in conditions, each field of which is a pattern.
    pub fn weight_of(text: &str) -> usize {
        let count = |wanted: u8| text.bytes().filter(|byte| *byte == wanted).count();
        5 * text.len() + 75 * count(b'"') + 100 * count(b':')
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its ARN, if it has one.
    pub(crate) fn arn(&self) -> Option<&str> {
        self.name.starts_with("arn:").then_some(self.name.as_str())
    }

    /// The condition keys that it asks about, in lower case, each once. Variables are not among them.
    pub fn condition_keys(&self) -> Vec<&str> {
        let mut keys: Vec<_> =
            self.statements.iter().flat_map(|statement| statement.tests.iter().map(Test::key)).collect();
        keys.sort_unstable();
        keys.dedup();
        keys
    }

    /// Whether it has a condition on a key, whose name comes in lower case.
    pub(crate) fn asks_about(&self, key: &str) -> bool {
        self.statements.iter().any(|statement| statement.tests.iter().any(|test| test.key() == key))
    }

    pub(crate) fn statements(&self) -> &[Statement] {
        &self.statements
    }

    /// What it says of a request.
    pub(crate) fn opinion(&self, facts: &Facts<'_>) -> Opinion {
        let mut opinion = Opinion::default();
        for (at, (statement, gate)) in self.statements.iter().zip(&*self.gates).enumerate() {
            if !gate.lets_in(facts) {
                continue;
            }
            // An Allow as firm as can be makes others needless.
            let is_needless = statement.effect == Effect::Allow
                && opinion.allows.is_some_and(|(grip, _)| grip == Grip::Direct);
            if is_needless {
                continue;
            }
            let Ok(grip) = statement.applies(facts) else { continue };
            match statement.effect {
                Effect::Deny => return Opinion { denies: Some(at), ..opinion },
                Effect::Allow if opinion.allows.is_none_or(|(firmest, _)| grip > firmest) => {
                    opinion.allows = Some((grip, at));
                }
                Effect::Allow => {}
            }
        }
        opinion
    }
}
