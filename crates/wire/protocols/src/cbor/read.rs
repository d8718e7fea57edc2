//! Reading a message into a structure, driven by its schema.

use std::borrow::Cow;
use std::collections::BTreeSet;

use strongroom_schema::{Kind, Member, ReadError, Reader, Structure, Timestamp};

use super::cursor::{Cursor, Head, Length};
use crate::path::Path;
use crate::seen::Seen;
use crate::text::{self, Found, Wanted};
use crate::{Limits, Missing};

/// The tag of a moment in seconds since 1970.
const EPOCH_SECONDS: u64 = 1;

/// Reads `body` into `input`, and says which required members it lacks. A body without any bytes counts as
/// an empty map, as clients send none for operations without input.
pub fn read(body: &[u8], input: &mut dyn Structure, limits: &Limits) -> Result<Missing, ReadError> {
    let mut message = Message {
        cursor: Cursor::new(body),
        depth: limits.depth,
        items: limits.items,
        missing: Missing::default(),
    };
    if message.cursor.is_at_end() {
        Seen::default().close(input.schema(), &Path::ROOT, &mut message.missing)?;
        return Ok(message.missing);
    }
    match message.cursor.head()? {
        Head::Map(length) => message.structure(length, input, &Path::ROOT)?,
        other => return Err(text::mismatch(other.found()?, Wanted::Structure)),
    }
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

impl<'b> Message<'b> {
    /// Reads a map, whose head is behind, into a structure.
    fn structure(
        &mut self,
        mut length: Length,
        structure: &mut dyn Structure,
        path: &Path<'_>,
    ) -> Result<(), ReadError> {
        let schema = structure.schema();
        let mut seen = Seen::default();
        self.enter()?;
        while self.cursor.more(&mut length)? {
            let name = self.key()?;
            let Some(index) = schema.position(&name) else {
                self.cursor.skip(self.depth)?;
                continue;
            };
            if self.cursor.take_null() {
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

    /// The key of a map's entry.
    fn key(&mut self) -> Result<Cow<'b, str>, ReadError> {
        match self.cursor.head()? {
            Head::Text(length) => self.cursor.text(length),
            other => Err(text::mismatch(other.found()?, Wanted::String)),
        }
    }

    fn enter(&mut self) -> Result<(), ReadError> {
        self.depth = self.depth.checked_sub(1).ok_or_else(|| ReadError::new(text::TOO_DEEP))?;
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

impl At<'_, '_, '_> {
    /// The head of the value, which is being read from now on.
    fn begin(&mut self) -> Result<Head, ReadError> {
        self.consumed = true;
        self.message.cursor.head()
    }

    fn whole<T: TryFrom<i64>>(&mut self, wanted: Wanted) -> Result<T, ReadError> {
        let head = self.begin()?;
        let number = head.integer().and_then(|number| T::try_from(number).ok());
        number.map_or_else(|| mismatch(head, wanted), Ok)
    }
}

impl Reader for At<'_, '_, '_> {
    fn boolean(&mut self) -> Result<bool, ReadError> {
        match self.begin()?.found()? {
            Found::True => Ok(true),
            Found::False => Ok(false),
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
        let head = self.begin()?;
        head.number().map_or_else(|| mismatch(head, Wanted::Double), Ok)
    }

    fn string(&mut self) -> Result<String, ReadError> {
        match self.begin()? {
            Head::Text(length) => self.message.cursor.text(length).map(Cow::into_owned),
            other => mismatch(other, Wanted::String),
        }
    }

    fn blob(&mut self) -> Result<Vec<u8>, ReadError> {
        match self.begin()? {
            Head::Bytes(length) => self.message.cursor.string(length, false).map(Cow::into_owned),
            other => mismatch(other, Wanted::Blob),
        }
    }

    /// Whatever format the model gives the member, moments are tagged seconds here.
    fn timestamp(&mut self) -> Result<Timestamp, ReadError> {
        match self.begin()? {
            Head::Tag(EPOCH_SECONDS) => {
                let head = self.message.cursor.head()?;
                let moment = head.number().and_then(Timestamp::from_epoch_seconds);
                moment.map_or_else(|| mismatch(head, Wanted::Timestamp), Ok)
            }
            other => mismatch(other, Wanted::Timestamp),
        }
    }

    fn list(
        &mut self,
        item: &mut dyn FnMut(&mut dyn Reader) -> Result<(), ReadError>,
    ) -> Result<(), ReadError> {
        let mut length = match self.begin()? {
            Head::Array(length) => length,
            other => return mismatch(other, Wanted::List),
        };
        let Kind::List(member) = &self.member.schema.kind else {
            return Err(ReadError::new(text::START_OF_LIST));
        };
        let message = &mut *self.message;
        message.enter()?;
        let mut index = 0;
        while message.cursor.more(&mut length)? {
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
        let mut length = match self.begin()? {
            Head::Map(length) => length,
            other => return mismatch(other, Wanted::Map),
        };
        let Kind::Map(_, member) = &self.member.schema.kind else {
            return Err(ReadError::new(text::START_OF_STRUCTURE));
        };
        let message = &mut *self.message;
        let mut keys = BTreeSet::new();
        message.enter()?;
        while message.cursor.more(&mut length)? {
            message.count()?;
            let key = message.key()?;
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
        match self.begin()? {
            Head::Map(length) => self.message.structure(length, structure, self.path),
            other => mismatch(other, Wanted::Structure),
        }
    }
}

/// The error for an item of another kind than the schema's.
fn mismatch<T>(head: Head, wanted: Wanted) -> Result<T, ReadError> {
    Err(text::mismatch(head.found()?, wanted))
}
