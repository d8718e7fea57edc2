//! Values as the operators compare them: numbers, moments, truths, networks and bytes. What a text does not
//! say is `None`, and compares with nothing.

use std::borrow::Cow;
use std::net::{IpAddr, Ipv4Addr};

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD};
use ipnet::{IpNet, Ipv4Net};
use time::format_description::well_known::Rfc3339;
use time::{Date, Month, OffsetDateTime, Time};

use crate::keys::Value;

/// Digits that a decimal number may have behind its point.
const FRACTION_DIGITS: usize = 9;

/// Digits that it may have before.
const WHOLE_DIGITS: usize = 18;

/// The bits before an IPv4 address that is written as IPv6.
const MAPPED_BITS: u8 = 96;

/// Milliseconds of a second.
const MILLIS: i64 = 1000;

/// A decimal number, exactly: in billionths.
pub(super) type Decimal = i128;

/// Reads `-12.5`, `7` and the like. AWS's numbers are integers and decimals ("IAM JSON policy elements:
/// Condition operators").
pub(super) fn decimal(text: &str) -> Option<Decimal> {
    let (sign, digits) = match text.strip_prefix('-') {
        Some(digits) => (-1, digits),
        None => (1, text.strip_prefix('+').unwrap_or(text)),
    };
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let are_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    let is_number = are_digits(whole)
        && are_digits(fraction)
        && whole.len() <= WHOLE_DIGITS
        && fraction.len() <= FRACTION_DIGITS
        && !(whole.is_empty() && fraction.is_empty());
    if !is_number {
        return None;
    }
    let scaled = format!("{whole}{fraction:0<FRACTION_DIGITS$}");
    Some(sign * scaled.parse::<Decimal>().ok()?)
}

pub(super) fn decimal_of(value: &Value<'_>) -> Option<Decimal> {
    let whole = |number: i64| Decimal::from(number) * 10_i128.pow(FRACTION_DIGITS as u32);
    match value {
        Value::Text(text) => decimal(text),
        Value::Number(number) => Some(whole(*number)),
        Value::Moment(millis) => Some(whole(*millis) / Decimal::from(MILLIS)),
        Value::Truth(_) | Value::Address(_) | Value::Bytes(_) => None,
    }
}

/// Reads a date of the W3C's profile of ISO 8601 (a year, month, day or moment of UTC or with an offset), or
/// seconds since 1970; answers milliseconds since 1970.
pub(super) fn moment(text: &str) -> Option<i64> {
    let dashes = text.matches('-').count();
    if text.contains('T') {
        return full_moment(text);
    }
    match text.len() {
        10 if dashes == 2 => of_date(text.get(..4)?, text.get(5..7)?, text.get(8..)?),
        7 if dashes == 1 && !text.starts_with('-') => of_date(text.get(..4)?, text.get(5..)?, "01"),
        // A year by itself has four digits; seconds with as few would be of the first three hours of 1970.
        4 if dashes == 0 => of_date(text, "01", "01"),
        _ => i64::try_from(decimal(text)? / 1_000_000).ok(),
    }
}

/// A moment with its time of day, seconds or not.
fn full_moment(text: &str) -> Option<i64> {
    // `2026-01-01T00:00Z`: the profile allows minutes to be the last, RFC 3339 does not.
    let (minutes, rest) = text.split_at_checked(16)?;
    let text =
        if rest.starts_with(':') { Cow::Borrowed(text) } else { Cow::Owned(format!("{minutes}:00{rest}")) };
    let moment = OffsetDateTime::parse(&text, &Rfc3339).ok()?;
    i64::try_from(moment.unix_timestamp_nanos() / 1_000_000).ok()
}

fn of_date(year: &str, month: &str, day: &str) -> Option<i64> {
    let month = Month::try_from(month.parse::<u8>().ok()?).ok()?;
    let date = Date::from_calendar_date(year.parse().ok()?, month, day.parse().ok()?).ok()?;
    Some(date.with_time(Time::MIDNIGHT).assume_utc().unix_timestamp() * MILLIS)
}

