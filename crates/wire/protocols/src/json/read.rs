//! Reading a message into a structure, driven by its schema.

use std::borrow::Cow;
use std::collections::BTreeSet;

use strongroom_schema::{Kind, Member, ReadError, Reader, Structure, Timestamp, TimestampFormat};

use super::cursor::Cursor;
use crate::path::Path;
use crate::seen::Seen;
use crate::text::{self, Found, Wanted};
use crate::{Limits, Missing, scalar};

/// Reads `body` into `input`, and says which required members it lacks. A body without any bytes counts as
/// `{}`, as clients send none for operations without input.
pub fn read(body: &[u8], input: &mut dyn Structure, limits: &Limits) -> Result<Missing, ReadError> {
    let mut message = Message {
        cursor: Cursor::new(body)?,
        depth: limits.depth,
        items: limits.items,
        missing: Missing::default(),
    };
    if message.cursor.is_at_end() {
        Seen::default().close(input.schema(), &Path::ROOT, &mut message.missing)?;
        return Ok(message.missing);
    }
    let found = message.cursor.token()?;
    if found != Found::Structure {
        return Err(text::mismatch(found, Wanted::Structure));
    }
    message.structure(input, &Path::ROOT)?;
    if !message.cursor.is_at_end() {
        return Err(ReadError::new(text::TRAILING));
    }
    Ok(message.missing)
}

/// The message, and what may still come.
struct Message<'b> {
    cursor: Cursor<'b>,
    depth: usize,
    items: usize,
    missing: Missing,
}

impl Message<'_> {
    /// Reads an object, whose brace stands next, into a structure.
    fn structure(&mut self, structure: &mut dyn Structure, path: &Path<'_>) -> Result<(), ReadError> {
        let schema = structure.schema();
        let mut seen = Seen::default();
        self.enter()?;
        let mut first = true;
        while self.cursor.more(b'}', first)? {
            first = false;
            let name = self.cursor.name()?;
            let Some(index) = schema.position(&name) else {
                self.cursor.skip(self.depth)?;
                continue;
            };
            if self.cursor.token()? == Found::Null {
                self.cursor.word("null")?;
                continue;
            }
            if !seen.insert(index) {
                return Err(ReadError::new(text::DUPLICATE_MEMBER));
            }
            let member = &schema.members()[index];
            let path = path.member(member.name);
            self.value(member, &path, |reader| structure.read_member(index, reader))?;
        }
        self.leave();
        seen.close(schema, path, &mut self.missing)
    }

    /// Has `read` read the value that stands next. A value that it leaves is passed over.
    fn value(
        &mut self,
        member: &'static Member,
        path: &Path<'_>,
        read: impl FnOnce(&mut dyn Reader) -> Result<(), ReadError>,
    ) -> Result<(), ReadError> {
        let mut at = At { message: self, member, path, consumed: false };
        read(&mut at)?;
        if !at.consumed {
            self.cursor.skip(self.depth)?;
        }
        Ok(())
    }

    fn enter(&mut self) -> Result<(), ReadError> {
        self.depth = self.depth.checked_sub(1).ok_or_else(|| ReadError::new(text::TOO_DEEP))?;
        self.cursor.open();
        Ok(())
    }

    fn leave(&mut self) {
        self.depth += 1;
    }

    fn count(&mut self) -> Result<(), ReadError> {
        self.items = self.items.checked_sub(1).ok_or_else(|| ReadError::new(text::TOO_MANY))?;
        Ok(())
    }
}

/// The value that stands next, which is `member`'s.
struct At<'m, 'b, 'p> {
    message: &'m mut Message<'b>,
    member: &'static Member,
    path: &'p Path<'p>,
    consumed: bool,
}

impl<'b> At<'_, 'b, '_> {
    /// The kind of the value, which is being read from now on.
    fn begin(&mut self) -> Result<Found, ReadError> {
        self.consumed = true;
        self.message.cursor.token()
    }

    /// Begins a value that must be of one kind.
    fn begin_as(&mut self, only: Found, wanted: Wanted) -> Result<(), ReadError> {
        let found = self.begin()?;
        if found == only { Ok(()) } else { Err(text::mismatch(found, wanted)) }
    }

