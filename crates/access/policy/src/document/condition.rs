//! Conditions: what must be true of a request for a statement to apply.

use super::json::Json;
use super::path::Path;
use super::{Budget, DocumentError, Fault};

/// One operator, one key and its values. A statement applies where all its conditions hold.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Condition {
    /// `ForAllValues:` or `ForAnyValue:`, where the operator has such a prefix.
    pub quantifier: Option<Quantifier>,
    /// How the values are compared.
    pub operator: Operator,
    /// Whether the condition also holds where the request has no such key (`...IfExists`).
    pub if_exists: bool,
    /// The key, as it is written. Its letters count in either case.
    pub key: String,
    /// The values of the policy, as texts: AWS lets numbers and booleans stand with or without quotes. May
    /// be empty. Whether they suit the operator is for the evaluation to say.
    pub values: Vec<String>,
}

/// What a condition asks of a key with several values in the request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Quantifier {
    /// `ForAllValues:`
    AllValues,
    /// `ForAnyValue:`
    AnyValue,
}

/// Writes down each operator once: the variant and its name are the same word.
macro_rules! operators {
    ($($name:ident),+ $(,)?) => {
        /// A condition operator (IAM User Guide, "IAM JSON policy elements: Condition operators").
        #[allow(missing_docs, reason = "the names are AWS's, and explained there")]
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Operator {
            $($name,)+
        }

        impl Operator {
            /// Every operator.
            pub const ALL: &'static [Self] = &[$(Self::$name),+];

            /// Its name in policies.
            pub fn name(self) -> &'static str {
                match self {
                    $(Self::$name => stringify!($name),)+
                }
            }
        }
    };
}

operators! {
    StringEquals, StringNotEquals, StringEqualsIgnoreCase, StringNotEqualsIgnoreCase,
    StringLike, StringNotLike,
    NumericEquals, NumericNotEquals, NumericLessThan, NumericLessThanEquals,
    NumericGreaterThan, NumericGreaterThanEquals,
    DateEquals, DateNotEquals, DateLessThan, DateLessThanEquals, DateGreaterThan, DateGreaterThanEquals,
    Bool, BinaryEquals, IpAddress, NotIpAddress, ArnEquals, ArnNotEquals, ArnLike, ArnNotLike, Null,
}

impl Operator {
    fn named(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|operator| operator.name() == name)
    }
}

/// Reads the `Condition` element: operators with keys with values.
pub(super) fn parse(
    json: &Json,
    at: &Path<'_>,
    budget: &mut Budget,
) -> Result<Vec<Condition>, DocumentError> {
    let mut conditions = Vec::new();
    for (name, keys) in json.members(at)? {
        let Some((quantifier, operator, if_exists)) = operator(name) else {
            return Err(DocumentError::malformed(at, Fault::Operator(name.clone())));
        };
        let at = at.key(name);
        for (key, values) in keys.members(&at)? {
            if !is_key(key) {
                return Err(DocumentError::malformed(&at, Fault::ConditionKey(key.clone())));
            }
            let at = at.key(key);
            // A key without values costs as well.
            budget.spend(values.count().max(1), &at)?;
            let values = values.each(&at, value)?;
            conditions.push(Condition { quantifier, operator, if_exists, key: key.clone(), values });
        }
    }
    Ok(conditions)
}

/// Takes an operator apart. `Null` is itself about existence, and has no `IfExists`.
fn operator(name: &str) -> Option<(Option<Quantifier>, Operator, bool)> {
    let (quantifier, name) = match name.split_once(':') {
        None => (None, name),
        Some(("ForAllValues", name)) => (Some(Quantifier::AllValues), name),
        Some(("ForAnyValue", name)) => (Some(Quantifier::AnyValue), name),
        Some(_) => return None,
    };
    let (name, if_exists) = name.strip_suffix("IfExists").map_or((name, false), |name| (name, true));
    let operator = Operator::named(name)?;
    (operator != Operator::Null || !if_exists).then_some((quantifier, operator, if_exists))
}

/// A prefix, a colon and a name, which may have more colons: `kms:EncryptionContext:purpose`.
fn is_key(key: &str) -> bool {
    key.split_once(':').is_some_and(|(prefix, name)| !prefix.is_empty() && !name.is_empty())
}

fn value(json: &Json, at: &Path<'_>) -> Result<String, DocumentError> {
    match json {
        Json::Text(text) => Ok(text.clone()),
        Json::Number(number) => Ok(number.to_string()),
        Json::Bool(truth) => Ok(truth.to_string()),
        _ => Err(json.is_not("a string, a number or a boolean", at)),
    }
}
