//! The forms in which a request says when it was made.

use std::fmt;

use time::format_description::BorrowedFormatItem;
use time::macros::format_description;
use time::{Date, Month, OffsetDateTime, PrimitiveDateTime, Time};

/// `20150830T123600Z`: the form that is signed.
const BASIC: &[u8; 16] = b"########T######Z";
/// `2015-08-30T12:36:00Z`: AWS reads it in the header, and signs the basic form.
const EXTENDED: &[u8; 20] = b"####-##-##T##:##:##Z";
/// `Sun, 30 Aug 2015 12:36:00 GMT`, RFC 1123 as HTTP writes it (RFC 9110, section 5.6.7).
const HTTP: &[BorrowedFormatItem<'_>] =
    format_description!("[weekday repr:short], [day] [month repr:short] [year] [hour]:[minute]:[second] GMT");

/// When a request was signed, to the second.
#[derive(Clone, Copy)]
pub(crate) struct Timestamp {
    seconds: i64,
    basic: [u8; BASIC.len()],
}

impl Timestamp {
    /// Reads ISO 8601, basic or extended, in UTC: what `X-Amz-Date` holds.
    pub(crate) fn iso(text: &str) -> Option<Self> {
        let digits = digits(text, BASIC).or_else(|| digits(text, EXTENDED))?;
        let number = |from, to| digits[from..to].iter().fold(0, |sum, digit| sum * 10 + i32::from(*digit));
        let small = |from| u8::try_from(number(from, from + 2)).ok();
        let date =
            Date::from_calendar_date(number(0, 4), Month::try_from(small(4)?).ok()?, small(6)?).ok()?;
        let time = Time::from_hms(small(8)?, small(10)?, small(12)?).ok()?;
        let mut basic = *BASIC;
        for (place, digit) in basic.iter_mut().filter(|place| **place == b'#').zip(digits) {
            *place = b'0' + digit;
        }
        Some(Self { seconds: PrimitiveDateTime::new(date, time).assume_utc().unix_timestamp(), basic })
    }

    /// Reads what the `Date` header may hold: ISO 8601 or the date of HTTP.
    pub(crate) fn http(text: &str) -> Option<Self> {
        Self::iso(text).or_else(|| {
            let at = PrimitiveDateTime::parse(text, HTTP).ok()?.assume_utc();
            Self::iso(&Basic(at.unix_timestamp()).to_string())
        })
    }

    /// Seconds since the epoch.
    pub(crate) const fn seconds(&self) -> i64 {
        self.seconds
    }

    /// The form that is signed.
    pub(crate) const fn basic(&self) -> &[u8; BASIC.len()] {
        &self.basic
    }

    /// The day, `YYYYMMDD`, that the credential scope has to name.
    pub(crate) fn day(&self) -> &[u8] {
        &self.basic[..8]
    }
}

/// Takes the digits out of a text that has the template's form.
fn digits(text: &str, template: &[u8]) -> Option<[u8; 14]> {
    let text = text.as_bytes();
    let mut digits = [0; 14];
    let mut places = digits.iter_mut();
    if text.len() != template.len() {
        return None;
    }
    for (byte, expected) in text.iter().zip(template) {
        match (*expected, *byte) {
            (b'#', digit @ b'0'..=b'9') => *places.next()? = digit - b'0',
            (literal, byte) if literal == byte && literal != b'#' => {}
            _ => return None,
        }
    }
    Some(digits)
}

/// Seconds since the epoch, shown in the extended form. Times outside the years 0 to 9999 show as the epoch.
pub(crate) struct Extended(pub(crate) i64);

impl fmt::Display for Extended {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let at = OffsetDateTime::from_unix_timestamp(self.0).unwrap_or(OffsetDateTime::UNIX_EPOCH);
        let (year, month, day) = (at.year(), u8::from(at.month()), at.day());
        let (hour, minute, second) = at.to_hms();
        write!(f, "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
    }
}

/// Seconds since the epoch, shown in the basic form. Times outside the years 0 to 9999 show as the epoch.
pub(crate) struct Basic(pub(crate) i64);

impl fmt::Display for Basic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let at = OffsetDateTime::from_unix_timestamp(self.0).unwrap_or(OffsetDateTime::UNIX_EPOCH);
        let (year, month, day) = (at.year(), u8::from(at.month()), at.day());
        let (hour, minute, second) = at.to_hms();
        write!(f, "{year:04}{month:02}{day:02}T{hour:02}{minute:02}{second:02}Z")
    }
}
