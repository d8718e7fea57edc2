//! The decision: may this request be done?
//!
//! Everything comes in as facts: a [`Request`], and the [`Policies`] that are about it. [`decide`] asks nobody
//! else, and answers the same to the same. The rules are those of the IAM User Guide ("Policy evaluation
//! logic" and the pages under it) and, for keys, of the KMS Developer Guide ("Troubleshooting key access").

mod facts;
mod message;
mod policies;
mod trace;

use serde::{Deserialize, Serialize};
use strongroom_identity::AccountId;

pub use facts::Facts;
pub use message::{MESSAGE_LIMIT, message};
pub use policies::{Grant, Guard, Policies};
pub use trace::{KEPT_LIMIT, NotATrace, Outcome, PolicyTrace, StatementTrace, Trace, Visible, explain};

use crate::denied::{Denied, Reason};
use crate::keys::ContextKeys;
use crate::policy::{Grip, Policy};
use crate::subject::Subject;

/// A request, as far as policies are concerned.
#[derive(Clone, Copy)]
pub struct Request<'r> {
    /// Who asks.
    pub subject: &'r Subject,
    /// For what, for example `kms:Decrypt`.
    pub action: &'r str,
    /// The ARN of what it is done to; `*` for actions that have no resource.
    pub resource: &'r str,
    /// The account that owns that.
    pub owner: AccountId,
    /// What else is known: every condition key that does not follow from the members above.
    pub keys: &'r dyn ContextKeys,
}

/// Where a decision is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Layer {
    /// The policies attached to the caller.
    Identity,
    /// The policy attached to the resource.
    Resource,
    /// The trust policy of a role.
    Trust,
    /// The caller's permissions boundary.
    Boundary,
    /// The policies of the caller's session.
    Session,
    /// A grant of a KMS key.
    Grant,
    /// No policy at all: the root user of the account.
    Root,
}

impl Layer {
    /// Its name in refusals (IAM User Guide, "Troubleshoot access denied error messages").
    pub fn name(self) -> &'static str {
        match self {
            Self::Identity => "identity-based policy",
            Self::Resource => "resource-based policy",
            Self::Trust => "role trust policy",
            Self::Boundary => "permissions boundary",
            Self::Session => "session policy",
            Self::Grant => "grant",
            Self::Root => "root user",
        }
    }
}

/// A statement that decided, or a grant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Source<'p> {
    /// The policy's name, or the grant's id.
    pub policy: &'p str,
    /// The statement's number, counted from 0. A grant has none.
    pub statement: Option<usize>,
    /// The statement's `Sid`.
    pub sid: Option<&'p str>,
}

/// What came out, and why.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision<'p> {
    /// It may be done. The layer is the one whose Allow opened the door: the resource's where it suffices,
    /// otherwise the caller's.
    Allowed {
        /// Where it is allowed.
        layer: Layer,
        /// By what; `None` for the root user, who needs no policy.
        source: Option<Source<'p>>,
    },
    /// A statement denies it.
    ExplicitlyDenied {
        /// Where.
        layer: Layer,
        /// By what.
        source: Source<'p>,
        /// The policy's ARN, where refusals show it: those attached to callers that have one.
        policy_arn: Option<&'p str>,
    },
    /// Nothing in this layer allows it, and something there would have to.
    NotAllowed {
        /// Where an Allow is missing; the first layer, if several lack one.
        layer: Layer,
    },
}

impl Decision<'_> {
    /// Whether it may be done.
    pub fn is_allowed(&self) -> bool {
        matches!(self, Self::Allowed { .. })
    }

    /// The refusal in AWS's words; `None` if it is allowed.
    pub fn denied(&self, request: &Request<'_>) -> Option<Denied> {
        let reason = match *self {
            Self::Allowed { .. } => return None,
            Self::ExplicitlyDenied { layer, policy_arn, .. } => {
                Reason::Explicit { layer, policy: policy_arn.map(str::to_owned) }
            }
            Self::NotAllowed { layer } => Reason::Implicit { layer },
        };
        Some(Denied::new(request.subject.arn(), request.action, request.resource, reason))
    }
}

/// Decides.
///
/// 1. A Deny that applies, in whatever layer, ends it.
/// 2. *The resource's side.* An Allow of the resource's policy, or a grant, lets the caller in, more or less
///    firmly: it names the caller (or everybody), the role or user behind its session, or its account alone.
/// 3. *The caller's side.* Identity policies must allow it, and the permissions boundary and the session's
///    policies too, where there are any. The root user of an account needs no policy.
///
/// Of one account, either side may suffice: an Allow that names the caller needs nothing else, one that names
/// the role or user behind a session needs the boundary and the session's policies, one that names the account
/// adds nothing. A federated user to whom no policies were passed is let in by his own name only. A KMS key's
/// policy and a role's trust policy must let the caller in as well, to whom it is enough that they name the
/// account. Of two accounts, both sides must allow it, whoever a policy names; a grant to somebody suffices.
///
/// Where policies alone allow it, they are the reason; otherwise, where it takes a grant, that is.
pub fn decide<'p>(request: &Request<'_>, policies: &Policies<'p>) -> Decision<'p> {
    let facts = Facts::new(request, policies);
    let sides = match Sides::of(&facts, policies) {
        Ok(sides) => sides,
        Err(denied) => return denied,
    };
    let by_policies = sides.weigh(sides.resource, &facts, policies.guard);
    let Some((grip, layer, source)) = sides.granted.filter(|_| !by_policies.is_allowed()) else {
        return by_policies;
    };
    match sides.weigh(sides.granted, &facts, policies.guard) {
        Decision::Allowed { .. } => Decision::Allowed { layer, source: Some(source) },
        _ if sides.resource.is_some_and(|(of_policy, ..)| of_policy >= grip) => by_policies,
        refused => refused,
    }
}

