//! Alarms read and changed, each change in one transaction with its history, its actions and the draft of its record.

use std::sync::Arc;

use strongroom_identity::{Action, RequestContext};
use strongroom_store::Tx;

use crate::CloudWatch;
use crate::domain::alarm::{Alarm, Kind, State};
use crate::domain::home::Home;
use crate::domain::message::{self, Configured, Item};
use crate::domain::suppression::{Next, Suppression};
use crate::error::Refusal;
use crate::repo::{self, actions, history};

/// Alarms that an account may have in a Region.
pub(crate) const MOST_ALARMS: usize = 10_000;

impl CloudWatch {
    /// Makes an alarm, or changes the one of that name. `make` gets the one that is there, and may run again.
    pub(crate) async fn put<A: Action>(
        &self,
        context: &RequestContext,
        name: &str,
        make: impl Fn(Option<&Alarm>) -> Result<Alarm, Refusal> + Send + Sync,
    ) -> Result<Arc<Alarm>, Refusal> {
        let home = &Home::of(context);
        let make = &make;
        let put = self.db.transaction(|tx| {
            Box::pin(async move {
                let known = repo::alarms::load(tx, &self.mac, home, name).await?;
                self.permit_alarm::<A>(context, name, known.as_ref())?;
                let mut alarm = make(known.as_ref())?;
                let what = if known.is_some() { Configured::Updated } else { Configured::Created };
                if known.is_some() {
                    repo::alarms::replace(tx, &self.mac, &mut alarm).await?;
                } else {
                    if repo::alarms::count(tx, home).await? >= MOST_ALARMS {
                        let text = format!("The maximum number of alarms ({MOST_ALARMS}) has been reached.");
                        return Err(Refusal::LimitExceeded(text));
                    }
                    repo::alarms::insert(tx, &self.mac, &alarm).await?;
                }
                let item = Item::configuration(&alarm, known.as_ref(), what);
                history::add(tx, (&alarm).into(), context.now_ms, &item).await?;
                repo::post(tx, context.draft()).await?;
                Ok(alarm)
            })
        });
        let alarm = put.await?;
        self.directory.changed(*home, name);
        self.tell_scheduler();
        Ok(Arc::new(alarm))
    }

    /// Changes alarms of these names; those that there are none of are passed over. `act` may run again.
    pub(crate) async fn change_all<A: Action>(
        &self,
        context: &RequestContext,
        names: &[String],
        act: impl Fn(&mut Alarm) -> Result<(), Refusal> + Send + Sync,
    ) -> Result<(), Refusal> {
        let home = &Home::of(context);
        let act = &act;
        let changed = self.db.transaction(|tx| {
            Box::pin(async move {
                for name in names {
                    let known = repo::alarms::load(tx, &self.mac, home, name).await?;
                    self.permit_alarm::<A>(context, name, known.as_ref())?;
                    let Some(before) = known else { continue };
                    let mut alarm = before.clone();
                    act(&mut alarm)?;
                    if alarm == before {
                        continue;
                    }
                    repo::alarms::replace(tx, &self.mac, &mut alarm).await?;
                    if alarm.body.actions != before.body.actions {
                        let item = Item::configuration(&alarm, Some(&before), Configured::Updated);
                        history::add(tx, (&alarm).into(), context.now_ms, &item).await?;
                    }
                }
                repo::post(tx, context.draft()).await?;
                Ok::<_, Refusal>(())
            })
        });
        changed.await?;
        for name in names {
            self.directory.changed(*home, name);
        }
        Ok(())
    }

    /// Puts an alarm into a state at a caller's wish.
    pub(crate) async fn set_state<A: Action>(
        &self,
        context: &RequestContext,
        name: &str,
        next: impl Fn(&State) -> State + Send + Sync,
    ) -> Result<(), Refusal> {
        let home = &Home::of(context);
        let next = &next;
        let set = self.db.transaction(|tx| {
            Box::pin(async move {
                let known = repo::alarms::load(tx, &self.mac, home, name).await?;
                self.permit_alarm::<A>(context, name, known.as_ref())?;
                let Some(mut alarm) = known else { return Err(unknown(name)) };
                let state = next(&alarm.body.state);
                if let Kind::Composite(composite) = &mut alarm.body.kind {
                    composite.is_set = true;
                }
                let step = Step { state, is_suppressor_in_alarm: false, triggers: Vec::new() };
                self.step(tx, &mut alarm, step).await?;
                repo::post(tx, context.draft()).await?;
                Ok(())
            })
        });
        set.await?;
        self.directory.changed(*home, name);
        Ok(())
    }

