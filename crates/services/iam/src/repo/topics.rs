//! What servers tell each other of IAM's rows, which they keep in memory.

use strongroom_identity::AccountId;
use strongroom_store::{StoreError, Topic, Tx};

/// The directory of an account, by [`Made`]: everything that its users, groups, roles and policies are.
pub(crate) const DIRECTORIES: Topic = Topic::new("iam.directories");
/// Access keys whose secret is another now, or that are gone, by their ids. Whether one counts, its directory says.
pub(crate) const ACCESS_KEYS: Topic = Topic::new("iam.access_keys");

/// A state of a directory that a change has made.
pub(crate) struct Made<'n> {
    pub(crate) account: AccountId,
    pub(crate) version: i64,
    /// Of which making the directory is: versions of another do not compare.
    pub(crate) nonce: &'n str,
}

impl<'n> Made<'n> {
    /// Tells of it.
    pub(super) async fn announce(&self, tx: &mut Tx<'_>) -> Result<(), StoreError> {
        let Self { account, version, nonce } = self;
        tx.announce(DIRECTORIES, &format!("{account}/{version}/{nonce}")).await
    }

    /// What was announced. `None` if nobody here has announced it.
    pub(crate) fn read(key: &'n str) -> Option<Self> {
        let mut parts = key.splitn(3, '/');
        let (account, version) = (parts.next()?.parse().ok()?, parts.next()?.parse().ok()?);
        Some(Self { account, version, nonce: parts.next()? })
    }
}
