//! Whom a grant is for, and who may retire it.

use strongroom_identity::{AccountId, Principal};
use strongroom_policy::document::{NamedPrincipal, PrincipalArnKind};

use super::account_arn;
use crate::error::Refusal;

/// A principal of a grant: as it was named, and by what its callers are known. A user or role is known by its unique
/// id, so that a namesake made later is somebody else.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Party {
    /// An account, user, role or session, or a service that is named as a principal.
    Principal {
        /// As it was named; an account by its root user's ARN.
        named: String,
        /// One of [`identities_of`] its callers.
        identity: String,
    },
    /// A service, named as such.
    Service(String),
}

/// The account, the users and roles, and the session or service that a caller is. What is granted to any of them is
/// granted to the caller.
pub(crate) fn identities_of(caller: &Principal) -> Vec<String> {
    let account = caller.account().to_string();
    match caller {
        Principal::Root(_) => vec![account],
        Principal::User(user) => vec![account, user.id.clone()],
        Principal::RoleSession { role, session } => {
            vec![account, role.id.clone(), session_of(&role.id, session)]
        }
        Principal::FederatedUser { name, issuer, .. } => {
            let session = session_of(&account, name);
            [account]
                .into_iter()
                .chain(issuer.as_ref().map(|user| user.id.clone()))
                .chain([session])
                .collect()
        }
        Principal::Service { name, .. } => vec![account, (*name).to_owned()],
        // Not one of the account: nothing is granted to him.
        Principal::WebIdentity(_) => Vec::new(),
    }
}

fn session_of(of: &str, name: &str) -> String {
    format!("{of}:{name}")
}

/// A principal as a request names it, of whom it is not known yet whether there is such a one.
#[derive(Debug)]
pub(crate) enum NamedParty {
    /// A `GranteePrincipal` or `RetiringPrincipal`.
    Principal {
        principal: NamedPrincipal,
        /// As it is shown.
        text: String,
    },
    /// A `GranteeServicePrincipal` or `RetiringServicePrincipal`.
    Service(String),
}

impl NamedParty {
    /// Reads a `GranteePrincipal` or `RetiringPrincipal`.
    pub(crate) fn parse(text: &str) -> Result<Self, Refusal> {
        let named = NamedPrincipal::parse_aws(text).or_else(|| NamedPrincipal::parse_service(text));
        let text = match &named {
            Some(NamedPrincipal::Account(account)) => account_arn(*account),
            _ => text.to_owned(),
        };
        match named {
            Some(
                principal
                @ (NamedPrincipal::Account(_) | NamedPrincipal::Arn(_) | NamedPrincipal::Service(_)),
            ) => Ok(Self::Principal { principal, text }),
            _ => Err(Refusal::no_such_principal(&text)),
        }
    }

    /// The account that it belongs to; a service belongs to none.
    pub(crate) fn account(&self) -> Option<AccountId> {
        match self {
            Self::Principal { principal: NamedPrincipal::Account(account), .. } => Some(*account),
            Self::Principal { principal: NamedPrincipal::Arn(arn), .. } => Some(arn.account()),
            Self::Principal { .. } | Self::Service(_) => None,
        }
    }

    /// As it is shown.
    pub(crate) fn text(&self) -> &str {
        match self {
            Self::Principal { text, .. } | Self::Service(text) => text,
        }
    }

    /// The condition key that tells of it: the one if it is named as a principal, the other if as a service.
    pub(crate) fn key_of<'n>(&self, as_principal: &'n str, as_service: &'n str) -> &'n str {
        match self {
            Self::Principal { .. } => as_principal,
            Self::Service(_) => as_service,
        }
    }

    /// The ARN of the user or role that must exist, or whose session it is.
    pub(crate) fn entity(&self) -> Option<&str> {
        match self {
            Self::Principal { principal: NamedPrincipal::Arn(arn), .. }
                if arn.kind() != PrincipalArnKind::FederatedUser =>
            {
                Some(arn.as_str())
            }
            _ => None,
        }
    }

    /// The party, once the unique id of its user or role is known. `None` if it has none: there is no such principal.
    pub(crate) fn bound(self, unique_id: Option<&str>) -> Option<Party> {
        let (principal, named) = match self {
            Self::Service(name) => return Some(Party::Service(name)),
            Self::Principal { principal, text } => (principal, text),
        };
        let identity = match &principal {
            NamedPrincipal::Account(account) => account.to_string(),
            NamedPrincipal::Arn(arn) => {
                let name = arn.as_str().rsplit('/').next().unwrap_or_default();
                match arn.kind() {
                    PrincipalArnKind::FederatedUser => session_of(&arn.account().to_string(), name),
                    PrincipalArnKind::AssumedRole => session_of(unique_id?, name),
                    PrincipalArnKind::User | PrincipalArnKind::Role => unique_id?.to_owned(),
                }
            }
            _ => named.clone(),
        };
        Some(Party::Principal { named, identity })
    }
}

impl Party {
    /// By what its callers are known.
    pub(crate) fn identity(&self) -> &str {
        match self {
            Self::Principal { identity, .. } => identity,
            Self::Service(name) => name,
        }
    }

    /// As it was named.
    pub(crate) fn named(&self) -> &str {
        match self {
            Self::Principal { named, .. } => named,
            Self::Service(name) => name,
        }
    }

    /// The user or role whose ARN may have changed since, or who may be gone: its account and unique id.
    pub(crate) fn entity(&self) -> Option<(AccountId, &str)> {
        let Self::Principal { named, identity } = self else { return None };
        match NamedPrincipal::parse_aws(named)? {
            NamedPrincipal::Arn(arn)
                if matches!(arn.kind(), PrincipalArnKind::User | PrincipalArnKind::Role) =>
            {
                Some((arn.account(), identity))
            }
            _ => None,
        }
    }

    /// The party as decisions compare it with callers, among whom only those count that have its identity. `None` for
    /// what is no principal any more.
    pub(crate) fn principal(&self) -> Option<NamedPrincipal> {
        match self {
            Self::Service(name) => Some(NamedPrincipal::Service(name.clone())),
            Self::Principal { named, identity } => match NamedPrincipal::parse_aws(named) {
                Some(NamedPrincipal::Arn(arn))
                    if matches!(arn.kind(), PrincipalArnKind::User | PrincipalArnKind::Role) =>
                {
                    Some(NamedPrincipal::UniqueId(identity.clone()))
                }
                None => NamedPrincipal::parse_service(named),
                other => other,
            },
        }
    }
}
