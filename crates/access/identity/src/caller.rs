//! Callers: principals with what their credentials say of them.

use std::any::Any;
use std::fmt;
use std::sync::Arc;

use crate::Principal;

/// A principal and the credential by which it proved itself.
#[derive(Clone, Debug)]
pub struct Caller {
    /// Who.
    pub principal: Principal,
    /// The access key id of the request's signature.
    pub access_key_id: String,
    /// What temporary credentials say; `None` for long-term ones.
    pub session: Option<Arc<Session>>,
    /// What policies let it do.
    pub permissions: Permissions,
}

impl Caller {
    /// A caller with a long-term credential and no policies: the root user of an account, or a service.
    pub fn new(principal: Principal, access_key_id: impl Into<String>) -> Self {
        let (session, permissions) = (None, Permissions::none());
        Self { principal, access_key_id: access_key_id.into(), session, permissions }
    }
}

/// The facts of a session that temporary credentials stand for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Session {
    /// Which operation made it.
    pub origin: Origin,
    /// When its credentials were issued (`aws:TokenIssueTime`), milliseconds since 1970.
    pub issued_ms: i64,
    /// When they end, milliseconds since 1970.
    pub expires_ms: i64,
    /// When its user proved a second factor, milliseconds since 1970.
    pub mfa_ms: Option<i64>,
    /// `aws:SourceIdentity`.
    pub source_identity: Option<String>,
    /// Session tags, in the order in which they were given; those that go on to sessions made from this one are
    /// marked.
    pub tags: Vec<SessionTag>,
    /// The provider that vouched for whoever assumed the role (`aws:FederatedProvider`).
    pub federated_provider: Option<String>,
}

/// A tag of a session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionTag {
    /// Its key.
    pub key: String,
    /// Its value.
    pub value: String,
    /// Whether sessions that are made from this one get it too.
    pub is_transitive: bool,
}

/// How a session came about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// AssumeRole, by a long-term credential or another session.
    AssumeRole,
    /// AssumeRoleWithWebIdentity.
    WebIdentity,
    /// GetSessionToken.
    SessionToken,
    /// GetFederationToken.
    FederationToken,
}

/// What a caller's policies let it do, compiled by those who keep them for those who decide. Nobody else looks
/// inside.
#[derive(Clone, Default)]
pub struct Permissions(Option<Arc<dyn Any + Send + Sync>>);

impl Permissions {
    /// Nothing: for root users and services, who need none, and whoever has none.
    pub fn none() -> Self {
        Self(None)
    }

    /// Permissions in the form that the deciding side reads.
    pub fn new(permissions: Arc<dyn Any + Send + Sync>) -> Self {
        Self(Some(permissions))
    }

    /// The permissions, if there are any and they are of that form.
    pub fn get<T: 'static>(&self) -> Option<&T> {
        self.0.as_ref().and_then(|permissions| permissions.downcast_ref())
    }
}

impl fmt::Debug for Permissions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_some() { "Permissions(..)" } else { "Permissions(none)" })
    }
}
