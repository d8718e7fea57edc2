//! Decisions that explain themselves: every layer, every policy, every statement, and why it does not apply.

mod kept;
mod text;
mod visible;

use serde::{Deserialize, Serialize};

use super::{Decision, Facts, Layer, Policies, Request, decide};
use crate::document::{Effect, Quantifier};
use crate::keys::ContextKeys as _;
use crate::policy::{Grip, Miss, Policy, Statement, Test, text_of};
pub use kept::{KEPT_LIMIT, NotATrace};
pub use visible::Visible;

/// Values of a condition, and of a request's key, that are shown.
const MOST_VALUES: usize = 8;

/// Bytes of a text that are shown.
const LONGEST_TEXT: usize = 256;

/// How a decision came about. Its text is for people:
///
/// ```text
/// kms:Decrypt on arn:aws:kms:us-east-1:111122223333:key/1 by arn:aws:iam::111122223333:user/alice
/// resource-based policy "key-policy"
///   [0] Allow (Sid "Enable IAM"): applies, to the account
///   [1] Deny: the condition StringNotEquals kms:ViaService [s3.us-east-1.amazonaws.com] does not hold: there is no such key
/// identity-based policy "arn:aws:iam::111122223333:policy/Decrypt"
///   [0] Allow: applies
///   [1-7]: are about other actions
/// => allowed by statement 0 of "arn:aws:iam::111122223333:policy/Decrypt" (identity-based policy)
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Trace {
    /// Who asked for what.
    pub question: String,
    /// What was asked, in the order in which the layers are asked.
    pub policies: Vec<PolicyTrace>,
    /// Statements that are not shown, where a trace had to be made shorter to be kept.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub left_out: usize,
    /// What came out, in words.
    pub conclusion: String,
    /// Whether it may be done.
    #[serde(rename = "allowed")]
    pub is_allowed: bool,
}

/// What became of one policy.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PolicyTrace {
    /// Where it is attached.
    pub layer: Layer,
    /// Its name; `None` if there is no policy in this layer, where one would have had a say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// What became of its statements.
    pub statements: Vec<StatementTrace>,
}

/// What became of one statement, or of several in a row that are about other actions.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct StatementTrace {
    /// The number of the statement, counted from 0.
    pub at: usize,
    /// The number of the last one, of several.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub through: Option<usize>,
    /// Its `Sid`; that of the first, of several.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sid: Option<String>,
    /// Whether it allows or denies; that of the first, of several.
    pub effect: Effect,
    /// What became of it.
    pub outcome: Outcome,
    /// Which condition did not hold, on which values, or which constraint of a grant was not met.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failed: Option<String>,
}

/// Whether a statement applies, and if not, what keeps it from applying.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Outcome {
    /// It applies, and names the caller or everybody.
    Applies,
    /// It applies, and names the role or user behind the session.
    AppliesToEntity,
    /// It applies, and names the account.
    AppliesToAccount,
    /// It is about other actions.
    OtherActions,
    /// It is about other resources.
    OtherResources,
    /// It is about other principals.
    OtherPrincipals,
    /// A condition does not hold.
    Condition,
    /// It takes more work to compare with the request than a decision may.
    TooMuchWork,
}

impl Outcome {
    /// Whether the statement applies.
    pub fn applies(self) -> bool {
        matches!(self, Self::Applies | Self::AppliesToEntity | Self::AppliesToAccount)
    }
}

impl From<Grip> for Outcome {
    fn from(grip: Grip) -> Self {
        match grip {
            Grip::Direct => Self::Applies,
            Grip::Entity => Self::AppliesToEntity,
            Grip::Account => Self::AppliesToAccount,
        }
    }
}

/// Decides as [`decide`] does, and tells how. Every statement is looked at, whatever those before have said.
pub fn explain(request: &Request<'_>, policies: &Policies<'_>) -> Trace {
    let facts = Facts::new(request, policies);
    let mut traces = Vec::new();
    let mut trace = |layer, policy: &Policy| traces.push(of_policy(layer, policy, &facts));
    if let Some((layer, policy)) = policies.guard.policy() {
        trace(layer, policy);
    }
    policies.identity().for_each(|policy| trace(Layer::Identity, policy));
    if let Some(boundary) = policies.boundary {
        trace(Layer::Boundary, boundary);
    }
    if let Some(session) = policies.session() {
        session.for_each(|policy| trace(Layer::Session, policy));
    }
    let subject = request.subject;
    if policies.identity().next().is_none() && subject.account().is_some() && !subject.is_root() {
        traces.push(PolicyTrace { layer: Layer::Identity, name: None, statements: Vec::new() });
    }
    for grant in policies.grants {
        let applies = grant.grip(&facts);
        let failed = grant.unmet.filter(|_| applies.is_none());
        let outcome = match (applies, failed) {
            (Some(grip), _) => grip.into(),
            (None, Some(_)) => Outcome::Condition,
            (None, None) => Outcome::OtherPrincipals,
        };
        let statement = StatementTrace {
            at: 0,
            through: None,
            sid: None,
            effect: Effect::Allow,
            outcome,
            failed: failed.map(|constraint| format!("its constraint {constraint} is not met")),
        };
        let name = Some(grant.id.to_owned());
        traces.push(PolicyTrace { layer: Layer::Grant, name, statements: vec![statement] });
    }
    let decision = decide(request, policies);
    Trace {
        question: format!("{} on {} by {}", request.action, request.resource, request.subject.arn()),
        policies: traces,
        left_out: 0,
        conclusion: conclusion(&decision),
        is_allowed: decision.is_allowed(),
    }
}

