//! Simulations: what policies would decide, without anything being done (IAM User Guide, "Testing IAM policies with the
//! IAM policy simulator").

pub(crate) mod exclusion;
pub(crate) mod facts;
pub(crate) mod source;
pub(crate) mod subject;
pub(crate) mod verdict;

use std::sync::Arc;

use strongroom_identity::AccountId;
use strongroom_policy::decision::{Outcome, PolicyTrace};
use strongroom_policy::document::{ContextKeyNames, Effect};
use strongroom_policy::{ContextKeys as _, Guard, Layer, Policies, Policy, Request, Subject, explain};

use facts::{Facts, Known};
use source::Source;
use verdict::{Matched, Outcome as Answer, Verdict};

/// The service of keys, whose policies count for more than those of other resources.
const KEYS: &str = "arn:aws:kms:";

/// Who does what under which policies, as the caller of a simulation says it.
pub(crate) struct Simulation {
    pub(crate) subject: Subject,
    pub(crate) facts: Facts,
    /// The account of resources whose ARNs do not name one.
    pub(crate) owner: AccountId,
    pub(crate) identity: Vec<Source>,
    pub(crate) boundary: Option<Source>,
    /// The policy of each resource.
    pub(crate) resource: Option<Source>,
    /// The service control policies of each level of an organization, from its root to the account.
    pub(crate) controls: Vec<Vec<Arc<Policy>>>,
}

impl Simulation {
    /// Bytes of all policies, which a decision may have to look at.
    pub(crate) fn weight(&self) -> usize {
        let sources = self.identity.iter().chain(&self.boundary).chain(&self.resource);
        sources.map(|source| source.weight).sum()
    }

    /// What becomes of one action on one resource.
    pub(crate) fn evaluate(&self, action: &str, resource: &str) -> Answer {
        let owner = account_of(resource).unwrap_or(self.owner);
        let keys = Known { facts: &self.facts, owner };
        let request = Request { subject: &self.subject, action, resource, owner, keys: &keys };
        let identity: Vec<_> = self.identity.iter().map(|source| source.policy.clone()).collect();
        let policies = Policies {
            identity: &identity,
            boundary: self.boundary.as_ref().map(|source| &*source.policy),
            guard: match &self.resource {
                None => Guard::None,
                Some(source) if resource.starts_with(KEYS) => Guard::Key(&source.policy),
                Some(source) => Guard::Policy(&source.policy),
            },
            ..Policies::default()
        };
        let trace = explain(&request, &policies);
        let sources = self.resource.iter().chain(&self.identity).chain(&self.boundary);
        // Where there are no policies at all, the trace says so in one that has no name.
        let traced: Vec<_> = sources.zip(trace.policies.iter().filter(|of| of.name.is_some())).collect();
        let is_foreign = self.subject.account() != Some(owner);
        let mut answer = Answer {
            verdict: verdict(trace.is_allowed, traced.iter().map(|(_, of)| *of)),
            matched: Vec::new(),
            missing: missing(&traced, &keys),
            organization: self.organization(&request),
            boundary: self.boundary.as_ref().map(|_| layer(&traced, Layer::Boundary) == Verdict::Allowed),
            layers: if is_foreign { layers(&traced, self.boundary.is_some()) } else { Vec::new() },
        };
        match answer.organization {
            Some(Verdict::Allowed) | None => answer.matched = matched(&traced, answer.verdict),
            Some(refused) => answer.verdict = answer.verdict.max(refused),
        }
        answer
    }

    /// What the levels of an organization say: every one must allow, and none deny.
    fn organization(&self, request: &Request<'_>) -> Option<Verdict> {
        let account = self.subject.account()?;
        let request = Request { owner: account, ..*request };
        let of_level = |level: &Vec<Arc<Policy>>| {
            let policies = Policies { identity: level, ..Policies::default() };
            let trace = explain(&request, &policies);
            verdict(trace.is_allowed, trace.policies.iter())
        };
        self.controls.iter().map(of_level).max()
    }
}

/// The account that an ARN names.
fn account_of(arn: &str) -> Option<AccountId> {
    arn.split(':').nth(4).and_then(|account| account.parse().ok())
}

fn verdict<'t>(is_allowed: bool, mut traces: impl Iterator<Item = &'t PolicyTrace>) -> Verdict {
    let denies = |trace: &PolicyTrace| {
        trace
            .statements
            .iter()
            .any(|statement| statement.effect == Effect::Deny && statement.outcome.applies())
    };
    match is_allowed {
        true => Verdict::Allowed,
        false if traces.any(denies) => Verdict::ExplicitlyDenied,
        false => Verdict::NotAllowed,
    }
}

/// A policy, and what became of it.
type Traced<'t> = (&'t Source, &'t PolicyTrace);

/// What the policies of a layer say by themselves.
fn layer(traced: &[Traced<'_>], layer: Layer) -> Verdict {
    let of_layer = || traced.iter().map(|(_, of)| *of).filter(|of| of.layer == layer);
    let allows = |trace: &PolicyTrace| {
        trace
            .statements
            .iter()
            .any(|statement| statement.effect == Effect::Allow && statement.outcome.applies())
    };
    match verdict(false, of_layer()) {
        Verdict::NotAllowed if of_layer().any(allows) => Verdict::Allowed,
        other => other,
    }
}

/// What each layer says, as answers across accounts tell it.
fn layers(traced: &[Traced<'_>], has_boundary: bool) -> Vec<(&'static str, Verdict)> {
    let mut layers = vec![
        (verdict::IAM_POLICY, layer(traced, Layer::Identity)),
        (verdict::RESOURCE_POLICY, layer(traced, Layer::Resource)),
    ];
    if has_boundary {
        layers.push((verdict::BOUNDARY_POLICY, layer(traced, Layer::Boundary)));
    }
    layers
}

/// The statements that made the decision: those that deny it, or else those that allow it.
fn matched(traced: &[Traced<'_>], verdict: Verdict) -> Vec<Matched> {
    let effect = match verdict {
        Verdict::Allowed => Effect::Allow,
        Verdict::ExplicitlyDenied => Effect::Deny,
        Verdict::NotAllowed => return Vec::new(),
    };
    let mut found = Vec::new();
    for (source, trace) in traced {
        // A boundary denies, but it allows nothing.
        if effect == Effect::Allow && trace.layer == Layer::Boundary {
            continue;
        }
        for statement in &trace.statements {
            if statement.effect == effect && statement.outcome.applies() {
                let (id, is_resource) = (source.id.clone(), trace.layer == Layer::Resource);
                found.push(Matched { id, is_resource, extent: source.extents.get(statement.at).copied() });
            }
        }
    }
    found
}

/// The condition keys that statements about the action ask for and the simulation does not state.
fn missing(traced: &[Traced<'_>], keys: &Known<'_>) -> Vec<String> {
    let mut missing = ContextKeyNames::default();
    for (source, trace) in traced {
        for statement in &trace.statements {
            let Some(needs) = source.needs.get(statement.at) else { continue };
            let needed: &[String] = match statement.outcome {
                Outcome::OtherActions | Outcome::OtherPrincipals => &[],
                Outcome::OtherResources => &needs.of_resources,
                _ => &needs.of_all,
            };
            for name in needed.iter().filter(|name| keys.values(&name.to_ascii_lowercase()).is_none()) {
                missing.add(name);
            }
        }
    }
    missing.into_vec()
}
