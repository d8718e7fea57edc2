//! The parameters of a query string.

use super::{Fault, percent};

/// As many parameters as a signature may cover; see `strongroom-sigv4`.
const MOST: usize = 512;

/// The parameters in their order, decoded. A name without `=` has no value, which is not the same as an empty one to
/// nobody but records.
#[derive(Debug, Default)]
pub(super) struct Parameters(Vec<(String, String)>);

impl Parameters {
    pub(super) fn parse(query: &str) -> Result<Self, Fault> {
        let pieces = query.split('&').filter(|piece| !piece.is_empty());
        if pieces.clone().count() > MOST {
            return Err(Fault::uri());
        }
        let decoded = pieces.map(|piece| {
            let (name, value) = piece.split_once('=').unwrap_or((piece, ""));
            Ok((percent::of_query(name)?, percent::of_query(value)?))
        });
        decoded.collect::<Result<_, _>>().map(Self)
    }

    /// The value of the parameter of that name. One that comes twice has none: two readers could see two values.
    pub(super) fn get(&self, name: &str) -> Result<Option<&str>, Fault> {
        let mut values = self.0.iter().filter(|(known, _)| known == name).map(|(_, value)| value.as_str());
        let value = values.next();
        match values.next() {
            None => Ok(value),
            Some(second) => Err(Fault::argument(name, second, "The parameter is given more than once.")),
        }
    }

    /// Whether there is a parameter of that name.
    pub(super) fn has(&self, name: &str) -> bool {
        self.0.iter().any(|(known, _)| known == name)
    }

    /// Names and values, in their order.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// The names, in their order.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.iter().map(|(name, _)| name)
    }
}
