//! Calls about grants, as their records show them (KMS Developer Guide, "CreateGrant" and "RetireGrant" under "Examples
//! of AWS KMS log entries").

use serde_json::{Map, Value};

use crate::api::chosen::HIDDEN;

/// The members that have tokens, of answers and of requests.
const TOKEN: &str = "grantToken";
const TOKENS: &str = "grantTokens";

/// What stands around a value in the messages of validation, if it is a token or a list of them.
const VALUE: &str = "Value '";
const AT_TOKEN: &str = "' at 'grantToken";

/// The parameters of a KMS call, for its record: without grant tokens, which say nothing to anybody. RetireGrant has
/// none at all; the grant's id is in its additional data.
pub fn grant_parameters(operation: &str, parameters: String) -> Option<String> {
    if operation == "RetireGrant" { None } else { without(TOKENS, parameters) }
}

/// What a KMS call answers, for its record: without the token of the grant that CreateGrant makes.
pub fn conceal_grant_token(operation: &str, elements: String) -> Option<String> {
    if operation == "CreateGrant" { without(TOKEN, elements) } else { Some(elements) }
}

/// The message of a refusal, for its record: without grant tokens, which validation repeats. Where a message speaks of
/// one, nothing of what it repeats is shown.
pub fn conceal_refused_tokens(message: String) -> String {
    let shown = message.split_once(VALUE).zip(message.rsplit_once(AT_TOKEN));
    match shown {
        Some(((before, _), (_, after))) => format!("{before}{VALUE}{HIDDEN}{AT_TOKEN}{after}"),
        None => message,
    }
}

/// A JSON object without one of its members; nothing, if it is none.
fn without(member: &str, object: String) -> Option<String> {
    if !object.contains(member) {
        return Some(object);
    }
    let mut shown: Map<String, Value> = serde_json::from_str(&object).ok()?;
    shown.remove(member);
    Some(Value::Object(shown).to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_message_shows_a_token() {
        let of = |text: &str| conceal_refused_tokens(text.to_owned());
        assert_eq!(
            of(
                "1 validation error detected: Value '[AQ/a, Value 'b]' at 'grantTokens' failed to satisfy constraint: x"
            ),
            "1 validation error detected: Value 'HIDDEN_DUE_TO_SECURITY_REASONS' at 'grantTokens' failed to satisfy \
             constraint: x"
        );
        assert_eq!(
            of("2 validation errors detected: Value '' at 'keyId' failed; Value 'AQ' at 'grantToken' failed"),
            "2 validation errors detected: Value 'HIDDEN_DUE_TO_SECURITY_REASONS' at 'grantToken' failed"
        );
        for text in ["Value 'x' at 'keyId' failed", "Invalid grant token.", ""] {
            assert_eq!(of(text), text);
        }
    }
}
