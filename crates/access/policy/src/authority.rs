//! The decision and its witness.

use std::marker::PhantomData;
use std::sync::Arc;

use strongroom_identity::{AccountId, Action, Principal, RequestContext};

use crate::{Denied, services};

/// Something that policies protect.
pub trait Resource {
    /// The account that owns it.
    fn owner(&self) -> AccountId;

    /// Its ARN, or `*` for actions that name no resource.
    fn arn(&self) -> String;

    /// Whether the resource leaves it to its account who may do `action`. The keys that AWS services keep for
    /// an account do not: they work for the account only through the service.
    fn delegates(&self, _action: &str) -> bool {
        true
    }
}

/// What is shared is protected as it is itself.
impl<T: Resource> Resource for Arc<T> {
    fn owner(&self) -> AccountId {
        T::owner(self)
    }

    fn arn(&self) -> String {
        T::arn(self)
    }

    fn delegates(&self, action: &str) -> bool {
        T::delegates(self, action)
    }
}

/// Proof that the caller may do `A` to the resource inside. Made by [`Authority::authorize`] only.
pub struct Authorized<A: Action, R> {
    resource: R,
    action: PhantomData<fn() -> A>,
}

impl<A: Action, R> Authorized<A, R> {
    /// The resource, to be read under this permission.
    pub fn resource(&self) -> &R {
        &self.resource
    }

    /// The resource, with the permission used up.
    pub fn into_resource(self) -> R {
        self.resource
    }
}

/// What an action without a resource of its own acts on: everything of that kind in the account.
#[derive(Clone, Copy, Debug)]
pub struct Everything(pub AccountId);

impl Resource for Everything {
    fn owner(&self) -> AccountId {
        self.0
    }

    fn arn(&self) -> String {
        "*".to_owned()
    }
}

/// Decides.
#[derive(Clone, Debug, Default)]
pub struct Authority {}

impl Authority {
    /// An authority that knows root users, and the services that work for accounts.
    pub fn new() -> Self {
        Self {}
    }

    /// Decides whether the caller may do `A` to `resource`, and hands the resource back inside the proof.
    pub fn authorize<A: Action, R: Resource>(
        &self,
        context: &RequestContext,
        resource: R,
    ) -> Result<Authorized<A, R>, Denied> {
        let allowed = match context.caller.principal {
            Principal::Root(account) => account == resource.owner() && resource.delegates(A::NAME),
            Principal::Service { account, name } => {
                account == resource.owner() && services::may(name, A::NAME)
            }
            _ => false,
        };
        if allowed {
            return Ok(Authorized { resource, action: PhantomData });
        }
        let (principal, arn) = (&context.caller.principal, resource.arn());
        Err(match principal {
            // What a service may do says its role.
            Principal::Service { .. } => Denied::no_identity_based_policy(principal, A::NAME, &arn),
            _ => Denied::no_resource_based_policy(principal, A::NAME, &arn),
        })
    }
}
