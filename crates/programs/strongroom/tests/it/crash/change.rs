//! Calls that change a key. Every one of them, once it is done, can be told from not done.

use serde_json::{Value, json};

use super::key::{DISABLED, ENABLED, Key, Keys, PENDING_DELETION};
use crate::choices::Choices;

/// Keys that a client has at a time.
const MOST_KEYS: usize = 5;

/// Tags, and aliases, of a key.
const MOST_ADDED: usize = 5;

/// Rotations on demand that a key may have in its life.
const MOST_ON_DEMAND: usize = 25;

/// A change to the key of that description.
#[derive(Clone, Debug)]
pub(super) struct Change {
    pub(super) key: String,
    pub(super) what: What,
}

#[derive(Clone, Debug)]
pub(super) enum What {
    Create,
    Tag {
        name: String,
        value: String,
    },
    Untag {
        name: String,
    },
    PutPolicy {
        id: String,
    },
    Name {
        alias: String,
    },
    /// The alias comes to name the key, and the other key, which it named, no more.
    Rename {
        alias: String,
        from: String,
    },
    Unname {
        alias: String,
    },
    Rotate,
    EnableRotation {
        days: u64,
    },
    DisableRotation,
    Enable,
    Disable,
    ScheduleDeletion {
        days: u64,
    },
    CancelDeletion,
}

impl Change {
    /// Any change that these keys can have. `new` is a name that nothing had before.
    pub(super) fn choose(choices: &mut Choices, keys: &Keys, new: &str) -> Self {
        loop {
            let Some((description, key)) = choices.any(keys) else {
                return Self { key: new.to_owned(), what: What::Create };
            };
            let change = |what| Some(Self { key: description.clone(), what });
            let chosen = match choices.next(0..12) {
                0 if keys.len() < MOST_KEYS => Some(Self { key: new.to_owned(), what: What::Create }),
                0..=2 if key.is(PENDING_DELETION) => change(What::CancelDeletion),
                3 if key.is(DISABLED) => change(What::Enable),
                _ if key.is(PENDING_DELETION) => None,
                4 if key.is(ENABLED) => change(What::Disable),
                5 => change(What::ScheduleDeletion { days: choices.next(7..31) }),
                6 => tags(choices, key, new).and_then(change),
                7 => change(What::PutPolicy { id: new.to_owned() }),
                8 | 9 => aliases(choices, keys, description, new).and_then(change),
                10 | 11 if key.is(ENABLED) => rotation(choices, key).and_then(change),
                _ => None,
            };
            if let Some(chosen) = chosen {
                return chosen;
            }
        }
    }

    /// The operation, its input, and what its record is found by: the alias, the key's id, or the
    /// description of a key that is made.
    pub(super) fn call(&self, id: &str) -> (&'static str, Value, String) {
        let named = |operation, mut input: Value| {
            input["KeyId"] = json!(id);
            (operation, input, id.to_owned())
        };
        let alias = |operation, alias: &str| {
            (operation, json!({"AliasName": alias, "TargetKeyId": id}), alias.to_owned())
        };
        match &self.what {
            What::Create => ("CreateKey", json!({"Description": self.key}), self.key.clone()),
            What::Tag { name, value } => {
                named("TagResource", json!({"Tags": [{"TagKey": name, "TagValue": value}]}))
            }
            What::Untag { name } => named("UntagResource", json!({"TagKeys": [name]})),
            What::PutPolicy { id } => named("PutKeyPolicy", json!({"Policy": policy(id)})),
            What::Name { alias: name } => alias("CreateAlias", name),
            What::Rename { alias: name, .. } => alias("UpdateAlias", name),
            What::Unname { alias } => ("DeleteAlias", json!({"AliasName": alias}), alias.clone()),
            What::Rotate => named("RotateKeyOnDemand", json!({})),
            What::EnableRotation { days } => {
                named("EnableKeyRotation", json!({"RotationPeriodInDays": days}))
            }
            What::DisableRotation => named("DisableKeyRotation", json!({})),
            What::Enable => named("EnableKey", json!({})),
            What::Disable => named("DisableKey", json!({})),
            What::ScheduleDeletion { days } => {
                named("ScheduleKeyDeletion", json!({"PendingWindowInDays": days}))
            }
            What::CancelDeletion => named("CancelKeyDeletion", json!({})),
        }
    }

