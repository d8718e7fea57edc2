//! What a caller brings to every decision.

use std::sync::Arc;

use strongroom_identity::Permissions;

use crate::policy::Policy;

/// The policies of a caller, compiled, and its tags. Whoever verifies credentials puts them into
/// [`strongroom_identity::Caller::permissions`]; the decision takes them from there and asks nobody.
#[derive(Clone, Debug, Default)]
pub struct CallerPolicies {
    /// Those attached to it: its own, those of its groups, managed and inline. Of a session, those of its role or
    /// user.
    pub identity: Vec<Arc<Policy>>,
    /// The permissions boundary of the user or role.
    pub boundary: Option<Arc<Policy>>,
    /// The policies passed to the session. `None` limits nothing, an empty list allows nothing.
    pub session: Option<Vec<Arc<Policy>>>,
    /// The tags of the user or role, overlaid by those of the session.
    pub tags: Vec<(String, String)>,
}

impl From<CallerPolicies> for Permissions {
    fn from(policies: CallerPolicies) -> Self {
        Self::new(Arc::new(policies))
    }
}
