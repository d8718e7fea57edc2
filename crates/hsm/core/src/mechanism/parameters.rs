//! The parameters of a mechanism, checked as far as the key does not matter.

use strongroom_crypto::digest::Hash;
use strongroom_hsm_proto::command::{Hash as HashName, Mechanism, MechanismKind};

use crate::Mode;
use crate::refusal::Refusal;

/// The most bytes that one call takes in, whatever the mechanism: an HSM's buffer.
pub(super) const LONGEST_DATA: usize = 16_288;

/// A mechanism with its parameters.
#[derive(Clone, Copy)]
pub(super) struct Parameters<'a> {
    pub(super) kind: MechanismKind,
    /// The hash, if one is named.
    pub(super) hash: Option<Hash>,
    pub(super) raw: &'a Mechanism,
    pub(super) mode: Mode,
}

impl<'a> Parameters<'a> {
    pub(super) fn read(mechanism: Option<&'a Mechanism>, mode: Mode) -> Result<Self, Refusal> {
        let raw = mechanism.ok_or(Refusal::invalid_request("The mechanism is missing"))?;
        let kind = MechanismKind::try_from(raw.kind)
            .map_err(|_| Refusal::invalid_mechanism("The mechanism is unknown"))?;
        Ok(Self { kind, hash: hash(raw.hash)?, raw, mode })
    }

    pub(super) fn needed_hash(&self) -> Result<Hash, Refusal> {
        self.hash.ok_or(Refusal::invalid_mechanism("The mechanism needs a hash function"))
    }

    /// The digest that is signed: of the data, or the data itself where it is one already.
    pub(super) fn digest(&self, hash: Hash, data: &[u8]) -> Result<Vec<u8>, Refusal> {
        if !self.raw.prehashed {
            return Ok(hash.digest(data));
        }
        if data.len() == hash.output_length() {
            return Ok(data.to_vec());
        }
        Err(Refusal::invalid_data("The digest has the wrong length for the hash function"))
    }

    /// Refuses what FIPS 140-3 does not approve.
    pub(super) fn not_in_fips_mode(&self) -> Result<(), Refusal> {
        match self.mode {
            Mode::NonFips => Ok(()),
            Mode::Fips => Err(Refusal::invalid_mechanism("The mechanism is not available in FIPS mode")),
        }
    }
}

/// The hash function of that number; none for [`HashName::None`].
pub(super) fn hash(number: i32) -> Result<Option<Hash>, Refusal> {
    Ok(match HashName::try_from(number) {
        Ok(HashName::None) => None,
        Ok(HashName::Sha1) => Some(Hash::Sha1),
        Ok(HashName::Sha224) => Some(Hash::Sha224),
        Ok(HashName::Sha256) => Some(Hash::Sha256),
        Ok(HashName::Sha384) => Some(Hash::Sha384),
        Ok(HashName::Sha512) => Some(Hash::Sha512),
        Err(_) => return Err(Refusal::invalid_mechanism("The hash function is unknown")),
    })
}

/// The key's type does not do this.
pub(super) const NOT_FOR_THIS_KEY: Refusal =
    Refusal::invalid_mechanism("The mechanism is not for this type of key");

/// Refuses more data than a mechanism takes in one call.
pub(super) fn at_most(data: &[u8], most: usize) -> Result<(), Refusal> {
    if data.len() > most {
        return Err(Refusal::invalid_data("The data is too long for one call"));
    }
    Ok(())
}
