//! What a document says without being asked about a request: the static reading.

use strongroom_identity::Principal;

use super::principal::NamedPrincipal;
use super::resource::ArnPattern;
use super::statement::{Effect, Scope, Statement};
use super::{Document, Version};

/// What a document by itself says about a caller, an action and a resource, whatever else the request has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reading {
    /// Every such request is allowed.
    Allowed,
    /// It depends on conditions or variables whether such a request is allowed.
    Conditional,
    /// No such request is allowed: it is denied, or nothing allows it.
    Refused,
}

/// Whether a statement, or an element of it, applies.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Fit {
    Never,
    Perhaps,
    Always,
}

impl Document {
    /// Reads what the document says about `caller` doing `action` (for example `kms:PutKeyPolicy`) to the
    /// resource of that ARN (`*` for an action that has none).
    ///
    /// A statement applies where all of these are so:
    ///
    /// - Its principals cover the caller: they name it, by ARN or unique id, or its account, or everybody.
    ///   To name an account counts for everybody in it, whatever their own policies let them do (this is
    ///   delegation, and KMS's lock-out check takes it for an Allow too). `NotPrincipal` covers all but
    ///   those of whom it lists both themselves and their account, and nobody if it lists everybody. A
    ///   document without principals is about whomever it is attached to, and covers the caller.
    /// - Its actions match the action, and its resources the resource. A trust policy's resource is the role
    ///   it is attached to, and matches.
    ///
    /// It applies perhaps if it has a condition, which is not evaluated, or if its resource depends on a
    /// policy variable. An element with an empty list makes a statement that never applies.
    ///
    /// From the statements that apply:
    ///
    /// | a Deny applies | an Allow applies | reading |
    /// |---|---|---|
    /// | always | | `Refused` |
    /// | | never | `Refused` |
    /// | perhaps | perhaps or always | `Conditional` |
    /// | never | perhaps | `Conditional` |
    /// | never | always | `Allowed` |
    ///
    /// Roles and their sessions are not looked up: a statement about a role does not cover a session of it.
    pub fn may(&self, caller: &Principal, action: &str, resource_arn: &str) -> Reading {
        let strongest = |effect| {
            let with_effect = self.statements.iter().filter(|statement| statement.effect == effect);
            let fits = with_effect.map(|statement| self.fit(statement, caller, action, resource_arn));
            fits.max().unwrap_or(Fit::Never)
        };
        match (strongest(Effect::Deny), strongest(Effect::Allow)) {
            (Fit::Always, _) | (_, Fit::Never) => Reading::Refused,
            (Fit::Never, Fit::Always) => Reading::Allowed,
            _ => Reading::Conditional,
        }
    }

    /// Whether a statement applies: as far as the least fitting of its elements.
    fn fit(&self, statement: &Statement, caller: &Principal, action: &str, resource_arn: &str) -> Fit {
        let principals = statement.principals.as_ref().is_none_or(|scope| covers(scope, caller));
        let actions = scope_fit(&statement.actions, |pattern| Fit::when(pattern.matches(action)));
        let resources = statement.resources.as_ref().map_or(Fit::Always, |scope| {
            scope_fit(scope, |pattern| self.resource_fit(pattern, resource_arn))
        });
        let conditions = if statement.conditions.is_empty() { Fit::Always } else { Fit::Perhaps };
        Fit::when(principals).min(actions).min(resources).min(conditions)
    }

    fn resource_fit(&self, pattern: &ArnPattern, resource_arn: &str) -> Fit {
        if self.version == Version::V2012 && pattern.has_variables() {
            return Fit::Perhaps;
        }
        Fit::when(pattern.matches(resource_arn))
    }
}

impl Fit {
    fn when(applies: bool) -> Self {
        if applies { Self::Always } else { Self::Never }
    }

    fn opposite(self) -> Self {
        match self {
            Self::Never => Self::Always,
            Self::Perhaps => Self::Perhaps,
            Self::Always => Self::Never,
        }
    }
}

fn scope_fit<T>(scope: &Scope<T>, fit: impl Fn(&T) -> Fit) -> Fit {
    let Some(best) = scope.listed().iter().map(fit).max() else { return Fit::Never };
    match scope {
        Scope::Only(_) => best,
        Scope::Except(_) => best.opposite(),
    }
}

/// `NotPrincipal` is no plain negation: to be left out, a caller and its account must both be listed (IAM
/// User Guide, "IAM JSON policy elements: NotPrincipal").
fn covers(scope: &Scope<NamedPrincipal>, caller: &Principal) -> bool {
    match scope {
        Scope::Only(listed) => listed.iter().any(|named| named.covers(caller)),
        Scope::Except(listed) => {
            let lists = |is: &dyn Fn(&NamedPrincipal) -> bool| listed.iter().any(is);
            let lists_caller =
                lists(&|named| named.is(caller)) && lists(&|named| named.is_account_of(caller));
            let lists_everybody = lists(&|named| *named == NamedPrincipal::Anyone);
            !listed.is_empty() && !lists_caller && !lists_everybody
        }
    }
}
