//! What is wrong with a seed, each thing by its place in the file.

use std::fmt;

use strongroom_schema::{Bound, Kind};

use super::limits::Limit;

/// Findings that are told; of more, their number.
const MOST_TOLD: usize = 50;

/// The characters of a value that a finding repeats.
const MOST_REPEATED: usize = 80;

/// Everything that is wrong.
#[derive(Default)]
pub(super) struct Findings {
    told: Vec<String>,
    untold: usize,
}

impl Findings {
    /// Notes what is wrong at a place, and what to do about it.
    pub(super) fn add(&mut self, place: &str, what: impl fmt::Display) {
        if self.told.len() < MOST_TOLD {
            self.told.push(format!("{place}: {what}"));
        } else {
            self.untold += 1;
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.told.is_empty()
    }

    /// Checks a text against what the service's model says of the member of an operation's input.
    pub(super) fn check_text(&mut self, place: &str, of: Limit, text: &str) {
        let Some(schema) = of.schema() else { return };
        let constraints = &schema.constraints;
        let length = text.chars().map(char::len_utf16).sum::<usize>() as i64;
        let shown = Shown(text);
        if let Some(most) = constraints.max.map(Bound::as_i64).filter(|most| length > *most) {
            self.add(place, format_args!("{shown} has {length} characters; at most {most} are allowed"));
        } else if let Some(least) = constraints.min.map(Bound::as_i64).filter(|least| length < *least) {
            self.add(place, format_args!("{shown} has {length} characters; at least {least} are needed"));
        } else if let Some(pattern) = constraints.pattern.filter(|pattern| !pattern.matches(text)) {
            self.add(
                place,
                format_args!(
                    "{shown} has characters or a form that it must not have; it must match {}",
                    pattern.text()
                ),
            );
        } else if let Kind::Enum(values) = schema.kind
            && !values.contains(&text)
        {
            self.add(place, format_args!("{shown} is unknown; use one of {}", values.join(", ")));
        }
    }

    /// Checks a number in the same way.
    pub(super) fn check_number(&mut self, place: &str, of: Limit, number: i32) {
        let Some(constraints) = of.schema().map(|schema| &schema.constraints) else { return };
        let (least, most) = (constraints.min.map(Bound::as_i64), constraints.max.map(Bound::as_i64));
        let number = i64::from(number);
        if least.is_some_and(|least| number < least) || most.is_some_and(|most| number > most) {
            let (least, most) = (least.unwrap_or(i64::MIN), most.unwrap_or(i64::MAX));
            self.add(place, format_args!("{number} is out of range; use {least} to {most}"));
        }
    }
}

impl fmt::Display for Findings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for told in &self.told {
            write!(f, "\n  {told}")?;
        }
        if self.untold > 0 {
            write!(f, "\n  and {} more", self.untold)?;
        }
        Ok(())
    }
}

/// A text as a finding repeats it.
pub(super) struct Shown<'s>(pub(super) &'s str);

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let more = if self.0.chars().count() > MOST_REPEATED { "..." } else { "" };
        let start: String = self.0.chars().take(MOST_REPEATED).collect();
        write!(f, "{start:?}{more}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::seed::limits::{ACCESS_KEY_ID, KEY_SPEC, MAX_SESSION_DURATION, USER_NAME};

    #[test]
    fn a_finding_says_what_is_wrong_with_a_text() {
        let mut findings = Findings::default();
        findings.check_text("Name", USER_NAME, "alice");
        assert!(findings.is_empty(), "{findings}");
        findings.check_text("A", USER_NAME, &"a".repeat(65));
        findings.check_text("B", ACCESS_KEY_ID, "AKIA");
        findings.check_text("C", USER_NAME, "no spaces");
        findings.check_text("D", KEY_SPEC, "AES_256");
        findings.check_number("E", MAX_SESSION_DURATION, 60);
        let told = findings.to_string();
        for expected in [
            "has 65 characters; at most 64 are allowed",
            "B: \"AKIA\" has 4 characters; at least 16 are needed",
            "C: \"no spaces\" has characters or a form",
            "D: \"AES_256\" is unknown; use one of",
            "E: 60 is out of range; use 3600 to 43200",
        ] {
            assert!(told.contains(expected), "{expected} in {told}");
        }
    }
}
