//! What goes into a statement's parameters.

/// The type of a column in the dialect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Type {
    /// `BIGINT`.
    I64,
    /// `DOUBLE PRECISION`.
    F64,
    /// `TEXT`.
    Text,
    /// `BYTEA`.
    Blob,
}

/// One value. Write `value.into()`; an `Option` becomes a NULL of the right type.
///
/// Two values are outside what both engines store: text with U+0000 (PostgreSQL has none) and NaN (SQLite
/// makes it NULL). A statement refuses them with [`StoreError::Misuse`](crate::StoreError::Misuse).
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// NULL, of the type that PostgreSQL wants to know.
    Null(Type),
    /// A whole number, a boolean as 0 or 1, or a time in milliseconds since 1970.
    I64(i64),
    /// A floating point number.
    F64(f64),
    /// Text.
    Text(String),
    /// Bytes.
    Blob(Vec<u8>),
}

/// A Rust type that is a column's type, so that `None` of it is a typed NULL.
pub trait Typed: Into<Value> {
    /// The column's type.
    const TYPE: Type;
}

macro_rules! column_types {
    ($($rust:ty => $variant:ident, |$value:ident| $convert:expr;)+) => {$(
        impl From<$rust> for Value {
            fn from($value: $rust) -> Self {
                Self::$variant($convert)
            }
        }

        impl Typed for $rust {
            const TYPE: Type = Type::$variant;
        }
    )+};
}

column_types! {
    i64 => I64, |value| value;
    i32 => I64, |value| value.into();
    u32 => I64, |value| value.into();
    bool => I64, |value| value.into();
    f64 => F64, |value| value;
    String => Text, |value| value;
    &String => Text, |value| value.clone();
    &str => Text, |value| value.to_owned();
    Vec<u8> => Blob, |value| value;
    &Vec<u8> => Blob, |value| value.clone();
    &[u8] => Blob, |value| value.to_vec();
}

impl<const N: usize> From<[u8; N]> for Value {
    fn from(value: [u8; N]) -> Self {
        Self::Blob(value.to_vec())
    }
}

impl<const N: usize> Typed for [u8; N] {
    const TYPE: Type = Type::Blob;
}

impl<const N: usize> From<&[u8; N]> for Value {
    fn from(value: &[u8; N]) -> Self {
        Self::Blob(value.to_vec())
    }
}

impl<const N: usize> Typed for &[u8; N] {
    const TYPE: Type = Type::Blob;
}

impl<T: Typed> From<Option<T>> for Value {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null(T::TYPE), Into::into)
    }
}
