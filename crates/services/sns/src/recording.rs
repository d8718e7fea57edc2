//! What records of SNS do not show (SNS Developer Guide, "Logging Amazon SNS API calls using AWS CloudTrail").

use serde_json::{Map, Value};

/// What stands in place of what is not shown.
const HIDDEN: &str = "HIDDEN_DUE_TO_SECURITY_REASONS";

/// Members that hold what somebody says to somebody, or what opens something.
const SHOWN_TO_NOBODY: [&str; 7] = [
    "message",
    "subject",
    "messageAttributes",
    "endpoint",
    "token",
    "phoneNumber",
    "publishBatchRequestEntries",
];

/// The parameters of a call, without content of messages, endpoints and tokens.
pub fn conceal_content(parameters: String) -> String {
    let Ok(mut members) = serde_json::from_str::<Map<String, Value>>(&parameters) else { return parameters };
    for name in SHOWN_TO_NOBODY {
        match members.get_mut(name) {
            // The entries of a batch are shown by their ids.
            Some(Value::Array(entries)) if name == "publishBatchRequestEntries" => {
                for entry in entries.iter_mut().filter_map(Value::as_object_mut) {
                    entry
                        .iter_mut()
                        .filter(|(name, _)| SHOWN_TO_NOBODY.contains(&name.as_str()))
                        .for_each(|(_, value)| *value = Value::from(HIDDEN));
                }
            }
            Some(value) => *value = Value::from(HIDDEN),
            None => {}
        }
    }
    Value::Object(members).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_said_to_somebody_is_not_shown() {
        let shown = |parameters: &str| conceal_content(parameters.to_owned());
        assert_eq!(
            shown(
                r#"{"topicArn":"t","message":"m","subject":"s","messageAttributes":{"a":{"dataType":"String"}}}"#
            ),
            format!(
                r#"{{"topicArn":"t","message":"{HIDDEN}","subject":"{HIDDEN}","messageAttributes":"{HIDDEN}"}}"#
            )
        );
        assert_eq!(
            shown(r#"{"publishBatchRequestEntries":[{"id":"1","message":"m"}]}"#),
            format!(r#"{{"publishBatchRequestEntries":[{{"id":"1","message":"{HIDDEN}"}}]}}"#)
        );
        assert_eq!(shown(r#"{"name":"n"}"#), r#"{"name":"n"}"#);
    }
}
