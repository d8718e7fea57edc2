//! What callers change about key stores. Permission is asked for, and every condition judged, on the state that the
//! change commits on.

use serde_json::{Value, json};
use strongroom_api_kms::actions;
use strongroom_crypto::hex;
use strongroom_identity::{Action, Region, RequestContext};
use strongroom_secret::{SecretString, constant_time_eq};
use strongroom_store::Tx;

use super::cluster::{ClusterFacts, are_same};
use crate::KeyManagement;
use crate::domain::access::KeyStores;
use crate::domain::identifier::Home;
use crate::domain::key_store::{self, ConnectionState, HSMS_FOR_KEYS, KeyStore, MOST_KEY_STORES};
use crate::error::{KeyStoreRefusal, Refusal};
use crate::management::random_id;
use crate::repo;
use crate::repo::leftovers::Leftover;

/// Keys left in the HSMs that the record of a deletion names.
const MOST_NAMED: u32 = 100;

/// What a caller says of the key store that shall be made.
pub(crate) struct NewKeyStore {
    pub(crate) name: String,
    pub(crate) cluster_id: String,
    /// As PEM; `None` for the one that the cluster was initialized with.
    pub(crate) trust_anchor: Option<String>,
    pub(crate) password: Option<SecretString>,
}

/// What a caller wants to be otherwise.
#[derive(Default)]
pub(crate) struct KeyStoreChange {
    pub(crate) name: Option<String>,
    pub(crate) cluster_id: Option<String>,
    pub(crate) password: Option<SecretString>,
}

/// The cluster that a key store is to have.
struct NewCluster {
    id: String,
    certificate: [u8; 32],
    trust_anchor: String,
}

impl KeyManagement {
    /// Makes a key store, or answers the one that is the same.
    pub(crate) async fn create_key_store(
        &self,
        context: &RequestContext,
        new: NewKeyStore,
    ) -> Result<KeyStore, Refusal> {
        let home = Home::of(context);
        self.may::<actions::CreateCustomKeyStore>(context)?;
        let known = repo::key_stores::list(&self.db, &self.mac, &home, "", MOST_KEY_STORES).await?;
        if let Some(same) = self.the_same(&known, &new)? {
            return Ok(same);
        }
        expect_free_name(&known, &new.name)?;
        let cluster = self.usable_cluster(&home, &new.cluster_id, &known).await?;
        if new.trust_anchor.as_ref().is_some_and(|given| !are_same(given, &cluster.trust_anchor)) {
            return Err(KeyStoreRefusal::IncorrectTrustAnchor(new.cluster_id).into());
        }
        let mut store = KeyStore {
            id: key_store::new_id(&random_id()?),
            home,
            version: 1,
            name: new.name.clone(),
            cluster_id: cluster.id,
            certificate: cluster.certificate,
            trust_anchor: cluster.trust_anchor,
            created_ms: context.now_ms,
            state: ConnectionState::Disconnected,
            since_ms: context.now_ms,
            error: None,
            password: None,
            pending_password: None,
        };
        if let Some(password) = &new.password {
            store.password = Some(self.stores.passwords.seal(&store, password.expose())?);
        }
        let (new, store) = (&new, &store);
        let made = self.db.transaction(|tx| {
            Box::pin(async move {
                let known = repo::key_stores::load_all(tx, &self.mac, &store.home, MOST_KEY_STORES).await?;
                if let Some(same) = self.the_same(&known, new)? {
                    return Ok::<_, Refusal>(same);
                }
                expect_free_name(&known, &store.name)?;
                expect_free_cluster(&known, &store.cluster_id, &store.certificate)?;
                if known.len() >= self.settings.quotas.key_stores as usize {
                    return Err(Refusal::LimitExceeded(format!(
                        "You have reached the limit of {} custom key stores in this account and Region.",
                        self.settings.quotas.key_stores
                    )));
                }
                repo::key_stores::insert(tx, &self.mac, store).await?;
                repo::post(tx, context.draft()).await?;
                Ok(store.clone())
            })
        });
        let made = made.await?;
        self.stores.forget(&made.home, &made.id);
        Ok(made)
    }

