//! Sessions, log-ins, the first password.

use std::sync::Arc;

use strongroom_crypto::{module_name, module_version, random};
use strongroom_hsm_proto::command::{
    Activate, AnswerChallenge, FailureCode, HsmDescription, Login, LoginResult, Result as Answered, Role,
    SessionOpened,
};

use super::names::named;
use super::passwords::{self, Place};
use super::registration::is_signed_by;
use crate::Mode;
use crate::audit::{AuditDetail, Opcode};
use crate::effect::{Kind, UserRecord, UserRef};
use crate::hsm::{ADMIN, Caller, Hsm};
use crate::outcome::{Draft, Progress};
use crate::refusal::Refusal;
use crate::session::{Challenged, Session, Sessions};
use crate::state::Resource;

const LOGIN_FAILED: Refusal =
    Refusal::new(FailureCode::LoginFailed, "Login failed: username, role or password is wrong");
pub(super) const LOCKED: Refusal = Refusal::new(
    FailureCode::Locked,
    "The user is locked because of too many wrong passwords. An admin must change the password",
);

impl Caller<'_> {
    pub(crate) fn hsm_info(&self) -> Progress {
        let identity = self.hsm.identity();
        Progress::Done(Some(Answered::HsmInfo(HsmDescription {
            vendor: "Strongroom".to_owned(),
            model: "hsm2m.medium".to_owned(),
            serial_number: identity.serial_number.clone(),
            hardware_version: vec![1, 0],
            firmware_version: vec![1, 0, 0],
            firmware_id: format!("strongroom-hsmd {}", env!("CARGO_PKG_VERSION")),
            fips: self.hsm.options().mode == Mode::Fips,
            module: format!("{} {}", module_name(), module_version()),
            activated: self.hsm.is_activated(),
            calls: self.hsm.counters.calls(),
            cryptographic_operations: self.hsm.counters.operations(),
        })))
    }

    pub(crate) fn open_session(&self) -> Result<Progress, Refusal> {
        let (session, gone) =
            self.hsm.sessions_mut().open(self.connection, self.hsm.options.most_sessions)?;
        if let Some(gone) = gone {
            self.hsm.audit.note(Opcode::CloseSession, gone.id, AuditDetail::None, self.now);
        }
        Ok(Progress::Done(Some(Answered::Session(SessionOpened { session }))))
    }

    pub(crate) fn close_session(&self) -> Result<Progress, Refusal> {
        let session = self.session()?;
        self.hsm.sessions_mut().close(session);
        self.hsm.tokens().forget_session(session.id);
        Ok(Progress::Done(None))
    }

    pub(crate) fn activate(&self, command: &Activate) -> Result<Progress, Refusal> {
        let unactivated = UserRef::new(ADMIN, Role::UnactivatedAdmin);
        self.about_user(&unactivated);
        passwords::check(&command.password)?;
        let place = Place::take(self.hsm)?;
        let revision = {
            let state = self.hsm.state();
            if !state.users.contains_key(&unactivated) {
                return Err(Refusal::new(FailureCode::WrongState, "The cluster is already activated"));
            }
            state.history.revision()
        };
        let user = UserRef::new(ADMIN, Role::Admin);
        let password = place.hash(&command.password)?;
        Ok(Draft::new(revision)
            .relying_on([Resource::User(unactivated.clone())])
            .doing([
                Kind::DeleteUser(unactivated),
                Kind::PutUser(UserRecord { user, password, ..UserRecord::default() }),
            ])
            .change())
    }

    pub(crate) fn log_in(&self, command: &Login) -> Result<Progress, Refusal> {
        let session = self.session()?;
        let user = named(&command.username, command.role)?;
        self.about_user(&user);
        if session.login().is_some() {
            return Err(Refusal::invalid_request("The session is logged in already"));
        }
        let place = Place::take(self.hsm)?;
        let (revision, record) = {
            let state = self.hsm.state();
            let record = state.users.get(&user).cloned();
            (state.history.revision(), record)
        };
        let Some(record) = record else {
            self.account.borrow_mut().is_of_nobody = true;
            return Err(LOGIN_FAILED);
        };
        if record.locked || self.hsm.failures().are_too_many(&user) {
            return Err(LOCKED);
        }
        if !place.is_right(&command.password, &record.password) {
            if !self.hsm.count_failure(&user) {
                return Err(LOGIN_FAILED);
            }
            let locked = UserRecord { locked: true, ..UserRecord::clone(&record) };
            return Ok(Draft::new(revision)
                .relying_on([Resource::User(user)])
                .doing([Kind::PutUser(locked)])
                .refusing(LOGIN_FAILED.into_failure())
                .change());
        }
        // Guesses that came meanwhile count: whoever was locked out stays out.
        if self.hsm.failures().are_too_many(&user) {
            return Err(LOCKED);
        }
        if !record.mfa {
            self.enter_as(session, &user, &record)?;
            self.hsm.forgive(&user);
            return Ok(login_result(Vec::new()));
        }
        let challenge = random::bytes()?;
        session.inner().half_login = Some(Challenged::new(record, challenge, self.now));
        self.account.borrow_mut().is_half = true;
        Ok(login_result(challenge.to_vec()))
    }

    pub(crate) fn answer_challenge(&self, command: &AnswerChallenge) -> Result<Progress, Refusal> {
        const FAILED: Refusal =
            Refusal::new(FailureCode::ChallengeFailed, "The signature over the challenge is wrong or late");
        let session = self.session()?;
        let half = session.inner().half_login.take().ok_or(FAILED)?;
        let record = &half.what;
        self.about_user(&record.user);
        // A log-in that began with another password, or another key, does not go on.
        let now = self.hsm.state().users.get(&record.user).cloned();
        if now.is_none_or(|now| !Arc::ptr_eq(&now, record)) {
            return Err(FAILED);
        }
        if !half.is_good(self.now) || !is_signed_by(&record.public_key, &half.challenge, &command.signature) {
            return Err(FAILED);
        }
        if record.locked || self.hsm.failures().are_too_many(&record.user) {
            return Err(LOCKED);
        }
        self.enter_as(session, &record.user, record)?;
        self.hsm.forgive(&record.user);
        Ok(login_result(Vec::new()))
    }

    /// Logs the session in, unless the user has changed meanwhile.
    fn enter_as(&self, session: &Session, user: &UserRef, checked: &Arc<UserRecord>) -> Result<(), Refusal> {
        // While the state is held no change is made: a user who goes after this is logged out by the change that
        // makes it go.
        let state = self.hsm.state();
        if state.users.get(user).is_none_or(|now| !Arc::ptr_eq(now, checked)) {
            return Err(LOGIN_FAILED);
        }
        // One after the other, so that the count is right.
        let sessions = self.hsm.sessions_mut();
        if sessions.of_user(user).count() >= self.hsm.options.most_sessions_of_user {
            return Err(Refusal::limit("The user has no more sessions on this HSM"));
        }
        let mut inner = session.inner();
        if inner.closed || inner.login.is_some() {
            return Err(Refusal::invalid_request("The session is logged in already"));
        }
        inner.half_login = None;
        inner.login = Some(user.clone());
        Ok(())
    }

    pub(crate) fn log_out(&self) -> Result<Progress, Refusal> {
        self.user()?;
        let session = self.session()?;
        Sessions::log_out(session);
        self.hsm.tokens().forget_session(session.id);
        Ok(Progress::Done(None))
    }
}

fn login_result(challenge: Vec<u8>) -> Progress {
    Progress::Done(Some(Answered::Login(LoginResult { challenge })))
}

impl Hsm {
    /// Logs a user out of all sessions of this HSM, but perhaps one.
    pub(crate) fn log_out_but(&self, user: &UserRef, kept: Option<u64>) {
        let sessions = self.sessions().of_user_or_half(user);
        for session in sessions.into_iter().filter(|session| Some(session.id) != kept) {
            Sessions::log_out(&session);
            self.tokens().forget_session(session.id);
        }
    }
}