    /// An alarm that was looked at goes into another state. Answers it as it is then; none if it was changed meanwhile:
    /// it is looked at again soon.
    pub(crate) async fn transition(
        &self,
        seen: &Alarm,
        state: State,
        triggers: Vec<Arc<Alarm>>,
    ) -> Result<Option<Arc<Alarm>>, Refusal> {
        let step = &Step { state, is_suppressor_in_alarm: false, triggers };
        self.transition_with(seen, step).await
    }

    pub(crate) async fn transition_with(
        &self,
        seen: &Alarm,
        step: &Step,
    ) -> Result<Option<Arc<Alarm>>, Refusal> {
        let changed = self.db.transaction(|tx| {
            Box::pin(async move {
                let Some(mut alarm) = self.unchanged(tx, seen).await? else { return Ok::<_, Refusal>(None) };
                if let Kind::Composite(composite) = &mut alarm.body.kind {
                    composite.is_set = false;
                }
                self.step(tx, &mut alarm, step.clone()).await?;
                Ok(Some(alarm))
            })
        });
        let changed = changed.await?;
        self.directory.changed(seen.home, &seen.name);
        Ok(changed.map(Arc::new))
    }

    /// What a suppressor keeps back is kept back otherwise from now on, or done.
    pub(crate) async fn hold(&self, seen: &Alarm, next: Next, at_ms: i64) -> Result<(), Refusal> {
        let held = self.db.transaction(|tx| {
            Box::pin(async move {
                let Some(mut alarm) = self.unchanged(tx, seen).await? else { return Ok::<_, Refusal>(()) };
                let state = alarm.body.state.clone();
                suppress(tx, &mut alarm, next, at_ms).await?;
                repo::alarms::replace(tx, &self.mac, &mut alarm).await?;
                if next == Next::Act {
                    act(tx, &alarm, &state, &[], at_ms).await?;
                }
                Ok(())
            })
        });
        held.await?;
        self.directory.changed(seen.home, &seen.name);
        Ok(())
    }

    /// The alarm as it was seen, unless it has changed since.
    async fn unchanged(&self, tx: &mut Tx<'_>, seen: &Alarm) -> Result<Option<Alarm>, Refusal> {
        let known = repo::alarms::load(tx, &self.mac, &seen.home, &seen.name).await?;
        Ok(known.filter(|alarm| alarm.version == seen.version))
    }

    /// One step of an alarm: the row, the history, the actions.
    async fn step(&self, tx: &mut Tx<'_>, alarm: &mut Alarm, step: Step) -> Result<(), Refusal> {
        let Step { state, is_suppressor_in_alarm, triggers } = step;
        let before = std::mem::replace(&mut alarm.body.state, state);
        let (is_another, at_ms) = (before.value != alarm.body.state.value, alarm.body.state.updated_ms);
        let mut next = Next::Act;
        if is_another
            && let Some(suppressor) = alarm.composite().and_then(|composite| composite.suppressor.clone())
        {
            next = suppressor.on_change(is_suppressor_in_alarm, at_ms);
            suppress(tx, alarm, next, at_ms).await?;
        }
        repo::alarms::replace(tx, &self.mac, alarm).await?;
        if is_another {
            let item = Item::state_update(&before, &alarm.body.state);
            history::add(tx, (&*alarm).into(), at_ms, &item).await?;
            if next == Next::Act {
                act(tx, alarm, &before, &triggers, at_ms).await?;
            }
        }
        Ok(())
    }

