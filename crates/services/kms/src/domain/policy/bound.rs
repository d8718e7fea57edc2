//! The users and roles that a key policy names, bound by their unique ids: a namesake made later is somebody else (KMS
//! Developer Guide, "Key policies": principals are kept as internal ids, and who is gone is shown by his).

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};
use strongroom_policy::document::{Document, Kind, NamedPrincipal, PrincipalArnKind, Scope};

use crate::error::Refusal;

/// Unique ids by the ARNs that stand in the policy: of a user or role its own, of a session of a role that of the role,
/// with the session's name (`AROA...:name`).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Bound(BTreeMap<String, String>);

/// The users and roles that a policy names, and whose sessions it names.
#[derive(Debug, Default)]
pub(crate) struct Named {
    /// By their ARNs.
    pub(crate) arns: BTreeSet<String>,
    /// By their unique ids.
    pub(crate) ids: BTreeSet<String>,
}

impl Named {
    /// Those of a text; nobody, if it is none of a key policy.
    pub(crate) fn of(text: &str) -> Self {
        let mut named = Self::default();
        let Ok(document) = Document::parse(text, Kind::Key) else { return named };
        let principals = document.statements.iter().filter_map(|statement| statement.principals.as_ref());
        for principal in principals.flat_map(Scope::listed) {
            match principal {
                NamedPrincipal::Arn(arn) if arn.kind() != PrincipalArnKind::FederatedUser => {
                    named.arns.insert(arn.as_str().to_owned());
                }
                NamedPrincipal::UniqueId(id) => drop(named.ids.insert(id.clone())),
                _ => {}
            }
        }
        named
    }
}

impl Bound {
    /// Binds whoever stands there under an ARN.
    pub(crate) fn new(ids: BTreeMap<String, String>) -> Self {
        Self(ids)
    }

    /// ARNs with the ids of those who had them when the policy was put.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(arn, id)| (arn.as_str(), id.as_str()))
    }

    /// The policy as it counts: unique ids stand for those who are bound.
    pub(crate) fn counting(&self, mut document: Document) -> Document {
        for statement in &mut document.statements {
            let Some(Scope::Only(named) | Scope::Except(named)) = &mut statement.principals else { continue };
            for principal in named {
                if let NamedPrincipal::Arn(arn) = principal
                    && let Some(id) = self.0.get(arn.as_str())
                {
                    *principal = NamedPrincipal::UniqueId(id.clone());
                }
            }
        }
        document
    }

    /// About how many bytes it holds beside itself.
    pub(crate) fn weight(&self) -> usize {
        self.0.iter().map(|(arn, id)| arn.len() + id.len() + 2 * size_of::<String>()).sum()
    }

    /// As the store keeps it: nothing, if nobody is bound.
    pub(crate) fn to_column(&self) -> Option<String> {
        let members = self.0.iter().map(|(arn, id)| (arn.clone(), Value::from(id.as_str())));
        (!self.0.is_empty()).then(|| Value::Object(members.collect()).to_string())
    }

    /// Reads what the store keeps. `None` for what was not written by [`to_column`](Self::to_column).
    pub(crate) fn from_column(column: Option<&str>) -> Option<Self> {
        let Some(text) = column else { return Some(Self::default()) };
        let members: Map<String, Value> = serde_json::from_str(text).ok()?;
        let id = |(arn, id): (String, Value)| Some((arn, id.as_str()?.to_owned()));
        members.into_iter().map(id).collect::<Option<_>>().map(Self)
    }
}

/// The refusal of a policy that names somebody who does not exist.
pub(crate) fn invalid_principals() -> Refusal {
    Refusal::MalformedPolicy("Policy contains a statement with one or more invalid principals.".to_owned())
}
