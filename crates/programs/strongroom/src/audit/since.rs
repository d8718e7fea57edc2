//! From when on.

use std::str::FromStr;

use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

const SECOND: i64 = 1000;

/// A moment, or a time before now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Since {
    /// Milliseconds since 1970.
    Moment(i64),
    /// Milliseconds ago.
    Ago(i64),
}

impl Since {
    /// Milliseconds since 1970, where it is `now_ms`.
    pub(crate) fn as_millis(self, now_ms: i64) -> i64 {
        match self {
            Self::Moment(moment) => moment,
            Self::Ago(span) => now_ms.saturating_sub(span),
        }
    }
}

impl FromStr for Since {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if let Ok(moment) = OffsetDateTime::parse(text, &Rfc3339) {
            return Ok(Self::Moment(moment.unix_timestamp().saturating_mul(SECOND)));
        }
        let refused = "write a moment as 2026-11-27T08:00:00Z, or a time ago as 90s, 30m, 24h or 7d";
        let (number, unit) = text.split_at(text.len() - text.chars().next_back().map_or(0, char::len_utf8));
        let unit = match unit {
            "s" => SECOND,
            "m" => 60 * SECOND,
            "h" => 3600 * SECOND,
            "d" => 24 * 3600 * SECOND,
            _ => return Err(refused),
        };
        let number: u32 = number.parse().map_err(|_| refused)?;
        Ok(Self::Ago(i64::from(number).saturating_mul(unit)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_and_times_ago_are_read() {
        let table = [
            ("1970-01-01T00:00:02Z", Since::Moment(2000)),
            ("1970-01-01T01:00:00+01:00", Since::Moment(0)),
            ("90s", Since::Ago(90_000)),
            ("30m", Since::Ago(1_800_000)),
            ("24h", Since::Ago(86_400_000)),
            ("7d", Since::Ago(604_800_000)),
        ];
        for (text, since) in table {
            assert_eq!(text.parse(), Ok(since), "{text}");
        }
        assert_eq!(Since::Ago(2000).as_millis(5000), 3000);
        for text in ["", "7", "d", "-1d", "1 h", "7é", "yesterday", "99999999999d"] {
            assert!(text.parse::<Since>().is_err(), "{text}");
        }
    }
}
