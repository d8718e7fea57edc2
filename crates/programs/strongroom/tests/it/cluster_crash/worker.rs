//! A client with users and keys of its own, that changes and uses them whatever is killed.

use std::collections::{BTreeMap, BTreeSet};

use strongroom_crypto::digest::sha256;
use strongroom_crypto::ec::PublicKey;
use strongroom_hsm_client::{ClientError, Cluster};
use strongroom_hsm_proto::command::{
    Command, Cursor, FailureCode, Hash, KeyClass, Mechanism, MechanismKind, Reply, Result as Done, Role, Sign,
};

use super::change::Change;
use super::cluster::{PASSWORD, log_in};
use super::fleet::Fleet;
use super::hsm::Hsm;
use super::model::{Key, Model, Shown};
use crate::choices::Choices;

/// What is signed.
pub(super) const MESSAGE: &[u8] = b"what every key signs";

pub(super) struct Worker {
    number: usize,
    choices: Choices,
    /// Names given so far.
    given: u64,
    administrator: Cluster,
    owner: Cluster,
    model: Model,
    /// The change that was asked for and not acknowledged, and why.
    doubt: Option<(Change, String)>,
    /// Why it could not work on in this round.
    trouble: Option<String>,
    /// Users whose passwords are newer than the last check.
    fresh: BTreeSet<String>,
    /// What was acknowledged.
    pub(super) changes: u64,
    pub(super) uses: u64,
    /// Changes in doubt that turned out to be made, and not to be.
    pub(super) cleared_up: [u64; 2],
}

/// The name of the crypto user who owns a worker's keys.
pub(super) fn owner(number: usize) -> String {
    format!("owner{number}")
}

impl Worker {
    pub(super) fn new(number: usize, choices: Choices, fleet: &Fleet) -> Self {
        Self {
            number,
            choices,
            given: 0,
            administrator: log_in(fleet.options(), "admin", Role::Admin).unwrap(),
            owner: log_in(fleet.options(), &owner(number), Role::CryptoUser).unwrap(),
            model: Model::default(),
            doubt: None,
            trouble: None,
            fresh: BTreeSet::new(),
            changes: 0,
            uses: 0,
            cleared_up: [0; 2],
        }
    }

    /// Why it could not work on in this round.
    pub(super) fn trouble(&self) -> Option<&str> {
        self.trouble.as_deref()
    }

    /// The latest states that it has seen.
    pub(super) fn cursors(&self) -> impl Iterator<Item = Cursor> + use<> {
        [self.administrator.cursor(), self.owner.cursor()].into_iter().flatten()
    }

    /// Does something. Answers whether it is done; if not, the worker can do nothing more in this round.
    pub(super) fn act(&mut self) -> bool {
        let signing = self.model.keys.iter().filter(|(_, key)| key.signs());
        let signing = self.choices.any(signing.map(|(label, _)| label)).cloned();
        if let (0, Some(label)) = (self.choices.next(0..3), signing) {
            return self.sign(&label);
        }
        self.given += 1;
        let new = format!("{}_{}", self.number, self.given);
        let change = Change::choose(&mut self.choices, &self.model, &new);
        self.change(change)
    }

    fn change(&mut self, change: Change) -> bool {
        let client = if change.is_administrators() { &mut self.administrator } else { &mut self.owner };
        match client.call(change.command(&self.model)) {
            Ok(reply) => {
                let made = keys_made(&reply);
                let find = |label: &str| Some(made.iter().find(|(name, _)| name == label)?.1.clone());
                self.model = change.made(&self.model, find).unwrap();
                if let Some((name, _)) = change.password() {
                    self.fresh.insert(name.to_owned());
                }
                self.changes += 1;
                true
            }
            Err(error) if is_doubtful(&error) => {
                self.trouble = Some(format!("{change:?}: {error}"));
                self.doubt = Some((change, error.to_string()));
                false
            }
            Err(error) => panic!("{change:?} of {:?}: {error:?}", self.model),
        }
    }

    /// Whatever is killed, in the end there is an HSM that signs, unless the key has to be on two.
    fn sign(&mut self, label: &str) -> bool {
        let key = self.model.keys.get_mut(label).unwrap();
        match self.owner.call(sign(key)) {
            Ok(reply) => {
                assert_signed(label, key, reply.result);
                self.uses += 1;
                true
            }
            Err(error @ ClientError::NotAvailable(_)) => {
                self.trouble = Some(error.to_string());
                false
            }
            Err(error) => panic!("{label} {key:?} does not sign: {error:?}"),
        }
    }

