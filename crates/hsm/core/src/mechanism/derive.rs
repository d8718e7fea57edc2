//! Keys are derived from keys: ECDH with the X9.63 derivation, SP 800-108 in counter mode.

use strongroom_crypto::aes::AesKey;
use strongroom_crypto::ec::{PrivateKey, PublicKey};
use strongroom_crypto::kdf::{ByteOrder, Prf, Segment, sp800_108_counter, x963};
use strongroom_hsm_proto::command::{
    Agree, DeriveKey, KeyClass, KeyType, MechanismKind, Output, QuorumService, Result as Answered,
};
use strongroom_secret::SecretBytes;

use super::parameters::{NOT_FOR_THIS_KEY, Parameters, at_most};
use crate::hsm::Caller;
use crate::material::Material;
use crate::object::{Circle, Flags, NewKey, Origin, check_secret_length, read, secret_sort};
use crate::outcome::{Draft, Progress};
use crate::refusal::Refusal;
use crate::state::Resource;

/// The most bytes of shared info and of fixed input data.
const LONGEST_INFO: usize = 16_224;

impl Caller<'_> {
    pub(crate) fn derive_key(&self, command: &DeriveKey) -> Result<Progress, Refusal> {
        let owner = self.crypto_user()?;
        let parameters = Parameters::read(command.mechanism.as_ref(), self.hsm.options.mode)?;
        let sort = match KeyType::try_from(command.key_type) {
            Ok(key_type @ (KeyType::Aes | KeyType::GenericSecret)) => secret_sort(key_type),
            _ => return Err(Refusal::invalid_mechanism("A derived key is an AES key or a generic secret")),
        };
        check_secret_length(sort.key_type, command.length)?;
        let made = read(command.template.as_ref(), sort, Origin::Derived)?;
        let (draft, base) = {
            let state = self.hsm.state();
            let base = self.usable_key(&state, &owner, command.base)?;
            let draft = Draft::new(state.history.revision()).relying_on([Resource::Key(command.base)]);
            (self.approved_for_key(&state, QuorumService::KeyUsage, &base.record, draft)?, base)
        };
        if !base.record.has(Flags::DERIVE) || base.record.is(KeyClass::PublicKey) {
            return Err(Refusal::key_forbids("The key does not allow derivation"));
        }
        let draft = draft.verified()?;
        let base = self.hsm.material(&base)?;
        let bytes = derive(&base, &parameters, command.length as usize)?;
        let material = match sort.key_type {
            KeyType::Aes => Material::Aes(AesKey::new(bytes.expose())?),
            _ => Material::Secret(bytes),
        };
        let key = NewKey::new(&owner, sort, made, material, &Circle::default())?;
        self.place_one(&owner, key, draft)
    }

    /// Gives out the secret that ECDH comes to, to whoever may derive with the key, in either mode. That is what KMS's
    /// DeriveSharedSecret answers. It is more than `DeriveKey` gives: from a derived key, also an extractable one,
    /// nobody learns the secret that it was derived from. AWS's HSMs have no command of the kind for their users.
    pub(crate) fn agree(&self, command: &Agree) -> Result<Progress, Refusal> {
        let user = self.crypto_user()?;
        let (draft, base) = {
            let state = self.hsm.state();
            let base = self.usable_key(&state, &user, command.key)?;
            if !base.record.has(Flags::DERIVE) || base.record.is(KeyClass::PublicKey) {
                return Err(Refusal::key_forbids("The key does not allow derivation"));
            }
            let draft = Draft::new(state.history.revision());
            (self.approved_for_key(&state, QuorumService::KeyUsage, &base.record, draft)?, base)
        };
        let draft = draft.verified()?;
        let Material::Ec(key) = &*self.hsm.material(&base)? else { return Err(NOT_FOR_THIS_KEY) };
        let shared = agree(key, &command.peer)?;
        let output = Output { data: shared.expose().clone(), iv: Vec::new(), plaintext: Vec::new() };
        Ok(draft.answering(Answered::Output(output)).change())
    }
}

fn derive(base: &Material, parameters: &Parameters<'_>, length: usize) -> Result<SecretBytes, Refusal> {
    let raw = parameters.raw;
    at_most(&raw.info, LONGEST_INFO)?;
    match (parameters.kind, base) {
        (MechanismKind::EcdhX963, Material::Ec(key)) => {
            let hash = parameters.needed_hash()?;
            let shared = agree(key, &raw.peer)?;
            Ok(x963(hash, shared.expose(), &raw.info, length)?)
        }
        (MechanismKind::Sp800108Counter, Material::Aes(_) | Material::Secret(_)) => {
            let prf = match (parameters.hash, base) {
                (Some(hash), _) => Prf::Hmac(hash),
                (None, Material::Aes(_)) => Prf::CmacAes,
                (None, _) => {
                    return Err(Refusal::invalid_mechanism("The mechanism needs a hash function"));
                }
            };
            if !matches!(raw.counter_bits, 8 | 16 | 24 | 32) {
                return Err(Refusal::invalid_mechanism("The counter has 8, 16, 24 or 32 bits"));
            }
            let counter = Segment::Counter { bits: raw.counter_bits, order: ByteOrder::BigEndian };
            let segments = [counter, Segment::Bytes(&raw.info)];
            let key = base.secret_bytes()?;
            Ok(sp800_108_counter(prf, key.expose(), &segments, length)?)
        }
        _ => Err(NOT_FOR_THIS_KEY),
    }
}

fn agree(key: &PrivateKey, peer: &[u8]) -> Result<SecretBytes, Refusal> {
    let peer = PublicKey::from_point(key.curve(), peer)
        .map_err(|_| Refusal::invalid_data("The public key of the peer is no point of the curve"))?;
    Ok(key.agree(&peer)?)
}
