//! Keys planted: made, or brought to what the operator's seed says of them. No caller asks for it, so nobody is asked
//! for permission: a key policy that shuts everybody out is planted too, and so is one that a caller might not give, as a
//! seed that was good is to be good at the next start, whatever is asked of callers by then. The rules of `domain` hold
//! all the same, and each change leaves a record.

use strongroom_identity::{AccountId, Region};
use strongroom_journal::Record;
use strongroom_secret::Key256;
use strongroom_service::{ApiError, NotPlanted, Planted};
use strongroom_store::{StoreError, Tx};

use super::aliases::expect_room;
use super::creation::{bytes_of, first_state};
use super::grants::GrantSeedling;
use super::{KeyManagement, random_id};
use crate::backend::{NotMade, Wanted};
use crate::domain::access::KeyPolicy;
use crate::domain::alias::{Alias, AliasName};
use crate::domain::grant::Terms;
use crate::domain::identifier::Home;
use crate::domain::key::{Key, KeyState, Manager};
use crate::domain::policy;
use crate::domain::spec::{KeySpec, KeyUsage};
use crate::domain::tags::Tags;
use crate::error::Refusal;
use crate::{events, repo};

/// A key that shall be there. `None` stands for what the seed does not say: that stays as it is.
#[derive(Debug)]
pub struct KeySeedling {
    /// Its id, a UUID in lower case.
    pub id: String,
    /// Where it is.
    pub region: Region,
    /// What it is made of, in the API's words.
    pub spec: Option<String>,
    /// What it is for, in the API's words.
    pub usage: Option<String>,
    /// What it is used for, in its owner's words.
    pub description: Option<String>,
    /// Its policy.
    pub policy: Option<String>,
    /// Whether it can be used.
    pub enabled: Option<bool>,
    /// All of its tags.
    pub tags: Option<Vec<(String, String)>>,
    /// Aliases that shall be its, among others.
    pub aliases: Vec<String>,
    /// Grants that it shall have, among others.
    pub grants: Vec<GrantSeedling>,
    /// A material that it shall have. Whoever has read the seed has the key.
    pub material: Option<Key256>,
}

/// A seedling whose parts have been read.
struct Wish<'s> {
    home: Home,
    seedling: &'s KeySeedling,
    spec: KeySpec,
    usage: KeyUsage,
    policy: Option<KeyPolicy>,
    tags: Option<Tags>,
    aliases: Vec<AliasName>,
    now_ms: i64,
}

/// What has come of a seedling.
struct Done {
    planted: Planted,
    record: Option<Record>,
    /// Keys that have lost aliases to it.
    bereft: Vec<String>,
}

/// Why a seedling does not fit, and the member that it is about.
struct Misfit {
    member: String,
    refusal: Box<Refusal>,
}

/// Says which member a refusal is about.
fn at(member: impl Into<String>) -> impl FnOnce(Refusal) -> Misfit {
    let member = member.into();
    |refusal| Misfit { member, refusal: Box::new(refusal) }
}

impl From<Refusal> for Misfit {
    fn from(refusal: Refusal) -> Self {
        Self { member: String::new(), refusal: Box::new(refusal) }
    }
}

impl From<StoreError> for Misfit {
    fn from(error: StoreError) -> Self {
        Refusal::from(error).into()
    }
}

impl From<Misfit> for NotPlanted {
    fn from(misfit: Misfit) -> Self {
        let failed = matches!(*misfit.refusal, Refusal::Internal(_) | Refusal::Timeout(_));
        if failed {
            return Self::Failed(misfit.refusal.into_cause());
        }
        let error = ApiError::from(*misfit.refusal);
        let why = error.message().unwrap_or_else(|| error.code()).to_owned();
        Self::Refused { member: misfit.member, why }
    }
}

impl KeyManagement {
    /// Brings one key of an account to what a seed says of it. `now_ms` is domain time, in milliseconds since 1970.
    pub async fn plant_key(
        &self,
        account: AccountId,
        seedling: &KeySeedling,
        now_ms: i64,
    ) -> Result<Planted, NotPlanted> {
        if seedling.material.is_some() && !self.lets_choose_keys() {
            let why = "only development servers take key material out of a seed".to_owned();
            return Err(at("KeyMaterial")(Refusal::Validation(why)).into());
        }
        let mut wish = Wish::read(account, seedling, now_ms)?;
        if let Some(text) = &seedling.policy {
            let bound = self.bind_policy(account, text).await.map_err(at("KeyPolicy"))?;
            let bound = bound.ok_or_else(|| at("KeyPolicy")(policy::invalid_principals()))?;
            wish.policy = Some(KeyPolicy::new(Some(text.clone()), bound));
        }
        let mut grants = Vec::new();
        for (index, grant) in seedling.grants.iter().enumerate() {
            grants.push(self.read_grant(account, grant).await.map_err(at(format!("Grants[{index}]")))?);
        }
        let done = self.plant(&wish, &grants).await;
        self.forget_key(&wish.home, &seedling.id);
        for alias in &wish.aliases {
            self.forget_alias(&wish.home, alias.as_str());
        }
        for terms in &grants {
            self.forget_grants(&wish.home, &seedling.id, terms.grantee.identity());
        }
        match &done {
            Ok(Done { bereft, .. }) => bereft.iter().for_each(|key_id| self.forget_key(&wish.home, key_id)),
            // Which keys have lost aliases is not known.
            Err(misfit) if misfit.refusal.leaves_doubt() => self.keys.clear(),
            Err(_) => {}
        }
        let Done { planted, record, .. } = done?;
        if let Some(record) = record {
            self.agenda_changed();
            self.publish(record).await;
        }
        Ok(planted)
    }

