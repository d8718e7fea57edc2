//! Decisions that explain themselves: every layer, every policy, every statement, and why it does not apply.

use std::fmt;

use super::{Decision, Facts, Layer, Policies, Request, decide};
use crate::document::{Effect, Quantifier};
use crate::keys::ContextKeys as _;
use crate::policy::{Grip, Miss, Policy, Statement, Test, text_of};

/// How a decision came about. Its text is for people:
///
/// ```text
/// kms:Decrypt on arn:aws:kms:us-east-1:111122223333:key/1 by arn:aws:iam::111122223333:user/alice
/// resource-based policy "key-policy"
///   [0] Allow (Sid "Enable IAM"): applies, to the account
///   [1] Deny: the condition StringNotEquals kms:ViaService [s3.us-east-1.amazonaws.com] does not hold: there is no such key
/// identity-based policy "arn:aws:iam::111122223333:policy/Decrypt"
///   [0] Allow: applies
/// => allowed by statement 0 of "arn:aws:iam::111122223333:policy/Decrypt" (identity-based policy)
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trace {
    /// Who asked for what.
    pub question: String,
    /// What was asked, in the order in which the layers are asked.
    pub policies: Vec<PolicyTrace>,
    /// What came out, in words.
    pub conclusion: String,
    /// Whether it may be done.
    pub is_allowed: bool,
}

/// What became of one policy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PolicyTrace {
    /// Where it is attached.
    pub layer: Layer,
    /// Its name.
    pub name: String,
    /// What became of each statement.
    pub statements: Vec<StatementTrace>,
}

/// What became of one statement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StatementTrace {
    /// Its `Sid`.
    pub sid: Option<String>,
    /// Whether it allows or denies.
    pub effect: Effect,
    /// Whether it applies.
    pub applies: bool,
    /// How it applies or why it does not, in words.
    pub because: String,
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
    for grant in policies.grants {
        let applies = grant.grip(&facts).is_some();
        let because = match (applies, grant.unmet) {
            (true, _) => "applies".to_owned(),
            (false, Some(constraint)) => format!("the request does not keep to its constraint {constraint}"),
            (false, None) => "is not for this caller and action".to_owned(),
        };
        let statement = StatementTrace { sid: None, effect: Effect::Allow, applies, because };
        traces.push(PolicyTrace {
            layer: Layer::Grant,
            name: grant.id.to_owned(),
            statements: vec![statement],
        });
    }
    let decision = decide(request, policies);
    Trace {
        question: format!("{} on {} by {}", request.action, request.resource, request.subject.arn()),
        policies: traces,
        conclusion: conclusion(&decision),
        is_allowed: decision.is_allowed(),
    }
}

fn of_policy(layer: Layer, policy: &Policy, facts: &Facts<'_>) -> PolicyTrace {
    let of_statement = |statement: &Statement| {
        let outcome = statement.applies(facts);
        let because = match outcome {
            Ok(Grip::Direct) => "applies".to_owned(),
            Ok(Grip::Entity) => "applies, to the role or user behind the session".to_owned(),
            Ok(Grip::Account) => "applies, to the account".to_owned(),
            Err(Miss::Action) => "is about other actions".to_owned(),
            Err(Miss::Resource) => "is about other resources".to_owned(),
            Err(Miss::Principal) => "is about other principals".to_owned(),
            Err(Miss::Condition(at)) => {
                statement.tests.get(at).map_or_else(String::new, |test| failure(test, facts))
            }
        };
        StatementTrace {
            sid: statement.sid.clone(),
            effect: statement.effect,
            applies: outcome.is_ok(),
            because,
        }
    };
    let statements = policy.statements().iter().map(of_statement).collect();
    PolicyTrace { layer, name: policy.name().to_owned(), statements }
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
            let texts: Vec<_> = values.as_slice().iter().map(|value| text_of(value).into_owned()).collect();
            format!("the request has [{}]", texts.join(", "))
        }
    };
    format!(
        "the condition {quantifier}{}{if_exists} {} [{}] does not hold: {found}",
        condition.operator.name(),
        condition.key,
        condition.values.join(", ")
    )
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

impl fmt::Display for Trace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.question)?;
        for policy in &self.policies {
            writeln!(f, "{} \"{}\"", policy.layer.name(), policy.name)?;
            for (at, statement) in policy.statements.iter().enumerate() {
                let effect = match statement.effect {
                    Effect::Allow => "Allow",
                    Effect::Deny => "Deny",
                };
                write!(f, "  [{at}] {effect}")?;
                if let Some(sid) = &statement.sid {
                    write!(f, " (Sid \"{sid}\")")?;
                }
                writeln!(f, ": {}", statement.because)?;
            }
        }
        write!(f, "=> {}", self.conclusion)
    }
}
