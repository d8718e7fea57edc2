//! Reading values from XML elements.
//!
//! S3 holds documents to its schema: an element that the schema does not have, one that comes twice, one that is missing,
//! or a value of an enum that there is not are all the same to the sender, who is told `MalformedXML`. A configuration that
//! is half understood would be worse than none.

use strongroom_schema::{Kind, Member, ReadError, Reader, Structure, Timestamp, TimestampFormat};

use super::tree::{Element, local};
use super::words::Words;
use crate::seen::Seen;

/// An enum whose unknown values S3 refuses in words of its own (`InvalidLocationConstraint`).
const CHECKED_LATER: &str = "BucketLocationConstraint";

/// Elements of one member: one, or all the items of a flattened list or map.
pub(super) struct Elements<'x> {
    pub(super) found: &'x [&'x Element],
    pub(super) member: &'static Member,
}

/// Reads the members of a structure from the element that is the structure.
pub(super) fn read_structure(element: &Element, structure: &mut dyn Structure) -> Result<(), ReadError> {
    let members = structure.schema().members();
    let mut seen = Seen::default();
    let position = |of_attribute: bool, name: &str| {
        members.iter().position(|member| {
            let wire = local(member.traits.wire_name.unwrap_or(member.name));
            member.traits.xml_attribute == of_attribute && wire == name
        })
    };
    for (name, value) in &element.attributes {
        // Attributes that the schema does not have (xsi:schemaLocation) are of the document, not of what it says.
        let Some(at) = position(true, name) else { continue };
        let member = &members[at];
        seen.insert(at);
        check_enum(member, value)?;
        let mut words = Words { text: value, member, moments: TimestampFormat::Iso8601 };
        structure.read_member(at, &mut words)?;
    }
    let children = element.only_children().map_err(|_| wrong())?;
    for child in children {
        if position(false, &child.name).is_none() {
            return Err(wrong());
        }
    }
    for (at, member) in members.iter().enumerate().filter(|(_, member)| !member.traits.xml_attribute) {
        let name = member.traits.wire_name.unwrap_or(member.name);
        let found: Vec<_> = children.iter().filter(|child| child.name == name).collect();
        if found.is_empty() {
            continue;
        }
        if found.len() > 1 && !member.traits.flattened {
            return Err(wrong());
        }
        seen.insert(at);
        structure.read_member(at, &mut Elements { found: &found, member })?;
    }
    let is_whole = members.iter().enumerate().all(|(at, member)| !member.required || seen.has(at));
    if is_whole { Ok(()) } else { Err(wrong()) }
}

impl Elements<'_> {
    fn one(&self) -> Result<&Element, ReadError> {
        self.found.first().copied().ok_or_else(wrong)
    }

    /// The text, where that is all there is. White space around what is no text is of no meaning.
    fn words(&self) -> Result<Words<'_>, ReadError> {
        let text = self.one()?.only_text().map_err(|_| wrong())?;
        let is_text = matches!(self.member.schema.kind, Kind::String | Kind::Enum(_));
        let text = if is_text { text } else { text.trim() };
        Ok(Words { text, member: self.member, moments: TimestampFormat::Iso8601 })
    }
}

impl Reader for Elements<'_> {
    fn boolean(&mut self) -> Result<bool, ReadError> {
        self.words()?.boolean()
    }

    fn integer(&mut self) -> Result<i32, ReadError> {
        self.words()?.integer()
    }

    fn long(&mut self) -> Result<i64, ReadError> {
        self.words()?.long()
    }

    fn double(&mut self) -> Result<f64, ReadError> {
        self.words()?.double()
    }

    fn string(&mut self) -> Result<String, ReadError> {
        let mut words = self.words()?;
        check_enum(self.member, words.text)?;
        words.string()
    }

    fn blob(&mut self) -> Result<Vec<u8>, ReadError> {
        self.words()?.blob()
    }

    fn timestamp(&mut self) -> Result<Timestamp, ReadError> {
        self.words()?.timestamp()
    }

    fn list(
        &mut self,
        item: &mut dyn FnMut(&mut dyn Reader) -> Result<(), ReadError>,
    ) -> Result<(), ReadError> {
        let Kind::List(member) = &self.member.schema.kind else { return Err(wrong()) };
        if self.member.traits.flattened {
            return self
                .found
                .iter()
                .try_for_each(|element| item(&mut Elements { found: &[*element], member }));
        }
        let name = member.traits.wire_name.unwrap_or(member.name);
        let children = self.one()?.only_children().map_err(|_| wrong())?;
        children.iter().try_for_each(|child| {
            if child.name != name {
                return Err(wrong());
            }
            item(&mut Elements { found: &[child], member })
        })
    }

    fn map(
        &mut self,
        entry: &mut dyn FnMut(String, &mut dyn Reader) -> Result<(), ReadError>,
    ) -> Result<(), ReadError> {
        let Kind::Map(key, value) = &self.member.schema.kind else { return Err(wrong()) };
        let entries: Vec<&Element> = if self.member.traits.flattened {
            self.found.to_vec()
        } else {
            self.one()?.only_children().map_err(|_| wrong())?.iter().collect()
        };
        let mut keys: Vec<String> = Vec::new();
        for element in entries {
            let children = element.only_children().map_err(|_| wrong())?;
            let find = |member: &'static Member| {
                let name = member.traits.wire_name.unwrap_or(member.name);
                children.iter().find(|child| child.name == name).ok_or_else(wrong)
            };
            let name = Elements { found: &[find(key)?], member: key }.string()?;
            if keys.contains(&name) {
                return Err(wrong());
            }
            keys.push(name.clone());
            entry(name, &mut Elements { found: &[find(value)?], member: value })?;
        }
        Ok(())
    }

    fn structure(&mut self, structure: &mut dyn Structure) -> Result<(), ReadError> {
        read_structure(self.one()?, structure)
    }
}

fn check_enum(member: &Member, text: &str) -> Result<(), ReadError> {
    match member.schema.kind {
        Kind::Enum(values) if member.schema.name != CHECKED_LATER && !values.contains(&text) => Err(wrong()),
        _ => Ok(()),
    }
}

/// Whatever is wrong, the sender is told the same.
fn wrong() -> ReadError {
    ReadError::new("MalformedXML")
}