    /// Deletes the alarms of these names, those that are there; refused where none is (CloudWatch API Reference, DeleteAlarms:
    /// "If you specify any incorrect alarm names, the alarms you specify with correct names are still deleted").
    pub(crate) async fn delete_all<A: Action>(
        &self,
        context: &RequestContext,
        names: &[String],
    ) -> Result<(), Refusal> {
        let home = &Home::of(context);
        let deleted = self.db.transaction(|tx| {
            Box::pin(async move {
                let mut deleted = 0;
                for name in names {
                    let known = repo::alarms::load(tx, &self.mac, home, name).await?;
                    self.permit_alarm::<A>(context, name, known.as_ref())?;
                    let Some(alarm) = known else { continue };
                    repo::alarms::delete(tx, &alarm).await?;
                    let item = Item::configuration(&alarm, None, Configured::Deleted);
                    history::add(tx, (&alarm).into(), context.now_ms, &item).await?;
                    deleted += 1;
                }
                if deleted == 0
                    && let Some(name) = names.first()
                {
                    return Err(unknown(name));
                }
                repo::post(tx, context.draft()).await?;
                Ok(())
            })
        });
        deleted.await?;
        for name in names {
            self.directory.changed(*home, name);
        }
        Ok(())
    }
}

/// A change of state, and what goes with it.
#[derive(Clone)]
pub(crate) struct Step {
    pub(crate) state: State,
    /// Of a composite alarm: whether the alarm that suppresses its actions is in alarm.
    pub(crate) is_suppressor_in_alarm: bool,
    /// The alarms that moved a composite one.
    pub(crate) triggers: Vec<Arc<Alarm>>,
}

/// No alarm has that name. AWS's answer to SetAlarmState has no text of its own.
pub(crate) fn unknown(name: &str) -> Refusal {
    Refusal::UnknownAlarm(format!("Alarm {name} does not exist."))
}

/// Notes why actions are kept back, or that they no longer are.
async fn suppress(tx: &mut Tx<'_>, alarm: &mut Alarm, next: Next, at_ms: i64) -> Result<(), Refusal> {
    let held = match next {
        Next::Act => None,
        Next::Hold(held) => Some(held),
    };
    let name = alarm.name.clone();
    let Kind::Composite(composite) = &mut alarm.body.kind else { return Ok(()) };
    let before = std::mem::replace(&mut composite.suppression, held);
    let told = before.map(Suppression::as_str) != held.map(Suppression::as_str);
    if told && let Some(held) = held {
        let reason = suppressed_reason(&name, held);
        let item = Item::suppressed(held.as_str(), &reason);
        history::add(tx, (&*alarm).into(), at_ms, &item).await?;
    }
    Ok(())
}

/// Why the actions of an alarm are kept back.
pub(crate) fn suppressed_reason(name: &str, held: Suppression) -> String {
    let by = match held {
        Suppression::Wait { .. } => "the suppressor alarm may still go into ALARM (WaitPeriod)",
        Suppression::Alarm => "the suppressor alarm is in ALARM",
        Suppression::Extension { .. } => "the suppressor alarm was in ALARM (ExtensionPeriod)",
    };
    format!("Actions of {name} are suppressed: {by}")
}

/// Has the actions of an alarm's state taken, if they are enabled.
async fn act(
    tx: &mut Tx<'_>,
    alarm: &Alarm,
    before: &State,
    triggers: &[Arc<Alarm>],
    at_ms: i64,
) -> Result<(), Refusal> {
    if !alarm.body.actions.enabled {
        return Ok(());
    }
    let triggers: Vec<&Alarm> = triggers.iter().map(|trigger| &**trigger).collect();
    for topic in alarm.body.actions.of(alarm.body.state.value) {
        let waiting = actions::Waiting {
            home: alarm.home,
            action: actions::new_name(at_ms)?,
            alarm: alarm.name.clone(),
            alarm_type: alarm.type_name().to_owned(),
            topic: topic.clone(),
            subject: message::subject(alarm),
            message: message::notification(alarm, before, &triggers),
            attempts: 0,
        };
        actions::add(tx, &waiting).await?;
    }
    Ok(())
}
