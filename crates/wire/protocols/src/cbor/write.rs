//! Writing a structure as CBOR.

use strongroom_schema::{Member, Structure, Timestamp, Value};
use strongroom_secret::{SecretBuffer, SecretBytes};

/// Major types, in the upper three bits.
const UNSIGNED: u8 = 0 << 5;
const NEGATIVE: u8 = 1 << 5;
const BYTES: u8 = 2 << 5;
const TEXT: u8 = 3 << 5;
const ARRAY: u8 = 4 << 5;
const MAP: u8 = 5 << 5;

const FALSE: u8 = 0xF4;
const TRUE: u8 = 0xF5;
const SINGLE: u8 = 0xFA;
const DOUBLE: u8 = 0xFB;
/// The tag of a moment in seconds since 1970.
const EPOCH_SECONDS: u8 = 0xC1;

/// Writes a map of `fields` that no schema describes and of the members that are set and `wanted`.
pub(crate) fn write_with(
    fields: &[(&str, &str)],
    structure: Option<&dyn Structure>,
    wanted: fn(&Member) -> bool,
) -> SecretBytes {
    let mut out = SecretBuffer::with_capacity(256);
    let set = structure.map_or(0, |structure| set_members(structure, wanted).count());
    push_head(&mut out, MAP, fields.len() + set);
    for (name, value) in fields {
        push_text(&mut out, name);
        push_text(&mut out, value);
    }
    if let Some(structure) = structure {
        push_members(&mut out, structure, wanted);
    }
    out.into_secret()
}

/// The members that are set and `wanted`, with their values.
fn set_members(
    structure: &dyn Structure,
    wanted: fn(&Member) -> bool,
) -> impl Iterator<Item = (&'static Member, Value<'_>)> {
    let members = structure.schema().members().iter().enumerate();
    members
        .filter(move |(_, member)| wanted(member))
        .filter_map(|(index, member)| Some((member, structure.member(index)?)))
}

fn push_members(out: &mut SecretBuffer, structure: &dyn Structure, wanted: fn(&Member) -> bool) {
    for (member, value) in set_members(structure, wanted) {
        push_text(out, member.name);
        push_value(out, value);
    }
}

fn push_value(out: &mut SecretBuffer, value: Value<'_>) {
    match value {
        Value::Boolean(truth) => out.push_byte(if truth { TRUE } else { FALSE }),
        Value::Integer(number) if number < 0 => push_argument(out, NEGATIVE, !number as u64),
        Value::Integer(number) => push_argument(out, UNSIGNED, number as u64),
        Value::Float(number) => {
            out.push_byte(SINGLE);
            out.extend_from_slice(&number.to_be_bytes());
        }
        Value::Double(number) => push_double(out, number),
        Value::String(text) => push_text(out, text),
        Value::Blob(bytes) => {
            push_head(out, BYTES, bytes.len());
            out.extend_from_slice(bytes);
        }
        Value::Timestamp(moment) => push_moment(out, moment),
        Value::List(list) => {
            push_head(out, ARRAY, list.len());
            for index in 0..list.len() {
                push_value(out, list.item(index));
            }
        }
        Value::Map(map) => {
            push_head(out, MAP, map.len());
            for index in 0..map.len() {
                let (key, value) = map.entry(index);
                push_text(out, key);
                push_value(out, value);
            }
        }
        Value::Structure(structure) => {
            push_head(out, MAP, set_members(structure, |_| true).count());
            push_members(out, structure, |_| true);
        }
    }
}

/// Appends a moment as Smithy's services write it: seconds of double precision, which hold milliseconds exactly
/// enough to be read back.
fn push_moment(out: &mut SecretBuffer, moment: Timestamp) {
    out.push_byte(EPOCH_SECONDS);
    push_double(out, moment.as_millis() as f64 / 1000.0);
}

fn push_double(out: &mut SecretBuffer, number: f64) {
    out.push_byte(DOUBLE);
    out.extend_from_slice(&number.to_be_bytes());
}

fn push_text(out: &mut SecretBuffer, text: &str) {
    push_head(out, TEXT, text.len());
    out.extend_from_slice(text.as_bytes());
}

/// Appends a major type with a length.
fn push_head(out: &mut SecretBuffer, major: u8, length: usize) {
    push_argument(out, major, length as u64);
}

/// Appends a major type with its argument, in as few bytes as it takes.
fn push_argument(out: &mut SecretBuffer, major: u8, argument: u64) {
    let bytes = argument.to_be_bytes();
    match argument {
        0..24 => out.push_byte(major | argument as u8),
        24..0x100 => out.extend_from_slice(&[major | 0x18, bytes[7]]),
        0x100..0x1_0000 => {
            out.push_byte(major | 0x19);
            out.extend_from_slice(&bytes[6..]);
        }
        0x1_0000..0x1_0000_0000 => {
            out.push_byte(major | 0x1A);
            out.extend_from_slice(&bytes[4..]);
        }
        _ => {
            out.push_byte(major | 0x1B);
            out.extend_from_slice(&bytes);
        }
    }
}
