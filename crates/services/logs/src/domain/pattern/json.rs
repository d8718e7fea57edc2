//! Patterns of JSON: conditions on members.

use serde_json::Value;

use super::invalid;
use super::value::{Comparison, Operator};
use crate::error::Refusal;

/// Parentheses within each other.
const DEEPEST: usize = 32;

/// A condition on an event.
#[derive(Clone, Debug)]
pub(crate) enum Condition {
    All(Vec<Condition>),
    Any(Vec<Condition>),
    Of(Vec<Step>, Test),
}

/// A step on the way to a member.
#[derive(Clone, Debug)]
pub(crate) enum Step {
    Member(String),
    EachMember,
    Item(usize),
    EachItem,
}

/// What is asked of what is there.
#[derive(Clone, Debug)]
pub(crate) enum Test {
    Compares(Comparison),
    Is(Value),
    IsNotThere,
}

/// Reads what stands between the braces.
pub(super) fn parse(text: &str) -> Result<Condition, Refusal> {
    let mut reader = Reader { rest: text };
    let condition = reader.any(0)?;
    reader.skip();
    if reader.rest.is_empty() { Ok(condition) } else { Err(invalid()) }
}

struct Reader<'t> {
    rest: &'t str,
}

impl<'t> Reader<'t> {
    fn skip(&mut self) {
        self.rest = self.rest.trim_start();
    }

    fn takes(&mut self, token: &str) -> bool {
        self.skip();
        match self.rest.strip_prefix(token) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }

    /// Takes words in capitals, with spaces between them.
    fn takes_words(&mut self, words: &[&str]) -> bool {
        let mut rest = self.rest.trim_start();
        for word in words {
            let Some(after) = rest.strip_prefix(word) else { return false };
            rest = after.trim_start();
        }
        self.rest = rest;
        true
    }

    fn any(&mut self, depth: usize) -> Result<Condition, Refusal> {
        let mut conditions = vec![self.all(depth)?];
        while self.takes("||") {
            conditions.push(self.all(depth)?);
        }
        Ok(Condition::Any(conditions))
    }

    fn all(&mut self, depth: usize) -> Result<Condition, Refusal> {
        let mut conditions = vec![self.one(depth)?];
        while self.takes("&&") {
            conditions.push(self.one(depth)?);
        }
        Ok(Condition::All(conditions))
    }

    fn one(&mut self, depth: usize) -> Result<Condition, Refusal> {
        if depth > DEEPEST {
            return Err(invalid());
        }
        if self.takes("(") {
            let inner = self.any(depth + 1)?;
            return if self.takes(")") { Ok(inner) } else { Err(invalid()) };
        }
        let path = self.path()?;
        let test = if self.takes_words(&["IS", "NULL"]) {
            Test::Is(Value::Null)
        } else if self.takes_words(&["IS", "TRUE"]) {
            Test::Is(Value::Bool(true))
        } else if self.takes_words(&["IS", "FALSE"]) {
            Test::Is(Value::Bool(false))
        } else if self.takes_words(&["NOT", "EXISTS"]) {
            Test::IsNotThere
        } else {
            self.skip();
            let (operator, rest) = Operator::split(self.rest).ok_or_else(invalid)?;
            self.rest = rest;
            let (text, is_quoted) = self.value()?;
            Test::Compares(Comparison::new(operator, &text, is_quoted)?)
        };
        Ok(Condition::Of(path, test))
    }

    /// `$.a.b[0].*`, `$.['a.b']`.
    fn path(&mut self) -> Result<Vec<Step>, Refusal> {
        if !self.takes("$") {
            return Err(invalid());
        }
        let mut steps = Vec::new();
        loop {
            if let Some(rest) = self.rest.strip_prefix(".[").or_else(|| self.rest.strip_prefix('[')) {
                let (inner, after) = rest.split_once(']').ok_or_else(invalid)?;
                self.rest = after;
                let quoted = inner.strip_prefix('\'').and_then(|inner| inner.strip_suffix('\''));
                steps.push(match (quoted, inner) {
                    (Some(name), _) if !name.is_empty() => Step::Member(name.to_owned()),
                    (None, "*") => Step::EachItem,
                    (None, number) => Step::Item(number.parse().map_err(|_| invalid())?),
                    _ => return Err(invalid()),
                });
            } else if let Some(rest) = self.rest.strip_prefix('.') {
                let is_name = |letter: char| letter.is_alphanumeric() || "_-@*".contains(letter);
                let end = rest.find(|letter| !is_name(letter)).unwrap_or(rest.len());
                let (name, after) = rest.split_at_checked(end).ok_or_else(invalid)?;
                self.rest = after;
                steps.push(match name {
                    "" => return Err(invalid()),
                    "*" => Step::EachMember,
                    name => Step::Member(name.to_owned()),
                });
            } else {
                return if steps.is_empty() { Err(invalid()) } else { Ok(steps) };
            }
        }
    }

    /// A text in quotes, or what stands before a space, a parenthesis or an operator.
    fn value(&mut self) -> Result<(String, bool), Refusal> {
        self.skip();
        if let Some(rest) = self.rest.strip_prefix('"') {
            let (text, after) = rest.split_once('"').ok_or_else(invalid)?;
            self.rest = after;
            return Ok((text.to_owned(), true));
        }
        let is_end = |letter: char| letter.is_whitespace() || "()&|\"".contains(letter);
        let end = self.rest.find(is_end).unwrap_or(self.rest.len());
        let (text, after): (&'t str, &'t str) = self.rest.split_at_checked(end).ok_or_else(invalid)?;
        self.rest = after;
        Ok((text.to_owned(), false))
    }
}

impl Condition {
    pub(super) fn holds(&self, event: &Value) -> bool {
        match self {
            Self::All(conditions) => conditions.iter().all(|condition| condition.holds(event)),
            Self::Any(conditions) => conditions.iter().any(|condition| condition.holds(event)),
            Self::Of(path, test) => {
                let found = follow(vec![event], path);
                match test {
                    Test::IsNotThere => found.is_empty(),
                    Test::Is(wanted) => found.iter().any(|value| *value == wanted),
                    Test::Compares(comparison) => found.iter().any(|value| compares(comparison, value)),
                }
            }
        }
    }
}

/// Arrays and objects compare with nothing.
fn compares(comparison: &Comparison, value: &Value) -> bool {
    match value {
        Value::String(text) => comparison.holds_of_text(text),
        Value::Number(number) => number.as_f64().is_some_and(|number| comparison.holds_of_number(number)),
        Value::Bool(flag) => comparison.holds_of_text(if *flag { "true" } else { "false" }),
        Value::Null | Value::Array(_) | Value::Object(_) => false,
    }
}

fn follow<'v>(mut values: Vec<&'v Value>, path: &[Step]) -> Vec<&'v Value> {
    for step in path {
        values = values
            .into_iter()
            .flat_map(|value| match (step, value) {
                (Step::Member(name), Value::Object(members)) => members.get(name).into_iter().collect(),
                (Step::EachMember, Value::Object(members)) => members.values().collect(),
                (Step::Item(at), Value::Array(items)) => items.get(*at).into_iter().collect(),
                (Step::EachItem | Step::EachMember, Value::Array(items)) => items.iter().collect(),
                _ => Vec::new(),
            })
            .collect();
    }
    values
}
