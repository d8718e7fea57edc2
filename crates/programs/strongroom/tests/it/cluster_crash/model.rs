//! What a client knows of its users and keys, and what an HSM shows of them.

use std::collections::{BTreeMap, BTreeSet};

use strongroom_hsm_proto::command::{
    AttributeName, AttributeValue, KeyClass, KeyDescription, Role, UserDescription,
};

/// What must be there.
#[derive(Clone, Debug, Default)]
pub(super) struct Model {
    /// Passwords by name.
    pub(super) users: BTreeMap<String, String>,
    /// Keys by label.
    pub(super) keys: BTreeMap<String, Key>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Key {
    pub(super) handle: u64,
    pub(super) class: KeyClass,
    pub(super) id: Vec<u8>,
    pub(super) shared: BTreeSet<String>,
    /// The public half, of pairs.
    pub(super) public: Vec<u8>,
    /// The MAC of [`MESSAGE`](super::worker::MESSAGE), of secret keys that have made it.
    pub(super) mac: Option<Vec<u8>>,
}

impl Key {
    /// A key as an HSM describes it.
    pub(super) fn read(description: &KeyDescription) -> (String, Self) {
        let attribute = |name: AttributeName| {
            let mut attributes = description.attributes.iter().flat_map(|template| &template.attributes);
            attributes.find(|attribute| attribute.name() == name)?.value.clone()
        };
        let bytes = |name| match attribute(name) {
            Some(AttributeValue::Bytes(bytes)) => bytes,
            other => panic!("{name:?} is {other:?}"),
        };
        let class = match attribute(AttributeName::Class) {
            Some(AttributeValue::Number(class)) => KeyClass::try_from(class as i32).unwrap(),
            other => panic!("the class is {other:?}"),
        };
        let key = Self {
            handle: description.key,
            class,
            id: bytes(AttributeName::Id),
            shared: description.shared_with.iter().cloned().collect(),
            public: description.public_key.clone(),
            mac: None,
        };
        (String::from_utf8(bytes(AttributeName::Label)).unwrap(), key)
    }

    /// The key, as far as an HSM shows it.
    pub(super) fn shown(&self) -> Self {
        Self { mac: None, ..self.clone() }
    }

    pub(super) fn signs(&self) -> bool {
        self.class != KeyClass::PublicKey
    }
}

/// All that an HSM shows to the administrator.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Shown {
    pub(super) users: Vec<UserDescription>,
    pub(super) keys: Vec<KeyDescription>,
}

impl Shown {
    /// The keys of an owner, by label. No label comes twice: a key that was made twice would have two handles.
    pub(super) fn keys_of(&self, owner: &str, context: &str) -> BTreeMap<String, Key> {
        let mut keys = BTreeMap::new();
        for description in self.keys.iter().filter(|description| description.owner == owner) {
            let (label, key) = Key::read(description);
            let before = keys.insert(label, key);
            assert_eq!(before, None, "{context}: made twice: {description:?}");
        }
        keys
    }

    /// The names of the crypto users that begin so.
    pub(super) fn users_of(&self, prefix: &str) -> BTreeSet<String> {
        let users = self.users.iter().filter(|user| user.role() == Role::CryptoUser);
        users.map(|user| user.username.clone()).filter(|name| name.starts_with(prefix)).collect()
    }

    /// Every user and every key is somebody's, and nobody is locked out.
    pub(super) fn assert_known(&self, context: &str) {
        for user in &self.users {
            let ours = ["owner", "guest", "user"].iter().any(|prefix| user.username.starts_with(prefix));
            assert!(ours || user.role() != Role::CryptoUser, "{context}: {user:?}");
            assert!(!user.locked, "{context}: {user:?}");
        }
        for key in &self.keys {
            assert!(key.owner.starts_with("owner"), "{context}: {key:?}");
        }
    }
}
