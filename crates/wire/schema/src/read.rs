//! Reading: what a codec offers to the type that it fills.

use crate::{Structure, Timestamp};

/// A value that did not have the form that its shape demands, or a message that is no message.
///
/// The text is what AWS's own deserialisers answer (code `SerializationException` in the JSON protocols,
/// `MalformedInput` in the query ones), without any echo of the value.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct ReadError {
    message: String,
}

impl ReadError {
    /// An error with that text.
    pub fn new(message: impl Into<String>) -> Self {
        Self { message: message.into() }
    }

    /// The text.
    pub fn message(&self) -> &str {
        &self.message
    }
}

/// One value of a message, positioned by the codec; reading it consumes it. Exactly one method is called,
/// once, by the type that the codec fills.
///
/// A codec knows the schema of the value it stands at, so the type needs to say nothing but its own kind.
pub trait Reader {
    /// Reads `true` or `false`.
    fn boolean(&mut self) -> Result<bool, ReadError>;

    /// Reads a 32-bit integer.
    fn integer(&mut self) -> Result<i32, ReadError>;

    /// Reads a 64-bit integer.
    fn long(&mut self) -> Result<i64, ReadError>;

    /// Reads a floating-point number of either kind.
    fn double(&mut self) -> Result<f64, ReadError>;

    /// Reads text.
    fn string(&mut self) -> Result<String, ReadError>;

    /// Reads bytes.
    fn blob(&mut self) -> Result<Vec<u8>, ReadError>;

    /// Reads a moment in the format that the schema and the protocol prescribe.
    fn timestamp(&mut self) -> Result<Timestamp, ReadError>;

    /// Reads a list: `item` is called for each item with a reader that stands at it.
    fn list(
        &mut self,
        item: &mut dyn FnMut(&mut dyn Reader) -> Result<(), ReadError>,
    ) -> Result<(), ReadError>;

    /// Reads a map: `entry` is called for each entry with its key and a reader that stands at its value.
    fn map(
        &mut self,
        entry: &mut dyn FnMut(String, &mut dyn Reader) -> Result<(), ReadError>,
    ) -> Result<(), ReadError>;

    /// Reads the members of a structure through [`Structure::read_member`]. Members that the schema does
    /// not have are passed over; a required member that is absent is noted by the codec, for validation.
    fn structure(&mut self, structure: &mut dyn Structure) -> Result<(), ReadError>;
}
