//! Metric math (CloudWatch User Guide, "Using math expressions with CloudWatch metrics").
//!
//! An expression is read into an [`Expression`] and computed over what the ids in it stand for. A value is a number, a
//! series, or an array of series.

mod budget;
mod compute;
mod functions;
mod parse;
mod value;
mod words;

pub(crate) use budget::Budget;
pub(crate) use compute::{Scope, compute};
pub(crate) use parse::Expression;
pub(crate) use value::{Labelled, Series, Value};

/// Why an expression has no value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum MathError {
    /// It is wrong; the text goes on after "Error in expression 'e1': ".
    Invalid(String),
    /// A function of AWS's that is not here.
    NotYet(String),
    /// It takes more computing than one request may have.
    TooMuch,
}

impl MathError {
    fn invalid(text: impl Into<String>) -> Self {
        Self::Invalid(text.into())
    }
}

#[cfg(test)]
mod tests;
