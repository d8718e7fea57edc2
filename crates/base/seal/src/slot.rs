//! One way to the root key: a key pair whose private half opens with the slot's own key.
//!
//! The root key is sealed to the public half ([`strongroom_crypto::hpke`]). So a rotation gives the new one to every slot
//! although nobody is there to type a passphrase, and needs no slot's key for it: whoever has a slot's key, and any copy of
//! the file that the slot was not in, has nothing.
//!
//! A public key is anybody's, so the root key is first wrapped under the *lineage*, 32 random bytes which are as old as the seal:
//! nobody who has had neither a root key nor a slot's key of this seal can put a root key of his own behind a slot, nor get at
//! ours by breaking the public key.
//!
//! In formats 1 and 2 the root key was wrapped under the slot's key itself. For rotations format 2 had the slots' keys under
//! the root key: who had seen one root key had all slots of then, whatever root key was put into them later. Such slots get
//! a pair ([`Slot::paired`]); their keys may be known to somebody for all that, and [`Slot::since`] tells so until they are
//! made anew.

use strongroom_crypto::hpke::{self, PUBLIC_KEY_LENGTH, PrivateKey};
use strongroom_crypto::{hex, salted};
use strongroom_secret::{Key256, SecretBytes};

use crate::{Epoch, SealError};

/// What slots' own keys are wrapped for, under the root key, in format 2.
const SLOT_KEY_LABEL: &[u8] = b"strongroom/slot-key";
/// What root keys are wrapped for, under the lineage, and then sealed for, to slots' public keys.
const SLOT_ROOT: &[u8] = b"strongroom/slot-root";

/// The format in which slots' keys first stood nowhere but with who opens them.
pub(crate) const OWN_KEYS_SINCE: u32 = 3;
/// The format in which they stood under the root key.
pub(crate) const SHARED_KEYS: u32 = 2;

/// What a slot is called.
#[derive(Clone)]
pub(crate) struct SlotName {
    pub(crate) kind: String,
    pub(crate) id: [u8; 8],
    /// What the slot's kind needs to know to make the slot's key; `-` if nothing.
    pub(crate) parameters: String,
}

impl SlotName {
    pub(crate) fn id_text(&self) -> String {
        hex::encode(&self.id)
    }
}

/// What a slot leads to.
#[derive(Clone, Copy)]
pub(crate) struct Goal<'k> {
    pub(crate) epoch: Epoch,
    pub(crate) root: &'k Key256,
    /// What only those know who have had a root key of the seal.
    pub(crate) lineage: &'k Key256,
}

/// One way to the root key.
#[derive(Clone)]
pub(crate) struct Slot {
    pub(crate) name: SlotName,
    way: Way,
}

#[derive(Clone)]
enum Way {
    /// Formats 1 and 2.
    Key { root: Vec<u8>, own_key: Option<Vec<u8>> },
    /// Format 3.
    Pair(Pair),
}

#[derive(Clone)]
struct Pair {
    /// The format in which the slot's key was made, 2 or 3.
    since: u32,
    public: [u8; PUBLIC_KEY_LENGTH],
    /// The private half and the lineage, under the slot's key.
    private: Vec<u8>,
    /// The newest root key under the lineage, to the public half.
    root: Vec<u8>,
}

/// Why a slot does not open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shut {
    /// The key is another slot's, or the passphrase is wrong.
    OtherKey,
    /// The key is this slot's, and what should be behind it is not.
    Altered,
}

