//! Statistics of sets of samples.

use serde::{Deserialize, Serialize};
use strongroom_api_cloudwatch as api;

/// What is kept of the samples of one span of time.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct StatisticSet {
    pub(crate) samples: f64,
    pub(crate) sum: f64,
    pub(crate) least: f64,
    pub(crate) most: f64,
}

impl StatisticSet {
    /// `count` samples of one value.
    pub(crate) fn of(value: f64, count: f64) -> Self {
        Self { samples: count, sum: value * count, least: value, most: value }
    }

    /// Adds other samples.
    pub(crate) fn add(&mut self, other: &Self) {
        self.samples += other.samples;
        self.sum += other.sum;
        self.least = self.least.min(other.least);
        self.most = self.most.max(other.most);
    }
}

/// What is asked of a set of samples.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub(crate) enum Statistic {
    SampleCount,
    Average,
    Sum,
    Minimum,
    Maximum,
}

impl Statistic {
    /// The statistic of that name.
    pub(crate) fn named(name: &str) -> Option<Self> {
        Some(match name {
            "SampleCount" => Self::SampleCount,
            "Average" => Self::Average,
            "Sum" => Self::Sum,
            "Minimum" => Self::Minimum,
            "Maximum" => Self::Maximum,
            _ => return None,
        })
    }

    /// Its name.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::SampleCount => "SampleCount",
            Self::Average => "Average",
            Self::Sum => "Sum",
            Self::Minimum => "Minimum",
            Self::Maximum => "Maximum",
        }
    }

    /// As answers show it.
    pub(crate) fn to_api(self) -> api::Statistic {
        match self {
            Self::SampleCount => api::Statistic::SampleCount,
            Self::Average => api::Statistic::Average,
            Self::Sum => api::Statistic::Sum,
            Self::Minimum => api::Statistic::Minimum,
            Self::Maximum => api::Statistic::Maximum,
        }
    }

    /// Its value for a set of samples, of which there is at least one.
    pub(crate) fn of(self, set: &StatisticSet) -> f64 {
        match self {
            Self::SampleCount => set.samples,
            Self::Average => set.sum / set.samples,
            Self::Sum => set.sum,
            Self::Minimum => set.least,
            Self::Maximum => set.most,
        }
    }
}

/// Whether a text is a percentile or another statistic that needs the samples themselves (CloudWatch User Guide,
/// "CloudWatch statistics definitions").
pub(crate) fn is_extended(name: &str) -> bool {
    let short = |prefix: &str| {
        name.strip_prefix(prefix)
            .is_some_and(|rest| rest.parse::<f64>().is_ok_and(|number| (0.0..=100.0).contains(&number)))
    };
    let long = |prefix: &str| {
        name.strip_prefix(prefix)
            .is_some_and(|rest| rest.starts_with('(') && rest.ends_with(')') && rest.contains(':'))
    };
    name == "IQM"
        || ["p", "tm", "wm", "tc", "ts"].into_iter().any(short)
        || ["TM", "WM", "TC", "TS", "PR"].into_iter().any(long)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statistics_of_two_sets_together() {
        let mut set = StatisticSet::of(2.0, 3.0);
        set.add(&StatisticSet::of(10.0, 1.0));
        let all = ["SampleCount", "Average", "Sum", "Minimum", "Maximum"];
        let values = all.map(|name| Statistic::named(name).unwrap().of(&set));
        assert_eq!(values, [4.0, 4.0, 16.0, 2.0, 10.0]);
        assert_eq!(all.map(|name| Statistic::named(name).unwrap().name()), all);
    }

    #[test]
    fn statistics_that_need_the_samples_are_known_by_their_names() {
        for name in ["p99.9", "p0", "tm90", "TM(10%:90%)", "PR(100:2000)", "IQM", "wm5", "ts100"] {
            assert!(is_extended(name), "{name}");
        }
        for name in ["Sum", "p101", "p", "TM(90)", "pp9", "sum"] {
            assert!(!is_extended(name), "{name}");
        }
    }
}
