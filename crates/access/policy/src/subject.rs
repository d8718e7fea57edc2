//! Who asks, as policies see it.

use strongroom_identity::{AccountId, PARTITION, Principal};

use crate::services;

/// A principal with everything that policies can say of one (IAM User Guide, "Principal" and the table of
/// principal values under "Variables and tags").
#[derive(Clone, Debug)]
pub struct Subject {
    account: Option<AccountId>,
    kind: Kind,
    arn: String,
    tags: Vec<(String, String)>,
    /// A service's name in the Region where it asks, for those that have one.
    regional_name: Option<String>,
}

/// What kind of principal it is.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Kind {
    Root,
    User(Entity),
    RoleSession { role: Entity, session: String },
    FederatedUser { name: String, issuer: Option<Entity> },
    Service(String),
    Federation(String),
    Somebody,
    Anonymous,
}

/// A user or role.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entity {
    /// Its ARN, for example `arn:aws:iam::111122223333:role/path/name`.
    pub arn: String,
    /// Its unique id, for example `AROADBQP57FF2AEXAMPLE`.
    pub id: String,
}

impl Entity {
    /// A user or role by its ARN and unique id.
    pub fn new(arn: impl Into<String>, id: impl Into<String>) -> Self {
        Self { arn: arn.into(), id: id.into() }
    }

    /// The name, which ends the ARN.
    fn name(&self) -> &str {
        self.arn.rsplit_once('/').map_or("", |(_, name)| name)
    }
}

impl Subject {
    fn new(account: Option<AccountId>, kind: Kind, arn: String) -> Self {
        Self { account, kind, arn, tags: Vec::new(), regional_name: None }
    }

    /// The root user of an account.
    pub fn root(account: AccountId) -> Self {
        Self::new(Some(account), Kind::Root, format!("arn:{PARTITION}:iam::{account}:root"))
    }

    /// A user, with long-term credentials or those of GetSessionToken.
    pub fn user(account: AccountId, user: Entity) -> Self {
        let arn = user.arn.clone();
        Self::new(Some(account), Kind::User(user), arn)
    }

    /// A session of a role. Its ARN is without the role's path.
    pub fn role_session(account: AccountId, role: Entity, session: impl Into<String>) -> Self {
        let session = session.into();
        let arn = format!("arn:{PARTITION}:sts::{account}:assumed-role/{}/{session}", role.name());
        Self::new(Some(account), Kind::RoleSession { role, session }, arn)
    }

    /// A session of GetFederationToken, for which `issuer` asked: a user, or the root user (`None`).
    pub fn federated_user(account: AccountId, name: impl Into<String>, issuer: Option<Entity>) -> Self {
        let name = name.into();
        let arn = format!("arn:{PARTITION}:sts::{account}:federated-user/{name}");
        Self::new(Some(account), Kind::FederatedUser { name, issuer }, arn)
    }

    /// An AWS service, for example `cloudtrail.amazonaws.com`, and the account that it works for. To name the
    /// account covers it, since a service acts within the role that the account gives it.
    pub fn service(name: impl Into<String>, works_for: Option<AccountId>) -> Self {
        let name = name.into();
        Self::new(works_for, Kind::Service(name.clone()), name)
    }

    /// The same service as it asks in a Region: policies know some services by that name, too
    /// (`logs.us-east-1.amazonaws.com`).
    #[must_use]
    pub fn in_region(self, region: &str) -> Self {
        let regional_name = self.service_name().and_then(|name| services::regional_name(name, region));
        Self { regional_name, ..self }
    }

    /// Somebody whom an identity provider knows, who asks to assume a role; by the provider's ARN or name.
    pub fn federation(provider: impl Into<String>) -> Self {
        let provider = provider.into();
        Self::new(None, Kind::Federation(provider.clone()), provider)
    }

    /// One of an account, of whom nothing else is known. Only simulations have such a caller.
    pub fn somebody(account: AccountId) -> Self {
        Self::new(Some(account), Kind::Somebody, String::new())
    }

    /// Nobody in particular: a request without a signature.
    pub fn anonymous() -> Self {
        Self::new(None, Kind::Anonymous, "anonymous".to_owned())
    }

    /// The same with tags: those of the user or role, overlaid by those of the session.
    #[must_use]
    pub fn with_tags(self, tags: Vec<(String, String)>) -> Self {
        Self { tags, ..self }
    }

    /// Its account. Services, providers and anonymous callers are of none, unless they work for one.
    pub fn account(&self) -> Option<AccountId> {
        self.account
    }

    /// Its ARN, as refusals and records show it: a session's is the session's own.
    pub fn arn(&self) -> &str {
        &self.arn
    }

    /// Its tags.
    pub fn tags(&self) -> &[(String, String)] {
        &self.tags
    }

