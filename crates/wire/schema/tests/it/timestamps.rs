//! Moments: written in three formats and read back.

use proptest::prelude::*;
use strongroom_schema::Timestamp;

/// 0001-01-01T00:00:00.000Z and 9999-12-31T23:59:59.999Z.
const FIRST: i64 = -62_135_596_800_000;
const LAST: i64 = 253_402_300_799_999;
/// 1900-01-01T00:00:00Z, where RFC 2822's years begin.
const YEAR_1900: i64 = -2_208_988_800_000;

fn at(millis: i64) -> Timestamp {
    Timestamp::from_millis(millis)
}

/// Milliseconds of the year 1 to 9999, with the edges more often than chance would have them.
fn millis() -> impl Strategy<Value = i64> {
    prop_oneof![
        6 => FIRST..=LAST,
        2 => (FIRST / 1000..=LAST / 1000).prop_map(|seconds| seconds * 1000),
        1 => -2000_i64..2000,
        1 => prop_oneof![Just(FIRST), Just(LAST), Just(LAST - 999), Just(FIRST + 1)],
    ]
}

#[test]
fn epoch_seconds_are_written_without_needless_digits() {
    for (millis, text) in [
        (0, "0"),
        (1, "0.001"),
        (10, "0.01"),
        (100, "0.1"),
        (1_000, "1"),
        (1_398_796_238_000, "1398796238"),
        (1_398_796_238_250, "1398796238.25"),
        (1_700_000_000_120, "1700000000.12"),
        (10_000, "10"),
        (-1, "-0.001"),
        (-1_500, "-1.5"),
        (-62_135_596_800_000, "-62135596800"),
        (253_402_300_799_999, "253402300799.999"),
    ] {
        assert_eq!(at(millis).to_epoch_seconds(), text);
    }
}

#[test]
fn epoch_seconds_are_read_to_the_nearest_millisecond() {
    for (seconds, millis) in [
        (0.0, 0),
        (-0.0, 0),
        (1_398_796_238.5, 1_398_796_238_500),
        (0.000_4, 0),
        (0.000_6, 1),
        (-0.000_6, -1),
        (1_700_000_000.123_4, 1_700_000_000_123),
        (253_402_300_799.999, LAST),
        (-62_135_596_800.0, FIRST),
    ] {
        assert_eq!(Timestamp::from_epoch_seconds(seconds), Some(at(millis)), "{seconds}");
    }
    for seconds in [
        f64::NAN,
        f64::INFINITY,
        f64::NEG_INFINITY,
        f64::MAX,
        f64::MIN,
        1e300,
        253_402_300_800.0,
        253_402_300_799.999_9,
        -62_135_596_800.001,
    ] {
        assert_eq!(Timestamp::from_epoch_seconds(seconds), None, "{seconds}");
    }
}

#[test]
fn iso_times_are_written_in_utc_with_milliseconds_where_there_are_some() {
    for (millis, text) in [
        (0, "1970-01-01T00:00:00Z"),
        (1_398_796_238_000, "2014-04-29T18:30:38Z"),
        (1_398_796_238_250, "2014-04-29T18:30:38.250Z"),
        (1_582_934_400_000, "2020-02-29T00:00:00Z"),
        (-1, "1969-12-31T23:59:59.999Z"),
        (-1_000, "1969-12-31T23:59:59Z"),
        (FIRST, "0001-01-01T00:00:00Z"),
        (LAST, "9999-12-31T23:59:59.999Z"),
    ] {
        assert_eq!(at(millis).to_iso8601(), text);
        assert_eq!(Timestamp::parse_iso8601(text), Some(at(millis)));
    }
}

/// RFC 3339, section 5.6 and its examples in 5.8.
#[test]
fn iso_times_are_read_with_any_offset_and_fraction() {
    for (text, same) in [
        ("1985-04-12T23:20:50.52Z", "1985-04-12T23:20:50.520Z"),
        ("1996-12-19T16:39:57-08:00", "1996-12-20T00:39:57Z"),
        ("1937-01-01T12:00:27.87+00:20", "1937-01-01T11:40:27.870Z"),
        ("2014-04-29T18:30:38-00:00", "2014-04-29T18:30:38Z"),
        ("2014-04-29t18:30:38z", "2014-04-29T18:30:38Z"),
        // Below a millisecond is cut off, not rounded into the next second, or year.
        ("2014-04-29T18:30:38.1239999Z", "2014-04-29T18:30:38.123Z"),
        ("9999-12-31T23:59:59.9999Z", "9999-12-31T23:59:59.999Z"),
        // A leap second is the last moment before the next.
        ("1990-12-31T23:59:60Z", "1990-12-31T23:59:59.999Z"),
    ] {
        let read = Timestamp::parse_iso8601(text).map(Timestamp::to_iso8601);
        assert_eq!(read.as_deref(), Some(same), "{text}");
    }
}

#[test]
fn iso_times_that_are_none() {
    for text in [
        "",
        "2014-04-29",
        "18:30:38Z",
        "2014-04-29T18:30:38",
        "2014-04-29T18:30Z",
        "2014-04-29T18:30:38+0100",
        "2014-04-29T18:30:38+24:00",
        "2014-04-29T18:30:38.Z",
        "2014-04-29T24:00:00Z",
        "2014-04-29T18:30:61Z",
        "2014-02-29T00:00:00Z",
        "2014-13-01T00:00:00Z",
        "02014-04-29T18:30:38Z",
        "+2014-04-29T18:30:38Z",
        "-0001-01-01T00:00:00Z",
        " 2014-04-29T18:30:38Z",
        "2014-04-29T18:30:38Z\n",
        "1398796238",
        // Outside the years, in UTC: no format could write it.
        "0000-12-31T23:59:59Z",
        "0001-01-01T00:00:00+01:00",
        "9999-12-31T23:59:59-01:00",
        "9999-12-31T23:59:59.999-23:59",
    ] {
        assert_eq!(Timestamp::parse_iso8601(text), None, "{text:?}");
    }
    // Inside them, although not where they were written.
    let last = Timestamp::parse_iso8601("9999-12-31T23:59:59+23:59");
    assert_eq!(last.map(Timestamp::to_iso8601).as_deref(), Some("9999-12-31T00:00:59Z"));
    assert!(Timestamp::parse_iso8601("0001-01-01T00:00:00-00:01").is_some());
}

