//! Principals under other names: a policy keeps the names that it was written with, and counts, or is shown, with others.

use std::collections::BTreeMap;

use serde_json::Value;

/// The elements that name principals.
const ELEMENTS: [&str; 2] = ["Principal", "NotPrincipal"];

/// The text of a policy in which other names stand for the principals that are named so under `AWS`. What values of
/// conditions say stays. `None` if the text is none of a policy.
pub fn with_principals(text: &str, names: &BTreeMap<String, String>) -> Option<String> {
    let mut document: Value = serde_json::from_str(text).ok()?;
    let statements = document.get_mut("Statement")?;
    each(statements, &mut |statement| {
        for element in ELEMENTS {
            let Some(named) = statement.get_mut(element).and_then(|named| named.get_mut("AWS")) else {
                continue;
            };
            each(named, &mut |principal| {
                if let Some(name) = principal.as_str().and_then(|named| names.get(named)) {
                    *principal = Value::String(name.clone());
                }
            });
        }
    });
    Some(document.to_string())
}

/// Does something with each value of a list, or with one that is no list.
fn each(value: &mut Value, act: &mut dyn FnMut(&mut Value)) {
    match value {
        Value::Array(values) => values.iter_mut().for_each(act),
        one => act(one),
    }
}
