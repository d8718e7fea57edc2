//! Reading parameters into a structure, driven by its schema.

use std::collections::BTreeSet;

use strongroom_schema::{Kind, Member, ReadError, Reader, Structure, Timestamp, TimestampFormat};

use super::place::Place;
use crate::path::Path;
use crate::seen::Seen;
use crate::text::{self, Found, Wanted};
use crate::{Missing, scalar};

/// Reads the parameters below `place` into `input`; `items` bounds list items and map entries.
pub(super) fn read(place: Place<'_>, input: &mut dyn Structure, items: usize) -> Result<Missing, ReadError> {
    let mut message = Message { items, missing: Missing::default() };
    message.structure(place, input, &Path::ROOT)?;
    Ok(message.missing)
}

/// What may still come, and what did not. Depth needs no count: each level takes a part of a name, and
/// names are bounded.
struct Message {
    items: usize,
    missing: Missing,
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
        for (index, member) in schema.members().iter().enumerate() {
            let place = place.child(wire_name(member));
            if !place.is_empty() {
                seen.insert(index);
                let path = path.member(member.name);
                structure.read_member(index, &mut At { message: self, place, member, path: &path })?;
            }
        }
        seen.close(schema, path, &mut self.missing)
    }

    fn count(&mut self) -> Result<(), ReadError> {
        self.items = self.items.checked_sub(1).ok_or_else(|| ReadError::new(text::TOO_MANY))?;
        Ok(())
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
    fn text(&self) -> Result<&'f str, ReadError> {
        if self.place.has_below() {
            return Err(ReadError::new(text::START_OF_STRUCTURE));
        }
        self.place.value.ok_or_else(|| ReadError::new(text::NO_VALUE))
    }

    fn whole<T: TryFrom<i64>>(&self, wanted: Wanted) -> Result<T, ReadError> {
        let number = self.text()?.parse().ok().and_then(|number: i64| T::try_from(number).ok());
        number.ok_or_else(|| text::mismatch(Found::String, wanted))
    }

    /// The levels of the items of a list or map, below a level of that name unless they are flattened.
    fn items(&self, name: &str) -> Result<Vec<Place<'f>>, ReadError> {
        if self.member.traits.flattened {
            return self.place.numbered();
        }
        self.place.only_child(name)?.numbered()
    }

    /// Checks that there are parameters below, or one that is empty: `ListArg=` is an empty list.
    fn begin(&self, wanted: Wanted) -> Result<(), ReadError> {
        match self.place.value {
            None | Some("") => Ok(()),
            Some(_) => Err(text::mismatch(Found::String, wanted)),
        }
    }
}

impl Reader for At<'_, '_, '_> {
    fn boolean(&mut self) -> Result<bool, ReadError> {
        self.text()?.parse().map_err(|_| text::mismatch(Found::String, Wanted::Boolean))
    }

    fn integer(&mut self) -> Result<i32, ReadError> {
        self.whole(Wanted::Integer)
    }

    fn long(&mut self) -> Result<i64, ReadError> {
        self.whole(Wanted::Long)
    }

    fn double(&mut self) -> Result<f64, ReadError> {
        let value = self.text()?;
        if let Some(number) = scalar::read_special(value) {
            return Ok(number);
        }
        // Rust also knows `inf` and `nan`, which start with letters.
        if value.starts_with(|first: char| first.is_ascii_digit() || first == '-' || first == '.') {
            return scalar::read_double(value);
        }
        Err(text::mismatch(Found::String, Wanted::Double))
    }

    fn string(&mut self) -> Result<String, ReadError> {
        self.text().map(str::to_owned)
    }

    fn blob(&mut self) -> Result<Vec<u8>, ReadError> {
        scalar::read_blob(self.text()?)
    }

    fn timestamp(&mut self) -> Result<Timestamp, ReadError> {
        let format = scalar::timestamp_format(self.member, TimestampFormat::Iso8601);
        let moment = scalar::read_timestamp(self.text()?, format);
        moment.ok_or_else(|| text::mismatch(Found::String, Wanted::Timestamp))
    }

    fn list(
        &mut self,
        item: &mut dyn FnMut(&mut dyn Reader) -> Result<(), ReadError>,
    ) -> Result<(), ReadError> {
        self.begin(Wanted::List)?;
        let Kind::List(member) = &self.member.schema.kind else {
            return Err(ReadError::new(text::START_OF_LIST));
        };
        let items = self.items(wire_name(member))?;
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
        let mut keys = BTreeSet::new();
        for place in self.items("entry")? {
            self.message.count()?;
            let key = place.child(wire_name(key_member));
            let key = At { message: self.message, place: key, member: key_member, path: self.path }.text()?;
            if !keys.insert(key) {
                return Err(ReadError::new(text::DUPLICATE_KEY));
            }
            let place = place.child(wire_name(member));
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

/// What the protocol calls a member.
fn wire_name(member: &Member) -> &'static str {
    member.traits.wire_name.unwrap_or(member.name)
}
