//! Temporary credentials: made, and recognised when a request comes with them.
//!
//! Nobody keeps them. The session token carries what it stands for, sealed under a key of its own and bound to the
//! access key id, so it can be neither read nor changed nor used with another access key. Whoever it speaks of is
//! looked up each time: a role or user that is gone, or was made anew, has no sessions.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use strongroom_crypto::digest::sha256;
use strongroom_identity::{Credential, NoCredential, Permissions, Principal, Session};
use strongroom_runtime::Clocks;
use strongroom_seal::{Purpose, Root, Sealer};
use strongroom_secret::{SecretBytes, SecretString, constant_time_eq};
use strongroom_store::StoreError;

use super::session_policies::percent;
use super::token::{Token, Who};
use crate::directories::Directories;
use crate::domain::directory::Directory;
use crate::domain::id::{new_secret, new_temporary_key_id};
use crate::error::Refusal;
use crate::permissions::{Compiled, of_session};

/// How many tokens are kept opened in memory, some hundred bytes each as a rule and twenty kilobytes at most. Beyond
/// it one is dropped and opened again when needed.
const MOST_OPENED: usize = 4_000;

/// The characters of a secret access key, which precede what a token says.
pub(super) const SECRET_LENGTH: usize = 40;

/// The longest session token that a request may have, in characters (`MAX_SESSION_TOKEN_BYTES` of the signatures).
pub(super) const LONGEST_TOKEN: usize = 8 * 1024;

/// Bytes that four characters of a session token stand for.
const GROUP: usize = 3;

/// Milliseconds of a second.
const SECOND_MS: i64 = 1000;

/// What makes sessions and recognises them.
pub(crate) struct Sessions {
    sealer: Sealer,
    clocks: Clocks,
    opened: RwLock<HashMap<String, Arc<Opened>>>,
}

/// Temporary credentials, as they are given out.
pub(crate) struct Issued {
    pub(crate) access_key_id: String,
    pub(crate) secret: SecretString,
    pub(crate) session_token: String,
    pub(crate) expires_ms: i64,
}

impl Issued {
    /// The characters of the session token.
    pub(super) fn size(&self) -> i32 {
        i32::try_from(self.session_token.len()).unwrap_or(i32::MAX)
    }

    /// How much that is of what a session token may have, in percent.
    pub(super) fn utilization(&self) -> i32 {
        percent(self.session_token.len(), LONGEST_TOKEN)
    }
}

/// A token that was made here, opened.
struct Opened {
    text: SecretString,
    token: Token,
    session: Arc<Session>,
    secret: Arc<SecretString>,
    version: u64,
}

/// How much a token has to say for its text to have so many characters.
fn bytes_for(characters: i32) -> usize {
    let groups = usize::try_from(characters).unwrap_or_default().div_ceil(4);
    (groups * GROUP).saturating_sub(Sealer::OVERHEAD + SECRET_LENGTH)
}

impl Sessions {
    pub(crate) fn new(root: &Root, clocks: Clocks) -> Self {
        Self { sealer: Sealer::new(root, Purpose::SessionTokens), clocks, opened: RwLock::default() }
    }

    /// What seals session tokens, and what else only this server is to read.
    pub(super) fn sealer(&self) -> &Sealer {
        &self.sealer
    }

    pub(crate) fn clocks(&self) -> &Clocks {
        &self.clocks
    }

    /// The end of a session of so many seconds that begins now; answers show whole seconds, so that it is one.
    pub(crate) fn end(&self, seconds: i32) -> i64 {
        (self.clocks.real_now().div_euclid(SECOND_MS) + i64::from(seconds)) * SECOND_MS
    }

    /// Makes credentials for the session that a token describes. The session token has at least `shortest` characters.
    pub(crate) fn issue(&self, token: &Token, shortest: Option<i32>) -> Result<Issued, Refusal> {
        let account = token.account().ok_or_else(|| Refusal::internal("a session is of no account"))?;
        let (access_key_id, secret) = (new_temporary_key_id(account)?, new_secret()?);
        let mut says = serde_json::to_vec(token).map_err(|error| Refusal::Internal(error.into()))?;
        // Blanks behind what it says mean nothing.
        says.resize(says.len().max(bytes_for(shortest.unwrap_or_default())), b' ');
        let plain = SecretBytes::new([secret.expose().as_bytes(), &says].concat());
        let sealed = self.sealer.seal(&sealing_context(&access_key_id), plain.expose())?;
        let (session_token, expires_ms) = (STANDARD.encode(sealed), token.expires_ms);
        Ok(Issued { access_key_id, secret, session_token, expires_ms })
    }

