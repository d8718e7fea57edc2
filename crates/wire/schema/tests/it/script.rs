//! A codec of the simplest kind: values that are there already, read once and shown again.

use strongroom_schema::{ReadError, Reader, Shape, Structure, Timestamp, Value};

/// A value as a message would hold it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Given {
    Boolean(bool),
    Integer(i64),
    Float(f32),
    Double(f64),
    Text(String),
    Blob(Vec<u8>),
    Moment(Timestamp),
    List(Vec<Given>),
    Map(Vec<(String, Given)>),
    /// Members by their position.
    Members(Vec<(usize, Given)>),
}

impl Given {
    pub(crate) fn text(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

/// Reads a shape from what is given.
pub(crate) fn read<T: Shape>(given: Given) -> Result<T, ReadError> {
    T::read(&mut Script(Some(given)))
}

/// What a value shows of itself.
pub(crate) fn shown(value: Value<'_>) -> Given {
    match value {
        Value::Boolean(flag) => Given::Boolean(flag),
        Value::Integer(number) => Given::Integer(number),
        Value::Float(number) => Given::Float(number),
        Value::Double(number) => Given::Double(number),
        Value::String(text) => Given::text(text),
        Value::Blob(bytes) => Given::Blob(bytes.to_vec()),
        Value::Timestamp(moment) => Given::Moment(moment),
        Value::List(list) => Given::List((0..list.len()).map(|at| shown(list.item(at))).collect()),
        Value::Map(map) => {
            let entries = (0..map.len()).map(|at| map.entry(at));
            Given::Map(entries.map(|(key, value)| (key.to_owned(), shown(value))).collect())
        }
        Value::Structure(structure) => {
            let members = 0..structure.schema().members().len();
            let present = members.filter_map(|at| structure.member(at).map(|value| (at, shown(value))));
            Given::Members(present.collect())
        }
    }
}

/// A reader that stands at a value. A second read finds nothing.
struct Script(Option<Given>);

impl Script {
    fn take<T>(&mut self, kind: &str, fit: impl FnOnce(Given) -> Option<T>) -> Result<T, ReadError> {
        let given = self.0.take().expect("a value is read once");
        fit(given).ok_or_else(|| ReadError::new(format!("not {kind}")))
    }
}

impl Reader for Script {
    fn boolean(&mut self) -> Result<bool, ReadError> {
        self.take("a boolean", |given| if let Given::Boolean(flag) = given { Some(flag) } else { None })
    }

    fn integer(&mut self) -> Result<i32, ReadError> {
        self.take("an integer", |given| match given {
            Given::Integer(number) => number.try_into().ok(),
            _ => None,
        })
    }

    fn long(&mut self) -> Result<i64, ReadError> {
        self.take("a long", |given| if let Given::Integer(number) = given { Some(number) } else { None })
    }

    fn double(&mut self) -> Result<f64, ReadError> {
        self.take("a double", |given| match given {
            Given::Float(number) => Some(number.into()),
            Given::Double(number) => Some(number),
            _ => None,
        })
    }

    fn string(&mut self) -> Result<String, ReadError> {
        self.take("text", |given| if let Given::Text(text) = given { Some(text) } else { None })
    }

    fn blob(&mut self) -> Result<Vec<u8>, ReadError> {
        self.take("a blob", |given| if let Given::Blob(bytes) = given { Some(bytes) } else { None })
    }

    fn timestamp(&mut self) -> Result<Timestamp, ReadError> {
        self.take("a moment", |given| if let Given::Moment(moment) = given { Some(moment) } else { None })
    }

    fn list(
        &mut self,
        item: &mut dyn FnMut(&mut dyn Reader) -> Result<(), ReadError>,
    ) -> Result<(), ReadError> {
        let items =
            self.take("a list", |given| if let Given::List(items) = given { Some(items) } else { None })?;
        items.into_iter().try_for_each(|given| item(&mut Self(Some(given))))
    }

    fn map(
        &mut self,
        entry: &mut dyn FnMut(String, &mut dyn Reader) -> Result<(), ReadError>,
    ) -> Result<(), ReadError> {
        let entries =
            self.take("a map", |given| if let Given::Map(entries) = given { Some(entries) } else { None })?;
        entries.into_iter().try_for_each(|(key, given)| entry(key, &mut Self(Some(given))))
    }

    fn structure(&mut self, structure: &mut dyn Structure) -> Result<(), ReadError> {
        let members = self.take("a structure", |given| match given {
            Given::Members(members) => Some(members),
            _ => None,
        })?;
        members.into_iter().try_for_each(|(at, given)| structure.read_member(at, &mut Self(Some(given))))
    }
}
