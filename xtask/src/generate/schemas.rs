//! `schemas.rs`: one static per shape.

use std::fmt::Write as _;

use anyhow::{Context as _, Result, bail};

use super::{Plan, is_enum, is_flattened, optional};
use crate::model::{Reference, Shape, XmlNamespace};

pub(super) fn render(plan: &Plan<'_>) -> Result<String> {
    let mut text = plan.head("A static schema for every shape of the model.");
    text.push_str(
        "use strongroom_schema::{Bound, Constraints, Kind, Location, Member, MemberTraits, Pattern, Schema, TimestampFormat};\n\n",
    );
    for (name, shape) in &plan.model.shapes {
        let constant = &plan.statics[name.as_str()];
        let pattern =
            plan.entry.patterns.get(name).or(shape.pattern.as_ref()).filter(|_| shape.kind == "string");
        if let Some(pattern) = pattern {
            let ours = crate::pattern::translate(pattern).with_context(|| format!("shape {name}"))?;
            let constant = pattern_constant(plan, constant);
            writeln!(text, "static {constant}: Pattern = Pattern::new({pattern:?}, {ours:?});\n")?;
        }
        let kind = kind(plan, name, shape)?;
        // What is taken beside the model's values is not what AWS lists.
        let also = plan.entry.enum_also.contains_key(name).then_some(&shape.values);
        let listed = plan.entry.enum_listed.get(name).or(also);
        let pattern = pattern.map(|_| pattern_constant(plan, constant));
        let constraints = constraints(shape, pattern.as_deref(), listed);
        let namespace = shape.xml_namespace.as_ref().map(|namespace| match namespace {
            XmlNamespace::Uri(uri) | XmlNamespace::Full { uri, .. } => uri.as_str(),
        });
        write!(
            text,
            "pub(crate) static {constant}: Schema = Schema {{ name: {name:?}, kind: {kind}, constraints: {constraints}, \
             sensitive: {}, xml_namespace: {} }};\n\n",
            plan.is_sensitive(name, shape),
            optional(namespace)
        )?;
    }
    Ok(text)
}

/// The name of a shape's pattern, unless a shape has that name (`LogGroupNamePattern` beside `LogGroupName`).
fn pattern_constant(plan: &Plan<'_>, constant: &str) -> String {
    let name = format!("{constant}_PATTERN");
    if plan.statics.values().any(|taken| *taken == name) { format!("{constant}_REGEX") } else { name }
}

fn kind(plan: &Plan<'_>, name: &str, shape: &Shape) -> Result<String> {
    Ok(match shape.kind.as_str() {
        "boolean" => "Kind::Boolean".to_owned(),
        "integer" => "Kind::Integer".to_owned(),
        "long" => "Kind::Long".to_owned(),
        "float" => "Kind::Float".to_owned(),
        "double" => "Kind::Double".to_owned(),
        "string" if is_enum(shape) => {
            let also = plan.entry.enum_also.get(name).into_iter().flatten();
            format!("Kind::Enum(&{:?})", shape.values.iter().chain(also).collect::<Vec<_>>())
        }
        "string" | "character" => "Kind::String".to_owned(),
        "blob" => "Kind::Blob".to_owned(),
        "timestamp" => format!("Kind::Timestamp({})", timestamp_format(shape.timestamp_format.as_deref())?),
        "list" => {
            let item = shape.member.as_ref().with_context(|| format!("{name} has no member"))?;
            format!("Kind::List({})", member(plan, "member", item, false, false)?)
        }
        "map" => {
            let key = shape.key.as_ref().with_context(|| format!("{name} has no key"))?;
            let value = shape.value.as_ref().with_context(|| format!("{name} has no value"))?;
            let (key, value) =
                (member(plan, "key", key, true, false)?, member(plan, "value", value, true, false)?);
            format!("Kind::Map({key}, {value})")
        }
        "structure" => {
            let mut members = String::new();
            for (member_name, reference) in shape.members.iter() {
                let required = shape.required.iter().any(|required| required == member_name);
                let payload = shape.payload.as_deref() == Some(member_name);
                members.push_str(&member(plan, member_name, reference, required, payload)?);
                members.push_str(",\n");
            }
            let kind = if shape.union { "Union" } else { "Structure" };
            format!("Kind::{kind}(&[{members}])")
        }
        other => bail!("{name}: shapes of type {other} are not known"),
    })
}

