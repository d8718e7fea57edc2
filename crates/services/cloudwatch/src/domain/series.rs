//! Points in time: at which resolutions they are kept and for how long, and what of them makes the values of a period.

use std::collections::BTreeMap;

use super::statistic::StatisticSet;

pub(crate) const MINUTE_MS: i64 = 60_000;
pub(crate) const HOUR_MS: i64 = 60 * MINUTE_MS;
pub(crate) const DAY_MS: i64 = 24 * HOUR_MS;

/// A span of time for which one point is kept (CloudWatch User Guide, "Metrics retention"). Each sample is counted at
/// every resolution that it is kept at as it comes, so nothing has to be rolled up later.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Resolution {
    Second,
    Minute,
    FiveMinutes,
    Hour,
}

impl Resolution {
    /// From the finest to the coarsest.
    pub(crate) const ALL: [Self; 4] = [Self::Second, Self::Minute, Self::FiveMinutes, Self::Hour];

    /// The length of the span.
    pub(crate) fn millis(self) -> i64 {
        match self {
            Self::Second => 1_000,
            Self::Minute => MINUTE_MS,
            Self::FiveMinutes => 5 * MINUTE_MS,
            Self::Hour => HOUR_MS,
        }
    }

    /// For how long points are kept.
    pub(crate) fn kept_ms(self) -> i64 {
        match self {
            Self::Second => 3 * HOUR_MS,
            Self::Minute => 15 * DAY_MS,
            Self::FiveMinutes => 63 * DAY_MS,
            Self::Hour => 455 * DAY_MS,
        }
    }

    /// The resolutions at which a sample is kept that came with seconds (`is_fine`) or with minutes.
    pub(crate) fn of_sample(is_fine: bool) -> &'static [Self] {
        if is_fine { &Self::ALL } else { &Self::ALL[1..] }
    }
}

/// The beginning of the span of that length in which a moment lies.
pub(crate) fn floor(at_ms: i64, span_ms: i64) -> i64 {
    at_ms.saturating_sub(at_ms.rem_euclid(span_ms.max(1)))
}

/// The moment itself, or the beginning of the span after it.
pub(crate) fn ceil(at_ms: i64, span_ms: i64) -> i64 {
    let floor = floor(at_ms, span_ms);
    if floor == at_ms { at_ms } else { floor.saturating_add(span_ms) }
}

/// A stretch of time cut into periods: those that begin at `start_ms` and then every `period_ms`, before `end_ms`.
#[expect(clippy::struct_field_names, reason = "names say the unit")]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Span {
    pub(crate) start_ms: i64,
    pub(crate) end_ms: i64,
    pub(crate) period_ms: i64,
}

impl Span {
    /// From what a request says: the start goes down to a whole minute, five minutes or hour by its age, or to a whole
    /// period where those are shorter than a minute (CloudWatch API Reference, GetMetricStatistics, "StartTime").
    pub(crate) fn of_request(start_ms: i64, end_ms: i64, period_s: i64, now_ms: i64) -> Self {
        let period_ms = period_s.saturating_mul(1000);
        let age_ms = now_ms.saturating_sub(start_ms);
        let unit_ms = if period_ms < MINUTE_MS && age_ms < Resolution::Second.kept_ms() {
            period_ms
        } else if age_ms < Resolution::Minute.kept_ms() {
            MINUTE_MS
        } else if age_ms < Resolution::FiveMinutes.kept_ms() {
            Resolution::FiveMinutes.millis()
        } else {
            HOUR_MS
        };
        Self { start_ms: floor(start_ms, unit_ms), end_ms, period_ms }
    }

    /// How many periods it has.
    pub(crate) fn periods(&self) -> i64 {
        let length = self.end_ms.saturating_sub(self.start_ms).max(0);
        length / self.period_ms + i64::from(length % self.period_ms != 0)
    }

    /// The resolution at which points are read for it: the coarsest whose spans fit into its periods without a rest.
    pub(crate) fn resolution(&self) -> Resolution {
        let fits =
            |one: &&Resolution| self.period_ms % one.millis() == 0 && self.start_ms % one.millis() == 0;
        Resolution::ALL.iter().rev().find(fits).copied().unwrap_or(Resolution::Second)
    }

    /// The beginning of the period in which a moment lies; `None` outside the stretch.
    pub(crate) fn period_of(&self, at_ms: i64) -> Option<i64> {
        if at_ms < self.start_ms || at_ms >= self.end_ms {
            return None;
        }
        let into = at_ms.saturating_sub(self.start_ms);
        Some(self.start_ms.saturating_add(floor(into, self.period_ms)))
    }
}

/// A point as it is kept: the samples of one unit in one span.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Point {
    pub(crate) at_ms: i64,
    pub(crate) unit: String,
    pub(crate) set: StatisticSet,
}

