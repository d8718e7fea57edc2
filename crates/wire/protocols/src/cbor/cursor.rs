//! A position in a CBOR message, and the grammar of RFC 8949 around it.

use std::borrow::Cow;

use strongroom_schema::ReadError;

use crate::text::{self, Found};

/// A position in a CBOR message. Every method either moves over what it reads or fails; after a failure the position
/// means nothing.
pub(super) struct Cursor<'b> {
    rest: &'b [u8],
}

/// What a data item begins with.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Head {
    Unsigned(u64),
    /// Minus one, minus that.
    Negative(u64),
    Bytes(Length),
    Text(Length),
    Array(Length),
    Map(Length),
    Tag(u64),
    /// Truth values, null, undefined, and what nobody has given a meaning.
    Simple(u8),
    Float(f64),
    /// The end of something whose length was left open.
    Break,
}

/// How many bytes, items or entries there are.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Length {
    Said(u64),
    /// As many as come before a break.
    Open,
}

/// Simple values.
const FALSE: u8 = 20;
const TRUE: u8 = 21;
const NULL: u8 = 22;
const UNDEFINED: u8 = 23;

impl Head {
    /// The kind of the item, for those who want one kind.
    pub(super) fn found(self) -> Result<Found, ReadError> {
        Ok(match self {
            Self::Unsigned(_) | Self::Negative(_) | Self::Float(_) => Found::Number,
            Self::Bytes(_) => Found::Bytes,
            Self::Text(_) => Found::String,
            Self::Array(_) => Found::List,
            Self::Map(_) => Found::Structure,
            Self::Tag(_) => Found::Tag,
            Self::Simple(FALSE) => Found::False,
            Self::Simple(TRUE) => Found::True,
            Self::Simple(NULL | UNDEFINED) => Found::Null,
            Self::Simple(_) | Self::Break => return Err(unexpected()),
        })
    }

    /// The number of an integer, if an `i64` can hold it.
    pub(super) fn integer(self) -> Option<i64> {
        match self {
            Self::Unsigned(number) => i64::try_from(number).ok(),
            Self::Negative(number) => i64::try_from(number).ok().map(|number| -1 - number),
            _ => None,
        }
    }

    /// Any number as one of floating point.
    pub(super) fn number(self) -> Option<f64> {
        match self {
            Self::Unsigned(number) => Some(number as f64),
            Self::Negative(number) => Some(-1.0 - number as f64),
            Self::Float(number) => Some(number),
            _ => None,
        }
    }
}

impl<'b> Cursor<'b> {
    /// Stands before the first byte.
    pub(super) fn new(rest: &'b [u8]) -> Self {
        Self { rest }
    }

    /// Whether nothing is left.
    pub(super) fn is_at_end(&self) -> bool {
        self.rest.is_empty()
    }

    /// Whether null or undefined stands next; moves over it if so.
    pub(super) fn take_null(&mut self) -> bool {
        let null = matches!(self.rest.first(), Some(0xF6 | 0xF7));
        if null {
            self.rest = &self.rest[1..];
        }
        null
    }

    /// Moves over the head of an item.
    pub(super) fn head(&mut self) -> Result<Head, ReadError> {
        let first = self.bytes(1)?[0];
        let (major, minor) = (first >> 5, first & 0x1F);
        if major == 7 {
            return self.simple(minor);
        }
        let argument = match minor {
            0..24 => u64::from(minor),
            24..28 => self.argument(minor)?,
            31 if matches!(major, 2..=5) => {
                return Ok(with_length(major, Length::Open));
            }
            _ => return Err(unexpected()),
        };
        Ok(match major {
            0 => Head::Unsigned(argument),
            1 => Head::Negative(argument),
            6 => Head::Tag(argument),
            _ => with_length(major, Length::Said(argument)),
        })
    }

