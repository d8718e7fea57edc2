//! Composite alarms: looked at after those that they name, as often as anything changes by that.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde_json::json;
use time::OffsetDateTime;
use time::format_description::BorrowedFormatItem;
use time::macros::format_description;

use crate::CloudWatch;
use crate::changing::Step;
use crate::directory::Alarms;
use crate::domain::alarm::{Alarm, Composite, StateValue};
use crate::domain::home::Home;
use crate::domain::reason::{cut, moment};
use crate::domain::rule::{Rule, name_in};
use crate::domain::suppression::Next;
use crate::error::Refusal;

/// How often all composite alarms are looked at in one go: each of them changes once in a chain without a cycle.
const MOST_ROUNDS: usize = 100;

/// The most triggering alarms that a reason's data list.
const MOST_TRIGGERS: usize = 10;

const IN_REASONS: &[BorrowedFormatItem<'_>] =
    format_description!("[weekday] [day] [month repr:long], [year] [hour]:[minute]:[second] UTC");

impl CloudWatch {
    /// Looks at the composite alarms at a moment: all of them, or those of one account and Region. Rules name no others. What
    /// goes wrong is told.
    pub(crate) async fn look_at_composites(&self, of: Option<&Home>, at_ms: i64) {
        let mut fresh: BTreeSet<(Home, String)> = BTreeSet::new();
        for _ in 0..MOST_ROUNDS {
            match self.round(of, at_ms, &mut fresh).await {
                Ok(true) => {}
                Ok(false) => return,
                Err(refusal) => {
                    tracing::warn!(error = ?refusal, "composite alarms were not looked at");
                    return;
                }
            }
        }
    }

    /// Looks at each of them once; tells whether any has changed. `fresh` are those that have changed in this go.
    async fn round(
        &self,
        of: Option<&Home>,
        at_ms: i64,
        fresh: &mut BTreeSet<(Home, String)>,
    ) -> Result<bool, Refusal> {
        let all = self.directory.all().await?;
        let mut changed = false;
        for (home, alarms) in all.iter().filter(|(home, _)| of.is_none_or(|of| of == *home)) {
            let cyclic = cyclic(alarms);
            for alarm in alarms.values() {
                let Some(composite) = alarm.composite() else { continue };
                let place = (*home, alarm.name.clone());
                if cyclic.contains(&alarm.name) || fresh.contains(&place) {
                    continue;
                }
                if self.look_at_composite(alarms, alarm, composite, at_ms).await? {
                    fresh.insert(place);
                    changed = true;
                }
            }
        }
        Ok(changed)
    }

    async fn look_at_composite(
        &self,
        alarms: &Alarms,
        alarm: &Arc<Alarm>,
        composite: &Composite,
        at_ms: i64,
    ) -> Result<bool, Refusal> {
        let is_suppressor_in_alarm = composite
            .suppressor
            .as_ref()
            .and_then(|suppressor| alarms.get(name_in(&alarm.home, &suppressor.alarm)?))
            .is_some_and(|suppressor| suppressor.body.state.value == StateValue::Alarm);
        // What was read when it was put can be read still.
        let Ok(rule) = Rule::parse(&composite.rule) else { return Ok(false) };
        let children = children(alarms, alarm, &rule);
        let newest_ms = children.iter().map(|child| child.body.state.transitioned_ms).max();
        // Set by hand, it stays so until one of its children changes.
        let stays =
            composite.is_set && newest_ms.is_none_or(|newest_ms| newest_ms <= alarm.body.state.updated_ms);
        let holds = rule.holds(&|named| {
            let found = name_in(&alarm.home, named).and_then(|name| alarms.get(name))?;
            Some(found.body.state.value)
        });
        let value = if holds { StateValue::Alarm } else { StateValue::Ok };
        if stays || value == alarm.body.state.value {
            if let (Some(suppressor), Some(held)) = (&composite.suppressor, composite.suppression) {
                let next = suppressor.go_on(held, is_suppressor_in_alarm, at_ms);
                if next != Next::Hold(held) {
                    self.hold(alarm, next, at_ms).await?;
                }
            }
            return Ok(false);
        }
        let (reason, data, triggers) = told(alarm, &children, value);
        let state = alarm.body.state.after(value, reason, Some(data), at_ms);
        let step = Step { state, is_suppressor_in_alarm, triggers };
        Ok(self.transition_with(alarm, &step).await?.is_some())
    }
}

/// The alarms that a rule names and that are there.
fn children(alarms: &Alarms, alarm: &Alarm, rule: &Rule) -> Vec<Arc<Alarm>> {
    let names: BTreeSet<&str> =
        rule.alarms().into_iter().filter_map(|named| name_in(&alarm.home, named)).collect();
    names.into_iter().filter_map(|name| alarms.get(name).cloned()).collect()
}

/// Why a composite alarm goes into a state: the child that changed last, or that it was made.
fn told(alarm: &Alarm, children: &[Arc<Alarm>], value: StateValue) -> (String, String, Vec<Arc<Alarm>>) {
    let since_ms = alarm.body.state.transitioned_ms;
    let is_new = alarm.body.state.value == StateValue::InsufficientData
        && alarm.body.state.updated_ms == alarm.body.configured_ms;
    let mut moved: Vec<_> =
        children.iter().filter(|child| child.body.state.transitioned_ms >= since_ms).cloned().collect();
    moved.sort_by_key(|child| std::cmp::Reverse(child.body.state.transitioned_ms));
    moved.truncate(MOST_TRIGGERS);
    let reason = match moved.first() {
        Some(child) if !is_new => {
            let at_ms = child.body.state.transitioned_ms;
            let state = child.body.state.value.as_str();
            format!("{} transitioned to {state} at {}", child.arn(), for_people(at_ms))
        }
        _ => format!("{} was created and its alarm rule evaluates to {}", alarm.arn(), value.as_str()),
    };
    let triggering: Vec<_> = moved
        .iter()
        .map(|child| {
            let state = &child.body.state;
            json!({
                "arn": child.arn(),
                "state": {"value": state.value.as_str(), "timestamp": moment(state.transitioned_ms)},
            })
        })
        .collect();
    let data = json!({"triggeringAlarms": triggering}).to_string();
    (cut(reason, 1_023), data, moved)
}

fn for_people(at_ms: i64) -> String {
    OffsetDateTime::from_unix_timestamp(at_ms.div_euclid(1000))
        .ok()
        .and_then(|moment| moment.format(IN_REASONS).ok())
        .unwrap_or_default()
}

/// The composite alarms that depend on themselves, or on one that does: nobody can say how they stand.
fn cyclic(alarms: &Alarms) -> BTreeSet<String> {
    let mut depends: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for alarm in alarms.values() {
        let Some(composite) = alarm.composite() else { continue };
        let Ok(rule) = Rule::parse(&composite.rule) else { continue };
        let children = children(alarms, alarm, &rule);
        let composites = children.iter().filter(|child| child.composite().is_some());
        let names = composites.filter_map(|child| alarms.get_key_value(&child.name));
        depends.insert(&alarm.name, names.map(|(name, _)| name.as_str()).collect());
    }
    // Those go whose children have all gone; what is left depends on a cycle.
    loop {
        let done: Vec<&str> = depends.iter().filter(|(_, on)| on.is_empty()).map(|(name, _)| *name).collect();
        if done.is_empty() {
            return depends.into_keys().map(str::to_owned).collect();
        }
        for name in &done {
            depends.remove(name);
        }
        for on in depends.values_mut() {
            on.retain(|name| !done.contains(name));
        }
    }
}
