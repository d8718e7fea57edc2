//! Access keys of a seed, made ready: what is known of each before the user's directory is changed.

use strongroom_secret::constant_time_eq;

use super::{AccessKeySeedling, Misfit, Seedling, at};
use crate::IdentityManagement;
use crate::access_keys::{seal, unseal};
use crate::domain::directory::Directory;
use crate::error::Refusal;
use crate::repo::access_keys as rows;

/// An access key with its secret sealed, and how it stands in the store.
pub(super) struct ReadyKey<'s> {
    pub(super) seedling: &'s AccessKeySeedling,
    pub(super) sealed_secret: Vec<u8>,
    pub(super) standing: Standing,
}

/// What there is of an access key.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Standing {
    /// No key has that id.
    Absent,
    /// The user has it, with the secret that the seed says.
    Same,
    /// The user has it, with another secret.
    OtherSecret,
}

impl IdentityManagement {
    /// Looks up and seals what a seedling says of access keys. One that somebody else has is refused.
    pub(super) async fn ready_keys<'s>(
        &self,
        directory: &Directory,
        seedling: &'s Seedling,
    ) -> Result<Vec<ReadyKey<'s>>, Misfit> {
        let (_, name) = seedling.named();
        let mut ready = Vec::new();
        for (index, seedling) in seedling.access_keys().iter().enumerate() {
            let key = self.ready_key(directory, name, seedling).await;
            ready.push(key.map_err(at(format!("AccessKeys[{index}].AccessKeyId")))?);
        }
        Ok(ready)
    }

    async fn ready_key<'s>(
        &self,
        directory: &Directory,
        user: &str,
        seedling: &'s AccessKeySeedling,
    ) -> Result<ReadyKey<'s>, Refusal> {
        let directories = &self.directories;
        let row = rows::find(&directories.db, &directories.mac, &seedling.id).await?;
        let standing = match row {
            None => Standing::Absent,
            Some(row) => {
                let holder = directory.user(user).ok().map(|user| user.id.as_str());
                if row.account != directory.account || holder.is_none() || row.user_id.as_deref() != holder {
                    return Err(Refusal::exists(format!(
                        "access key {} belongs to somebody else in account {}; choose another id, or delete \
                         that one",
                        seedling.id, row.account
                    )));
                }
                let secret = unseal(&self.sealer, &seedling.id, &row.sealed_secret)?;
                if constant_time_eq(secret.expose(), seedling.secret.expose().as_bytes()) {
                    Standing::Same
                } else {
                    Standing::OtherSecret
                }
            }
        };
        let sealed_secret = seal(&self.sealer, &seedling.id, &seedling.secret)?;
        Ok(ReadyKey { seedling, sealed_secret, standing })
    }
}
