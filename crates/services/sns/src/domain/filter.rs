//! Filter policies: which messages a subscription wants (SNS Developer Guide, "Amazon SNS subscription filter policies").
//!
//! Names must all fit, of the tests of one name one is enough, and so it is of the alternatives of `$or`. A name stands for
//! an attribute of the message, or, with the scope `MessageBody`, for a member of its body. Where there are several values
//! under a name, one that fits is enough; AWS's pages contradict each other about `anything-but` there.

mod matching;
mod test;

use serde_json::{Map, Value};

use self::test::Test;
use super::message::Message;
use crate::error::Refusal;

/// Bytes of a policy (SNS Developer Guide, "Filter policy constraints").
const LONGEST: usize = 256 * 1024;

/// Names of a policy, and what the numbers of its tests may multiply to.
const MOST_NAMES: usize = 5;
const MOST_COMBINATIONS: usize = 150;

/// Objects within each other. AWS has no such number.
const DEEPEST: usize = 10;

/// The name under which alternatives stand.
const OR: &str = "$or";

/// What a policy is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scope {
    Attributes,
    Body,
}

/// A filter policy.
#[derive(Clone, Debug)]
pub(crate) struct FilterPolicy {
    scope: Scope,
    clause: Clause,
}

/// What must hold together.
#[derive(Clone, Debug, Default)]
struct Clause {
    rules: Vec<(String, Rule)>,
    /// Of each of these one must hold.
    alternatives: Vec<Vec<Clause>>,
}

/// What must hold of what is under a name.
#[derive(Clone, Debug)]
enum Rule {
    /// One of these.
    Tests(Vec<Test>),
    /// An object's members.
    Members(Clause),
}

impl Scope {
    pub(crate) fn parse(text: &str) -> Option<Self> {
        match text {
            "MessageAttributes" => Some(Self::Attributes),
            "MessageBody" => Some(Self::Body),
            _ => None,
        }
    }

    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Attributes => "MessageAttributes",
            Self::Body => "MessageBody",
        }
    }
}

impl FilterPolicy {
    /// Reads a policy. Texts: the constraints of the Developer Guide in AWS's manner; the ones that are known are AWS's.
    pub(crate) fn parse(text: &str, scope: Scope) -> Result<Self, Refusal> {
        if text.len() > LONGEST {
            return Err(refused("Filter policy is too long"));
        }
        let json: Value = serde_json::from_str(text).map_err(|_| refused("failed to parse JSON."))?;
        let Value::Object(members) = json else { return Err(refused("Filter policy must be a JSON object")) };
        let mut size = Size { names: 0, combinations: 1 };
        let clause = Clause::parse(&members, scope, 1, &mut size)?;
        if size.names > MOST_NAMES {
            return Err(refused("Filter policy can not have more than 5 keys"));
        }
        if size.combinations > MOST_COMBINATIONS {
            return Err(refused("Filter policy is too complex"));
        }
        Ok(Self { scope, clause })
    }

    /// A policy that no message fits.
    pub(crate) fn nothing() -> Self {
        let nothing = Clause { rules: Vec::new(), alternatives: vec![Vec::new()] };
        Self { scope: Scope::Attributes, clause: nothing }
    }

    /// Whether a message fits, whose text for the subscription is `body`.
    pub(crate) fn admits(&self, message: &Message, body: &str) -> bool {
        let found = match self.scope {
            Scope::Attributes => matching::of_attributes(&message.attributes),
            // What is no JSON object fits no policy.
            Scope::Body => match serde_json::from_str(body) {
                Ok(Value::Object(members)) => members,
                _ => return false,
            },
        };
        self.clause.fits(&found)
    }
}

/// How large a policy is.
struct Size {
    names: usize,
    combinations: usize,
}

impl Clause {
    fn parse(
        members: &Map<String, Value>,
        scope: Scope,
        depth: usize,
        size: &mut Size,
    ) -> Result<Self, Refusal> {
        if depth > DEEPEST {
            return Err(refused("Filter policy is too deep"));
        }
        let mut clause = Self::default();
        for (name, value) in members {
            match value {
                Value::Array(alternatives) if name == OR && alternatives.iter().all(Value::is_object) => {
                    if alternatives.len() < 2 {
                        return Err(refused("There must have at least 2 Objects in $or relationship"));
                    }
                    let alternatives: Result<Vec<_>, _> = alternatives
                        .iter()
                        .filter_map(Value::as_object)
                        .map(|members| Self::parse(members, scope, depth + 1, size))
                        .collect();
                    clause.alternatives.push(alternatives?);
                }
                Value::Array(tests) => {
                    if tests.is_empty() {
                        return Err(refused("Empty arrays are not allowed"));
                    }
                    let tests: Result<Vec<_>, _> = tests.iter().map(Test::parse).collect();
                    let tests = tests?;
                    size.names += 1;
                    // A name that lies deeper counts for more.
                    size.combinations = size.combinations.saturating_mul(tests.len().saturating_mul(depth));
                    clause.rules.push((name.clone(), Rule::Tests(tests)));
                }
                Value::Object(members) if scope == Scope::Body => {
                    if members.is_empty() {
                        return Err(refused("Empty objects are not allowed"));
                    }
                    let members = Self::parse(members, scope, depth + 1, size)?;
                    clause.rules.push((name.clone(), Rule::Members(members)));
                }
                Value::Object(_) => {
                    return Err(refused(
                        "Filter policy scope MessageAttributes does not support nested filter policy",
                    ));
                }
                _ => return Err(refused(format!("\"{name}\" must be an object or an array"))),
            }
        }
        Ok(clause)
    }
}

pub(super) fn refused(what: impl Into<String>) -> Refusal {
    Refusal::parameter(format!("FilterPolicy: {}", what.into()))
}
