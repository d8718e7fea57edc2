//! Errors of the front: requests that do not get as far as a service.

use std::borrow::Cow;

use strongroom_schema::{Fault, QueryError, ReadError};

use super::ErrorView;
use crate::Violations;

/// Characters of what the caller sent that a message repeats.
const ECHO: usize = 128;

/// An error that no service makes, with AWS's codes in each protocol.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    code: &'static str,
    query: QueryError,
    status: Option<u16>,
    message: Option<Cow<'static, str>>,
}

impl Refusal {
    /// The JSON protocols' answer to an operation that the service does not have, or to a request without
    /// an `X-Amz-Target`: status 400 and a code without a message, as CloudWatch Logs answers
    /// (<https://github.com/aws/aws-sdk-net/issues/1536>). The 404 of AWS's "Common Errors" pages is what
    /// services bound to HTTP paths give.
    pub fn unknown_operation() -> Self {
        let query = QueryError { code: "InvalidAction", http_status: 400 };
        Self { code: "UnknownOperationException", query, status: None, message: None }
    }

    /// The query protocol's answer to an `Action` that no service has in that `Version`.
    pub fn invalid_action(action: &str, version: Option<&str>) -> Self {
        let version = version.unwrap_or("NO_VERSION_SPECIFIED");
        let (action, version) = (start_of(action), start_of(version));
        let message = format!("Could not find operation {action} for version {version}");
        Self { message: Some(message.into()), ..Self::unknown_operation() }
    }

    /// A form without an `Action`.
    pub fn missing_action() -> Self {
        let query = QueryError { code: "MissingAction", http_status: 400 };
        let message = Cow::Borrowed("The request is missing an action or a required parameter.");
        Self { query, message: Some(message), ..Self::unknown_operation() }
    }

    /// A message that could not be read.
    pub fn unreadable(error: &ReadError) -> Self {
        Self {
            code: "SerializationException",
            query: QueryError { code: "MalformedInput", http_status: 400 },
            status: None,
            message: Some(error.message().to_owned().into()),
        }
    }

    /// An input that breaks the model's constraints.
    pub fn invalid(violations: &Violations) -> Self {
        Self {
            code: "ValidationException",
            query: QueryError { code: "ValidationError", http_status: 400 },
            status: None,
            message: Some(violations.to_string().into()),
        }
    }

    /// A body beyond the bound.
    pub fn too_large() -> Self {
        Self {
            code: "RequestEntityTooLargeException",
            query: QueryError { code: "RequestEntityTooLarge", http_status: 413 },
            status: Some(413),
            message: Some("The request body is too large.".into()),
        }
    }

    /// The error to frame.
    pub fn view(&self) -> ErrorView<'_> {
        ErrorView {
            code: self.code,
            query: Some(self.query),
            status: self.status,
            fault: Fault::Client,
            message: self.message.as_deref(),
            fields: None,
        }
    }
}

fn start_of(text: &str) -> &str {
    text.char_indices().nth(ECHO).map_or(text, |(end, _)| &text[..end])
}
