//! Calls about grants, as their records show them (KMS Developer Guide, "CreateGrant" and "RetireGrant" under "Examples
//! of AWS KMS log entries").

use serde_json::{Map, Value};

/// The members that have tokens, of answers and of requests.
const TOKEN: &str = "grantToken";
const TOKENS: &str = "grantTokens";

/// The parameters of a KMS call, for its record: without grant tokens, which say nothing to anybody. RetireGrant has
/// none at all; the grant's id is in its additional data.
pub fn grant_parameters(operation: &str, parameters: String) -> Option<String> {
    if operation == "RetireGrant" { None } else { without(TOKENS, parameters) }
}

/// What a KMS call answers, for its record: without the token of the grant that CreateGrant makes.
pub fn conceal_grant_token(operation: &str, elements: String) -> Option<String> {
    if operation == "CreateGrant" { without(TOKEN, elements) } else { Some(elements) }
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
