//! Policy documents as IAM keeps and shows them.

use std::fmt::Write as _;

use strongroom_policy::document::{Document, Kind};

use crate::error::Refusal;

/// The characters of a managed policy, whitespace left out (IAM User Guide, "IAM and STS quotas").
pub(crate) const MOST_OF_MANAGED: usize = 6144;

/// Reads an inline policy.
pub(crate) fn check_inline(text: &str) -> Result<(), Refusal> {
    Document::parse(text, Kind::Identity)?;
    Ok(())
}

/// Reads a managed policy.
pub(crate) fn check_managed(text: &str) -> Result<(), Refusal> {
    Document::parse(text, Kind::Managed)?;
    if length(text) > MOST_OF_MANAGED {
        return Err(Refusal::quota("PolicySize", MOST_OF_MANAGED));
    }
    Ok(())
}

/// What of a text may be whitespace without counting: three quarters. AWS names no such bound; without one, quotas would
/// not bound what is kept.
const FREE_FACTOR: usize = 4;

/// The length that counts for quotas: that without whitespace, and a quarter of the bytes at least.
pub(crate) fn length(text: &str) -> usize {
    let visible = text.chars().filter(|character| !character.is_ascii_whitespace()).count();
    visible.max(text.len().div_ceil(FREE_FACTOR))
}

/// The same JSON without whitespace between its tokens.
pub(crate) fn compact(text: &str) -> String {
    let (mut is_string, mut is_escaped) = (false, false);
    let is_kept = |character: &char| {
        if is_string {
            match character {
                _ if is_escaped => is_escaped = false,
                '\\' => is_escaped = true,
                '"' => is_string = false,
                _ => {}
            }
            return true;
        }
        is_string = *character == '"';
        !character.is_ascii_whitespace()
    };
    text.chars().filter(is_kept).collect()
}

/// A document as answers carry it: URL-encoded (RFC 3986).
pub(crate) fn encoded(text: &str) -> String {
    let mut out = String::with_capacity(text.len() * 2);
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            // Writing to a string does not fail.
            write!(out, "%{byte:02X}").unwrap_or_default();
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn documents_are_encoded_as_urls_are() {
        assert_eq!(encoded("{\"a\": \"b*-é\"}"), "%7B%22a%22%3A%20%22b%2A-%C3%A9%22%7D");
    }

    #[test]
    fn whitespace_counts_where_it_is_most_of_a_text() {
        assert_eq!(length(" { \n\t} "), 2);
        assert_eq!(length("{      }"), 2);
        assert_eq!(length("{       }"), 3);
    }

    #[test]
    fn whitespace_in_strings_stays() {
        let text = r#" { "a \" b" : [ "c \\" , 1 ] } "#;
        let short = compact(text);
        assert_eq!(short, r#"{"a \" b":["c \\",1]}"#);
        let read = |text: &str| serde_json::from_str::<serde_json::Value>(text).unwrap();
        assert_eq!(read(text), read(&short));
    }
}
