//! Calls of AWS's APIs.

use serde_json::{Value, json};
use strongroom_crypto::hex;
use strongroom_runtime::Clocks;
use time::OffsetDateTime;

use crate::http::{Request, Response};
use crate::signature::{Unsigned, signed};
use crate::{CallError, Credentials, Element, Endpoint, JsonService, QueryService, Refusal};

const JSON: &str = "application/x-amz-json-1.1";
const FORM: &str = "application/x-www-form-urlencoded; charset=utf-8";

/// Pages of one list that are read: a bound that no account reaches, against endpoints that never end.
const MOST_PAGES: usize = 10_000;

/// Somebody who calls the services of one Region at one endpoint.
pub struct Aws {
    endpoint: Endpoint,
    region: String,
    credentials: Credentials,
    clocks: Clocks,
}

impl Aws {
    /// Calls `endpoint` in `region`.
    #[must_use]
    pub fn new(endpoint: Endpoint, region: String, credentials: Credentials, clocks: Clocks) -> Self {
        Self { endpoint, region, credentials, clocks }
    }

    /// Where the calls go.
    #[must_use]
    pub fn endpoint(&self) -> &Endpoint {
        &self.endpoint
    }

    /// The Region.
    #[must_use]
    pub fn region(&self) -> &str {
        &self.region
    }

    /// Who calls.
    #[must_use]
    pub fn credentials(&self) -> &Credentials {
        &self.credentials
    }

    /// Calls an operation of a service that speaks AWS JSON 1.1.
    pub fn json(&self, service: JsonService, operation: &str, input: &Value) -> Result<Value, CallError> {
        let target = format!("{}.{operation}", service.target);
        let headers = vec![("content-type", JSON.to_owned()), ("x-amz-target", target)];
        let response = self.post(service.signing_name, headers, input.to_string().as_bytes())?;
        if response.status != 200 {
            return Err(CallError::Refused(json_refusal(operation, &response)));
        }
        if response.body.is_empty() {
            return Ok(Value::Null);
        }
        serde_json::from_slice(&response.body).map_err(|error| CallError::Unexpected {
            operation: operation.to_owned(),
            reason: error.to_string(),
        })
    }

    /// Calls an operation that lists, as often as there are pages, and answers all items of the list of that name.
    pub fn json_list(
        &self,
        service: JsonService,
        operation: &str,
        input: &Value,
        list: &str,
    ) -> Result<Vec<Value>, CallError> {
        let mut input = input.clone();
        let mut found = Vec::new();
        for _ in 0..MOST_PAGES {
            let mut page = self.json(service, operation, &input)?;
            if let Some(Value::Array(items)) = page.get_mut(list).map(Value::take) {
                found.extend(items);
            }
            match page.get_mut(service.paging.next).map(Value::take) {
                Some(Value::String(marker)) if !marker.is_empty() => {
                    input[service.paging.from] = json!(marker);
                }
                _ => break,
            }
        }
        Ok(found)
    }

    /// Calls an operation of a service that takes a form: names and values, as the service's API writes them.
    pub fn query(
        &self,
        service: QueryService,
        operation: &str,
        input: &[(&str, &str)],
    ) -> Result<Element, CallError> {
        let mut body = format!("Action={operation}&Version={}", service.version);
        for (name, value) in input {
            body.extend(["&", &escaped(name), "=", &escaped(value)]);
        }
        let headers = vec![("content-type", FORM.to_owned())];
        let response = self.post(service.signing_name, headers, body.as_bytes())?;
        let document = Element::parse(&response.body);
        if response.status != 200 {
            return Err(CallError::Refused(xml_refusal(operation, response.status, document.as_ref())));
        }
        document.ok_or_else(|| CallError::Unexpected {
            operation: operation.to_owned(),
            reason: "it is not XML".to_owned(),
        })
    }

    fn post(
        &self,
        service: &str,
        mut headers: Vec<(&'static str, String)>,
        body: &[u8],
    ) -> Result<Response, CallError> {
        headers.push(("host", self.endpoint.authority().to_owned()));
        let region = &self.region;
        let request = Unsigned { method: "POST", path: "/", query: "", region, service, headers, body };
        // The clock is read as milliseconds of 64 bits; what is no date is before the first, and is refused as such.
        let now = OffsetDateTime::from_unix_timestamp(self.clocks.real_now().div_euclid(1_000))
            .unwrap_or(OffsetDateTime::UNIX_EPOCH);
        let headers = signed(request, &self.credentials, now);
        self.endpoint.send(&Request { headers: &headers, body, ..Request::new("POST", "/") })
    }
}

/// What a service says in JSON when it refuses; errors of CloudHSM's are named with a prefix before `#`.
fn json_refusal(operation: &str, response: &Response) -> Refusal {
    let said: Value = serde_json::from_slice(&response.body).unwrap_or_default();
    let text = |name: &str| said.get(name).and_then(Value::as_str).unwrap_or_default();
    let code = text("__type").rsplit('#').next().unwrap_or_default().to_owned();
    let message = if text("message").is_empty() { text("Message") } else { text("message") };
    Refusal { operation: operation.to_owned(), status: response.status, code, message: message.to_owned() }
}

pub(crate) fn xml_refusal(operation: &str, status: u16, document: Option<&Element>) -> Refusal {
    // In S3's answers the error is the document itself.
    let error = document.and_then(|document| document.find("Error").or(Some(document)));
    let text = |name| error.and_then(|error| error.find(name)).map(|found| found.text.clone());
    Refusal {
        operation: operation.to_owned(),
        status,
        code: text("Code").unwrap_or_default(),
        message: text("Message").unwrap_or_default(),
    }
}

/// As a form writes it: everything but letters, digits and `-._~` in percent.
pub(crate) fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            escaped.push(char::from(byte));
        } else {
            escaped.extend(["%", &hex::encode(&[byte]).to_uppercase()]);
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refusals_are_read_from_both_kinds_of_answers() {
        let json = |body: &str| json_refusal("Do", &Response { status: 400, body: body.as_bytes().to_vec() });
        assert_eq!(
            json(r#"{"__type":"com.amazonaws.cloudhsm#No","Message":"why"}"#).to_string(),
            "Do: No: why"
        );
        assert_eq!(json("oops").to_string(), "Do: HTTP status 400");
        assert_eq!(json(r#"{"message":"why"}"#).to_string(), "Do: why");
        let xml = Element::parse(
            b"<?xml version=\"1.0\"?><Response><Errors><Error><Code>Bad</Code><Message>a &lt; b</Message></Error></Errors></Response>",
        );
        assert_eq!(xml_refusal("Do", 400, xml.as_ref()).to_string(), "Do: Bad: a < b");
        assert_eq!(xml_refusal("Do", 503, None).to_string(), "Do: HTTP status 503");
    }

    #[test]
    fn forms_are_escaped() {
        assert_eq!(escaped("Filter.1 = a/b+ü~"), "Filter.1%20%3D%20a%2Fb%2B%C3%BC~");
    }
}