    /// The credential that a temporary access key and its token stand for now.
    pub(crate) async fn find(
        &self,
        directories: &Directories,
        access_key_id: &str,
        session_token: Option<&str>,
    ) -> Result<Result<Credential, NoCredential>, StoreError> {
        let opened = session_token.and_then(|text| self.open(access_key_id, text));
        let Some((opened, account)) =
            opened.and_then(|opened| Some((opened.clone(), opened.token.account()?)))
        else {
            return Ok(Err(NoCredential::InvalidToken));
        };
        if opened.token.expires_ms <= self.clocks.real_now() {
            return Ok(Err(NoCredential::ExpiredToken));
        }
        let directory = directories.current(account).await?;
        let Some((principal, permissions)) =
            holder(&opened.token, &directory, &directories.compiled, &opened.session)
        else {
            return Ok(Err(NoCredential::InvalidToken));
        };
        Ok(Ok(Credential {
            principal,
            secret: opened.secret.clone(),
            version: opened.version,
            session: Some(opened.session.clone()),
            permissions,
        }))
    }

    /// Forgets everything that is in memory.
    pub(crate) fn forget_all(&self) {
        self.opened.write().unwrap_or_else(PoisonError::into_inner).clear();
    }

    fn open(&self, access_key_id: &str, text: &str) -> Option<Arc<Opened>> {
        let known = self.opened.read().unwrap_or_else(PoisonError::into_inner).get(access_key_id).cloned();
        if let Some(known) = known
            && constant_time_eq(known.text.expose().as_bytes(), text.as_bytes())
        {
            return Some(known);
        }
        let sealed = STANDARD.decode(text).ok()?;
        let plain = self.sealer.open(&sealing_context(access_key_id), &sealed).ok()?;
        let (secret, says) = plain.expose().split_at_checked(SECRET_LENGTH)?;
        let token: Token = serde_json::from_slice(says).ok()?;
        let opened = Arc::new(Opened {
            session: token.session(),
            token,
            secret: Arc::new(SecretString::new(std::str::from_utf8(secret).ok()?.to_owned())),
            version: version_of(&sealed),
            text: SecretString::new(text.to_owned()),
        });
        let mut kept = self.opened.write().unwrap_or_else(PoisonError::into_inner);
        if kept.len() >= MOST_OPENED
            && let Some(any) = kept.keys().next().cloned()
        {
            kept.remove(&any);
        }
        kept.insert(access_key_id.to_owned(), opened.clone());
        Some(opened)
    }
}

/// Who acts in a session, and what policies let him do; `None` if he is gone.
fn holder(
    token: &Token,
    directory: &Directory,
    compiled: &Compiled,
    session: &Session,
) -> Option<(Principal, Permissions)> {
    let account = directory.account;
    let passed = || compiled.passed(directory, &token.passed);
    match &token.who {
        Who::Root => Some((Principal::Root(account), Permissions::none())),
        Who::User(id) => {
            let user = directory.user_of_id(id)?;
            let policies = compiled.of_user(directory, user);
            Some((Principal::User(user.entity(account)), Permissions::new(policies)))
        }
        Who::Role(id, name) => {
            let role = directory.role_of_id(id)?;
            let principal = Principal::RoleSession { role: role.entity(account), session: name.clone() };
            let policies = compiled.of_role(directory, role);
            // A session to which nothing was passed may do what its role may.
            if token.passed.is_empty() && session.tags.is_empty() {
                return Some((principal, Permissions::new(policies)));
            }
            let passed = (!token.passed.is_empty()).then(passed);
            Some((principal, of_session(&policies, passed, &session.tags).into()))
        }
        Who::Federated(name, issuer) => {
            let user = match issuer {
                Some(id) => Some(directory.user_of_id(id)?),
                None => None,
            };
            let base = match user {
                Some(user) => (*compiled.of_user(directory, user)).clone(),
                None => compiled.of_root(directory),
            };
            let issuer = user.map(|user| user.entity(account));
            let principal = Principal::FederatedUser { account, name: name.clone(), issuer };
            // Without policies of its own such a session may do nothing ("Permissions for GetFederationToken").
            Some((principal, of_session(&base, Some(passed()), &session.tags).into()))
        }
    }
}

/// Another number for every token: should two sessions ever have the same access key id, keys derived from the one's
/// secret are not taken for the other's.
fn version_of(sealed: &[u8]) -> u64 {
    sha256(sealed).first_chunk().map_or(0, |bytes| u64::from_be_bytes(*bytes))
}

/// What a token is bound to.
fn sealing_context(access_key_id: &str) -> Vec<u8> {
    format!("session-token/{access_key_id}").into_bytes()
}
