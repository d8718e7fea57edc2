//! What is wrong with a request, in S3's words.

use std::borrow::Cow;

/// Characters of what the caller sent that an error repeats.
const ECHO: usize = 256;

/// A request that cannot be taken: code, status, text, and the elements that S3 puts beside the text.
///
/// The texts are S3's own, as its documentation and public traces show them.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{code}: {message}")]
pub struct Fault {
    /// S3's code.
    pub code: &'static str,
    /// The HTTP status.
    pub http_status: u16,
    /// The text.
    pub message: Cow<'static, str>,
    /// Elements beside the text.
    pub details: Vec<(&'static str, String)>,
}

impl Fault {
    /// An error of that code and status.
    pub fn new(code: &'static str, http_status: u16, message: impl Into<Cow<'static, str>>) -> Self {
        Self { code, http_status, message: message.into(), details: Vec::new() }
    }

    /// The same with an element beside the text.
    #[must_use]
    pub fn with(mut self, name: &'static str, value: &str) -> Self {
        let end = value.char_indices().nth(ECHO).map_or(value.len(), |(end, _)| end);
        self.details.push((name, value.get(..end).unwrap_or_default().to_owned()));
        self
    }

    /// The path or the query string is no proper encoding of text.
    pub(super) fn uri() -> Self {
        Self::new("InvalidURI", 400, "Couldn't parse the specified URI.")
    }

    /// A body that is not XML, or not of the form that the operation takes.
    pub(super) fn xml() -> Self {
        let message =
            "The XML you provided was not well-formed or did not validate against our published schema";
        Self::new("MalformedXML", 400, message)
    }

    /// A body that must be there.
    pub(super) fn no_body() -> Self {
        Self::new("MissingRequestBodyError", 400, "Request Body is empty")
    }

    /// A header that must be there.
    pub(super) fn no_header(name: &str) -> Self {
        let message = format!("Missing required header for this request: {name}");
        Self::new("InvalidRequest", 400, message)
    }

    /// A header or parameter whose value cannot be.
    pub(super) fn argument(name: &str, value: &str, message: impl Into<Cow<'static, str>>) -> Self {
        Self::new("InvalidArgument", 400, message).with("ArgumentName", name).with("ArgumentValue", value)
    }

    /// Something that S3 has and Strongroom does not.
    pub fn not_implemented() -> Self {
        let message = "A header you provided implies functionality that is not implemented";
        Self::new("NotImplemented", 501, message)
    }
}
