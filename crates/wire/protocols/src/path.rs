//! Where in a message a value stands.

use std::fmt::{self, Write};

use crate::cut::Cut;
use crate::name::LowerCamel;

/// Bytes of a path's text. Map keys are the caller's, and may be long.
const LONGEST: usize = 1024;

/// The way from the message to a value, as a chain on the stack: nothing is allocated until it is printed.
#[derive(Clone, Copy)]
pub(crate) struct Path<'p> {
    parent: Option<&'p Path<'p>>,
    step: Step<'p>,
}

#[derive(Clone, Copy)]
enum Step<'p> {
    Root,
    Member(&'static str),
    /// Counted from 0.
    Item(usize),
    Key(&'p str),
}

impl<'p> Path<'p> {
    /// The message itself.
    pub(crate) const ROOT: Path<'static> = Path { parent: None, step: Step::Root };

    pub(crate) fn member(&'p self, name: &'static str) -> Self {
        Self { parent: Some(self), step: Step::Member(name) }
    }

    /// The list item at `index`, counted from 0.
    pub(crate) fn item(&'p self, index: usize) -> Self {
        Self { parent: Some(self), step: Step::Item(index) }
    }

    pub(crate) fn key(&'p self, key: &'p str) -> Self {
        Self { parent: Some(self), step: Step::Key(key) }
    }

    /// The path in words, cut where it gets too long.
    pub(crate) fn text(&self) -> String {
        let mut text = Cut::new(LONGEST);
        // Fails where the text is cut, which is fine.
        let _ = write!(text, "{self}");
        text.into_text()
    }

    fn is_root(&self) -> bool {
        matches!(self.step, Step::Root)
    }
}

/// AWS's notation: members in lower camel case, items counted from 1 (`tags.1.member.tagKey`), map values
/// under their key (`context.purpose.member`).
impl fmt::Display for Path<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(parent) = self.parent {
            parent.fmt(f)?;
            if !parent.is_root() {
                f.write_str(".")?;
            }
        }
        match self.step {
            Step::Root => Ok(()),
            Step::Member(name) => LowerCamel(name).fmt(f),
            Step::Item(index) => write!(f, "{}.member", index + 1),
            Step::Key(key) => write!(f, "{key}.member"),
        }
    }
}