/// Whether the resource's side by itself lets the caller in: named in whatever way, the account included, and
/// not denied. This is what KMS's safety check against locking oneself out asks.
pub fn admits(request: &Request<'_>, policies: &Policies<'_>) -> bool {
    let facts = Facts::new(request, policies);
    Sides::of(&facts, policies).is_ok_and(|sides| sides.resource.is_some())
}

/// What each layer says, nobody denying.
struct Sides<'p> {
    /// What the resource's policy says.
    resource: Option<(Grip, Layer, Source<'p>)>,
    /// What the firmest grant says.
    granted: Option<(Grip, Layer, Source<'p>)>,
    identity: Option<Source<'p>>,
    /// The first layer that limits the caller and does not allow it.
    limited_by: Option<Layer>,
}

impl<'p> Sides<'p> {
    /// Asks every layer; a Deny of any is the decision.
    fn of(facts: &Facts<'_>, policies: &Policies<'p>) -> Result<Self, Decision<'p>> {
        let resource = match policies.guard.policy() {
            None => None,
            Some((layer, policy)) => {
                allowing(layer, [policy], facts)?.map(|(grip, source)| (grip, layer, source))
            }
        };
        let identity = allowing(Layer::Identity, policies.identity(), facts)?.map(|(_, source)| source);
        let boundary = match policies.boundary {
            None => None,
            Some(boundary) => Some(allowing(Layer::Boundary, [boundary], facts)?),
        };
        let session = match policies.session() {
            None => None,
            Some(session) => Some(allowing(Layer::Session, session, facts)?),
        };
        let limited_by = match (boundary, session) {
            (Some(None), _) => Some(Layer::Boundary),
            (_, Some(None)) => Some(Layer::Session),
            _ => None,
        };
        let granted = policies.grants.iter().filter_map(|grant| {
            let source = Source { policy: grant.id, statement: None, sid: None };
            grant.grip(facts).map(|grip| (grip, Layer::Grant, source))
        });
        let granted = granted.max_by_key(|(grip, ..)| *grip);
        Ok(Self { resource, granted, identity, limited_by })
    }

    /// What comes out if this is what the resource's side says.
    fn weigh(
        &self,
        resource: Option<(Grip, Layer, Source<'p>)>,
        facts: &Facts<'_>,
        guard: Guard<'_>,
    ) -> Decision<'p> {
        let subject = facts.subject();
        let is_of_owner = subject.account() == Some(facts.owner());
        // Who is of no account has no side of its own.
        let has_own_side = subject.account().is_some();
        if let Some((grip, layer, source)) = resource {
            let allowed = Decision::Allowed { layer, source: Some(source) };
            // A grant that names somebody of another account is all that he needs: the service-linked role of EC2 Auto
            // Scaling, whose own policy nobody can change, uses the keys of other accounts by grants (EC2 Auto Scaling
            // User Guide, "Required AWS KMS key policy for use with encrypted volumes").
            let is_granted = layer == Layer::Grant;
            let suffices = is_of_owner || !has_own_side || subject.is_service() || is_granted;
            match grip {
                Grip::Direct if suffices => return allowed,
                Grip::Entity if suffices => {
                    return self.limited_by.map_or(allowed, |layer| Decision::NotAllowed { layer });
                }
                Grip::Direct | Grip::Entity | Grip::Account => {}
            }
        } else if guard.must_admit() || !is_of_owner {
            let layer = guard.policy().map_or(Layer::Resource, |(layer, _)| layer);
            return Decision::NotAllowed { layer };
        }
        if subject.is_root() {
            return Decision::Allowed { layer: Layer::Root, source: None };
        }
        match (self.identity, self.limited_by) {
            (None, _) => Decision::NotAllowed { layer: Layer::Identity },
            (Some(_), Some(layer)) => Decision::NotAllowed { layer },
            (Some(source), None) => Decision::Allowed { layer: Layer::Identity, source: Some(source) },
        }
    }
}

/// The firmest Allow of the policies of a layer, or the decision of the first that denies.
fn allowing<'p>(
    layer: Layer,
    policies: impl IntoIterator<Item = &'p Policy>,
    facts: &Facts<'_>,
) -> Result<Option<(Grip, Source<'p>)>, Decision<'p>> {
    let mut firmest: Option<(Grip, Source<'p>)> = None;
    for policy in policies {
        let opinion = policy.opinion(facts);
        if let Some(at) = opinion.denies {
            let is_attached_to_caller = !matches!(layer, Layer::Resource | Layer::Trust);
            let policy_arn = if is_attached_to_caller { policy.arn() } else { None };
            return Err(Decision::ExplicitlyDenied { layer, source: source(policy, at), policy_arn });
        }
        if let Some((grip, at)) = opinion.allows
            && firmest.is_none_or(|(firmer, _)| grip > firmer)
        {
            firmest = Some((grip, source(policy, at)));
        }
    }
    Ok(firmest)
}

fn source(policy: &Policy, at: usize) -> Source<'_> {
    let sid = policy.statements().get(at).and_then(|statement| statement.sid.as_deref());
    Source { policy: policy.name(), statement: Some(at), sid }
}
