//! Multi-Region keys replicated, and another of them made the primary one.
//!
//! All Regions are in one store. So what related keys share changes in all of them in one transaction, where AWS's
//! Regions copy it from each other: no reader ever sees two of them differ, and a crash leaves all as they were before or
//! all as they are after.

mod promoting;
mod replicating;
mod role;
mod sharing;

use strongroom_identity::{Action, Region, RequestContext};
use strongroom_policy::{Authorized, Resource};

use super::KeyManagement;
use crate::error::Refusal;

pub(crate) use self::replicating::NewReplica;
pub(super) use self::role::LinkedRole;

/// KMS, as policies and records name it where it passes a caller's request on, to another Region or to IAM.
const KMS: &str = "kms.amazonaws.com";

/// The caller's request as KMS passes it on to another Region: policies there see what the record there says.
pub(crate) fn elsewhere(context: &RequestContext, region: Region) -> RequestContext {
    context.again_in(region).passed_on_by(KMS)
}

impl KeyManagement {
    /// Permission to do `A` in another Region, as a part of a call in the caller's own, whose record tells of a refusal.
    pub(crate) fn authorize_there<A: Action, R: Resource>(
        &self,
        context: &RequestContext,
        there: &RequestContext,
        resource: R,
    ) -> Result<Authorized<A, R>, Refusal> {
        let decided = self.authority.authorize(there, resource);
        let notes = there.take_notes();
        for decision in notes.decisions {
            context.decided(decision);
        }
        if let Some(message) = notes.authorization_message {
            context.refused_with(message);
        }
        Ok(decided?)
    }
}
