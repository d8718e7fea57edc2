//! A position in a JSON text, and the grammar of RFC 8259 around it.

use std::borrow::Cow;

use strongroom_schema::ReadError;

use crate::text::{self, Found};

/// A position in a JSON text. Every method either moves over what it reads or fails; after a failure the
/// position means nothing.
pub(super) struct Cursor<'b> {
    text: &'b str,
    at: usize,
}

impl<'b> Cursor<'b> {
    /// Stands before the first byte.
    pub(super) fn new(body: &'b [u8]) -> Result<Self, ReadError> {
        let text = std::str::from_utf8(body).map_err(|_| ReadError::new(text::NOT_UTF8))?;
        Ok(Self { text, at: 0 })
    }

    /// Whether only white space is left.
    pub(super) fn is_at_end(&mut self) -> bool {
        self.skip_space();
        self.at == self.text.len()
    }

    /// What kind of value comes next. Of words only the first letter is looked at.
    pub(super) fn token(&mut self) -> Result<Found, ReadError> {
        Ok(match self.next()? {
            b'"' => Found::String,
            b'{' => Found::Structure,
            b'[' => Found::List,
            b'-' | b'0'..=b'9' => Found::Number,
            b't' => Found::True,
            b'f' => Found::False,
            b'n' => Found::Null,
            _ => return Err(unexpected()),
        })
    }

    /// Moves over `true`, `false` or `null`, whose first letter stands here.
    pub(super) fn word(&mut self, word: &str) -> Result<(), ReadError> {
        if !self.text.as_bytes()[self.at..].starts_with(word.as_bytes()) {
            return Err(self.unexpected());
        }
        self.at += word.len();
        Ok(())
    }

    /// Moves over the bracket that opens a list or object.
    pub(super) fn open(&mut self) {
        self.at += 1;
    }

    /// Whether another element comes before the closing bracket `close`; moves over the comma, or over the
    /// bracket if not.
    pub(super) fn more(&mut self, close: u8, first: bool) -> Result<bool, ReadError> {
        let next = self.next()?;
        if next == close {
            self.at += 1;
            return Ok(false);
        }
        if !first {
            if next != b',' {
                return Err(unexpected());
            }
            self.at += 1;
        }
        Ok(true)
    }

