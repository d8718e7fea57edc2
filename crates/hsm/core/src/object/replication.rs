//! Keys go to clones of the cluster and come from them, sealed under the family key.

use prost::Message;
use strongroom_crypto::salted;
use strongroom_hsm_proto::command::{
    ExportKey, Exported, FailureCode, ImportKey, KeyClass, QuorumService, Result as Answered, Role,
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

/// What is sealed.
#[derive(Clone, PartialEq, Message)]
struct Travelling {
    /// The cluster that it comes from.
    #[prost(string, tag = "1")]
    cluster_id: String,
    /// The key. In the place of the token stands the material.
    #[prost(message, required, tag = "2")]
    record: KeyRecord,
}

impl Caller<'_> {
    pub(crate) fn export_key(&self, command: &ExportKey) -> Result<Progress, Refusal> {
        let user = self.user()?;
        let (draft, entry) = {
            let state = self.hsm.state();
            let entry = if user.role == i32::from(Role::Admin) {
                state.keys.get(command.key).cloned().ok_or_else(Refusal::no_such_key)?
            } else {
                self.owned_key(&state, &user, command.key)?
            };
            // A copy is beyond all further management, whoever asks for it.
            let draft = Draft::new(state.history.revision());
            let draft = self.approved_for_key(&state, QuorumService::KeyManagement, &entry.record, draft)?;
            (draft.relying_on([Resource::User(user), Resource::Key(command.key)]), entry)
        };
        self.about_key(&entry.record);
        if !entry.record.has(Flags::TOKEN) {
            return Err(Refusal::key_forbids("Session keys cannot be replicated"));
        }
        let draft = draft.verified()?;
        // What is encoded is a secret, and wiped.
        let mut record = entry.record.clone();
        if !record.is(KeyClass::PublicKey) {
            record.token.clone_from(self.hsm.keyring.open_key(&entry.record)?.expose());
        }
        let mut travelling = Travelling { cluster_id: self.hsm.identity().cluster_id.clone(), record };
        let encoded = SecretBytes::new(travelling.encode_to_vec());
        travelling.record.token.zeroize();
        let mut sealed = Vec::new();
        salted::seal_into(&self.hsm.family_key()?, LABEL, FORMAT, encoded.expose(), &mut sealed)?;
        Ok(draft.answering(Answered::Exported(Exported { sealed })).change())
    }

    /// Takes a key in that a clone exported. It is what it was there; so it must not have been here before, where
    /// it may have been restricted, unshared or deleted since.
    pub(crate) fn import_key(&self, command: &ImportKey) -> Result<Progress, Refusal> {
        const NOT_OURS: Refusal =
            Refusal::new(FailureCode::CryptographyFailed, "The clusters are not clones of each other");
        let user = self.user()?;
        if command.sealed.len() > LONGEST_SEALED {
            return Err(NOT_OURS);
        }
        let opened =
            salted::open(&self.hsm.family_key()?, LABEL, FORMAT, &command.sealed).map_err(|_| NOT_OURS)?;
        let Travelling { cluster_id, mut record } =
            Travelling::decode(opened.expose().as_slice()).map_err(|_| NOT_OURS)?;
        let material = SecretBytes::new(std::mem::take(&mut record.token));
        self.about_key(&record);
        let is_administrator = user.role == i32::from(Role::Admin);
        if !is_administrator && user.name != record.owner {
            return Err(Refusal::forbidden("Only the owner of the key, or an admin, can do this"));
        }
        if cluster_id == self.hsm.identity().cluster_id {
            return Err(Refusal::invalid_request("The key was exported by this cluster"));
        }
        if !is_administrator {
            // Whom this cluster trusts, its own administrators say.
            record.flags = Flags::from_bits(record.flags).with(Flags::TRUSTED, false).bits();
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
        if state.deleted.contains(record.handle) {
            return Err(Refusal::key_forbids("The key was deleted from this cluster"));
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
