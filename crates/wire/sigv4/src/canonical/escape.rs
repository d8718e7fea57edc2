//! Percent-encoding as AWS has it: every byte but the unreserved characters of RFC 3986, in upper case.

/// Gives a byte's encoded form and that form's length.
pub(super) fn encoded(byte: u8) -> ([u8; 3], usize) {
    const DIGITS: &[u8; 16] = b"0123456789ABCDEF";
    match byte {
        b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => ([byte, 0, 0], 1),
        _ => ([b'%', DIGITS[usize::from(byte >> 4)], DIGITS[usize::from(byte & 0xf)]], 3),
    }
}

/// Gives the byte that two hexadecimal digits, of either case, stand for.
pub(super) fn decoded(digits: [u8; 2]) -> Option<u8> {
    let [high, low] = digits.map(|digit| char::from(digit).to_digit(16).map(|value| value as u8));
    Some(high? << 4 | low?)
}

/// Gives the byte that an escape stands for and what comes after it; `None` if there is no escape.
pub(super) fn escape(byte: u8, after: &[u8]) -> Option<(u8, &[u8])> {
    let (digits, rest) = after.split_first_chunk().filter(|_| byte == b'%')?;
    decoded(*digits).map(|escaped| (escaped, rest))
}
