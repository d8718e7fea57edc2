//! What records of Logs do not show: what somebody logs.

use serde_json::{Map, Value};

/// The members that hold events: those that are put, and those that a filter is tried with.
const EVENTS: [&str; 2] = ["logEvents", "logEventMessages"];

/// The parameters of a call, without the content of events.
pub fn conceal_events(parameters: String) -> String {
    let Ok(mut members) = serde_json::from_str::<Map<String, Value>>(&parameters) else { return parameters };
    let before = members.len();
    members.retain(|name, _| !EVENTS.contains(&name.as_str()));
    if members.len() == before {
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
        let shown = conceal_events(r#"{"filterPattern":"p","logEventMessages":["m"]}"#.to_owned());
        assert_eq!(shown, r#"{"filterPattern":"p"}"#);
    }
}
