//! Key stores as their owner sees them.

use strongroom_api_kms::actions;
use strongroom_identity::RequestContext;

use crate::KeyManagement;
use crate::domain::access::KeyStores;
use crate::domain::identifier::Home;
use crate::domain::key_store::{KeyStore, MOST_KEY_STORES};
use crate::domain::paging::Page;
use crate::error::{KeyStoreRefusal, Refusal};
use crate::repo;

/// Which key stores a caller wants to see.
pub(crate) enum WhichKeyStores {
    All,
    Id(String),
    Name(String),
}

impl KeyManagement {
    /// Key stores of the caller's account, by their ids; one more than the page holds if there are more.
    pub(crate) async fn describe_key_stores(
        &self,
        context: &RequestContext,
        which: WhichKeyStores,
        page: &Page,
    ) -> Result<Vec<KeyStore>, Refusal> {
        let all = KeyStores(context.account());
        self.authority().authorize::<actions::DescribeCustomKeyStores, _>(context, all)?;
        let home = Home::of(context);
        match which {
            WhichKeyStores::All => Ok(repo::key_stores::list(
                &self.db,
                &self.mac,
                &home,
                &page.after,
                page.limit.min(MOST_KEY_STORES) + 1,
            )
            .await?),
            WhichKeyStores::Id(id) => Ok(vec![self.stores.find(&home, &id).await?.as_ref().clone()]),
            WhichKeyStores::Name(name) => {
                let stores = repo::key_stores::list(&self.db, &self.mac, &home, "", MOST_KEY_STORES).await?;
                let found = stores.into_iter().find(|store| store.name == name);
                found.map(|store| vec![store]).ok_or_else(|| KeyStoreRefusal::NoSuchName(name).into())
            }
        }
    }
}
