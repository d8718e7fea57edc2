//! Grants that the operator's seed wants: made if they are not there, without asking anybody for permission.

use std::collections::BTreeMap;

use strongroom_crypto::hex;
use strongroom_identity::AccountId;
use strongroom_store::Tx;

use crate::KeyManagement;
use crate::domain::grant::{Constraints, NamedParty, Operations, Terms};
use crate::domain::key::Key;
use crate::error::Refusal;
use crate::management::random_id;
use crate::repo;

/// A grant that a key shall have. A grant with other terms and the same name is another one, and stays.
#[derive(Debug)]
pub struct GrantSeedling {
    /// Its name, by which it is found again.
    pub name: String,
    /// Who gets it: an account, or the ARN of a user, role or session.
    pub grantee: String,
    /// Who may retire it.
    pub retiring: Option<String>,
    /// What it allows, in the API's words.
    pub operations: Vec<String>,
    /// The encryption context that requests must have, if there is such a constraint.
    pub encryption_context_equals: Option<BTreeMap<String, String>>,
    /// The encryption context that requests must have, among others, if there is such a constraint.
    pub encryption_context_subset: Option<BTreeMap<String, String>>,
}

impl KeyManagement {
    /// The terms of a grant that an account shall have made.
    pub(in crate::management) async fn read_grant(
        &self,
        account: AccountId,
        seedling: &GrantSeedling,
    ) -> Result<Terms, Refusal> {
        let GrantSeedling { encryption_context_equals, encryption_context_subset, .. } = seedling;
        let constraints =
            Constraints::of(encryption_context_equals.clone(), encryption_context_subset.clone(), None)?;
        let operations = Operations::asked_for(seedling.operations.iter().map(String::as_str))?;
        let party = async |text: &String| {
            let named = NamedParty::parse(text)?;
            self.bind(named).await?.map_err(|named| Refusal::no_such_principal(&named))
        };
        Ok(Terms {
            name: Some(seedling.name.clone()),
            issuer: account,
            grantee: party(&seedling.grantee).await?,
            retiring: match &seedling.retiring {
                None => None,
                Some(retiring) => Some(party(retiring).await?),
            },
            operations,
            constraints,
        })
    }

    /// Gives a key that a transaction has loaded a grant with these terms, and answers whether it had none. Whoever
    /// commits drops what is in memory of the grantee's grants.
    pub(in crate::management) async fn plant_grant(
        &self,
        tx: &mut Tx<'_>,
        key: &mut Key,
        terms: &Terms,
        now_ms: i64,
    ) -> Result<bool, Refusal> {
        terms.check(key.nature())?;
        if repo::grants::load_same(tx, &self.mac, &key.home, &key.id, terms).await?.is_some() {
            return Ok(false);
        }
        let id = hex::encode(&random_id::<32>()?);
        self.add_grant(tx, key, &id, now_ms, terms).await?;
        Ok(true)
    }
}
