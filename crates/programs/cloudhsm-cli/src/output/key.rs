//! Keys.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::{Map, Value, json};
use strongroom_hsm_proto::command::{KeyDescription, KeyQuorum};

use super::merge::{agreed, coverage};
use super::words::{INCONSISTENT, SESSION, key_reference};
use crate::attribute;

/// A key.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Key {
    #[serde(rename = "key-reference")]
    reference: String,
    #[serde(rename = "key-info", skip_serializing_if = "Option::is_none")]
    info: Option<Info>,
    attributes: Map<String, Value>,
}

#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
struct Info {
    key_owners: Vec<Covered>,
    shared_users: Vec<Covered>,
    key_quorum_values: Value,
    cluster_coverage: &'static str,
}

#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
struct Covered {
    username: String,
    key_coverage: &'static str,
}

/// One key, as every HSM that was asked shows it; `None` where an HSM does not have it.
pub(crate) struct Views<'a> {
    pub(crate) handle: u64,
    pub(crate) views: Vec<Option<&'a KeyDescription>>,
}

impl Views<'_> {
    fn found(&self) -> impl Iterator<Item = &KeyDescription> {
        self.views.iter().copied().flatten()
    }

    /// With all that is known.
    pub(crate) fn verbose(&self) -> Key {
        let of_session = self.found().any(|key| key.of_session);
        let asked = self.views.len();
        let covers = |having: usize| if of_session { SESSION } else { coverage(having, asked) };
        let users = |names: Vec<&str>| {
            let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
            for name in names {
                *counts.entry(name).or_default() += 1;
            }
            let covered = counts
                .into_iter()
                .map(|(name, count)| Covered { username: name.to_owned(), key_coverage: covers(count) });
            covered.collect::<Vec<_>>()
        };
        let quorum = self.found().map(|key| {
            let none = KeyQuorum::default();
            let quorum = key.quorum.as_ref().unwrap_or(&none);
            json!({
                "manage-key-quorum-value": quorum.manage,
                "use-key-quorum-value": quorum.usage,
            })
        });
        Key {
            reference: key_reference(self.handle),
            info: Some(Info {
                key_owners: users(self.found().map(|key| key.owner.as_str()).collect()),
                shared_users: users(
                    self.found().flat_map(|key| key.shared_with.iter().map(String::as_str)).collect(),
                ),
                key_quorum_values: agreed(quorum),
                cluster_coverage: covers(self.found().count()),
            }),
            attributes: self.attributes(),
        }
    }

    /// With its label alone.
    pub(crate) fn brief(&self) -> Key {
        let mut attributes = self.attributes();
        attributes.retain(|name, _| name == "label");
        Key { reference: key_reference(self.handle), info: None, attributes }
    }

    fn attributes(&self) -> Map<String, Value> {
        let mut merged: Map<String, Value> = Map::new();
        let each: Vec<Vec<_>> = self
            .found()
            .map(|key| {
                key.attributes.as_ref().map(|all| attribute::in_order(all).collect()).unwrap_or_default()
            })
            .collect();
        for (name, value) in each.iter().flatten() {
            match merged.get_mut(*name) {
                None => {
                    merged.insert((*name).to_owned(), value.clone());
                }
                Some(known) if known != value => *known = json!(INCONSISTENT),
                Some(_) => {}
            }
        }
        merged
    }
}

/// `{"key": ...}`
#[derive(Debug, Serialize)]
pub(crate) struct OneKey {
    pub(crate) key: Key,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) message: Option<&'static str>,
}

/// Both halves of a pair.
#[derive(Debug, Serialize)]
pub(crate) struct Pair {
    pub(crate) public_key: Key,
    pub(crate) private_key: Key,
}

/// A page of a list.
#[derive(Debug, Serialize)]
pub(crate) struct Page {
    pub(crate) matched_keys: Vec<Key>,
    pub(crate) total_key_count: usize,
    pub(crate) returned_key_count: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) next_token: Option<String>,
}

/// A wrapped key. AWS's mechanisms print their names in two ways.
#[derive(Debug)]
pub(crate) struct Wrapped {
    pub(crate) payload: u64,
    pub(crate) wrapping: u64,
    /// Only of `aes-gcm`.
    pub(crate) iv: Option<Vec<u8>>,
    /// In base64.
    pub(crate) data: String,
    /// `rsa-aes` and `rsa-oaep` print dashes.
    pub(crate) dashes: bool,
}

impl Wrapped {
    pub(crate) fn shown(self) -> Value {
        let name = |name: &str| if self.dashes { name.replace('_', "-") } else { name.to_owned() };
        let mut shown = Map::new();
        shown.insert(name("payload_key_reference"), json!(key_reference(self.payload)));
        shown.insert(name("wrapping_key_reference"), json!(key_reference(self.wrapping)));
        if let Some(iv) = &self.iv {
            shown.insert("iv".to_owned(), json!(format!("0x{}", strongroom_crypto::hex::encode(iv))));
        }
        shown.insert(name("wrapped_key_data"), json!(self.data));
        Value::Object(shown)
    }
}

/// A signature.
#[derive(Debug, Serialize)]
pub(crate) struct Signature {
    #[serde(rename = "key-reference")]
    pub(crate) key_reference: String,
    pub(crate) signature: String,
}
