//! Entities planted: made, or brought to what the operator's seed says of them. No caller asks for it, so nobody is
//! asked for permission; the rules of `domain` hold all the same, and each change leaves a record.
//!
//! What a seed does not say of an entity stays as it is. Planting twice changes nothing the second time.

mod access_keys;
mod entities;

use std::collections::BTreeMap;

use strongroom_identity::AccountId;
use strongroom_outbox::Outbox;
use strongroom_secret::SecretString;
use strongroom_service::{ApiError, NotPlanted, Planted};

use self::access_keys::ReadyKey;
use crate::IdentityManagement;
use crate::domain::edit::Edit;
use crate::domain::id::new_id;
use crate::domain::kind::Kind;
use crate::error::Refusal;
use crate::events;

/// What shall be there. `None` stands for what the seed does not say.
#[derive(Debug)]
pub enum Seedling {
    /// The account's alias.
    AccountAlias(String),
    /// A customer managed policy.
    Policy(PolicySeedling),
    /// A group.
    Group(GroupSeedling),
    /// A user.
    User(UserSeedling),
    /// A role.
    Role(RoleSeedling),
}

/// A customer managed policy that shall be there.
#[derive(Debug)]
pub struct PolicySeedling {
    /// Its name.
    pub name: String,
    /// Its path, `/` if the seed says nothing.
    pub path: String,
    /// What it is for.
    pub description: Option<String>,
    /// The document of its default version.
    pub document: String,
    /// All of its tags, as keys and values.
    pub tags: Option<Vec<(String, String)>>,
}

/// A group that shall be there.
#[derive(Debug)]
pub struct GroupSeedling {
    /// Its name.
    pub name: String,
    /// Its path.
    pub path: String,
    /// What its members may do.
    pub policies: PolicySeedlings,
}

/// A user who shall be there.
#[derive(Debug)]
pub struct UserSeedling {
    /// The user's name.
    pub name: String,
    /// The user's path.
    pub path: String,
    /// What the user may do.
    pub policies: PolicySeedlings,
    /// The ARN of the boundary.
    pub boundary: Option<String>,
    /// Names of all groups that the user is in.
    pub groups: Option<Vec<String>>,
    /// All of the user's tags.
    pub tags: Option<Vec<(String, String)>>,
    /// Access keys that the user shall have, among others.
    pub access_keys: Vec<AccessKeySeedling>,
}

/// A role that shall be there.
#[derive(Debug)]
pub struct RoleSeedling {
    /// Its name.
    pub name: String,
    /// Its path.
    pub path: String,
    /// What it is for.
    pub description: Option<String>,
    /// Its trust policy.
    pub trust: String,
    /// How long its sessions last at most, in seconds.
    pub max_session: Option<i32>,
    /// What it may do.
    pub policies: PolicySeedlings,
    /// The ARN of the boundary.
    pub boundary: Option<String>,
    /// All of its tags.
    pub tags: Option<Vec<(String, String)>>,
}

/// The policies of a user, group or role.
#[derive(Debug, Default)]
pub struct PolicySeedlings {
    /// ARNs of all managed policies that are attached.
    pub attached: Option<Vec<String>>,
    /// All inline policies, as names and documents.
    pub inline: Option<Vec<(String, String)>>,
}

/// An access key whose id and secret are chosen: whoever has read the seed is the user.
#[derive(Debug)]
pub struct AccessKeySeedling {
    /// Its id.
    pub id: String,
    /// Its secret.
    pub secret: SecretString,
    /// Whether it counts.
    pub active: bool,
}

/// Why a seedling does not fit, and the member that it is about.
struct Misfit {
    member: String,
    refusal: Box<Refusal>,
}

impl Misfit {
    /// The seedling as a whole does not fit.
    fn whole(refusal: Refusal) -> Self {
        Self { member: String::new(), refusal: Box::new(refusal) }
    }
}

/// Says which member a refusal is about.
fn at(member: impl Into<String>) -> impl FnOnce(Refusal) -> Misfit {
    let member = member.into();
    |refusal| Misfit { member, refusal: Box::new(refusal) }
}

impl From<Misfit> for NotPlanted {
    fn from(misfit: Misfit) -> Self {
        let failed = matches!(*misfit.refusal, Refusal::Internal(_) | Refusal::Unavailable(_));
        let error = ApiError::from(*misfit.refusal);
        match error.message() {
            Some(why) if !failed => Self::Refused { member: misfit.member, why: why.to_owned() },
            _ => Self::Failed(error.into()),
        }
    }
}

/// What planting needs that must not differ when it is tried again.
struct Soil<'s> {
    /// The id of an entity that is made.
    fresh_id: String,
    access_keys: Vec<ReadyKey<'s>>,
    /// Ids of those of other accounts whom a trust policy names.
    elsewhere: BTreeMap<String, String>,
    now_ms: i64,
}

impl IdentityManagement {
    /// Brings one entity of an account to what a seed says of it. `now_ms` is domain time, in milliseconds since
    /// 1970.
    pub async fn plant(
        &self,
        outbox: &Outbox,
        account: AccountId,
        seedling: &Seedling,
        now_ms: i64,
    ) -> Result<Planted, NotPlanted> {
        let failed = |error: Refusal| Misfit::whole(error);
        let (kind, name) = seedling.named();
        let directory = self.directories.current(account).await.map_err(|error| failed(error.into()))?;
        let soil = Soil {
            fresh_id: new_id(kind.unwrap_or(Kind::User)).map_err(failed)?,
            access_keys: self.ready_keys(&directory, seedling).await?,
            elsewhere: match seedling {
                Seedling::Role(role) => {
                    let found = self.named_elsewhere(account, &role.trust).await;
                    found.map_err(at("AssumeRolePolicyDocument"))?
                }
                _ => BTreeMap::new(),
            },
            now_ms,
        };
        let mut tried = Edit::new((*directory).clone());
        let planted = entities::plant(&mut tried, seedling, &soil)?;
        if planted.is_as_it_was() {
            return Ok(planted);
        }
        let arn = kind.and_then(|kind| Some((kind, tried.find(kind, name)?.arn(account))));
        let event_id = strongroom_crypto::random::bytes().map_err(|error| failed(error.into()))?;
        let record = events::planted(account, arn, &planted, now_ms, event_id);
        let act = |edit: &mut Edit| entities::plant(edit, seedling, &soil).map_err(|misfit| *misfit.refusal);
        self.commit(account, Some(&outbox.draft(&record)), |_| Ok(()), act).await.map_err(failed)?;
        if let Err(error) = outbox.record(record, true).await {
            tracing::warn!(%error, "the record of what a seed has changed is still to be written");
        }
        Ok(planted)
    }
}

impl Seedling {
    /// Kind and name, of what has them.
    fn named(&self) -> (Option<Kind>, &str) {
        match self {
            Self::AccountAlias(_) => (None, ""),
            Self::Policy(policy) => (Some(Kind::Policy), &policy.name),
            Self::Group(group) => (Some(Kind::Group), &group.name),
            Self::User(user) => (Some(Kind::User), &user.name),
            Self::Role(role) => (Some(Kind::Role), &role.name),
        }
    }

    /// The access keys that are asked for.
    fn access_keys(&self) -> &[AccessKeySeedling] {
        match self {
            Self::User(user) => &user.access_keys,
            _ => &[],
        }
    }
}
