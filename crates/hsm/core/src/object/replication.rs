//! Keys go to clones of the cluster and come from them, sealed under the family key.

use prost::Message;
use strongroom_crypto::salted;
use strongroom_hsm_proto::command::{
    ExportKey, Exported, FailureCode, ImportKey, KeyClass, Result as Answered, Role,
};
use strongroom_secret::SecretBytes;
use zeroize::Zeroize;

use super::{Flags, describe};
use crate::effect::{KeyRecord, Kind, UserRef};
use crate::hsm::Caller;
use crate::material::Material;
use crate::outcome::{Draft, Progress};
use crate::refusal::Refusal;
use crate::state::Resource;

const LABEL: &[u8] = b"strongroom/hsm/clone/key";
/// What is sealed says what form it has.
const FORMAT: &[u8] = b"key/1";
/// The most bytes of a sealed key.
const LONGEST_SEALED: usize = 65_536;

impl Caller<'_> {
    pub(crate) fn export_key(&self, command: &ExportKey) -> Result<Progress, Refusal> {
        let user = self.user()?;
        let entry = {
            let state = self.hsm.state();
            if user.role == i32::from(Role::Admin) {
                state.keys.get(command.key).cloned().ok_or_else(Refusal::no_such_key)?
            } else {
                self.owned_key(&state, &user, command.key)?
            }
        };
        self.about_key(&entry.record);
        if !entry.record.has(Flags::TOKEN) {
            return Err(Refusal::key_forbids("Session keys cannot be replicated"));
        }
        // In the place of the token stands the material: what is encoded is a secret, and wiped.
        let mut record = entry.record.clone();
        if !record.is(KeyClass::PublicKey) {
            record.token.clone_from(self.hsm.keyring.open_key(&entry.record)?.expose());
        }
        let encoded = SecretBytes::new(record.encode_to_vec());
        record.token.zeroize();
        let mut sealed = Vec::new();
        salted::seal_into(&self.hsm.family_key()?, LABEL, FORMAT, encoded.expose(), &mut sealed)?;
        Ok(Progress::Done(Some(Answered::Exported(Exported { sealed }))))
    }

    pub(crate) fn import_key(&self, command: &ImportKey) -> Result<Progress, Refusal> {
        const NOT_OURS: Refusal =
            Refusal::new(FailureCode::CryptographyFailed, "The clusters are not clones of each other");
        let user = self.user()?;
        if command.sealed.len() > LONGEST_SEALED {
            return Err(NOT_OURS);
        }
        let opened =
            salted::open(&self.hsm.family_key()?, LABEL, FORMAT, &command.sealed).map_err(|_| NOT_OURS)?;
        let mut record = KeyRecord::decode(opened.expose().as_slice()).map_err(|_| NOT_OURS)?;
        let material = SecretBytes::new(std::mem::take(&mut record.token));
        self.about_key(&record);
        if user.role != i32::from(Role::Admin) && user.name != record.owner {
            return Err(Refusal::forbidden("Only the owner of the key, or an admin, can do this"));
        }
        record.version = KeyRecord::FIRST_VERSION;
        if record.is(KeyClass::PublicKey) {
            Material::parse(&record, &record.public)?;
        } else {
            Material::parse(&record, material.expose())?;
            record = self.hsm.keyring.seal_key(record, material.expose())?;
        }
        let asymmetric = usize::from(!record.is(KeyClass::SecretKey));
        let state = self.hsm.state();
        if state.keys.get(record.handle).is_some() {
            return Err(Refusal::new(FailureCode::InUse, "The key exists already"));
        }
        let mut draft = Draft::new(state.history.revision())
            .relying_on([Resource::User(user), Resource::Key(record.handle)]);
        for name in std::iter::once(&record.owner).chain(&record.shared_with) {
            let user = UserRef::new(name, Role::CryptoUser);
            if !state.users.contains_key(&user) {
                return Err(Refusal::no_such_user());
            }
            draft.reads.insert(Resource::User(user));
        }
        if self.hsm.room_for(&state, 1, asymmetric)? {
            draft.reads.insert(Resource::KeyCount);
        }
        Ok(draft.answering(Answered::Key(describe(&record))).doing([Kind::PutKey(record)]).change())
    }
}
