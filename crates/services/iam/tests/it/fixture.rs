//! Access keys and IAM over a database.

pub(crate) mod iam;

use std::sync::Arc;

use strongroom_iam::{AccessKeys, MIGRATIONS};
use strongroom_identity::{AccountId, Credential, Credentials as _};
use strongroom_runtime::{Clocks, ManualTime};
use strongroom_seal::Root;
use strongroom_secret::{Key256, SecretString};
use strongroom_store::{Db, OpenOptions};
use strongroom_testkit::TestDatabase;

pub(crate) const NOW: i64 = 1_700_000_000_123;
pub(crate) const KEY_ID: &str = "AKIAIOSFODNN7EXAMPLE";
pub(crate) const SECRET: &str = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY";
pub(crate) const OTHER_KEY_ID: &str = "AKIAI44QH8DHBEXAMPLE";
pub(crate) const OTHER_SECRET: &str = "je7MtGbClwBF/2Zp9Utk/h3yCo8nvbEXAMPLEKEY";

/// The seal of these tests; `other_root` is someone else's.
pub(crate) fn root() -> Root {
    Root::from_key(Key256::new([7; 32])).unwrap()
}

pub(crate) fn other_root() -> Root {
    Root::from_key(Key256::new([8; 32])).unwrap()
}

pub(crate) fn account() -> AccountId {
    "111122223333".parse().unwrap()
}

pub(crate) fn other_account() -> AccountId {
    "444455556666".parse().unwrap()
}

pub(crate) async fn open(database: &TestDatabase) -> Db {
    let db = Db::open(database.url(), &OpenOptions::default()).await.unwrap();
    db.migrate(&[MIGRATIONS]).await.unwrap();
    db
}

/// Clocks that stand.
pub(crate) fn clocks() -> Clocks {
    Clocks::new(Arc::new(ManualTime::at(NOW)), 0)
}

/// Access keys as a server that has just started has them: nothing in memory.
pub(crate) fn start(db: &Db) -> AccessKeys {
    AccessKeys::new(db.clone(), &root(), clocks())
}

/// Makes both keys, each its account's.
pub(crate) async fn make_both(keys: &AccessKeys) {
    for (account, id, secret) in [(account(), KEY_ID, SECRET), (other_account(), OTHER_KEY_ID, OTHER_SECRET)]
    {
        make(keys, account, id, secret).await;
    }
}

/// Makes a key, and answers the account that it belongs to in the end.
pub(crate) async fn make(keys: &AccessKeys, account: AccountId, id: &str, secret: &str) -> AccountId {
    keys.ensure_root_key(account, id, &SecretString::new(secret.to_owned()), NOW).await.unwrap()
}

pub(crate) async fn find(keys: &AccessKeys, id: &str) -> Option<Credential> {
    keys.find(id, None).await.unwrap().ok()
}

pub(crate) fn secret(credential: &Credential) -> &str {
    credential.secret.expose()
}
