//! Changes to keys that callers ask for.

use strongroom_identity::{Action, RequestContext};

use super::{KEY_RESOURCE, KeyManagement, random_id};
use crate::domain::identifier::{Home, Named};
use crate::domain::key::Key;
use crate::error::Refusal;
use crate::repo;

impl KeyManagement {
    /// Changes the key that a key id or key ARN names. Permission to do `A` is asked for on the very state
    /// that the change commits on, whatever other calls do at the same time; `act` may run more than once,
    /// on another state each time. Replicas get what changes of what they share with the key, when it rotates by itself, in
    /// the same transaction. Answers the key as it is then, without its materials.
    pub(crate) async fn change<A: Action>(
        &self,
        context: &RequestContext,
        key_id: &str,
        act: impl Fn(&mut Key) -> Result<(), Refusal> + Send + Sync,
    ) -> Result<Key, Refusal> {
        let (home, key_id) = Named::parse_key_only(context, key_id)?;
        let (home, key_id, act) = (&home, key_id.as_str(), &act);
        let sharing_ids = (random_id()?, random_id()?);
        let changed = self.db.transaction(|tx| {
            Box::pin(async move {
                let found = repo::keys::load(tx, &self.mac, home, key_id).await?;
                let key = found.ok_or_else(|| Refusal::no_such_key(&Home::of(context).key_arn(key_id)))?;
                let mut key = self.permit_change::<A>(context, key)?;
                let before = key.rotation;
                act(&mut key)?;
                repo::keys::replace(tx, &self.mac, &mut key).await?;
                repo::post(tx, context.draft()).await?;
                let shared = if key.rotation == before {
                    None
                } else {
                    self.share(tx, &key, context.now_ms, sharing_ids).await?
                };
                Ok::<_, Refusal>((key, shared))
            })
        });
        let changed = changed.await;
        self.forget_key(home, key_id);
        self.agenda_changed();
        let (key, shared) = changed?;
        if let Some(shared) = shared {
            self.forget_related(&key);
            self.publish(shared).await;
        }
        Ok(key)
    }

    /// Permission to do `A` to a key that a transaction has loaded.
    pub(super) fn permit_change<A: Action>(
        &self,
        context: &RequestContext,
        key: Key,
    ) -> Result<Key, Refusal> {
        context.touched(KEY_RESOURCE, key.home.account, key.arn.clone());
        Ok(self.authority.authorize::<A, _>(context, key)?.into_resource())
    }
}
