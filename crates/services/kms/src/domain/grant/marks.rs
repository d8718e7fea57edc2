//! Constraints as decisions compare them: digests, which take little memory however long the texts are. A caller can
//! have thousands of grants on one key, and all of them are kept in memory.

use std::cell::OnceCell;
use std::collections::HashSet;

use strongroom_crypto::digest;
use strongroom_identity::{ConditionKeys, KeyValue};

use super::constraints::{CONTEXT, CONTEXT_KEYS, Constraints, ContextConstraint};
use super::operations::Operation;

/// The first half of a SHA-256: whoever could find another text of the same mark could break AES-128.
type Mark = [u8; 16];

/// The constraints of a grant.
#[derive(Debug)]
pub(super) struct Marks {
    context: ContextMark,
    /// Of the resource on whose behalf requests are made.
    source: Option<Mark>,
}

#[derive(Debug)]
enum ContextMark {
    Any,
    Equals(Mark),
    Subset(Box<[Mark]>),
}

impl From<&Constraints> for Marks {
    fn from(constraints: &Constraints) -> Self {
        let pairs = |context: &ContextConstraint| -> Vec<Mark> {
            context.pairs().iter().map(|(name, value)| of_pair(name, value)).collect()
        };
        let context = match &constraints.context {
            None => ContextMark::Any,
            Some(context @ ContextConstraint::Equals(_)) => ContextMark::Equals(of_all(pairs(context))),
            Some(context @ ContextConstraint::Subset(_)) => ContextMark::Subset(pairs(context).into()),
        };
        Self { context, source: constraints.source_arn.as_deref().map(|arn| of_parts(&[arn])) }
    }
}

impl Marks {
    /// The name of the constraint that a request for that operation does not keep to, if there is one.
    pub(super) fn unmet(&self, operation: Operation, request: &Asked<'_>) -> Option<&'static str> {
        if self.source.is_some() && self.source != request.source {
            return Some("SourceArn");
        }
        if !operation.is_bound() {
            return None;
        }
        match &self.context {
            ContextMark::Any => None,
            ContextMark::Equals(all) => (request.context().all != *all).then_some("EncryptionContextEquals"),
            ContextMark::Subset(pairs) => {
                let has = pairs.iter().all(|pair| request.context().pairs.contains(pair));
                (!has).then_some("EncryptionContextSubset")
            }
        }
    }

    /// About how many bytes they hold beside themselves.
    pub(super) fn weight(&self) -> usize {
        match &self.context {
            ContextMark::Any | ContextMark::Equals(_) => 0,
            ContextMark::Subset(pairs) => size_of_val(&**pairs),
        }
    }
}

/// What a request has of what constraints are about.
pub(super) struct Asked<'r> {
    keys: &'r ConditionKeys,
    source: Option<Mark>,
    context: OnceCell<Context>,
}

struct Context {
    /// Of the whole encryption context.
    all: Mark,
    /// Of each pair.
    pairs: HashSet<Mark>,
}

impl<'r> Asked<'r> {
    /// The request of these condition keys, made on behalf of the resource of that ARN, if of any.
    pub(super) fn new(keys: &'r ConditionKeys, source: Option<&str>) -> Self {
        Self { keys, source: source.map(|arn| of_parts(&[arn])), context: OnceCell::new() }
    }

    fn context(&self) -> &Context {
        self.context.get_or_init(|| {
            let names: HashSet<_> = self
                .keys
                .get(CONTEXT_KEYS)
                .map_or(&[][..], texts)
                .iter()
                .map(|name| name.to_ascii_lowercase())
                .collect();
            let mut all = Vec::new();
            for name in names {
                let values = self.keys.get(&format!("{CONTEXT}{name}")).map_or(&[][..], texts);
                all.extend(values.iter().map(|value| of_pair(&name, value)));
            }
            Context { pairs: all.iter().copied().collect(), all: of_all(all) }
        })
    }
}

/// The mark of a pair, whose name counts in either case.
fn of_pair(name: &str, value: &str) -> Mark {
    of_parts(&[&name.to_ascii_lowercase(), value])
}

/// The mark of pairs in whatever order, each as often as it is there.
fn of_all(mut pairs: Vec<Mark>) -> Mark {
    pairs.sort_unstable();
    first_half(&digest::sha256(&pairs.concat()))
}

fn of_parts(parts: &[&str]) -> Mark {
    let framed =
        parts.iter().flat_map(|part| (part.len() as u64).to_be_bytes().into_iter().chain(part.bytes()));
    first_half(&digest::sha256(&framed.collect::<Vec<_>>()))
}

fn first_half(digest: &[u8; 32]) -> Mark {
    *digest.first_chunk().unwrap_or(&[0; 16])
}

fn texts(value: &KeyValue) -> &[String] {
    match value {
        KeyValue::Text(text) => std::slice::from_ref(text),
        KeyValue::Texts(texts) => texts,
        KeyValue::Flag(_) | KeyValue::Number(_) | KeyValue::Moment(_) => &[],
    }
}

#[cfg(test)]
mod tests {
    use super::super::constraints::Pairs;
    use super::*;

    type Written = &'static [(&'static str, &'static str)];

    fn pairs(pairs: Written) -> Pairs {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn names_that_differ_in_case_only_have_all_their_values() {
        let table: [(Written, Written, bool, bool); 7] = [
            (&[("a", "1"), ("A", "1")], &[("a", "1"), ("A", "1")], true, true),
            (&[("a", "1"), ("A", "1")], &[("a", "1"), ("A", "2")], false, true),
            (&[("a", "1"), ("A", "2")], &[("a", "2"), ("A", "1")], true, true),
            (&[("a", "1"), ("A", "2")], &[("a", "1"), ("b", "2")], false, false),
            (&[("a", "1")], &[("a", "1"), ("A", "2")], false, true),
            (&[("a", "1b")], &[("a1", "b")], false, false),
            (&[], &[], true, true),
        ];
        let decrypt = Operation::of_action("kms:Decrypt").unwrap();
        for (constraint, request, equals, subset) in table {
            let names: Vec<_> = request.iter().map(|(name, _)| (*name).to_owned()).collect();
            let keys = request.iter().fold(ConditionKeys::new(), |keys, (name, value)| {
                keys.with(&format!("{CONTEXT}{name}"), *value)
            });
            let keys = if names.is_empty() { keys } else { keys.with(CONTEXT_KEYS, names) };
            let asked = Asked::new(&keys, None);
            let is_met = |context| {
                let constraints = Constraints { context: Some(context), source_arn: None };
                Marks::from(&constraints).unmet(decrypt, &asked).is_none()
            };
            assert_eq!(is_met(ContextConstraint::Equals(pairs(constraint))), equals, "{constraint:?}");
            assert_eq!(is_met(ContextConstraint::Subset(pairs(constraint))), subset, "{constraint:?}");
        }
    }
}
