//! Calls about grants, as their records show them (KMS Developer Guide, "CreateGrant" and "RetireGrant" under "Examples
//! of AWS KMS log entries").

use serde_json::Value;

/// Marks answers that have a token.
const TOKEN: &str = "\"grantToken\"";

/// The parameters of a call of that operation, for its record; RetireGrant's has none, since a token says nothing to
/// anybody. The grant's id is in its additional data.
pub fn grant_parameters(operation: &str, parameters: String) -> Option<String> {
    (operation != "RetireGrant").then_some(parameters)
}

/// What a call of that operation answers, for its record: without the token of the grant that CreateGrant makes.
pub fn conceal_grant_token(operation: &str, elements: String) -> Option<String> {
    if operation != "CreateGrant" || !elements.contains(TOKEN) {
        return Some(elements);
    }
    let Ok(Value::Object(mut shown)) = serde_json::from_str(&elements) else { return None };
    shown.remove("grantToken");
    Some(Value::Object(shown).to_string())
}
