//! The header `Range`: one range of bytes (RFC 9110, 14; Amazon S3 API Reference, GetObject).

use crate::error::Refusal;

/// Bytes of an object, from the first to before the end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Span {
    pub(crate) start: u64,
    pub(crate) end: u64,
}

impl Span {
    /// How many bytes.
    pub(crate) fn length(self) -> u64 {
        self.end.saturating_sub(self.start)
    }

    /// As `Content-Range` says it of an object of `size` bytes.
    pub(crate) fn content_range(self, size: u64) -> String {
        format!("bytes {}-{}/{size}", self.start, self.end.saturating_sub(1))
    }
}

/// What a header means for an object of `size` bytes. What is no range, or several, is as if it were not there: all bytes
/// are answered then (RFC 9110, 14.2).
pub(crate) fn resolve(header: Option<&str>, size: u64) -> Result<Option<Span>, Refusal> {
    let Some(header) = header else { return Ok(None) };
    match parse(header) {
        None => Ok(None),
        Some((Some(first), last)) => {
            if first >= size {
                return Err(Refusal::invalid_range(header, size));
            }
            let end = last.map_or(size, |last| last.saturating_add(1).min(size));
            Ok(Some(Span { start: first, end }))
        }
        Some((None, last)) => {
            let count = last.unwrap_or(0).min(size);
            if count == 0 {
                return Err(Refusal::invalid_range(header, size));
            }
            Ok(Some(Span { start: size - count, end: size }))
        }
    }
}

/// First and last byte; without a first one, how many last bytes.
fn parse(header: &str) -> Option<(Option<u64>, Option<u64>)> {
    let (first, last) = header.trim().strip_prefix("bytes=")?.split_once('-')?;
    let (first, last) = (number(first.trim()).ok()?, number(last.trim()).ok()?);
    match (first, last) {
        (None, None) => None,
        (Some(first), Some(last)) if last < first => None,
        range => Some(range),
    }
}

/// Something else than a number stands there.
struct NoNumber;

/// A number, or none where nothing stands.
fn number(text: &str) -> Result<Option<u64>, NoNumber> {
    match text {
        "" => Ok(None),
        digits if digits.bytes().all(|byte| byte.is_ascii_digit()) => {
            Ok(Some(digits.parse().unwrap_or(u64::MAX)))
        }
        _ => Err(NoNumber),
    }
}

/// The bytes that `x-amz-copy-source-range` names of a source of `size` bytes: both ends must stand there, and be in it.
pub(crate) fn of_copy_source(header: &str, size: u64) -> Result<Span, Refusal> {
    match parse(header) {
        Some((Some(first), Some(last))) if last < size => Ok(Span { start: first, end: last + 1 }),
        Some((Some(_), Some(_))) => {
            let text = format!("Range specified is not valid for source object of size: {size}");
            Err(Refusal::invalid_argument(text, "x-amz-copy-source-range", header))
        }
        _ => {
            let text = "The x-amz-copy-source-range value must be of the form bytes=first-last where first and last are \
                        the zero-based offsets of the first and last bytes to copy";
            Err(Refusal::invalid_argument(text, "x-amz-copy-source-range", header))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn span(header: &str, size: u64) -> Option<(u64, u64)> {
        resolve(Some(header), size).ok().unwrap().map(|span| (span.start, span.end))
    }

    #[test]
    fn one_range_is_understood_and_anything_else_is_ignored() {
        assert_eq!(span("bytes=0-9", 100), Some((0, 10)));
        assert_eq!(span("bytes=90-", 100), Some((90, 100)));
        assert_eq!(span("bytes=-10", 100), Some((90, 100)));
        assert_eq!(span("bytes=-1000", 100), Some((0, 100)));
        assert_eq!(span("bytes=5-1000", 100), Some((5, 100)));
        assert_eq!(span("bytes=5-99999999999999999999999", 100), Some((5, 100)));
        for ignored in ["bytes=5-4", "bytes=0-1,3-4", "items=0-1", "bytes=a-b", "bytes=-", "bytes=+1-2", ""] {
            assert_eq!(span(ignored, 100), None, "{ignored}");
        }
    }

    #[test]
    fn what_lies_behind_the_end_cannot_be_had() {
        for header in ["bytes=100-", "bytes=100-200", "bytes=-0"] {
            assert!(resolve(Some(header), 100).is_err(), "{header}");
        }
        assert!(resolve(Some("bytes=0-"), 0).is_err());
    }

    #[test]
    fn a_copied_range_lies_in_its_source() {
        assert_eq!(of_copy_source("bytes=0-99", 100).ok(), Some(Span { start: 0, end: 100 }));
        for bad in ["bytes=0-100", "bytes=0-", "bytes=-5", "0-5"] {
            assert!(of_copy_source(bad, 100).is_err(), "{bad}");
        }
    }
}