    /// The bytes of a string whose head is behind; its pieces have the major type of the whole. Borrowed if there is
    /// one piece.
    pub(super) fn string(&mut self, length: Length, is_text: bool) -> Result<Cow<'b, [u8]>, ReadError> {
        let Length::Said(length) = length else {
            let mut whole = Vec::new();
            loop {
                match (self.head()?, is_text) {
                    (Head::Break, _) => return Ok(Cow::Owned(whole)),
                    (Head::Text(Length::Said(length)), true) => {
                        let piece = self.bytes(length)?;
                        // Each piece has to be text by itself.
                        std::str::from_utf8(piece).map_err(|_| ReadError::new(text::NOT_UTF8))?;
                        whole.extend_from_slice(piece);
                    }
                    (Head::Bytes(Length::Said(length)), false) => {
                        whole.extend_from_slice(self.bytes(length)?);
                    }
                    _ => return Err(unexpected()),
                }
            }
        };
        Ok(Cow::Borrowed(self.bytes(length)?))
    }

    /// The text whose head is behind.
    pub(super) fn text(&mut self, length: Length) -> Result<Cow<'b, str>, ReadError> {
        let not_utf8 = || ReadError::new(text::NOT_UTF8);
        match self.string(length, true)? {
            Cow::Borrowed(bytes) => std::str::from_utf8(bytes).map(Cow::Borrowed).map_err(|_| not_utf8()),
            Cow::Owned(bytes) => String::from_utf8(bytes).map(Cow::Owned).map_err(|_| not_utf8()),
        }
    }

    /// Whether another item, or entry, comes of those whose length this is; counts it, or moves over the break.
    pub(super) fn more(&mut self, length: &mut Length) -> Result<bool, ReadError> {
        match length {
            Length::Said(0) => Ok(false),
            Length::Said(left) => {
                *left -= 1;
                Ok(true)
            }
            Length::Open if self.rest.first() == Some(&0xFF) => {
                self.rest = &self.rest[1..];
                Ok(false)
            }
            Length::Open if self.rest.is_empty() => Err(ReadError::new(text::UNEXPECTED_END)),
            Length::Open => Ok(true),
        }
    }

    /// Moves over one item of whatever kind that nests no deeper than `depth`.
    pub(super) fn skip(&mut self, depth: usize) -> Result<(), ReadError> {
        let mut head = self.head()?;
        while let Head::Tag(_) = head {
            head = self.head()?;
        }
        let deeper = || depth.checked_sub(1).ok_or_else(|| ReadError::new(text::TOO_DEEP));
        match head {
            Head::Bytes(length) => self.string(length, false).map(drop),
            Head::Text(length) => self.text(length).map(drop),
            Head::Array(mut length) => {
                let depth = deeper()?;
                while self.more(&mut length)? {
                    self.skip(depth)?;
                }
                Ok(())
            }
            Head::Map(mut length) => {
                let depth = deeper()?;
                while self.more(&mut length)? {
                    self.skip(depth)?;
                    self.skip(depth)?;
                }
                Ok(())
            }
            Head::Break => Err(unexpected()),
            _ => Ok(()),
        }
    }

    /// A truth value, null, a floating-point number, a break.
    fn simple(&mut self, minor: u8) -> Result<Head, ReadError> {
        Ok(match minor {
            0..24 => Head::Simple(minor),
            // Smaller ones have one spelling only, the short one.
            24 => match self.bytes(1)?[0] {
                value @ 32.. => Head::Simple(value),
                _ => return Err(unexpected()),
            },
            25 => Head::Float(half(self.argument(minor)? as u16)),
            26 => Head::Float(f64::from(f32::from_bits(self.argument(minor)? as u32))),
            27 => Head::Float(f64::from_bits(self.argument(minor)?)),
            31 => Head::Break,
            _ => return Err(unexpected()),
        })
    }

    /// The number in the one, two, four or eight bytes that `minor` (24 to 27) announces.
    fn argument(&mut self, minor: u8) -> Result<u64, ReadError> {
        let bytes = self.bytes(1 << (minor - 24))?;
        Ok(bytes.iter().fold(0, |number, byte| number << 8 | u64::from(*byte)))
    }

    fn bytes(&mut self, count: u64) -> Result<&'b [u8], ReadError> {
        let count = usize::try_from(count).ok();
        let split = count.and_then(|count| self.rest.split_at_checked(count));
        let (bytes, rest) = split.ok_or_else(|| ReadError::new(text::UNEXPECTED_END))?;
        self.rest = rest;
        Ok(bytes)
    }
}

fn with_length(major: u8, length: Length) -> Head {
    match major {
        2 => Head::Bytes(length),
        3 => Head::Text(length),
        4 => Head::Array(length),
        _ => Head::Map(length),
    }
}

/// A half-precision number, which Rust has no type for: RFC 8949, appendix D.
fn half(bits: u16) -> f64 {
    let (exponent, mantissa) = (i32::from(bits >> 10 & 0x1F), f64::from(bits & 0x3FF));
    let magnitude = match exponent {
        0 => mantissa * f64::exp2(-24.0),
        31 if mantissa == 0.0 => f64::INFINITY,
        31 => f64::NAN,
        _ => (mantissa + 1024.0) * f64::exp2(f64::from(exponent - 25)),
    };
    if bits & 0x8000 == 0 { magnitude } else { -magnitude }
}

fn unexpected() -> ReadError {
    ReadError::new(text::UNEXPECTED_ITEM)
}