/// RFC 9110, section 5.6.7.
#[test]
fn http_dates_are_fixed_in_length_and_in_gmt() {
    for (millis, text) in [
        (784_111_777_000, "Sun, 06 Nov 1994 08:49:37 GMT"),
        (0, "Thu, 01 Jan 1970 00:00:00 GMT"),
        (-1_000, "Wed, 31 Dec 1969 23:59:59 GMT"),
        (1_582_934_400_000, "Sat, 29 Feb 2020 00:00:00 GMT"),
        (LAST - 999, "Fri, 31 Dec 9999 23:59:59 GMT"),
    ] {
        assert_eq!(at(millis).to_http_date(), text);
        assert_eq!(Timestamp::parse_http_date(text), Some(at(millis)));
    }
    assert_eq!(at(FIRST).to_http_date(), "Mon, 01 Jan 0001 00:00:00 GMT");
    // Whole seconds: the rest is cut off, before 1970 too.
    assert_eq!(at(999).to_http_date(), "Thu, 01 Jan 1970 00:00:00 GMT");
    assert_eq!(at(-1).to_http_date(), "Wed, 31 Dec 1969 23:59:59 GMT");
    for text in [
        "",
        "Sunday, 06-Nov-94 08:49:37 GMT",
        "Sun Nov  6 08:49:37 1994",
        "Sun, 06 Nov 1994 08:49:37",
        "Sun, 31 Nov 1994 08:49:37 GMT",
        "Sun, 06 Nov 1994 25:49:37 GMT",
        "1994-11-06T08:49:37Z",
        "Fri, 31 Dec 9999 23:59:59 -0100",
        "784111777",
    ] {
        assert_eq!(Timestamp::parse_http_date(text), None, "{text:?}");
    }
}

#[test]
fn moments_outside_the_years_are_drawn_to_the_nearer_end() {
    for (millis, end) in [
        (FIRST - 1, FIRST),
        (i64::MIN, FIRST),
        (LAST + 1, LAST),
        (i64::MAX, LAST),
        (FIRST, FIRST),
        (LAST, LAST),
    ] {
        assert_eq!(at(millis).as_millis(), end);
    }
    assert_eq!(Timestamp::default(), at(0));
}

proptest! {
    #[test]
    fn epoch_seconds_come_back(millis in millis()) {
        let text = at(millis).to_epoch_seconds();
        prop_assert_eq!(Timestamp::from_epoch_seconds(text.parse().unwrap()), Some(at(millis)), "{}", text);
    }

    #[test]
    fn iso_times_come_back(millis in millis()) {
        let text = at(millis).to_iso8601();
        prop_assert_eq!(text.len(), if millis % 1000 == 0 { 20 } else { 24 }, "{}", text);
        prop_assert_eq!(Timestamp::parse_iso8601(&text), Some(at(millis)), "{}", text);
    }

    #[test]
    fn http_dates_come_back_to_the_second(millis in YEAR_1900..=LAST) {
        let text = at(millis).to_http_date();
        prop_assert_eq!(text.len(), 29, "{}", text);
        let whole = at(millis.div_euclid(1000) * 1000);
        prop_assert_eq!(Timestamp::parse_http_date(&text), Some(whole), "{}", text);
    }

    #[test]
    fn calendar_and_milliseconds_agree(millis in any::<i64>()) {
        let moment = at(millis);
        let calendar = moment.to_date_time();
        prop_assert_eq!(calendar.unix_timestamp_nanos(), i128::from(moment.as_millis()) * 1_000_000);
        prop_assert!((1..=9999).contains(&calendar.year()));
    }

    #[test]
    fn later_is_greater(one in millis(), other in millis()) {
        prop_assert_eq!(at(one).cmp(&at(other)), one.cmp(&other));
        prop_assert_eq!(at(one) == at(other), one == other);
    }

    /// Nothing that a caller may send makes a reader panic, or gives a moment that cannot be written.
    #[test]
    fn any_text_is_a_moment_or_none(
        text in "\\PC{0,40}|[0-9]{4}-[01][0-9]-[0-3][0-9][Tt ][0-2][0-9]:[0-6][0-9]:[0-6][0-9](\\.[0-9]{1,12})?(Z|[+-][0-2][0-9]:[0-5][0-9])",
        date in "(Mon, )?[0-3]?[0-9] (Jan|Feb|Dec) [0-9]{2,4} [0-2][0-9]:[0-6][0-9](:[0-6][0-9])? (GMT|EST|[+-][0-2][0-9][0-5][0-9])",
    ) {
        for read in [Timestamp::parse_iso8601(&text), Timestamp::parse_http_date(&text), Timestamp::parse_http_date(&date)] {
            prop_assert!(read.is_none_or(|moment| (FIRST..=LAST).contains(&moment.as_millis())));
        }
    }

    #[test]
    fn any_number_is_a_moment_or_none(seconds in any::<f64>()) {
        let read = Timestamp::from_epoch_seconds(seconds);
        prop_assert!(read.is_none_or(|moment| (moment.as_millis() as f64 / 1000.0 - seconds).abs() <= 0.001));
    }
}
