//! Required members that a message did not have.

use crate::path::Path;

/// Paths kept of one message. A message that lacks more is refused all the same.
const MOST: usize = 64;

/// The required members that were absent or null in a message. A structure cannot tell, because it holds a
/// default in their place; [`crate::validate()`] reports them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Missing {
    paths: Vec<String>,
}

impl Missing {
    /// Whether nothing is missing.
    pub fn is_empty(&self) -> bool {
        self.paths.is_empty()
    }

    /// The paths in AWS's notation, for example `tags.1.member.tagKey`.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.paths.iter().map(String::as_str)
    }

    pub(crate) fn note(&mut self, path: &Path<'_>) {
        if self.paths.len() < MOST {
            self.paths.push(path.text());
        }
    }

    pub(crate) fn contains(&self, path: &Path<'_>) -> bool {
        if self.is_empty() {
            return false;
        }
        let path = path.text();
        self.paths.contains(&path)
    }
}
