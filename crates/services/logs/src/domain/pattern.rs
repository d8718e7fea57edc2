//! Filter patterns (CloudWatch Logs User Guide, "Filter pattern syntax"): of terms, of JSON, of fields between spaces.

mod fields;
mod json;
mod terms;
mod value;

use strongroom_schema::Map;

use self::fields::Fields;
use self::json::Condition;
use self::terms::Terms;
use crate::error::Refusal;

/// Characters of a pattern.
const LONGEST: usize = 1024;

/// A filter pattern.
#[derive(Clone, Debug)]
pub(crate) enum Pattern {
    /// Every event fits.
    Everything,
    Terms(Terms),
    Json(Condition),
    Fields(Fields),
}

impl Pattern {
    /// Reads a pattern.
    pub(crate) fn parse(text: &str) -> Result<Self, Refusal> {
        if text.chars().count() > LONGEST {
            return Err(invalid());
        }
        let text = text.trim();
        if text.contains('%') && !text.contains('"') {
            return Err(Refusal::not_yet("regular expressions in filter patterns"));
        }
        if text.is_empty() {
            return Ok(Self::Everything);
        }
        if let Some(inner) = text.strip_prefix('{') {
            let inner = inner.strip_suffix('}').ok_or_else(invalid)?;
            return json::parse(inner).map(Self::Json);
        }
        if let Some(inner) = text.strip_prefix('[') {
            let inner = inner.strip_suffix(']').ok_or_else(invalid)?;
            return Fields::parse(inner).map(Self::Fields);
        }
        Terms::parse(text).map(Self::Terms)
    }

    /// Whether an event fits.
    pub(crate) fn fits(&self, message: &str) -> bool {
        self.extract(message).is_some()
    }

    /// What a pattern of fields takes out of an event that fits; `None` of one that does not.
    pub(crate) fn extract(&self, message: &str) -> Option<Map<String>> {
        match self {
            Self::Everything => Some(Map::default()),
            Self::Terms(terms) => terms.fit(message).then(Map::default),
            Self::Json(condition) => {
                let value = serde_json::from_str(message).ok()?;
                condition.holds(&value).then(Map::default)
            }
            Self::Fields(fields) => fields.extract(message),
        }
    }
}

pub(super) fn invalid() -> Refusal {
    Refusal::invalid("Invalid filter pattern")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_fit_as_the_guide_says() {
        let json = r#"{"eventType":"UpdateTrail","sourceIPAddress":"111.111.111.111","arrayKey":["value","another value"],"objectList":[{"name":"a","id":1},{"name":"b","id":2}],"SomeObject":null,"flag":true,"n":5.5}"#;
        let log = r#"127.0.0.1 - frank [10/Oct/2000:13:25:15 -0700] "GET /index.html HTTP/1.0" 404 1534"#;
        for (pattern, message, fits) in [
            ("", "anything", true),
            (" ", "anything", true),
            ("ERROR", "[ERROR 400] BAD REQUEST", true),
            ("ERROR", "error", false),
            ("ERROR ARGUMENTS", "[ERROR 419] MISSING ARGUMENTS", true),
            ("ERROR ARGUMENTS", "[ERROR 419] MISSING", false),
            ("?ERROR ?ARGUMENTS", "MISSING ARGUMENTS", true),
            ("?ERROR ?ARGUMENTS", "NOTHING", false),
            ("?ERROR ?ARGUMENTS REQUEST", "INFO REQUEST", true),
            ("?ERROR ?ARGUMENTS REQUEST", "ERROR", false),
            ("ERROR -EXITING", "ERROR again", true),
            ("ERROR -EXITING", "ERROR EXITING", false),
            ("\"INTERNAL SERVER\"", "INTERNAL SERVER ERROR", true),
            ("\"INTERNAL SERVER\"", "INTERNAL ERROR SERVER", false),
            ("{ $.eventType = \"UpdateTrail\" }", json, true),
            ("{ $.eventType = UpdateTrail }", json, true),
            ("{ $.eventType = \"Update*\" }", json, true),
            ("{ $.eventType != \"Update*\" }", json, false),
            ("{ $.sourceIPAddress != \"123.123.*\" }", json, true),
            ("{ $.arrayKey[0] = \"value\" }", json, true),
            ("{ $.arrayKey[*] = \"another value\" }", json, true),
            ("{ $.arrayKey = \"value\" }", json, false),
            ("{ $.objectList[1].id = 2 }", json, true),
            ("{ $.SomeObject IS NULL }", json, true),
            ("{ $.Other NOT EXISTS }", json, true),
            ("{ $.n NOT EXISTS }", json, false),
            ("{ $.flag IS TRUE }", json, true),
            ("{ $.flag IS FALSE }", json, false),
            ("{ $.n >= 5.5 && $.n < 1e3 }", json, true),
            ("{ ($.n > 6) || ($.flag IS TRUE && $.eventType = \"UpdateTrail\") }", json, true),
            ("{ $.['n'] = 5.5 }", json, true),
            ("{ $.n = 5.5 }", "not JSON", false),
            ("[ip, user, username, timestamp, request, status_code, bytes]", log, true),
            ("[ip, user, username, timestamp, request =*.html*, status_code = 4*, bytes > 1000]", log, true),
            ("[ip, user, username, timestamp, request, status_code = 5*, bytes]", log, false),
            ("[ip, ..., status_code = 404, bytes]", log, true),
            ("[ip, user]", log, false),
            ("[ip, user, username, timestamp, request, status_code = 404 || status_code = 410, bytes]", log, true),
            ("[w1 = ERROR, ...]", "ERROR 1 2", true),
        ] {
            assert_eq!(Pattern::parse(pattern).unwrap().fits(message), fits, "{pattern} on {message}");
        }
    }

    #[test]
    fn fields_are_taken_out() {
        let pattern = Pattern::parse("[a, ..., z]").unwrap();
        let found = pattern.extract("1 2 \"3 4\" 5").unwrap();
        let found: Vec<_> = found.iter().map(|(name, value)| (name.to_owned(), value.clone())).collect();
        let wanted = [("$a", "1"), ("$2", "2"), ("$3", "3 4"), ("$z", "5")];
        assert_eq!(found, wanted.map(|(name, value)| (name.to_owned(), value.to_owned())));
    }

    #[test]
    fn what_is_no_pattern_is_refused() {
        for pattern in [
            "{", "{}", "{ $.a }", "{ $.a = }", "{ a = 1 }", "{ $.a = 1 && }", "{ ($.a = 1 }", "[", "[]", "[a, ..., b, ...]",
            "[a > x]", "\"", "a.b", "{ $.a < \"x\" }",
        ] {
            assert!(Pattern::parse(pattern).is_err(), "{pattern}");
        }
        let deep = format!("{{ {}$.a = 1{} }}", "(".repeat(200), ")".repeat(200));
        assert!(Pattern::parse(&deep).is_err());
    }
}
