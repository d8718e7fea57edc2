//! Texts that stand where they are looked at. Most names of actions and condition keys are short; a decision compares
//! hundreds of them, and waiting for memory is most of what that takes.

use std::ops::Deref;

/// Bytes that stand in place.
const ROOM: usize = 22;

/// A text, in place if it is short.
#[derive(Clone, Debug)]
pub(super) enum ShortText {
    Short { length: u8, bytes: [u8; ROOM] },
    Long(Box<str>),
}

impl From<&str> for ShortText {
    fn from(text: &str) -> Self {
        let mut bytes = [0; ROOM];
        match (bytes.get_mut(..text.len()), u8::try_from(text.len())) {
            (Some(place), Ok(length)) => {
                place.copy_from_slice(text.as_bytes());
                Self::Short { length, bytes }
            }
            _ => Self::Long(text.into()),
        }
    }
}

impl Deref for ShortText {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        match self {
            Self::Short { length, bytes } => bytes.get(..usize::from(*length)).unwrap_or_default(),
            Self::Long(text) => text.as_bytes(),
        }
    }
}
