//! Reading parameters into a structure, driven by its schema.

use std::collections::BTreeSet;

use strongroom_schema::{Kind, Member, ReadError, Reader, Schema, Structure, Timestamp, TimestampFormat};

use super::dialect::{self, Dialect};
use super::fault::Fault;
use super::place::{self, Place};
use crate::path::Path;
use crate::seen::Seen;
use crate::text::{self, Found, Wanted};
use crate::{Missing, scalar};

/// Reads the parameters below `place` into `input`; `items` bounds list items and map entries.
pub(super) fn read(
    dialect: Dialect,
    place: Place<'_>,
    input: &mut dyn Structure,
    items: usize,
) -> Result<Missing, Fault> {
    let mut message = Message { dialect, items, missing: Missing::default(), fault: None };
    match message.structure(place, input, &Path::ROOT) {
        Ok(()) => Ok(message.missing),
        Err(error) => Err(message.fault.unwrap_or(Fault::Form(error))),
    }
}

/// What may still come, and what did not. Depth needs no count: each level takes a part of a name, and
/// names are bounded.
struct Message {
    dialect: Dialect,
    items: usize,
    missing: Missing,
    /// More on the error that ends the reading. It is kept here because a [`Reader`] answers texts alone.
    fault: Option<Fault>,
}

impl Message {
    fn structure(
        &mut self,
        place: Place<'_>,
        structure: &mut dyn Structure,
        path: &Path<'_>,
    ) -> Result<(), ReadError> {
        let schema = structure.schema();
        let mut seen = Seen::default();
        let mut taken = 0;
        for (index, member) in schema.members().iter().enumerate() {
            let name = self.dialect.name(member);
            let place = place.child(&name);
            if !place.is_empty() {
                seen.insert(index);
                taken += place.len();
                let path = path.member(member.name);
                structure.read_member(index, &mut At { message: self, place, member, path: &path })?;
            }
        }
        if self.dialect == Dialect::Ec2 {
            self.close_ec2(place, schema, &seen, taken)?;
        }
        seen.close(schema, path, &mut self.missing)
    }

    /// Closes a structure in EC2's way: it says which one parameter is too much, or is missing.
    fn close_ec2(
        &mut self,
        place: Place<'_>,
        schema: &'static Schema,
        seen: &Seen,
        taken: usize,
    ) -> Result<(), ReadError> {
        if taken < place.len_below() {
            let known: BTreeSet<_> =
                schema.members().iter().map(|member| self.dialect.name(member)).collect();
            let is_known = |part: &str| known.contains(part) || place.is_top() && dialect::is_common(part);
            if let Some(name) = place.first_other(is_known) {
                return Err(self.fail(Fault::Unknown(name.to_owned())));
            }
        }
        let absent = |(index, member): &(usize, &Member)| member.required && !seen.has(*index);
        match schema.members().iter().enumerate().find(absent) {
            None => Ok(()),
            Some((_, member)) => {
                let name = format!("{}{}", place.prefix(), self.dialect.name(member));
                Err(self.fail(Fault::Missing(name)))
            }
        }
    }

    fn count(&mut self) -> Result<(), ReadError> {
        self.items = self.items.checked_sub(1).ok_or_else(|| ReadError::new(text::TOO_MANY))?;
        Ok(())
    }

    /// Keeps a fault, and gives the error that ends the reading.
    fn fail(&mut self, fault: Fault) -> ReadError {
        let error = fault.clone().into_error();
        self.fault = Some(fault);
        error
    }
}

/// The parameters of `member`'s value.
struct At<'m, 'f, 'p> {
    message: &'m mut Message,
    place: Place<'f>,
    member: &'static Member,
    path: &'p Path<'p>,
}

