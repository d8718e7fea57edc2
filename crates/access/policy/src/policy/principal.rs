//! Principals of a statement, compared with the one who asks.

use crate::document::{NamedPrincipal, PrincipalArnKind, Scope};
use crate::subject::Subject;

/// How a statement covers a subject. What an Allow in a resource's policy outweighs depends on it (IAM User
/// Guide, "Policy evaluation for requests within a single account").
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Grip {
    /// As one of its account, whose own policies decide.
    Account,
    /// As a session of a role, or of a user, that is named: the boundary and the session's policies limit it.
    Entity,
    /// Itself, or with everybody.
    Direct,
}

impl NamedPrincipal {
    /// How naming this principal covers the subject; `None` if it does not.
    pub(crate) fn grip(&self, subject: &Subject) -> Option<Grip> {
        let entity = || if subject.is_user() { Grip::Direct } else { Grip::Entity };
        match self {
            Self::Anyone => Some(Grip::Direct),
            Self::Account(account) if subject.account() == Some(*account) => {
                Some(if subject.is_root() { Grip::Direct } else { Grip::Account })
            }
            Self::Arn(arn) => match arn.kind() {
                PrincipalArnKind::User | PrincipalArnKind::Role => {
                    subject.entity().filter(|named| named.arn == arn.as_str()).map(|_| entity())
                }
                PrincipalArnKind::AssumedRole | PrincipalArnKind::FederatedUser => {
                    (subject.is_session() && subject.arn() == arn.as_str()).then_some(Grip::Direct)
                }
            },
            Self::UniqueId(id) => match subject.entity() {
                Some(named) if named.id == *id => Some(entity()),
                Some(_) if subject.is_session() && subject.user_id().as_ref() == Some(id) => {
                    Some(Grip::Direct)
                }
                _ => None,
            },
            Self::Service(name) => subject.service_names().any(|known| known == name).then_some(Grip::Direct),
            Self::Federated(provider) => (subject.provider() == Some(provider)).then_some(Grip::Direct),
            Self::Account(_) | Self::CanonicalUser(_) => None,
        }
    }
}

/// How a statement with these principals covers the subject.
///
/// `NotPrincipal` is no plain negation: to be left out, a subject (or the role that it is a session of) and
/// its account must both be listed, and whoever has a permissions boundary is never left out ("IAM JSON
/// policy elements: NotPrincipal"). An empty list leaves nobody out: such a statement is always a Deny.
pub(super) fn grip(scope: &Scope<NamedPrincipal>, subject: &Subject, has_boundary: bool) -> Option<Grip> {
    match scope {
        Scope::Only(listed) => listed.iter().filter_map(|named| named.grip(subject)).max(),
        Scope::Except(listed) => {
            let of_account = |named: &NamedPrincipal| matches!(named, NamedPrincipal::Account(account) if Some(*account) == subject.account());
            let lists_account =
                subject.account().is_none() || subject.is_service() || listed.iter().any(of_account);
            let named = listed.iter().filter_map(|named| named.grip(subject)).max();
            let lists_itself = named.is_some_and(|grip| grip > Grip::Account);
            let lists_everybody = listed.contains(&NamedPrincipal::Anyone);
            let is_left_out = !has_boundary && (lists_everybody || lists_itself && lists_account);
            (!is_left_out).then_some(Grip::Direct)
        }
    }
}