    /// The key store that a caller would make again: AWS answers one that is disconnected and the same in every respect.
    /// Beyond AWS, who leaves out what AWS demands is answered the one of that name and cluster in whatever state.
    fn the_same(&self, known: &[KeyStore], new: &NewKeyStore) -> Result<Option<KeyStore>, Refusal> {
        let is_named_so = |store: &&KeyStore| store.name == new.name && store.cluster_id == new.cluster_id;
        if new.trust_anchor.is_none() && new.password.is_none() {
            return Ok(known.iter().find(is_named_so).cloned());
        }
        let is_alike = |store: &&KeyStore| {
            store.state == ConnectionState::Disconnected
                && is_named_so(store)
                && new.trust_anchor.as_ref().is_none_or(|given| are_same(given, &store.trust_anchor))
        };
        let Some(store) = known.iter().find(is_alike) else { return Ok(None) };
        let password = store.password.as_ref().map(|sealed| self.stores.passwords.open(store, sealed));
        let is_same = match (&password.transpose()?, &new.password) {
            (None, None) => true,
            (Some(one), Some(other)) => constant_time_eq(one.expose().as_bytes(), other.expose().as_bytes()),
            _ => false,
        };
        Ok(is_same.then(|| store.clone()))
    }

    /// A cluster that fulfils everything that a key store asks of it.
    async fn usable_cluster(&self, home: &Home, id: &str, known: &[KeyStore]) -> Result<NewCluster, Refusal> {
        let facts = self.stores.calls.cluster(home, id).await?;
        let facts = facts.ok_or_else(|| KeyStoreRefusal::ClusterNotFound(id.to_owned()))?;
        facts.expect_active()?;
        let certificate = facts.history()?;
        expect_free_cluster(known, id, &certificate)?;
        self.expect_fit(home, &facts).await?;
        Ok(NewCluster { id: facts.id, certificate, trust_anchor: self.trust_anchor(home, id).await? })
    }

    /// Judges what a key store's cluster has to have for new keys.
    async fn expect_fit(&self, home: &Home, facts: &ClusterFacts) -> Result<(), Refusal> {
        facts.expect_zones()?;
        self.stores.calls.expect_group(home, facts).await?;
        facts.expect_hsms(HSMS_FOR_KEYS)
    }

    async fn trust_anchor(&self, home: &Home, cluster_id: &str) -> Result<String, Refusal> {
        let region = Region::named(home.region);
        let region = region.ok_or_else(|| Refusal::internal("a Region that is not in the table"))?;
        let anchor = self.stores.anchors.trust_anchor(home.account, region, cluster_id).await;
        let anchor = anchor.map_err(Refusal::Internal)?;
        anchor.ok_or_else(|| KeyStoreRefusal::ClusterNotFound(cluster_id.to_owned()).into())
    }

    /// Changes what callers may change.
    pub(crate) async fn update_key_store(
        &self,
        context: &RequestContext,
        store_id: &str,
        change: KeyStoreChange,
    ) -> Result<(), Refusal> {
        self.may::<actions::UpdateCustomKeyStore>(context)?;
        let home = Home::of(context);
        let seen = self.stores.find(&home, store_id).await?;
        note(context, &seen);
        expect_changeable(&seen, &change)?;
        let cluster = match &change.cluster_id {
            Some(id) => Some(self.related_cluster(&seen, id).await?),
            None => None,
        };
        let password = change.password.as_ref();
        let password = password.map(|password| self.stores.passwords.seal(&seen, password.expose()));
        let (password, cluster, change) = (&password.transpose()?, &cluster, &change);
        let changed =
            self.change_key_store::<actions::UpdateCustomKeyStore>(context, store_id, |store, known| {
                expect_changeable(store, change)?;
                if let Some(name) = change.name.as_ref().filter(|name| **name != store.name) {
                    expect_free_name(known, name)?;
                    store.name.clone_from(name);
                }
                if let Some(cluster) = cluster {
                    if store.certificate != cluster.certificate {
                        return Err(not_related(store, &cluster.id));
                    }
                    store.cluster_id.clone_from(&cluster.id);
                    store.trust_anchor.clone_from(&cluster.trust_anchor);
                }
                // A pending one stays: if an attempt to connect was cut off, the HSMs may know that one only.
                if let Some(password) = password {
                    store.password = Some(password.clone());
                }
                Ok(())
            });
        changed.await.map(drop)
    }