/// The values of periods, by their beginnings and units.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Periods(pub(crate) BTreeMap<(i64, String), StatisticSet>);

impl Periods {
    /// Counts points into the periods of a stretch.
    pub(crate) fn gather(span: &Span, points: impl IntoIterator<Item = Point>) -> Self {
        let mut periods = Self::default();
        for point in points {
            if let Some(begin) = span.period_of(point.at_ms) {
                periods.add(begin, point.unit, &point.set);
            }
        }
        periods
    }

    fn add(&mut self, begin_ms: i64, unit: String, set: &StatisticSet) {
        self.0.entry((begin_ms, unit)).and_modify(|known| known.add(set)).or_insert(*set);
    }

    /// Those of all units together, by their beginnings: alarms and GetMetricData without a unit look so.
    pub(crate) fn merged(&self) -> BTreeMap<i64, StatisticSet> {
        let mut merged: BTreeMap<i64, StatisticSet> = BTreeMap::new();
        for ((begin_ms, _), set) in &self.0 {
            merged.entry(*begin_ms).and_modify(|known| known.add(set)).or_insert(*set);
        }
        merged
    }
}

/// Adds a sample of 0 for each minute of `from_ms..until_ms` in which `points`, by minutes and in their order, has none.
pub(crate) fn with_zeros(points: Vec<Point>, from_ms: i64, until_ms: i64, unit: &str) -> Vec<Point> {
    let mut filled = Vec::with_capacity(points.len());
    let mut minute = ceil(from_ms, MINUTE_MS);
    let zero = |at_ms| Point { at_ms, unit: unit.to_owned(), set: StatisticSet::of(0.0, 1.0) };
    for point in points {
        while minute < point.at_ms && minute < until_ms {
            filled.push(zero(minute));
            minute += MINUTE_MS;
        }
        minute = minute.max(point.at_ms.saturating_add(MINUTE_MS));
        filled.push(point);
    }
    while minute < until_ms {
        filled.push(zero(minute));
        minute += MINUTE_MS;
    }
    filled
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: i64 = 1_700_000_000_000;

    fn point(at_ms: i64, value: f64) -> Point {
        Point { at_ms, unit: "Count".to_owned(), set: StatisticSet::of(value, 1.0) }
    }

    #[test]
    fn the_start_goes_down_by_its_age() {
        let start = |age_ms: i64, period_s| {
            let start_ms = NOW - age_ms;
            start_ms - Span::of_request(start_ms, NOW, period_s, NOW).start_ms
        };
        assert_eq!(start(HOUR_MS, 60), NOW % MINUTE_MS);
        assert_eq!(start(HOUR_MS + 3_000, 10), (NOW - 3_000) % 10_000);
        assert_eq!(start(20 * DAY_MS, 60), NOW % (5 * MINUTE_MS));
        assert_eq!(start(70 * DAY_MS, 60), NOW % HOUR_MS);
    }

    #[test]
    fn points_are_read_at_the_coarsest_resolution_that_fits() {
        let whole = floor(NOW, HOUR_MS);
        let span = |start_ms, period_s: i64| Span { start_ms, end_ms: NOW, period_ms: period_s * 1000 };
        assert_eq!(span(whole, 86_400).resolution(), Resolution::Hour);
        assert_eq!(span(whole + 5 * MINUTE_MS, 3_600).resolution(), Resolution::FiveMinutes);
        assert_eq!(span(whole + MINUTE_MS, 300).resolution(), Resolution::Minute);
        assert_eq!(span(whole, 10).resolution(), Resolution::Second);
    }

    #[test]
    fn periods_begin_with_the_stretch_and_end_before_its_end() {
        let span = Span { start_ms: 60_000, end_ms: 200_000, period_ms: 60_000 };
        assert_eq!(span.periods(), 3);
        let points = [59_999, 60_000, 119_999, 120_000, 199_999, 200_000].map(|at_ms| point(at_ms, 1.0));
        let gathered = Periods::gather(&span, points).merged();
        let counts: Vec<_> = gathered.iter().map(|(begin, set)| (*begin, set.samples)).collect();
        assert_eq!(counts, [(60_000, 2.0), (120_000, 1.0), (180_000, 1.0)]);
    }

    #[test]
    fn idle_minutes_are_zeros_from_the_first_whole_one_on() {
        let filled = with_zeros(vec![point(180_000, 7.0)], 60_001, 300_000, "Count");
        let values: Vec<_> = filled.iter().map(|point| (point.at_ms, point.set.sum)).collect();
        assert_eq!(values, [(120_000, 0.0), (180_000, 7.0), (240_000, 0.0)]);
        assert!(with_zeros(Vec::new(), 60_000, 60_000, "Count").is_empty());
    }
}