    async fn plant(&self, wish: &Wish<'_>, grants: &[Terms]) -> Result<Done, Misfit> {
        let found = repo::keys::find(&self.db, &self.mac, &wish.home, &wish.seedling.id).await?;
        let fresh = match &found {
            Some(key) => {
                wish.expect_same(key)?;
                self.expect_material(wish, key).await?;
                None
            }
            None => Some(self.fresh_key(wish).await?),
        };
        let fresh = fresh.as_ref();
        self.db
            .transaction(|tx| {
                Box::pin(async move {
                    let (mut planted, mut bereft) = (Planted::default(), Vec::new());
                    let found = repo::keys::load(tx, &self.mac, &wish.home, &wish.seedling.id).await?;
                    let mut key = match (found, fresh) {
                        (Some(key), _) => key,
                        (None, Some(fresh)) => {
                            repo::keys::insert(tx, &self.mac, fresh).await?;
                            planted.made = true;
                            fresh.clone()
                        }
                        (None, None) => {
                            return Err(Refusal::internal("a key went while it was planted").into());
                        }
                    };
                    wish.apply(&mut planted, &mut key)?;
                    for (index, alias) in wish.aliases.iter().enumerate() {
                        let named = self.plant_alias(tx, wish, &mut planted, &mut key, alias).await;
                        bereft.extend(named.map_err(at(format!("Aliases[{index}]")))?);
                    }
                    expect_room(tx, &key, self.settings.quotas.aliases_per_key)
                        .await
                        .map_err(at("Aliases"))?;
                    for (index, terms) in grants.iter().enumerate() {
                        let given = self.plant_grant(tx, &mut key, terms, wish.now_ms).await;
                        if given.map_err(at(format!("Grants[{index}]")))? {
                            planted.note("Grants");
                        }
                    }
                    if planted.is_as_it_was() {
                        return Ok(Done { planted, record: None, bereft });
                    }
                    repo::keys::replace(tx, &self.mac, &mut key).await?;
                    let record = events::planted(&key, &planted, wish.now_ms, random_id()?);
                    repo::post(tx, Some(&self.outbox.draft(&record))).await?;
                    Ok(Done { planted, record: Some(record), bereft })
                })
            })
            .await
    }

    /// The key as it is when it is made.
    async fn fresh_key(&self, wish: &Wish<'_>) -> Result<Key, Misfit> {
        let backend = self.backend_in(&wish.home, None).await?;
        if !backend.offers(wish.spec, wish.usage) {
            let refusal = Refusal::NotYet("keys of another KeySpec than SYMMETRIC_DEFAULT");
            return Err(at("KeySpec")(refusal));
        }
        let wanted = wish.wanted()?;
        let material = match &wish.seedling.material {
            Some(chosen) => backend.take_in(&wanted, &bytes_of(chosen)).await.map_err(at("KeyMaterial"))?,
            None => backend.generate(&wanted).await.map_err(NotMade::into_refusal)?,
        };
        let id = wish.seedling.id.clone();
        let key = first_state(wish.home.clone(), id, Manager::Customer, material);
        Ok(Key { spec: wish.spec, usage: wish.usage, ..key })
    }

    /// Refuses a key that has other materials than the one that it shall have.
    async fn expect_material(&self, wish: &Wish<'_>, key: &Key) -> Result<(), Misfit> {
        let Some(chosen) = &wish.seedling.material else { return Ok(()) };
        let backend = self.backend_in(&wish.home, None).await?;
        // The id of a built-in material is its fingerprint.
        let taken_in =
            backend.take_in(&wish.wanted()?, &bytes_of(chosen)).await.map_err(at("KeyMaterial"))?;
        if key.material(&taken_in.id).is_some() {
            return Ok(());
        }
        Err(at("KeyMaterial")(Refusal::Validation(format!(
            "{} is there with other key material, which cannot be replaced; choose another KeyId, or reset the server",
            key.arn
        ))))
    }

