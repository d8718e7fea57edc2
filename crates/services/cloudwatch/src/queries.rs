//! The metrics and expressions of one request, or of one alarm: what ids in expressions stand for.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::domain::alarm::Query;
use crate::domain::math::{Budget, Expression, Labelled, MathError, Scope, Series, Value, compute};
use crate::domain::series::Span;

/// Queries, and the values of those that have been computed.
///
/// An expression is computed when those that it names have been, so that a stack goes as deep as one of them, however long
/// the chain is in which they name each other.
pub(crate) struct Queries<'q> {
    expressions: BTreeMap<&'q str, &'q str>,
    given: BTreeMap<String, Arc<Series>>,
    blank: Span,
    budget: Budget,
    known: RefCell<BTreeMap<String, Value>>,
}

/// An expression that is to be computed.
struct Pending {
    id: String,
    expression: Expression,
    /// What it names and has not been seen to.
    needs: Vec<String>,
}

impl<'q> Queries<'q> {
    /// Queries with the series of those that are metrics; `blank` are the periods of what has none of its own.
    pub(crate) fn new(queries: &'q [Query], given: BTreeMap<String, Arc<Series>>, blank: Span) -> Self {
        let expressions =
            queries.iter().filter_map(|query| Some((query.id.as_str(), query.expression.as_deref()?)));
        let (budget, known) = (Budget::default(), RefCell::default());
        Self { expressions: expressions.collect(), given, blank, budget, known }
    }

    /// The value of the query with that id.
    pub(crate) fn value_of(&self, id: &str) -> Result<Value, MathError> {
        let (mut path, mut on_path) = (Vec::new(), BTreeSet::new());
        let mut next = Some(id.to_owned());
        loop {
            if let Some(id) = next.take().filter(|id| !self.is_known(id)) {
                let pending = self.pending(&id)?;
                if !on_path.insert(id.clone()) {
                    return Err(MathError::Invalid(format!("{id} depends on itself")));
                }
                path.push(pending);
            }
            let Some(last) = path.last_mut() else { return self.value(id) };
            next = last.needs.pop();
            if next.is_none()
                && let Some(Pending { id, expression, .. }) = path.pop()
            {
                let value = compute(&expression, self)?;
                on_path.remove(&id);
                self.known.borrow_mut().insert(id, value);
            }
        }
    }

    fn is_known(&self, id: &str) -> bool {
        self.given.contains_key(id) || self.known.borrow().contains_key(id)
    }

    fn pending(&self, id: &str) -> Result<Pending, MathError> {
        let expression = Expression::parse(self.expressions.get(id).ok_or_else(|| unknown(id))?)?;
        let needs = expression.ids().into_iter().map(str::to_owned).collect();
        Ok(Pending { id: id.to_owned(), expression, needs })
    }
}

fn unknown(id: &str) -> MathError {
    MathError::Invalid(format!("there is no metric or expression with the id {id}"))
}

impl Scope for Queries<'_> {
    fn value(&self, id: &str) -> Result<Value, MathError> {
        if let Some(series) = self.given.get(id) {
            return Ok(Value::Series(series.clone()));
        }
        let known = self.known.borrow();
        let value = known.get(id).ok_or_else(|| unknown(id))?;
        if let Value::Array(all) = value {
            self.budget.spend(all.len())?;
        }
        Ok(value.clone())
    }

    fn budget(&self) -> &Budget {
        &self.budget
    }

    fn metrics(&self, containing: Option<&str>) -> Vec<Labelled> {
        self.given
            .iter()
            .filter(|(id, _)| containing.is_none_or(|text| id.contains(text)))
            .map(|(id, series)| Labelled { label: id.clone(), series: series.clone() })
            .collect()
    }

    fn blank(&self) -> Series {
        Series { span: self.blank, points: BTreeMap::new() }
    }
}