    /// Finds out what became of the change in doubt, and compares everything with what is shown. `hsm` is the one
    /// where keys and new passwords are tried.
    pub(super) fn compare(&mut self, shown: &Shown, hsm: &mut Hsm, context: &str) {
        self.trouble = None;
        if let Some((change, why)) = self.doubt.take() {
            let context = format!("{context}, in doubt about {change:?}: {why}");
            let keys = shown.keys_of(&owner(self.number), &context);
            let made = change.made(&self.model, |label| keys.get(label).cloned());
            let is_made = match &change {
                // Nothing shows it.
                Change::SetPassword { name, password } => lets_in(hsm, name, password),
                _ => made.as_ref().is_some_and(|made| self.differs(made, shown, &context).is_none()),
            };
            self.cleared_up[usize::from(!is_made)] += 1;
            if let Some(made) = made.filter(|_| is_made) {
                self.model = made;
            }
            if let Some((name, _)) =
                change.password().filter(|(name, _)| self.model.users.contains_key(*name))
            {
                self.fresh.insert(name.to_owned());
            }
            self.assert_shown(shown, &context);
        }
        self.assert_shown(shown, context);
        self.use_keys(hsm, context);
        for name in std::mem::take(&mut self.fresh) {
            // Deleted meanwhile, perhaps.
            if let Some(password) = self.model.users.get(&name) {
                assert!(lets_in(hsm, &name, password), "{context}: {name}'s password is another");
            }
        }
    }

    /// What is shown is what is known.
    pub(super) fn assert_shown(&self, shown: &Shown, context: &str) {
        let difference = self.differs(&self.model, shown, context);
        assert!(difference.is_none(), "{context}: {}", difference.unwrap_or_default());
    }

    fn differs(&self, model: &Model, shown: &Shown, context: &str) -> Option<String> {
        let users = shown.users_of(&format!("user_{}_", self.number));
        if !users.iter().eq(model.users.keys()) {
            return Some(format!("users {users:?}, not {:?}", model.users.keys()));
        }
        let keys = shown.keys_of(&owner(self.number), context);
        let known: BTreeMap<_, _> =
            model.keys.iter().map(|(label, key)| (label.clone(), key.shown())).collect();
        if keys != known {
            return Some(format!("keys {keys:?}, not {known:?}"));
        }
        None
    }

    /// Every key signs as it always did.
    pub(super) fn use_keys(&self, hsm: &mut Hsm, context: &str) {
        let used = hsm.logged_in(&owner(self.number), Role::CryptoUser, PASSWORD, |hsm| {
            for (label, key) in self.model.keys.iter().filter(|(_, key)| key.signs()) {
                let result = hsm.ask(sign(key));
                let result = result.unwrap_or_else(|failure| panic!("{context}: {label}: {failure:?}"));
                assert_signed(label, &mut key.clone(), result);
            }
        });
        assert!(used.is_some(), "{context}: {} cannot log in", owner(self.number));
    }

    /// Every password lets in.
    pub(super) fn use_passwords(&self, hsm: &mut Hsm, context: &str) {
        for (name, password) in &self.model.users {
            assert!(lets_in(hsm, name, password), "{context}: {name}'s password is another at {}", hsm.id);
        }
    }
}

fn lets_in(hsm: &mut Hsm, name: &str, password: &str) -> bool {
    hsm.logged_in(name, Role::CryptoUser, password, |_| ()).is_some()
}

/// Whether the change may have been made although it is not acknowledged.
fn is_doubtful(error: &ClientError) -> bool {
    match error {
        ClientError::Unreachable(_) | ClientError::DeadlineExceeded(_) | ClientError::NotAvailable(_) => true,
        ClientError::Refused { code, .. } => matches!(
            code,
            FailureCode::ReadOnly | FailureCode::Busy | FailureCode::Behind | FailureCode::DeadlineExceeded
        ),
        _ => false,
    }
}

fn keys_made(reply: &Reply) -> Vec<(String, Key)> {
    match &reply.result {
        Some(Done::Key(key)) => vec![Key::read(key)],
        Some(Done::KeyPair(pair)) => pair.public.iter().chain(&pair.private).map(Key::read).collect(),
        _ => Vec::new(),
    }
}

/// A signature of a private key, a MAC of a secret one.
fn sign(key: &Key) -> Command {
    let (kind, hash) = match key.class {
        KeyClass::SecretKey => (MechanismKind::AesCmac, Hash::None),
        _ => (MechanismKind::Ecdsa, Hash::Sha256),
    };
    let mechanism = Mechanism { kind: kind.into(), hash: hash.into(), ..Mechanism::default() };
    Command::Sign(Sign { key: key.handle, mechanism: Some(mechanism), data: MESSAGE.to_vec() })
}

/// The signature verifies; the MAC is the same as ever.
fn assert_signed(label: &str, key: &mut Key, result: Option<Done>) {
    let Some(Done::Output(output)) = result else { panic!("{label} gives {result:?}") };
    if key.class == KeyClass::SecretKey {
        let mac = key.mac.get_or_insert_with(|| output.data.clone());
        assert_eq!(mac, &output.data, "{label} has another MAC than before");
    } else {
        let public = PublicKey::from_spki(&key.public).unwrap();
        assert!(public.verify_digest(&sha256(MESSAGE), &output.data).is_ok(), "{label} {key:?}");
    }
}
