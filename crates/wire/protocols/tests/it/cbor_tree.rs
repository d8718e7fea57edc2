//! CBOR as a tree, read with a foreign decoder, for comparison.

use ciborium::Value;

/// A data item. What has several spellings (lengths, widths of numbers, pieces of text) is the same item in each.
#[derive(Clone, Debug)]
pub(crate) enum Item {
    Whole(i128),
    Floating(f64),
    Bytes(Vec<u8>),
    Text(String),
    Truth(bool),
    Null,
    Tagged(u64, Box<Item>),
    List(Vec<Item>),
    /// Entries in any order.
    Map(Vec<(String, Item)>),
}

/// NaN equals NaN here, and a map's order does not matter.
impl PartialEq for Item {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Whole(a), Self::Whole(b)) => a == b,
            (Self::Floating(a), Self::Floating(b)) => a == b || a.is_nan() && b.is_nan(),
            (Self::Bytes(a), Self::Bytes(b)) => a == b,
            (Self::Text(a), Self::Text(b)) => a == b,
            (Self::Truth(a), Self::Truth(b)) => a == b,
            (Self::Null, Self::Null) => true,
            (Self::Tagged(a, x), Self::Tagged(b, y)) => a == b && x == y,
            (Self::List(a), Self::List(b)) => a == b,
            (Self::Map(a), Self::Map(b)) => a.len() == b.len() && a.iter().all(|entry| b.contains(entry)),
            _ => false,
        }
    }
}

impl Item {
    /// The value of a map's key.
    pub(crate) fn get_mut(&mut self, key: &str) -> Option<&mut Self> {
        let Self::Map(entries) = self else { return None };
        entries.iter_mut().find(|(known, _)| known == key).map(|(_, value)| value)
    }
}

/// Reads one item and nothing after it.
pub(crate) fn parse(mut bytes: &[u8]) -> Item {
    let value: Value = ciborium::from_reader(&mut bytes).unwrap();
    assert!(bytes.is_empty(), "one item");
    item(value)
}

fn item(value: Value) -> Item {
    match value {
        Value::Integer(number) => Item::Whole(number.into()),
        Value::Float(number) => Item::Floating(number),
        Value::Bytes(bytes) => Item::Bytes(bytes),
        Value::Text(text) => Item::Text(text),
        Value::Bool(truth) => Item::Truth(truth),
        Value::Null => Item::Null,
        Value::Tag(tag, value) => Item::Tagged(tag, Box::new(item(*value))),
        Value::Array(items) => Item::List(items.into_iter().map(item).collect()),
        Value::Map(entries) => Item::Map(
            entries.into_iter().map(|(key, value)| (key.into_text().unwrap(), item(value))).collect(),
        ),
        other => panic!("unexpected {other:?}"),
    }
}
