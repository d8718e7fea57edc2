//! Tables of AWS's rules, as text: every case stands under the page that states its rule.
//!
//! A line that starts with `#` names a page and holds for all that follows. A line at the margin is what the
//! indented cases below it are about; each case ends with what it comes to, after `->`.

mod conditions;
mod evaluation;
mod matching;
mod principals;
mod sessions;
mod texts;

use strongroom_policy::document::{Document, Kind};
use strongroom_policy::{ContextKeys, Policy, Values};

pub(crate) const ACCOUNT: &str = "111122223333";

/// The cases that there must be at least, in all tables together.
const AT_LEAST: usize = 600;

/// One case of a table.
pub(crate) struct Case {
    pub(crate) page: &'static str,
    pub(crate) about: &'static str,
    pub(crate) given: &'static str,
    pub(crate) result: &'static str,
}

impl Case {
    #[track_caller]
    pub(crate) fn expect(&self, found: &str) {
        let Self { page, about, given, result } = self;
        assert_eq!(found, *result, "\n  {about}\n    {given}\n  after {page}");
    }
}

/// Reads a table.
pub(crate) fn cases(table: &'static str) -> Vec<Case> {
    let (mut page, mut about) = ("", "");
    let mut cases = Vec::new();
    for line in table.lines().filter(|line| !line.trim().is_empty()) {
        if let Some(named) = line.strip_prefix("# ") {
            page = named.trim();
            continue;
        }
        if !line.starts_with(' ') {
            about = line.trim();
            continue;
        }
        assert!(page.starts_with("IAM ") || page.starts_with("KMS "), "no page above {line}");
        let (given, result) = line.rsplit_once(" -> ").unwrap_or_else(|| panic!("no result in {line}"));
        cases.push(Case { page, about, given: given.trim(), result: result.trim() });
    }
    cases
}

/// Condition keys as a table states them: `s3:prefix=home; aws:TagKeys=[a, b]`, or `nothing`.
pub(crate) struct Stated(Vec<(String, Vec<String>, bool)>);

impl Stated {
    pub(crate) fn parse(text: &str) -> Self {
        if text == "nothing" {
            return Self(Vec::new());
        }
        let key = |part: &str| {
            let (key, value) = part.split_once('=').unwrap_or_else(|| panic!("no value in {part}"));
            let is_list = value.starts_with('[');
            (key.trim().to_ascii_lowercase(), list(value), is_list)
        };
        Self(text.split("; ").map(key).collect())
    }
}

impl ContextKeys for Stated {
    fn values(&self, key: &str) -> Option<Values<'_>> {
        let (_, values, is_list) = self.0.iter().find(|(name, ..)| name == key)?;
        Some(match values.as_slice() {
            [value] if !is_list => Values::text(value.as_str()),
            values => Values::texts(values.iter().map(String::as_str)),
        })
    }
}

/// `[a, b]`, or one value.
pub(crate) fn list(text: &str) -> Vec<String> {
    let Some(inner) = text.strip_prefix('[').and_then(|text| text.strip_suffix(']')) else {
        return vec![text.to_owned()];
    };
    inner.split(", ").filter(|value| !value.is_empty()).map(str::to_owned).collect()
}

pub(crate) fn policy(name: &str, text: &str, kind: Kind) -> Policy {
    let document = Document::parse(text, kind).unwrap_or_else(|error| panic!("{error}: {text}"));
    Policy::new(name, &document)
}

#[test]
fn there_are_cases_enough() {
    let tables = [
        conditions::TABLES,
        evaluation::TABLES,
        matching::TABLES,
        principals::TABLES,
        sessions::TABLES,
        texts::TABLES,
    ];
    let count: usize = tables.iter().copied().flatten().map(|table| cases(table).len()).sum();
    assert!(count >= AT_LEAST, "{count} cases");
}
