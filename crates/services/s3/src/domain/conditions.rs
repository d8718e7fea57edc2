//! Conditional requests (Amazon S3 User Guide, "Conditional requests"; RFC 9110, 13).

use crate::error::Refusal;

/// What a read demands of the object. Times are whole seconds, as HTTP's are.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct ReadConditions<'c> {
    pub(crate) etag_in: Option<&'c str>,
    pub(crate) etag_not_in: Option<&'c str>,
    pub(crate) modified_since_ms: Option<i64>,
    pub(crate) unmodified_since_ms: Option<i64>,
}

const SECOND: i64 = 1000;

impl ReadConditions<'_> {
    /// Whether an object with that entity tag, last modified then, may be read. Entity tags beat dates.
    pub(crate) fn check(&self, etag: &str, modified_ms: i64) -> Result<(), Refusal> {
        let modified = modified_ms.div_euclid(SECOND);
        match (self.etag_in, self.unmodified_since_ms) {
            (Some(listed), _) if !names(listed, etag) => {
                return Err(Refusal::precondition_failed("If-Match"));
            }
            (None, Some(since)) if modified > since.div_euclid(SECOND) => {
                return Err(Refusal::precondition_failed("If-Unmodified-Since"));
            }
            _ => {}
        }
        match (self.etag_not_in, self.modified_since_ms) {
            (Some(listed), _) if names(listed, etag) => Err(Refusal::NotModified),
            (None, Some(since)) if modified <= since.div_euclid(SECOND) => Err(Refusal::NotModified),
            _ => Ok(()),
        }
    }

    /// The same of the source of a copy, which answers 412 in every case (CopyObject), and says which header it was.
    pub(crate) fn check_source(&self, etag: &str, modified_ms: i64) -> Result<(), Refusal> {
        self.check(etag, modified_ms).map_err(|refusal| {
            Refusal::precondition_failed(match (&refusal, self.etag_in, self.etag_not_in) {
                (Refusal::NotModified, _, Some(_)) => "x-amz-copy-source-If-None-Match",
                (Refusal::NotModified, _, None) => "x-amz-copy-source-If-Modified-Since",
                (_, Some(_), _) => "x-amz-copy-source-If-Match",
                (_, None, _) => "x-amz-copy-source-If-Unmodified-Since",
            })
        })
    }
}

/// What a write demands of what is there.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct WriteConditions<'c> {
    pub(crate) if_match: Option<&'c str>,
    pub(crate) if_none_match: Option<&'c str>,
}

impl WriteConditions<'_> {
    /// Refuses conditions that writes cannot have: `If-None-Match` with anything but `*`, or both at once.
    pub(crate) fn check_form(&self) -> Result<(), Refusal> {
        let is_known = self.if_none_match.is_none_or(|value| value.trim() == "*");
        if !is_known || self.if_match.is_some() && self.if_none_match.is_some() {
            return Err(Refusal::NotYet("If-None-Match of an entity tag, or beside If-Match, on writes"));
        }
        Ok(())
    }

    /// Whether the key may be written, where an object with that entity tag is there now, if any is.
    pub(crate) fn check(&self, key: &str, etag: Option<&str>) -> Result<(), Refusal> {
        if self.if_none_match.is_some() && etag.is_some() {
            return Err(Refusal::precondition_failed("If-None-Match"));
        }
        match (self.if_match, etag) {
            (Some(_), None) => Err(Refusal::no_such_key(key)),
            (Some(listed), Some(etag)) if !names(listed, etag) => {
                Err(Refusal::precondition_failed("If-Match"))
            }
            _ => Ok(()),
        }
    }
}

/// Whether a header lists an entity tag, which stands in quotes there or does not.
fn names(header: &str, etag: &str) -> bool {
    let unquoted = |tag: &str| tag.trim().trim_start_matches("W/").trim_matches('"').to_owned();
    header.split(',').map(unquoted).any(|listed| listed == "*" || listed == etag)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TAG: &str = "9b2cf535f27731c974343645a3985328";

    fn code(result: &Result<(), Refusal>) -> &'static str {
        match result {
            Ok(()) => "ok",
            Err(Refusal::NotModified) => "304",
            Err(_) => "412",
        }
    }

    #[test]
    fn entity_tags_beat_dates() {
        let quoted = format!("\"{TAG}\"");
        let at = |ms| Some(ms);
        let modified = 10_500;
        let cases = [
            (ReadConditions::default(), "ok"),
            (
                ReadConditions {
                    etag_in: Some(&quoted),
                    unmodified_since_ms: at(1000),
                    ..Default::default()
                },
                "ok",
            ),
            (ReadConditions { etag_in: Some("\"other\""), ..Default::default() }, "412"),
            (
                ReadConditions { etag_not_in: Some(TAG), modified_since_ms: at(1000), ..Default::default() },
                "304",
            ),
            (
                ReadConditions {
                    etag_not_in: Some("x"),
                    modified_since_ms: at(99_000),
                    ..Default::default()
                },
                "ok",
            ),
            (ReadConditions { modified_since_ms: at(10_000), ..Default::default() }, "304"),
            (ReadConditions { modified_since_ms: at(9_000), ..Default::default() }, "ok"),
            (ReadConditions { unmodified_since_ms: at(10_000), ..Default::default() }, "ok"),
            (ReadConditions { unmodified_since_ms: at(9_000), ..Default::default() }, "412"),
        ];
        for (conditions, expected) in cases {
            assert_eq!(code(&conditions.check(TAG, modified)), expected, "{conditions:?}");
        }
    }

    #[test]
    fn writes_look_at_what_is_there() {
        let absent = WriteConditions { if_none_match: Some("*"), ..Default::default() };
        assert!(absent.check("k", None).is_ok() && absent.check("k", Some(TAG)).is_err());
        let same = WriteConditions { if_match: Some(TAG), ..Default::default() };
        assert!(same.check("k", Some(TAG)).is_ok());
        assert!(same.check("k", Some("x")).is_err() && same.check("k", None).is_err());
        assert!(WriteConditions { if_none_match: Some("x"), ..Default::default() }.check_form().is_err());
    }
}