    /// Does to `keys` what the call does. `deletion_ms` is when a key is deleted whose deletion it schedules.
    pub(super) fn make(&self, keys: &mut Keys, deletion_ms: Option<i64>) {
        if let What::Rename { alias, from } = &self.what {
            keys.get_mut(from).unwrap().aliases.remove(alias);
        }
        let key = keys.entry(self.key.clone()).or_insert_with(Key::new);
        match &self.what {
            What::Create => {}
            What::Tag { name, value } => drop(key.tags.insert(name.clone(), value.clone())),
            What::Untag { name } => drop(key.tags.remove(name)),
            What::PutPolicy { id } => key.policy.clone_from(id),
            What::Name { alias } | What::Rename { alias, .. } => drop(key.aliases.insert(alias.clone())),
            What::Unname { alias } => drop(key.aliases.remove(alias)),
            What::Rotate => key.on_demand += 1,
            What::EnableRotation { days } => key.rotation_days = Some(*days),
            What::DisableRotation => key.rotation_days = None,
            What::Enable => ENABLED.clone_into(&mut key.state),
            What::Disable => DISABLED.clone_into(&mut key.state),
            What::ScheduleDeletion { .. } => {
                PENDING_DELETION.clone_into(&mut key.state);
                key.deletion_ms = deletion_ms;
            }
            What::CancelDeletion => {
                DISABLED.clone_into(&mut key.state);
                key.deletion_ms = None;
            }
        }
    }

    /// Whether the key may rotate at other times after it.
    pub(super) fn disturbs_rotation(&self) -> bool {
        match self.what {
            What::Create
            | What::Tag { .. }
            | What::Untag { .. }
            | What::PutPolicy { .. }
            | What::Name { .. }
            | What::Rename { .. }
            | What::Unname { .. }
            | What::Rotate => false,
            What::EnableRotation { .. }
            | What::DisableRotation
            | What::Enable
            | What::Disable
            | What::ScheduleDeletion { .. }
            | What::CancelDeletion => true,
        }
    }
}

fn tags(choices: &mut Choices, key: &Key, new: &str) -> Option<What> {
    if choices.next(0..3) == 0 {
        return choices.any(key.tags.keys()).map(|name| What::Untag { name: name.clone() });
    }
    let name = format!("tag {}", choices.next(0..MOST_ADDED as u64));
    Some(What::Tag { name, value: new.to_owned() })
}

fn aliases(choices: &mut Choices, keys: &Keys, description: &str, new: &str) -> Option<What> {
    let key = &keys[description];
    if key.aliases.len() < MOST_ADDED && choices.next(0..3) == 0 {
        return Some(What::Name { alias: format!("alias/{new}") });
    }
    if choices.next(0..3) == 0 {
        return choices.any(&key.aliases).map(|alias| What::Unname { alias: alias.clone() });
    }
    // The aliases of a key that is to be deleted may go with it at any moment.
    let others = keys.iter().filter(|(other, key)| *other != description && !key.is(PENDING_DELETION));
    let (from, other) = choices.any(others)?;
    let alias = choices.any(&other.aliases)?.clone();
    Some(What::Rename { alias, from: from.clone() })
}

fn rotation(choices: &mut Choices, key: &Key) -> Option<What> {
    match choices.next(0..4) {
        0 if key.rotation_days.is_some() => Some(What::DisableRotation),
        0 | 1 => {
            let days = choices.next(90..120);
            (key.rotation_days != Some(days)).then_some(What::EnableRotation { days })
        }
        _ => (key.on_demand < MOST_ON_DEMAND).then_some(What::Rotate),
    }
}

/// A policy that can be told from others.
fn policy(id: &str) -> String {
    let account = json!({"AWS": "arn:aws:iam::000000000000:root"});
    let allow = json!({"Effect": "Allow", "Principal": account, "Action": "kms:*", "Resource": "*"});
    json!({"Version": "2012-10-17", "Id": id, "Statement": [allow]}).to_string()
}
