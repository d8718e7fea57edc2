//! The paths of a development server's own, which nobody signs for.

use std::time::Duration;

use serde_json::Value;

use crate::http::{Request, Response};
use crate::{CallError, Endpoint, Refusal};

/// The header that every request to dev mode must have.
const HEADER: (&str, &str) = ("x-strongroom-dev", "1");
/// Moving the clock waits up to half a minute for what becomes due.
const PATIENCE: Duration = Duration::from_mins(1);

impl Endpoint {
    /// Reads what a path of the development server tells: `/_strongroom/clock`.
    pub fn dev_get(&self, path: &str) -> Result<Value, CallError> {
        self.dev("GET", path, &[])
    }

    /// Has a development server do something.
    pub fn dev_post(&self, path: &str, body: &Value) -> Result<Value, CallError> {
        self.dev("POST", path, body.to_string().as_bytes())
    }

    /// Has a development server undo something.
    pub fn dev_delete(&self, path: &str) -> Result<Value, CallError> {
        self.dev("DELETE", path, &[])
    }

    fn dev(&self, method: &str, path: &str, body: &[u8]) -> Result<Value, CallError> {
        let headers = [(HEADER.0, HEADER.1.to_owned()), ("content-type", "application/json".to_owned())];
        let request = Request { headers: &headers, body, patience: PATIENCE, ..Request::new(method, path) };
        let Response { status, body } = self.send(&request)?;
        let said: Result<Value, _> = serde_json::from_slice(&body);
        if !(200..300).contains(&status) {
            let message = said.ok().and_then(|said| Some(said.get("message")?.as_str()?.to_owned()));
            return Err(CallError::Refused(Refusal {
                operation: format!("{method} {path}"),
                status,
                code: String::new(),
                message: message.unwrap_or_default(),
            }));
        }
        if body.is_empty() {
            return Ok(Value::Null);
        }
        said.map_err(|error| CallError::Unexpected {
            operation: format!("{method} {path}"),
            reason: error.to_string(),
        })
    }
}
