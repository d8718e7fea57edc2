//! A service model as botocore writes it, less its prose: the form of the files in `models/`.

mod members;

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};

pub(crate) use members::Members;

/// A trimmed `service-2.json`.
#[derive(Serialize, Deserialize)]
pub(crate) struct Model {
    pub(crate) metadata: Metadata,
    pub(crate) operations: BTreeMap<String, Operation>,
    /// The names of the operations that were trimmed away, ordered.
    #[serde(default, rename = "leftOut", skip_serializing_if = "Vec::is_empty")]
    pub(crate) left_out: Vec<String>,
    pub(crate) shapes: BTreeMap<String, Shape>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Metadata {
    pub(crate) api_version: String,
    pub(crate) endpoint_prefix: String,
    pub(crate) service_full_name: String,
    pub(crate) service_id: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) signing_name: Option<String>,
    pub(crate) protocols: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) json_version: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) target_prefix: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) xml_namespace: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) aws_query_compatible: Option<serde_json::Value>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Operation {
    pub(crate) name: String,
    pub(crate) http: Http,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) input: Option<Reference>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) output: Option<Reference>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) errors: Vec<Reference>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) authtype: Option<String>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Http {
    pub(crate) method: String,
    pub(crate) request_uri: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) response_code: Option<u16>,
}

/// A mention of a shape, with the traits of that mention. Those that are not named here, prose among them, are
/// dropped.
#[derive(Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct Reference {
    pub(crate) shape: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) location: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) location_name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) query_name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) result_wrapper: Option<String>,
    #[serde(skip_serializing_if = "is_false")]
    pub(crate) flattened: bool,
    #[serde(skip_serializing_if = "is_false")]
    pub(crate) xml_attribute: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) xml_namespace: Option<XmlNamespace>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) timestamp_format: Option<String>,
    #[serde(skip_serializing_if = "is_false")]
    pub(crate) idempotency_token: bool,
    #[serde(skip_serializing_if = "is_false")]
    pub(crate) streaming: bool,
}

/// Either form in which models write a namespace.
#[derive(Clone, Serialize, Deserialize)]
#[serde(untagged)]
pub(crate) enum XmlNamespace {
    Uri(String),
    Full { prefix: Option<String>, uri: String },
}

#[derive(Serialize, Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct Shape {
    #[serde(rename = "type")]
    pub(crate) kind: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) required: Vec<String>,
    #[serde(skip_serializing_if = "Members::is_empty")]
    pub(crate) members: Members,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) member: Option<Reference>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) key: Option<Reference>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) value: Option<Reference>,
    #[serde(rename = "enum", skip_serializing_if = "Vec::is_empty")]
    pub(crate) values: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) min: Option<serde_json::Number>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) max: Option<serde_json::Number>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) pattern: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) payload: Option<String>,
    #[serde(skip_serializing_if = "is_false")]
    pub(crate) flattened: bool,
    #[serde(skip_serializing_if = "is_false")]
    pub(crate) sensitive: bool,
    #[serde(skip_serializing_if = "is_false")]
    pub(crate) union: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) timestamp_format: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) xml_namespace: Option<XmlNamespace>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) location_name: Option<String>,
    #[serde(skip_serializing_if = "is_false")]
    pub(crate) exception: bool,
    #[serde(skip_serializing_if = "is_false")]
    pub(crate) fault: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) error: Option<QueryError>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct QueryError {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) code: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) http_status_code: Option<u16>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) sender_fault: Option<bool>,
}

impl Shape {
    /// Whether the shape becomes a Rust struct.
    pub(crate) fn is_structure(&self) -> bool {
        self.kind == "structure"
    }
}

impl Model {
    /// Reads a model file.
    pub(crate) fn read(path: &Path) -> Result<Self> {
        let text = std::fs::read_to_string(path).with_context(|| format!("reading {}", path.display()))?;
        serde_json::from_str(&text).with_context(|| format!("parsing {}", path.display()))
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it with a reference")]
fn is_false(flag: &bool) -> bool {
    !flag
}

/// `models/services.toml`.
#[derive(Deserialize)]
pub(crate) struct Catalogue {
    /// The release of botocore.
    pub(crate) botocore: String,
    pub(crate) service: BTreeMap<String, Entry>,
}

/// One service of the catalogue; its comment there says what each field means.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Entry {
    #[serde(default)]
    pub(crate) model: Option<String>,
    #[serde(default)]
    pub(crate) trait_name: Option<String>,
    pub(crate) operations: Operations,
    #[serde(default)]
    pub(crate) leave_out: Vec<String>,
    #[serde(default)]
    pub(crate) read_only: Vec<String>,
    #[serde(default)]
    pub(crate) mutating: Vec<String>,
    #[serde(default)]
    pub(crate) unsigned_too: Vec<String>,
    #[serde(default)]
    pub(crate) data_events: Vec<String>,
    #[serde(default)]
    pub(crate) not_sensitive: Vec<String>,
    #[serde(default)]
    pub(crate) roots: BTreeMap<String, String>,
    pub(crate) documents: String,
    pub(crate) event_source: String,
    #[serde(default)]
    pub(crate) action_prefix: Option<String>,
    #[serde(default)]
    pub(crate) home_region: Option<String>,
    #[serde(default)]
    pub(crate) patterns: BTreeMap<String, String>,
    #[serde(default)]
    pub(crate) enum_listed: BTreeMap<String, Vec<String>>,
    #[serde(default)]
    pub(crate) enum_also: BTreeMap<String, Vec<String>>,
    #[serde(default)]
    pub(crate) xml_namespace: Option<String>,
    #[serde(default)]
    pub(crate) error_message: ErrorMessage,
    #[serde(default = "validation_exception")]
    pub(crate) invalid_input: String,
}

fn validation_exception() -> String {
    "ValidationException".to_owned()
}

/// What JSON errors call their message.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
pub(crate) enum ErrorMessage {
    #[default]
    #[serde(rename = "message")]
    Small,
    #[serde(rename = "Message")]
    Capital,
}

impl ErrorMessage {
    /// The name itself.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Small => "message",
            Self::Capital => "Message",
        }
    }
}

#[derive(Deserialize)]
#[serde(untagged)]
pub(crate) enum Operations {
    All(String),
    Some(Vec<String>),
}

impl Catalogue {
    /// Reads the catalogue.
    pub(crate) fn read(root: &Path) -> Result<Self> {
        let path = root.join("models/services.toml");
        let text = std::fs::read_to_string(&path).with_context(|| format!("reading {}", path.display()))?;
        toml::from_str(&text).with_context(|| format!("parsing {}", path.display()))
    }
}
