//! Credentials, as the verification of signatures needs them.

use std::error::Error;
use std::sync::Arc;

use async_trait::async_trait;
use strongroom_secret::SecretString;

use crate::{Permissions, Principal, Session};

/// An access key that counts now.
#[derive(Clone, Debug)]
pub struct Credential {
    /// Who signs with it.
    pub principal: Principal,
    /// The secret access key, shared with whoever keeps it: no request makes a copy.
    pub secret: Arc<SecretString>,
    /// Another number for every secret that an access key id ever had: a key derived from one secret is
    /// never used for another.
    pub version: u64,
    /// What temporary credentials say; `None` for long-term ones.
    pub session: Option<Arc<Session>>,
    /// What policies let the principal do now.
    pub permissions: Permissions,
}

impl Credential {
    /// A long-term credential of somebody who needs no policies, or has none.
    pub fn new(principal: Principal, secret: impl Into<Arc<SecretString>>, version: u64) -> Self {
        Self { principal, secret: secret.into(), version, session: None, permissions: Permissions::none() }
    }
}

/// Why there is no credential.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoCredential {
    /// No active access key has that id.
    UnknownKey,
    /// The session token was not made here, or belongs to another access key, or there is one where none belongs,
    /// or none where one does; or who it speaks of is gone.
    InvalidToken,
    /// The session is over.
    ExpiredToken,
}

/// Where access keys are found.
#[async_trait]
pub trait Credentials: Send + Sync {
    /// The access key of that id, for a request that came with that session token or none. An error means that
    /// nobody knows: the call is refused, and can be tried again.
    async fn find(
        &self,
        access_key_id: &str,
        session_token: Option<&str>,
    ) -> Result<Result<Credential, NoCredential>, Box<dyn Error + Send + Sync>>;
}
