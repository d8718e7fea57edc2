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

    /// An input that breaks the model's constraints. `code` is the service's for it.
    pub fn invalid(violations: &Violations, code: &'static str) -> Self {
        Self {
            code,
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

    /// EC2's answer to an `Action` that it does not have.
    pub fn ec2_action(action: &str) -> Self {
        let message = format!("The action {} is not valid for this web service.", start_of(action));
        Self::ec2("InvalidAction", message)
    }

    /// EC2's answer to parameters that have no proper form: wrong escapes, names that come twice.
    pub fn ec2_form(error: &ReadError) -> Self {
        Self::ec2("MalformedQueryString", error.message().to_owned())
    }

    /// EC2's answer to a parameter that the action does not have.
    pub fn ec2_unknown(name: &str) -> Self {
        Self::ec2("UnknownParameter", format!("The parameter {} is not recognized", start_of(name)))
    }

    /// EC2's answer where a parameter is missing.
    pub fn ec2_missing(name: &str) -> Self {
        Self::ec2("MissingParameter", format!("The request must contain the parameter {}", start_of(name)))
    }

    /// EC2's answer to a value that a parameter cannot have.
    pub fn ec2_value(name: &str, value: &str, why: &str) -> Self {
        let (value, name) = (start_of(value), lower_camel(start_of(name)));
        let message = format!("Value ({value}) for parameter {name} is invalid. {why}");
        Self::ec2("InvalidParameterValue", message.trim_end().to_owned())
    }

    fn ec2(code: &'static str, message: String) -> Self {
        Self {
            code,
            query: QueryError { code, http_status: 400 },
            status: None,
            message: Some(message.into()),
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
            details: &[],
            headers: &[],
        }
    }
}

fn start_of(text: &str) -> &str {
    text.char_indices().nth(ECHO).map_or(text, |(end, _)| &text[..end])
}

/// A parameter's name as EC2's messages have it: `maxResults`, `ipPermissions.1.fromPort`.
fn lower_camel(name: &str) -> String {
    let mut lower = String::with_capacity(name.len());
    let mut at_start = true;
    for char in name.chars() {
        lower.push(if at_start { char.to_ascii_lowercase() } else { char });
        at_start = char == '.';
    }
    lower
}
