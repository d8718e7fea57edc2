//! Statements.

use super::action::ActionPattern;
use super::condition::{self, Condition};
use super::json::Json;
use super::kind::Presence;
use super::path::Path;
use super::principal::{self, NamedPrincipal};
use super::resource::ArnPattern;
use super::{Budget, DocumentError, Fault, Kind};

const ELEMENTS: [&str; 9] = [
    "Sid",
    "Effect",
    "Principal",
    "NotPrincipal",
    "Action",
    "NotAction",
    "Resource",
    "NotResource",
    "Condition",
];

/// Who may or may not do what to what, and when.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Statement {
    /// The statement's name. An empty one is none.
    pub sid: Option<String>,
    /// Whether it allows or denies.
    pub effect: Effect,
    /// Who. `None` in identity-based policies, which speak of those they are attached to.
    pub principals: Option<Scope<NamedPrincipal>>,
    /// What they do.
    pub actions: Scope<ActionPattern>,
    /// What they do it to. `None` in trust policies, which speak of the role they are attached to.
    pub resources: Option<Scope<ArnPattern>>,
    /// When: all of them must hold.
    pub conditions: Vec<Condition>,
}

/// What a statement does where it applies.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub enum Effect {
    /// `Allow`
    Allow,
    /// `Deny`
    Deny,
}

/// What an element names, or what it leaves out.
///
/// A statement with an empty list on either side has no effect (so `NotAction: []` is not every action). An
/// element that a key policy's statement does not have is an empty list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Scope<T> {
    /// These: `Action`, `Resource`, `Principal`.
    Only(Vec<T>),
    /// All but these: `NotAction`, `NotResource`, `NotPrincipal`.
    Except(Vec<T>),
}

impl<T> Scope<T> {
    /// What is listed, on whichever side.
    pub fn listed(&self) -> &[T] {
        match self {
            Self::Only(listed) | Self::Except(listed) => listed,
        }
    }

    /// The same side, with what is listed turned into something else.
    pub(crate) fn map<U>(&self, turn: impl Fn(&T) -> U) -> Scope<U> {
        match self {
            Self::Only(listed) => Scope::Only(listed.iter().map(turn).collect()),
            Self::Except(listed) => Scope::Except(listed.iter().map(turn).collect()),
        }
    }
}

impl Statement {
    pub(super) fn parse(
        json: &Json,
        at: &Path<'_>,
        kind: Kind,
        budget: &mut Budget,
    ) -> Result<Self, DocumentError> {
        let members = json.members(at)?;
        if let Some((name, _)) = members.iter().find(|(name, _)| !ELEMENTS.contains(&name.as_str())) {
            return Err(DocumentError::malformed(at, Fault::UnknownElement(name.clone())));
        }
        let sid = element(members, "Sid").map(|json| sid(json, &at.key("Sid"), kind)).transpose()?.flatten();
        let effect = element(members, "Effect")
            .ok_or_else(|| DocumentError::malformed(at, Fault::Missing("Effect")))
            .and_then(|json| effect(json, &at.key("Effect")))?;
        let principals = PRINCIPALS.read(members, at, kind, kind.principals(), |json, at| {
            principal::parse(json, at, kind, budget)
        })?;
        if let Some(Scope::Except(_)) = &principals {
            may_leave_out_principals(effect, kind, at)?;
        }
        let actions = ACTIONS.read(members, at, kind, kind.actions(), |json, at| {
            budget.spend(json.count(), at)?;
            json.each(at, |action, at| ActionPattern::parse(action.text(at)?, kind, at))
        })?;
        let resources = RESOURCES.read(members, at, kind, kind.resources(), |json, at| {
            budget.spend(json.count(), at)?;
            json.each(at, |resource, at| ArnPattern::parse(resource.text(at)?, kind, at))
        })?;
        let conditions = element(members, "Condition")
            .map(|json| condition::parse(json, &at.key("Condition"), budget))
            .transpose()?
            .unwrap_or_default();
        let actions = actions.unwrap_or(Scope::Only(Vec::new()));
        Ok(Self { sid, effect, principals, actions, resources, conditions })
    }
}

/// An element and its negation, of which a statement has one.
struct Pair {
    plain: &'static str,
    negated: &'static str,
}

const PRINCIPALS: Pair = Pair { plain: "Principal", negated: "NotPrincipal" };
const ACTIONS: Pair = Pair { plain: "Action", negated: "NotAction" };
const RESOURCES: Pair = Pair { plain: "Resource", negated: "NotResource" };

impl Pair {
    /// Reads whichever is there; `None` where the kind of policy has neither.
    fn read<T>(
        &self,
        members: &[(String, Json)],
        at: &Path<'_>,
        kind: Kind,
        presence: Presence,
        read: impl FnOnce(&Json, &Path<'_>) -> Result<Vec<T>, DocumentError>,
    ) -> Result<Option<Scope<T>>, DocumentError> {
        let refuse = |fault| Err(DocumentError::malformed(at, fault));
        let not_allowed = |element| refuse(Fault::NotAllowed { element, kind });
        match (presence, element(members, self.plain), element(members, self.negated)) {
            (Presence::Never, Some(_), _) => not_allowed(self.plain),
            (Presence::Never, None, Some(_)) => not_allowed(self.negated),
            (Presence::Never, None, None) => Ok(None),
            (_, Some(_), Some(_)) => refuse(Fault::Both(self.plain, self.negated)),
            (_, Some(json), None) => Ok(Some(Scope::Only(read(json, &at.key(self.plain))?))),
            (_, None, Some(json)) => Ok(Some(Scope::Except(read(json, &at.key(self.negated))?))),
            (Presence::Required, None, None) => refuse(Fault::Missing(self.plain)),
            (Presence::Optional, None, None) => Ok(Some(Scope::Only(Vec::new()))),
        }
    }
}

/// The value of an element.
pub(super) fn element<'j>(members: &'j [(String, Json)], name: &str) -> Option<&'j Json> {
    members.iter().find(|(key, _)| key == name).map(|(_, value)| value)
}

fn sid(json: &Json, at: &Path<'_>, kind: Kind) -> Result<Option<String>, DocumentError> {
    let sid = json.text(at)?;
    if kind.has_plain_sids() && !sid.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
        return Err(DocumentError::malformed(at, Fault::Sid(sid.to_owned())));
    }
    Ok((!sid.is_empty()).then(|| sid.to_owned()))
}

fn effect(json: &Json, at: &Path<'_>) -> Result<Effect, DocumentError> {
    match json.text(at)? {
        "Allow" => Ok(Effect::Allow),
        "Deny" => Ok(Effect::Deny),
        other => Err(DocumentError::malformed(at, Fault::Effect(other.to_owned()))),
    }
}

/// An Allow with `NotPrincipal` would let everybody else in, anonymous callers too.
fn may_leave_out_principals(effect: Effect, kind: Kind, at: &Path<'_>) -> Result<(), DocumentError> {
    if !kind.may_have_not_principal() {
        let fault = Fault::NotAllowed { element: PRINCIPALS.negated, kind };
        return Err(DocumentError::malformed(at, fault));
    }
    if effect == Effect::Allow {
        return Err(DocumentError::malformed(at, Fault::NotPrincipalAllows));
    }
    Ok(())
}
