//! Patterns of JSON: conditions on members.

use serde_json::Value;

use super::invalid;
use super::value::{Comparison, Operator, quoted};
use super::work::{Spent, Work, all, any};
use crate::error::Refusal;

/// Parentheses within each other.
const DEEPEST: usize = 32;

/// The work that following a path has with one value.
const A_VALUE: u64 = 32;

/// A condition on an event.
#[derive(Clone, Debug)]
pub(crate) struct Json(Condition);

#[derive(Clone, Debug)]
enum Condition {
    All(Vec<Condition>),
    Any(Vec<Condition>),
    Of(Path, Test),
}

/// The way to a member, `$.a.b[0]`.
#[derive(Clone, Debug)]
pub(crate) struct Path {
    text: String,
    steps: Vec<Step>,
}

#[derive(Clone, Debug)]
enum Step {
    Member(String),
    EachMember,
    Item(usize),
    EachItem,
}

/// What is asked of what is there.
#[derive(Clone, Debug)]
enum Test {
    Compares(Comparison),
    Is(Value),
    IsNotThere,
}

impl Json {
    /// Reads what stands between the braces.
    pub(super) fn parse(text: &str) -> Result<Self, Refusal> {
        let mut reader = Reader { rest: text };
        let condition = reader.any(0)?;
        reader.skip();
        if reader.rest.is_empty() { Ok(Self(condition)) } else { Err(invalid()) }
    }

    pub(super) fn holds(&self, event: &Value, work: &mut Work) -> Result<bool, Spent> {
        self.0.holds(event, work)
    }

    pub(super) fn regexes(&self) -> usize {
        let is_regex = |(_, test): &(&Path, &Test)| matches!(test, Test::Compares(one) if one.is_regex());
        self.tests().into_iter().filter(is_regex).count()
    }

    /// The values that its conditions name, by how they name them.
    pub(super) fn extract(&self, event: &Value, work: &mut Work) -> Result<Vec<(String, String)>, Spent> {
        let mut found: Vec<(String, String)> = Vec::new();
        for (path, _) in self.tests() {
            if found.iter().all(|(known, _)| *known != path.text)
                && let Some(value) = path.scalar(event, work)?
            {
                found.push((path.text.clone(), value));
            }
        }
        Ok(found)
    }

    fn tests(&self) -> Vec<(&Path, &Test)> {
        let (mut tests, mut open) = (Vec::new(), vec![&self.0]);
        while let Some(condition) = open.pop() {
            match condition {
                Condition::All(inner) | Condition::Any(inner) => open.extend(inner.iter().rev()),
                Condition::Of(path, test) => tests.push((path, test)),
            }
        }
        tests
    }
}

impl Path {
    /// Reads a path and nothing else.
    pub(super) fn parse(text: &str) -> Result<Self, Refusal> {
        let mut reader = Reader { rest: text };
        let path = reader.path()?;
        if reader.rest.is_empty() { Ok(path) } else { Err(invalid()) }
    }

    /// The text, number or truth that it leads to first.
    pub(super) fn scalar(&self, event: &Value, work: &mut Work) -> Result<Option<String>, Spent> {
        let found = self.follow(event, work)?.into_iter().find_map(|value| match value {
            Value::String(text) => Some(text.clone()),
            Value::Number(number) => Some(number.to_string()),
            Value::Bool(flag) => Some(flag.to_string()),
            Value::Null | Value::Array(_) | Value::Object(_) => None,
        });
        Ok(found)
    }

    fn follow<'v>(&self, event: &'v Value, work: &mut Work) -> Result<Vec<&'v Value>, Spent> {
        let mut values = vec![event];
        for step in &self.steps {
            work.spend(values.len(), A_VALUE)?;
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
        work.spend(values.len(), A_VALUE)?;
        Ok(values)
    }
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
            Test::Compares(self.comparison(operator)?)
        };
        Ok(Condition::Of(path, test))
    }

    /// `$.a.b[0].*`, `$.['a.b']`.
    fn path(&mut self) -> Result<Path, Refusal> {
        self.skip();
        let whole = self.rest;
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
                let text = whole.strip_suffix(self.rest).unwrap_or(whole).to_owned();
                return if steps.is_empty() { Err(invalid()) } else { Ok(Path { text, steps }) };
            }
        }
    }

    /// A comparison with a text in quotes, a regular expression between percent signs, or what stands before a space, a
    /// parenthesis or an operator.
    fn comparison(&mut self, operator: Operator) -> Result<Comparison, Refusal> {
        self.skip();
        if let Some((text, after)) = quoted(self.rest)? {
            self.rest = after;
            return Comparison::of_text(operator, &text);
        }
        let is_end = |letter: char| letter.is_whitespace() || "()&|\"".contains(letter);
        let end = match self.rest.strip_prefix('%') {
            Some(regex) => regex.find('%').ok_or_else(invalid)? + 2,
            None => self.rest.find(is_end).unwrap_or(self.rest.len()),
        };
        let (text, after): (&'t str, &'t str) = self.rest.split_at_checked(end).ok_or_else(invalid)?;
        self.rest = after;
        Comparison::new(operator, text)
    }
}

impl Condition {
    fn holds(&self, event: &Value, work: &mut Work) -> Result<bool, Spent> {
        match self {
            Self::All(conditions) => all(conditions, |condition| condition.holds(event, work)),
            Self::Any(conditions) => any(conditions, |condition| condition.holds(event, work)),
            Self::Of(path, test) => {
                let found = path.follow(event, work)?;
                match test {
                    Test::IsNotThere => Ok(found.is_empty()),
                    Test::Is(wanted) => Ok(found.contains(&wanted)),
                    Test::Compares(comparison) => any(&found, |value| compares(comparison, value, work)),
                }
            }
        }
    }
}

/// Arrays and objects compare with nothing.
fn compares(comparison: &Comparison, value: &Value, work: &mut Work) -> Result<bool, Spent> {
    match value {
        Value::String(text) => comparison.holds_of_text(text, work),
        Value::Number(number) => comparison.holds_of_number(number, work),
        Value::Bool(flag) => comparison.holds_of_text(if *flag { "true" } else { "false" }, work),
        Value::Null | Value::Array(_) | Value::Object(_) => Ok(false),
    }
}
