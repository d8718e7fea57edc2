//! The model's constraints, checked on what was read and reported in AWS's words.
//!
//! `2 validation errors detected: Value '' at 'keyId' failed to satisfy constraint: Member must have length
//! greater than or equal to 1; Value null at 'tags.1.member.tagKey' failed to satisfy constraint: Member
//! must not be null`. Items of lists and entries of maps that break their constraints are reported once, on
//! the list or map, with all that its items have to satisfy; what is inside of them is reported by its path.
//! Bytes and sensitive values are never repeated.

pub(crate) mod echo;
pub(crate) mod rules;

use std::fmt;

use strongroom_schema::{Kind, ListView, MapView, Schema, Structure, Value};

use crate::Missing;
use crate::path::Path;

/// As many violations as DynamoDB reports of one request; other services are not known to differ.
const MOST: usize = 10;

/// Bytes that a message may have. AWS has no such bound; it repeats whole values.
const LONGEST: usize = 16 * 1024;

/// What is wrong with an input, in AWS's words: at least one violation, at most ten. `Display` gives the
/// message that comes with code `ValidationException`, or `ValidationError` in the query protocol.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{} validation error{} detected: {}", items.len(), if items.len() == 1 { "" } else { "s" }, Joined(items))]
pub struct Violations {
    items: Vec<String>,
}

/// Checks a structure against its schema. `missing` is what its reader said.
pub fn validate(structure: &dyn Structure, missing: &Missing) -> Result<(), Violations> {
    let mut check = Check { missing, items: Vec::new(), length: 0 };
    check.members(structure, &Path::ROOT);
    if check.items.is_empty() { Ok(()) } else { Err(Violations { items: check.items }) }
}

struct Joined<'v>(&'v [String]);

impl fmt::Display for Joined<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, item) in self.0.iter().enumerate() {
            f.write_str(if index == 0 { "" } else { "; " })?;
            f.write_str(item)?;
        }
        Ok(())
    }
}

/// Recurses as deep as the data is, which the readers have bounded.
struct Check<'m> {
    missing: &'m Missing,
    items: Vec<String>,
    length: usize,
}

impl Check<'_> {
    fn members(&mut self, structure: &dyn Structure, path: &Path<'_>) {
        for (index, member) in structure.schema().members().iter().enumerate() {
            if self.is_full() {
                return;
            }
            let path = path.member(member.name);
            if member.required && self.missing.contains(&path) {
                let value = if is_shown(member.schema) { "Value null" } else { "Value" };
                self.report(value, &path, "Member must not be null");
            } else if let Some(value) = structure.member(index) {
                for rule in rules::of(member.schema).filter(|rule| !rule.holds(value)) {
                    self.report_value(member.schema, value, &path, &rule.to_string());
                }
                self.inside(member.schema, value, &path);
            }
        }
    }

    /// Checks what is inside of a value, after the value itself.
    fn inside(&mut self, schema: &'static Schema, value: Value<'_>, path: &Path<'_>) {
        match (&schema.kind, value) {
            (Kind::List(item), Value::List(list)) => self.list(schema, item.schema, list, path),
            (Kind::Map(key, entry), Value::Map(map)) => {
                self.map(schema, (key.schema, entry.schema), map, path);
            }
            (_, Value::Structure(structure)) => self.members(structure, path),
            _ => {}
        }
    }

    fn list(&mut self, schema: &'static Schema, item: &'static Schema, list: &dyn ListView, path: &Path<'_>) {
        if !(0..list.len()).all(|index| rules::of(item).all(|rule| rule.holds(list.item(index)))) {
            let rule = format!("Member must satisfy constraint: [{}]", rules::all(item));
            self.report_value(schema, Value::List(list), path, &rule);
        }
        if rules::has_inside(item) {
            for index in 0..list.len() {
                if self.is_full() {
                    return;
                }
                self.inside(item, list.item(index), &path.item(index));
            }
        }
    }

    fn map(
        &mut self,
        schema: &'static Schema,
        (key, entry): (&'static Schema, &'static Schema),
        map: &dyn MapView,
        path: &Path<'_>,
    ) {
        let entries = || (0..map.len()).map(|index| map.entry(index));
        if !entries().all(|(name, _)| rules::of(key).all(|rule| rule.holds(Value::String(name)))) {
            let rule = format!("Map keys must satisfy constraint: [{}]", rules::all(key));
            self.report_value(schema, Value::Map(map), path, &rule);
        }
        if !entries().all(|(_, value)| rules::of(entry).all(|rule| rule.holds(value))) {
            let rule = format!("Map value must satisfy constraint: [{}]", rules::all(entry));
            self.report_value(schema, Value::Map(map), path, &rule);
        }
        if rules::has_inside(entry) {
            for (name, value) in entries() {
                if self.is_full() {
                    return;
                }
                self.inside(entry, value, &path.key(name));
            }
        }
    }

    fn report_value(&mut self, schema: &'static Schema, value: Value<'_>, path: &Path<'_>, rule: &str) {
        if is_shown(schema) {
            self.report(&format!("Value '{}'", echo::of(schema, value)), path, rule);
        } else {
            self.report("Value", path, rule);
        }
    }

    fn report(&mut self, value: &str, path: &Path<'_>, rule: &str) {
        if self.is_full() {
            return;
        }
        let path = path.text();
        let item = format!("{value} at '{path}' failed to satisfy constraint: {rule}");
        if self.items.is_empty() || self.length + item.len() <= LONGEST {
            self.length += item.len();
            self.items.push(item);
        }
    }

    fn is_full(&self) -> bool {
        self.items.len() == MOST
    }
}

/// Whether a value may be repeated to its sender. Bytes and secrets are not even said to be null.
fn is_shown(schema: &Schema) -> bool {
    !schema.sensitive && !matches!(schema.kind, Kind::Blob)
}
