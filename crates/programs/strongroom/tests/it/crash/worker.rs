//! A client with keys of its own, that changes and uses them until the server is gone.

use std::collections::{BTreeMap, HashMap};
use std::io;
use std::net::SocketAddr;
use std::sync::mpsc::Sender;

use serde_json::{Value, json};

use super::change::{Change, What};
use super::found::{Clock, Rotations, ms, text};
use super::key::{DISABLED, ENABLED, Keys, PENDING_DELETION};
use crate::choices::Choices;
use crate::client::{Answer, Client};

const DAY_S: u64 = 86_400;

/// Of the ciphertexts that a worker has, so many of the latest are encrypted anew.
const LATEST: usize = 20;

/// What a client knows: everything that was acknowledged to it.
pub(super) struct Worker {
    number: usize,
    choices: Choices,
    /// Names given so far.
    given: u64,
    pub(super) keys: Keys,
    /// Ids by description, of keys that are deleted too.
    pub(super) ids: HashMap<String, String>,
    /// Ids of keys that were seen to be gone.
    pub(super) deleted: Vec<String>,
    /// Rotations by description, as they were last seen. `next_ms` is unknown once the key's schedule has
    /// been disturbed.
    pub(super) rotations: HashMap<String, Rotations>,
    pub(super) ciphertexts: Vec<Ciphertext>,
    /// The change that was asked for and not acknowledged yet.
    pub(super) in_flight: Option<Change>,
    /// Operations by the request ids of acknowledged calls.
    pub(super) acknowledged: HashMap<String, &'static str>,
    /// How often each operation changed what its record is found by.
    pub(super) changes: BTreeMap<(&'static str, String), usize>,
    pub(super) clock: Moves,
}

/// Moves of the clock, in seconds.
#[derive(Clone, Copy, Default)]
pub(super) struct Moves {
    pub(super) acknowledged: u64,
    pub(super) in_flight: u64,
}

/// What was encrypted.
pub(super) struct Ciphertext {
    pub(super) blob: String,
    pub(super) plaintext: String,
    /// The key's description.
    pub(super) key: String,
    /// The material that it was made under, if that was told.
    pub(super) material: Option<String>,
}

impl Worker {
    pub(super) fn new(number: usize, choices: Choices) -> Self {
        Self {
            number,
            choices,
            given: 0,
            keys: Keys::new(),
            ids: HashMap::new(),
            deleted: Vec::new(),
            rotations: HashMap::new(),
            ciphertexts: Vec::new(),
            in_flight: None,
            acknowledged: HashMap::new(),
            changes: BTreeMap::new(),
            clock: Moves::default(),
        }
    }

    /// Whether the key of that description is one of this worker's.
    pub(super) fn owns(&self, description: &str) -> bool {
        description.starts_with(&format!("{}-", self.number))
    }

    /// Works until the server is gone, and tells of every call that is acknowledged.
    pub(super) fn work(&mut self, address: SocketAddr, told: &Sender<()>) {
        let mut client = Client::new(address);
        while self.act(&mut client).is_ok() {
            // Whoever listens has heard enough before the server is killed.
            told.send(()).unwrap();
        }
    }

    fn act(&mut self, client: &mut Client) -> io::Result<()> {
        let key = self.usable();
        match (self.choices.next(0..20), key) {
            (0, _) => self.move_clock(client),
            (1..=4, Some(key)) => self.encrypt(client, key),
            (5..=7, Some(key)) if !self.ciphertexts.is_empty() => self.re_encrypt(client, key),
            _ => {
                let new = self.new_name();
                let change = Change::choose(&mut self.choices, &self.keys, &new);
                self.change(client, change)
            }
        }
    }

    fn new_name(&mut self) -> String {
        self.given += 1;
        format!("{}-{}", self.number, self.given)
    }

    /// Asks for a change, and takes it over once it is acknowledged.
    pub(super) fn change(&mut self, client: &mut Client, change: Change) -> io::Result<()> {
        let id = self.ids.get(&change.key).cloned().unwrap_or_default();
        let (operation, input, _) = change.call(&id);
        self.in_flight = Some(change);
        let answer = client.kms(operation, &input)?;
        let Some(change) = self.in_flight.take() else { return Ok(()) };
        if answer.status != 200 {
            return self.refused(client, &change, &answer);
        }
        if let Some(id) = answer.body["KeyMetadata"]["KeyId"].as_str() {
            self.ids.insert(change.key.clone(), id.to_owned());
        }
        self.acknowledged.insert(answer.request_id, operation);
        self.done(&change, ms(&answer.body["DeletionDate"]));
        Ok(())
    }

    /// Takes over what a change did.
    pub(super) fn done(&mut self, change: &Change, deletion_ms: Option<i64>) {
        change.make(&mut self.keys, deletion_ms);
        let id = self.ids.get(&change.key).map_or("", String::as_str);
        let (operation, _, subject) = change.call(id);
        *self.changes.entry((operation, subject)).or_default() += 1;
        if change.disturbs_rotation()
            && let Some(rotations) = self.rotations.get_mut(&change.key)
        {
            rotations.next_ms = None;
        }
    }

