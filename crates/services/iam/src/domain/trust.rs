//! Trust policies: who may assume a role.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use strongroom_policy::document::{Document, Kind as DocumentKind, NamedPrincipal, PrincipalArnKind, Scope};

use super::directory::Directory;
use super::document;
use super::kind::Kind;
use crate::error::Refusal;

/// The characters of a trust policy, whitespace left out (IAM User Guide, "IAM and STS quotas").
pub(crate) const MOST: usize = 2048;

/// A role's trust policy. The users and roles of the account that it names are bound by their unique ids, so
/// that a namesake made later is not trusted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Trust {
    text: String,
    /// Unique ids by the ARN in the text.
    #[serde(default)]
    bound: BTreeMap<String, String>,
}

impl Trust {
    /// Reads the trust policy of a request.
    pub(crate) fn parse(directory: &Directory, text: &str) -> Result<Self, Refusal> {
        let document = Document::parse(text, DocumentKind::Trust)?;
        if document::length(text) > MOST {
            return Err(Refusal::quota("ACLSizePerRole", MOST));
        }
        let mut bound = BTreeMap::new();
        let principals = document.statements.iter().filter_map(|statement| statement.principals.as_ref());
        for principal in principals.flat_map(Scope::listed) {
            if let NamedPrincipal::Arn(arn) = principal
                && arn.account() == directory.account
                && let Some(kind) = kind_of(arn.kind())
            {
                let id = id_of(directory, kind, arn.as_str()).ok_or_else(|| {
                    let arn = arn.as_str();
                    Refusal::malformed(format!("Invalid principal in policy: \"AWS\":\"{arn}\""))
                })?;
                bound.insert(arn.as_str().to_owned(), id);
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

    /// The policy as it counts now: whoever has gone stands there by his unique id, and whoever has another
    /// name by the ARN that he has now. It is written anew only if somebody has.
    pub(crate) fn text(&self, directory: &Directory) -> String {
        let now = |(arn, id): (&String, &String)| {
            let now = directory.arn_of(id).unwrap_or_else(|| id.clone());
            (now != *arn).then(|| (arn.clone(), now))
        };
        let moved: BTreeMap<_, _> = self.bound.iter().filter_map(now).collect();
        if moved.is_empty() {
            return self.text.clone();
        }
        // The text was read before it was kept. If it could not be read now, it would trust nobody.
        let Ok(mut document) = serde_json::from_str::<Value>(&self.text) else { return "{}".to_owned() };
        if let Some(statements) = document.get_mut("Statement") {
            each(statements, &mut |statement| {
                // Values of conditions are text, and stay.
                if let Some(named) = statement.get_mut("Principal").and_then(|named| named.get_mut("AWS")) {
                    each(named, &mut |principal| {
                        if let Some(now) = principal.as_str().and_then(|arn| moved.get(arn)) {
                            *principal = Value::String(now.clone());
                        }
                    });
                }
            });
        }
        document.to_string()
    }
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
