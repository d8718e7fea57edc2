//! From words to an expression.

use super::MathError;
use super::words::{Word, words};

/// Parts that an expression may have, and how deep they may go.
const MOST_PARTS: usize = 1_000;
const DEEPEST: usize = 64;

/// An expression, read.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Expression {
    Number(f64),
    Text(String),
    /// The id of a metric or of another expression.
    Id(String),
    /// A word that functions know: `REPEAT`, `ASC`.
    Keyword(String),
    Array(Vec<Self>),
    Negative(Box<Self>),
    Both(Box<Self>, Sign, Box<Self>),
    Call(String, Vec<Self>),
}

/// What two values meet in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sign {
    Add,
    Subtract,
    Multiply,
    Divide,
    Power,
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    And,
    Or,
}

/// Signs by how they bind, loosest first; names are given to them as to others.
const LEVELS: [&[(&str, Sign)]; 5] = [
    &[("||", Sign::Or), ("OR", Sign::Or)],
    &[("&&", Sign::And), ("AND", Sign::And)],
    &[
        ("==", Sign::Equal),
        ("!=", Sign::NotEqual),
        ("<=", Sign::LessOrEqual),
        (">=", Sign::GreaterOrEqual),
        ("<", Sign::Less),
        (">", Sign::Greater),
    ],
    &[("+", Sign::Add), ("-", Sign::Subtract)],
    &[("*", Sign::Multiply), ("/", Sign::Divide)],
];

impl Expression {
    pub(crate) fn parse(text: &str) -> Result<Self, MathError> {
        let words = words(text)?;
        let mut reader = Reader { words: &words, parts: 0, depth: 0 };
        let expression = reader.level(0)?;
        match reader.words.first() {
            None => Ok(expression),
            Some(word) => Err(unexpected(word)),
        }
    }

    /// The ids that it names.
    pub(crate) fn ids(&self) -> Vec<&str> {
        let mut ids = Vec::new();
        self.gather(&mut ids);
        ids
    }

    fn gather<'e>(&'e self, ids: &mut Vec<&'e str>) {
        match self {
            Self::Id(id) => ids.push(id),
            Self::Array(parts) | Self::Call(_, parts) => parts.iter().for_each(|part| part.gather(ids)),
            Self::Negative(part) => part.gather(ids),
            Self::Both(left, _, right) => {
                left.gather(ids);
                right.gather(ids);
            }
            Self::Number(_) | Self::Text(_) | Self::Keyword(_) => {}
        }
    }

    /// How many parts it has: what computing it costs, for each value of what it is computed over.
    pub(crate) fn parts(&self) -> usize {
        let inside = match self {
            Self::Array(parts) | Self::Call(_, parts) => parts.iter().map(Self::parts).sum(),
            Self::Negative(part) => part.parts(),
            Self::Both(left, _, right) => left.parts() + right.parts(),
            Self::Number(_) | Self::Text(_) | Self::Id(_) | Self::Keyword(_) => 0,
        };
        1 + inside
    }

    /// Whether it calls the function of that name.
    pub(crate) fn calls(&self, function: &str) -> bool {
        match self {
            Self::Call(name, parts) => name == function || parts.iter().any(|part| part.calls(function)),
            Self::Array(parts) => parts.iter().any(|part| part.calls(function)),
            Self::Negative(part) => part.calls(function),
            Self::Both(left, _, right) => left.calls(function) || right.calls(function),
            Self::Number(_) | Self::Text(_) | Self::Id(_) | Self::Keyword(_) => false,
        }
    }
}

fn unexpected(word: &Word) -> MathError {
    MathError::invalid(match word {
        Word::Number(number) => format!("unexpected {number}"),
        Word::Name(name) => format!("unexpected '{name}'"),
        Word::Text(text) => format!("unexpected \"{text}\""),
        Word::Sign(sign) => format!("unexpected '{sign}'"),
    })
}

struct Reader<'w> {
    words: &'w [Word],
    parts: usize,
    depth: usize,
}

impl<'w> Reader<'w> {
    fn next(&mut self) -> Option<&'w Word> {
        let (first, rest) = self.words.split_first()?;
        self.words = rest;
        Some(first)
    }

    fn next_is(&mut self, wanted: &str) -> bool {
        let is_it = matches!(self.words.first(), Some(Word::Sign(sign)) if *sign == wanted);
        if is_it {
            self.next();
        }
        is_it
    }

    fn expect(&mut self, wanted: &str) -> Result<(), MathError> {
        if self.next_is(wanted) {
            return Ok(());
        }
        Err(self
            .words
            .first()
            .map_or_else(|| MathError::invalid(format!("'{wanted}' is missing")), unexpected))
    }

    fn sign(&mut self, level: usize) -> Option<Sign> {
        let found = match self.words.first()? {
            Word::Sign(sign) => *sign,
            Word::Name(name) => name.as_str(),
            _ => return None,
        };
        let (_, sign) = LEVELS.get(level)?.iter().find(|(name, _)| *name == found)?;
        self.next();
        Some(*sign)
    }

    fn level(&mut self, level: usize) -> Result<Expression, MathError> {
        if level == LEVELS.len() {
            return self.power();
        }
        let mut left = self.level(level + 1)?;
        while let Some(sign) = self.sign(level) {
            self.count()?;
            left = Expression::Both(Box::new(left), sign, Box::new(self.level(level + 1)?));
        }
        Ok(left)
    }

    /// A power binds closer than a sign before it, and from the right.
    fn power(&mut self) -> Result<Expression, MathError> {
        self.depth += 1;
        if self.depth > DEEPEST {
            return Err(MathError::invalid(format!("it goes more than {DEEPEST} levels deep")));
        }
        let made = if self.next_is("-") {
            Expression::Negative(Box::new(self.power()?))
        } else {
            let base = self.part()?;
            if self.next_is("^") {
                Expression::Both(Box::new(base), Sign::Power, Box::new(self.power()?))
            } else {
                base
            }
        };
        self.depth -= 1;
        Ok(made)
    }

    fn count(&mut self) -> Result<(), MathError> {
        self.parts += 1;
        if self.parts > MOST_PARTS {
            return Err(MathError::invalid(format!("it has more than {MOST_PARTS} parts")));
        }
        Ok(())
    }

    fn part(&mut self) -> Result<Expression, MathError> {
        self.count()?;
        match self.next() {
            Some(Word::Number(number)) => Ok(Expression::Number(*number)),
            Some(Word::Text(text)) => Ok(Expression::Text(text.clone())),
            Some(Word::Sign("(")) => {
                let inner = self.level(0)?;
                self.expect(")")?;
                Ok(inner)
            }
            Some(Word::Sign("[")) => Ok(Expression::Array(self.list("]")?)),
            Some(Word::Name(name)) => {
                if self.next_is("(") {
                    return Ok(Expression::Call(name.clone(), self.list(")")?));
                }
                let is_id = name.starts_with(|first: char| first.is_ascii_lowercase());
                Ok(if is_id { Expression::Id(name.clone()) } else { Expression::Keyword(name.clone()) })
            }
            Some(word) => Err(unexpected(word)),
            None => Err(MathError::invalid("it ends too early")),
        }
    }

    fn list(&mut self, end: &str) -> Result<Vec<Expression>, MathError> {
        let mut parts = Vec::new();
        if self.next_is(end) {
            return Ok(parts);
        }
        loop {
            parts.push(self.level(0)?);
            if self.next_is(end) {
                return Ok(parts);
            }
            self.expect(",")?;
        }
    }
}
