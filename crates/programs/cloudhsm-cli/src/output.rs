//! What commands answer: JSON, with the names and the casing of CloudHSM CLI.

pub(crate) mod cluster;
pub(crate) mod key;
pub(crate) mod merge;
pub(crate) mod quorum;
pub(crate) mod user;
pub(crate) mod words;

use std::io::Write as _;

use serde::Serialize;
use serde_json::{Value, json};

use crate::error::CliError;

/// What a command answers.
pub(crate) type Data = Value;

/// `{"message": ...}`
pub(crate) fn message(text: &str) -> Data {
    json!({ "message": text })
}

/// Turns a type of this module into an answer.
pub(crate) fn data(value: impl Serialize) -> Result<Data, CliError> {
    serde_json::to_value(value).map_err(|error| CliError::usage(error.to_string()))
}

/// The document that a command ends with.
#[derive(Debug, Serialize)]
struct Envelope {
    error_code: u8,
    data: Value,
}

/// Prints the document of a command to standard output.
pub(crate) fn print(result: Result<Data, CliError>) -> std::io::Result<()> {
    let envelope = match result {
        Ok(data) => Envelope { error_code: 0, data },
        Err(error) => Envelope { error_code: 1, data: Value::String(error.to_string()) },
    };
    let mut out = std::io::stdout().lock();
    serde_json::to_writer_pretty(&mut out, &envelope)?;
    out.write_all(b"\n")?;
    out.flush()
}
