//! The XML of answers.
//!
//! Elements follow the schema: lists and maps with their own level of elements or flattened, names and
//! namespaces as the model gives them, attributes. The text is escaped so that a parser gives back what was
//! written, line ends included; a character that XML 1.0 cannot hold becomes U+FFFD.
//! <https://smithy.io/2.0/spec/protocol-traits.html#xml-bindings>

use std::borrow::Cow;

use strongroom_schema::{Kind, Member, Structure, TimestampFormat, Value};
use strongroom_secret::{SecretBuffer, SecretBytes};

use crate::out::Out as _;
use crate::scalar;

/// Writes the members of a structure as elements, without an element around them.
pub fn write(structure: &dyn Structure) -> SecretBytes {
    let mut out = SecretBuffer::with_capacity(512);
    push_members(&mut out, structure, |_| true);
    out.into_secret()
}

/// Appends the members that are set and `wanted`, in the order of the schema.
pub(crate) fn push_members(out: &mut SecretBuffer, structure: &dyn Structure, wanted: fn(&Member) -> bool) {
    for (index, member) in structure.schema().members().iter().enumerate() {
        if member.traits.xml_attribute || !wanted(member) {
            continue;
        }
        if let Some(value) = structure.member(index) {
            push_member(out, member, value);
        }
    }
}

/// Appends an element that holds text and nothing else.
pub(crate) fn push_text_element(out: &mut SecretBuffer, name: &str, text: &str) {
    push_start(out, name, None);
    push_text(out, text);
    push_end(out, name);
}

/// Appends a start tag, in that namespace.
pub(crate) fn push_start(out: &mut SecretBuffer, name: &str, namespace: Option<&str>) {
    out.push('<');
    out.push_str(name);
    if let Some(uri) = namespace {
        push_attribute(out, "xmlns", uri);
    }
    out.push('>');
}

/// Appends an end tag.
pub(crate) fn push_end(out: &mut SecretBuffer, name: &str) {
    out.push_str("</");
    out.push_str(name);
    out.push('>');
}

fn push_member(out: &mut SecretBuffer, member: &Member, value: Value<'_>) {
    match (&member.schema.kind, value) {
        (Kind::List(item), Value::List(list)) if member.traits.flattened => {
            let namespace = item.traits.xml_namespace.or(member.traits.xml_namespace);
            for index in 0..list.len() {
                push_element(out, name(member), namespace, item, list.item(index));
            }
        }
        (Kind::Map(key, entry), Value::Map(map)) if member.traits.flattened => {
            for index in 0..map.len() {
                open(out, name(member), member.traits.xml_namespace, None);
                push_entry(out, key, entry, map.entry(index));
                push_end(out, name(member));
            }
        }
        _ => push_element(out, name(member), member.traits.xml_namespace, member, value),
    }
}

fn push_element(
    out: &mut SecretBuffer,
    name: &str,
    namespace: Option<(Option<&str>, &str)>,
    member: &Member,
    value: Value<'_>,
) {
    let structure = if let Value::Structure(structure) = value { Some(structure) } else { None };
    open(out, name, namespace, structure);
    push_content(out, member, value);
    push_end(out, name);
}

fn push_content(out: &mut SecretBuffer, member: &Member, value: Value<'_>) {
    match (&member.schema.kind, value) {
        (Kind::List(item), Value::List(list)) => {
            for index in 0..list.len() {
                push_element(out, name(item), item.traits.xml_namespace, item, list.item(index));
            }
        }
        (Kind::Map(key, entry), Value::Map(map)) => {
            for index in 0..map.len() {
                push_start(out, "entry", None);
                push_entry(out, key, entry, map.entry(index));
                push_end(out, "entry");
            }
        }
        (_, Value::Structure(structure)) => push_members(out, structure, |_| true),
        // Nothing in it needs escaping, and it may be a secret.
        (_, Value::Blob(bytes)) => out.push_base64(bytes),
        _ => push_text(out, &text(member, value)),
    }
}

fn push_entry(out: &mut SecretBuffer, key: &Member, entry: &Member, (name_of, value): (&str, Value<'_>)) {
    push_element(out, name(key), key.traits.xml_namespace, key, Value::String(name_of));
    push_element(out, name(entry), entry.traits.xml_namespace, entry, value);
}

/// Appends a start tag with its namespace, and with the attributes of a structure.
pub(crate) fn open(
    out: &mut SecretBuffer,
    name_of: &str,
    namespace: Option<(Option<&str>, &str)>,
    structure: Option<&dyn Structure>,
) {
    out.push('<');
    out.push_str(name_of);
    match namespace {
        None => {}
        Some((None, uri)) => push_attribute(out, "xmlns", uri),
        Some((Some(prefix), uri)) => push_attribute(out, &format!("xmlns:{prefix}"), uri),
    }
    if let Some(structure) = structure {
        for (index, member) in structure.schema().members().iter().enumerate() {
            if member.traits.xml_attribute
                && let Some(value) = structure.member(index)
            {
                push_attribute(out, name(member), &text(member, value));
            }
        }
    }
    out.push('>');
}

fn push_attribute(out: &mut SecretBuffer, name: &str, value: &str) {
    out.push(' ');
    out.push_str(name);
    out.push_str("=\"");
    push_text(out, value);
    out.push('"');
}

/// A scalar in words; empty for other kinds.
fn text<'v>(member: &Member, value: Value<'v>) -> Cow<'v, str> {
    match value {
        Value::String(text) => Cow::Borrowed(text),
        Value::Timestamp(moment) => {
            let format = scalar::timestamp_format(member, TimestampFormat::Iso8601);
            Cow::Owned(scalar::timestamp_text(moment, format))
        }
        Value::Blob(bytes) => {
            let mut out = String::new();
            out.push_base64(bytes);
            Cow::Owned(out)
        }
        _ => {
            let mut out = String::new();
            scalar::push_plain(&mut out, value);
            Cow::Owned(out)
        }
    }
}

/// Appends text, escaped for elements and attributes alike. Line ends and tabs are written as references:
/// parsers would turn some of them into others.
pub(crate) fn push_text(out: &mut SecretBuffer, text: &str) {
    let mut rest = text;
    while let Some((at, special, escaped)) =
        rest.char_indices().find_map(|(at, char)| Some((at, char, escape(char)?)))
    {
        out.push_str(&rest[..at]);
        out.push_str(escaped);
        rest = &rest[at + special.len_utf8()..];
    }
    out.push_str(rest);
}

fn escape(char: char) -> Option<&'static str> {
    Some(match char {
        '&' => "&amp;",
        '<' => "&lt;",
        '>' => "&gt;",
        '"' => "&quot;",
        '\'' => "&apos;",
        '\t' => "&#x9;",
        '\n' => "&#xA;",
        '\r' => "&#xD;",
        '\u{85}' => "&#x85;",
        '\u{2028}' => "&#x2028;",
        '\0'..='\u{1f}' | '\u{fffe}' | '\u{ffff}' => "\u{fffd}",
        _ => return None,
    })
}

/// What the protocol calls a member.
fn name(member: &Member) -> &'static str {
    member.traits.wire_name.unwrap_or(member.name)
}
