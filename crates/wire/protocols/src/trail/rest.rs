//! How records of S3 show requests and results: parameters under the names that they have on the wire, documents as the
//! JSON of their elements.
//! <https://docs.aws.amazon.com/AmazonS3/latest/userguide/cloudtrail-logging-understanding-s3-entries.html>

use strongroom_schema::{Kind, Location, Member, Operation, Structure, Value};

use crate::json::{self, push_string};
use crate::rest::{Called, words};

/// Parameters that a presigned URL has for its signature alone, or that say nothing.
const NOT_SHOWN: [&str; 6] = [
    "X-Amz-Signature",
    "X-Amz-Credential",
    "X-Amz-Security-Token",
    "Signature",
    "x-amz-security-token",
    "x-id",
];

/// Headers of members that records do not have: what is stored, and not how.
const NOT_RECORDED: [&str; 2] = ["x-amz-meta-", "x-amz-checksum-"];

/// Writes what a request asked for. `host` is the host that it named.
pub fn write_rest_parameters(
    operation: &Operation,
    called: &Called,
    host: Option<&str>,
    input: &dyn Structure,
) -> String {
    let mut out = Members::default();
    for (name, shown) in [("Bucket", "bucketName"), ("Key", "key")] {
        if let Some(value) = called.label(name) {
            out.text(shown, value);
        }
    }
    if let Some(host) = host {
        out.text("Host", host);
    }
    push_headers(&mut out, operation.input.members(), input);
    // Lists of keys and of parts are what data events are about, and as long as a body may be.
    let payload = operation.input.members().iter().position(|member| member.traits.payload);
    if let Some(at) = payload.filter(|_| !operation.data_event)
        && let Some(value) = input.member(at)
    {
        let member = &operation.input.members()[at];
        match value {
            Value::String(policy) if json::is_object(policy) => {
                out.name("bucketPolicy");
                out.text.push_str(policy.trim());
            }
            value => out.member(member, value),
        }
    }
    // Last, for whoever asks chooses the names. What a URL carries for headers was shown with them, if it was.
    for (name, value) in called.query() {
        let header = name.to_ascii_lowercase();
        let is_shown =
            !NOT_SHOWN.contains(&name) && !NOT_RECORDED.iter().any(|prefix| header.starts_with(prefix));
        if is_shown && !out.has(name) && !out.has(&header) {
            out.text(name, value);
        }
    }
    out.finish()
}

/// Writes what headers of the answer say, of calls that changed something; nothing if they say nothing.
pub fn write_rest_response(operation: &Operation, output: &dyn Structure) -> Option<String> {
    let mut out = Members::default();
    push_headers(&mut out, operation.output.members(), output);
    Some(out.finish()).filter(|shown| shown != "{}")
}

fn push_headers(out: &mut Members, members: &[Member], structure: &dyn Structure) {
    for (at, member) in members.iter().enumerate() {
        let name = member.traits.wire_name.unwrap_or(member.name);
        let is_shown = member.traits.location == Location::Header
            && name.starts_with("x-amz-")
            && !NOT_RECORDED.iter().any(|prefix| name.starts_with(prefix))
            && !member.schema.sensitive;
        if let Some(value) = structure.member(at).filter(|_| is_shown) {
            out.text(name, &words(member, value));
        }
    }
}

/// The members of an object, while they are written.
#[derive(Default)]
struct Members {
    text: String,
    names: Vec<String>,
}

impl Members {
    fn finish(mut self) -> String {
        self.text.insert(0, '{');
        self.text.push('}');
        self.text
    }

    fn has(&self, name: &str) -> bool {
        self.names.iter().any(|known| known == name)
    }

    fn name(&mut self, name: &str) {
        self.names.push(name.to_owned());
        if !self.text.is_empty() {
            self.text.push(',');
        }
        push_string(&mut self.text, name);
        self.text.push(':');
    }

    fn text(&mut self, name: &str, value: &str) {
        self.name(name);
        push_string(&mut self.text, value);
    }

    /// A member of a document: what is repeated is a list, and what is there once is itself, as where XML is made JSON.
    fn member(&mut self, member: &Member, value: Value<'_>) {
        if member.schema.sensitive {
            return;
        }
        let name = member.traits.wire_name.unwrap_or(member.name);
        match (&member.schema.kind, value) {
            (Kind::List(item), Value::List(list)) => {
                let items: Vec<_> = (0..list.len()).map(|index| value_of(item, list.item(index))).collect();
                let shown = match items.as_slice() {
                    [one] => one.clone(),
                    _ => format!("[{}]", items.join(",")),
                };
                let shown = if member.traits.flattened {
                    shown
                } else {
                    let mut inner = Self::default();
                    inner.name(item.traits.wire_name.unwrap_or(item.name));
                    inner.text.push_str(&shown);
                    inner.finish()
                };
                self.name(name);
                self.text.push_str(&shown);
            }
            (_, value) => {
                let shown = value_of(member, value);
                self.name(name);
                self.text.push_str(&shown);
            }
        }
    }
}

fn value_of(member: &Member, value: Value<'_>) -> String {
    if let Value::Structure(structure) = value {
        let mut inner = Members::default();
        for (at, member) in structure.schema().members().iter().enumerate() {
            if let Some(value) = structure.member(at) {
                inner.member(member, value);
            }
        }
        return inner.finish();
    }
    let text = words(member, value);
    if matches!(value, Value::Boolean(_) | Value::Integer(_)) {
        return text;
    }
    let mut quoted = String::new();
    push_string(&mut quoted, &text);
    quoted
}
