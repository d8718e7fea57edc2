//! Tags of buckets and objects (Amazon S3 User Guide, "Categorizing your objects using tags", "Using cost allocation S3
//! bucket tags").

use std::collections::HashSet;

use crate::error::Refusal;

/// The most tags of an object.
pub(crate) const OF_OBJECT: usize = 10;
/// The most tags of a bucket.
pub(crate) const OF_BUCKET: usize = 50;

const KEY_LIMIT: usize = 128;
const VALUE_LIMIT: usize = 256;

/// Tags in the order in which they were given.
pub(crate) type Tags = Vec<(String, String)>;

/// Checks tags that are to be kept. Those that begin with `aws:` are AWS's own.
pub(crate) fn check(tags: &[(String, String)], most: usize) -> Result<(), Refusal> {
    if tags.len() > most {
        let what = if most == OF_OBJECT { "Object tags" } else { "Bucket tag count" };
        return Err(Refusal::client(400, "BadRequest", format!("{what} cannot be greater than {most}")));
    }
    let mut seen = HashSet::new();
    for (key, value) in tags {
        if !seen.insert(key) {
            return Err(invalid("Cannot provide multiple Tags with the same key"));
        }
        if key.is_empty() || key.chars().count() > KEY_LIMIT || !key.chars().all(is_allowed) {
            return Err(invalid("The TagKey you have provided is invalid"));
        }
        if value.chars().count() > VALUE_LIMIT || !value.chars().all(is_allowed) {
            return Err(invalid("The TagValue you have provided is invalid"));
        }
        if key.starts_with("aws:") {
            return Err(invalid("System tags cannot be added/updated by requester"));
        }
    }
    Ok(())
}

/// Letters, digits, spaces and `+ - = . _ : / @`.
fn is_allowed(character: char) -> bool {
    character.is_alphanumeric() || character == ' ' || "+-=._:/@".contains(character)
}

fn invalid(text: &'static str) -> Refusal {
    Refusal::client(400, "InvalidTag", text)
}

/// Reads tags as the header `x-amz-tagging` has them: a form.
pub(crate) fn from_header(header: &str) -> Result<Tags, Refusal> {
    let pairs = header.split('&').filter(|pair| !pair.is_empty());
    let tag = |pair: &str| {
        let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
        Some((form_decoded(key)?, form_decoded(value)?))
    };
    let tags: Option<Tags> = pairs.map(tag).collect();
    let is_named_once = |tags: &Tags| {
        let names: HashSet<_> = tags.iter().map(|(name, _)| name).collect();
        names.len() == tags.len()
    };
    tags.filter(is_named_once).ok_or_else(|| {
        let text = "The header 'x-amz-tagging' shall be encoded as UTF-8 then URLEncoded URL query parameters without tag \
                    name duplicates.";
        Refusal::invalid_argument(text, "x-amz-tagging", header)
    })
}

fn form_decoded(text: &str) -> Option<String> {
    percent_decoded(&text.replace('+', " "))
}

/// The text behind `%XX`; `None` where that is none.
pub(crate) fn percent_decoded(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&first, behind)) = rest.split_first() {
        rest = behind;
        if first != b'%' {
            bytes.push(first);
            continue;
        }
        let (digits, behind) = rest.split_at_checked(2)?;
        let digits = std::str::from_utf8(digits).ok().filter(|digits| !digits.starts_with('+'))?;
        bytes.push(u8::from_str_radix(digits, 16).ok()?);
        rest = behind;
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_header_is_a_form() {
        let tags = from_header("Key%201=a%2Bb&second=&third").ok().unwrap();
        let expected = [("Key 1", "a+b"), ("second", ""), ("third", "")];
        assert_eq!(tags, expected.map(|(key, value)| (key.to_owned(), value.to_owned())));
        for bad in ["a=%zz", "a=%+1", "a=%ff", "a=1&%61=2"] {
            let Err(Refusal::Client(told)) = from_header(bad) else { panic!("{bad}") };
            assert!(told.text().starts_with("The header 'x-amz-tagging' shall be"), "{bad}");
        }
    }

    #[test]
    fn tags_have_limits() {
        let tag = |key: &str, value: &str| vec![(key.to_owned(), value.to_owned())];
        assert!(check(&tag("a", ""), OF_OBJECT).is_ok());
        for (key, value) in [("", "a"), ("a?", "b"), ("a", "?"), ("aws:a", "b")] {
            assert!(check(&tag(key, value), OF_OBJECT).is_err(), "{key} {value}");
        }
        assert!(check(&[tag("a", "1"), tag("a", "2")].concat(), OF_OBJECT).is_err());
        let many: Tags = (0..11).map(|number| (number.to_string(), String::new())).collect();
        assert!(check(&many, OF_OBJECT).is_err() && check(&many, OF_BUCKET).is_ok());
    }
}
