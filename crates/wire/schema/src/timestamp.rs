//! Moments as the APIs exchange them.

use time::OffsetDateTime;
use time::format_description::FormatItem;
use time::format_description::well_known::{Rfc2822, Rfc3339};
use time::macros::format_description;

/// Nanoseconds in a millisecond.
const NANOS_PER_MILLI: i128 = 1_000_000;

/// The first and the last millisecond of the years that every format can write, 1 to 9999.
const FIRST: i64 = -62_135_596_800_000;
const LAST: i64 = 253_402_300_799_999;

/// A moment in UTC, to the millisecond, between the years 1 and 9999.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(i64);

const ISO_SECONDS: &[FormatItem<'_>] = format_description!("[year]-[month]-[day]T[hour]:[minute]:[second]Z");
const ISO_MILLIS: &[FormatItem<'_>] =
    format_description!("[year]-[month]-[day]T[hour]:[minute]:[second].[subsecond digits:3]Z");
const HTTP_DATE: &[FormatItem<'_>] =
    format_description!("[weekday repr:short], [day] [month repr:short] [year] [hour]:[minute]:[second] GMT");

impl Timestamp {
    /// The moment `millis` milliseconds after 1970, or before it. Moments outside the years 1 to 9999 are
    /// drawn to the nearer end.
    pub fn from_millis(millis: i64) -> Self {
        Self(millis.clamp(FIRST, LAST))
    }

    /// Milliseconds since 1970.
    pub fn as_millis(self) -> i64 {
        self.0
    }

    /// The moment `seconds` after 1970, rounded to the millisecond; `None` for what is no moment.
    pub fn from_epoch_seconds(seconds: f64) -> Option<Self> {
        let millis = (seconds * 1000.0).round();
        if millis.is_nan() { None } else { Self::within_years(millis as i64) }
    }

    /// Seconds since 1970 in decimal, with up to three digits after the point and no needless zeros.
    pub fn to_epoch_seconds(self) -> String {
        let (sign, magnitude) = (if self.0 < 0 { "-" } else { "" }, self.0.unsigned_abs());
        let (seconds, millis) = (magnitude / 1000, magnitude % 1000);
        if millis == 0 {
            return format!("{sign}{seconds}");
        }
        format!("{sign}{seconds}.{millis:03}").trim_end_matches('0').to_owned()
    }

    /// RFC 3339 in UTC; milliseconds only where there are some.
    pub fn to_iso8601(self) -> String {
        let format = if self.0.rem_euclid(1000) == 0 { ISO_SECONDS } else { ISO_MILLIS };
        self.format(format)
    }

    /// RFC 3339 in UTC, always with milliseconds.
    pub fn to_iso8601_millis(self) -> String {
        self.format(ISO_MILLIS)
    }

    /// RFC 9110's IMF-fixdate, whole seconds.
    pub fn to_http_date(self) -> String {
        self.format(HTTP_DATE)
    }

    /// Reads RFC 3339, with any offset.
    pub fn parse_iso8601(text: &str) -> Option<Self> {
        Self::from_date_time(OffsetDateTime::parse(text, &Rfc3339).ok()?)
    }

    /// Reads RFC 9110's IMF-fixdate, and as AWS does the other forms that RFC 2822 gives a date, from the year
    /// 1900 on.
    pub fn parse_http_date(text: &str) -> Option<Self> {
        Self::from_date_time(OffsetDateTime::parse(text, &Rfc2822).ok()?)
    }

    /// The same moment as a calendar date and time.
    pub fn to_date_time(self) -> OffsetDateTime {
        OffsetDateTime::from_unix_timestamp_nanos(i128::from(self.0) * NANOS_PER_MILLI)
            .unwrap_or(OffsetDateTime::UNIX_EPOCH)
    }

    fn from_date_time(moment: OffsetDateTime) -> Option<Self> {
        let millis = i64::try_from(moment.unix_timestamp_nanos().div_euclid(NANOS_PER_MILLI)).ok()?;
        Self::within_years(millis)
    }

    fn within_years(millis: i64) -> Option<Self> {
        (FIRST..=LAST).contains(&millis).then_some(Self(millis))
    }

    fn format(self, format: &[FormatItem<'_>]) -> String {
        self.to_date_time().format(format).unwrap_or_default()
    }
}