    /// Only what the others do to the clock can stand in the way of a change.
    fn refused(&mut self, client: &mut Client, change: &Change, answer: &Answer) -> io::Result<()> {
        let key = &self.keys[&change.key];
        match (&change.what, answer.body["__type"].as_str()) {
            (What::CancelDeletion, Some("NotFoundException")) => {
                let clock = Clock::read(client)?;
                assert!(key.is_deleted(clock.now_ms), "deleted too early: {change:?} {key:?} {clock:?}");
                self.deleted.push(self.ids[&change.key].clone());
                self.keys.remove(&change.key);
            }
            (What::Rotate, Some("ConflictException")) if key.rotation_days.is_some() => {}
            _ => panic!("{change:?} of {key:?}: {answer:?}"),
        }
        Ok(())
    }

    fn move_clock(&mut self, client: &mut Client) -> io::Result<()> {
        let seconds = DAY_S * self.choices.next(1..60);
        self.clock.in_flight = seconds;
        let moved = client.dev("POST", "/_strongroom/clock", &json!({"advance_seconds": seconds}))?;
        assert_eq!((moved.status, &moved.body["settled"]), (200, &json!(true)), "{moved:?}");
        self.clock = Moves { acknowledged: self.clock.acknowledged + seconds, in_flight: 0 };
        Ok(())
    }

    /// Any key that can be used.
    fn usable(&mut self) -> Option<String> {
        let usable = self.keys.iter().filter(|(_, key)| key.is(ENABLED));
        self.choices.any(usable.map(|(description, _)| description)).cloned()
    }

    fn encrypt(&mut self, client: &mut Client, key: String) -> io::Result<()> {
        // Eight digits are the Base64 of six bytes.
        self.given += 1;
        let plaintext = format!("{:01}{:07}", self.number, self.given);
        let input =
            json!({"KeyId": self.ids[&key], "Plaintext": plaintext, "EncryptionContext": bound(&plaintext)});
        let answer = self.used(client, "Encrypt", &input)?;
        let blob = text(&answer["CiphertextBlob"]);
        self.ciphertexts.push(Ciphertext { blob, plaintext, key, material: None });
        Ok(())
    }

    /// Encrypts one of the latest ciphertexts anew, or, if its key cannot be used, something new.
    fn re_encrypt(&mut self, client: &mut Client, key: String) -> io::Result<()> {
        let latest = self.ciphertexts.len().saturating_sub(LATEST)..self.ciphertexts.len();
        let at = self.choices.next(latest.start as u64..latest.end as u64) as usize;
        let source = &self.ciphertexts[at];
        if !self.keys.get(&source.key).is_some_and(|key| key.is(ENABLED)) {
            return self.encrypt(client, key);
        }
        let (plaintext, told) = (source.plaintext.clone(), source.material.clone());
        let input = json!({
            "CiphertextBlob": source.blob,
            "SourceEncryptionContext": bound(&plaintext),
            "DestinationKeyId": self.ids[&key],
            "DestinationEncryptionContext": bound(&plaintext),
        });
        let answer = self.used(client, "ReEncrypt", &input)?;
        let made_under = text(&answer["SourceKeyMaterialId"]);
        assert_eq!(told.unwrap_or_else(|| made_under.clone()), made_under, "{input}: {answer}");
        self.ciphertexts[at].material = Some(made_under);
        let material = Some(text(&answer["DestinationKeyMaterialId"]));
        self.ciphertexts.push(Ciphertext { blob: text(&answer["CiphertextBlob"]), plaintext, key, material });
        Ok(())
    }

    /// A call that changes no key.
    fn used(&mut self, client: &mut Client, operation: &'static str, input: &Value) -> io::Result<Value> {
        let answer = client.kms(operation, input)?;
        assert_eq!(answer.status, 200, "{operation} {input}: {answer:?}");
        self.acknowledged.insert(answer.request_id, operation);
        Ok(answer.body)
    }

    /// Lets every key be used again, so that all ciphertexts can be decrypted.
    pub(super) fn revive(&mut self, client: &mut Client) {
        for (state, what) in [(PENDING_DELETION, What::CancelDeletion), (DISABLED, What::Enable)] {
            let keys = self.keys.iter().filter(|(_, key)| key.is(state));
            for key in keys.map(|(description, _)| description.clone()).collect::<Vec<_>>() {
                self.change(client, Change { key, what: what.clone() }).unwrap();
            }
        }
    }
}

impl Ciphertext {
    /// The input of a Decrypt.
    pub(super) fn decrypt(&self) -> Value {
        json!({"CiphertextBlob": self.blob, "EncryptionContext": bound(&self.plaintext)})
    }
}

/// The encryption context of a plaintext.
fn bound(plaintext: &str) -> Value {
    json!({ "plaintext": plaintext })
}
