//! Statements, ready to be asked whether they are about a request.

use super::action::{Action, Asked};
use super::condition::Test;
use super::gate::Gate;
use super::principal::{self, Grip};
use super::template::Fillable;
use crate::decision::Facts;
use crate::document::{self, ActionPattern, Effect, NamedPrincipal, Scope, Version};
use crate::pattern::Place;

/// A statement of a policy.
#[derive(Clone, Debug)]
pub(crate) struct Statement {
    pub(crate) sid: Option<String>,
    pub(crate) effect: Effect,
    principals: Option<Scope<NamedPrincipal>>,
    actions: Scope<Action>,
    resources: Option<Scope<Fillable>>,
    /// The resources as they are written, for those who ask why.
    written_resources: Box<[Box<str>]>,
    pub(crate) tests: Box<[Test]>,
}

/// Why a statement is not about a request: the first of its elements that does not fit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Miss {
    Action,
    Resource,
    Principal,
    /// The condition of that number, counted from 0.
    Condition(usize),
    /// None that is known: it takes more work to compare than a decision may.
    Effort,
}

impl Statement {
    pub(super) fn new(statement: &document::Statement, version: Version) -> Self {
        let fillable =
            |resource: &document::ArnPattern| Fillable::parse(resource.completed(), version, Place::Resource);
        Self {
            sid: statement.sid.clone(),
            effect: statement.effect,
            principals: statement.principals.clone(),
            actions: statement.actions.map(Action::new),
            resources: statement.resources.as_ref().map(|scope| scope.map(fillable)),
            written_resources: statement
                .resources
                .iter()
                .flat_map(Scope::listed)
                .map(|resource| Box::from(resource.as_str()))
                .collect(),
            tests: statement.conditions.iter().map(|condition| Test::new(condition, version)).collect(),
        }
    }

    /// Whether it is about an action.
    pub(crate) fn is_about(&self, asked: Asked<'_>) -> bool {
        covers(&self.actions, |action| action.matches(asked))
    }

    /// The actions that it lists, as they are written; those that it is not about, if it says `NotAction`.
    pub(crate) fn actions(&self) -> impl Iterator<Item = &str> {
        self.actions.listed().iter().map(Action::as_str)
    }

    /// The resources that it lists, alike.
    pub(crate) fn resources(&self) -> impl Iterator<Item = &str> {
        self.written_resources.iter().map(|resource| &**resource)
    }

    /// What tells at a look that it is not about a request.
    pub(super) fn gate(&self) -> Gate {
        Gate::new(&self.actions, self.resources.as_ref(), &self.tests)
    }

    /// A statement that allows or denies actions on everything.
    pub(super) fn of_actions(effect: Effect, actions: &[ActionPattern]) -> Self {
        Self {
            sid: None,
            effect,
            principals: None,
            actions: Scope::Only(actions.iter().map(Action::new).collect()),
            resources: None,
            written_resources: Box::new([]),
            tests: Box::new([]),
        }
    }

    /// Whether the statement is about the request, and how it covers its subject. A statement without
    /// principals is about whomever its policy is attached to, one without resources about what it is
    /// attached to.
    pub(crate) fn applies(&self, facts: &Facts<'_>) -> Result<Grip, Miss> {
        if !self.is_about(facts.asked()) {
            return Err(Miss::Action);
        }
        let applies = self.applies_to_subject(facts);
        if !facts.effort().is_spent() {
            return applies;
        }
        // Nobody knows: what is allowed only perhaps is not, and what is denied perhaps is.
        match self.effect {
            Effect::Allow => Err(Miss::Effort),
            Effect::Deny => Ok(Grip::Direct),
        }
    }

    /// The same of a request that it is about by its action.
    fn applies_to_subject(&self, facts: &Facts<'_>) -> Result<Grip, Miss> {
        let resource = |pattern: &Fillable| pattern.matches_resource(facts);
        if self.resources.as_ref().is_some_and(|scope| !covers_resource(scope, resource, facts)) {
            return Err(Miss::Resource);
        }
        let grip = match &self.principals {
            None => Some(Grip::Direct),
            Some(scope) => principal::grip(scope, facts.subject(), facts.has_boundary()),
        };
        let grip = grip.ok_or(Miss::Principal)?;
        match self.tests.iter().position(|test| !test.holds(facts, self.effect)) {
            Some(failed) => Err(Miss::Condition(failed)),
            None => Ok(grip),
        }
    }
}

/// An empty list on either side makes a statement that is about nothing.
fn covers<T>(scope: &Scope<T>, matches: impl Fn(&T) -> bool) -> bool {
    match scope {
        Scope::Only(listed) => listed.iter().any(matches),
        Scope::Except(listed) => !listed.is_empty() && !listed.iter().any(matches),
    }
}

/// The same for resources. In both elements, a policy variable that the request lacks matches nothing: a
/// `NotResource` with such a variable is about no resource at all ("Variables and tags").
fn covers_resource(scope: &Scope<Fillable>, matches: impl Fn(&Fillable) -> bool, facts: &Facts<'_>) -> bool {
    if let Scope::Except(listed) = scope
        && listed.iter().any(|pattern| !pattern.can_be_filled(facts))
    {
        return false;
    }
    covers(scope, matches)
}
