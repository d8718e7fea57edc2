//! The grants that a caller has on a key, which decisions about the key take into account.

use std::sync::Arc;

use strongroom_identity::RequestContext;
use strongroom_store::Tx;

use crate::KeyManagement;
use crate::domain::grant::{
    Constraints, HeldGrants, Holdings, MOST_TOLD, NamedParty, Operations, Party, Relevant, identities_of,
};
use crate::domain::identifier::Home;
use crate::domain::key::Key;
use crate::error::Refusal;
use crate::repo;

/// Grants that are read at once: some megabytes of them at most.
const AT_ONCE: usize = 1000;

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
                    let held = Arc::new(Box::pin(self.read_grants(&name)).await?);
                    self.grants.keep(ticket, name, held.clone());
                    held
                }
            };
            holdings.push(held);
        }
        Ok(holdings)
    }

    /// All grants on a key to one identity, not all of them at once.
    async fn read_grants(
        &self,
        (home, key_id, grantee): &(Home, String, String),
    ) -> Result<HeldGrants, Refusal> {
        let (mut held, mut after) = (HeldGrants::default(), String::new());
        loop {
            let (db, mac) = (&self.db, &self.mac);
            let grants = repo::grants::list(db, mac, home, key_id, Some(grantee), &after, AT_ONCE).await?;
            held.add(&grants);
            match grants.into_iter().nth(AT_ONCE - 1) {
                Some(last) => after = last.id,
                None => return Ok(held),
            }
        }
    }

    /// Those of the caller's grants, as a transaction sees them, that say something of a grant that he wants to make:
    /// one that lets him, or some that do not.
    pub(super) async fn load_relevant(
        &self,
        tx: &mut Tx<'_>,
        context: &RequestContext,
        key: &Key,
        operations: Operations,
        constraints: &Constraints,
    ) -> Result<Vec<Relevant>, Refusal> {
        let mut found = Vec::new();
        if key.grants == 0 {
            return Ok(found);
        }
        for identity in identities_of(&context.caller.principal) {
            let mut after = String::new();
            loop {
                let which = (&key.home, key.id.as_str(), identity.as_str());
                let grants = repo::grants::load_to(tx, &self.mac, which, &after, AT_ONCE).await?;
                let relevant = grants
                    .iter()
                    .filter_map(|grant| Relevant::of(grant, operations, constraints, context.acts_about()));
                for grant in relevant {
                    if grant.suffices() {
                        return Ok(vec![grant]);
                    }
                    if found.len() < MOST_TOLD {
                        found.push(grant);
                    }
                }
                match grants.into_iter().nth(AT_ONCE - 1) {
                    Some(last) => after = last.id,
                    None => break,
                }
            }
        }
        Ok(found)
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
