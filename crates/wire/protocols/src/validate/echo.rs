//! Values as validation errors repeat them.

use std::fmt::{self, Write};

use strongroom_schema::{Kind, Member, Schema, Structure, Value};

use crate::cut::Cut;
use crate::name::LowerCamel;
use crate::scalar;

/// Bytes after which a value is cut. AWS repeats it whole.
const LONGEST: usize = 4096;

/// What stands for the value of a sensitive member.
const REDACTED: &str = "***Sensitive Data Redacted***";

/// A value in the form that Java's services print: `[a, b]`, `{key=value}`, and text as it is.
pub(crate) fn of(schema: &'static Schema, value: Value<'_>) -> String {
    let mut echo = Echo(Cut::new(LONGEST));
    let cut = echo.value(schema, value).is_err();
    let mut text = echo.0.into_text();
    if cut {
        text.push_str("...");
    }
    text
}

struct Echo(Cut);

impl Echo {
    fn value(&mut self, schema: &'static Schema, value: Value<'_>) -> fmt::Result {
        if schema.sensitive {
            return self.0.write_str(REDACTED);
        }
        match (&schema.kind, value) {
            (_, Value::String(text)) => self.0.write_str(text),
            (_, Value::Timestamp(moment)) => self.0.write_str(&moment.to_iso8601()),
            (_, Value::Blob(bytes)) => {
                write!(
                    self.0,
                    "java.nio.HeapByteBuffer[pos=0 lim={length} cap={length}]",
                    length = bytes.len()
                )
            }
            (Kind::List(item), Value::List(list)) => {
                self.0.write_str("[")?;
                for index in 0..list.len() {
                    self.separate(index)?;
                    self.value(item.schema, list.item(index))?;
                }
                self.0.write_str("]")
            }
            (Kind::Map(_, entry), Value::Map(map)) => {
                self.0.write_str("{")?;
                for index in 0..map.len() {
                    let (key, value) = map.entry(index);
                    self.separate(index)?;
                    write!(self.0, "{key}=")?;
                    self.value(entry.schema, value)?;
                }
                self.0.write_str("}")
            }
            (_, Value::Structure(structure)) => self.structure(structure),
            (_, plain) => {
                let mut text = String::new();
                scalar::push_plain(&mut text, plain);
                self.0.write_str(&text)
            }
        }
    }

    /// `Tag(tagKey=team, tagValue=a)`. Java prints the class and an address; this says more.
    fn structure(&mut self, structure: &dyn Structure) -> fmt::Result {
        let schema = structure.schema();
        write!(self.0, "{}(", schema.name)?;
        let set = |(index, member): (usize, &'static Member)| Some((member, structure.member(index)?));
        for (nth, (member, value)) in schema.members().iter().enumerate().filter_map(set).enumerate() {
            self.separate(nth)?;
            write!(self.0, "{}=", LowerCamel(member.name))?;
            self.value(member.schema, value)?;
        }
        self.0.write_str(")")
    }

    fn separate(&mut self, index: usize) -> fmt::Result {
        self.0.write_str(if index == 0 { "" } else { ", " })
    }
}
