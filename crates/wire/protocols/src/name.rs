//! Member names as AWS prints them outside of messages.

use std::fmt::{self, Write as _};

/// A member's name with its first letter in lower case: `KeyId` as `keyId`, `AWSAccountId` as
/// `aWSAccountId`. Validation errors and CloudTrail use this form.
pub(crate) struct LowerCamel(pub(crate) &'static str);

impl fmt::Display for LowerCamel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (first, rest) = self.parts();
        first.map_or(Ok(()), |first| f.write_char(first))?;
        f.write_str(rest)
    }
}

impl LowerCamel {
    /// Appends it to a text.
    pub(crate) fn push(&self, out: &mut String) {
        let (first, rest) = self.parts();
        out.extend(first);
        out.push_str(rest);
    }

    fn parts(&self) -> (Option<char>, &'static str) {
        let mut letters = self.0.chars();
        (letters.next().map(|first| first.to_ascii_lowercase()), letters.as_str())
    }
}
