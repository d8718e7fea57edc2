//! Moments as people read them.

use strongroom_schema::Timestamp;

/// RFC 3339 in UTC, to the second. Such texts compare as the moments do.
pub(crate) fn text(epoch_ms: i64) -> String {
    // Within the years that have a text, first.
    let seconds = Timestamp::from_millis(epoch_ms).as_millis().div_euclid(1000);
    Timestamp::from_millis(seconds * 1000).to_iso8601()
}

/// The day alone.
pub(crate) fn day(epoch_ms: i64) -> String {
    let text = text(epoch_ms);
    text.split_once('T').map_or_else(|| text.clone(), |(day, _)| day.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_written_to_the_second() {
        assert_eq!(text(1_700_000_000_999), "2023-11-14T22:13:20Z");
        assert_eq!(text(-1), "1969-12-31T23:59:59Z");
        assert_eq!(text(i64::MAX), "9999-12-31T23:59:59Z");
        assert_eq!(day(1_700_000_000_999), "2023-11-14");
    }
}
