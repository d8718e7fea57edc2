//! Percent-decoding of form parameters.

use std::borrow::Cow;

use strongroom_schema::ReadError;

use super::Parameter;
use crate::text;

/// Decodes `name=value`. Without an equals sign the value is empty.
pub(super) fn parameter(piece: &[u8]) -> Result<Parameter<'_>, ReadError> {
    let equals = piece.iter().position(|byte| *byte == b'=').unwrap_or(piece.len());
    let value = piece.get(equals + 1..).unwrap_or_default();
    Ok((decode(&piece[..equals])?, decode(value)?))
}

/// Decodes `%2F` and `+`. What comes out must be UTF-8. Borrowed if there is nothing to decode.
fn decode(bytes: &[u8]) -> Result<Cow<'_, str>, ReadError> {
    let encoded = |byte: &u8| matches!(byte, b'%' | b'+');
    if !bytes.iter().any(encoded) {
        let text = std::str::from_utf8(bytes).map_err(|_| ReadError::new(text::NOT_UTF8))?;
        return Ok(Cow::Borrowed(text));
    }
    let mut decoded = Vec::with_capacity(bytes.len());
    let mut rest = bytes;
    while let Some(at) = rest.iter().position(encoded) {
        decoded.extend_from_slice(&rest[..at]);
        if rest[at] == b'+' {
            decoded.push(b' ');
            rest = &rest[at + 1..];
        } else {
            let digit = |offset: usize| rest.get(at + offset).and_then(|byte| char::from(*byte).to_digit(16));
            let (Some(high), Some(low)) = (digit(1), digit(2)) else {
                return Err(ReadError::new(text::BAD_PERCENT));
            };
            decoded.push((high << 4 | low) as u8);
            rest = &rest[at + 3..];
        }
    }
    decoded.extend_from_slice(rest);
    String::from_utf8(decoded).map(Cow::Owned).map_err(|_| ReadError::new(text::NOT_UTF8))
}
