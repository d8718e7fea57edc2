//! Whose credentials a call is about: a user's, or those of the account's root user.

use strongroom_identity::{Principal, RequestContext};

use super::own_name;
use crate::IdentityManagement;
use crate::domain::directory::Directory;
use crate::domain::kind::Kind;
use crate::domain::root_user::{GivenKey, root_id};
use crate::error::Refusal;
use crate::targets::Target;

/// Who has credentials.
pub(super) enum Holder {
    /// The user of that name.
    User(String),
    /// The root user.
    Root,
}

impl Holder {
    /// The one whom a call names, or else the caller. A root user is meant where it names nobody, or itself by its
    /// account's id and no user is called so: some operations ask for a name.
    pub(super) async fn of_call(
        identities: &IdentityManagement,
        context: &RequestContext,
        named: Option<String>,
    ) -> Result<Self, Refusal> {
        if let Principal::Root(account) = context.caller.principal {
            let Some(name) = &named else { return Ok(Self::Root) };
            if *name == root_id(account) && identities.unread(context).await?.user(name).is_err() {
                return Ok(Self::Root);
            }
        }
        own_name(context, named).map(Self::User)
    }

    /// What policies protect.
    pub(super) fn target(&self) -> Target<'_> {
        match self {
            Self::User(name) => Target::One(Kind::User, name),
            Self::Root => Target::Root,
        }
    }

    /// The access keys that a root user was given; a user has none of that sort.
    pub(super) async fn given(
        &self,
        identities: &IdentityManagement,
        context: &RequestContext,
    ) -> Result<Vec<GivenKey>, Refusal> {
        match self {
            Self::User(_) => Ok(Vec::new()),
            Self::Root => identities.given_to_root(context.account()).await,
        }
    }

    /// The unique id.
    pub(super) fn id(&self, directory: &Directory) -> Result<String, Refusal> {
        match self {
            Self::User(name) => Ok(directory.user(name)?.id.clone()),
            Self::Root => Ok(root_id(directory.account)),
        }
    }

    /// The name; that of a root user is its account's alias, if there is one ("CloudTrail userIdentity element").
    pub(super) fn name(&self, directory: &Directory) -> Option<String> {
        match self {
            Self::User(name) => Some(name.clone()),
            Self::Root => directory.settings().alias,
        }
    }
}
