//! Users are made, deleted, changed and listed.

use strongroom_hsm_proto::command::{
    ChangePassword, CreateUser, DeleteUser, FailureCode, QuorumService, Result as Answered, Role, UserList,
};

use super::login::LOCKED;
use super::names::{describe, named};
use super::passwords::{self, Place};
use crate::effect::{KeptSession, Kind, UserRecord, UserRef};
use crate::hsm::Caller;
use crate::outcome::{Draft, Progress};
use crate::refusal::Refusal;
use crate::state::{REMEMBERED_CHANGES, Resource, State};

impl Caller<'_> {
    pub(crate) fn list_users(&self) -> Progress {
        let users = self.hsm.state().users.values().map(|user| describe(user)).collect();
        Progress::Done(Some(Answered::Users(UserList { users })))
    }

    pub(crate) fn create_user(&self, command: &CreateUser) -> Result<Progress, Refusal> {
        let administrator = self.administrator()?;
        let user = named(&command.username, command.role)?;
        self.about_user(&user);
        passwords::check(&command.password)?;
        let place = Place::take(self.hsm)?;
        let draft = {
            let state = self.hsm.state();
            if state.users.contains_key(&user) {
                return Err(Refusal::new(FailureCode::UserExists, "User already exists"));
            }
            let draft = Draft::new(state.history.revision()).relying_on(self.room_for_user(&state)?);
            self.approved(&state, QuorumService::User, draft)?
        };
        let draft = draft.verified()?;
        let record = UserRecord {
            password: place.hash(&command.password)?,
            user: user.clone(),
            ..UserRecord::default()
        };
        Ok(draft
            .relying_on([Resource::User(administrator), Resource::User(user)])
            .answering(Answered::User(describe(&record)))
            .doing([Kind::PutUser(record)])
            .change())
    }

    /// Checks that there is room for one more user; and gives who there is as something to rely on, if there is so
    /// little room that it matters.
    pub(super) fn room_for_user(&self, state: &State) -> Result<Option<Resource>, Refusal> {
        let (users, most) = (state.users.len(), self.hsm.options.most_users);
        if users >= most {
            return Err(Refusal::limit("The maximum number of users is reached"));
        }
        Ok((users + REMEMBERED_CHANGES >= most).then_some(Resource::Users))
    }

    pub(crate) fn delete_user(&self, command: &DeleteUser) -> Result<Progress, Refusal> {
        let administrator = self.administrator()?;
        let user = named(&command.username, command.role)?;
        self.about_user(&user);
        let state = self.hsm.state();
        let record = state.users.get(&user).ok_or_else(Refusal::no_such_user)?;
        if user.role == i32::from(Role::CryptoUser) && state.keys.owned_by(&user.name) {
            return Err(Refusal::new(FailureCode::InUse, "User owns keys and cannot be deleted"));
        }
        if self.hsm.sessions().of_user(&user).next().is_some() {
            return Err(Refusal::new(FailureCode::InUse, "User is logged in and cannot be deleted"));
        }
        let mut draft = self.approved(&state, QuorumService::User, Draft::new(state.history.revision()))?;
        if user.role == i32::from(Role::CryptoUser) {
            for entry in state.keys.shared_with(&user.name).filter_map(|handle| state.keys.get(handle)) {
                if entry.record.highest_quorum() == 0 {
                    continue;
                }
                if entry.record.highest_quorum() as usize > entry.record.shared_with.len() {
                    return Err(Refusal::new(
                        FailureCode::InUse,
                        "User is needed for the quorum values of a key that is shared with it",
                    ));
                }
                // Nor may another of the key's users go at the same time.
                draft.reads.extend([Resource::Key(entry.record.handle), Resource::Users]);
            }
        }
        if user.role == i32::from(Role::Admin) {
            let quorum = &state.quorum;
            if state.administrators() <= quorum.user.max(quorum.quorum).max(quorum.cluster) as usize {
                return Err(Refusal::new(
                    FailureCode::InUse,
                    "Too few admins would be left for the quorum values",
                ));
            }
            draft.reads.insert(Resource::Users);
        }
        Ok(draft
            .relying_on([
                Resource::User(administrator),
                Resource::User(user.clone()),
                Resource::KeysOf(user.name.clone()),
            ])
            .answering(Answered::User(describe(record)))
            .doing([Kind::DeleteUser(user)])
            .change())
    }

    pub(crate) fn change_password(&self, command: &ChangePassword) -> Result<Progress, Refusal> {
        let by = self.user()?;
        let user = named(&command.username, command.role)?;
        self.about_user(&user);
        let own = by == user;
        if !own && by.role != i32::from(Role::Admin) {
            return Err(Refusal::forbidden("Only an admin can change the password of another user"));
        }
        passwords::check(&command.password)?;
        let place = Place::take(self.hsm)?;
        let (record, draft) = {
            let state = self.hsm.state();
            let record = state.users.get(&user).cloned().ok_or_else(Refusal::no_such_user)?;
            if own {
                self.not_locked(&record)?;
            }
            self.not_logged_in_elsewhere(&user)?;
            if record.mfa && !command.deregister_mfa {
                return Err(Refusal::invalid_request(
                    "The user has MFA: changing the password needs --deregister-mfa",
                ));
            }
            if record.quorum && !record.mfa && !command.deregister_quorum {
                return Err(Refusal::invalid_request(
                    "The user has a quorum key: changing the password needs --deregister-quorum",
                ));
            }
            let draft = Draft::new(state.history.revision());
            let draft = if own { draft } else { self.approved(&state, QuorumService::User, draft)? };
            (record, draft)
        };
        let draft = draft.verified()?;
        let record = UserRecord {
            password: place.hash(&command.password)?,
            user: record.user.clone(),
            ..UserRecord::default()
        };
        let log_out = self.log_out_for_new_password(&by, &user)?;
        Ok(draft
            .relying_on([Resource::User(by), Resource::User(user)])
            .answering(Answered::User(describe(&record)))
            .doing([Kind::PutUser(record), log_out])
            .change())
    }

    /// Whoever is logged in does not get another password behind its back: only in the session that asks may it be
    /// logged in.
    fn not_logged_in_elsewhere(&self, user: &UserRef) -> Result<(), Refusal> {
        let own = self.session()?.id;
        if self.hsm.sessions().of_user(user).all(|session| session.id == own) {
            return Ok(());
        }
        Err(Refusal::new(
            FailureCode::InUse,
            "User is logged in: its password can be changed when it has logged out",
        ))
    }

    /// A locked user does not unlock itself in a session that was open already.
    pub(super) fn not_locked(&self, record: &UserRecord) -> Result<(), Refusal> {
        if record.locked || self.hsm.failures().are_too_many(&record.user) {
            return Err(LOCKED);
        }
        Ok(())
    }

    /// Whoever logged in with the old password logs in again with the new one; but not who set it, in that session.
    pub(super) fn log_out_for_new_password(&self, by: &UserRef, user: &UserRef) -> Result<Kind, Refusal> {
        if by != user {
            return Ok(Kind::LogOut(user.clone()));
        }
        let hsm_id = self.hsm.identity().hsm_id.clone();
        Ok(Kind::LogOutElsewhere(KeptSession { user: user.clone(), hsm_id, session: self.session()?.id }))
    }
}