pub(super) fn moment_of(value: &Value<'_>) -> Option<i64> {
    match value {
        Value::Text(text) => moment(text),
        Value::Moment(millis) => Some(*millis),
        Value::Number(seconds) => seconds.checked_mul(MILLIS),
        Value::Truth(_) | Value::Address(_) | Value::Bytes(_) => None,
    }
}

pub(super) fn truth(text: &str) -> Option<bool> {
    if text.eq_ignore_ascii_case("true") {
        return Some(true);
    }
    text.eq_ignore_ascii_case("false").then_some(false)
}

pub(super) fn truth_of(value: &Value<'_>) -> Option<bool> {
    match value {
        Value::Text(text) => truth(text),
        Value::Truth(truth) => Some(*truth),
        _ => None,
    }
}

/// A block of addresses; an address by itself is a block of one. Bits that the mask leaves out do not count.
/// One of IPv4 that is written as IPv6 (`::ffff:10.0.0.0/104`) is one of IPv4, as the callers are that it has.
pub(super) fn network(text: &str) -> Option<IpNet> {
    let network = text.parse().ok().or_else(|| text.parse::<IpAddr>().ok().map(IpNet::from))?;
    let IpNet::V6(written) = network else { return Some(network) };
    let (Some(address), Some(bits)) =
        (written.addr().to_ipv4_mapped(), written.prefix_len().checked_sub(MAPPED_BITS))
    else {
        return Some(network);
    };
    Ipv4Net::new(address, bits).ok().map(IpNet::V4)
}

pub(super) fn address_of(value: &Value<'_>) -> Option<IpAddr> {
    let address = match value {
        Value::Address(address) => *address,
        Value::Text(text) => text.parse().ok()?,
        _ => return None,
    };
    Some(address.to_canonical())
}

/// Whether the block has the address. A caller over IPv4 on a socket of IPv6 is one over IPv4.
pub(super) fn has(network: &IpNet, address: IpAddr) -> bool {
    network.contains(&address)
}

pub(super) fn bytes(text: &str) -> Option<Vec<u8>> {
    STANDARD.decode(text).or_else(|_| STANDARD_NO_PAD.decode(text)).ok()
}

pub(super) fn bytes_of<'v>(value: &'v Value<'_>) -> Option<Cow<'v, [u8]>> {
    match value {
        Value::Bytes(bytes) => Some(Cow::Borrowed(bytes)),
        Value::Text(text) => bytes(text).map(Cow::Owned),
        _ => None,
    }
}

/// A value as text: what String operators compare, and traces show. Moments are written as
/// `2026-01-01T00:00:00Z`.
pub(crate) fn text_of<'v>(value: &'v Value<'_>) -> Cow<'v, str> {
    match value {
        Value::Text(text) => Cow::Borrowed(text),
        Value::Number(number) => Cow::Owned(number.to_string()),
        Value::Truth(true) => Cow::Borrowed("true"),
        Value::Truth(false) => Cow::Borrowed("false"),
        Value::Moment(millis) => {
            let moment = OffsetDateTime::from_unix_timestamp(millis.div_euclid(MILLIS)).ok();
            Cow::Owned(moment.and_then(|moment| moment.format(&Rfc3339).ok()).unwrap_or_default())
        }
        Value::Address(IpAddr::V4(address)) => Cow::Owned(address.to_string()),
        Value::Address(IpAddr::V6(address)) => {
            let mapped: Option<Ipv4Addr> = address.to_ipv4_mapped();
            Cow::Owned(mapped.map_or_else(|| address.to_string(), |mapped| mapped.to_string()))
        }
        Value::Bytes(bytes) => Cow::Owned(STANDARD.encode(bytes)),
    }
}
