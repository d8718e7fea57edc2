//! How values become a state (CloudWatch User Guide, "Configuring how CloudWatch alarms treat missing data").
//!
//! More periods than an alarm needs are looked at, so that one whose values come late is judged by what is there. Its two
//! tables are the test of this file.

use super::alarm::{Missing, Watch};
use super::series::{DAY_MS, HOUR_MS, MINUTE_MS};

/// Periods that are looked at beyond those that an alarm needs.
const MORE: usize = 2;

/// What an alarm's values come to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    Ok,
    Alarm,
    InsufficientData,
    /// The state stays as it is.
    Keep,
}

/// A verdict, and what it rests on.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Judgement {
    pub(crate) verdict: Verdict,
    /// The places of the values that were judged, newest first.
    pub(crate) judged: Vec<usize>,
    /// Periods without a value that were counted as breaching or not breaching.
    pub(crate) filled: usize,
}

/// What is judged by.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rule {
    /// Values that are judged: N.
    pub(crate) periods: usize,
    /// Breaching values that make an alarm: M.
    pub(crate) needed: usize,
    pub(crate) missing: Missing,
}

impl Rule {
    pub(crate) fn of(watch: &Watch) -> Self {
        Self { periods: watch.evaluation_periods as usize, needed: watch.needed(), missing: watch.missing }
    }

    /// Judges values, oldest first: whether each breaches, `None` where it is missing.
    pub(crate) fn judge(&self, breaches: &[Option<bool>]) -> Judgement {
        let Self { periods, needed, missing } = *self;
        let real =
            breaches.iter().enumerate().rev().filter_map(|(at, breach)| breach.map(|breach| (at, breach)));
        let judged: Vec<(usize, bool)> = real.take(periods).collect();
        let breaching = judged.iter().filter(|(_, breach)| *breach).count();
        let lacking = periods - judged.len();
        let by_count = |count: usize| if count >= needed { Verdict::Alarm } else { Verdict::Ok };
        let (verdict, filled) = match missing {
            _ if lacking == 0 => (by_count(breaching), 0),
            Missing::Breaching => (by_count(breaching + lacking), lacking),
            Missing::NotBreaching => (by_count(breaching), lacking),
            Missing::Ignore | Missing::Missing => {
                (self.without_fillers(breaches.len(), &judged, breaching), 0)
            }
        };
        Judgement { verdict, judged: judged.into_iter().map(|(at, _)| at).collect(), filled }
    }

    /// Fewer values than wanted, and nothing stands in for the others.
    fn without_fillers(&self, looked_at: usize, judged: &[(usize, bool)], breaching: usize) -> Verdict {
        let Some((oldest, _)) = judged.last() else {
            return if self.missing == Missing::Ignore { Verdict::Keep } else { Verdict::InsufficientData };
        };
        if breaching >= self.needed {
            Verdict::Alarm
        } else if breaching < judged.len() {
            Verdict::Ok
        } else if self.missing == Missing::Missing && looked_at - oldest >= self.needed {
            // All that is there breaches, and what came after it is missing: no news are bad news.
            Verdict::Alarm
        } else {
            Verdict::Keep
        }
    }
}

/// The periods that an alarm looks at, when it does so at a moment: how many, and where the last one ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Window {
    pub(crate) periods: usize,
    pub(crate) period_ms: i64,
    pub(crate) end_ms: i64,
}

impl Window {
    pub(crate) fn of(watch: &Watch, at_ms: i64) -> Self {
        let periods = watch.evaluation_periods as usize + MORE;
        Self { periods, period_ms: watch.period_ms(), end_ms: at_ms }
    }

    pub(crate) fn start_ms(&self) -> i64 {
        self.end_ms.saturating_sub(self.period_ms.saturating_mul(self.periods as i64))
    }

    /// The beginning of the period at that place, 0 being the oldest.
    pub(crate) fn begin_ms(&self, place: usize) -> i64 {
        self.start_ms().saturating_add(self.period_ms.saturating_mul(place as i64))
    }
}

/// How often an alarm is looked at: every minute; every ten seconds where its periods are shorter; every hour where they
/// make more than a day (CloudWatch User Guide, "Alarm evaluation").
pub(crate) fn every_ms(watch: &Watch) -> i64 {
    let period_ms = watch.period_ms();
    if period_ms < MINUTE_MS {
        10_000
    } else if period_ms.saturating_mul(i64::from(watch.evaluation_periods)) > DAY_MS {
        HOUR_MS
    } else {
        MINUTE_MS
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn breaches(pattern: &str) -> Vec<Option<bool>> {
        let one = |letter| match letter {
            "X" => Some(true),
            "0" => Some(false),
            _ => None,
        };
        pattern.split(' ').map(one).collect()
    }

    fn verdicts(periods: usize, needed: usize, pattern: &str) -> [Verdict; 4] {
        let all = [Missing::Missing, Missing::Ignore, Missing::Breaching, Missing::NotBreaching];
        all.map(|missing| Rule { periods, needed, missing }.judge(&breaches(pattern)).verdict)
    }

    use Verdict::{Alarm, InsufficientData, Keep, Ok};

    /// "How alarm state is evaluated when data is missing", the tables of 3 out of 3 and of 2 out of 3.
    #[test]
    fn the_tables_of_the_user_guide() {
        for (needed, pattern, expected) in [
            (3, "0 - X - X", [Ok, Ok, Ok, Ok]),
            (3, "0 - - - -", [Ok, Ok, Ok, Ok]),
            (3, "- - - - -", [InsufficientData, Keep, Alarm, Ok]),
            (3, "0 X X - X", [Alarm, Alarm, Alarm, Alarm]),
            (3, "- - X - -", [Alarm, Keep, Alarm, Ok]),
            (2, "0 - X - X", [Alarm, Alarm, Alarm, Alarm]),
            (2, "0 0 X 0 X", [Alarm, Alarm, Alarm, Alarm]),
            (2, "0 - X - -", [Ok, Ok, Alarm, Ok]),
            (2, "- - - - 0", [Ok, Ok, Alarm, Ok]),
            (2, "- - - X -", [Alarm, Keep, Alarm, Ok]),
        ] {
            let found = verdicts(3, needed, pattern);
            assert_eq!(found, expected, "{needed} out of 3 of {pattern}");
        }
    }

    /// "Avoiding premature transitions to the alarm state".
    #[test]
    fn a_breach_that_came_just_now_is_no_alarm_yet() {
        for (needed, pattern) in [(3, "- - - - X"), (3, "- - - X -"), (2, "- - - - X")] {
            assert_eq!(verdicts(3, needed, pattern)[0], Keep, "{needed} out of 3 of {pattern}");
        }
    }

    #[test]
    fn what_stood_in_is_counted() {
        let judge = |missing, pattern| Rule { periods: 3, needed: 2, missing }.judge(&breaches(pattern));
        assert_eq!(judge(Missing::Breaching, "0 - X - -").filled, 1);
        assert_eq!(judge(Missing::NotBreaching, "- - - - -").filled, 3);
        assert_eq!(judge(Missing::Missing, "0 - X - -").filled, 0);
        assert_eq!(judge(Missing::Breaching, "0 - X - X").judged, [4, 2, 0]);
    }
}
