//! A trail: what is logged, since when, and where to.

use serde::{Deserialize, Serialize};
use strongroom_api_cloudtrail::errors;
use strongroom_identity::{AccountId, PARTITION};

use super::selection::{Rules, Selection};
use super::selectors::Selectors;
use super::tags::Tags;
use crate::error::Refusal;

/// Trails of one account in one Region, shadows of others counted (CloudTrail User Guide, "Quotas in AWS CloudTrail").
pub(crate) const MOST_IN_REGION: usize = 5;

/// Stretches of time that are remembered. Older ones go once the journal was read behind them.
const MOST_STRETCHES: usize = 16;

/// A trail as the store keeps it. Its account and home Region are the row's.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Trail {
    /// Tells it from others of its name, before it and after.
    pub(crate) id: String,
    #[serde(with = "as_text")]
    pub(crate) account: AccountId,
    pub(crate) home_region: String,
    pub(crate) name: String,
    pub(crate) created_ms: i64,
    pub(crate) settings: Settings,
    pub(crate) selectors: Selectors,
    /// Whether the selectors were ever put.
    pub(crate) has_custom_selectors: bool,
    pub(crate) tags: Tags,
    /// When it logs, oldest first.
    pub(crate) logged: Vec<Stretch>,
    /// When logging was last started and stopped, where the stretches do not tell.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) last_start_ms: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) last_stop_ms: Option<i64>,
    /// When it was deleted. It stays until what was logged before has been delivered.
    pub(crate) deleted_ms: Option<i64>,
    /// Counts what changes which records it logs.
    pub(crate) edition: u64,
}

/// What CreateTrail and UpdateTrail set.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Settings {
    pub(crate) bucket: String,
    pub(crate) prefix: Option<String>,
    pub(crate) topic_arn: Option<String>,
    pub(crate) includes_global_services: bool,
    pub(crate) is_multi_region: bool,
    pub(crate) is_validated: bool,
    pub(crate) log_group_arn: Option<String>,
    pub(crate) log_role_arn: Option<String>,
    pub(crate) kms_key_arn: Option<String>,
}

/// A stretch of time in which a trail logs, by the same rules.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Stretch {
    /// The first moment.
    pub(crate) from_ms: i64,
    /// The last moment; none while it goes on.
    pub(crate) until_ms: Option<i64>,
    /// The event that ended it, which is logged too, whenever it was completed.
    pub(crate) ended_by: Option<[u8; 16]>,
    /// The rules, where they are not the trail's any more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) rules: Option<Rules>,
}

/// The moment of a change.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Moment {
    pub(crate) now_ms: i64,
    /// The event that is the change.
    pub(crate) event: Option<[u8; 16]>,
    /// Everything that happened before it has been read out of the journal.
    pub(crate) gathered_ms: i64,
}

impl Trail {
    pub(crate) fn arn(&self) -> String {
        arn(self.account, &self.home_region, &self.name)
    }

    pub(crate) fn is_logging(&self) -> bool {
        self.logged.last().is_some_and(|stretch| stretch.until_ms.is_none())
    }

    /// When logging was last started.
    pub(crate) fn started_ms(&self) -> Option<i64> {
        self.last_start_ms.or_else(|| self.logged.last().map(|stretch| stretch.from_ms))
    }

    /// When logging was last stopped.
    pub(crate) fn stopped_ms(&self) -> Option<i64> {
        self.last_stop_ms.or_else(|| self.logged.iter().rev().find_map(|stretch| stretch.until_ms))
    }

    /// Begins to log, if it does not.
    pub(crate) fn start(&mut self, moment: Moment) -> Result<(), Refusal> {
        if self.is_logging() {
            return Ok(());
        }
        self.last_stop_ms = self.stopped_ms();
        self.begin_stretch(moment)?;
        self.last_start_ms = Some(moment.now_ms);
        self.edition += 1;
        Ok(())
    }

    /// Does a change that may be one of the rules. What was done before it is judged by the rules of then, also where it
    /// is read later, and so is the event that is the change.
    pub(crate) fn change_rules(
        &mut self,
        moment: Moment,
        change: impl FnOnce(&mut Self),
    ) -> Result<(), Refusal> {
        let before = self.rules();
        change(self);
        self.edition += 1;
        if self.rules() == before {
            return Ok(());
        }
        (self.last_start_ms, self.last_stop_ms) = (self.started_ms(), self.stopped_ms());
        for stretch in &mut self.logged {
            stretch.rules.get_or_insert_with(|| before.clone());
        }
        if let Some(stretch) = self.logged.last_mut().filter(|stretch| stretch.until_ms.is_none()) {
            (stretch.until_ms, stretch.ended_by) = (Some(moment.now_ms), moment.event);
            self.begin_stretch(moment)?;
        }
        Ok(())
    }

    /// Begins a stretch. What was logged up to this very moment is not logged twice: stretches are tried in order, and one
    /// is enough. Those that are needed for records which nobody has read are kept.
    fn begin_stretch(&mut self, moment: Moment) -> Result<(), Refusal> {
        let surplus = (self.logged.len() + 1).saturating_sub(MOST_STRETCHES);
        let is_needed =
            |stretch: &Stretch| stretch.until_ms.is_none_or(|until_ms| until_ms >= moment.gathered_ms);
        if self.logged.iter().take(surplus).any(is_needed) {
            return Err(Refusal::of(
                &errors::THROTTLING_EXCEPTION,
                "What the trail logs was changed too often within minutes; try again in a few minutes.",
            ));
        }
        self.logged.drain(..surplus);
        self.logged.push(Stretch { from_ms: moment.now_ms, until_ms: None, ended_by: None, rules: None });
        Ok(())
    }

    /// Logs no more after `now_ms`, but for the event that says so; tells whether it did before.
    pub(crate) fn stop(&mut self, now_ms: i64, ended_by: Option<[u8; 16]>) -> bool {
        let Some(stretch) = self.logged.last_mut().filter(|stretch| stretch.until_ms.is_none()) else {
            return false;
        };
        (stretch.until_ms, stretch.ended_by) = (Some(now_ms), ended_by);
        self.last_stop_ms = Some(now_ms);
        self.edition += 1;
        true
    }

    /// Whether callers in `region` see it: at home, and in all other Regions the shadow of a multi-Region one.
    pub(crate) fn is_in(&self, region: &str) -> bool {
        self.home_region == region || self.settings.is_multi_region
    }

    /// Which records it logs.
    pub(crate) fn selection(&self) -> Selection {
        Selection { edition: self.edition, rules: self.rules(), logged: self.logged.clone() }
    }

    /// What it takes now, while it logs.
    fn rules(&self) -> Rules {
        Rules {
            region: (!self.settings.is_multi_region).then(|| self.home_region.clone()),
            includes_global_services: self.settings.includes_global_services,
            selectors: self.selectors.clone(),
        }
    }
}

pub(crate) fn arn(account: AccountId, region: &str, name: &str) -> String {
    format!("arn:{PARTITION}:cloudtrail:{region}:{account}:trail/{name}")
}

/// An account in a document: its twelve digits.
mod as_text {
    use serde::de::Error as _;
    use serde::{Deserialize as _, Deserializer, Serializer};
    use strongroom_identity::AccountId;

    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands out a reference")]
    pub(super) fn serialize<S: Serializer>(account: &AccountId, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(account)
    }

    pub(super) fn deserialize<'d, D: Deserializer<'d>>(from: D) -> Result<AccountId, D::Error> {
        String::deserialize(from)?.parse().map_err(D::Error::custom)
    }
}
