//! The policies that are about a request.

use std::sync::Arc;

use super::{Facts, Layer};
use crate::document::NamedPrincipal;
use crate::policy::{Grip, Policy};

/// Everything that has a say in a decision.
#[derive(Clone, Copy, Default)]
pub struct Policies<'p> {
    /// The policies attached to the caller: its own, those of its groups, managed and inline. Of a session,
    /// those of its role or user.
    pub identity: &'p [Arc<Policy>],
    /// The permissions boundary of the caller or of the role or user behind its session.
    pub boundary: Option<&'p Policy>,
    /// The policies passed to the caller's session. `None` limits nothing, as for sessions of roles to which
    /// none were passed; an empty list allows nothing, as for federated users without any.
    pub session: Option<&'p [Arc<Policy>]>,
    /// The policy of the resource, and what it counts for.
    pub guard: Guard<'p>,
    /// Grants on the resource.
    pub grants: &'p [Grant<'p>],
}

/// The policy of a resource, and what it counts for in the resource's own account.
#[derive(Clone, Copy, Default)]
pub enum Guard<'p> {
    /// The resource has no policy.
    #[default]
    None,
    /// It adds to what the caller's own policies allow: that of a bucket or topic.
    Policy(&'p Policy),
    /// The policy of a KMS key, without which nobody is let in.
    Key(&'p Policy),
    /// The trust policy of a role, without which nobody is let in.
    Trust(&'p Policy),
}

impl<'p> Guard<'p> {
    /// The policy and its layer.
    pub(crate) fn policy(self) -> Option<(Layer, &'p Policy)> {
        match self {
            Self::None => None,
            Self::Policy(policy) | Self::Key(policy) => Some((Layer::Resource, policy)),
            Self::Trust(policy) => Some((Layer::Trust, policy)),
        }
    }

    /// Whether nobody is let in whom it does not let in, of the resource's own account neither.
    pub(super) fn must_admit(self) -> bool {
        matches!(self, Self::Key(_) | Self::Trust(_))
    }
}

/// A grant of a KMS key, as a fact: an Allow of the key's side (KMS Developer Guide, "Grants in AWS KMS").
#[derive(Clone, Copy, Debug)]
pub struct Grant<'g> {
    /// Its id.
    pub id: &'g str,
    /// To whom.
    pub grantee: &'g NamedPrincipal,
    /// What it allows, for example `kms:Decrypt`.
    pub actions: &'g [&'g str],
    /// The constraint that the request does not keep to, for example `EncryptionContextEquals`; `None` if it keeps to
    /// all of them.
    pub unmet: Option<&'static str>,
}

impl Grant<'_> {
    /// How it covers the caller.
    pub(super) fn grip(&self, facts: &Facts<'_>) -> Option<Grip> {
        let covers = self.unmet.is_none() && self.actions.contains(&facts.action());
        covers.then(|| self.grantee.grip(facts.subject())).flatten()
    }
}

impl<'p> Policies<'p> {
    pub(super) fn identity(&self) -> impl Iterator<Item = &'p Policy> + use<'p> {
        self.identity.iter().map(|policy| &**policy)
    }

    pub(super) fn session(&self) -> Option<impl Iterator<Item = &'p Policy> + use<'p>> {
        self.session.map(|session| session.iter().map(|policy| &**policy))
    }
}
