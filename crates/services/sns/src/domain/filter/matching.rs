//! Whether what a message has fits what a policy wants.

use serde_json::{Map, Value};

use super::{Clause, Rule, Test};
use crate::domain::message::{Attribute, Content};

impl Clause {
    pub(super) fn fits(&self, members: &Map<String, Value>) -> bool {
        self.rules.iter().all(|(name, rule)| rule.fits(members.get(name)))
            && self.alternatives.iter().all(|any| any.iter().any(|clause| clause.fits(members)))
    }
}

impl Rule {
    fn fits(&self, found: Option<&Value>) -> bool {
        match self {
            Self::Tests(tests) => tests.iter().any(|test| fits(test, found)),
            Self::Members(clause) => match found {
                Some(Value::Object(members)) => clause.fits(members),
                // Of several objects one is enough.
                Some(Value::Array(several)) => {
                    several.iter().filter_map(Value::as_object).any(|members| clause.fits(members))
                }
                // Nothing is there, and that may be what is wanted.
                _ => clause.fits(&Map::new()),
            },
        }
    }
}

fn fits(test: &Test, found: Option<&Value>) -> bool {
    if let Some(exists) = test.existence() {
        return exists == found.is_some();
    }
    match found {
        Some(Value::Array(values)) => values.iter().any(|value| test.fits(value)),
        None | Some(Value::Object(_)) => false,
        Some(value) => test.fits(value),
    }
}

/// A message's attributes as values. Bytes are none that policies know.
pub(super) fn of_attributes(attributes: &[(String, Attribute)]) -> Map<String, Value> {
    let value = |attribute: &Attribute| {
        let Content::Text(text) = &attribute.content else { return None };
        Some(match attribute.kind() {
            "Number" => serde_json::from_str(text.trim()).unwrap_or_else(|_| Value::from(text.as_str())),
            // One that is no array is none of several values.
            "String.Array" => match serde_json::from_str(text) {
                Ok(Value::Array(values)) => Value::Array(values),
                _ => Value::from(text.as_str()),
            },
            _ => Value::from(text.as_str()),
        })
    };
    attributes.iter().filter_map(|(name, attribute)| Some((name.clone(), value(attribute)?))).collect()
}

#[cfg(test)]
mod tests {
    use crate::domain::filter::{FilterPolicy, Scope};
    use crate::domain::message::{Attribute, Content, Message};

