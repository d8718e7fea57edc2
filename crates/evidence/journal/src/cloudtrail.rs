//! A record as CloudTrail shows it: one compact JSON text, members in AWS's order.
//!
//! "CloudTrail record contents" in the AWS CloudTrail User Guide; the order is that of its samples.

use time::OffsetDateTime;
use time::format_description::BorrowedFormatItem;
use time::macros::format_description;

use crate::record::{Identity, IdentityKind, Record, Resource, SessionContext, TlsDetails};

/// The record format that these events follow.
const EVENT_VERSION: &str = "1.11";

const TIME: &[BorrowedFormatItem<'_>] = format_description!("[year]-[month]-[day]T[hour]:[minute]:[second]Z");

/// Renders a record as one CloudTrail event.
///
/// The JSON texts inside the record are copied as they are; everything else is escaped.
#[must_use]
pub fn render_cloudtrail_json(record: &Record) -> String {
    let mut object = Object::new(String::with_capacity(1536));
    object.text("eventVersion", EVENT_VERSION);
    object.object("userIdentity", |object| identity(object, &record.identity));
    object.text("eventTime", &time_text(record.event_time_ms));
    object.text("eventSource", &record.event_source);
    object.text("eventName", &record.event_name);
    object.text("awsRegion", &record.aws_region);
    object.text("sourceIPAddress", &record.source_ip);
    object.optional("userAgent", record.user_agent.as_deref());
    object.optional("errorCode", record.error_code.as_deref());
    object.optional("errorMessage", record.error_message.as_deref());
    object.json("requestParameters", record.request_parameters.as_deref().unwrap_or("null"));
    object.json("responseElements", record.response_elements.as_deref().unwrap_or("null"));
    object.optional_json("additionalEventData", record.additional_event_data.as_deref());
    object.optional("requestID", record.request_id.as_deref());
    object.text("eventID", &record.event_id.to_string());
    object.flag("readOnly", record.read_only);
    if let Some(list) = &record.resources {
        resources(&mut object, list);
    }
    object.text("eventType", record.event_type.as_str());
    object.optional("apiVersion", record.api_version.as_deref());
    object.flag("managementEvent", record.management);
    object.text("recipientAccountId", &record.account_id);
    object.optional_json("serviceEventDetails", record.service_event_details.as_deref());
    if let Some(id) = record.shared_event_id {
        object.text("sharedEventID", &id.to_string());
    }
    object.text("eventCategory", if record.management { "Management" } else { "Data" });
    if let Some(details) = &record.tls {
        object.object("tlsDetails", |object| tls(object, details));
    }
    object.finish()
}

fn identity(object: &mut Object, identity: &Identity) {
    object.optional("type", identity.kind.map(IdentityKind::as_str));
    object.optional("principalId", identity.principal_id.as_deref());
    object.optional("arn", identity.arn.as_deref());
    object.optional("accountId", identity.account_id.as_deref());
    object.optional("accessKeyId", identity.access_key_id.as_deref());
    object.optional("userName", identity.user_name.as_deref());
    if let Some(context) = &identity.session {
        object.object("sessionContext", |object| session(object, context));
    }
    object.optional("invokedBy", identity.invoked_by.as_deref());
    object.optional("identityProvider", identity.identity_provider.as_deref());
}

fn session(object: &mut Object, context: &SessionContext) {
    if let Some(issuer) = &context.issuer {
        object.object("sessionIssuer", |object| {
            object.text("type", issuer.kind.as_str());
            object.text("principalId", &issuer.principal_id);
            object.text("arn", &issuer.arn);
            object.text("accountId", &issuer.account_id);
            object.optional("userName", issuer.user_name.as_deref());
        });
    }
    if let Some(provider) = &context.federated_provider {
        object.object("webIdFederationData", |object| {
            object.text("federatedProvider", provider);
            object.object("attributes", |_| {});
        });
    }
    object.object("attributes", |object| {
        object.text("creationDate", &time_text(context.created_ms));
        object.text("mfaAuthenticated", if context.mfa_authenticated { "true" } else { "false" });
    });
    object.optional("sourceIdentity", context.source_identity.as_deref());
}

fn resources(object: &mut Object, resources: &[Resource]) {
    object.key("resources");
    object.text.push('[');
    for (index, resource) in resources.iter().enumerate() {
        if index > 0 {
            object.text.push(',');
        }
        object.nested(|object| {
            object.optional("accountId", resource.account_id.as_deref());
            object.optional("type", resource.kind.as_deref());
            object.text("ARN", &resource.arn);
        });
    }
    object.text.push(']');
}

fn tls(object: &mut Object, details: &TlsDetails) {
    object.optional("tlsVersion", details.version.as_deref());
    object.optional("cipherSuite", details.cipher_suite.as_deref());
    object.optional("clientProvidedHostHeader", details.host.as_deref());
}

/// Shows a time to the second; one that no calendar year of four digits holds, as the nearest that does.
fn time_text(epoch_ms: i64) -> String {
    const YEAR_0: i64 = -62_167_219_200;
    const YEAR_9999_END: i64 = 253_402_300_799;
    let seconds = epoch_ms.div_euclid(1000).clamp(YEAR_0, YEAR_9999_END);
    let time = OffsetDateTime::from_unix_timestamp(seconds).unwrap_or(OffsetDateTime::UNIX_EPOCH);
    time.format(TIME).unwrap_or_default()
}

/// Writes the members of one JSON object.
struct Object {
    text: String,
    empty: bool,
}

impl Object {
    fn new(mut text: String) -> Self {
        text.push('{');
        Self { text, empty: true }
    }

    fn key(&mut self, key: &str) {
        if !self.empty {
            self.text.push(',');
        }
        self.empty = false;
        self.text.push('"');
        self.text.push_str(key);
        self.text.push_str("\":");
    }

    fn text(&mut self, key: &str, value: &str) {
        self.key(key);
        push_escaped(&mut self.text, value);
    }

    fn optional(&mut self, key: &str, value: Option<&str>) {
        if let Some(value) = value {
            self.text(key, value);
        }
    }

    fn json(&mut self, key: &str, json: &str) {
        self.key(key);
        self.text.push_str(json);
    }

    fn optional_json(&mut self, key: &str, json: Option<&str>) {
        if let Some(json) = json {
            self.json(key, json);
        }
    }

    fn flag(&mut self, key: &str, value: bool) {
        self.json(key, if value { "true" } else { "false" });
    }

    fn object(&mut self, key: &str, fill: impl FnOnce(&mut Self)) {
        self.key(key);
        self.nested(fill);
    }

    fn nested(&mut self, fill: impl FnOnce(&mut Self)) {
        let mut inner = Self::new(std::mem::take(&mut self.text));
        fill(&mut inner);
        self.text = inner.finish();
    }

    fn finish(mut self) -> String {
        self.text.push('}');
        self.text
    }
}

fn push_escaped(text: &mut String, value: &str) {
    text.push('"');
    for c in value.chars() {
        match c {
            '"' => text.push_str("\\\""),
            '\\' => text.push_str("\\\\"),
            '\n' => text.push_str("\\n"),
            '\r' => text.push_str("\\r"),
            '\t' => text.push_str("\\t"),
            c if c < ' ' => {
                const HEX: &[u8; 16] = b"0123456789abcdef";
                let code = c as usize;
                text.push_str("\\u00");
                text.push(char::from(HEX[code >> 4]));
                text.push(char::from(HEX[code & 15]));
            }
            c => text.push(c),
        }
    }
    text.push('"');
}
