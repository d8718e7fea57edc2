//! Keys are made, and taken in.

use std::sync::Arc;

use strongroom_crypto::aes::AesKey;
use strongroom_crypto::{ec, ed25519, ml_dsa, random, rsa};
use strongroom_hsm_proto::command::{
    Curve, GenerateKey, GenerateKeyPair, ImportPublicKey, KeyClass, KeyDescription, KeyPair, KeyQuorum,
    KeyType, MlDsaSet, PairKind, Result as Answered, Role, RsaParameters, Template,
};
use strongroom_secret::SecretBytes;

use super::{Flags, Made, Origin, Sort, describe, read};
use crate::Mode;
use crate::effect::{KeyRecord, Kind, UserRef};
use crate::hsm::{Caller, Hsm};
use crate::material::{Material, parameter_set, weierstrass};
use crate::outcome::{Draft, FollowUp, Progress};
use crate::quorum::INVALID_VALUE;
use crate::refusal::Refusal;
use crate::state::{KeyEntry, Live, REMEMBERED_CHANGES, Resource, State};
use crate::user::crypto_user_name;

/// The most bytes of a generic secret.
const LONGEST_SECRET: u32 = 800;
/// The highest quorum value of a key.
const HIGHEST_QUORUM: u32 = 8;
/// The most users that a key is shared with when it is made.
const MOST_SHARES: usize = 1_024;
/// Handles have so many bits: enough that none comes twice, and few enough for every client.
const HANDLE_BITS: u32 = 48;

/// A key that is about to be placed.
pub(crate) struct NewKey {
    pub(crate) record: KeyRecord,
    pub(crate) material: Material,
}

/// Who a new key is for, besides its owner.
#[derive(Default)]
pub(crate) struct Circle {
    shared_with: Vec<String>,
    manage: u32,
    usage: u32,
}

impl Circle {
    /// Reads with whom a key is shared and how many must approve. That those users exist is checked when the key
    /// is placed.
    pub(crate) fn read(
        owner: &UserRef,
        share_with: &[String],
        quorum: Option<&KeyQuorum>,
    ) -> Result<Self, Refusal> {
        if share_with.len() > MOST_SHARES {
            return Err(Refusal::limit("A key is shared with too many users"));
        }
        let names: Result<Vec<_>, _> = share_with.iter().map(|name| crypto_user_name(name)).collect();
        let mut shared_with = names?;
        shared_with.retain(|name| *name != owner.name);
        shared_with.sort();
        shared_with.dedup();
        let (manage, usage) = quorum.map_or((0, 0), |quorum| (quorum.manage, quorum.usage));
        let highest = manage.max(usage);
        if highest > HIGHEST_QUORUM || highest as usize > 1 + shared_with.len() {
            return Err(Refusal::invalid_request(INVALID_VALUE));
        }
        Ok(Self { shared_with, manage, usage })
    }
}

impl NewKey {
    /// Puts a key together. Public keys are nobody's secret: they have no circle.
    pub(crate) fn new(
        owner: &UserRef,
        sort: Sort,
        made: Made,
        material: Material,
        circle: &Circle,
    ) -> Result<Self, Refusal> {
        let private = sort.class != KeyClass::PublicKey;
        let record = KeyRecord {
            handle: 0,
            version: KeyRecord::FIRST_VERSION,
            owner: owner.name.clone(),
            shared_with: if private { circle.shared_with.clone() } else { Vec::new() },
            manage_quorum: if private { circle.manage } else { 0 },
            use_quorum: if private { circle.usage } else { 0 },
            class: sort.class.into(),
            key_type: sort.key_type.into(),
            flags: made.flags.bits(),
            label: made.label,
            id: made.id,
            check_value: material.check_value()?,
            length: material.length()?,
            public: material.public()?,
            parameter: material.parameter(),
            wrap_template: made.wrap_template,
            unwrap_template: made.unwrap_template,
            token: Vec::new(),
        };
        Ok(Self { record, material })
    }
}