impl Slot {
    /// Makes a slot for the holder of `slot_key`, which has been nobody else's since that format.
    pub(crate) fn new(
        name: SlotName,
        slot_key: &Key256,
        since: u32,
        goal: Goal<'_>,
    ) -> Result<Self, SealError> {
        let key = PrivateKey::generate()?;
        let public = *key.public_key();
        let halves = SecretBytes::filled(64, |bytes| {
            let (private, lineage) = bytes.split_at_mut(32);
            private.copy_from_slice(key.to_bytes()?.expose());
            lineage.copy_from_slice(goal.lineage.expose());
            Ok::<_, SealError>(())
        })?;
        let mut private = Vec::new();
        let bound_to = pair_bound_to(&name, since, &public);
        salted::seal_into(slot_key, &pair_label(&name), &bound_to, halves.expose(), &mut private)?;
        let root = sealed_root(&name, &public, goal)?;
        Ok(Self { name, way: Way::Pair(Pair { since, public, private, root }) })
    }

    /// The format in which its key was made. Before [`OWN_KEYS_SINCE`] it stood under the root key, or may have.
    pub(crate) fn since(&self) -> u32 {
        match &self.way {
            Way::Key { own_key: Some(_), .. } => SHARED_KEYS,
            // A key of format 1 never stood anywhere else.
            Way::Key { own_key: None, .. } => OWN_KEYS_SINCE,
            Way::Pair(pair) => pair.since,
        }
    }

    /// Whether it has a key pair yet.
    pub(crate) fn is_paired(&self) -> bool {
        matches!(self.way, Way::Pair(_))
    }

    /// Opens the root key of `epoch`.
    pub(crate) fn open(&self, slot_key: &Key256, epoch: Epoch) -> Result<Key256, Shut> {
        match &self.way {
            Way::Key { root, own_key } => {
                // Format 1 bound the id alone.
                let aad = if own_key.is_some() { bound_to(&self.name, epoch) } else { self.name.id.to_vec() };
                let label = format!("strongroom/slot/{}", self.name.kind);
                opened_key(slot_key, label.as_bytes(), &aad, root).ok_or(Shut::OtherKey)
            }
            Way::Pair(pair) => pair.open(&self.name, slot_key, epoch),
        }
    }

    /// The same slot for another root key. It is one with a pair.
    pub(crate) fn leading_to(mut self, goal: Goal<'_>) -> Result<Self, SealError> {
        match &mut self.way {
            Way::Pair(pair) => pair.root = sealed_root(&self.name, &pair.public, goal)?,
            Way::Key { .. } => return Err(self.stays_behind()),
        }
        Ok(self)
    }

    /// The same slot with a pair, if it is of format 2: its key stands under the root key of `epoch`, for the last time.
    pub(crate) fn paired(&self, (epoch, root): (Epoch, &Key256), goal: Goal<'_>) -> Result<Self, SealError> {
        let own_key = match &self.way {
            Way::Pair(_) => return Ok(self.clone()),
            Way::Key { own_key, .. } => own_key.as_ref(),
        };
        let slot_key = own_key
            .and_then(|own_key| opened_key(root, SLOT_KEY_LABEL, &bound_to(&self.name, epoch), own_key))
            .ok_or_else(|| self.stays_behind())?;
        Self::new(self.name.clone(), &slot_key, SHARED_KEYS, goal)
    }

    fn stays_behind(&self) -> SealError {
        SealError::SlotStaysBehind { kind: self.name.kind.clone(), id: self.name.id_text() }
    }

    /// Reads the words of a slot's line.
    pub(crate) fn parse(words: &[&str], format: u32) -> Option<Self> {
        let (kind, id, parameters, way) = match (format, words) {
            (1, [kind, id, root]) => (kind, id, &"-", Way::Key { root: hex::decode(root)?, own_key: None }),
            (2, [kind, id, parameters, root, own_key]) => {
                let own_key = Some(hex::decode(own_key)?);
                (kind, id, parameters, Way::Key { root: hex::decode(root)?, own_key })
            }
            (3, [kind, id, parameters, since, public, private, root]) => {
                let since =
                    since.parse().ok().filter(|since| (SHARED_KEYS..=OWN_KEYS_SINCE).contains(since))?;
                let public = hex::decode(public)?.try_into().ok()?;
                let (private, root) = (hex::decode(private)?, hex::decode(root)?);
                (kind, id, parameters, Way::Pair(Pair { since, public, private, root }))
            }
            _ => return None,
        };
        let name = SlotName {
            kind: (*kind).to_owned(),
            id: hex::decode(id)?.try_into().ok()?,
            parameters: (*parameters).to_owned(),
        };
        Some(Self { name, way })
    }

