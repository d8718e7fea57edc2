//! Typed shapes: the seam between generated types and codecs.

use std::any::Any;

use strongroom_secret::Secret;
use zeroize::Zeroize;

use crate::{ByteStream, Constraints, Kind, ListView, MapView, ReadError, Reader, Schema, Timestamp, Value};

/// A structure or union of a service model: typed for those who use it, and open by member position to
/// codecs.
pub trait Structure: Any + Send + Sync {
    /// The structure's schema.
    fn schema(&self) -> &'static Schema;

    /// The member at `index` of the schema, or `None` where it is not set. A required member is always
    /// there; whether it came over the wire is the codec's knowledge.
    fn member(&self, index: usize) -> Option<Value<'_>>;

    /// Sets the member at `index` of the schema from `reader`.
    fn read_member(&mut self, index: usize, reader: &mut dyn Reader) -> Result<(), ReadError>;

    /// The place of its streaming member, if it has one: the payload that is no value, and that neither
    /// [`Structure::member`] shows nor [`Structure::read_member`] reads.
    fn stream(&mut self) -> Option<&mut Option<ByteStream>> {
        None
    }
}

/// A type that can stand as a member's value.
pub trait Shape: Sized {
    /// Reads a value of this type.
    fn read(reader: &mut dyn Reader) -> Result<Self, ReadError>;

    /// Shows the value.
    fn value(&self) -> Value<'_>;
}

/// Implements [`Shape`] for a type that a reader method yields and a value variant holds.
macro_rules! scalar {
    ($type:ty, $method:ident, $self:ident => $value:expr) => {
        impl Shape for $type {
            fn read(reader: &mut dyn Reader) -> Result<Self, ReadError> {
                reader.$method()
            }

            fn value(&$self) -> Value<'_> {
                $value
            }
        }
    };
}

scalar!(bool, boolean, self => Value::Boolean(*self));
scalar!(i32, integer, self => Value::Integer(i64::from(*self)));
scalar!(i64, long, self => Value::Integer(*self));
scalar!(f64, double, self => Value::Double(*self));
scalar!(String, string, self => Value::String(self));
scalar!(Timestamp, timestamp, self => Value::Timestamp(*self));

impl Shape for f32 {
    fn read(reader: &mut dyn Reader) -> Result<Self, ReadError> {
        Ok(reader.double()? as Self)
    }

    fn value(&self) -> Value<'_> {
        Value::Float(*self)
    }
}

/// Bytes of a blob. A `Vec<u8>` would read as a list of integers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Blob(pub Vec<u8>);

impl Shape for Blob {
    fn read(reader: &mut dyn Reader) -> Result<Self, ReadError> {
        reader.blob().map(Self)
    }

    fn value(&self) -> Value<'_> {
        Value::Blob(&self.0)
    }
}

impl Zeroize for Blob {
    fn zeroize(&mut self) {
        self.0.zeroize();
    }
}

impl From<Vec<u8>> for Blob {
    fn from(bytes: Vec<u8>) -> Self {
        Self(bytes)
    }
}

impl<T: Shape> Shape for Box<T> {
    fn read(reader: &mut dyn Reader) -> Result<Self, ReadError> {
        T::read(reader).map(Self::new)
    }

    fn value(&self) -> Value<'_> {
        T::value(self)
    }
}

impl<T: Shape + Zeroize> Shape for Secret<T> {
    fn read(reader: &mut dyn Reader) -> Result<Self, ReadError> {
        T::read(reader).map(Self::new)
    }

    fn value(&self) -> Value<'_> {
        self.expose().value()
    }
}

impl<T: Shape> Shape for Vec<T> {
    fn read(reader: &mut dyn Reader) -> Result<Self, ReadError> {
        let mut items = Self::new();
        reader.list(&mut |item| {
            items.push(T::read(item)?);
            Ok(())
        })?;
        Ok(items)
    }

    fn value(&self) -> Value<'_> {
        Value::List(self)
    }
}

impl<T: Shape> ListView for Vec<T> {
    fn len(&self) -> usize {
        self.as_slice().len()
    }

    fn item(&self, index: usize) -> Value<'_> {
        self[index].value()
    }
}

/// A map from text in the order of the wire. Keys are unique: codecs refuse a message that repeats one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Map<T>(Vec<(String, T)>);

impl<T> Map<T> {
    /// The entries in the order of the wire.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &T)> {
        self.0.iter().map(|(key, value)| (key.as_str(), value))
    }

    /// The value of `key`.
    pub fn get(&self, key: &str) -> Option<&T> {
        self.0.iter().find(|(known, _)| known == key).map(|(_, value)| value)
    }

    /// The number of entries.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is no entry.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl<T> Default for Map<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

/// Collects entries; of entries with one key the last stays.
impl<T> FromIterator<(String, T)> for Map<T> {
    fn from_iter<I: IntoIterator<Item = (String, T)>>(entries: I) -> Self {
        let mut map = Self::default();
        for (key, value) in entries {
            match map.0.iter_mut().find(|(known, _)| *known == key) {
                Some(entry) => entry.1 = value,
                None => map.0.push((key, value)),
            }
        }
        map
    }
}

impl<T: Shape> Shape for Map<T> {
    fn read(reader: &mut dyn Reader) -> Result<Self, ReadError> {
        let mut entries = Vec::new();
        reader.map(&mut |key, value| {
            entries.push((key, T::read(value)?));
            Ok(())
        })?;
        Ok(Self(entries))
    }

    fn value(&self) -> Value<'_> {
        Value::Map(self)
    }
}

impl<T: Shape> MapView for Map<T> {
    fn len(&self) -> usize {
        self.0.len()
    }

    fn entry(&self, index: usize) -> (&str, Value<'_>) {
        let (key, value) = &self.0[index];
        (key, value.value())
    }
}

/// The input or output of an operation that has none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Unit;

static UNIT: Schema = Schema {
    name: "Unit",
    kind: Kind::Structure(&[]),
    constraints: Constraints::NONE,
    sensitive: false,
    xml_namespace: None,
};

impl Unit {
    /// The schema of a structure without members.
    pub const SCHEMA: &'static Schema = &UNIT;
}

impl Structure for Unit {
    fn schema(&self) -> &'static Schema {
        Self::SCHEMA
    }

    fn member(&self, _: usize) -> Option<Value<'_>> {
        None
    }

    fn read_member(&mut self, _: usize, _: &mut dyn Reader) -> Result<(), ReadError> {
        Ok(())
    }
}
