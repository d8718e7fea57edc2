//! Texts of records, packed: what appears in many of them takes few bytes.
//!
//! A packed text is the text itself, but for codes that begin with bytes which UTF-8 never has:
//!
//! ```text
//! ff n         the phrase of that number
//! fe ..        16 bytes: a UUID in lower case
//! fd n ..      n bytes: 2n digits of lower-case hexadecimal
//! fc ..        5 bytes, little-endian: a number of 12 decimal digits, such as an account
//! fb           the record's account
//! fa           the record's Region
//! ```
//!
//! Packing is a matter of room alone: [`Packing::unpack`] gives back every text that [`Packing::pack`] was given,
//! to the letter, whatever it says.

mod phrases;

use super::RECORD_LIMIT;

const PHRASE: u8 = 0xff;
const UUID: u8 = 0xfe;
const HEX: u8 = 0xfd;
const NUMBER: u8 = 0xfc;
const ACCOUNT: u8 = 0xfb;
const REGION: u8 = 0xfa;

/// Where the dashes of a UUID are, and its length.
const DASHES: [usize; 4] = [8, 13, 18, 23];
const UUID_LENGTH: usize = 36;
/// The least run of hexadecimal digits that is packed, and the most digits of one code.
const LEAST_HEX: usize = 16;
const MOST_HEX: usize = 510;
const NUMBER_LENGTH: usize = 12;

/// What the texts of one record are packed with.
#[derive(Clone, Copy, Default)]
pub(super) struct Packing<'r> {
    /// The record's account; empty while it is not known.
    pub(super) account: &'r str,
    /// The record's Region; empty while it is not known.
    pub(super) region: &'r str,
}

impl Packing<'_> {
    /// Appends a text to a buffer, packed.
    pub(super) fn pack(&self, text: &str, buffer: &mut Vec<u8>) {
        let text = text.as_bytes();
        let (mut at, mut written) = (0, 0);
        while let Some(rest) = text.get(at..).filter(|rest| !rest.is_empty()) {
            if let Some(code) = self.code_for(rest) {
                buffer.extend_from_slice(text.get(written..at).unwrap_or_default());
                at += code.write(buffer);
                written = at;
                continue;
            }
            // Codes are looked for where a word begins, and at what is no letter or digit: that is what makes packing
            // cheap, and finds all that is worth finding.
            let word = rest.iter().take_while(|byte| byte.is_ascii_alphanumeric()).count();
            at += word.max(1);
        }
        buffer.extend_from_slice(text.get(written..).unwrap_or_default());
    }

    /// Finds a code for what a text begins with.
    fn code_for<'t>(&self, text: &'t [u8]) -> Option<Code<'t>> {
        if let Some((number, length)) = phrases::at_start_of(text) {
            return Some(Code::Phrase(number, length));
        }
        let begins_with =
            |known: &[u8]| !known.is_empty() && known.first() == text.first() && text.starts_with(known);
        if begins_with(self.account.as_bytes()) {
            return Some(Code::Known(ACCOUNT, self.account.len()));
        }
        if begins_with(self.region.as_bytes()) {
            return Some(Code::Known(REGION, self.region.len()));
        }
        digits(text)
    }

    /// Reads a packed text back; none if it is not one, or longer than a record may be.
    pub(super) fn unpack(&self, packed: &[u8]) -> Option<String> {
        let mut text = Vec::with_capacity(packed.len() * 2);
        let mut rest = packed;
        while let Some(at) = rest.iter().position(|&byte| byte >= REGION) {
            let (plain, coded) = rest.split_at(at);
            text.extend_from_slice(plain);
            rest = self.unpack_code(coded, &mut text)?;
            if text.len() > RECORD_LIMIT {
                return None;
            }
        }
        text.extend_from_slice(rest);
        String::from_utf8(text).ok()
    }

    /// Reads one code, and returns what is behind it.
    fn unpack_code<'p>(&self, coded: &'p [u8], text: &mut Vec<u8>) -> Option<&'p [u8]> {
        let (&code, rest) = coded.split_first()?;
        Some(match code {
            PHRASE => {
                let (&number, rest) = rest.split_first()?;
                text.extend_from_slice(phrases::numbered(number)?.as_bytes());
                rest
            }
            UUID => {
                let (uuid, rest) = rest.split_first_chunk::<16>()?;
                for (index, &byte) in uuid.iter().enumerate() {
                    if matches!(index, 4 | 6 | 8 | 10) {
                        text.push(b'-');
                    }
                    text.extend_from_slice(&pair(byte));
                }
                rest
            }
            HEX => {
                let (&length, rest) = rest.split_first()?;
                let (bytes, rest) = rest.split_at_checked(usize::from(length))?;
                text.extend(bytes.iter().flat_map(|&byte| pair(byte)));
                rest
            }
            NUMBER => {
                let (bytes, rest) = rest.split_first_chunk::<5>()?;
                let number = bytes.iter().rev().fold(0, |number, &byte| number << 8 | u64::from(byte));
                text.extend_from_slice(format!("{number:012}").as_bytes());
                rest
            }
            ACCOUNT => {
                text.extend_from_slice(self.account.as_bytes());
                rest
            }
            REGION => {
                text.extend_from_slice(self.region.as_bytes());
                rest
            }
            _ => return None,
        })
    }
}

