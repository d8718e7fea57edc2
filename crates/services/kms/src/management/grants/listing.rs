//! Grants listed: of a key, and those that somebody may retire.

use strongroom_api_kms::actions;
use strongroom_identity::{AccountId, RequestContext};
use strongroom_policy::Resource;

use crate::KeyManagement;
use crate::domain::grant::{Grant, NamedParty};
use crate::domain::key::SharedKey;
use crate::domain::paging::Page;
use crate::error::Refusal;
use crate::repo;

/// Which grants of a key are asked for.
#[derive(Default)]
pub(crate) struct GrantFilter {
    pub(crate) grant_id: Option<String>,
    pub(crate) grantee: Option<Grantee>,
}

/// To whom grants are that are asked for.
pub(crate) enum Grantee {
    Named(NamedParty),
    /// Who is gone, or was so when somebody looked.
    UniqueId(String),
}

/// The principal whose retirable grants are listed: that is what this permission is about (KMS API Reference,
/// ListRetirableGrants).
struct Retiring<'n>(&'n NamedParty, AccountId);

impl Resource for Retiring<'_> {
    fn owner(&self) -> AccountId {
        self.1
    }

    fn arn(&self) -> String {
        self.0.text().to_owned()
    }
}

impl KeyManagement {
    /// The key with those of its grants that are asked for; one more than the page holds if there are more.
    pub(crate) async fn list_grants(
        &self,
        context: &RequestContext,
        key_id: &str,
        filter: GrantFilter,
        page: &Page,
    ) -> Result<(SharedKey, Vec<Grant>), Refusal> {
        let key = self.permitted::<actions::ListGrants>(context, key_id).await?.into_resource();
        let grantee = match filter.grantee {
            None => None,
            Some(Grantee::UniqueId(id)) => Some(id),
            Some(Grantee::Named(named)) => {
                let party = self.bind(named).await?.map_err(|named| Refusal::no_such_principal(&named))?;
                Some(party.identity().to_owned())
            }
        };
        let (db, mac, home) = (&self.db, &self.mac, &key.home);
        let grants = match &filter.grant_id {
            None => {
                let most = page.limit + 1;
                repo::grants::list(db, mac, home, &key.id, grantee.as_deref(), &page.after, most).await?
            }
            Some(id) => {
                let found = repo::grants::find(db, mac, home, &key.id, id).await?;
                let is_asked = |grant: &Grant| {
                    grantee.as_ref().is_none_or(|grantee| grant.terms.grantee.identity() == grantee)
                        && grant.id > page.after
                };
                found.into_iter().filter(is_asked).collect()
            }
        };
        Ok((key, grants))
    }

    /// Grants of keys in the Region, of whatever accounts, that a principal of the caller's account may retire; one
    /// more than the page holds if there are more.
    pub(crate) async fn list_retirable_grants(
        &self,
        context: &RequestContext,
        retiring: NamedParty,
        page: &Page,
    ) -> Result<Vec<Grant>, Refusal> {
        let owner = retiring.account().unwrap_or(context.account());
        self.authority.authorize::<actions::ListRetirableGrants, _>(context, Retiring(&retiring, owner))?;
        let party = self.bind(retiring).await?.map_err(|named| Refusal::no_such_principal(&named))?;
        let (region, most) = (context.region.name(), page.limit + 1);
        Ok(repo::grants::list_retirable(&self.db, &self.mac, region, party.identity(), &page.after, most)
            .await?)
    }
}
