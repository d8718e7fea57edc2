//! The model: keys, names for them, and ciphertexts that belong to a material of a key and a context.

use std::collections::BTreeMap;

use super::key::{Expected, Key, State, Store};
use super::step::{ALIASES, Change, HOMES, Home, Naming};
use crate::fixture::{ABSENT, DAY, NOW};

const NOT_FOUND: &str = "NotFoundException";
const DENIED: &str = "AccessDeniedException";
const NO_ALIASES: &str = "InvalidArnException";

/// A key's place in [`Model::keys`].
pub(super) type Place = usize;

pub(super) struct Model {
    pub(super) now: i64,
    /// All keys ever, those that are gone too.
    pub(super) keys: Vec<Key>,
    pub(super) aliases: BTreeMap<(Home, &'static str), Place>,
    pub(super) ciphertexts: Vec<Ciphertext>,
    pub(super) store: Store,
}

#[derive(Clone)]
pub(super) struct Ciphertext {
    pub(super) key: Place,
    pub(super) material: usize,
    pub(super) context: usize,
    pub(super) plaintext: Vec<u8>,
    pub(super) blob: Vec<u8>,
}

impl Model {
    pub(super) fn new() -> Self {
        let store = Store::default();
        Self { now: NOW, keys: Vec::new(), aliases: BTreeMap::new(), ciphertexts: Vec::new(), store }
    }

    /// The text that goes into the request.
    pub(super) fn text(&self, naming: &Naming) -> String {
        match naming {
            Naming::Id(which) | Naming::Arn(which) if !self.keys.is_empty() => {
                let key = &self.keys[which % self.keys.len()];
                if matches!(naming, Naming::Id(_)) {
                    key.id.clone()
                } else {
                    arn(key.home, &format!("key/{}", key.id))
                }
            }
            Naming::Alias(name) => ALIASES[*name].to_owned(),
            Naming::AliasArn(home, name) => arn(*home, ALIASES[*name]),
            Naming::Id(_) | Naming::Arn(_) | Naming::Absent => ABSENT.to_owned(),
        }
    }

    /// The key that a caller at `home` finds under that name, whether or not he may use it.
    pub(super) fn find(&self, home: Home, naming: &Naming) -> Expected<Place> {
        let same_region = |other: Home| HOMES[other].1 == HOMES[home].1;
        let key = match naming {
            Naming::Id(which) | Naming::Arn(which) if !self.keys.is_empty() => {
                let key = which % self.keys.len();
                let of = self.keys[key].home;
                let reached = if matches!(naming, Naming::Id(_)) { of == home } else { same_region(of) };
                reached.then_some(key)
            }
            Naming::Alias(name) => self.aliases.get(&(home, ALIASES[*name])).copied(),
            Naming::AliasArn(of, name) if same_region(*of) => {
                self.aliases.get(&(*of, ALIASES[*name])).copied()
            }
            _ => None,
        };
        key.filter(|key| self.keys[*key].state != State::Gone).ok_or(NOT_FOUND)
    }

    /// The same for operations that take no alias: `Err` at once if the name is one.
    pub(super) fn refuse_alias(home: Home, naming: &Naming) -> Expected<()> {
        match naming {
            Naming::AliasArn(of, _) if HOMES[*of].1 != HOMES[home].1 => Err(NOT_FOUND),
            Naming::Alias(_) | Naming::AliasArn(..) => Err(NO_ALIASES),
            _ => Ok(()),
        }
    }

    pub(super) fn may_use(&self, home: Home, key: Place) -> Expected<Place> {
        if HOMES[self.keys[key].home].0 == HOMES[home].0 { Ok(key) } else { Err(DENIED) }
    }

    /// The key that a caller administers under that name.
    pub(super) fn administered(&self, home: Home, naming: &Naming) -> Expected<Place> {
        Self::refuse_alias(home, naming)?;
        self.find(home, naming).and_then(|key| self.may_use(home, key))
    }

    /// The key that a caller encrypts with under that name.
    pub(super) fn usable(&self, home: Home, naming: &Naming) -> Expected<Place> {
        let key = self.find(home, naming).and_then(|key| self.may_use(home, key))?;
        self.keys[key].enabled()?;
        self.keys[key].available(&self.store).map(|()| key)
    }

    /// The key that a ciphertext leads to, or that the caller names for it.
    pub(super) fn source(&self, home: Home, of: &Ciphertext, named: Option<&Naming>) -> Expected<Place> {
        match named {
            Some(named) => {
                let key = self.find(home, named).and_then(|key| self.may_use(home, key))?;
                if key == of.key { Ok(key) } else { Err("IncorrectKeyException") }
            }
            None if self.keys[of.key].home != home || self.keys[of.key].state == State::Gone => Err(DENIED),
            _ => Ok(of.key),
        }
    }

