//! Where in a document something stands.

use std::fmt;

/// Bytes of the caller's text that an error repeats. The whole may be as long as the document.
const LONGEST_EXCERPT: usize = 64;

/// The way from the document to a value, as a chain on the stack: nothing is allocated until it is printed.
#[derive(Clone, Copy)]
pub(super) struct Path<'p> {
    parent: Option<&'p Path<'p>>,
    step: Step<'p>,
}

#[derive(Clone, Copy)]
enum Step<'p> {
    Document,
    Key(&'p str),
    /// Counted from 0.
    Item(usize),
}

impl<'p> Path<'p> {
    /// The document itself.
    pub(super) const DOCUMENT: Path<'static> = Path { parent: None, step: Step::Document };

    pub(super) fn key(&'p self, key: &'p str) -> Self {
        Self { parent: Some(self), step: Step::Key(key) }
    }

    /// The list item at `index`, counted from 0.
    pub(super) fn item(&'p self, index: usize) -> Self {
        Self { parent: Some(self), step: Step::Item(index) }
    }
}

/// For example `Statement[2].Condition.StringEquals`, and `document` for the whole.
impl fmt::Display for Path<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let parent = self.parent.filter(|parent| !matches!(parent.step, Step::Document));
        if let Some(parent) = parent {
            parent.fmt(f)?;
        }
        match self.step {
            Step::Document => f.write_str("document"),
            Step::Item(index) => write!(f, "[{index}]"),
            Step::Key(key) => write!(f, "{}{}", if parent.is_some() { "." } else { "" }, Excerpt(key)),
        }
    }
}

/// Prints the caller's text, cut where it gets too long.
pub(super) struct Excerpt<'t>(pub(super) &'t str);

impl fmt::Display for Excerpt<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(text) = self;
        match text.get(..text.floor_char_boundary(LONGEST_EXCERPT)) {
            Some(start) if start.len() < text.len() => write!(f, "{start}..."),
            _ => f.write_str(text),
        }
    }
}
