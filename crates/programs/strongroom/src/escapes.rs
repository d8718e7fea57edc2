//! Escapes of URLs (RFC 3986, section 2.1), which IAM's documents are answered in too.

/// A text of a URL with what each `%xx` stands for. What is no escape stays as it is.
pub(crate) fn undone(text: &str) -> Vec<u8> {
    let digit = |byte: Option<&u8>| byte.and_then(|byte| char::from(*byte).to_digit(16));
    let (mut bytes, mut rest) = (Vec::with_capacity(text.len()), text.as_bytes());
    while let Some((first, after)) = rest.split_first() {
        rest = after;
        if *first == b'%'
            && let (Some(high), Some(low)) = (digit(after.first()), digit(after.get(1)))
            && let Ok(byte) = u8::try_from(high * 16 + low)
        {
            bytes.push(byte);
            rest = after.get(2..).unwrap_or_default();
        } else {
            bytes.push(*first);
        }
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_are_undone_and_nothing_else() {
        assert_eq!(undone("%7B%22a%22: 1%7d"), b"{\"a\": 1}");
        for text in ["100%", "%f", "%+f", "%zz", "%%"] {
            assert_eq!(undone(text), text.as_bytes(), "{text}");
        }
    }
}
