//! The users and roles that key policies name, found among those that there are.

use std::collections::BTreeMap;

use strongroom_identity::AccountId;
use strongroom_policy::document::with_principals;

use super::KeyManagement;
use crate::domain::key::Key;
use crate::domain::policy::{Bound, Named};
use crate::error::Refusal;

impl KeyManagement {
    /// The users and roles of a policy that a key of the account is to get. `None` if one of them does not exist: who is
    /// gone can be shown by his unique id, and not named by it.
    pub(crate) async fn bind_policy(&self, account: AccountId, text: &str) -> Result<Option<Bound>, Refusal> {
        let named = Named::of(text);
        for id in &named.ids {
            if self.principals.arn_of(account, id).await.map_err(Refusal::Internal)?.is_none() {
                return Ok(None);
            }
        }
        let mut ids = BTreeMap::new();
        for arn in named.arns {
            let Some(id) = self.principals.id_of(&arn).await.map_err(Refusal::Internal)? else {
                return Ok(None);
            };
            let bound = session_of(&arn).map_or_else(|| id.clone(), |name| format!("{id}:{name}"));
            ids.insert(arn, bound);
        }
        Ok(Some(Bound::new(ids)))
    }

    /// A key's policy as it is shown: whoever has another name now stands there under it, and whoever has gone by his
    /// unique id. It is written anew only if somebody has.
    pub(crate) async fn shown_policy(&self, key: &Key) -> Result<String, Refusal> {
        let text = key.policy_text();
        let mut moved = BTreeMap::new();
        for (arn, id) in key.policy.bound().iter() {
            let account = arn.split(':').nth(4).and_then(|account| account.parse().ok());
            let entity = id.split(':').next().unwrap_or_default();
            let now = match account {
                Some(account) => self.principals.arn_of(account, entity).await.map_err(Refusal::Internal)?,
                None => None,
            };
            // A session's ARN is that of a role which has no other name as long as it is there.
            let is_session = session_of(arn).is_some();
            let now = now.map(|now| if is_session { arn.to_owned() } else { now });
            let now = now.unwrap_or_else(|| id.to_owned());
            if now != arn {
                moved.insert(arn.to_owned(), now);
            }
        }
        if moved.is_empty() {
            return Ok(text);
        }
        with_principals(&text, &moved).ok_or_else(|| Refusal::internal("a key policy is no policy any more"))
    }
}

/// The session's name, if it is the ARN of a role's session.
fn session_of(arn: &str) -> Option<&str> {
    let (_, session) = arn.split_once(":assumed-role/")?;
    session.split_once('/').map(|(_, name)| name)
}