    /// Reads a name and its colon.
    pub(super) fn name(&mut self) -> Result<Cow<'b, str>, ReadError> {
        if self.next()? != b'"' {
            return Err(unexpected());
        }
        let name = self.string()?;
        if self.next()? != b':' {
            return Err(unexpected());
        }
        self.at += 1;
        Ok(name)
    }

    /// Reads a string whose opening quote stands here. Borrowed unless it has escapes.
    pub(super) fn string(&mut self) -> Result<Cow<'b, str>, ReadError> {
        self.at += 1;
        let start = self.plain();
        if self.peek() == Some(b'"') {
            self.at += 1;
            return Ok(Cow::Borrowed(start));
        }
        let mut string = start.to_owned();
        loop {
            match self.bump()? {
                b'"' => return Ok(Cow::Owned(string)),
                b'\\' => string.push(self.escape()?),
                _ => return Err(ReadError::new(text::CONTROL_CHARACTER)),
            }
            string.push_str(self.plain());
        }
    }

    /// Reads a number in its own words.
    pub(super) fn number(&mut self) -> Result<&'b str, ReadError> {
        let from = self.at;
        if self.peek() == Some(b'-') {
            self.at += 1;
        }
        if self.peek() == Some(b'0') {
            self.at += 1;
        } else {
            self.digits()?;
        }
        if self.peek() == Some(b'.') {
            self.at += 1;
            self.digits()?;
        }
        if matches!(self.peek(), Some(b'e' | b'E')) {
            self.at += 1;
            if matches!(self.peek(), Some(b'+' | b'-')) {
                self.at += 1;
            }
            self.digits()?;
        }
        Ok(&self.text[from..self.at])
    }

    /// Moves over a value, at most `depth` levels deep.
    pub(super) fn skip(&mut self, depth: usize) -> Result<(), ReadError> {
        match self.token()? {
            Found::String => self.string().map(drop),
            Found::Number => self.number().map(drop),
            Found::True => self.word("true"),
            Found::False => self.word("false"),
            Found::Null => self.word("null"),
            Found::List => self.skip_elements(b']', depth, |_| Ok(())),
            Found::Structure => self.skip_elements(b'}', depth, |cursor| cursor.name().map(drop)),
            // JSON has neither.
            Found::Bytes | Found::Tag => Err(unexpected()),
        }
    }

    fn skip_elements(
        &mut self,
        close: u8,
        depth: usize,
        before: fn(&mut Self) -> Result<(), ReadError>,
    ) -> Result<(), ReadError> {
        let depth = depth.checked_sub(1).ok_or_else(|| ReadError::new(text::TOO_DEEP))?;
        self.open();
        let mut first = true;
        while self.more(close, first)? {
            first = false;
            before(self)?;
            self.skip(depth)?;
        }
        Ok(())
    }

    /// Moves to the next byte that is a quote, a backslash or a control character, and gives what was
    /// passed.
    fn plain(&mut self) -> &'b str {
        let rest = &self.text[self.at..];
        let special = |byte: &u8| matches!(byte, b'"' | b'\\' | 0..=0x1f);
        let length = rest.as_bytes().iter().position(special).unwrap_or(rest.len());
        self.at += length;
        &rest[..length]
    }

    fn escape(&mut self) -> Result<char, ReadError> {
        Ok(match self.bump()? {
            b'"' => '"',
            b'\\' => '\\',
            b'/' => '/',
            b'b' => '\u{8}',
            b'f' => '\u{c}',
            b'n' => '\n',
            b'r' => '\r',
            b't' => '\t',
            b'u' => return self.unicode(),
            _ => return Err(ReadError::new(text::BAD_ESCAPE)),
        })
    }

    fn unicode(&mut self) -> Result<char, ReadError> {
        let unit = self.hex()?;
        let code = if (0xD800..0xDC00).contains(&unit) {
            if !self.text.as_bytes()[self.at..].starts_with(b"\\u") {
                return Err(ReadError::new(text::LONE_SURROGATE));
            }
            self.at += 2;
            let low = self.hex()?;
            if !(0xDC00..0xE000).contains(&low) {
                return Err(ReadError::new(text::LONE_SURROGATE));
            }
            0x1_0000 + ((unit - 0xD800) << 10) + (low - 0xDC00)
        } else {
            unit
        };
        char::from_u32(code).ok_or_else(|| ReadError::new(text::LONE_SURROGATE))
    }

    fn hex(&mut self) -> Result<u32, ReadError> {
        let mut unit = 0;
        for _ in 0..4 {
            let digit = char::from(self.bump()?).to_digit(16);
            unit = unit << 4 | digit.ok_or_else(|| ReadError::new(text::BAD_ESCAPE))?;
        }
        Ok(unit)
    }

    fn digits(&mut self) -> Result<(), ReadError> {
        let from = self.at;
        while matches!(self.peek(), Some(b'0'..=b'9')) {
            self.at += 1;
        }
        if self.at == from { Err(self.unexpected()) } else { Ok(()) }
    }

    fn skip_space(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
    }

    /// The next byte that is no white space, which is passed.
    fn next(&mut self) -> Result<u8, ReadError> {
        self.skip_space();
        self.peek().ok_or_else(|| ReadError::new(text::UNEXPECTED_END))
    }

    fn bump(&mut self) -> Result<u8, ReadError> {
        let byte = self.peek().ok_or_else(|| ReadError::new(text::UNEXPECTED_END))?;
        self.at += 1;
        Ok(byte)
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn unexpected(&self) -> ReadError {
        if self.at == self.text.len() { ReadError::new(text::UNEXPECTED_END) } else { unexpected() }
    }
}

fn unexpected() -> ReadError {
    ReadError::new(text::UNEXPECTED_CHARACTER)
}
