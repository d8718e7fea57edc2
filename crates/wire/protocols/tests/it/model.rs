//! Schemas and values out of the test cases' embedded models.

use serde_json::Value as Json;
use strongroom_schema::{
    Constraints, ErrorShape, Fault, Kind, Location, Member, MemberTraits, QueryError, Schema, Timestamp,
    TimestampFormat,
};

use crate::dynamic::{Dyn, DynList, DynMap, DynStructure};

/// How often a shape may contain itself. Schemas are built by value, so that recursion is unrolled.
const RECURSION: usize = 5;

/// The schema of a shape. It is never freed.
pub(crate) fn schema(shapes: &Json, name: &str) -> &'static Schema {
    build(shapes, name, &mut Vec::new())
}

/// The modelled error.
pub(crate) fn error_shape(shapes: &Json, name: &str) -> &'static ErrorShape {
    let shape = &shapes[name];
    let query = shape.get("error").and_then(|error| {
        let code = leak(error["code"].as_str()?);
        Some(QueryError { code, http_status: error["httpStatusCode"].as_u64()? as u16 })
    });
    let fault = if shape["fault"] == true { Fault::Server } else { Fault::Client };
    Box::leak(Box::new(ErrorShape { name: leak(name), query, fault, schema: schema(shapes, name) }))
}

/// A structure out of the parameters or result of a case.
pub(crate) fn structure(schema: &'static Schema, json: &Json) -> DynStructure {
    let mut structure = DynStructure::new(schema);
    for (name, value) in json.as_object().into_iter().flatten() {
        if !value.is_null() {
            let member =
                &schema.members()[schema.position(name).unwrap_or_else(|| panic!("no member {name}"))];
            structure = structure.with(name, value_of(member.schema, value));
        }
    }
    structure
}

pub(crate) fn leak(text: &str) -> &'static str {
    Box::leak(text.to_owned().into_boxed_str())
}

fn value_of(schema: &'static Schema, json: &Json) -> Dyn {
    let floating = || match json.as_str() {
        Some(special) => special.parse().unwrap(),
        None => json.as_f64().unwrap(),
    };
    match &schema.kind {
        Kind::Boolean => Dyn::Boolean(json.as_bool().unwrap()),
        Kind::Integer | Kind::Long => Dyn::Integer(json.as_i64().unwrap()),
        Kind::Float => Dyn::Float(floating() as f32),
        Kind::Double => Dyn::Double(floating()),
        Kind::String | Kind::Enum(_) => Dyn::String(json.as_str().unwrap().to_owned()),
        Kind::Blob => Dyn::Blob(json.as_str().unwrap().as_bytes().to_vec()),
        Kind::Timestamp(_) => Dyn::Timestamp(Timestamp::from_epoch_seconds(json.as_f64().unwrap()).unwrap()),
        Kind::List(item) => {
            let items = json.as_array().unwrap().iter().map(|it| value_of(item.schema, it)).collect();
            Dyn::List(DynList(items))
        }
        Kind::Map(_, entry) => {
            let entries = json.as_object().unwrap().iter();
            Dyn::Map(DynMap(entries.map(|(key, it)| (key.clone(), value_of(entry.schema, it))).collect()))
        }
        Kind::Structure(_) | Kind::Union(_) => Dyn::Structure(structure(schema, json)),
    }
}

fn build(shapes: &Json, name: &str, above: &mut Vec<String>) -> &'static Schema {
    let shape = &shapes[name];
    above.push(name.to_owned());
    let kind = match shape["type"].as_str().unwrap() {
        "boolean" => Kind::Boolean,
        "integer" => Kind::Integer,
        "long" => Kind::Long,
        "float" => Kind::Float,
        "double" => Kind::Double,
        "string" => match shape["enum"].as_array() {
            None => Kind::String,
            Some(values) => {
                Kind::Enum(Vec::leak(values.iter().map(|value| leak(value.as_str().unwrap())).collect()))
            }
        },
        "blob" => Kind::Blob,
        "timestamp" => Kind::Timestamp(timestamp_format(shape)),
        "list" => Kind::List(member(shapes, "member", &shape["member"], (false, false), above)),
        "map" => Kind::Map(
            member(shapes, "key", &shape["key"], (false, false), above),
            member(shapes, "value", &shape["value"], (false, false), above),
        ),
        "structure" => {
            let required = |name: &str| {
                shape["required"].as_array().is_some_and(|names| names.iter().any(|known| known == name))
            };
            let mut members = Vec::new();
            for (name, reference) in shape["members"].as_object().unwrap() {
                if may_build(shapes, reference["shape"].as_str().unwrap(), above) {
                    let payload = shape["payload"] == **name;
                    members.push(member(shapes, name, reference, (required(name), payload), above));
                }
            }
            let members = Vec::leak(members);
            if shape["union"] == true { Kind::Union(members) } else { Kind::Structure(members) }
        }
        other => panic!("type {other} is not known"),
    };
    above.pop();
    Box::leak(Box::new(Schema {
        name: leak(name),
        kind,
        constraints: Constraints::NONE,
        sensitive: shape["sensitive"] == true,
        xml_namespace: None,
    }))
}

/// Whether a shape, or what its list or map holds, still has room above.
fn may_build(shapes: &Json, name: &str, above: &[String]) -> bool {
    let shape = &shapes[name];
    let held = shape["member"]["shape"].as_str().or(shape["value"]["shape"].as_str());
    let room = |name: &str| above.iter().filter(|known| *known == name).count() < RECURSION;
    room(name) && held.is_none_or(room)
}

fn member(
    shapes: &Json,
    name: &str,
    reference: &Json,
    (required, payload): (bool, bool),
    above: &mut Vec<String>,
) -> Member {
    let target = &shapes[reference["shape"].as_str().unwrap()];
    let location = match reference["location"].as_str() {
        None => Location::Body,
        Some("header") => Location::Header,
        Some("headers") => Location::Headers,
        Some("uri") => Location::Uri,
        Some("querystring") => Location::QueryString,
        Some("statusCode") => Location::StatusCode,
        Some(other) => panic!("location {other} is not known"),
    };
    // A shape's own name is that of the document which it is.
    let of_root = target["locationName"].as_str().filter(|_| payload);
    let of_shape = Some(&target["xmlNamespace"]).filter(|namespace| namespace.get("prefix").is_some());
    let xml_namespace = match reference.get("xmlNamespace").or(of_shape).unwrap_or(&Json::Null) {
        Json::String(uri) => Some((None, leak(uri))),
        Json::Object(full) => Some((
            full.get("prefix").map(|it| leak(it.as_str().unwrap())),
            leak(full["uri"].as_str().unwrap()),
        )),
        _ => None,
    };
    Member {
        name: leak(name),
        schema: build(shapes, reference["shape"].as_str().unwrap(), above),
        required,
        traits: MemberTraits {
            location,
            payload,
            wire_name: reference["locationName"].as_str().or(of_root).map(leak),
            query_name: reference["queryName"].as_str().map(leak),
            flattened: reference["flattened"] == true,
            xml_attribute: reference["xmlAttribute"] == true,
            xml_namespace,
            timestamp_format: timestamp_format(reference),
            ..MemberTraits::NONE
        },
    }
}

fn timestamp_format(json: &Json) -> Option<TimestampFormat> {
    json["timestampFormat"].as_str().map(|format| match format {
        "unixTimestamp" => TimestampFormat::EpochSeconds,
        "iso8601" => TimestampFormat::Iso8601,
        "rfc822" => TimestampFormat::HttpDate,
        other => panic!("timestamp format {other} is not known"),
    })
}