    /// A cluster that may take the place of the key store's.
    async fn related_cluster(&self, store: &KeyStore, id: &str) -> Result<NewCluster, Refusal> {
        let facts = self.stores.calls.cluster(&store.home, id).await?;
        let facts = facts.ok_or_else(|| KeyStoreRefusal::ClusterNotFound(id.to_owned()))?;
        facts.expect_active()?;
        let certificate = facts.history()?;
        if certificate != store.certificate {
            return Err(not_related(store, id));
        }
        self.expect_fit(&store.home, &facts).await?;
        Ok(NewCluster { id: facts.id, certificate, trust_anchor: self.trust_anchor(&store.home, id).await? })
    }

    /// Begins to connect, and does not wait for it.
    pub(crate) async fn connect_key_store(
        &self,
        context: &RequestContext,
        store_id: &str,
    ) -> Result<(), Refusal> {
        self.may::<actions::ConnectCustomKeyStore>(context)?;
        let home = Home::of(context);
        let seen = self.stores.find(&home, store_id).await?;
        note(context, &seen);
        seen.as_ref().clone().connect(context.now_ms)?;
        // A cluster that is gone is what the attempt ends with; this operation has no error for it.
        if seen.state == ConnectionState::Disconnected
            && let Some(facts) = self.stores.calls.cluster(&home, &seen.cluster_id).await?
        {
            facts.expect_active()?;
            self.stores.calls.expect_group(&home, &facts).await?;
            facts.expect_hsms(1)?;
        }
        self.change_key_store::<actions::ConnectCustomKeyStore>(context, store_id, |store, _| {
            store.connect(context.now_ms)
        })
        .await?;
        self.stores.nudge();
        Ok(())
    }

    /// Begins to disconnect: from now on nobody uses the key store's keys.
    pub(crate) async fn disconnect_key_store(
        &self,
        context: &RequestContext,
        store_id: &str,
    ) -> Result<(), Refusal> {
        self.may::<actions::DisconnectCustomKeyStore>(context)?;
        note(context, self.stores.find(&Home::of(context), store_id).await?.as_ref());
        let store =
            self.change_key_store::<actions::DisconnectCustomKeyStore>(context, store_id, |store, _| {
                store.disconnect(context.now_ms)
            });
        let store = store.await?;
        // Whoever connects it has to stop.
        self.stores.lines.of(&store.home, &store.id).interrupt();
        self.stores.nudge();
        Ok(())
    }

    /// Removes a key store without keys. Its cluster stays as it is.
    pub(crate) async fn delete_key_store(
        &self,
        context: &RequestContext,
        store_id: &str,
    ) -> Result<(), Refusal> {
        self.may::<actions::DeleteCustomKeyStore>(context)?;
        let home = &Home::of(context);
        note(context, self.stores.find(home, store_id).await?.as_ref());
        let deleted = self.db.transaction(|tx| {
            Box::pin(async move {
                let store = self.load_key_store(tx, home, store_id).await?;
                store.expect_disconnected()?;
                if repo::keys::any_in_store(tx, home, store_id).await? {
                    return Err(KeyStoreRefusal::HasKeys(store_id.to_owned()).into());
                }
                repo::key_stores::delete(tx, &store).await?;
                let left = repo::leftovers::take_all(tx, &self.mac, home, store_id, MOST_NAMED).await?;
                repo::post(tx, context.draft()).await?;
                Ok::<_, Refusal>(left)
            })
        });
        let deleted = deleted.await;
        self.stores.forget(home, store_id);
        let left = deleted?;
        self.stores.lines.remove(home, store_id);
        self.backends.forget(home, store_id);
        note_left(context, &left);
        Ok(())
    }

