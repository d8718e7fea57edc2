//! Filters of keys: `key-reference=0x...` and `attr.NAME=VALUE`.

use std::str::FromStr;

use strongroom_hsm_proto::command::Template;

use crate::attribute::Assignment;
use crate::grammar::values::number;

/// One condition of a filter.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Term {
    /// The key has this handle.
    KeyReference(u64),
    /// The key has this value of an attribute.
    Attribute(Assignment),
}

impl FromStr for Term {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if let Some(handle) = text.strip_prefix("key-reference=") {
            number(handle)
                .map(Self::KeyReference)
                .map_err(|_| "a key reference looks like 0x00000000002e06bf".to_owned())
        } else if let Some(assignment) = text.strip_prefix("attr.") {
            assignment.parse().map(Self::Attribute)
        } else {
            Err("expected key-reference=0x... or attr.NAME=VALUE, like attr.label=my-key".to_owned())
        }
    }
}

/// A whole filter: all conditions must hold.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Filter {
    /// The handles that are named. A key that is to fit two is none.
    pub(crate) references: Vec<u64>,
    /// The attributes.
    pub(crate) template: Template,
}

impl Filter {
    pub(crate) fn of(terms: &[Term]) -> Self {
        let mut filter = Self::default();
        for term in terms {
            match term {
                Term::KeyReference(handle) if filter.references.contains(handle) => {}
                Term::KeyReference(handle) => filter.references.push(*handle),
                Term::Attribute(assignment) => {
                    filter.template.attributes.push(assignment.clone().into_attribute());
                }
            }
        }
        filter
    }
}

#[cfg(test)]
mod tests {
    use strongroom_hsm_proto::command::{AttributeName, AttributeValue};

    use super::*;

    #[test]
    fn terms_are_handles_and_attributes() {
        assert_eq!("key-reference=0x2e06bf".parse(), Ok(Term::KeyReference(0x2e_06bf)));
        assert_eq!("key-reference=12".parse(), Ok(Term::KeyReference(12)));
        let label = Assignment { name: AttributeName::Label, value: AttributeValue::Bytes(b"a b".to_vec()) };
        assert_eq!("attr.label=a b".parse(), Ok(Term::Attribute(label)));
        for wrong in ["label=x", "key-reference=", "key-reference=0xzz", "attr.nothing=1", ""] {
            assert!(wrong.parse::<Term>().is_err(), "{wrong}");
        }
    }
}
