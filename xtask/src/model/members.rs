//! The members of a shape: a map that keeps its order.

use std::fmt;

use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::Reference;

/// Members by name, in the model's order, which is the order of answers.
#[derive(Default)]
pub(crate) struct Members(Vec<(String, Reference)>);

impl Members {
    /// Whether there is none.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Keeps the members that `keep` says to.
    pub(crate) fn retain(&mut self, keep: impl Fn(&str, &Reference) -> bool) {
        self.0.retain(|(name, reference)| keep(name, reference));
    }

    /// The members in the model's order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, &Reference)> {
        self.0.iter().map(|(name, reference)| (name.as_str(), reference))
    }
}

impl Serialize for Members {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.iter())
    }
}

impl<'de> Deserialize<'de> for Members {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(InOrder)
    }
}

struct InOrder;

impl<'de> Visitor<'de> for InOrder {
    type Value = Members;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("members by name")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Members, A::Error> {
        let mut members = Vec::new();
        while let Some(entry) = entries.next_entry()? {
            members.push(entry);
        }
        Ok(Members(members))
    }
}

#[cfg(test)]
mod tests {
    use crate::model::Shape;

    #[test]
    fn members_keep_their_order_and_lose_their_prose() {
        let shape: Shape = serde_json::from_str(
            r#"{"type": "structure", "documentation": "prose", "deprecatedMessage": "prose", "members": {
                 "Zebra": {"shape": "Text", "documentation": "prose", "deprecated": true},
                 "Ape": {"shape": "Text", "locationName": "ape", "deprecatedMessage": "prose",
                         "idempotencyToken": true}}}"#,
        )
        .unwrap();
        assert_eq!(
            serde_json::to_string(&shape).unwrap(),
            r#"{"type":"structure","members":{"Zebra":{"shape":"Text"},"Ape":{"shape":"Text","locationName":"ape","idempotencyToken":true}}}"#
        );
    }
}
