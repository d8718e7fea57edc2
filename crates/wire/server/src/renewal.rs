//! The caller of an upload, found again when its body has come.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use strongroom_identity::{Credentials, NotRenewed, Renewal, Renewed};
use strongroom_secret::SecretString;

use crate::freshness::Freshness;

/// By which credential a request was signed.
pub(crate) struct SignedBy {
    pub(crate) credentials: Arc<dyn Credentials>,
    pub(crate) freshness: Option<Arc<dyn Freshness>>,
    pub(crate) access_key_id: String,
    pub(crate) session_token: Option<SecretString>,
    /// Of the secret that it was signed with.
    pub(crate) version: u64,
    pub(crate) patience: Duration,
}

impl fmt::Debug for SignedBy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SignedBy({})", self.access_key_id)
    }
}

#[async_trait]
impl Renewal for SignedBy {
    async fn renew(&self) -> Result<Renewed, NotRenewed> {
        // Before anything in memory is looked at.
        let mark = match &self.freshness {
            Some(freshness) => Some(freshness.mark().ok_or(NotRenewed::Unknown)?),
            None => None,
        };
        let token = self.session_token.as_ref().map(|token| token.expose().as_str());
        let finding = self.credentials.find(&self.access_key_id, token);
        match tokio::time::timeout(self.patience, finding).await {
            Ok(Ok(Ok(found))) if found.version == self.version => {
                Ok(Renewed { permissions: found.permissions, mark })
            }
            Ok(Ok(_)) => Err(NotRenewed::Gone),
            Ok(Err(_)) | Err(_) => Err(NotRenewed::Unknown),
        }
    }
}
