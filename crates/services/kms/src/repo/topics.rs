//! What servers tell each other of KMS's rows, which they keep in memory. What is not there is not kept, so that a new
//! key or alias is no news.

use std::collections::BTreeSet;
use std::str::FromStr;

use strongroom_identity::Region;
use strongroom_store::{StoreError, Topic, Tx};

use crate::domain::identifier::Home;

/// Keys: their rows, aliases' names and materials.
pub(crate) const KEYS: Topic = Topic::new("kms.keys");
/// Aliases.
pub(crate) const ALIASES: Topic = Topic::new("kms.aliases");
/// What one identity has of grants on a key.
pub(crate) const GRANTS: Topic = Topic::new("kms.grants");
/// Custom key stores.
pub(crate) const STORES: Topic = Topic::new("kms.stores");

/// Whose grants on which key.
pub(crate) struct Holding {
    pub(crate) home: Home,
    pub(crate) key_id: String,
    pub(crate) identity: String,
}

/// Says that a key, alias or key store has changed.
pub(super) async fn announce(
    tx: &mut Tx<'_>,
    topic: Topic,
    home: &Home,
    name: &str,
) -> Result<(), StoreError> {
    tx.announce(topic, &format!("{}/{}/{name}", home.account, home.region)).await
}

/// Says that what an identity has of grants on a key has changed.
pub(super) async fn announce_grants(
    tx: &mut Tx<'_>,
    home: &Home,
    key_id: &str,
    identity: &str,
) -> Result<(), StoreError> {
    announce(tx, GRANTS, home, &format!("{key_id}/{identity}")).await
}

/// The most identities whose grants are announced one by one. Beyond it, it costs less to forget what is in memory of all
/// grants: to name 50,000 takes as many statements, while whoever else changes something waits.
const MOST_NAMED: usize = 256;

/// Says that what these identities have of grants on a key has changed.
pub(super) async fn announce_all_grants(
    tx: &mut Tx<'_>,
    home: &Home,
    key_id: &str,
    identities: &BTreeSet<String>,
) -> Result<(), StoreError> {
    if identities.len() > MOST_NAMED {
        // It names nobody, and so everything of the topic.
        return tx.announce(GRANTS, "").await;
    }
    for identity in identities {
        announce_grants(tx, home, key_id, identity).await?;
    }
    Ok(())
}

/// What was announced of a key, alias or key store: where, and its name. `None` if nobody here has announced it.
pub(crate) fn read(key: &str) -> Option<(Home, String)> {
    let mut parts = key.splitn(3, '/');
    let account = FromStr::from_str(parts.next()?).ok()?;
    let region = Region::named(parts.next()?)?.name();
    Some((Home { account, region }, parts.next()?.to_owned()))
}

/// What was announced of grants.
pub(crate) fn read_holding(key: &str) -> Option<Holding> {
    let (home, name) = read(key)?;
    let (key_id, identity) = name.split_once('/')?;
    Some(Holding { home, key_id: key_id.to_owned(), identity: identity.to_owned() })
}