    /// Changes a key store in one transaction; `act` is shown all key stores of its home too, and may run more than
    /// once. What it leaves as it was is not written.
    async fn change_key_store<A: Action>(
        &self,
        context: &RequestContext,
        store_id: &str,
        act: impl Fn(&mut KeyStore, &[KeyStore]) -> Result<(), Refusal> + Send + Sync,
    ) -> Result<KeyStore, Refusal> {
        self.may::<A>(context)?;
        let (home, act) = (&Home::of(context), &act);
        let changed = self.db.transaction(|tx| {
            Box::pin(async move {
                let before = self.load_key_store(tx, home, store_id).await?;
                let known = repo::key_stores::load_all(tx, &self.mac, home, MOST_KEY_STORES).await?;
                let mut store = before.clone();
                act(&mut store, &known)?;
                if store != before {
                    repo::key_stores::replace(tx, &self.mac, &mut store).await?;
                    repo::post(tx, context.draft()).await?;
                }
                Ok::<_, Refusal>(store)
            })
        });
        let changed = changed.await;
        self.stores.forget(home, store_id);
        changed
    }

    async fn load_key_store(
        &self,
        tx: &mut Tx<'_>,
        home: &Home,
        store_id: &str,
    ) -> Result<KeyStore, Refusal> {
        let found = if super::is_id(store_id) {
            repo::key_stores::load(tx, &self.mac, home, store_id).await?
        } else {
            None
        };
        found.ok_or_else(|| Refusal::NoSuchKeyStore(store_id.to_owned()))
    }

    /// Permission to do `A` to the account's key stores: they have no ARNs.
    fn may<A: Action>(&self, context: &RequestContext) -> Result<(), Refusal> {
        self.authority().authorize::<A, _>(context, KeyStores(context.account()))?;
        Ok(())
    }
}

/// What records say of the key store that an operation is about.
fn note(context: &RequestContext, store: &KeyStore) {
    context.additional("customKeyStoreName", store.name.clone());
    context.additional("clusterId", store.cluster_id.clone());
}

/// What records say of keys in the HSMs that KMS has not come to delete, and does not any more.
fn note_left(context: &RequestContext, left: &[Leftover]) {
    let name =
        |left: &Leftover| json!({ "keyId": left.key_id, "backingKeyId": hex::encode(&left.material_id) });
    if !left.is_empty() {
        let names: Value = left.iter().map(name).collect();
        context.additional("backingKeysLeft", names.to_string());
    }
}

fn expect_changeable(store: &KeyStore, change: &KeyStoreChange) -> Result<(), Refusal> {
    if change.cluster_id.is_some() || change.password.is_some() {
        store.expect_disconnected()
    } else {
        store.expect_nameable()
    }
}

fn expect_free_name(known: &[KeyStore], name: &str) -> Result<(), Refusal> {
    if known.iter().any(|store| store.name == name) {
        return Err(KeyStoreRefusal::NameInUse(name.to_owned()).into());
    }
    Ok(())
}

fn expect_free_cluster(known: &[KeyStore], id: &str, certificate: &[u8; 32]) -> Result<(), Refusal> {
    let uses = |store: &&KeyStore| store.cluster_id == id || store.certificate == *certificate;
    match known.iter().find(uses) {
        Some(store) => Err(KeyStoreRefusal::ClusterInUse { id: id.to_owned(), by: store.id.clone() }.into()),
        None => Ok(()),
    }
}

fn not_related(store: &KeyStore, id: &str) -> Refusal {
    KeyStoreRefusal::ClusterNotRelated { id: id.to_owned(), former: store.cluster_id.clone() }.into()
}
