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

/// The most triggering alarms that a reason's data list.
const MOST_TRIGGERS: usize = 10;

const IN_REASONS: &[BorrowedFormatItem<'_>] =
    format_description!("[weekday] [day] [month repr:long], [year] [hour]:[minute]:[second] UTC");

impl CloudWatch {
    /// Looks at the composite alarms at a moment: all of them, or those of one account and Region. Rules name no others. What
    /// goes wrong is told.
    pub(crate) async fn look_at_composites(&self, of: Option<&Home>, at_ms: i64) {
        let homes = match (of, self.directory.all().await) {
            (Some(home), Ok(_)) => vec![*home],
            (None, Ok(all)) => all.keys().copied().collect(),
            (_, Err(error)) => {
                tracing::warn!(%error, "composite alarms were not looked at");
                return;
            }
        };
        for home in homes {
            if let Err(refusal) = self.look_at_composites_of(&home, at_ms).await {
                tracing::warn!(error = ?refusal, "composite alarms were not looked at");
            }
        }
    }

    /// Looks at each once, after those that it names.
    async fn look_at_composites_of(&self, home: &Home, at_ms: i64) -> Result<(), Refusal> {
        let mut alarms = self.directory.of(home).await?;
        for name in in_order(&alarms) {
            let Some(alarm) = alarms.get(&name).cloned() else { continue };
            let Some(composite) = alarm.composite() else { continue };
            if self.look_at_composite(&alarms, &alarm, composite, at_ms).await? {
                alarms = self.directory.of(home).await?;
            }
        }
        Ok(())
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
        let Some(rule) = composite.rule() else { return Ok(false) };
        let children = children(alarms, alarm, rule);
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

/// The composite alarms, each after those that it names. Those are left out that depend on themselves, or on one that does:
/// nobody can say how they stand.
fn in_order(alarms: &Alarms) -> Vec<String> {
    let mut waits_for: BTreeMap<&str, usize> = BTreeMap::new();
    let mut awaited_by: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for alarm in alarms.values() {
        let Some(rule) = alarm.composite().and_then(Composite::rule) else { continue };
        let children = children(alarms, alarm, rule);
        let composites = children.iter().filter(|child| child.composite().is_some());
        let mut count = 0;
        for (child, _) in composites.filter_map(|child| alarms.get_key_value(&child.name)) {
            awaited_by.entry(child).or_default().push(&alarm.name);
            count += 1;
        }
        waits_for.insert(&alarm.name, count);
    }
    let mut ready: Vec<&str> =
        waits_for.iter().filter(|(_, count)| **count == 0).map(|(name, _)| *name).collect();
    let mut order = Vec::with_capacity(waits_for.len());
    while let Some(name) = ready.pop() {
        order.push(name.to_owned());
        for parent in awaited_by.remove(name).unwrap_or_default() {
            let Some(count) = waits_for.get_mut(parent) else { continue };
            *count = count.saturating_sub(1);
            if *count == 0 {
                ready.push(parent);
            }
        }
    }
    order
}