    /// Its line, which [`parse`](Self::parse) reads behind the first word.
    pub(crate) fn line(&self) -> String {
        let SlotName { kind, parameters, .. } = &self.name;
        let id = self.name.id_text();
        match &self.way {
            Way::Key { root, own_key: None } => format!("slot {kind} {id} {}", hex::encode(root)),
            Way::Key { root, own_key: Some(own_key) } => {
                format!("slot {kind} {id} {parameters} {} {}", hex::encode(root), hex::encode(own_key))
            }
            Way::Pair(Pair { since, public, private, root }) => {
                let [public, private, root] = [public.as_slice(), private, root].map(hex::encode);
                format!("slot {kind} {id} {parameters} {since} {public} {private} {root}")
            }
        }
    }
}

impl Pair {
    fn open(&self, name: &SlotName, slot_key: &Key256, epoch: Epoch) -> Result<Key256, Shut> {
        let bound_to = pair_bound_to(name, self.since, &self.public);
        let halves = salted::open(slot_key, &pair_label(name), &bound_to, &self.private)
            .map_err(|_| Shut::OtherKey)?;
        let (private, lineage) = halves.expose().split_at_checked(32).ok_or(Shut::Altered)?;
        let [private, lineage] = [private, lineage].map(Key256::copied_from);
        let (private, lineage) = private.zip(lineage).ok_or(Shut::Altered)?;
        let private = PrivateKey::from_bytes(&private).map_err(|_| Shut::Altered)?;
        let aad = root_bound_to(name, epoch);
        let wrapped = private.open(SLOT_ROOT, &aad, &self.root).map_err(|_| Shut::Altered)?;
        opened_key(&lineage, SLOT_ROOT, &aad, wrapped.expose()).ok_or(Shut::Altered)
    }
}

fn sealed_root(
    name: &SlotName,
    public: &[u8; PUBLIC_KEY_LENGTH],
    goal: Goal<'_>,
) -> Result<Vec<u8>, SealError> {
    let aad = root_bound_to(name, goal.epoch);
    let mut wrapped = Vec::new();
    salted::seal_into(goal.lineage, SLOT_ROOT, &aad, goal.root.expose(), &mut wrapped)?;
    Ok(hpke::seal(public, SLOT_ROOT, &aad, &wrapped)?)
}

/// What is wrapped for a kind of slot stays with that kind.
fn pair_label(name: &SlotName) -> Vec<u8> {
    format!("strongroom/slot-pair/{}", name.kind).into_bytes()
}

/// The private half is bound to all of its line that a rotation leaves as it is.
fn pair_bound_to(name: &SlotName, since: u32, public: &[u8; PUBLIC_KEY_LENGTH]) -> Vec<u8> {
    [&name.id, since.to_be_bytes().as_slice(), public, name.parameters.as_bytes()].concat()
}

fn root_bound_to(name: &SlotName, epoch: Epoch) -> Vec<u8> {
    [&name.id, epoch.number().to_be_bytes().as_slice()].concat()
}

/// Format 2's values are bound to all of their line, and to the epoch.
fn bound_to(name: &SlotName, epoch: Epoch) -> Vec<u8> {
    [&name.id, epoch.number().to_be_bytes().as_slice(), name.parameters.as_bytes()].concat()
}

pub(crate) fn opened_key(key: &Key256, label: &[u8], aad: &[u8], wrapped: &[u8]) -> Option<Key256> {
    salted::open(key, label, aad, wrapped).ok().and_then(|opened| Key256::copied_from(opened.expose()))
}
