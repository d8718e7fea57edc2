//! Suppressors: an alarm that keeps a composite alarm's actions back (CloudWatch User Guide, "Alarm suppression").

use serde::{Deserialize, Serialize};

/// Which alarm keeps actions back, and for how long that is waited for, in seconds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Suppressor {
    /// Name or ARN, as given.
    pub(crate) alarm: String,
    pub(crate) wait_s: i64,
    pub(crate) extension_s: i64,
}

/// Why the actions of the present state have not been taken yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Suppression {
    /// The suppressor may still go into alarm, until then.
    Wait { until_ms: i64 },
    /// The suppressor is in alarm.
    Alarm,
    /// The suppressor was in alarm, and what it suppressed may still pass, until then.
    Extension { until_ms: i64 },
}

/// What is to be done now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Next {
    /// The actions are taken.
    Act,
    /// They are kept back.
    Hold(Suppression),
}

impl Suppression {
    /// What AWS calls it.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Wait { .. } => "WaitPeriod",
            Self::Alarm => "Alarm",
            Self::Extension { .. } => "ExtensionPeriod",
        }
    }
}

impl Suppressor {
    /// The state has just become another. A wait that was under way begins anew, and what it waited for is dropped.
    pub(crate) fn on_change(&self, is_in_alarm: bool, now_ms: i64) -> Next {
        if is_in_alarm {
            Next::Hold(Suppression::Alarm)
        } else {
            until(now_ms, self.wait_s, |until_ms| Suppression::Wait { until_ms })
        }
    }

    /// Time has passed, or the suppressor has changed.
    pub(crate) fn go_on(&self, held: Suppression, is_in_alarm: bool, now_ms: i64) -> Next {
        match held {
            _ if is_in_alarm => Next::Hold(Suppression::Alarm),
            Suppression::Alarm => {
                until(now_ms, self.extension_s, |until_ms| Suppression::Extension { until_ms })
            }
            Suppression::Wait { until_ms } | Suppression::Extension { until_ms } => {
                if now_ms >= until_ms {
                    Next::Act
                } else {
                    Next::Hold(held)
                }
            }
        }
    }
}

fn until(now_ms: i64, seconds: i64, hold: impl Fn(i64) -> Suppression) -> Next {
    if seconds <= 0 {
        Next::Act
    } else {
        Next::Hold(hold(now_ms.saturating_add(seconds.saturating_mul(1000))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn actions_wait_for_the_suppressor_and_for_what_it_suppressed_to_pass() {
        let suppressor = Suppressor { alarm: "s".to_owned(), wait_s: 60, extension_s: 30 };
        let waiting = Suppression::Wait { until_ms: 60_000 };
        assert_eq!(suppressor.on_change(false, 0), Next::Hold(waiting));
        assert_eq!(suppressor.go_on(waiting, false, 59_999), Next::Hold(waiting));
        assert_eq!(suppressor.go_on(waiting, false, 60_000), Next::Act);
        assert_eq!(suppressor.go_on(waiting, true, 10_000), Next::Hold(Suppression::Alarm));
        let extended = Suppression::Extension { until_ms: 50_000 };
        assert_eq!(suppressor.go_on(Suppression::Alarm, false, 20_000), Next::Hold(extended));
        assert_eq!(suppressor.go_on(extended, true, 30_000), Next::Hold(Suppression::Alarm));
        assert_eq!(suppressor.go_on(extended, false, 50_000), Next::Act);
        assert_eq!(suppressor.on_change(true, 0), Next::Hold(Suppression::Alarm));
        let at_once = Suppressor { wait_s: 0, extension_s: 0, ..suppressor };
        assert_eq!(at_once.on_change(false, 0), Next::Act);
        assert_eq!(at_once.go_on(Suppression::Alarm, false, 0), Next::Act);
    }
}
