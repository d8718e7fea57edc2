//! Tagged fields: one tag byte, the value's length, the value.
//!
//! Tags ascend strictly within a message and lengths are minimal, so one record has one encoding. A reader
//! passes over tags that it does not know: a newer server may add a field without a new format number. Texts are
//! [packed](super::packed), but in records of format 1.

use super::RecordError;
use super::packed::Packing;

/// Appends fields to a buffer.
pub(super) struct FieldWriter<'b> {
    buffer: &'b mut Vec<u8>,
    packing: Option<Packing<'b>>,
}

impl<'b> FieldWriter<'b> {
    /// Writes fields whose texts are packed, or are not: who reads them need not know which.
    pub(super) fn new(buffer: &'b mut Vec<u8>, packing: Option<Packing<'b>>) -> Self {
        Self { buffer, packing }
    }

    pub(super) fn bytes(&mut self, tag: u8, value: &[u8]) {
        self.buffer.push(tag);
        let (length, used) = varint(value.len());
        self.buffer.extend_from_slice(&length[..used]);
        self.buffer.extend_from_slice(value);
    }

    /// Writes a text that is always there; an empty one takes no room.
    pub(super) fn text(&mut self, tag: u8, value: &str) {
        self.optional(tag, (!value.is_empty()).then_some(value));
    }

    pub(super) fn optional(&mut self, tag: u8, value: Option<&str>) {
        if let Some(value) = value {
            let Some(packing) = self.packing else { return self.bytes(tag, value.as_bytes()) };
            self.buffer.push(tag);
            self.prefixed(|buffer| packing.pack(value, buffer));
        }
    }

    pub(super) fn integer(&mut self, tag: u8, value: i64) {
        self.bytes(tag, &value.to_le_bytes());
    }

    /// Writes a message as one field of this one.
    pub(super) fn message(&mut self, tag: u8, fill: impl FnOnce(&mut FieldWriter<'_>)) {
        self.buffer.push(tag);
        self.item(fill);
    }

    /// Writes a message without a tag, as one item of a list that is itself a field.
    pub(super) fn item(&mut self, fill: impl FnOnce(&mut FieldWriter<'_>)) {
        let packing = self.packing;
        self.prefixed(|buffer| fill(&mut FieldWriter { buffer, packing }));
    }

    /// Writes what `fill` appends, its length before it.
    fn prefixed(&mut self, fill: impl FnOnce(&mut Vec<u8>)) {
        let at = self.buffer.len();
        // Most values are shorter than 128 bytes: leave room for one byte of length and move only longer ones.
        self.buffer.push(0);
        fill(self.buffer);
        let (length, used) = varint(self.buffer.len() - at - 1);
        match (used, self.buffer.get_mut(at)) {
            (1, Some(place)) => *place = length[0],
            _ => drop(self.buffer.splice(at..=at, length[..used].iter().copied())),
        }
    }
}

/// Writes a length by itself.
pub(super) fn write_length(buffer: &mut Vec<u8>, length: usize) {
    let (bytes, used) = varint(length);
    buffer.extend_from_slice(&bytes[..used]);
}

/// Takes a length and as many bytes off a buffer; returns those bytes and what is behind them.
pub(super) fn take_prefixed(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    read_varint(bytes).and_then(|(length, rest)| rest.split_at_checked(length))
}

/// Takes fields off a buffer, one by one.
pub(super) struct FieldReader<'b> {
    rest: &'b [u8],
    last_tag: Option<u8>,
    packing: Option<Packing<'b>>,
}

impl<'b> FieldReader<'b> {
    /// Reads fields whose texts are packed, or are not.
    pub(super) fn new(bytes: &'b [u8], packing: Option<Packing<'b>>) -> Self {
        Self { rest: bytes, last_tag: None, packing }
    }

    /// Takes the next field, or none at the end.
    pub(super) fn next(&mut self) -> Result<Option<Field<'b>>, RecordError> {
        let Some((&tag, rest)) = self.rest.split_first() else { return Ok(None) };
        if self.last_tag.is_some_and(|last| last >= tag) {
            return Err(RecordError::Order { tag });
        }
        let (value, rest) = take_prefixed(rest).ok_or(RecordError::Length { tag })?;
        self.rest = rest;
        self.last_tag = Some(tag);
        Ok(Some(Field { tag, value, packing: self.packing }))
    }
}

/// One field as read.
#[derive(Clone, Copy)]
pub(super) struct Field<'b> {
    pub(super) tag: u8,
    pub(super) value: &'b [u8],
    packing: Option<Packing<'b>>,
}

impl<'b> Field<'b> {
    pub(super) fn text(self) -> Result<String, RecordError> {
        let text = match &self.packing {
            Some(packing) => packing.unpack(self.value),
            None => std::str::from_utf8(self.value).ok().map(str::to_owned),
        };
        text.ok_or_else(|| self.refused())
    }

    pub(super) fn array<const N: usize>(self) -> Result<[u8; N], RecordError> {
        self.value.try_into().map_err(|_| self.refused())
    }

    pub(super) fn integer(self) -> Result<i64, RecordError> {
        self.array().map(i64::from_le_bytes)
    }

    pub(super) fn byte(self) -> Result<u8, RecordError> {
        self.array::<1>().map(|[byte]| byte)
    }

    pub(super) fn fields(self) -> FieldReader<'b> {
        FieldReader::new(self.value, self.packing)
    }

    /// Takes a list apart into its messages.
    pub(super) fn items(self) -> impl Iterator<Item = Result<FieldReader<'b>, RecordError>> {
        let mut rest = self.value;
        std::iter::from_fn(move || {
            if rest.is_empty() {
                return None;
            }
            let Some((item, after)) = take_prefixed(rest) else {
                rest = &[];
                return Some(Err(RecordError::Length { tag: self.tag }));
            };
            rest = after;
            Some(Ok(FieldReader::new(item, self.packing)))
        })
    }

    pub(super) fn refused(self) -> RecordError {
        RecordError::Value { tag: self.tag }
    }
}

/// Little-endian base 128, as few bytes as possible.
fn varint(mut value: usize) -> ([u8; 10], usize) {
    let mut bytes = [0; 10];
    let mut used = 0;
    loop {
        let low = (value & 0x7f) as u8;
        value >>= 7;
        bytes[used] = if value == 0 { low } else { low | 0x80 };
        used += 1;
        if value == 0 {
            return (bytes, used);
        }
    }
}

/// Reads a length below 2^28, refusing padded forms.
fn read_varint(bytes: &[u8]) -> Option<(usize, &[u8])> {
    let mut value = 0;
    for (index, &byte) in bytes.iter().take(4).enumerate() {
        value |= usize::from(byte & 0x7f) << (7 * index);
        if byte & 0x80 == 0 {
            let padded = byte == 0 && index > 0;
            return (!padded).then_some((value, &bytes[index + 1..]));
        }
    }
    None
}
