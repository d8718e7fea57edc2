//! Reading values from text: a header, a parameter, a label of the path, the text of an element.

use strongroom_schema::{Kind, Member, ReadError, Reader, Structure, Timestamp, TimestampFormat};

use crate::scalar;

/// A value in words.
pub(super) struct Words<'r> {
    pub(super) text: &'r str,
    pub(super) member: &'static Member,
    /// The format of moments that neither the member nor its shape has one for.
    pub(super) moments: TimestampFormat,
}

impl Words<'_> {
    fn wrong<T>(&self) -> Result<T, ReadError> {
        let name = self.member.traits.wire_name.unwrap_or(self.member.name);
        Err(ReadError::new(match self.member.schema.kind {
            // Seen of max-keys and max-parts.
            Kind::Integer | Kind::Long => format!("Provided {name} not an integer or within integer range"),
            _ => format!("The value of {name} is not valid"),
        }))
    }
}

impl Reader for Words<'_> {
    fn boolean(&mut self) -> Result<bool, ReadError> {
        match self.text {
            "true" | "TRUE" | "True" => Ok(true),
            "false" | "FALSE" | "False" => Ok(false),
            _ => self.wrong(),
        }
    }

    fn integer(&mut self) -> Result<i32, ReadError> {
        self.text.parse().or_else(|_| self.wrong())
    }

    fn long(&mut self) -> Result<i64, ReadError> {
        self.text.parse().or_else(|_| self.wrong())
    }

    fn double(&mut self) -> Result<f64, ReadError> {
        match scalar::read_special(self.text) {
            Some(special) => Ok(special),
            None => scalar::read_double(self.text).or_else(|_| self.wrong()),
        }
    }

    fn string(&mut self) -> Result<String, ReadError> {
        Ok(self.text.to_owned())
    }

    fn blob(&mut self) -> Result<Vec<u8>, ReadError> {
        scalar::read_blob(self.text).or_else(|_| self.wrong())
    }

    fn timestamp(&mut self) -> Result<Timestamp, ReadError> {
        let format = scalar::timestamp_format(self.member, self.moments);
        scalar::read_timestamp(self.text, format).map_or_else(|| self.wrong(), Ok)
    }

    /// Items are separated by commas; empty ones are none.
    fn list(
        &mut self,
        item: &mut dyn FnMut(&mut dyn Reader) -> Result<(), ReadError>,
    ) -> Result<(), ReadError> {
        let Kind::List(member) = &self.member.schema.kind else { return self.wrong() };
        let moments = self.moments;
        let mut items = self.text.split(',').map(str::trim).filter(|text| !text.is_empty());
        items.try_for_each(|text| item(&mut Words { text, member, moments }))
    }

    fn map(
        &mut self,
        _: &mut dyn FnMut(String, &mut dyn Reader) -> Result<(), ReadError>,
    ) -> Result<(), ReadError> {
        self.wrong()
    }

    fn structure(&mut self, _: &mut dyn Structure) -> Result<(), ReadError> {
        self.wrong()
    }
}