/// What a piece of text becomes.
enum Code<'t> {
    /// A phrase's number, and the phrase's length.
    Phrase(u8, usize),
    /// What the record knows anyway, and its length.
    Known(u8, usize),
    Uuid([u8; 16]),
    /// An even run of digits.
    Hex(&'t [u8]),
    Number(u64),
}

impl Code<'_> {
    /// Writes the code, and returns how much text it stands for.
    fn write(&self, buffer: &mut Vec<u8>) -> usize {
        match *self {
            Self::Phrase(number, length) => {
                buffer.extend_from_slice(&[PHRASE, number]);
                length
            }
            Self::Known(code, length) => {
                buffer.push(code);
                length
            }
            Self::Uuid(uuid) => {
                buffer.push(UUID);
                buffer.extend_from_slice(&uuid);
                UUID_LENGTH
            }
            Self::Hex(run) => {
                buffer.extend_from_slice(&[HEX, (run.len() / 2) as u8]);
                let (pairs, _) = run.as_chunks::<2>();
                buffer.extend(pairs.iter().map(|[high, low]| {
                    nibble(*high).unwrap_or_default() << 4 | nibble(*low).unwrap_or_default()
                }));
                run.len()
            }
            Self::Number(number) => {
                buffer.push(NUMBER);
                buffer.extend(number.to_le_bytes().into_iter().take(5));
                NUMBER_LENGTH
            }
        }
    }
}

/// Finds the digits that a text begins with, if there is a code for such.
fn digits(text: &[u8]) -> Option<Code<'_>> {
    let is_digit = |byte: &&u8| nibble(**byte).is_some();
    let run = text.iter().take(MOST_HEX).take_while(is_digit).count();
    if run == DASHES.first().copied().unwrap_or_default() {
        return text.first_chunk().and_then(uuid).map(Code::Uuid);
    }
    if run >= LEAST_HEX {
        return text.get(..run & !1).map(Code::Hex);
    }
    // A longer run of digits, or one with letters in it, is something else.
    let number = text.first_chunk::<NUMBER_LENGTH>().filter(|_| run == NUMBER_LENGTH)?;
    number
        .iter()
        .try_fold(0, |number, byte| match byte {
            b'0'..=b'9' => Some(number * 10 + u64::from(byte - b'0')),
            _ => None,
        })
        .map(Code::Number)
}

/// Reads a UUID in lower case.
fn uuid(text: &[u8; UUID_LENGTH]) -> Option<[u8; 16]> {
    let mut uuid = [0; 16];
    let mut digits = 0;
    for (at, &byte) in text.iter().enumerate() {
        if DASHES.contains(&at) {
            if byte != b'-' {
                return None;
            }
            continue;
        }
        let place = uuid.get_mut(digits / 2)?;
        *place = *place << 4 | nibble(byte)?;
        digits += 1;
    }
    Some(uuid)
}

/// The value of a lower-case hexadecimal digit.
fn nibble(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        _ => None,
    }
}

/// The two digits of a byte.
fn pair(byte: u8) -> [u8; 2] {
    let digit = |value: u8| if value < 10 { b'0' + value } else { b'a' + value - 10 };
    [digit(byte >> 4), digit(byte & 0xf)]
}

#[cfg(test)]
mod tests {
    use super::*;

    const PACKING: Packing<'static> = Packing { account: "111122223333", region: "eu-central-1" };

    fn packed(text: &str) -> Vec<u8> {
        let mut buffer = Vec::new();
        PACKING.pack(text, &mut buffer);
        assert_eq!(PACKING.unpack(&buffer).as_deref(), Some(text));
        buffer
    }

    #[test]
    fn each_kind_of_text_has_its_code() {
        let uuid = "1234abcd-12ab-34cd-56ef-1234567890ab";
        let table: [(&str, usize); 12] = [
            ("", 0),
            ("kms.amazonaws.com", 2),
            (uuid, 17),
            ("111122223333", 1),
            ("444455556666", 6),
            ("000000000000", 6),
            ("eu-central-1", 1),
            // A key's material.
            ("0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef", 34),
            // Upper case, and a UUID that goes on, are texts like others.
            ("1234ABCD-12AB-34CD-56EF-1234567890AB", 36),
            ("x1234abcd-12ab-34cd-56ef-1234567890ab", 37),
            ("\u{10ffff}\u{80}", 6),
            (
                r#"{"keyId":"arn:aws:kms:eu-central-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab"}"#,
                29,
            ),
        ];
        for (text, length) in table {
            assert_eq!(packed(text).len(), length, "{text}");
        }
    }

    #[test]
    fn what_nobody_packed_is_refused() {
        for bytes in
            [&[0xff][..], &[0xff, 255], &[0xfe, 0], &[0xfd, 3, 1, 2], &[0xfc, 1, 2, 3, 4], &[0x80], &[0xf9]]
        {
            assert_eq!(PACKING.unpack(bytes), None, "{bytes:?}");
        }
        let endless = [0xff, 75].repeat(RECORD_LIMIT / 8);
        assert_eq!(PACKING.unpack(&endless), None);
    }
}
