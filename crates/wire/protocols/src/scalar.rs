//! Scalars in their textual forms, which the protocols share.

use std::fmt::Write;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use strongroom_schema::{Kind, Member, ReadError, Timestamp, TimestampFormat, Value};

use crate::text::{self, Found, Wanted};

/// The timestamp format that holds for a member's values: its own, its shape's, or the protocol's.
pub(crate) fn timestamp_format(member: &Member, default: TimestampFormat) -> TimestampFormat {
    let of_shape = if let Kind::Timestamp(format) = member.schema.kind { format } else { None };
    member.traits.timestamp_format.or(of_shape).unwrap_or(default)
}

/// A moment in that format, without quotes.
pub(crate) fn timestamp_text(moment: Timestamp, format: TimestampFormat) -> String {
    match format {
        TimestampFormat::EpochSeconds => moment.to_epoch_seconds(),
        TimestampFormat::Iso8601 => moment.to_iso8601(),
        TimestampFormat::Iso8601Millis => moment.to_iso8601_millis(),
        TimestampFormat::HttpDate => moment.to_http_date(),
    }
}

/// Reads a moment in that format.
pub(crate) fn read_timestamp(text: &str, format: TimestampFormat) -> Option<Timestamp> {
    match format {
        TimestampFormat::EpochSeconds => text.parse().ok().and_then(Timestamp::from_epoch_seconds),
        TimestampFormat::Iso8601 | TimestampFormat::Iso8601Millis => Timestamp::parse_iso8601(text),
        TimestampFormat::HttpDate => Timestamp::parse_http_date(text),
    }
}

/// Reads Base64 as RFC 4648 section 4 has it, padding included.
pub(crate) fn read_blob(text: &str) -> Result<Vec<u8>, ReadError> {
    STANDARD.decode(text).map_err(|_| text::not_base64(text))
}

/// Reads a whole number. A fraction or exponent is welcome as long as it leaves the number whole.
pub(crate) fn read_long(number: &str) -> Option<i64> {
    /// Whole numbers up to here are exact in a double.
    const EXACT: f64 = 9_007_199_254_740_992.0;
    if let Ok(whole) = number.parse() {
        return Some(whole);
    }
    if !number.contains(['.', 'e', 'E']) {
        return None;
    }
    let number: f64 = number.parse().ok()?;
    (number.fract() == 0.0 && number.abs() <= EXACT).then_some(number as i64)
}

/// Reads one of the three numbers that have no digits.
pub(crate) fn read_special(text: &str) -> Option<f64> {
    match text {
        "NaN" => Some(f64::NAN),
        "Infinity" => Some(f64::INFINITY),
        "-Infinity" => Some(f64::NEG_INFINITY),
        _ => None,
    }
}

/// Reads a finite number in decimal.
pub(crate) fn read_double(number: &str) -> Result<f64, ReadError> {
    let parsed = number.parse().ok().filter(|number: &f64| number.is_finite());
    parsed.ok_or_else(|| text::mismatch(Found::Number, Wanted::Double))
}

/// The name of a number that has no digits.
pub(crate) fn special(number: f64) -> Option<&'static str> {
    match number {
        _ if number.is_nan() => Some("NaN"),
        f64::INFINITY => Some("Infinity"),
        f64::NEG_INFINITY => Some("-Infinity"),
        _ => None,
    }
}

/// Appends a number or truth value in decimal, without quotes; nothing for values of other kinds.
pub(crate) fn push_plain(out: &mut impl Write, value: Value<'_>) {
    // Writing to memory cannot fail.
    let _ = match value {
        Value::Boolean(truth) => write!(out, "{truth}"),
        Value::Integer(number) => write!(out, "{number}"),
        Value::Float(number) => match special(f64::from(number)) {
            Some(name) => out.write_str(name),
            None => write!(out, "{number:?}"),
        },
        Value::Double(number) => match special(number) {
            Some(name) => out.write_str(name),
            None => write!(out, "{number:?}"),
        },
        _ => Ok(()),
    };
}