impl Caller<'_> {
    pub(crate) fn generate_key(&self, command: &GenerateKey) -> Result<Progress, Refusal> {
        let owner = self.crypto_user()?;
        let key_type = KeyType::try_from(command.key_type);
        let sort = match key_type {
            Ok(key_type @ (KeyType::Aes | KeyType::GenericSecret)) => secret_sort(key_type),
            _ => return Err(Refusal::invalid_mechanism("Keys of this type cannot be generated")),
        };
        check_secret_length(sort.key_type, command.length)?;
        let made = read(command.template.as_ref(), sort, Origin::Generated)?;
        let circle = Circle::read(&owner, &command.share_with, command.quorum.as_ref())?;
        let length = command.length as usize;
        let material = match sort.key_type {
            KeyType::Aes => Material::Aes(AesKey::generate(length)?),
            _ => Material::Secret(SecretBytes::filled(length, random::fill)?),
        };
        let key = NewKey::new(&owner, sort, made, material, &circle)?;
        self.place_one(&owner, key, Draft::new(0))
    }

    pub(crate) fn generate_key_pair(&self, command: &GenerateKeyPair) -> Result<Progress, Refusal> {
        let owner = self.crypto_user()?;
        let kind =
            command.kind.as_ref().ok_or(Refusal::invalid_request("The kind of the pair is missing"))?;
        let (key_type, curve) = match kind {
            PairKind::Rsa(_) => (KeyType::Rsa, None),
            PairKind::Ec(curve) => (
                KeyType::Ec,
                Some(Curve::try_from(*curve).map_err(|_| Refusal::invalid_data("The curve is unknown"))?),
            ),
            PairKind::MlDsa(_) => (KeyType::MlDsa, None),
        };
        self.hsm.permit_curve(curve)?;
        let public_sort = Sort { class: KeyClass::PublicKey, key_type };
        let private_sort = Sort { class: KeyClass::PrivateKey, ..public_sort };
        let public = read(command.public_template.as_ref(), public_sort, Origin::Generated)?;
        let private = read(command.private_template.as_ref(), private_sort, Origin::Generated)?;
        let circle = Circle::read(&owner, &command.share_with, command.quorum.as_ref())?;
        // Before the work of making the pair, which is made in vain when there is no room.
        let tokens = [&public, &private].into_iter().filter(|made| made.flags.contains(Flags::TOKEN)).count();
        if tokens > 0 {
            self.hsm.room_for(&self.hsm.state(), tokens, tokens)?;
        }
        let material = generate_pair(kind)?;
        let public_material = public_half(&material)?;
        let private = NewKey::new(&owner, private_sort, private, material, &circle)?;
        let public = NewKey::new(&owner, public_sort, public, public_material, &circle)?;
        self.place(&owner, vec![public, private], Draft::new(0), |records| {
            let mut descriptions = records.iter().map(describe);
            let (public, private) = (descriptions.next(), descriptions.next());
            Answered::KeyPair(KeyPair { public, private })
        })
    }

    pub(crate) fn import_public_key(&self, command: &ImportPublicKey) -> Result<Progress, Refusal> {
        let owner = self.crypto_user()?;
        let material = rsa::PublicKey::from_spki(&command.public_key)
            .map(Material::RsaPublic)
            .or_else(|_| ec::PublicKey::from_spki(&command.public_key).map(Material::EcPublic))
            .or_else(|_| ed25519::PublicKey::from_spki(&command.public_key).map(Material::Ed25519Public))
            .map_err(|_| Refusal::invalid_data("The public key must be an RSA or an EC key"))?;
        let key_type = if matches!(material, Material::RsaPublic(_)) { KeyType::Rsa } else { KeyType::Ec };
        let curve = match key_type {
            KeyType::Ec => Curve::try_from(material.parameter() as i32).ok(),
            _ => None,
        };
        self.hsm.permit_curve(curve)?;
        let sort = Sort { class: KeyClass::PublicKey, key_type };
        let made = read(command.template.as_ref(), sort, Origin::Imported)?;
        let key = NewKey::new(&owner, sort, made, material, &Circle::default())?;
        self.place_one(&owner, key, Draft::new(0))
    }

    /// Gives a new key a handle and a place: in the session, or as a change of the shared state; as a part of
    /// `draft`, whose revision is that of what was read for it before, or 0.
    pub(crate) fn place_one(&self, owner: &UserRef, key: NewKey, draft: Draft) -> Result<Progress, Refusal> {
        self.place(owner, vec![key], draft, |records| {
            Answered::Key(records.first().map_or_else(KeyDescription::default, describe))
        })
    }

    /// Gives new keys handles and places, and answers with what `answer` says of them.
    fn place(
        &self,
        owner: &UserRef,
        mut keys: Vec<NewKey>,
        mut draft: Draft,
        answer: impl FnOnce(&[KeyRecord]) -> Answered,
    ) -> Result<Progress, Refusal> {
        let is_token = |key: &NewKey| Flags::from_bits(key.record.flags).contains(Flags::TOKEN);
        let tokens = keys.iter().filter(|key| is_token(key)).count();
        let asymmetric =
            keys.iter().filter(|key| is_token(key) && !key.record.is(KeyClass::SecretKey)).count();
        {
            let state = self.hsm.state();
            // What the draft read before, it read at an earlier revision: all must be as it was then.
            draft.revision = match draft.revision {
                0 => state.history.revision(),
                earlier => earlier,
            };
            if tokens > 0 && self.hsm.room_for(&state, tokens, asymmetric)? {
                draft.reads.insert(Resource::KeyCount);
            }
            for key in &mut keys {
                for name in &key.record.shared_with {
                    if state.user(name, Role::CryptoUser).is_none() {
                        return Err(Refusal::no_such_user());
                    }
                    draft.reads.insert(Resource::User(UserRef::new(name, Role::CryptoUser)));
                }
                key.record.handle = self.free_handle(&state)?;
                draft.reads.insert(Resource::Key(key.record.handle));
            }
        }
        let of_session = keys.len() - tokens;
        if of_session > 0
            && self.session()?.inner().keys.len() + of_session > self.hsm.options.most_session_keys
        {
            return Err(Refusal::limit("The session has no room for more session keys"));
        }
        draft.reads.insert(Resource::User(owner.clone()));
        let (mut private, mut public) = (0, 0);
        let mut records = Vec::with_capacity(keys.len());
        for key in keys {
            if key.record.is(KeyClass::PublicKey) {
                public = key.record.handle;
            } else {
                private = key.record.handle;
            }
            let token = is_token(&key);
            let mut record = key.record;
            if token {
                if !record.is(KeyClass::PublicKey) {
                    record = self.hsm.keyring.seal_key(record, key.material.secret_bytes()?.expose())?;
                }
                draft.effects.push(Kind::PutKey(record.clone()));
            } else {
                let room = self.hsm.key_room.take(self.hsm.options.most_session_keys_in_all);
                let room = room.ok_or(Refusal::limit("The HSM has no room for more session keys"))?;
                let live = Live { material: Arc::new(key.material), _room: Arc::new(room) };
                let entry = KeyEntry::live(record.clone(), live);
                draft.follow_ups.push(FollowUp::Add { session: self.session()?.id, entry });
            }
            records.push(record);
        }
        self.about_keys(private, public);
        Ok(draft.answering(answer(&records)).change())
    }

    /// A handle that no key has, of the cluster or of the session.
    fn free_handle(&self, state: &State) -> Result<u64, Refusal> {
        let session = self.session()?;
        loop {
            let handle = u64::from_be_bytes(random::bytes()?) >> (u64::BITS - HANDLE_BITS);
            let is_new = state.keys.get(handle).is_none() && !state.deleted.contains(handle);
            if handle != 0 && is_new && !session.inner().keys.contains_key(&handle) {
                return Ok(handle);
            }
        }
    }
}

