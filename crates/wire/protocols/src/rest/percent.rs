//! Percent-encoding in paths and query strings.

use super::Fault;

/// Decodes a part of a path: every escape once, and nothing else. Names of objects may hold anything that is UTF-8.
pub(super) fn of_path(text: &str) -> Result<String, Fault> {
    decode(text, |byte| byte)
}

/// Decodes a name or a value of a query string, where `+` is a space.
pub(super) fn of_query(text: &str) -> Result<String, Fault> {
    decode(text, |byte| if byte == b'+' { b' ' } else { byte })
}

fn decode(text: &str, plain: impl Fn(u8) -> u8) -> Result<String, Fault> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&byte, after)) = rest.split_first() {
        if byte == b'%' {
            let ([high, low], after) = after.split_first_chunk().ok_or_else(Fault::uri)?;
            bytes.push((digit(*high)? << 4) | digit(*low)?);
            rest = after;
        } else {
            bytes.push(plain(byte));
            rest = after;
        }
    }
    String::from_utf8(bytes).map_err(|_| Fault::uri())
}

fn digit(byte: u8) -> Result<u8, Fault> {
    match byte {
        b'0'..=b'9' => Ok(byte - b'0'),
        b'a'..=b'f' => Ok(byte - b'a' + 10),
        b'A'..=b'F' => Ok(byte - b'A' + 10),
        _ => Err(Fault::uri()),
    }
}
