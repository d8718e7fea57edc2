//! Patterns of terms: texts that an event contains, or does not.

use super::invalid;
use super::value::{Regex, quoted};
use super::work::{Spent, Work, all, any};
use crate::error::Refusal;

/// Terms. Where one must be there, those of which any would do are passed over, as AWS does.
#[derive(Clone, Debug, Default)]
pub(crate) struct Terms {
    all: Vec<Term>,
    any: Vec<Term>,
    none: Vec<Term>,
}

#[derive(Clone, Debug)]
enum Term {
    Text(String),
    Regex(Regex),
}

impl Terms {
    pub(super) fn parse(text: &str) -> Result<Self, Refusal> {
        let mut terms = Self::default();
        let mut rest = text.trim_start();
        while let Some(first) = rest.chars().next() {
            let (list, after) = match first {
                '?' => (&mut terms.any, rest.get(1..).unwrap_or_default()),
                '-' => (&mut terms.none, rest.get(1..).unwrap_or_default()),
                _ => (&mut terms.all, rest),
            };
            let (term, after) = term(after)?;
            list.push(term);
            rest = after.trim_start();
        }
        Ok(terms)
    }

    pub(super) fn regexes(&self) -> usize {
        let all = self.all.iter().chain(&self.any).chain(&self.none);
        all.filter(|term| matches!(term, Term::Regex(_))).count()
    }

    pub(super) fn fit(&self, message: &str, work: &mut Work) -> Result<bool, Spent> {
        let mut is_in = |term: &Term| term.is_in(message, work);
        let has_wanted = if self.all.is_empty() && !self.any.is_empty() {
            any(&self.any, &mut is_in)?
        } else {
            all(&self.all, &mut is_in)?
        };
        Ok(has_wanted && !any(&self.none, is_in)?)
    }
}

impl Term {
    fn is_in(&self, message: &str, work: &mut Work) -> Result<bool, Spent> {
        match self {
            Self::Text(text) => {
                work.spend(message.len().saturating_add(text.len()), 1)?;
                Ok(message.contains(text.as_str()))
            }
            Self::Regex(regex) => regex.is_in(message, work),
        }
    }
}

/// A term and what follows: in quotes, between percent signs, or of letters, digits and underscores.
fn term(text: &str) -> Result<(Term, &str), Refusal> {
    if let Some((term, after)) = quoted(text)? {
        return Ok((Term::Text(term), after));
    }
    if let Some(after) = text.strip_prefix('%') {
        let (regex, after) = after.split_once('%').ok_or_else(invalid)?;
        return Ok((Term::Regex(Regex::parse(regex)?), after));
    }
    let end = text.find(char::is_whitespace).unwrap_or(text.len());
    let (term, after) = text.split_at_checked(end).ok_or_else(invalid)?;
    let is_plain = !term.is_empty() && term.chars().all(|letter| letter.is_alphanumeric() || letter == '_');
    if is_plain {
        return Ok((Term::Text(term.to_owned()), after));
    }
    // Text: answers of AWS quoted in public issue threads.
    Err(Refusal::invalid(format!("Invalid character(s) in term '{term}'")))
}
