//! `shapes.rs`: a struct for every structure, an open enum for every enum.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use anyhow::{Context as _, Result, bail, ensure};

use super::{Plan, is_enum};
use crate::model::{Reference, Shape};
use crate::names::{Names, snake, variant};

pub(super) fn render(plan: &Plan<'_>) -> Result<String> {
    let mut text = plan.head("The structures and enums of the model.");
    text.push_str(
        "use strongroom_schema::{Blob, ByteStream, Map, Timestamp, open_enum, structure};\nuse strongroom_secret::Secret;\n\n\
         use crate::schemas;\n\n",
    );
    for (name, shape) in &plan.model.shapes {
        if is_enum(shape) {
            open_enum(plan, name, shape, &mut text)?;
        } else if shape.is_structure() {
            structure(plan, name, shape, &mut text)?;
        }
    }
    Ok(text)
}

fn open_enum(plan: &Plan<'_>, name: &str, shape: &Shape, text: &mut String) -> Result<()> {
    let mut variants = Names::variants();
    writeln!(text, "open_enum! {{\n    /// `{name}`\n    {} {{", plan.type_of(name)?)?;
    for value in &shape.values {
        writeln!(text, "        {} = {value:?},", variants.unique(&variant(value)))?;
    }
    text.push_str("    }\n}\n\n");
    Ok(())
}

fn structure(plan: &Plan<'_>, name: &str, shape: &Shape, text: &mut String) -> Result<()> {
    let type_name = plan.type_of(name)?;
    let (mut fields, mut required_list, mut optional_list) = (String::new(), String::new(), String::new());
    let mut stream = String::new();
    let mut names = Names::default();
    for (at, (member, reference)) in shape.members.iter().enumerate() {
        let field = names.unique(&snake(member));
        if reference.streaming {
            let optional = !shape.required.iter().any(|required| required == member);
            ensure!(optional && stream.is_empty(), "{name}: one optional member may stream");
            stream = format!(", stream {field}");
            writeln!(fields, "    /// `{member}`\n    pub {field}: Option<ByteStream>,")?;
            continue;
        }
        let mut field_type = field_type(plan, reference)?;
        // Only a structure that holds itself by value needs the box; lists and maps are boxes already.
        if plan.shape(&reference.shape)?.is_structure()
            && holds(plan, &reference.shape, name, &mut BTreeSet::new())?
        {
            field_type = format!("Box<{field_type}>");
        }
        if shape.required.iter().any(|required| required == member) {
            write!(required_list, "{at} {field} ")?;
        } else {
            write!(optional_list, "{at} {field} ")?;
            field_type = format!("Option<{field_type}>");
        }
        writeln!(fields, "    /// `{member}`\n    pub {field}: {field_type},")?;
    }
    // What can be read once cannot be copied.
    let derived = if stream.is_empty() { "Clone, Debug, Default" } else { "Debug, Default" };
    writeln!(text, "/// `{name}`\n#[derive({derived})]\npub struct {type_name} {{\n{fields}}}\n")?;
    writeln!(
        text,
        "structure!({type_name}, {}, required {{ {required_list}}}, optional {{ {optional_list}}}{stream});\n",
        plan.schema_path(name)?
    )?;
    Ok(())
}

/// The Rust type of a mention's values.
fn field_type(plan: &Plan<'_>, reference: &Reference) -> Result<String> {
    let shape = plan.shape(&reference.shape)?;
    let plain = match shape.kind.as_str() {
        "boolean" => "bool".to_owned(),
        "integer" => "i32".to_owned(),
        "long" => "i64".to_owned(),
        "float" => "f32".to_owned(),
        "double" => "f64".to_owned(),
        "string" if is_enum(shape) => plan.type_of(&reference.shape)?.to_owned(),
        "string" | "character" => "String".to_owned(),
        "blob" => "Blob".to_owned(),
        "timestamp" => "Timestamp".to_owned(),
        "list" => {
            format!("Vec<{}>", field_type(plan, shape.member.as_ref().context("a list has a member")?)?)
        }
        "map" => format!("Map<{}>", field_type(plan, shape.value.as_ref().context("a map has values")?)?),
        "structure" => plan.type_of(&reference.shape)?.to_owned(),
        other => bail!("shapes of type {other} are not known"),
    };
    // Text and bytes are what can be wiped; what contains them is shown with its parts hidden.
    let wiped = plan.is_sensitive(&reference.shape, shape) && matches!(plain.as_str(), "String" | "Blob");
    Ok(if wiped { format!("Secret<{plain}>") } else { plain })
}

/// Whether a value of the structure `outer` holds, by value, one of the structure `inner`.
fn holds(plan: &Plan<'_>, outer: &str, inner: &str, seen: &mut BTreeSet<String>) -> Result<bool> {
    if outer == inner {
        return Ok(true);
    }
    if !seen.insert(outer.to_owned()) {
        return Ok(false);
    }
    for (_, member) in plan.shape(outer)?.members.iter() {
        if plan.shape(&member.shape)?.is_structure() && holds(plan, &member.shape, inner, seen)? {
            return Ok(true);
        }
    }
    Ok(false)
}
