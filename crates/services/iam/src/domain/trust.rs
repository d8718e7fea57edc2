//! Trust policies: who may assume a role.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use strongroom_identity::AccountId;
use strongroom_policy::document::{
    Document, Kind as DocumentKind, NamedPrincipal, PrincipalArn, PrincipalArnKind, Scope, with_principals,
};

use super::directory::{Directory, Entry};
use super::document;
use super::kind::Kind;
use crate::error::Refusal;

/// The characters of a trust policy, whitespace left out (IAM User Guide, "IAM and STS quotas").
pub(crate) const MOST: usize = 2048;

/// A role's trust policy. The users and roles that it names are bound by their unique ids, so
/// that a namesake made later is not trusted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Trust {
    text: String,
    /// Unique ids by the ARN in the text.
    #[serde(default)]
    bound: BTreeMap<String, String>,
}

impl Trust {
    /// Reads the trust policy of a request. `elsewhere` has the ids of users and roles of other accounts, by the
    /// ARNs by which [`named_elsewhere`] found them in the text, and by the ids that stand there themselves.
    pub(crate) fn parse(
        directory: &Directory,
        elsewhere: &BTreeMap<String, String>,
        text: &str,
    ) -> Result<Self, Refusal> {
        let document = read(text)?;
        let mut bound = BTreeMap::new();
        for (arn, kind) in named(&document) {
            let id = if arn.account() == directory.account {
                id_of(directory, kind, arn.as_str())
            } else {
                elsewhere.get(arn.as_str()).cloned()
            };
            let id = id.ok_or_else(|| invalid_principal(arn.as_str()))?;
            bound.insert(arn.as_str().to_owned(), id);
        }
        // Of who is gone a policy shows the unique id; it cannot be written again.
        for id in unique_ids(&document) {
            if !is_principal(directory, id) && !elsewhere.contains_key(id) {
                return Err(invalid_principal(id));
            }
        }
        Ok(Self { text: text.to_owned(), bound })
    }

    /// The trust policy of a role that a service has.
    pub(crate) fn of_service(service: &str) -> Self {
        let text = format!(
            r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"Allow","Principal":{{"Service":"{service}"}},"Action":"sts:AssumeRole"}}]}}"#
        );
        Self { text, bound: BTreeMap::new() }
    }

    /// The policy as it is shown: whoever has gone stands there by his unique id, and whoever has another name by
    /// the ARN that he has now. It is written anew only if somebody has. Those of other accounts stand there as they
    /// were written.
    pub(crate) fn text(&self, directory: &Directory) -> String {
        let own = Kind::User.arn(directory.account, "", "");
        let own = own.trim_end_matches(Kind::User.resource_type());
        let moved = self.bound.iter().filter(|(arn, _)| arn.starts_with(own)).filter_map(|(arn, id)| {
            let now = directory.arn_of(id).unwrap_or_else(|| id.clone());
            (now != *arn).then(|| (arn.clone(), now))
        });
        self.renamed(&moved.collect())
    }

    /// The policy as it counts: users and roles stand there by their unique ids, of whatever account they are.
    pub(crate) fn counting(&self) -> String {
        self.renamed(&self.bound)
    }

    /// The text with other names for principals.
    fn renamed(&self, names: &BTreeMap<String, String>) -> String {
        if names.is_empty() {
            return self.text.clone();
        }
        // The text was read before it was kept. If it could not be read now, it would trust nobody.
        with_principals(&self.text, names).unwrap_or_else(|| "{}".to_owned())
    }
}

fn read(text: &str) -> Result<Document, Refusal> {
    let document = Document::parse(text, DocumentKind::Trust)?;
    if document::length(text) > MOST {
        return Err(Refusal::quota("ACLSizePerRole", MOST));
    }
    Ok(document)
}

fn principals(document: &Document) -> impl Iterator<Item = &NamedPrincipal> {
    let principals = document.statements.iter().filter_map(|statement| statement.principals.as_ref());
    principals.flat_map(Scope::listed)
}

/// The users and roles that a trust policy names by their ARNs.
fn named(document: &Document) -> impl Iterator<Item = (&PrincipalArn, Kind)> {
    principals(document).filter_map(|principal| match principal {
        NamedPrincipal::Arn(arn) => kind_of(arn.kind()).map(|kind| (arn, kind)),
        _ => None,
    })
}

/// The unique ids that stand in a trust policy.
fn unique_ids(document: &Document) -> impl Iterator<Item = &str> {
    principals(document).filter_map(|principal| match principal {
        NamedPrincipal::UniqueId(id) => Some(id.as_str()),
        _ => None,
    })
}

/// Whether a user or role of the account has that unique id.
fn is_principal(directory: &Directory, id: &str) -> bool {
    matches!(directory.entry(id).map(|entry| &**entry), Some(Entry::User(_) | Entry::Role(_)))
}

/// The refusal of a principal that is not there.
fn invalid_principal(name: &str) -> Refusal {
    Refusal::malformed(format!("Invalid principal in policy: \"AWS\":\"{name}\""))
}

/// The unique ids in the trust policy of a request that nobody of the account has.
pub(crate) fn ids_elsewhere(directory: &Directory, text: &str) -> Result<BTreeSet<String>, Refusal> {
    let document = read(text)?;
    Ok(unique_ids(&document).filter(|id| !is_principal(directory, id)).map(str::to_owned).collect())
}

/// The accounts, other than `own`, whose users and roles the trust policy of a request names.
pub(crate) fn accounts_elsewhere(own: AccountId, text: &str) -> Result<BTreeSet<AccountId>, Refusal> {
    Ok(named(&read(text)?).map(|(arn, _)| arn.account()).filter(|account| *account != own).collect())
}

/// The users and roles of another account that the trust policy of a request names, with their ids, as far as they
/// are there.
pub(crate) fn named_elsewhere(
    directory: &Directory,
    text: &str,
) -> Result<BTreeMap<String, String>, Refusal> {
    let document = read(text)?;
    let theirs = named(&document).filter(|(arn, _)| arn.account() == directory.account);
    let found = theirs.filter_map(|(arn, kind)| {
        let id = id_of(directory, kind, arn.as_str())?;
        Some((arn.as_str().to_owned(), id))
    });
    Ok(found.collect())
}

fn kind_of(kind: PrincipalArnKind) -> Option<Kind> {
    match kind {
        PrincipalArnKind::User => Some(Kind::User),
        PrincipalArnKind::Role => Some(Kind::Role),
        PrincipalArnKind::AssumedRole | PrincipalArnKind::FederatedUser => None,
    }
}

/// The unique id of the entity with that very ARN.
fn id_of(directory: &Directory, kind: Kind, arn: &str) -> Option<String> {
    let name = arn.rsplit('/').next()?;
    let entry = directory.find(kind, name)?;
    (entry.arn(directory.account) == arn).then(|| entry.id().to_owned())
}
