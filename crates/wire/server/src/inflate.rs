//! Bodies that come compressed: SDKs send PutMetricData so where it is long (Smithy, "requestCompression trait"). The
//! signature covers what was sent.

use std::io::Read as _;

use flate2::read::GzDecoder;
use http::HeaderMap;
use http::header::CONTENT_ENCODING;
use strongroom_secret::{SecretBuffer, SecretBytes};

/// Bytes inflated at once.
const PIECE: usize = 16 * 1024;

/// Why a body cannot be inflated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum InflateError {
    /// It is not gzip, or cut off.
    Broken,
    /// It is longer inflated than a body may be.
    TooLarge,
}

/// A message as its sender wrote it.
pub(crate) enum Content<'b> {
    /// It came as it was written.
    Plain(&'b [u8]),
    /// It came compressed.
    Inflated(SecretBytes),
}

impl Content<'_> {
    pub(crate) fn bytes(&self) -> &[u8] {
        match self {
            Self::Plain(bytes) => bytes,
            Self::Inflated(bytes) => bytes.expose(),
        }
    }
}

/// The message in a body, which is at most `most` bytes long. What is inflated is short-lived, and comes on top of the
/// memory that bodies share.
pub(crate) fn content<'b>(
    headers: &HeaderMap,
    body: &'b [u8],
    most: usize,
) -> Result<Content<'b>, InflateError> {
    let encoding = headers.get(CONTENT_ENCODING).and_then(|value| value.to_str().ok());
    if !encoding.is_some_and(|encoding| encoding.trim().eq_ignore_ascii_case("gzip")) {
        return Ok(Content::Plain(body));
    }
    let mut inflating = GzDecoder::new(body);
    let mut inflated = SecretBuffer::with_capacity(body.len().saturating_mul(2).min(most));
    let mut piece = [0; PIECE];
    let mut length = 0;
    loop {
        let read = inflating.read(&mut piece).map_err(|_| InflateError::Broken)?;
        if read == 0 {
            return Ok(Content::Inflated(inflated.into_secret()));
        }
        length += read;
        if length > most {
            return Err(InflateError::TooLarge);
        }
        inflated.extend_from_slice(piece.get(..read).unwrap_or_default());
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use flate2::Compression;
    use flate2::write::GzEncoder;
    use http::HeaderValue;

    use super::*;

    fn gzip(message: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(message).unwrap();
        encoder.finish().unwrap()
    }

    fn headers(encoding: &'static str) -> HeaderMap {
        HeaderMap::from_iter([(CONTENT_ENCODING, HeaderValue::from_static(encoding))])
    }

    #[test]
    fn what_comes_compressed_is_read_as_it_was_written_and_no_further_than_a_body_goes() {
        let message = vec![b'a'; 100_000];
        let (body, headers) = (gzip(&message), headers("gzip"));
        assert!(body.len() < 1_000);
        assert_eq!(content(&headers, &body, 100_000).unwrap().bytes(), message);
        assert_eq!(content(&headers, &body, 99_999).err(), Some(InflateError::TooLarge));
        assert_eq!(content(&headers, &body[..body.len() - 9], 100_000).err(), Some(InflateError::Broken));
        assert_eq!(content(&headers, b"{}", 100_000).err(), Some(InflateError::Broken));
    }

    #[test]
    fn other_bodies_stay_as_they_are() {
        for headers in [HeaderMap::new(), headers("aws-chunked"), headers("identity")] {
            assert_eq!(content(&headers, b"{}", 10).unwrap().bytes(), b"{}");
        }
    }
}