    /// The value of one tag, whose name counts in either case.
    pub(crate) fn tag(&self, name: &str) -> Option<&str> {
        let found = self.tags.iter().find(|(tag, _)| tag.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.as_str())
    }

    /// Whether it is an account's root user.
    pub fn is_root(&self) -> bool {
        self.kind == Kind::Root
    }

    /// Whether it is an AWS service.
    pub fn is_service(&self) -> bool {
        matches!(self.kind, Kind::Service(_))
    }

    /// Whether it proved who it is with a signature.
    pub(crate) fn is_signed(&self) -> bool {
        !matches!(self.kind, Kind::Anonymous | Kind::Federation(_))
    }

    /// The service's name, if it is one.
    pub(crate) fn service_name(&self) -> Option<&str> {
        if let Kind::Service(name) = &self.kind { Some(name) } else { None }
    }

    /// The names by which policies know a service.
    pub(crate) fn service_names(&self) -> impl Iterator<Item = &str> {
        self.service_name().into_iter().chain(self.regional_name.as_deref())
    }

    /// The provider, of somebody whom one knows.
    pub(crate) fn provider(&self) -> Option<&str> {
        if let Kind::Federation(provider) = &self.kind { Some(provider) } else { None }
    }

    /// The user or role behind it: itself, the session's role, or the user who asked for the session.
    pub(crate) fn entity(&self) -> Option<&Entity> {
        match &self.kind {
            Kind::User(entity) | Kind::RoleSession { role: entity, .. } => Some(entity),
            Kind::FederatedUser { issuer, .. } => issuer.as_ref(),
            Kind::Root | Kind::Service(_) | Kind::Federation(_) | Kind::Somebody | Kind::Anonymous => None,
        }
    }

    /// Whether it is a user, and no session.
    pub(crate) fn is_user(&self) -> bool {
        matches!(self.kind, Kind::User(_))
    }

    /// Whether it is a session that a policy can name: of a role, or of GetFederationToken.
    pub(crate) fn is_session(&self) -> bool {
        matches!(self.kind, Kind::RoleSession { .. } | Kind::FederatedUser { .. })
    }

    /// `aws:PrincipalArn`: the role's ARN for its sessions.
    pub(crate) fn principal_arn(&self) -> Option<&str> {
        match &self.kind {
            Kind::RoleSession { role, .. } => Some(&role.arn),
            Kind::Root | Kind::User(_) | Kind::FederatedUser { .. } => Some(&self.arn),
            Kind::Service(_) | Kind::Federation(_) | Kind::Somebody | Kind::Anonymous => None,
        }
    }

    /// `aws:PrincipalType`.
    pub(crate) fn type_name(&self) -> Option<&'static str> {
        match &self.kind {
            Kind::Root => Some("Account"),
            Kind::User(_) => Some("User"),
            Kind::RoleSession { .. } => Some("AssumedRole"),
            Kind::FederatedUser { .. } => Some("FederatedUser"),
            Kind::Anonymous => Some("Anonymous"),
            Kind::Service(_) | Kind::Federation(_) | Kind::Somebody => None,
        }
    }

    /// `aws:userid`.
    pub(crate) fn user_id(&self) -> Option<String> {
        match &self.kind {
            Kind::Root => self.account.map(|account| account.to_string()),
            Kind::User(user) => Some(user.id.clone()),
            Kind::RoleSession { role, session } => Some(format!("{}:{session}", role.id)),
            Kind::FederatedUser { name, .. } => self.account.map(|account| format!("{account}:{name}")),
            Kind::Anonymous => Some("anonymous".to_owned()),
            Kind::Service(_) | Kind::Federation(_) | Kind::Somebody => None,
        }
    }

    /// `aws:username`, which only users have.
    pub(crate) fn user_name(&self) -> Option<&str> {
        if let Kind::User(user) = &self.kind { Some(user.name()) } else { None }
    }
}

impl From<&Principal> for Subject {
    fn from(principal: &Principal) -> Self {
        match principal {
            Principal::Root(account) => Self::root(*account),
            Principal::User(user) => Self::user(user.account, Entity::new(user.user_arn(), &user.id)),
            Principal::RoleSession { role, session } => {
                Self::role_session(role.account, Entity::new(role.role_arn(), &role.id), session)
            }
            Principal::FederatedUser { account, name, issuer } => {
                let issuer = issuer.as_ref().map(|user| Entity::new(user.user_arn(), &user.id));
                Self::federated_user(*account, name, issuer)
            }
            Principal::Service { account, name } => Self::service(*name, Some(*account)),
            Principal::WebIdentity(web) => match web.vouched() {
                Some(vouched) => Self::federation(&vouched.provider),
                None => Self::anonymous(),
            },
        }
    }
}
