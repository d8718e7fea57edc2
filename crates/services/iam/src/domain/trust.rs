//! Trust policies: who may assume a role.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use serde_json::Value;
use strongroom_identity::AccountId;
use strongroom_policy::document::{
    Document, Kind as DocumentKind, NamedPrincipal, PrincipalArn, PrincipalArnKind, Scope,
};

use super::directory::Directory;
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
    /// ARNs by which [`named_elsewhere`] found them in the text.
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
            let id = id.ok_or_else(|| {
                let arn = arn.as_str();
                Refusal::malformed(format!("Invalid principal in policy: \"AWS\":\"{arn}\""))
            })?;
            bound.insert(arn.as_str().to_owned(), id);
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
        let Ok(mut document) = serde_json::from_str::<Value>(&self.text) else { return "{}".to_owned() };
        if let Some(statements) = document.get_mut("Statement") {
            each(statements, &mut |statement| {
                // Values of conditions are text, and stay; trust policies have no `NotPrincipal`.
                if let Some(named) = statement.get_mut("Principal").and_then(|named| named.get_mut("AWS")) {
                    each(named, &mut |principal| {
                        if let Some(name) = principal.as_str().and_then(|arn| names.get(arn)) {
                            *principal = Value::String(name.clone());
                        }
                    });
                }
            });
        }
        document.to_string()
    }
}

fn read(text: &str) -> Result<Document, Refusal> {
    let document = Document::parse(text, DocumentKind::Trust)?;
    if document::length(text) > MOST {
        return Err(Refusal::quota("ACLSizePerRole", MOST));
    }
    Ok(document)
}

/// The users and roles that a trust policy names by their ARNs.
fn named(document: &Document) -> impl Iterator<Item = (&PrincipalArn, Kind)> {
    let principals = document.statements.iter().filter_map(|statement| statement.principals.as_ref());
    principals.flat_map(Scope::listed).filter_map(|principal| match principal {
        NamedPrincipal::Arn(arn) => kind_of(arn.kind()).map(|kind| (arn, kind)),
        _ => None,
    })
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

/// Does something with each value of a list, or with one that is no list.
fn each(value: &mut Value, act: &mut dyn FnMut(&mut Value)) {
    match value {
        Value::Array(values) => values.iter_mut().for_each(act),
        one => act(one),
    }
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
