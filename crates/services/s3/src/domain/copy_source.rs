//! The header `x-amz-copy-source`.

use super::object::check_version_id;
use super::tags::percent_decoded;
use crate::error::Refusal;

const HEADER: &str = "x-amz-copy-source";
const SYNTAX: &str = "Copy Source must mention the source bucket and key: sourcebucket/sourcekey";

/// Where something is copied from.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct CopySource {
    pub(crate) bucket: String,
    pub(crate) key: String,
    pub(crate) version: Option<String>,
}

impl CopySource {
    /// Reads `[/]bucket/key[?versionId=id]`, in which bucket and key are percent-encoded. The ARN of an access point is
    /// not known.
    pub(crate) fn parse(header: &str) -> Result<Self, Refusal> {
        let invalid = || Refusal::invalid_argument(SYNTAX, HEADER, header);
        if header.starts_with("arn:") {
            return Err(Refusal::NotYet("copies from access points"));
        }
        // A question mark of the key itself is encoded, or does not lead to a version.
        let (path, version) = match header.rsplit_once("?versionId=") {
            Some((path, version)) => (path, Some(version)),
            None => (header, None),
        };
        let path = path.strip_prefix('/').unwrap_or(path);
        let path = percent_decoded(path).ok_or_else(invalid)?;
        let (bucket, key) = path.split_once('/').ok_or_else(invalid)?;
        if bucket.is_empty() || key.is_empty() {
            return Err(invalid());
        }
        let version = version.map(|version| percent_decoded(version).ok_or_else(invalid)).transpose()?;
        version.as_deref().map(|id| check_version_id(id, HEADER)).transpose()?;
        Ok(Self { bucket: bucket.to_owned(), key: key.to_owned(), version })
    }

    /// What policies know it as (`s3:x-amz-copy-source`): one spelling, however the header has it.
    pub(crate) fn stated(&self) -> String {
        let Self { bucket, key, version } = self;
        match version {
            Some(version) => format!("{bucket}/{key}?versionId={version}"),
            None => format!("{bucket}/{key}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(header: &str) -> Option<(String, String, Option<String>)> {
        CopySource::parse(header).ok().map(|source| (source.bucket, source.key, source.version))
    }

    #[test]
    fn it_names_bucket_key_and_perhaps_a_version() {
        let expected = |key: &str, version: Option<&str>| {
            Some(("b".to_owned(), key.to_owned(), version.map(str::to_owned)))
        };
        assert_eq!(parsed("b/k"), expected("k", None));
        assert_eq!(parsed("/b/a%20b/c+d"), expected("a b/c+d", None));
        assert_eq!(parsed("b%2Fk"), expected("k", None));
        assert_eq!(parsed("b/k?versionId=null"), expected("k", Some("null")));
        assert_eq!(parsed("b/k?x"), expected("k?x", None));
        for header in ["b/s cret", "/b/s%20cret", "b%2F%73%20cret"] {
            assert_eq!(CopySource::parse(header).unwrap().stated(), "b/s cret");
        }
        assert_eq!(CopySource::parse("/b/%6b?versionId=null").unwrap().stated(), "b/k?versionId=null");
        for bad in ["", "b", "b/", "/b", "/k", "b/%zz", "b/k?versionId=", "b/k?versionId=v"] {
            assert_eq!(parsed(bad), None, "{bad}");
        }
    }
}
