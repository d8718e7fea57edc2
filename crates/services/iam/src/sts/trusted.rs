//! Roles as those see them who want to assume them.

use strongroom_identity::{AccountId, Action, PARTITION, RequestContext};
use strongroom_policy::document::{Document, Kind as DocumentKind};
use strongroom_policy::{Guard, Policy, Resource, Values};

use crate::domain::directory::Directory;
use crate::domain::kind::Kind;
use crate::domain::role::Role;
use crate::domain::tags::Tags;
use crate::error::Refusal;

/// The permission to give tags to a session, beside that to make it.
pub(super) struct TagSession;

impl Action for TagSession {
    const NAME: &'static str = "sts:TagSession";
}

/// The permission to say on whose behalf a session acts.
pub(super) struct SetSourceIdentity;

impl Action for SetSourceIdentity {
    const NAME: &'static str = "sts:SetSourceIdentity";
}

/// The account and name in a role's ARN.
pub(super) struct RoleArn<'a> {
    pub(super) account: AccountId,
    pub(super) name: &'a str,
}

impl<'a> RoleArn<'a> {
    pub(super) fn parse(arn: &'a str) -> Result<Self, Refusal> {
        // Text: answers of AWS quoted in public issue threads.
        Self::read(arn).ok_or_else(|| Refusal::Validation("Request ARN is invalid".to_owned()))
    }

    fn read(arn: &'a str) -> Option<Self> {
        let fields: Vec<_> = arn.splitn(6, ':').collect();
        let &["arn", PARTITION, "iam", "", account, resource] = fields.as_slice() else { return None };
        let (_, name) =
            resource.strip_prefix("role/").map(|path| path.rsplit_once('/').unwrap_or(("", path)))?;
        Some(Self { account: account.parse().ok()?, name }).filter(|role| !role.name.is_empty())
    }
}

/// A role with its trust policy, ready to be asked.
pub(super) struct Trusted {
    account: AccountId,
    arn: String,
    policy: Policy,
    tags: Tags,
}

impl Trusted {
    /// A role that is there. A trust policy that no longer reads trusts nobody.
    pub(super) fn new(directory: &Directory, role: &Role) -> Self {
        let account = directory.account;
        let arn = Kind::Role.arn(account, &role.path, &role.name);
        let name = format!("trust policy of role {}", role.name);
        let policy = match Document::parse(&role.trust.counting(), DocumentKind::Trust) {
            Ok(document) => Policy::new(name, &document),
            Err(error) => {
                tracing::error!(role = arn, %error, "a trust policy no longer reads; nobody can assume the role");
                Policy::silent(name)
            }
        };
        Self { account, arn, policy, tags: role.tags.clone() }
    }

    /// A role that is not there: it trusts nobody, and to those who may not assume it looks like one that is.
    pub(super) fn absent(account: AccountId, arn: &str) -> Self {
        let policy = Policy::silent("trust policy");
        Self { account, arn: arn.to_owned(), policy, tags: Tags::default() }
    }
}

impl Resource for Trusted {
    fn owner(&self) -> AccountId {
        self.account
    }

    fn arn(&self) -> String {
        self.arn.clone()
    }

    fn guard(&self) -> Guard<'_> {
        Guard::Trust(&self.policy)
    }

    fn condition_key(&self, key: &str, _context: &RequestContext) -> Option<Values<'_>> {
        let tag =
            ["aws:resourcetag/", "iam:resourcetag/"].iter().find_map(|prefix| key.strip_prefix(prefix))?;
        self.tags.get(tag).map(Values::text)
    }
}
