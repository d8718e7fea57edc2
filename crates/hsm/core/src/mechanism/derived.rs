//! KMS's ciphertexts: a key derived for each message (see `derived` beside the partitions of KMS).

use strongroom_crypto::random;
use strongroom_hsm_proto::command::{
    ContextPair, DecryptDerived, EncryptDerived, GenerateDerived, Output, ReEncryptDerived,
    Result as Answered,
};
use strongroom_secret::SecretBytes;

use crate::hsm::Caller;
use crate::material::Material;
use crate::object::Flags;
use crate::outcome::Progress;
use crate::refusal::Refusal;
use crate::{Attributes, BlobHeader, EncryptionContext, KeyType, LONGEST_PLAINTEXT, OpenedKey, Usage};

impl Caller<'_> {
    pub(crate) fn encrypt_derived(&self, command: &EncryptDerived) -> Result<Progress, Refusal> {
        let key = self.encrypting(command.key)?;
        let names = names(&command.key_id, &command.material_id)?;
        let data = key.encrypt_derived(&names, &context(&command.context)?, &command.plaintext)?;
        Ok(output(data))
    }

    pub(crate) fn decrypt_derived(&self, command: &DecryptDerived) -> Result<Progress, Refusal> {
        let key = self.decrypting(command.key)?;
        let plaintext = key.decrypt_derived(&command.ciphertext, &context(&command.context)?)?;
        Ok(output(plaintext.expose().clone()))
    }

    pub(crate) fn generate_derived(&self, command: &GenerateDerived) -> Result<Progress, Refusal> {
        let key = self.encrypting(command.key)?;
        let names = names(&command.key_id, &command.material_id)?;
        let length = command.length as usize;
        if !(1..=LONGEST_PLAINTEXT).contains(&length) {
            return Err(Refusal::invalid_data("A data key has 1 to 4096 bytes"));
        }
        let mut plaintext = vec![0; length];
        random::fill(&mut plaintext)?;
        let plaintext = SecretBytes::new(plaintext);
        let data = key.encrypt_derived(&names, &context(&command.context)?, plaintext.expose())?;
        let plaintext = if command.without_plaintext { Vec::new() } else { plaintext.expose().clone() };
        Ok(Progress::Done(Some(Answered::Output(Output { data, iv: Vec::new(), plaintext }))))
    }

    pub(crate) fn re_encrypt_derived(&self, command: &ReEncryptDerived) -> Result<Progress, Refusal> {
        let (from, to) = (self.decrypting(command.from)?, self.encrypting(command.to)?);
        let names = names(&command.key_id, &command.material_id)?;
        let plaintext = from.decrypt_derived(&command.ciphertext, &context(&command.from_context)?)?;
        let data = to.encrypt_derived(&names, &context(&command.to_context)?, plaintext.expose())?;
        Ok(output(data))
    }

    fn encrypting(&self, handle: u64) -> Result<OpenedKey, Refusal> {
        self.derived_key(handle, Flags::ENCRYPT, Usage::ENCRYPT_DERIVED)
    }

    fn decrypting(&self, handle: u64) -> Result<OpenedKey, Refusal> {
        self.derived_key(handle, Flags::DECRYPT, Usage::DECRYPT_DERIVED)
    }

    /// The AES-256 key, for one operation.
    fn derived_key(&self, handle: u64, flag: Flags, usage: Usage) -> Result<OpenedKey, Refusal> {
        let entry = self.key_for(handle, flag)?;
        match &*self.hsm.material(&entry)? {
            Material::Aes(key) if key.expose().len() == 32 => {
                let attributes = Attributes { key_type: KeyType::Aes256, usage };
                Ok(OpenedKey::new(attributes, &SecretBytes::new(key.expose().to_vec()))?)
            }
            _ => Err(Refusal::invalid_mechanism("The key must be an AES key of 32 bytes")),
        }
    }
}

fn output(data: Vec<u8>) -> Progress {
    Progress::Done(Some(Answered::Output(Output { data, iv: Vec::new(), plaintext: Vec::new() })))
}

fn names<'a>(key_id: &'a str, material_id: &'a [u8]) -> Result<BlobHeader<'a>, Refusal> {
    let material_id = material_id
        .try_into()
        .map_err(|_| Refusal::invalid_data("The id of the key material has 32 bytes"))?;
    Ok(BlobHeader { key_id, material_id })
}

fn context(pairs: &[ContextPair]) -> Result<EncryptionContext, Refusal> {
    Ok(EncryptionContext::new(pairs.iter().map(|pair| (&pair.name, &pair.value)))?)
}
