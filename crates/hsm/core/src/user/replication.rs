//! Users go to clones of the cluster and come from them, sealed under the family key.

use prost::Message;
use strongroom_crypto::salted;
use strongroom_hsm_proto::command::{
    ExportUser, Exported, FailureCode, ImportUser, QuorumService, Result as Answered,
};

use super::names::{describe, named};
use crate::effect::{Kind, UserRecord};
use crate::hsm::{Caller, Hsm};
use crate::outcome::{Draft, Progress};
use crate::refusal::Refusal;
use crate::state::Resource;

const LABEL: &[u8] = b"strongroom/hsm/clone/user";
/// What is sealed says what form it has.
const FORMAT: &[u8] = b"user/1";
/// The most bytes of a sealed user.
const LONGEST_SEALED: usize = 4_096;

impl Hsm {
    fn seal_user(&self, user: &UserRecord) -> Result<Vec<u8>, Refusal> {
        let mut sealed = Vec::new();
        salted::seal_into(&self.family_key()?, LABEL, FORMAT, &user.encode_to_vec(), &mut sealed)?;
        Ok(sealed)
    }
}

impl Caller<'_> {
    pub(crate) fn export_user(&self, command: &ExportUser) -> Result<Progress, Refusal> {
        self.administrator()?;
        let user = named(&command.username, command.role)?;
        self.about_user(&user);
        let record = self.hsm.state().users.get(&user).cloned().ok_or_else(Refusal::no_such_user)?;
        let sealed = self.hsm.seal_user(&record)?;
        Ok(Progress::Done(Some(Answered::Exported(Exported { sealed }))))
    }

    pub(crate) fn import_user(&self, command: &ImportUser) -> Result<Progress, Refusal> {
        const NOT_OURS: Refusal =
            Refusal::new(FailureCode::CryptographyFailed, "The clusters are not clones of each other");
        let administrator = self.administrator()?;
        if command.sealed.len() > LONGEST_SEALED {
            return Err(NOT_OURS);
        }
        let opened =
            salted::open(&self.hsm.family_key()?, LABEL, FORMAT, &command.sealed).map_err(|_| NOT_OURS)?;
        let record = UserRecord::decode(opened.expose().as_slice()).map_err(|_| NOT_OURS)?;
        let user = named(&record.user.name, record.user.role)?;
        self.about_user(&user);
        let state = self.hsm.state();
        if state.users.contains_key(&user) {
            return Err(Refusal::new(FailureCode::UserExists, "User already exists"));
        }
        let draft = Draft::new(state.history.revision()).relying_on(self.room_for_user(&state)?);
        let draft = self.approved(&state, QuorumService::User, draft)?;
        let record = UserRecord { user: user.clone(), ..record };
        Ok(draft
            .relying_on([Resource::User(administrator), Resource::User(user)])
            .answering(Answered::User(describe(&record)))
            .doing([Kind::PutUser(record)])
            .change())
    }
}
