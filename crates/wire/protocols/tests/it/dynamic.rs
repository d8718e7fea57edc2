//! A structure that holds whatever its schema says.

use strongroom_schema::{Kind, ListView, MapView, ReadError, Reader, Schema, Structure, Timestamp, Value};

/// A value of any shape.
#[derive(Clone, Debug)]
pub(crate) enum Dyn {
    Boolean(bool),
    Integer(i64),
    Float(f32),
    Double(f64),
    String(String),
    Blob(Vec<u8>),
    Timestamp(Timestamp),
    List(DynList),
    Map(DynMap),
    Structure(DynStructure),
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct DynList(pub(crate) Vec<Dyn>);

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct DynMap(pub(crate) Vec<(String, Dyn)>);

#[derive(Clone)]
pub(crate) struct DynStructure {
    schema: &'static Schema,
    members: Vec<Option<Dyn>>,
}

impl DynStructure {
    pub(crate) fn new(schema: &'static Schema) -> Self {
        Self { schema, members: schema.members().iter().map(|_| None).collect() }
    }

    /// The same structure with a member set.
    pub(crate) fn with(mut self, name: &str, value: Dyn) -> Self {
        let index = self.schema.position(name).unwrap_or_else(|| panic!("no member {name}"));
        self.members[index] = Some(value);
        self
    }

    pub(crate) fn get(&self, name: &str) -> Option<&Dyn> {
        self.members[self.schema.position(name).unwrap()].as_ref()
    }

    /// Leaves out lists without items, which EC2's form cannot say.
    pub(crate) fn without_empty_lists(mut self) -> Self {
        for member in &mut self.members {
            if matches!(member, Some(Dyn::List(DynList(items))) if items.is_empty()) {
                *member = None;
            }
        }
        self
    }

    /// Leaves out maps without entries, which the query form cannot say.
    pub(crate) fn without_empty_maps(mut self) -> Self {
        for member in &mut self.members {
            if matches!(member, Some(Dyn::Map(DynMap(entries))) if entries.is_empty()) {
                *member = None;
            }
        }
        self
    }
}

impl std::fmt::Debug for DynStructure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let members = self.schema.members().iter().zip(&self.members);
        let set = members.filter_map(|(member, value)| Some((member.name, value.as_ref()?)));
        f.write_str(self.schema.name)?;
        f.debug_map().entries(set).finish()
    }
}

/// NaN equals NaN here, and a map's order does not matter.
impl PartialEq for Dyn {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Boolean(a), Self::Boolean(b)) => a == b,
            (Self::Integer(a), Self::Integer(b)) => a == b,
            (Self::Float(a), Self::Float(b)) => a == b || a.is_nan() && b.is_nan(),
            (Self::Double(a), Self::Double(b)) => a == b || a.is_nan() && b.is_nan(),
            (Self::String(a), Self::String(b)) => a == b,
            (Self::Blob(a), Self::Blob(b)) => a == b,
            (Self::Timestamp(a), Self::Timestamp(b)) => a == b,
            (Self::List(a), Self::List(b)) => a == b,
            (Self::Map(a), Self::Map(b)) => {
                a.0.len() == b.0.len() && a.0.iter().all(|entry| b.0.contains(entry))
            }
            (Self::Structure(a), Self::Structure(b)) => a == b,
            _ => false,
        }
    }
}

impl PartialEq for DynStructure {
    fn eq(&self, other: &Self) -> bool {
        std::ptr::eq(self.schema, other.schema) && self.members == other.members
    }
}

impl Dyn {
    fn read(schema: &'static Schema, reader: &mut dyn Reader) -> Result<Self, ReadError> {
        Ok(match &schema.kind {
            Kind::Boolean => Self::Boolean(reader.boolean()?),
            Kind::Integer => Self::Integer(i64::from(reader.integer()?)),
            Kind::Long => Self::Integer(reader.long()?),
            Kind::Float => Self::Float(reader.double()? as f32),
            Kind::Double => Self::Double(reader.double()?),
            Kind::String | Kind::Enum(_) => Self::String(reader.string()?),
            Kind::Blob => Self::Blob(reader.blob()?),
            Kind::Timestamp(_) => Self::Timestamp(reader.timestamp()?),
            Kind::List(item) => {
                let mut items = Vec::new();
                reader.list(&mut |reader| {
                    items.push(Self::read(item.schema, reader)?);
                    Ok(())
                })?;
                Self::List(DynList(items))
            }
            Kind::Map(_, entry) => {
                let mut entries = Vec::new();
                reader.map(&mut |key, reader| {
                    entries.push((key, Self::read(entry.schema, reader)?));
                    Ok(())
                })?;
                Self::Map(DynMap(entries))
            }
            Kind::Structure(_) | Kind::Union(_) => {
                let mut structure = DynStructure::new(schema);
                reader.structure(&mut structure)?;
                Self::Structure(structure)
            }
        })
    }

    fn value(&self) -> Value<'_> {
        match self {
            Self::Boolean(truth) => Value::Boolean(*truth),
            Self::Integer(number) => Value::Integer(*number),
            Self::Float(number) => Value::Float(*number),
            Self::Double(number) => Value::Double(*number),
            Self::String(text) => Value::String(text),
            Self::Blob(bytes) => Value::Blob(bytes),
            Self::Timestamp(moment) => Value::Timestamp(*moment),
            Self::List(list) => Value::List(list),
            Self::Map(map) => Value::Map(map),
            Self::Structure(structure) => Value::Structure(structure),
        }
    }
}

impl ListView for DynList {
    fn len(&self) -> usize {
        self.0.len()
    }

    fn item(&self, index: usize) -> Value<'_> {
        self.0[index].value()
    }
}

impl MapView for DynMap {
    fn len(&self) -> usize {
        self.0.len()
    }

    fn entry(&self, index: usize) -> (&str, Value<'_>) {
        let (key, value) = &self.0[index];
        (key, value.value())
    }
}

impl Structure for DynStructure {
    fn schema(&self) -> &'static Schema {
        self.schema
    }

    fn member(&self, index: usize) -> Option<Value<'_>> {
        self.members[index].as_ref().map(Dyn::value)
    }

    fn read_member(&mut self, index: usize, reader: &mut dyn Reader) -> Result<(), ReadError> {
        self.members[index] = Some(Dyn::read(self.schema.members()[index].schema, reader)?);
        Ok(())
    }
}

pub(crate) fn text(text: &str) -> Dyn {
    Dyn::String(text.to_owned())
}

pub(crate) fn texts(texts: &[&str]) -> Dyn {
    Dyn::List(DynList(texts.iter().map(|it| text(it)).collect()))
}

pub(crate) fn map(entries: &[(&str, &str)]) -> Dyn {
    Dyn::Map(DynMap(entries.iter().map(|(key, value)| ((*key).to_owned(), text(value))).collect()))
}
