//! What calls act on, as policies protect it.

use std::sync::Arc;

use strongroom_identity::{AccountId, Action, Principal, RequestContext};
use strongroom_policy::{Resource, Values};

use crate::domain::directory::{Directory, Entry};
use crate::domain::kind::Kind;
use crate::domain::tags::Tags;

/// What a call acts on, as policies and records name it.
#[derive(Clone, Copy)]
pub(crate) enum Target<'t> {
    /// The entity of that name; of a policy, a device or a provider, the ARN.
    One(Kind, &'t str),
    /// One that is to be made, by its path and name.
    New(Kind, &'t str, &'t str),
    /// The entity of that name as it will be called: by another path or another name, where there is one.
    Moved(Kind, &'t str, Option<&'t str>, Option<&'t str>),
    /// The account's root user.
    Root,
    /// What lies below a path.
    Below(Kind, &'t str),
    /// What has no name of its own.
    Account,
}

/// A target as policies protect it.
pub(crate) struct Protected {
    account: AccountId,
    arn: String,
    entry: Option<Arc<Entry>>,
    /// Whether the action is one whose policies may speak of the boundary that the target has.
    shows_boundary: bool,
}

impl Protected {
    /// What policies protect where a call of `A` names `target`.
    pub(crate) fn by<A: Action>(context: &RequestContext, directory: &Directory, target: Target<'_>) -> Self {
        let shows_boundary = SHOW_BOUNDARY.contains(&A::NAME);
        Self { shows_boundary, ..protect(context, directory, target) }
    }

    fn tags(&self) -> Option<&Tags> {
        self.entry.as_ref().and_then(|entry| entry.tags())
    }

    fn boundary(&self) -> Option<&str> {
        self.entry.as_ref().filter(|_| self.shows_boundary).and_then(|entry| entry.boundary())
    }
}

/// The condition keys that tell of a resource's tags.
const TAG_KEYS: [&str; 2] = ["aws:resourcetag/", "iam:resourcetag/"];

/// The condition key that tells of a boundary: of the one in the request, or else of the one that the user or role
/// has.
const BOUNDARY_KEY: &str = "iam:permissionsboundary";

/// The actions on users and roles that know it (Service Authorization Reference, "Actions, resources, and condition
/// keys for AWS Identity and Access Management"), beside those that give a boundary.
const SHOW_BOUNDARY: [&str; 10] = [
    "iam:AttachRolePolicy",
    "iam:AttachUserPolicy",
    "iam:DeleteRolePermissionsBoundary",
    "iam:DeleteRolePolicy",
    "iam:DeleteUserPermissionsBoundary",
    "iam:DeleteUserPolicy",
    "iam:DetachRolePolicy",
    "iam:DetachUserPolicy",
    "iam:PutRolePolicy",
    "iam:PutUserPolicy",
];

impl Resource for Protected {
    fn owner(&self) -> AccountId {
        self.account
    }

    fn arn(&self) -> String {
        self.arn.clone()
    }

    fn condition_key(&self, key: &str, _context: &RequestContext) -> Option<Values<'_>> {
        if key == BOUNDARY_KEY {
            return self.boundary().map(Values::text);
        }
        let tag = TAG_KEYS.iter().find_map(|prefix| key.strip_prefix(prefix))?;
        self.tags()?.get(tag).map(Values::text)
    }
}

/// What policies protect where a call names `target`. What is not there is protected by its name.
fn protect(context: &RequestContext, directory: &Directory, target: Target<'_>) -> Protected {
    let account = directory.account;
    let protected = |arn: String, entry: Option<Arc<Entry>>| {
        let shows_boundary = false;
        Protected { account, arn, entry, shows_boundary }
    };
    match target {
        Target::One(kind @ (Kind::Policy | Kind::Mfa | Kind::Oidc), arn) => {
            let name = match kind {
                Kind::Policy => arn.rsplit('/').next(),
                Kind::Oidc => arn.strip_prefix(&kind.arn(account, "/", "")),
                _ => arn.strip_prefix(&kind.arn(account, "", "")),
            };
            let found = name.and_then(|name| directory.find(kind, name));
            let entry = found.filter(|entry| entry.arn(account) == arn).cloned();
            context.touched(kind.cloudformation(), account, arn);
            protected(arn.to_owned(), entry)
        }
        Target::One(kind, name) => {
            let entry = directory.find(kind, name).cloned();
            let arn = match &entry {
                Some(entry) => entry.arn(account),
                None => kind.arn(account, "/", name),
            };
            context.touched(kind.cloudformation(), account, arn.clone());
            protected(arn, entry)
        }
        Target::Moved(kind, name, new_path, new_name) => {
            let entry = directory.find(kind, name).cloned();
            let path = entry.as_ref().and_then(|entry| entry.path());
            let path = new_path.or(path).unwrap_or("/");
            protected(kind.arn(account, path, new_name.unwrap_or(name)), entry)
        }
        Target::New(kind, path, name) => {
            let arn = kind.arn(account, path, name);
            context.touched(kind.cloudformation(), account, arn.clone());
            protected(arn, None)
        }
        Target::Below(kind, path) => protected(kind.arn(account, path, ""), None),
        Target::Root => protected(Principal::Root(account).arn(), None),
        Target::Account => protected("*".to_owned(), None),
    }
}