impl Hsm {
    /// Whether there is room for more token keys; and if so, whether it is so little that every change of the
    /// number of keys matters.
    pub(crate) fn room_for(&self, state: &State, keys: usize, asymmetric: usize) -> Result<bool, Refusal> {
        let most = [
            (state.keys.len() + keys, self.options.most_keys),
            (state.keys.asymmetric() + asymmetric, self.options.most_asymmetric_keys),
        ];
        if most.iter().any(|(count, most)| count > most) {
            return Err(Refusal::limit("The maximum number of keys is reached"));
        }
        Ok(most.iter().any(|(count, most)| count + 2 * REMEMBERED_CHANGES > *most))
    }

    /// Refuses curves that the mode bans.
    pub(crate) fn permit_curve(&self, curve: Option<Curve>) -> Result<(), Refusal> {
        if curve == Some(Curve::Ed25519) && self.options.mode == Mode::Fips {
            return Err(Refusal::invalid_mechanism("Ed25519 is not available in FIPS mode"));
        }
        Ok(())
    }
}

/// The sort of a secret key.
pub(crate) const fn secret_sort(key_type: KeyType) -> Sort {
    Sort { class: KeyClass::SecretKey, key_type }
}

/// Checks the length of a secret key.
pub(crate) fn check_secret_length(key_type: KeyType, length: u32) -> Result<(), Refusal> {
    match key_type {
        KeyType::Aes if matches!(length, 16 | 24 | 32) => Ok(()),
        KeyType::Aes => Err(Refusal::invalid_attribute("An AES key has 16, 24 or 32 bytes")),
        KeyType::GenericSecret if (1..=LONGEST_SECRET).contains(&length) => Ok(()),
        KeyType::GenericSecret => Err(Refusal::invalid_attribute("A generic secret has 1 to 800 bytes")),
        _ => Err(Refusal::invalid_mechanism("The key is no secret key")),
    }
}