    fn text(&mut self, wanted: Wanted) -> Result<Cow<'b, str>, ReadError> {
        self.begin_as(Found::String, wanted)?;
        self.message.cursor.string()
    }

    fn whole<T: TryFrom<i64>>(&mut self, wanted: Wanted) -> Result<T, ReadError> {
        self.begin_as(Found::Number, wanted)?;
        let number = scalar::read_long(self.message.cursor.number()?);
        let number = number.and_then(|number| T::try_from(number).ok());
        number.ok_or_else(|| text::mismatch(Found::Number, wanted))
    }
}

impl Reader for At<'_, '_, '_> {
    fn boolean(&mut self) -> Result<bool, ReadError> {
        match self.begin()? {
            Found::True => self.message.cursor.word("true").map(|()| true),
            Found::False => self.message.cursor.word("false").map(|()| false),
            found => Err(text::mismatch(found, Wanted::Boolean)),
        }
    }

    fn integer(&mut self) -> Result<i32, ReadError> {
        self.whole(Wanted::Integer)
    }

    fn long(&mut self) -> Result<i64, ReadError> {
        self.whole(Wanted::Long)
    }

    fn double(&mut self) -> Result<f64, ReadError> {
        match self.begin()? {
            Found::Number => scalar::read_double(self.message.cursor.number()?),
            Found::String => scalar::read_special(&self.message.cursor.string()?)
                .ok_or_else(|| text::mismatch(Found::String, Wanted::Double)),
            found => Err(text::mismatch(found, Wanted::Double)),
        }
    }

    fn string(&mut self) -> Result<String, ReadError> {
        self.text(Wanted::String).map(Cow::into_owned)
    }

    fn blob(&mut self) -> Result<Vec<u8>, ReadError> {
        scalar::read_blob(&self.text(Wanted::Blob)?)
    }

    fn timestamp(&mut self) -> Result<Timestamp, ReadError> {
        let format = scalar::timestamp_format(self.member, TimestampFormat::EpochSeconds);
        let (found, moment) = if format == TimestampFormat::EpochSeconds {
            self.begin_as(Found::Number, Wanted::Timestamp)?;
            (Found::Number, scalar::read_timestamp(self.message.cursor.number()?, format))
        } else {
            (Found::String, scalar::read_timestamp(&self.text(Wanted::Timestamp)?, format))
        };
        moment.ok_or_else(|| text::mismatch(found, Wanted::Timestamp))
    }

    fn list(
        &mut self,
        item: &mut dyn FnMut(&mut dyn Reader) -> Result<(), ReadError>,
    ) -> Result<(), ReadError> {
        self.begin_as(Found::List, Wanted::List)?;
        let Kind::List(member) = &self.member.schema.kind else {
            return Err(ReadError::new(text::START_OF_LIST));
        };
        let message = &mut *self.message;
        message.enter()?;
        let mut index = 0;
        while message.cursor.more(b']', index == 0)? {
            message.count()?;
            message.value(member, &self.path.item(index), &mut *item)?;
            index += 1;
        }
        message.leave();
        Ok(())
    }

    fn map(
        &mut self,
        entry: &mut dyn FnMut(String, &mut dyn Reader) -> Result<(), ReadError>,
    ) -> Result<(), ReadError> {
        self.begin_as(Found::Structure, Wanted::Map)?;
        let Kind::Map(_, member) = &self.member.schema.kind else {
            return Err(ReadError::new(text::START_OF_STRUCTURE));
        };
        let message = &mut *self.message;
        let mut keys = BTreeSet::new();
        message.enter()?;
        while message.cursor.more(b'}', keys.is_empty())? {
            message.count()?;
            let key = message.cursor.name()?;
            let owned = key.clone().into_owned();
            message.value(member, &self.path.key(&key), |reader| entry(owned, reader))?;
            if !keys.insert(key) {
                return Err(ReadError::new(text::DUPLICATE_KEY));
            }
        }
        message.leave();
        Ok(())
    }

    fn structure(&mut self, structure: &mut dyn Structure) -> Result<(), ReadError> {
        self.begin_as(Found::Structure, Wanted::Structure)?;
        self.message.structure(structure, self.path)
    }
}
