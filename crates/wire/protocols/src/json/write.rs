//! Writing a structure as JSON, in the style of messages or of records.

use strongroom_schema::{Kind, Member, Schema, Structure, Timestamp, TimestampFormat, Value};

use crate::out::Out;
use crate::scalar;

/// What sets one form of JSON apart from another.
pub(crate) trait Style {
    /// What it is written into.
    type Out: Out;

    /// What opens and closes a list.
    const LIST: (&'static str, &'static str) = ("[", "]");

    /// A list without items.
    const EMPTY_LIST: &'static str = "[]";

    /// Appends a member's name, without quotes.
    fn push_name(out: &mut Self::Out, member: &Member);

    /// Whether values of that shape are left out.
    fn omits(schema: &Schema) -> bool;

    /// Appends a moment, with quotes if the form has them.
    fn push_timestamp(out: &mut Self::Out, moment: Timestamp, format: TimestampFormat);
}

/// Writes JSON in one style.
pub(crate) struct Writer<S: Style> {
    out: S::Out,
}

impl<S: Style> Default for Writer<S> {
    fn default() -> Self {
        Self { out: S::Out::with_room(512) }
    }
}

impl<S: Style> Writer<S> {
    /// The text.
    pub(crate) fn finish(self) -> S::Out {
        self.out
    }

    /// Writes a structure.
    pub(crate) fn structure(&mut self, structure: &dyn Structure) {
        self.out.push('{');
        self.members(structure, |_| true);
        self.out.push('}');
    }

    /// Opens an object.
    pub(crate) fn open(&mut self) {
        self.out.push('{');
    }

    /// Closes an object.
    pub(crate) fn close(&mut self) {
        self.out.push('}');
    }

    /// Writes a member of an object that no schema describes.
    pub(crate) fn field(&mut self, name: &str, value: &str) {
        self.separate();
        push_string(&mut self.out, name);
        self.out.push(':');
        push_string(&mut self.out, value);
    }

    /// Writes the members that are set and `wanted`, into the object that is open.
    pub(crate) fn members(&mut self, structure: &dyn Structure, wanted: fn(&Member) -> bool) {
        for (index, member) in structure.schema().members().iter().enumerate() {
            if S::omits(member.schema) || !wanted(member) {
                continue;
            }
            if let Some(value) = structure.member(index) {
                self.separate();
                self.out.push('"');
                S::push_name(&mut self.out, member);
                self.out.push_str("\":");
                self.value(member, value);
            }
        }
    }

    fn value(&mut self, member: &Member, value: Value<'_>) {
        match value {
            Value::Boolean(_) | Value::Integer(_) => scalar::push_plain(&mut self.out, value),
            Value::Float(number) => self.floating(f64::from(number), value),
            Value::Double(number) => self.floating(number, value),
            Value::String(text) => push_string(&mut self.out, text),
            Value::Blob(bytes) => {
                self.out.push('"');
                self.out.push_base64(bytes);
                self.out.push('"');
            }
            Value::Timestamp(moment) => {
                let format = scalar::timestamp_format(member, TimestampFormat::EpochSeconds);
                S::push_timestamp(&mut self.out, moment, format);
            }
            Value::List(list) if list.is_empty() => self.out.push_str(S::EMPTY_LIST),
            Value::List(list) => {
                self.out.push_str(S::LIST.0);
                if let Kind::List(item) = &member.schema.kind
                    && !S::omits(item.schema)
                {
                    for index in 0..list.len() {
                        self.separate();
                        self.value(item, list.item(index));
                    }
                }
                self.out.push_str(S::LIST.1);
            }
            Value::Map(map) => {
                self.out.push('{');
                if let Kind::Map(_, entry) = &member.schema.kind
                    && !S::omits(entry.schema)
                {
                    for index in 0..map.len() {
                        let (key, value) = map.entry(index);
                        self.separate();
                        push_string(&mut self.out, key);
                        self.out.push(':');
                        self.value(entry, value);
                    }
                }
                self.out.push('}');
            }
            Value::Structure(structure) => self.structure(structure),
        }
    }

    /// A number of floating point; Smithy writes those without digits as strings.
    fn floating(&mut self, number: f64, value: Value<'_>) {
        match scalar::special(number) {
            Some(name) => push_string(&mut self.out, name),
            None => scalar::push_plain(&mut self.out, value),
        }
    }

    /// Writes a comma unless a bracket has just opened.
    fn separate(&mut self) {
        if !matches!(self.out.last(), Some(b'{' | b'[')) {
            self.out.push(',');
        }
    }
}

/// Appends a string with its quotes.
pub(crate) fn push_string(out: &mut impl Out, text: &str) {
    out.push('"');
    let mut rest = text;
    while let Some(at) = rest.bytes().position(|byte| matches!(byte, b'"' | b'\\' | 0..=0x1f)) {
        out.push_str(&rest[..at]);
        match rest.as_bytes()[at] {
            b'"' => out.push_str("\\\""),
            b'\\' => out.push_str("\\\\"),
            b'\n' => out.push_str("\\n"),
            b'\r' => out.push_str("\\r"),
            b'\t' => out.push_str("\\t"),
            // Writing to a string cannot fail.
            control => drop(write!(out, "\\u{control:04x}")),
        }
        rest = &rest[at + 1..];
    }
    out.push_str(rest);
    out.push('"');
}
