//! Listings: keys in the order of their UTF-8, with those that have a common beginning rolled up (Amazon S3 User Guide,
//! "Listing objects using prefixes and delimiters").

use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::error::Refusal;

/// The most entries of a page.
pub(crate) const MOST: i32 = 1000;

/// What AWS's refusals call the parameter `max-keys`: their answers are quoted in public issue threads.
pub(crate) const MAX_KEYS: &str = "maxKeys";

/// What is listed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct View<'v> {
    pub(crate) prefix: &'v str,
    pub(crate) delimiter: Option<&'v str>,
}

impl<'v> View<'v> {
    pub(crate) fn new(prefix: Option<&'v str>, delimiter: Option<&'v str>) -> Self {
        Self {
            prefix: prefix.unwrap_or_default(),
            delimiter: delimiter.filter(|delimiter| !delimiter.is_empty()),
        }
    }

    /// What stands for a key, if it is rolled up: all of it up to the first delimiter behind the prefix.
    pub(crate) fn common_prefix<'k>(&self, key: &'k str) -> Option<&'k str> {
        let behind = key.strip_prefix(self.prefix)?;
        let delimiter = self.delimiter?;
        let at = behind.find(delimiter)?;
        key.get(..self.prefix.len() + at + delimiter.len())
    }

    /// Whether a key is among those listed.
    pub(crate) fn covers(&self, key: &str) -> bool {
        key.starts_with(self.prefix)
    }
}

/// The first text that is behind all that begin with `prefix`; `None` if there is none.
pub(crate) fn behind(prefix: &str) -> Option<String> {
    let mut text = prefix.to_owned();
    while let Some(last) = text.pop() {
        let mut next = u32::from(last) + 1;
        if (0xD800..0xE000).contains(&next) {
            next = 0xE000;
        }
        if let Some(next) = char::from_u32(next) {
            text.push(next);
            return Some(text);
        }
    }
    None
}

/// How many entries a page may have. `name` is that of the argument in refusals.
pub(crate) fn limit(asked: Option<i32>, name: &str) -> Result<i32, Refusal> {
    limit_or(asked, name, || format!("Argument {name} must be an integer between 0 and 2147483647"))
}

/// The same for `ListObjectVersions`, which has a text of its own: an answer of AWS, quoted in a public issue thread.
pub(crate) fn limit_of_versions(asked: Option<i32>) -> Result<i32, Refusal> {
    limit_or(asked, MAX_KEYS, || "max-keys cannot be negative".to_owned())
}

fn limit_or(asked: Option<i32>, name: &str, text: impl FnOnce() -> String) -> Result<i32, Refusal> {
    asked.map_or(Ok(MOST), |asked| not_negative(asked, name, text)).map(|asked| asked.min(MOST))
}

/// The number behind which a page begins. `name` is that of the argument in refusals.
pub(crate) fn marker(asked: Option<i32>, name: &str) -> Result<i32, Refusal> {
    let text = || format!("Argument {name} must be an integer between 0 and 2147483647");
    not_negative(asked.unwrap_or_default(), name, text)
}

fn not_negative(asked: i32, name: &str, text: impl FnOnce() -> String) -> Result<i32, Refusal> {
    if asked < 0 { Err(Refusal::invalid_argument(text(), name, &asked.to_string())) } else { Ok(asked) }
}

/// A key as the answer shows it: `encoding-type=url` percent-encodes what XML may not hold, and more.
pub(crate) fn shown(text: &str, is_encoded: bool) -> String {
    if !is_encoded {
        return text.to_owned();
    }
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b' ' => encoded.push('+'),
            plain if plain.is_ascii_alphanumeric() || b"-_.*/".contains(&plain) => encoded.push(plain.into()),
            _ => {
                // Writing into a `String` cannot fail.
                let _ = write!(encoded, "%{byte:02X}");
            }
        }
    }
    encoded
}

/// Where the next page begins, as its token says it: at a key, or behind it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Token {
    From(String),
    After(String),
}

impl Token {
    /// The token's text.
    pub(crate) fn encode(&self) -> String {
        let (kind, key) = match self {
            Self::From(key) => ("1f", key),
            Self::After(key) => ("1a", key),
        };
        URL_SAFE_NO_PAD.encode(format!("{kind}{key}"))
    }

    /// Reads a token that a page gave.
    pub(crate) fn decode(text: &str) -> Result<Self, Refusal> {
        let invalid = || {
            Refusal::invalid_argument(
                "The continuation token provided is incorrect",
                "continuation-token",
                text,
            )
        };
        let bytes = URL_SAFE_NO_PAD.decode(text).map_err(|_| invalid())?;
        let token = String::from_utf8(bytes).map_err(|_| invalid())?;
        match token.split_at_checked(2) {
            Some(("1f", key)) => Ok(Self::From(key.to_owned())),
            Some(("1a", key)) => Ok(Self::After(key.to_owned())),
            _ => Err(invalid()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_rolled_up_at_the_first_delimiter() {
        let view = View::new(Some("photos/"), Some("/"));
        assert_eq!(view.common_prefix("photos/2006/January/a.jpg"), Some("photos/2006/"));
        assert_eq!(view.common_prefix("photos/index"), None);
        assert_eq!(view.common_prefix("videos/a/b"), None);
        assert_eq!(View::new(None, Some("::")).common_prefix("a::b::c"), Some("a::"));
        assert_eq!(View::new(None, Some("")).common_prefix("a/b"), None);
    }

    #[test]
    fn what_is_behind_a_prefix_is_the_next_text() {
        for prefix in ["a", "a/", "é", "\u{D7FF}", "z\u{10FFFF}", "\u{7f}"] {
            let next = behind(prefix).unwrap();
            assert!(*next > *prefix, "{prefix}");
            assert!(next > format!("{prefix}\u{10FFFF}\u{10FFFF}"), "{prefix}");
        }
        assert_eq!(behind("a/").as_deref(), Some("a0"));
        assert_eq!(behind("\u{10FFFF}"), None);
        assert_eq!(behind(""), None);
    }

    #[test]
    fn tokens_come_back() {
        for token in [Token::From("é/".into()), Token::After(String::new())] {
            assert_eq!(Token::decode(&token.encode()).ok().unwrap(), token);
        }
        assert!(Token::decode("!").is_err() && Token::decode("").is_err() && Token::decode("YWJj").is_err());
    }

    #[test]
    fn encoded_keys_are_as_the_cli_decodes_them() {
        assert_eq!(shown("a b+c/é\u{1}~", true), "a+b%2Bc/%C3%A9%01%7E");
        assert_eq!(shown("a b", false), "a b");
        assert!(limit(Some(-1), MAX_KEYS).is_err() && limit_of_versions(Some(-1)).is_err());
        assert_eq!((limit(Some(0), MAX_KEYS).ok(), limit(Some(5000), MAX_KEYS).ok()), (Some(0), Some(MOST)));
    }
}
