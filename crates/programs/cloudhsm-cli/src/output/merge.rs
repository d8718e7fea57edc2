//! What several HSMs say, as one answer.

use serde_json::{Value, json};

use super::words::{FULL, INCONSISTENT, PARTIAL};

/// Whether something that `having` of `asked` HSMs have is on all of them.
pub(crate) fn coverage(having: usize, asked: usize) -> &'static str {
    if having == asked { FULL } else { PARTIAL }
}

/// A value that HSMs agree on, or that they do not.
pub(crate) fn agreed(values: impl IntoIterator<Item = Value>) -> Value {
    let mut values = values.into_iter();
    let Some(first) = values.next() else { return Value::Null };
    if values.all(|value| value == first) { first } else { json!(INCONSISTENT) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hsms_agree_or_do_not() {
        assert_eq!(agreed([json!(true), json!(true)]), json!(true));
        assert_eq!(agreed([json!(true), json!(false)]), json!("inconsistent"));
        assert_eq!(agreed([]), Value::Null);
        assert_eq!((coverage(2, 2), coverage(1, 2)), ("full", "partial"));
    }
}
