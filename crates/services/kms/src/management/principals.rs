//! The users and roles that key policies name, found among those that there are.

use strongroom_identity::AccountId;
use strongroom_policy::document::Kind;

use super::KeyManagement;
use crate::domain::key::Key;
use crate::domain::policy::{Bound, Named};
use crate::error::Refusal;

impl KeyManagement {
    /// The users and roles of a policy that a key of the account is to get. `None` if one of them does not exist.
    pub(crate) async fn bind_policy(&self, account: AccountId, text: &str) -> Result<Option<Bound>, Refusal> {
        let found = Named::of(text, Kind::Key).find(&*self.principals, account).await;
        Ok(found.map_err(Refusal::Internal)?.ok())
    }

    /// A key's policy as it is shown: whoever has another name now stands there under it, and whoever has gone by his
    /// unique id.
    pub(crate) async fn shown_policy(&self, key: &Key) -> Result<String, Refusal> {
        let shown = key.policy.bound().shown(&key.policy_text(), &*self.principals).await;
        let shown = shown.map_err(Refusal::Internal)?;
        shown.ok_or_else(|| Refusal::internal("a key policy is no policy any more"))
    }
}
