//! Filter patterns (CloudWatch Logs User Guide, "Filter pattern syntax"): of terms, of JSON, of fields between spaces.

mod event;
mod fields;
mod json;
mod terms;
mod value;
mod work;

pub(crate) use self::event::Event;
use self::fields::Fields;
use self::json::{Json, Path};
use self::terms::Terms;
pub(crate) use self::work::{Spent, Work};
use crate::error::Refusal;

/// Characters of a pattern.
const LONGEST: usize = 1024;

/// Regular expressions in one pattern (Logs API Reference, PutMetricFilter).
const MOST_REGEXES: usize = 2;

/// A filter pattern.
#[derive(Clone, Debug)]
pub(crate) enum Pattern {
    /// Every event fits.
    Everything,
    Terms(Terms),
    Json(Json),
    Fields(Fields),
}

/// What names a value of an event that fits.
#[derive(Clone, Debug)]
pub(crate) enum Selector {
    /// `$.a.b` of a pattern of JSON.
    Member(Path),
    /// `$name` of a pattern of fields: the name.
    Field(String),
}

impl Pattern {
    /// Reads a pattern.
    pub(crate) fn parse(text: &str) -> Result<Self, Refusal> {
        if text.chars().count() > LONGEST {
            return Err(invalid());
        }
        let pattern = Self::of(text.trim())?;
        if pattern.regexes() > MOST_REGEXES {
            // Text: ours.
            let text = format!("Invalid filter pattern: more than {MOST_REGEXES} regular expressions");
            return Err(Refusal::invalid(text));
        }
        Ok(pattern)
    }

    fn of(text: &str) -> Result<Self, Refusal> {
        // Texts: answers of AWS quoted in public issue threads; that of a bracket after the other's.
        let unclosed = |open: char, close: char| {
            Refusal::invalid(format!("If a filter pattern starts with '{open}' it must end with '{close}'"))
        };
        if text.is_empty() {
            return Ok(Self::Everything);
        }
        if let Some(inner) = text.strip_prefix('{') {
            let inner = inner.strip_suffix('}').ok_or_else(|| unclosed('{', '}'))?;
            return Json::parse(inner).map(Self::Json);
        }
        if let Some(inner) = text.strip_prefix('[') {
            let inner = inner.strip_suffix(']').ok_or_else(|| unclosed('[', ']'))?;
            return Fields::parse(inner).map(Self::Fields);
        }
        Terms::parse(text).map(Self::Terms)
    }

    /// How many regular expressions it has.
    pub(crate) fn regexes(&self) -> usize {
        match self {
            Self::Everything => 0,
            Self::Terms(terms) => terms.regexes(),
            Self::Json(json) => json.regexes(),
            Self::Fields(fields) => fields.regexes(),
        }
    }

    /// Whether an event fits.
    pub(crate) fn fits(&self, event: &Event<'_>, work: &mut Work) -> Result<bool, Spent> {
        match self {
            Self::Everything => Ok(true),
            Self::Terms(terms) => terms.fit(event.message(), work),
            Self::Json(json) => event.json().map_or(Ok(false), |value| json.holds(value, work)),
            Self::Fields(fields) => fields.fit(event.words(), work),
        }
    }

    /// What a pattern of JSON or fields names of an event that fits, by the names.
    pub(crate) fn extract(&self, event: &Event<'_>, work: &mut Work) -> Result<Vec<(String, String)>, Spent> {
        match self {
            Self::Everything | Self::Terms(_) => Ok(Vec::new()),
            Self::Json(json) => event.json().map_or(Ok(Vec::new()), |value| json.extract(value, work)),
            Self::Fields(fields) => fields.extract(event.words(), work),
        }
    }

    /// Whether values of events can be named: dimensions need it.
    pub(crate) fn has_values(&self) -> bool {
        matches!(self, Self::Json(_) | Self::Fields(_))
    }

    /// Reads what names a value of events that fit; `None` if it names none.
    pub(crate) fn selector(&self, text: &str) -> Option<Selector> {
        match self {
            Self::Everything | Self::Terms(_) => None,
            Self::Json(_) => Path::parse(text).ok().map(Selector::Member),
            Self::Fields(fields) => {
                let name = text.strip_prefix('$')?;
                fields.has(name).then(|| Selector::Field(name.to_owned()))
            }
        }
    }

    /// The value that a selector names of an event that fits.
    pub(crate) fn select(
        &self,
        event: &Event<'_>,
        selector: &Selector,
        work: &mut Work,
    ) -> Result<Option<String>, Spent> {
        match (self, selector) {
            (Self::Json(_), Selector::Member(path)) => {
                event.json().map_or(Ok(None), |value| path.scalar(value, work))
            }
            (Self::Fields(fields), Selector::Field(name)) => fields.select(event.words(), name, work),
            _ => Ok(None),
        }
    }
}