impl<'f> At<'_, 'f, '_> {
    /// The text of a value that has no parameters below it.
    fn text(&mut self) -> Result<&'f str, ReadError> {
        if self.place.has_below() {
            let error = ReadError::new(text::START_OF_STRUCTURE);
            return Err(self.refuse(error));
        }
        self.place.value().ok_or_else(|| ReadError::new(text::NO_VALUE))
    }

    /// Converts the text of a value.
    fn converted<T>(&mut self, convert: impl FnOnce(&str) -> Result<T, ReadError>) -> Result<T, ReadError> {
        let text = self.text()?;
        convert(text).map_err(|error| self.refuse(error))
    }

    fn whole<T: TryFrom<i64>>(&mut self, wanted: Wanted) -> Result<T, ReadError> {
        self.converted(|text| {
            let number = text.parse().ok().and_then(|number: i64| T::try_from(number).ok());
            number.ok_or_else(|| text::mismatch(Found::String, wanted))
        })
    }

    /// The levels of the items of a list or map, below a level of that name unless they are flattened.
    fn items(&mut self, name: &str) -> Result<Vec<Place<'f>>, ReadError> {
        let flat = self.message.dialect.flattens(self.member);
        let level = if flat { Ok(self.place) } else { self.place.only_child(name) };
        level.and_then(|level| level.numbered()).map_err(|error| {
            match (self.message.dialect, self.place.first_other(|part| place::number(part).is_ok())) {
                (Dialect::Ec2, Some(name)) => self.message.fail(Fault::Unknown(name.to_owned())),
                _ => error,
            }
        })
    }

    /// Checks that there are parameters below, or one that is empty: `ListArg=` is an empty list.
    fn begin(&mut self, wanted: Wanted) -> Result<(), ReadError> {
        match self.place.value() {
            None | Some("") => Ok(()),
            Some(_) => Err(self.refuse(text::mismatch(Found::String, wanted))),
        }
    }

    /// The value here is not what it should be.
    fn refuse(&mut self, error: ReadError) -> ReadError {
        let name = self.place.name().to_owned();
        // What is secret is not repeated.
        let value = self.place.value().filter(|_| !self.member.schema.sensitive);
        self.message.fail(Fault::Value { name, value: value.unwrap_or_default().to_owned(), error })
    }
}

impl Reader for At<'_, '_, '_> {
    fn boolean(&mut self) -> Result<bool, ReadError> {
        self.converted(|text| text.parse().map_err(|_| text::mismatch(Found::String, Wanted::Boolean)))
    }

    fn integer(&mut self) -> Result<i32, ReadError> {
        self.whole(Wanted::Integer)
    }

    fn long(&mut self) -> Result<i64, ReadError> {
        self.whole(Wanted::Long)
    }

    fn double(&mut self) -> Result<f64, ReadError> {
        self.converted(|value| {
            if let Some(number) = scalar::read_special(value) {
                return Ok(number);
            }
            // Rust also knows `inf` and `nan`, which start with letters.
            if value.starts_with(|first: char| first.is_ascii_digit() || first == '-' || first == '.') {
                return scalar::read_double(value);
            }
            Err(text::mismatch(Found::String, Wanted::Double))
        })
    }

    fn string(&mut self) -> Result<String, ReadError> {
        self.text().map(str::to_owned)
    }

    fn blob(&mut self) -> Result<Vec<u8>, ReadError> {
        self.converted(scalar::read_blob)
    }

    fn timestamp(&mut self) -> Result<Timestamp, ReadError> {
        let format = scalar::timestamp_format(self.member, TimestampFormat::Iso8601);
        self.converted(|text| {
            let moment = scalar::read_timestamp(text, format);
            moment.ok_or_else(|| text::mismatch(Found::String, Wanted::Timestamp))
        })
    }

    fn list(
        &mut self,
        item: &mut dyn FnMut(&mut dyn Reader) -> Result<(), ReadError>,
    ) -> Result<(), ReadError> {
        self.begin(Wanted::List)?;
        let Kind::List(member) = &self.member.schema.kind else {
            return Err(ReadError::new(text::START_OF_LIST));
        };
        let name = self.message.dialect.name(member);
        let items = self.items(&name)?;
        for (index, place) in items.into_iter().enumerate() {
            self.message.count()?;
            let path = self.path.item(index);
            item(&mut At { message: self.message, place, member, path: &path })?;
        }
        Ok(())
    }

    fn map(
        &mut self,
        entry: &mut dyn FnMut(String, &mut dyn Reader) -> Result<(), ReadError>,
    ) -> Result<(), ReadError> {
        self.begin(Wanted::Map)?;
        let Kind::Map(key_member, member) = &self.member.schema.kind else {
            return Err(ReadError::new(text::START_OF_STRUCTURE));
        };
        let dialect = self.message.dialect;
        let mut keys = BTreeSet::new();
        for place in self.items("entry")? {
            self.message.count()?;
            let key = place.child(&dialect.name(key_member));
            let key = At { message: self.message, place: key, member: key_member, path: self.path }.text()?;
            if !keys.insert(key) {
                return Err(ReadError::new(text::DUPLICATE_KEY));
            }
            let place = place.child(&dialect.name(member));
            let path = self.path.key(key);
            entry(key.to_owned(), &mut At { message: self.message, place, member, path: &path })?;
        }
        Ok(())
    }

    fn structure(&mut self, structure: &mut dyn Structure) -> Result<(), ReadError> {
        self.begin(Wanted::Structure)?;
        self.message.structure(self.place, structure, self.path)
    }
}