fn member(
    plan: &Plan<'_>,
    name: &str,
    reference: &Reference,
    required: bool,
    payload: bool,
) -> Result<String> {
    let target = plan.shape(&reference.shape)?;
    let flattened = is_flattened(reference, target);
    let schema = plan.schema_path(&reference.shape)?.replace("schemas::", "");
    let mut traits = Vec::new();
    match reference.location.as_deref() {
        None => {}
        Some("header") => traits.push("location: Location::Header".to_owned()),
        Some("headers") => traits.push("location: Location::Headers".to_owned()),
        Some("uri") => traits.push("location: Location::Uri".to_owned()),
        Some("querystring") => traits.push("location: Location::QueryString".to_owned()),
        Some("statusCode") => traits.push("location: Location::StatusCode".to_owned()),
        Some(other) => bail!("{name}: location {other} is not known"),
    }
    // A shape's own wire name stands in for one that the mention lacks.
    if let Some(wire) = reference.location_name.as_ref().or(target.location_name.as_ref()) {
        traits.push(format!("wire_name: Some({wire:?})"));
    }
    if let Some(query) = &reference.query_name {
        traits.push(format!("query_name: Some({query:?})"));
    }
    for (set, trait_name) in [
        (flattened, "flattened"),
        (reference.xml_attribute, "xml_attribute"),
        (payload, "payload"),
        (reference.streaming, "streaming"),
        (reference.idempotency_token, "idempotency_token"),
    ] {
        if set {
            traits.push(format!("{trait_name}: true"));
        }
    }
    // A prefix is of no use but at the element whose attributes have it.
    let of_shape =
        target.xml_namespace.as_ref().filter(|it| matches!(it, XmlNamespace::Full { prefix: Some(_), .. }));
    match reference.xml_namespace.as_ref().or(of_shape) {
        None => {}
        Some(XmlNamespace::Uri(uri)) => traits.push(format!("xml_namespace: Some((None, {uri:?}))")),
        Some(XmlNamespace::Full { prefix, uri }) => {
            traits.push(format!("xml_namespace: Some(({}, {uri:?}))", optional(prefix.as_deref())));
        }
    }
    if reference.timestamp_format.is_some() {
        let format = timestamp_format(reference.timestamp_format.as_deref())?;
        traits.push(format!("timestamp_format: {format}"));
    } else if plan.is_rest_xml() && target.kind == "timestamp" && reference.location.is_none() {
        // The XML of S3 has milliseconds where there are none.
        traits.push("timestamp_format: Some(TimestampFormat::Iso8601Millis)".to_owned());
    }
    let traits = if traits.is_empty() {
        "MemberTraits::NONE".to_owned()
    } else {
        format!("MemberTraits {{ {}, ..MemberTraits::NONE }}", traits.join(", "))
    };
    Ok(format!("Member {{ name: {name:?}, schema: &{schema}, required: {required}, traits: {traits} }}"))
}

fn constraints(shape: &Shape, pattern: Option<&str>, listed: Option<&Vec<String>>) -> String {
    let bound = |number: &Option<serde_json::Number>| match number {
        None => "None".to_owned(),
        Some(number) if number.is_f64() => {
            format!("Some(Bound::Float({:?}))", number.as_f64().unwrap_or_default())
        }
        Some(number) => format!("Some(Bound::Int({number}))"),
    };
    let pattern = pattern.map_or("None".to_owned(), |constant| format!("Some(&{constant})"));
    let listed = listed.map_or("None".to_owned(), |listed| format!("Some(&{listed:?})"));
    let all = [
        ("min", bound(&shape.min)),
        ("max", bound(&shape.max)),
        ("pattern", pattern),
        ("enum_listed", listed),
    ];
    let set = all.iter().filter(|(_, value)| value != "None").map(|(name, value)| format!("{name}: {value}"));
    let set: Vec<_> = set.collect();
    if set.is_empty() {
        return "Constraints::NONE".to_owned();
    }
    format!("Constraints {{ {}, ..Constraints::NONE }}", set.join(", "))
}

fn timestamp_format(format: Option<&str>) -> Result<&'static str> {
    Ok(match format {
        None => "None",
        Some("unixTimestamp") => "Some(TimestampFormat::EpochSeconds)",
        Some("iso8601") => "Some(TimestampFormat::Iso8601)",
        Some("rfc822") => "Some(TimestampFormat::HttpDate)",
        Some(other) => bail!("timestamp format {other} is not known"),
    })
}