    pub(super) fn decrypt(
        &self,
        home: Home,
        of: &Ciphertext,
        named: Option<&Naming>,
        context: usize,
    ) -> Expected<Vec<u8>> {
        let key = self.source(home, of, named)?;
        self.keys[key].enabled()?;
        self.keys[key].available(&self.store)?;
        if context == of.context { Ok(of.plaintext.clone()) } else { Err("InvalidCiphertextException") }
    }

    /// Answers the key that the ciphertext shall be of.
    pub(super) fn re_encrypt(
        &self,
        home: Home,
        of: &Ciphertext,
        (source, from): (Option<&Naming>, usize),
        destination: &Naming,
    ) -> Expected<Place> {
        let source = self.source(home, of, source)?;
        let destination = self.find(home, destination).and_then(|key| self.may_use(home, key))?;
        for key in [source, destination] {
            self.keys[key].enabled()?;
        }
        self.keys[source].available(&self.store)?;
        if from != of.context {
            return Err("InvalidCiphertextException");
        }
        self.keys[destination].available(&self.store).map(|()| destination)
    }

    pub(super) fn create_alias(&mut self, home: Home, name: &'static str, target: &Naming) -> Expected<()> {
        let key = self.administered(home, target)?;
        self.keys[key].staying()?;
        if self.aliases.contains_key(&(home, name)) {
            return Err("AlreadyExistsException");
        }
        self.aliases.insert((home, name), key);
        Ok(())
    }

    pub(super) fn update_alias(&mut self, home: Home, name: &'static str, target: &Naming) -> Expected<()> {
        Self::refuse_alias(home, target)?;
        if !self.aliases.contains_key(&(home, name)) {
            return Err(NOT_FOUND);
        }
        let key = self.administered(home, target)?;
        self.keys[key].staying()?;
        self.aliases.insert((home, name), key);
        Ok(())
    }

    pub(super) fn delete_alias(&mut self, home: Home, name: &'static str) -> Expected<()> {
        self.aliases.remove(&(home, name)).map(drop).ok_or(NOT_FOUND)
    }

    pub(super) fn change(&mut self, home: Home, key: &Naming, change: &Change) -> Expected<()> {
        let key = self.administered(home, key)?;
        self.keys[key].change(self.now, &self.store, change)
    }

    /// Lets time pass, and does what is due in it.
    pub(super) fn pass_time(&mut self, days: i64) {
        self.now += days * DAY;
        for key in &mut self.keys {
            key.pass_time(self.now, &self.store);
        }
        self.aliases.retain(|_, key| self.keys[*key].state != State::Gone);
    }

    /// Whether a key can be made in the key store.
    pub(super) fn takes_keys(&self, home: Home) -> Expected<()> {
        match self.store.connected_ms {
            _ if home != 0 => Err("CustomKeyStoreNotFoundException"),
            None => Err("CustomKeyStoreInvalidStateException"),
            Some(_) => Ok(()),
        }
    }

    /// How many keys the HSMs hold when nothing is left over.
    pub(super) fn materials_in_store(&self) -> usize {
        let there = self.keys.iter().filter(|key| key.stored && key.state != State::Gone);
        there.map(|key| 1 + key.rotations.len()).sum()
    }

    pub(super) fn keys_of(&self, home: Home) -> Vec<String> {
        let there = self.keys.iter().filter(|key| key.home == home && key.state != State::Gone);
        let mut ids: Vec<_> = there.map(|key| key.id.clone()).collect();
        ids.sort_unstable();
        ids
    }

    /// The caller's aliases, or those of one of his keys.
    pub(super) fn aliases_of(&self, home: Home, of: Option<&Naming>) -> Expected<Vec<(String, String)>> {
        // Whether another account's key exists is not told.
        let hide = |code| if code == DENIED { NOT_FOUND } else { code };
        let key = of.map(|of| self.administered(home, of).map_err(hide)).transpose()?;
        let of = self
            .aliases
            .iter()
            .filter(|((of, _), target)| *of == home && key.is_none_or(|key| key == **target));
        Ok(of.map(|((_, name), target)| ((*name).to_owned(), self.keys[*target].id.clone())).collect())
    }
}

fn arn(home: Home, resource: &str) -> String {
    let (account, region) = HOMES[home];
    format!("arn:aws:kms:{region}:{account}:{resource}")
}