    /// Has an alias be the key's, and answers the id of the key that it was of.
    async fn plant_alias(
        &self,
        tx: &mut Tx<'_>,
        wish: &Wish<'_>,
        planted: &mut Planted,
        key: &mut Key,
        name: &AliasName,
    ) -> Result<Option<String>, Refusal> {
        let Some(mut alias) = repo::aliases::load(tx, &self.mac, &wish.home, name.as_str()).await? else {
            let alias = Alias {
                home: wish.home.clone(),
                name: name.as_str().to_owned(),
                key_id: key.id.clone(),
                created_ms: wish.now_ms,
                updated_ms: wish.now_ms,
            };
            repo::aliases::insert(tx, &self.mac, &alias).await?;
            key.aliases.add(name.as_str());
            planted.note("Aliases");
            return Ok(None);
        };
        if alias.key_id == key.id {
            return Ok(None);
        }
        // The key that loses it changes too: its policies may speak of its aliases.
        if let Some(mut former) = repo::keys::load(tx, &self.mac, &wish.home, &alias.key_id).await? {
            key.expect_kind_of(&former)?;
            former.aliases.remove(name.as_str());
            repo::keys::replace(tx, &self.mac, &mut former).await?;
        }
        let former = std::mem::replace(&mut alias.key_id, key.id.clone());
        alias.updated_ms = wish.now_ms;
        repo::aliases::replace(tx, &self.mac, &alias).await?;
        key.aliases.add(name.as_str());
        planted.note("Aliases");
        Ok(Some(former))
    }
}

impl<'s> Wish<'s> {
    /// Reads the parts of a seedling.
    fn read(account: AccountId, seedling: &'s KeySeedling, now_ms: i64) -> Result<Self, Misfit> {
        let unknown = |text: &str| Refusal::Validation(format!("{text} is unknown."));
        let spec = match &seedling.spec {
            Some(spec) => KeySpec::parse(spec).ok_or_else(|| at("KeySpec")(unknown(spec)))?,
            None => KeySpec::SymmetricDefault,
        };
        let usage = match &seedling.usage {
            Some(usage) => KeyUsage::parse(usage).ok_or_else(|| at("KeyUsage")(unknown(usage)))?,
            None => KeyUsage::EncryptDecrypt,
        };
        if !spec.serves(usage) {
            return Err(at("KeyUsage")(Refusal::Validation(format!(
                "KeyUsage {} is not compatible with KeySpec {}",
                usage.as_str(),
                spec.as_str()
            ))));
        }
        if let Some(policy) = &seedling.policy {
            policy::read(policy).map_err(at("KeyPolicy"))?;
        }
        let tags = seedling.tags.clone().map(Tags::parse).transpose().map_err(at("Tags"))?;
        let mut aliases = Vec::new();
        for (index, alias) in seedling.aliases.iter().enumerate() {
            aliases.push(AliasName::parse(alias).map_err(at(format!("Aliases[{index}]")))?);
        }
        let home = Home { account, region: seedling.region.name() };
        Ok(Self { home, seedling, spec, usage, policy: None, tags, aliases, now_ms })
    }

    /// A material for the key.
    fn wanted(&self) -> Result<Wanted<'_>, Refusal> {
        Ok(Wanted {
            home: &self.home,
            key_id: &self.seedling.id,
            spec: self.spec,
            usage: self.usage,
            material_id: random_id()?,
            now_ms: self.now_ms,
        })
    }

    /// Refuses a key that is there and is another for life.
    fn expect_same(&self, key: &Key) -> Result<(), Misfit> {
        let other = |member: &str, what: String| {
            at(member)(Refusal::Validation(format!(
                "{} is there {what}, which stays so; choose another KeyId, or reset the server",
                key.arn
            )))
        };
        if key.manager != Manager::Customer {
            return Err(other("KeyId", "as a key of AWS's".to_owned()));
        }
        if key.store.is_some() {
            return Err(other("KeyId", "in a custom key store".to_owned()));
        }
        if key.import.is_some() {
            return Err(other("KeyId", "with key material that its owner imports".to_owned()));
        }
        if key.spec != self.spec {
            return Err(other("KeySpec", format!("with KeySpec {}", key.spec.as_str())));
        }
        if key.usage != self.usage {
            return Err(other("KeyUsage", format!("with KeyUsage {}", key.usage.as_str())));
        }
        Ok(())
    }

    /// Brings the key's row to what the seed says.
    fn apply(&self, planted: &mut Planted, key: &mut Key) -> Result<(), Misfit> {
        let Wish { seedling, now_ms, .. } = self;
        // A key that the seed names is to be there. One that is to go does not, and can be used like any other.
        if matches!(key.state, KeyState::PendingDeletion { .. } | KeyState::PendingReplicaDeletion { .. }) {
            key.cancel_deletion()?;
            key.enable(*now_ms)?;
            planted.note("KeyId");
        }
        match seedling.enabled {
            Some(true) if key.state == KeyState::Disabled => {
                key.enable(*now_ms)?;
                planted.note("Enabled");
            }
            Some(false) if key.state == KeyState::Enabled => {
                key.disable()?;
                planted.note("Enabled");
            }
            _ => {}
        }
        if let Some(description) = &seedling.description {
            planted.set("Description", &mut key.description, description.clone());
        }
        if let Some(tags) = &self.tags {
            planted.set("Tags", &mut key.tags, tags.clone());
        }
        if let Some(policy) = self.policy.as_ref().filter(|policy| !policy.is(&key.policy)) {
            key.policy = policy.clone();
            planted.note("KeyPolicy");
        }
        Ok(())
    }
}
