//! The commands that compute.

use std::sync::Arc;

use strongroom_crypto::random;
use strongroom_hsm_proto::command::{
    Decrypt, Digest, Encrypt, Output, QuorumService, Random, Result as Answered, Sign, Verified, Verify,
};

use super::parameters::{NOT_FOR_THIS_KEY, Parameters, at_most, hash};
use super::{aes, ec, mac, ml_dsa, rsa};
use crate::hsm::Caller;
use crate::material::Material;
use crate::object::Flags;
use crate::outcome::{Draft, Progress};
use crate::quorum;
use crate::refusal::Refusal;
use crate::state::KeyEntry;

/// The most random bytes of one call.
const MOST_RANDOM: usize = 16_384;
/// The most bytes that are hashed in one call, alone or to be signed: what a frame holds.
const LONGEST_HASHED: usize = 65_536;

impl Caller<'_> {
    /// A key that the crypto user may use for what needs no approval.
    pub(super) fn key_for(&self, handle: u64, flag: Flags) -> Result<Arc<KeyEntry>, Refusal> {
        let user = self.crypto_user()?;
        let entry = self.usable_key(&self.hsm.state(), &user, handle)?;
        allows(&entry, flag)?;
        if entry.record.use_quorum > 0 {
            return Err(Refusal::new(
                strongroom_hsm_proto::command::FailureCode::QuorumRequired,
                quorum::FAILED,
            ));
        }
        Ok(entry)
    }

    pub(crate) fn encrypt(&self, command: &Encrypt) -> Result<Progress, Refusal> {
        let parameters = Parameters::read(command.mechanism.as_ref(), self.hsm.options.mode)?;
        let entry = self.key_for(command.key, Flags::ENCRYPT)?;
        let (data, iv) = match &*self.hsm.material(&entry)? {
            Material::Aes(key) => aes::encrypt(key, &parameters, &command.data)?,
            Material::RsaPublic(key) => (rsa::encrypt(key, &parameters, &command.data)?, Vec::new()),
            _ => return Err(NOT_FOR_THIS_KEY),
        };
        Ok(Progress::Done(Some(Answered::Output(Output { data, iv, plaintext: Vec::new() }))))
    }

    pub(crate) fn decrypt(&self, command: &Decrypt) -> Result<Progress, Refusal> {
        let parameters = Parameters::read(command.mechanism.as_ref(), self.hsm.options.mode)?;
        let entry = self.key_for(command.key, Flags::DECRYPT)?;
        let plaintext = match &*self.hsm.material(&entry)? {
            Material::Aes(key) => aes::decrypt(key, &parameters, &command.data)?,
            Material::Rsa(key) => rsa::decrypt(key, &parameters, &command.data)?,
            _ => return Err(NOT_FOR_THIS_KEY),
        };
        let data = plaintext.expose().clone();
        Ok(Progress::Done(Some(Answered::Output(Output { data, iv: Vec::new(), plaintext: Vec::new() }))))
    }

    pub(crate) fn sign(&self, command: &Sign) -> Result<Progress, Refusal> {
        let parameters = Parameters::read(command.mechanism.as_ref(), self.hsm.options.mode)?;
        at_most(&command.data, LONGEST_HASHED)?;
        let user = self.crypto_user()?;
        let (draft, entry) = {
            let state = self.hsm.state();
            let entry = self.usable_key(&state, &user, command.key)?;
            allows(&entry, Flags::SIGN)?;
            let draft = Draft::new(state.history.revision());
            (self.approved_for_key(&state, QuorumService::KeyUsage, &entry.record, draft)?, entry)
        };
        let draft = draft.verified()?;
        let data = match &*self.hsm.material(&entry)? {
            Material::Rsa(key) => rsa::sign(key, &parameters, &command.data)?,
            Material::Ec(key) => ec::sign(key, &parameters, &command.data)?,
            Material::Ed25519(key) => ec::sign_ed25519(key, &parameters, &command.data)?,
            Material::MlDsa(key) => ml_dsa::sign(key, &parameters, &command.data)?,
            key => mac::sign(key, &parameters, &command.data)?,
        };
        // A signature that was approved uses the approval up, and is given out once all HSMs know that.
        Ok(draft.answering(Answered::Output(Output { data, iv: Vec::new(), plaintext: Vec::new() })).change())
    }

    pub(crate) fn verify(&self, command: &Verify) -> Result<Progress, Refusal> {
        let parameters = Parameters::read(command.mechanism.as_ref(), self.hsm.options.mode)?;
        at_most(&command.data, LONGEST_HASHED)?;
        let entry = self.key_for(command.key, Flags::VERIFY)?;
        let (data, signature) = (&command.data, &command.signature);
        let valid = match &*self.hsm.material(&entry)? {
            Material::RsaPublic(key) => rsa::verify(key, &parameters, data, signature)?,
            Material::EcPublic(key) => ec::verify(key, &parameters, data, signature)?,
            Material::Ed25519Public(key) => ec::verify_ed25519(key, &parameters, data, signature)?,
            Material::MlDsaPublic(key) => ml_dsa::verify(key, &parameters, data, signature)?,
            key => mac::verify(key, &parameters, data, signature)?,
        };
        Ok(Progress::Done(Some(Answered::Verified(Verified { valid }))))
    }

    pub(crate) fn digest(&self, command: &Digest) -> Result<Progress, Refusal> {
        self.crypto_user()?;
        at_most(&command.data, LONGEST_HASHED)?;
        let hash =
            hash(command.hash)?.ok_or(Refusal::invalid_mechanism("The mechanism needs a hash function"))?;
        let data = hash.digest(&command.data);
        Ok(Progress::Done(Some(Answered::Output(Output { data, iv: Vec::new(), plaintext: Vec::new() }))))
    }

    pub(crate) fn random(&self, command: &Random) -> Result<Progress, Refusal> {
        self.user()?;
        let length = command.length as usize;
        if !(1..=MOST_RANDOM).contains(&length) {
            return Err(Refusal::invalid_data("One call gives 1 to 16384 random bytes"));
        }
        let mut data = vec![0; length];
        random::fill(&mut data)?;
        Ok(Progress::Done(Some(Answered::Output(Output { data, iv: Vec::new(), plaintext: Vec::new() }))))
    }
}

fn allows(entry: &KeyEntry, flag: Flags) -> Result<(), Refusal> {
    if entry.record.has(flag) {
        return Ok(());
    }
    Err(Refusal::key_forbids("The attributes of the key do not allow this operation"))
}
