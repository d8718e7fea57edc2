//! Member names as AWS prints them outside of messages.

use std::fmt;

/// A member's name with its first letter in lower case: `KeyId` as `keyId`, `AWSAccountId` as
/// `aWSAccountId`. Validation errors and CloudTrail use this form.
pub(crate) struct LowerCamel(pub(crate) &'static str);

impl fmt::Display for LowerCamel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut letters = self.0.chars();
        if let Some(first) = letters.next() {
            write!(f, "{}", first.to_ascii_lowercase())?;
        }
        f.write_str(letters.as_str())
    }
}
