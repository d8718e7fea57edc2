//! The users and roles that a resource's policy names, bound by their unique ids: a namesake made later is somebody else
//! (IAM User Guide, "Unique identifiers"; KMS Developer Guide, "Key policies": principals are kept as internal ids, and who
//! is gone is shown by his).

use std::collections::{BTreeMap, BTreeSet};
use std::error::Error;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use strongroom_identity::{AccountId, Principals};

use crate::document::{Document, Kind, NamedPrincipal, PrincipalArnKind, Scope, with_principals};

/// Unique ids by the ARNs that stand in the policy: of a user or role its own, of a session of a role that of the role,
/// with the session's name (`AROA...:name`).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Bound(BTreeMap<String, String>);

/// The users and roles that a policy names, and whose sessions it names.
#[derive(Debug, Default)]
pub struct Named {
    /// By their ARNs.
    pub arns: BTreeSet<String>,
    /// By their unique ids.
    pub ids: BTreeSet<String>,
}

impl Named {
    /// Those of a text; nobody, if it is no policy of that kind.
    pub fn of(text: &str, kind: Kind) -> Self {
        let mut named = Self::default();
        let Ok(document) = Document::parse(text, kind) else { return named };
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

    /// Finds them all, and binds whoever stands there under an ARN. The inner error is one who does not exist: who is gone
    /// can be shown by his unique id, and not named by it. Ids are looked for in `account`.
    pub async fn find(
        self,
        principals: &dyn Principals,
        account: AccountId,
    ) -> Result<Result<Bound, String>, Box<dyn Error + Send + Sync>> {
        for id in self.ids {
            if principals.arn_of(account, &id).await?.is_none() {
                return Ok(Err(id));
            }
        }
        let mut ids = BTreeMap::new();
        for arn in self.arns {
            let Some(id) = principals.id_of(&arn).await? else { return Ok(Err(arn)) };
            let bound = session_of(&arn).map_or_else(|| id.clone(), |name| format!("{id}:{name}"));
            ids.insert(arn, bound);
        }
        Ok(Ok(Bound(ids)))
    }
}

/// The session's name, if it is the ARN of a role's session.
fn session_of(arn: &str) -> Option<&str> {
    let (_, session) = arn.split_once(":assumed-role/")?;
    session.split_once('/').map(|(_, name)| name)
}

impl Bound {
    /// As the policy is shown: whoever has another name now stands there under it, and whoever has gone by his unique id.
    /// The text is written anew only if somebody has; `None` if it is no policy.
    pub async fn shown(
        &self,
        text: &str,
        principals: &dyn Principals,
    ) -> Result<Option<String>, Box<dyn Error + Send + Sync>> {
        let mut moved = BTreeMap::new();
        for (arn, id) in self.iter() {
            let account = arn.split(':').nth(4).and_then(|account| account.parse().ok());
            let entity = id.split(':').next().unwrap_or_default();
            let now = match account {
                Some(account) => principals.arn_of(account, entity).await?,
                None => None,
            };
            // A session's ARN is that of a role which has no other name as long as it is there.
            let is_session = session_of(arn).is_some();
            let now = now.map(|now| if is_session { arn.to_owned() } else { now });
            let now = now.unwrap_or_else(|| id.to_owned());
            if now != arn {
                moved.insert(arn.to_owned(), now);
            }
        }
        Ok(if moved.is_empty() { Some(text.to_owned()) } else { with_principals(text, &moved) })
    }

    /// ARNs with the ids of those who had them when the policy was put.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(arn, id)| (arn.as_str(), id.as_str()))
    }

    /// The policy as it counts: unique ids stand for those who are bound.
    pub fn counting(&self, mut document: Document) -> Document {
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

    /// About how many bytes it holds beside itself, for caches.
    pub fn weight(&self) -> usize {
        self.0.iter().map(|(arn, id)| arn.len() + id.len() + 2 * size_of::<String>()).sum()
    }

    /// As the store keeps it: nothing, if nobody is bound.
    pub fn to_column(&self) -> Option<String> {
        let members = self.0.iter().map(|(arn, id)| (arn.clone(), Value::from(id.as_str())));
        (!self.0.is_empty()).then(|| Value::Object(members.collect()).to_string())
    }

    /// Reads what the store keeps. `None` for what was not written by [`to_column`](Self::to_column).
    pub fn from_column(column: Option<&str>) -> Option<Self> {
        let Some(text) = column else { return Some(Self::default()) };
        let members: Map<String, Value> = serde_json::from_str(text).ok()?;
        let id = |(arn, id): (String, Value)| Some((arn, id.as_str()?.to_owned()));
        members.into_iter().map(id).collect::<Option<_>>().map(Self)
    }
}
