//! What a simulated request says: what its caller states, and what follows from whom it is about.

use std::collections::HashMap;

use strongroom_api_iam::{ContextEntry, ContextKeyTypeEnum as Type};
use strongroom_identity::AccountId;
use strongroom_policy::{ContextKeys, Value, Values};

use crate::error::Refusal;

/// Condition keys by name in lower case.
#[derive(Default)]
pub(crate) struct Facts(HashMap<String, Fact>);

struct Fact {
    values: Vec<String>,
    is_list: bool,
}

/// The facts about a request to an account's resource.
pub(crate) struct Known<'f> {
    pub(crate) facts: &'f Facts,
    pub(crate) owner: AccountId,
}

impl Facts {
    /// Reads `ContextEntries`.
    pub(crate) fn parse(entries: &[ContextEntry]) -> Result<Self, Refusal> {
        let mut facts = HashMap::with_capacity(entries.len());
        for entry in entries {
            let missing = || Refusal::invalid_input("A context entry needs a name, values and a type.");
            let name = entry.context_key_name.as_deref().ok_or_else(missing)?;
            let values = entry.context_key_values.clone().ok_or_else(missing)?;
            let kind = entry.context_key_type.as_ref().ok_or_else(missing)?;
            let is_list = matches!(
                kind,
                Type::StringList
                    | Type::NumericList
                    | Type::BooleanList
                    | Type::IpList
                    | Type::BinaryList
                    | Type::DateList
            );
            facts.insert(name.to_ascii_lowercase(), Fact { values, is_list });
        }
        Ok(Self(facts))
    }

    /// States what follows from whom the simulation is about, unless its caller has said otherwise.
    pub(crate) fn presume(&mut self, name: &str, value: impl Into<String>) {
        let fact = || Fact { values: vec![value.into()], is_list: false };
        self.0.entry(name.to_ascii_lowercase()).or_insert_with(fact);
    }
}

impl ContextKeys for Known<'_> {
    fn values(&self, key: &str) -> Option<Values<'_>> {
        match self.facts.0.get(key) {
            Some(Fact { values, is_list }) => match values.as_slice() {
                [one] if !is_list => Some(Values::text(one.as_str())),
                several => Some(Values::Many(several.iter().map(|one| Value::Text(one.into())).collect())),
            },
            None => (key == "aws:resourceaccount").then(|| Values::text(self.owner.to_string())),
        }
    }

    fn states_everything(&self) -> bool {
        true
    }
}
