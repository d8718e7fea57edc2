//! The grants that a caller has on a key, which decisions about the key take into account.

use std::sync::Arc;

use strongroom_identity::RequestContext;
use strongroom_store::Tx;

use crate::KeyManagement;
use crate::domain::grant::{HeldGrants, Holdings, NamedParty, Party, identities_of};
use crate::domain::identifier::Home;
use crate::domain::key::Key;
use crate::error::Refusal;
use crate::repo;

impl KeyManagement {
    /// Refuses tokens that no grant gave. What they are of counts with them or without.
    pub(crate) fn check_grant_tokens(&self, tokens: Option<&[String]>) -> Result<(), Refusal> {
        tokens.unwrap_or_default().iter().try_for_each(|token| self.tokens.open(token).map(drop))
    }

    /// The grants on a key that the caller has: from memory, if somebody has asked before.
    pub(in crate::management) async fn holdings(
        &self,
        context: &RequestContext,
        key: &Key,
    ) -> Result<Holdings, Refusal> {
        let mut holdings = Holdings::new();
        if key.grants == 0 {
            return Ok(holdings);
        }
        for identity in identities_of(&context.caller.principal) {
            let name = (key.home.clone(), key.id.clone(), identity);
            let held = match self.grants.get(&name) {
                Ok(held) => held,
                Err(ticket) => {
                    let grants =
                        repo::grants::find_to(&self.db, &self.mac, &key.home, &key.id, &name.2).await?;
                    let held = Arc::new(HeldGrants::new(grants));
                    self.grants.keep(ticket, name, held.clone());
                    held
                }
            };
            holdings.push(held);
        }
        Ok(holdings)
    }

    /// The same as a transaction sees them.
    pub(super) async fn load_holdings(
        &self,
        tx: &mut Tx<'_>,
        context: &RequestContext,
        key: &Key,
    ) -> Result<Holdings, Refusal> {
        let mut holdings = Holdings::new();
        if key.grants == 0 {
            return Ok(holdings);
        }
        for identity in identities_of(&context.caller.principal) {
            let grants = repo::grants::load_to(tx, &self.mac, &key.home, &key.id, &identity).await?;
            holdings.push(Arc::new(HeldGrants::new(grants)));
        }
        Ok(holdings)
    }

    /// Drops what is in memory of one identity's grants on a key.
    pub(in crate::management) fn forget_grants(&self, home: &Home, key_id: &str, identity: &str) {
        self.grants.forget(&(home.clone(), key_id.to_owned(), identity.to_owned()));
    }

    /// The principal that a request names, or its name if there is no such principal.
    pub(super) async fn bind(&self, named: NamedParty) -> Result<Result<Party, String>, Refusal> {
        let unique_id = match named.entity() {
            None => None,
            Some(arn) => self.principals.id_of(arn).await.map_err(Refusal::Internal)?,
        };
        let text = named.text().to_owned();
        Ok(named.bound(unique_id.as_deref()).ok_or(text))
    }

    /// How a principal of a grant is shown: by the name that it has now, or by its unique id when it is gone.
    pub(crate) async fn shown(&self, party: &Party) -> Result<String, Refusal> {
        let Some((account, id)) = party.entity() else { return Ok(party.named().to_owned()) };
        let arn = self.principals.arn_of(account, id).await.map_err(Refusal::Internal)?;
        Ok(arn.unwrap_or_else(|| id.to_owned()))
    }
}
