//! Who asks, and what they may.

use std::cell::RefCell;
use std::sync::Arc;

use strongroom_hsm_proto::command::{Approval, FailureCode, Role};

use super::Hsm;
use crate::audit::{AuditDetail, Companion, Opcode, user_detail};
use crate::effect::UserRef;
use crate::refusal::Refusal;
use crate::session::Session;
use crate::state::{KeyEntry, State};
use crate::{ConnectionId, Now};

/// Who asks: one call's connection, session and user. The commands are its methods, each in the module of its
/// subject.
pub(crate) struct Caller<'a> {
    pub(crate) hsm: &'a Hsm,
    pub(crate) connection: ConnectionId,
    pub(crate) session: Option<Arc<Session>>,
    pub(crate) approvals: &'a [Approval],
    pub(crate) now: Now,
    /// What the audit log is told besides the command and how it ended.
    pub(crate) account: RefCell<Account>,
}

/// What the audit log is told besides the command and how it ended.
#[derive(Default)]
pub(crate) struct Account {
    /// What it was about.
    pub(crate) detail: AuditDetail,
    /// What it is called, if not by the command.
    pub(crate) opcode: Option<Opcode>,
    /// The log-in names a user that does not exist: the audit log says so, the client is not told.
    pub(crate) is_of_nobody: bool,
    /// What else is recorded.
    pub(crate) companion: Option<Companion>,
    /// It is half of something: the other half is recorded.
    pub(crate) is_half: bool,
}

impl Caller<'_> {
    /// The call's session.
    pub(crate) fn session(&self) -> Result<&Arc<Session>, Refusal> {
        self.session.as_ref().ok_or(Refusal::new(FailureCode::NoSession, "The call names no session"))
    }

    /// The session's user.
    pub(crate) fn user(&self) -> Result<UserRef, Refusal> {
        self.session()?.login().ok_or(Refusal::new(FailureCode::NotLoggedIn, "The session is not logged in"))
    }

    /// The session's user, who is an administrator.
    pub(crate) fn administrator(&self) -> Result<UserRef, Refusal> {
        let user = self.user()?;
        if user.role == i32::from(Role::Admin) {
            return Ok(user);
        }
        Err(Refusal::forbidden("The command is not available for the role of the user"))
    }

    /// The session's user, who is a crypto user.
    pub(crate) fn crypto_user(&self) -> Result<UserRef, Refusal> {
        let user = self.user()?;
        if user.role == i32::from(Role::CryptoUser) {
            return Ok(user);
        }
        Err(Refusal::forbidden("The command is not available for the role of the user"))
    }

    /// The command is about a user.
    pub(crate) fn about_user(&self, user: &UserRef) {
        self.account.borrow_mut().detail = user_detail(user);
    }

    /// The command is about keys.
    pub(crate) fn about_keys(&self, private: u64, public: u64) {
        self.account.borrow_mut().detail = AuditDetail::Keys { private, public };
    }

    /// A key that the crypto user may use: one of the session's, or one of the cluster's.
    pub(crate) fn usable_key(
        &self,
        state: &State,
        user: &UserRef,
        handle: u64,
    ) -> Result<Arc<KeyEntry>, Refusal> {
        if let Some(entry) = state.keys.get(handle) {
            if entry.record.is_usable_by(&user.name) {
                return Ok(Arc::clone(entry));
            }
            return Err(Refusal::no_such_key());
        }
        self.session_key(user, handle)
    }

    /// A key that the crypto user owns: one of the session's, or one of the cluster's.
    pub(crate) fn owned_key(
        &self,
        state: &State,
        user: &UserRef,
        handle: u64,
    ) -> Result<Arc<KeyEntry>, Refusal> {
        let entry = self.usable_key(state, user, handle)?;
        if entry.record.owner == user.name {
            return Ok(entry);
        }
        Err(Refusal::forbidden("Only the owner of the key can do this"))
    }

    fn session_key(&self, user: &UserRef, handle: u64) -> Result<Arc<KeyEntry>, Refusal> {
        let entry = self.session()?.inner().keys.get(&handle).cloned();
        entry.filter(|entry| entry.record.owner == user.name).ok_or_else(Refusal::no_such_key)
    }
}
