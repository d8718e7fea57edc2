//! What records of Logs do not show: what somebody logs.

use serde_json::{Map, Value};

/// The member that holds events.
const EVENTS: &str = "logEvents";

/// The parameters of a call, without the content of events.
pub fn conceal_events(parameters: String) -> String {
    let Ok(mut members) = serde_json::from_str::<Map<String, Value>>(&parameters) else { return parameters };
    if members.remove(EVENTS).is_none() {
        return parameters;
    }
    Value::Object(members).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_are_not_shown() {
        let shown = conceal_events(r#"{"logGroupName":"g","logEvents":[{"message":"m"}]}"#.to_owned());
        assert_eq!(shown, r#"{"logGroupName":"g"}"#);
    }
}
