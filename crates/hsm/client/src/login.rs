//! Who a client is logged in as.

use std::fmt;

use strongroom_hsm_proto::command::{Command, FailureCode, Login, Role};
use strongroom_secret::SecretString;

use crate::roster::MemberId;

/// Name, role and password. The password is kept for log-ins at HSMs that join, or come back.
#[derive(Clone)]
pub struct Credentials {
    /// The user's name.
    pub username: String,
    /// In which role.
    pub role: Role,
    /// The password.
    pub password: SecretString,
}

impl Credentials {
    pub(crate) fn login(&self) -> Command {
        Command::Login(Login {
            username: self.username.clone(),
            role: self.role.into(),
            password: self.password.expose().clone(),
        })
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credentials")
            .field("username", &self.username)
            .field("role", &self.role)
            .finish_non_exhaustive()
    }
}

/// How far a log-in is.
#[derive(Debug)]
pub enum LoginStep {
    /// Done.
    Done,
    /// The user has a second factor: each HSM wants a signature.
    Challenges(Vec<LoginChallenge>),
}

/// What one HSM wants to have signed.
#[derive(Debug)]
pub struct LoginChallenge {
    pub(crate) member: MemberId,
    /// Thirty-two bytes, to be signed as a SHA-256 digest.
    pub challenge: Vec<u8>,
}

/// What is to be done at an HSM that the client connects to anew.
#[derive(Debug, Default)]
pub(crate) enum Identity {
    /// Nothing.
    #[default]
    Nobody,
    /// Log in.
    Password(Credentials),
    /// Nothing can be done: a new signature would be needed.
    SecondFactor(Credentials),
}

impl Identity {
    pub(crate) fn credentials(&self) -> Option<&Credentials> {
        match self {
            Self::Nobody => None,
            Self::Password(credentials) | Self::SecondFactor(credentials) => Some(credentials),
        }
    }

    /// A password was changed: perhaps the client's own.
    pub(crate) fn note(&mut self, (username, role, password): (&str, Role, &str)) {
        if let Self::Password(credentials) | Self::SecondFactor(credentials) = self
            && same_user(credentials, username, role)
        {
            credentials.password = SecretString::new(password.to_owned());
        }
    }
}

/// Whether a command that names a user means this one.
pub(crate) fn same_user(credentials: &Credentials, username: &str, role: Role) -> bool {
    credentials.username.eq_ignore_ascii_case(username) && credentials.role == role
}

/// Whether an HSM refuses because of who logs in: another HSM would say the same, and another try could lock the
/// user.
pub(crate) fn is_about_the_user(code: FailureCode) -> bool {
    matches!(
        code,
        FailureCode::LoginFailed
            | FailureCode::Locked
            | FailureCode::InvalidRequest
            | FailureCode::WrongState
            | FailureCode::Forbidden
            | FailureCode::NoSuchUser
    )
}
