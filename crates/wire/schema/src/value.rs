//! Values as codecs see them when they write, check or record a structure.

use crate::{Structure, Timestamp};

/// A borrowed view of one value.
#[derive(Clone, Copy)]
pub enum Value<'a> {
    /// `true` or `false`.
    Boolean(bool),
    /// Either integer kind.
    Integer(i64),
    /// A single-precision number: its shortest decimal form differs from the double's.
    Float(f32),
    /// A double-precision number.
    Double(f64),
    /// Text, enums included.
    String(&'a str),
    /// Bytes.
    Blob(&'a [u8]),
    /// A moment.
    Timestamp(Timestamp),
    /// A list.
    List(&'a dyn ListView),
    /// A map.
    Map(&'a dyn MapView),
    /// A structure or union.
    Structure(&'a dyn Structure),
}

/// A list whose items can be viewed by position.
pub trait ListView {
    /// The number of items.
    fn len(&self) -> usize;

    /// The item at `index`, which is below [`ListView::len`].
    fn item(&self, index: usize) -> Value<'_>;

    /// Whether there is no item.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// A map whose entries can be viewed by position, in the order of the wire.
pub trait MapView {
    /// The number of entries.
    fn len(&self) -> usize;

    /// The entry at `index`, which is below [`MapView::len`].
    fn entry(&self, index: usize) -> (&str, Value<'_>);

    /// Whether there is no entry.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }
}
