//! Long-term credentials, as the verification of signatures needs them.

use std::error::Error;

use async_trait::async_trait;
use strongroom_secret::SecretString;

use crate::Principal;

/// An active access key.
#[derive(Clone, Debug)]
pub struct Credential {
    /// Who signs with it.
    pub principal: Principal,
    /// The secret access key.
    pub secret: SecretString,
    /// Another number for every secret that an access key id ever had: a key derived from one secret is
    /// never used for another.
    pub version: u64,
}

/// Where access keys are found.
#[async_trait]
pub trait Credentials: Send + Sync {
    /// The active access key of that id, or `None`. An error means that nobody knows: the call is refused,
    /// and can be tried again.
    async fn find(&self, access_key_id: &str) -> Result<Option<Credential>, Box<dyn Error + Send + Sync>>;
}