fn of_policy(layer: Layer, policy: &Policy, facts: &Facts<'_>) -> PolicyTrace {
    let mut statements: Vec<StatementTrace> = Vec::new();
    for (at, statement) in policy.statements().iter().enumerate() {
        let outcome = statement.applies(facts);
        if outcome == Err(Miss::Action)
            && let Some(before) = statements.last_mut()
            && before.outcome == Outcome::OtherActions
        {
            before.through = Some(at);
            continue;
        }
        statements.push(of_statement(at, statement, outcome, facts));
    }
    PolicyTrace { layer, name: Some(policy.name().to_owned()), statements }
}

fn of_statement(
    at: usize,
    statement: &Statement,
    outcome: Result<Grip, Miss>,
    facts: &Facts<'_>,
) -> StatementTrace {
    let failed = match outcome {
        Err(Miss::Condition(failed)) => statement.tests.get(failed).map(|test| failure(test, facts)),
        _ => None,
    };
    StatementTrace {
        at,
        through: None,
        sid: statement.sid.as_deref().map(shown),
        effect: statement.effect,
        outcome: match outcome {
            Ok(grip) => grip.into(),
            Err(Miss::Action) => Outcome::OtherActions,
            Err(Miss::Resource) => Outcome::OtherResources,
            Err(Miss::Principal) => Outcome::OtherPrincipals,
            Err(Miss::Condition(_)) => Outcome::Condition,
            Err(Miss::Effort) => Outcome::TooMuchWork,
        },
        failed,
    }
}

/// Which condition failed, on what.
fn failure(test: &Test, facts: &Facts<'_>) -> String {
    let condition = &test.written;
    let quantifier = match condition.quantifier {
        None => "",
        Some(Quantifier::AllValues) => "ForAllValues:",
        Some(Quantifier::AnyValue) => "ForAnyValue:",
    };
    let if_exists = if condition.if_exists { "IfExists" } else { "" };
    let found = match facts.values(test.key()) {
        None => "there is no such key".to_owned(),
        Some(values) => {
            let values = values.as_slice();
            format!("the request has [{}]", listed(values.len(), values.iter().map(text_of)))
        }
    };
    let wanted = listed(condition.values.len(), condition.values.iter());
    format!(
        "the condition {quantifier}{}{if_exists} {} [{wanted}] does not hold: {found}",
        condition.operator.name(),
        shown(&condition.key),
    )
}

/// The first of some values, and how many more there are.
fn listed(count: usize, values: impl Iterator<Item = impl AsRef<str>>) -> String {
    let mut list: Vec<_> = values.take(MOST_VALUES).map(|value| shown(value.as_ref())).collect();
    if let Some(more) = count.checked_sub(MOST_VALUES).filter(|more| *more > 0) {
        list.push(format!("and {more} more"));
    }
    list.join(", ")
}

/// A text, or its beginning.
fn shown(text: &str) -> String {
    match text.get(..text.floor_char_boundary(LONGEST_TEXT)) {
        Some(beginning) if beginning.len() < text.len() => format!("{beginning}..."),
        _ => text.to_owned(),
    }
}

fn conclusion(decision: &Decision<'_>) -> String {
    match decision {
        Decision::Allowed { source: None, layer } => format!("allowed: {}", layer.name()),
        Decision::Allowed { source: Some(source), layer } => match source.statement {
            Some(at) => format!("allowed by statement {at} of \"{}\" ({})", source.policy, layer.name()),
            None => format!("allowed by {} \"{}\"", layer.name(), source.policy),
        },
        Decision::ExplicitlyDenied { layer, source, .. } => format!(
            "denied by statement {} of \"{}\" ({})",
            source.statement.unwrap_or_default(),
            source.policy,
            layer.name()
        ),
        Decision::NotAllowed { layer } => format!("not allowed: no {} allows it", layer.name()),
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes references")]
fn is_zero(count: &usize) -> bool {
    *count == 0
}
