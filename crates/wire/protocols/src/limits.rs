//! Bounds of what a reader accepts.

/// How deep and how wide a message may be. Its length is bounded before it gets here; these bound what
/// reading may cost beyond that, for a few bytes can stand for a large structure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Levels of lists, maps and structures, in the query protocol levels of a parameter's name. Also the
    /// bound of the readers' recursion.
    pub depth: usize,
    /// List items and map entries of the whole message, in the query protocol its parameters too.
    pub items: usize,
}

impl Default for Limits {
    /// Enough for every API that Strongroom serves.
    fn default() -> Self {
        Self { depth: 64, items: 100_000 }
    }
}