/// Observed.
fn invalid() -> Refusal {
    Refusal::invalid("Invalid filter pattern")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn work() -> Work {
        Work::of(1 << 30)
    }

    fn fits(pattern: &str, message: &str) -> bool {
        Pattern::parse(pattern).unwrap().fits(&Event::new(message), &mut work()).unwrap()
    }

    #[test]
    fn events_fit_as_the_guide_says() {
        let json = r#"{"eventType":"UpdateTrail","sourceIPAddress":"111.111.111.111","arrayKey":["value","another value"],"objectList":[{"name":"a","id":1},{"name":"b","id":2}],"SomeObject":null,"flag":true,"n":5.5,"user.name":"x y"}"#;
        let log = r#"127.0.0.1 - frank [10/Oct/2000:13:25:15 -0700] "GET /index.html HTTP/1.0" 404 1534"#;
        for (pattern, message, wanted) in [
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
            ("\"a \\\"b\\\"\"", "a \"b\" c", true),
            ("%AUTHORIZED%", "UNAUTHORIZED", true),
            ("%[0-9]{3} [Ee]rror%", "500 Error", true),
            ("%^ERR.R$%", "an ERROR", false),
            ("ERROR -%40[0-4]%", "ERROR 404", false),
            ("%\\d\\s\\x28%", "1 (", true),
            ("{ $.eventType = \"UpdateTrail\" }", json, true),
            ("{ $.eventType = UpdateTrail }", json, true),
            ("{ $.eventType = \"Update*\" }", json, true),
            ("{ $.eventType != \"Update*\" }", json, false),
            ("{ $.sourceIPAddress != \"123.123.*\" }", json, true),
            ("{ $.sourceIPAddress = %111\\.\\d+\\.% }", json, true),
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
            ("{ $.n = * }", json, true),
            ("{ $.n = 5* }", json, true),
            ("{ $.n != 5.5 }", json, false),
            ("{ ($.n > 6) || ($.flag IS TRUE && $.eventType = \"UpdateTrail\") }", json, true),
            ("{ $.['n'] = 5.5 }", json, true),
            ("{ $.['user.name'] = \"x y\" }", json, true),
            ("{($.n=5.5)&&($.flag IS TRUE)}", json, true),
            ("{ $.n = 5.5 }", "not JSON", false),
            ("[ip, user, username, timestamp, request, status_code, bytes]", log, true),
            ("[ip, user, username, timestamp, request =*.html*, status_code = 4*, bytes > 1000]", log, true),
            ("[ip, user, username, timestamp, request, status_code = 5*, bytes]", log, false),
            ("[ip, user, username, timestamp, request=%\\.html %, status_code, bytes]", log, true),
            ("[ip, ..., status_code = 404, bytes]", log, true),
            ("[ip, user]", log, false),
            (
                "[ip, user, username, timestamp, request, status_code = 404 || status_code = 410, bytes]",
                log,
                true,
            ),
            ("[w1 = ERROR, ...]", "ERROR 1 2", true),
            ("[w1 = \"a, b\", w2]", "\"a, b\" c", true),
            ("[a = \"x||y\"]", "x||y", true),
            ("[a = \"x&&y\" || a = z, ...]", "z", true),
            ("[a = \"x\\\", y\", b]", "x z", false),
            ("[a = %x|y%, b = 5%]", "y 5%", true),
            ("[a = 5% || a = 6%]", "6%", true),
            ("{ $.n = 5.50 }", json, true),
            ("{ $.n = 10000000000000000 }", r#"{"n":10000000000000002}"#, false),
            ("{ $.n = 10000000000000001 }", r#"{"n":10000000000000000}"#, false),
            ("{ $.n != 12345678901234567 }", r#"{"n":12345678901234568}"#, true),
            ("{ $.n >= 10000000000000001 }", r#"{"n":10000000000000000}"#, false),
            ("[id > 10000000000000000]", "10000000000000001", true),
        ] {
            assert_eq!(fits(pattern, message), wanted, "{pattern} on {message}");
        }
    }

    /// The commands of the HSMs' audit log are lines, and terms are how they are found.
    #[test]
    fn lines_of_an_hsms_audit_log_fit_by_their_terms() {
        let text = "Opcode : CN_LOGIN (0xd)\nSession Handle : 0x1004001\nResponse : 163:HSM Error: RET_USER_LOGIN_FAILURE";
        assert!(fits("CN_LOGIN RET_USER_LOGIN_FAILURE", text));
        assert!(!fits("CN_LOGIN SUCCESS", text));
    }

    #[test]
    fn values_are_taken_out() {
        let taken = |pattern: &str, message: &str| {
            Pattern::parse(pattern).unwrap().extract(&Event::new(message), &mut work()).unwrap()
        };
        let owned = |pairs: &[(&str, &str)]| -> Vec<(String, String)> {
            pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
        };
        assert_eq!(
            taken("[a, ..., z]", "1 2 \"3 4\" 5"),
            owned(&[("$a", "1"), ("$2", "2"), ("$3", "3 4"), ("$z", "5")])
        );
        let json = r#"{"a":{"b":1.5},"c":"x","d":[1]}"#;
        assert_eq!(
            taken("{ $.a.b > 1 && ($.c = x || $.d = 1) }", json),
            owned(&[("$.a.b", "1.5"), ("$.c", "x")])
        );
    }

    #[test]
    fn selectors_name_values_of_events_that_fit() {
        let select = |pattern: &str, message: &str, selector: &str| {
            let pattern = Pattern::parse(pattern).unwrap();
            let selector = pattern.selector(selector)?;
            pattern.select(&Event::new(message), &selector, &mut work()).unwrap()
        };
        let some = |text: &str| Some(text.to_owned());
        assert_eq!(select("{ $.a = * }", r#"{"a":1,"b":{"c":"x"}}"#, "$.b.c"), some("x"));
        assert_eq!(select("{ $.a = * }", r#"{"a":1,"b":{"c":"x"}}"#, "$.b"), None);
        assert_eq!(select("[ip, ..., bytes]", "1 2 3 44", "$bytes"), some("44"));
        assert_eq!(select("[ip, ..., bytes]", "1 2 3 44", "$other"), None);
        assert_eq!(select("ERROR", "ERROR", "$.a"), None);
    }

    #[test]
    fn what_is_no_pattern_is_refused() {
        for pattern in [
            "{",
            "{}",
            "{ $.a }",
            "{ $.a = }",
            "{ a = 1 }",
            "{ $.a = 1 && }",
            "{ ($.a = 1 }",
            "[",
            "[]",
            "[a, ..., b, ...]",
            "[a > x]",
            "\"",
            "a.b",
            "{ $.a < \"x\" }",
            "%",
            "%a(b)%",
            "%[%",
            "%a% %b% %c%",
            "{ $.a = %b }",
            "[a, a",
            "%\\xZZ%",
            "%a{99999}%",
        ] {
            assert!(Pattern::parse(pattern).is_err(), "{pattern}");
        }
        let deep = format!("{{ {}$.a = 1{} }}", "(".repeat(200), ")".repeat(200));
        assert!(Pattern::parse(&deep).is_err());
        assert!(Pattern::parse(&"a".repeat(LONGEST + 1)).is_err());
    }

    /// What a pattern has to do is counted before it is done, and ends there.
    #[test]
    fn work_is_bounded() {
        let not_known = |pattern: &str, message: &str, units: u64| {
            let pattern = Pattern::parse(pattern).unwrap();
            let mut work = Work::of(units);
            let fits = pattern.fits(&Event::new(message), &mut work);
            assert_eq!(work.is_spent(), fits == Err(Spent));
            fits == Err(Spent)
        };
        let long = "a ".repeat(50_000);
        let none = "-xy ".repeat(250);
        assert!(not_known(&none, &long, 200 * 100_000), "each term is looked for in all of the event");
        assert!(!not_known(&none, &long, 251 * 100_010));
        let list = format!("[{}]", vec!["[0,1,2,3]"; 10_000].join(","));
        let conditions = vec!["$[*][*] = 9"; 60].join("||");
        assert!(not_known(&format!("{{ {conditions} }}"), &list, 50 * 40_000 * 32));
        assert!(not_known("[..., a = *b*]", &long, 100_000));
        let regex = "%a.{200}x%";
        assert!(
            not_known(regex, &long, 100_000 * 1_000),
            "a large expression follows many possibilities at once"
        );
        assert!(!not_known("%a[bc]+x%", &long, 100_000 * 20));
        assert!(!not_known(regex, "a short one", 1 << 20));
    }

    #[test]
    fn refusals_say_what_aws_says() {
        let text = |pattern: &str| match Pattern::parse(pattern) {
            Err(Refusal::Invalid(text)) => text,
            other => panic!("{other:?}"),
        };
        assert_eq!(text("a.b"), "Invalid character(s) in term 'a.b'");
        assert_eq!(text("{ $.a = 1"), "If a filter pattern starts with '{' it must end with '}'");
        assert_eq!(text("{ $.a }"), "Invalid filter pattern");
    }
}
