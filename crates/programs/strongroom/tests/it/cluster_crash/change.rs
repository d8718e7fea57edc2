//! Changes to users and keys. Every one of them, once it is done, can be told from not done.

use strongroom_hsm_proto::command::{
    Attribute, AttributeName, AttributeValue, ChangePassword, Command, CreateUser, Curve, DeleteKey,
    DeleteUser, GenerateKey, GenerateKeyPair, KeyType, PairKind, Role, SetAttribute, ShareKey, Template,
    UnshareKey,
};

use super::model::{Key, Model};
use crate::choices::Choices;

/// Users and keys that a client has at a time.
const MOST_USERS: usize = 3;
const MOST_KEYS: usize = 8;

/// Users with whom keys are shared.
pub(super) const GUESTS: [&str; 2] = ["guest0", "guest1"];

#[derive(Clone, Debug)]
pub(super) enum Change {
    CreateUser {
        name: String,
        password: String,
    },
    DeleteUser {
        name: String,
    },
    SetPassword {
        name: String,
        password: String,
    },
    GenerateKey {
        label: String,
    },
    /// The public half has the label that [`public_label`] says.
    GeneratePair {
        label: String,
    },
    SetId {
        label: String,
        id: Vec<u8>,
    },
    Share {
        label: String,
        with: String,
    },
    Unshare {
        label: String,
        with: String,
    },
    DeleteKey {
        label: String,
    },
}

impl Change {
    /// Any change that is possible. `new` is a name that nothing had before.
    pub(super) fn choose(choices: &mut Choices, model: &Model, new: &str) -> Self {
        loop {
            let user = choices.any(model.users.keys()).cloned();
            let key = choices.any(&model.keys);
            let chosen = match (choices.next(0..10), user, key) {
                (0, ..) if model.users.len() < MOST_USERS => {
                    Some(Self::CreateUser { name: format!("user_{new}"), password: password(new) })
                }
                (1, Some(name), _) => Some(Self::DeleteUser { name }),
                (2, Some(name), _) => Some(Self::SetPassword { name, password: password(new) }),
                (3, ..) if model.keys.len() < MOST_KEYS => Some(Self::GenerateKey { label: new.to_owned() }),
                (4 | 5, ..) if model.keys.len() < MOST_KEYS => {
                    Some(Self::GeneratePair { label: new.to_owned() })
                }
                (6, _, Some((label, _))) => {
                    Some(Self::SetId { label: label.clone(), id: new.as_bytes().to_vec() })
                }
                (7 | 8, _, Some((label, key))) => share(choices, label, key),
                (9, _, Some((label, _))) => Some(Self::DeleteKey { label: label.clone() }),
                _ => None,
            };
            if let Some(chosen) = chosen {
                return chosen;
            }
        }
    }

    /// Whether an administrator makes it, and not the keys' owner.
    pub(super) fn is_administrators(&self) -> bool {
        matches!(self, Self::CreateUser { .. } | Self::DeleteUser { .. } | Self::SetPassword { .. })
    }

    /// The call that asks for it.
    pub(super) fn command(&self, model: &Model) -> Command {
        let key = |label: &str| model.keys[label].handle;
        let role = Role::CryptoUser.into();
        match self.clone() {
            Self::CreateUser { name: username, password } => {
                Command::CreateUser(CreateUser { username, role, password })
            }
            Self::DeleteUser { name: username } => Command::DeleteUser(DeleteUser { username, role }),
            Self::SetPassword { name: username, password } => Command::ChangePassword(ChangePassword {
                username,
                role,
                password,
                ..ChangePassword::default()
            }),
            Self::GenerateKey { label } => Command::GenerateKey(GenerateKey {
                key_type: KeyType::Aes.into(),
                length: 32,
                template: Some(Template { attributes: vec![bytes(AttributeName::Label, label)] }),
                ..GenerateKey::default()
            }),
            Self::GeneratePair { label } => Command::GenerateKeyPair(GenerateKeyPair {
                kind: Some(PairKind::Ec(Curve::Secp256r1.into())),
                public_template: Some(template(AttributeName::Verify, public_label(&label))),
                private_template: Some(template(AttributeName::Sign, label)),
                ..GenerateKeyPair::default()
            }),
            Self::SetId { label, id } => Command::SetAttribute(SetAttribute {
                key: key(&label),
                attribute: Some(bytes(AttributeName::Id, id)),
            }),
            Self::Share { label, with: username } => {
                Command::ShareKey(ShareKey { key: key(&label), username })
            }
            Self::Unshare { label, with: username } => {
                Command::UnshareKey(UnshareKey { key: key(&label), username })
            }
            Self::DeleteKey { label } => Command::DeleteKey(DeleteKey { key: key(&label) }),
        }
    }

    /// The model after the change. `made` finds a key that it makes; none if one is missing.
    pub(super) fn made(&self, model: &Model, made: impl Fn(&str) -> Option<Key>) -> Option<Model> {
        let mut model = model.clone();
        match self.clone() {
            Self::CreateUser { name, password } | Self::SetPassword { name, password } => {
                model.users.insert(name, password);
            }
            Self::DeleteUser { name } => drop(model.users.remove(&name)),
            Self::GenerateKey { label } => {
                let key = made(&label)?;
                model.keys.insert(label, key);
            }
            Self::GeneratePair { label } => {
                for label in [public_label(&label), label] {
                    let key = made(&label)?;
                    model.keys.insert(label, key);
                }
            }
            Self::SetId { label, id } => model.keys.get_mut(&label)?.id = id,
            Self::Share { label, with } => drop(model.keys.get_mut(&label)?.shared.insert(with)),
            Self::Unshare { label, with } => drop(model.keys.get_mut(&label)?.shared.remove(&with)),
            Self::DeleteKey { label } => drop(model.keys.remove(&label)),
        }
        Some(model)
    }

    /// The user who has another password afterwards, and the password.
    pub(super) fn password(&self) -> Option<(&str, &str)> {
        match self {
            Self::CreateUser { name, password } | Self::SetPassword { name, password } => {
                Some((name, password))
            }
            _ => None,
        }
    }
}

fn share(choices: &mut Choices, label: &str, key: &Key) -> Option<Change> {
    let (label, with) = (label.to_owned(), (*choices.any(&GUESTS)?).to_owned());
    // Public keys are everybody's.
    key.signs().then(|| {
        if key.shared.contains(&with) {
            Change::Unshare { label, with }
        } else {
            Change::Share { label, with }
        }
    })
}

fn public_label(label: &str) -> String {
    format!("{label}-public")
}

fn password(new: &str) -> String {
    format!("Password-{new}")
}

fn template(usage: AttributeName, label: String) -> Template {
    let usage = Attribute { name: usage.into(), value: Some(AttributeValue::Flag(true)) };
    Template { attributes: vec![usage, bytes(AttributeName::Label, label)] }
}

fn bytes(name: AttributeName, value: impl Into<Vec<u8>>) -> Attribute {
    Attribute { name: name.into(), value: Some(AttributeValue::Bytes(value.into())) }
}