    /// The message of the Developer Guide's page "Example filter policies".
    fn message(body: &str) -> Message {
        let attribute = |kind: &str, text: &str| Attribute {
            data_type: kind.to_owned(),
            content: Content::Text(text.to_owned()),
        };
        let mut message = Message::with_text(body);
        message.attributes = vec![
            ("customer_interests".to_owned(), attribute("String.Array", r#"["soccer","rugby","hockey"]"#)),
            ("store".to_owned(), attribute("String", "example_corp")),
            ("event".to_owned(), attribute("String", "order_placed")),
            ("price_usd".to_owned(), attribute("Number", "210.75")),
            ("source_ip".to_owned(), attribute("String", "10.0.0.5")),
        ];
        message
    }

    fn admits(policy: &str, scope: Scope, body: &str) -> bool {
        FilterPolicy::parse(policy, scope).unwrap().admits(&message(body), body)
    }

    #[test]
    fn attributes_are_told_apart_as_the_guide_tells_them() {
        for (policy, wanted) in [
            (
                r#"{"store":["example_corp"],"event":[{"anything-but":"order_cancelled"}],"customer_interests":["rugby","football","baseball"],"price_usd":[{"numeric":[">=",100]}]}"#,
                true,
            ),
            (r#"{"store":["example_corp"],"event":["order_cancelled"]}"#, false),
            (r#"{"encrypted":["false"]}"#, false),
            (r#"{"store":[{"exists":true}],"encrypted":[{"exists":false}]}"#, true),
            (r#"{"encrypted":[{"anything-but":"true"}]}"#, false),
            (r#"{"price_usd":[210.75]}"#, true),
            (r#"{"price_usd":["210.75"]}"#, false),
            (r#"{"price_usd":[{"numeric":[">",0,"<=",150]}]}"#, false),
            (r#"{"event":[{"prefix":"order_"}]}"#, true),
            (r#"{"event":[{"suffix":"_placed"}]}"#, true),
            (r#"{"event":[{"equals-ignore-case":"ORDER_PLACED"}]}"#, true),
            (r#"{"event":[{"wildcard":"o*_p*d"}]}"#, true),
            (r#"{"event":[{"anything-but":{"prefix":"order_"}}]}"#, false),
            (r#"{"event":[{"anything-but":{"suffix":["_x","_y"]}}]}"#, true),
            (r#"{"source_ip":[{"cidr":"10.0.0.0/24"}]}"#, true),
            (r#"{"source_ip":[{"cidr":"10.0.1.0/24"}]}"#, false),
            (r#"{"$or":[{"store":["x"]},{"event":["order_placed"]}]}"#, true),
            (r#"{"$or":[{"store":["x"]},{"event":["y"]}]}"#, false),
            (r#"{"store":["example_corp"],"$or":[{"store":["x"]},{"event":["y"]}]}"#, false),
        ] {
            assert_eq!(admits(policy, Scope::Attributes, "not JSON"), wanted, "{policy}");
        }
    }

    #[test]
    fn bodies_are_looked_into() {
        let body = r#"{"a":{"b":[{"c":1},{"c":2}],"d":null,"e":true},"f":["x","y"]}"#;
        for (policy, wanted) in [
            (r#"{"a":{"b":{"c":[2]}}}"#, true),
            (r#"{"a":{"b":{"c":[3]}}}"#, false),
            (r#"{"a":{"d":[null]},"f":["y"]}"#, true),
            (r#"{"a":{"e":[false]}}"#, false),
            (r#"{"a":{"g":[{"exists":false}]}}"#, true),
            (r#"{"z":{"g":[{"exists":false}]}}"#, true),
            (r#"{"z":{"g":["x"]}}"#, false),
        ] {
            assert_eq!(admits(policy, Scope::Body, body), wanted, "{policy}");
        }
        for body in ["not JSON", "[]", "\"x\""] {
            assert!(!admits(r#"{"a":[{"exists":false}]}"#, Scope::Body, body), "{body}");
        }
    }

    #[test]
    fn what_is_no_policy_is_refused_and_lets_nothing_through() {
        for policy in [
            "[]",
            "{",
            r#"{"a":"b"}"#,
            r#"{"a":[]}"#,
            r#"{"a":{"b":["c"]}}"#,
            r#"{"a":[["b"]]}"#,
            r#"{"a":[{"prefix":1}]}"#,
            r#"{"a":[{"prefix":"x","suffix":"y"}]}"#,
            r#"{"a":[{"regex":"x"}]}"#,
            r#"{"a":[{"numeric":["<"]}]}"#,
            r#"{"a":[{"numeric":[">",5,"<",5]}]}"#,
            r#"{"a":[{"numeric":["=",1e10]}]}"#,
            r#"{"a":[{"cidr":"10.0.0.0/33"}]}"#,
            r#"{"a":[{"exists":"yes"}]}"#,
            r#"{"a":["1"],"b":["1"],"c":["1"],"d":["1"],"e":["1"],"f":["1"]}"#,
            r#"{"$or":[{"a":["1"]}]}"#,
        ] {
            assert!(FilterPolicy::parse(policy, Scope::Attributes).is_err(), "{policy}");
        }
        let twelve = (0..13).map(|number| format!("\"{number}\"")).collect::<Vec<_>>().join(",");
        let complex = format!(r#"{{"a":[{twelve}],"b":[{twelve}]}}"#);
        assert!(FilterPolicy::parse(&complex, Scope::Attributes).is_err());
        assert!(!FilterPolicy::nothing().admits(&message("{}"), "{}"));
    }
}
