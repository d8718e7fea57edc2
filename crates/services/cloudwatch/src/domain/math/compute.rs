//! The value of an expression.

use super::functions;
use super::parse::{Expression, Sign};
use super::value::{Labelled, Value};
use super::{Budget, MathError};

/// What an expression is computed over.
pub(crate) trait Scope {
    /// What an id stands for.
    fn value(&self, id: &str) -> Result<Value, MathError>;

    /// What computing may still cost.
    fn budget(&self) -> &Budget;

    /// The metrics of the request, of those whose ids contain a text if there is one.
    fn metrics(&self, containing: Option<&str>) -> Vec<Labelled>;

    /// A series without values, of the periods that stand for all: where a number is to become a series.
    fn blank(&self) -> super::Series;
}

/// Computes an expression.
pub(crate) fn compute(expression: &Expression, scope: &impl Scope) -> Result<Value, MathError> {
    scope.budget().spend(1)?;
    match expression {
        Expression::Number(number) => Ok(Value::Number(*number)),
        Expression::Text(text) => Err(MathError::invalid(format!("unexpected \"{text}\""))),
        Expression::Keyword(word) => Err(MathError::invalid(format!("unexpected '{word}'"))),
        Expression::Id(id) => scope.value(id),
        Expression::Array(parts) => array(parts, scope).map(Value::Array),
        Expression::Negative(part) => compute(part, scope)?.map(scope.budget(), &|_, number| Some(-number)),
        Expression::Both(..) => chain(expression, scope),
        Expression::Call(name, arguments) => functions::call(name, arguments, scope),
    }
}

/// `a + b - c`, which leans to the left: it is gone along, not down, so that a long one needs no deep stack.
fn chain(expression: &Expression, scope: &impl Scope) -> Result<Value, MathError> {
    let (mut first, mut others) = (expression, Vec::new());
    while let Expression::Both(left, sign, right) = first {
        others.push((*sign, right));
        first = left;
    }
    let mut value = compute(first, scope)?;
    for (sign, right) in others.into_iter().rev() {
        let right = compute(right, scope)?;
        value = value.with(right, scope.budget(), &|left, right| meet(sign, left, right))?;
    }
    Ok(value)
}

/// `[m1, m2]`: of series only. Arrays in arrays would multiply.
fn array(parts: &[Expression], scope: &impl Scope) -> Result<Vec<Labelled>, MathError> {
    let mut all = Vec::new();
    for part in parts {
        let label = if let Expression::Id(id) = part { id.clone() } else { String::new() };
        match compute(part, scope)? {
            Value::Series(series) => all.push(Labelled { label, series }),
            Value::Array(_) => return Err(MathError::invalid("an array cannot be in an array")),
            Value::Number(_) => return Err(MathError::invalid("a time series is expected, not a number")),
        }
    }
    Ok(all)
}

/// Comparisons give 1 or 0. What has no result becomes no number, and is left out.
fn meet(sign: Sign, left: f64, right: f64) -> f64 {
    let truth = f64::from;
    match sign {
        Sign::Add => left + right,
        Sign::Subtract => left - right,
        Sign::Multiply => left * right,
        Sign::Divide if right == 0.0 => f64::NAN,
        Sign::Divide => left / right,
        Sign::Power => left.powf(right),
        #[expect(clippy::float_cmp, reason = "whether two numbers are equal is what was asked")]
        Sign::Equal => truth(left == right),
        #[expect(clippy::float_cmp, reason = "whether two numbers are equal is what was asked")]
        Sign::NotEqual => truth(left != right),
        Sign::Less => truth(left < right),
        Sign::LessOrEqual => truth(left <= right),
        Sign::Greater => truth(left > right),
        Sign::GreaterOrEqual => truth(left >= right),
        Sign::And => truth(left != 0.0 && right != 0.0),
        Sign::Or => truth(left != 0.0 || right != 0.0),
    }
}