fn generate_pair(kind: &PairKind) -> Result<Material, Refusal> {
    Ok(match kind {
        PairKind::Rsa(RsaParameters { modulus_bits, public_exponent }) => {
            let bits_are_served = (rsa::MIN_BITS..=rsa::MAX_BITS).contains(modulus_bits)
                && (modulus_bits - rsa::MIN_BITS).is_multiple_of(rsa::BITS_STEP);
            if !bits_are_served {
                return Err(Refusal::invalid_attribute("The modulus has 2048 to 4096 bits, in steps of 256"));
            }
            let exponent = public_exponent
                .iter()
                .fold(0_u64, |value, byte| value.saturating_mul(256).saturating_add((*byte).into()));
            if !(rsa::MIN_EXPONENT..=rsa::MAX_EXPONENT).contains(&exponent) || exponent % 2 == 0 {
                return Err(Refusal::invalid_attribute(
                    "The public exponent is odd, at least 65537 and below 2^32",
                ));
            }
            Material::Rsa(rsa::PrivateKey::generate(*modulus_bits, exponent)?)
        }
        PairKind::Ec(curve) => {
            let curve = Curve::try_from(*curve).map_err(|_| Refusal::invalid_data("The curve is unknown"))?;
            match weierstrass(curve) {
                Some(curve) => Material::Ec(ec::PrivateKey::generate(curve)?),
                None => Material::Ed25519(Box::new(ed25519::PrivateKey::generate()?)),
            }
        }
        PairKind::MlDsa(set) => {
            let set = MlDsaSet::try_from(*set)
                .map_err(|_| Refusal::invalid_data("The parameter set is unknown"))?;
            Material::MlDsa(Box::new(ml_dsa::PrivateKey::generate(parameter_set(set))?))
        }
    })
}

fn public_half(material: &Material) -> Result<Material, Refusal> {
    let public = material.public()?;
    Ok(match material {
        Material::Rsa(_) => Material::RsaPublic(rsa::PublicKey::from_spki(&public)?),
        Material::Ec(_) => Material::EcPublic(ec::PublicKey::from_spki(&public)?),
        Material::Ed25519(key) => Material::Ed25519Public(*key.public_key()),
        Material::MlDsa(key) => {
            Material::MlDsaPublic(ml_dsa::PublicKey::from_spki(key.public_key().parameter_set(), &public)?)
        }
        _ => return Err(Refusal::key_forbids("The key has no public half")),
    })
}

/// The template of a new key and one that a wrapping key demands, in one. Where they contradict, it fails.
pub(crate) fn united(given: Option<&Template>, demanded: Option<&Template>) -> Result<Template, Refusal> {
    let mut united = given.cloned().unwrap_or_default();
    for attribute in demanded.iter().flat_map(|template| &template.attributes) {
        match united.attributes.iter().find(|other| other.name == attribute.name) {
            None => united.attributes.push(attribute.clone()),
            Some(other) if other.value == attribute.value => {}
            Some(_) => {
                return Err(Refusal::invalid_attribute(
                    "The attributes contradict the unwrap-template of the unwrapping key",
                ));
            }
        }
    }
    Ok(united)
}
