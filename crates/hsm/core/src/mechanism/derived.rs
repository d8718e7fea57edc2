//! KMS's ciphertexts: a key derived for each message (see `derived` beside the partitions of KMS).

use strongroom_hsm_proto::command::{
    ContextPair, DecryptDerived, EncryptDerived, Output, Result as Answered,
};

use crate::hsm::Caller;
use crate::material::Material;
use crate::object::Flags;
use crate::outcome::Progress;
use crate::refusal::Refusal;
use crate::{Attributes, BlobHeader, EncryptionContext, KeyType, OpenedKey, Usage};

impl Caller<'_> {
    pub(crate) fn encrypt_derived(&self, command: &EncryptDerived) -> Result<Progress, Refusal> {
        let key = self.derived_key(command.key, Flags::ENCRYPT, Usage::ENCRYPT_DERIVED)?;
        let material_id: &[u8; 32] = command
            .material_id
            .as_slice()
            .try_into()
            .map_err(|_| Refusal::invalid_data("The id of the key material has 32 bytes"))?;
        let names = BlobHeader { key_id: &command.key_id, material_id };
        let data = key.encrypt_derived(&names, &context(&command.context)?, &command.plaintext)?;
        Ok(Progress::Done(Some(Answered::Output(Output { data, iv: Vec::new() }))))
    }

    pub(crate) fn decrypt_derived(&self, command: &DecryptDerived) -> Result<Progress, Refusal> {
        let key = self.derived_key(command.key, Flags::DECRYPT, Usage::DECRYPT_DERIVED)?;
        let plaintext = key.decrypt_derived(&command.ciphertext, &context(&command.context)?)?;
        let data = plaintext.expose().clone();
        Ok(Progress::Done(Some(Answered::Output(Output { data, iv: Vec::new() }))))
    }

    /// The AES-256 key, for one operation.
    fn derived_key(&self, handle: u64, flag: Flags, usage: Usage) -> Result<OpenedKey, Refusal> {
        let entry = self.key_for(handle, flag)?;
        match &*self.hsm.material(&entry)? {
            Material::Aes(key) if key.expose().len() == 32 => {
                let attributes = Attributes { key_type: KeyType::Aes256, usage };
                Ok(OpenedKey::new(attributes, strongroom_secret::SecretBytes::new(key.expose().to_vec())))
            }
            _ => Err(Refusal::invalid_mechanism("The key must be an AES key of 32 bytes")),
        }
    }
}

fn context(pairs: &[ContextPair]) -> Result<EncryptionContext, Refusal> {
    Ok(EncryptionContext::new(pairs.iter().map(|pair| (&pair.name, &pair.value)))?)
}
