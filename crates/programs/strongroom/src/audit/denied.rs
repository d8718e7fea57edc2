//! `strongroom audit denied`: refused calls by principal and action.

use std::collections::HashMap;
use std::process::ExitCode;

use anyhow::Result;
use serde::Serialize;
use strongroom_journal::{IdentityKind, Record};
use strongroom_policy::decision::{Trace, Visible};
use strongroom_runtime::Clocks;

use super::history::{self, History};
use crate::cli::ListOptions;
use crate::{moment, process};

/// Pairs of principal and action that are told apart; calls of others beyond are counted together.
const MOST_PAIRS: usize = 10_000;

/// What stands before the encoded message in EC2's refusals.
const ENCODED: &str = "Encoded authorization failure message:";

/// The refused calls of one principal for one action.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Refused {
    principal: String,
    action: String,
    calls: u64,
    first: String,
    last: String,
    /// Why the last one was refused.
    reason: Option<String>,
    last_request_id: Option<String>,
}

#[derive(Default)]
struct Tally {
    pairs: HashMap<(String, String), Refused>,
    others: u64,
}

/// Lists them.
pub(crate) fn run(options: &ListOptions) -> Result<ExitCode> {
    process::prepare();
    let mut history = History::open(&options.place)?;
    let newest_ms = history.newest_ms()?;
    // In development mode, the time of records can be ahead of the machine's.
    let now_ms = Clocks::system().real_now().max(newest_ms.unwrap_or(i64::MIN));
    let start_ms = options.since.map_or(i64::MIN, |since| since.as_millis(now_ms));
    let mut tally = Tally::default();
    history.each_since(start_ms, |record| {
        if record.event_time_ms >= start_ms && history::is_refusal(record) {
            tally.count(record);
        }
    })?;
    let mut refused: Vec<_> = tally.pairs.into_values().collect();
    refused.sort_by(|a, b| (b.calls, &a.principal, &a.action).cmp(&(a.calls, &b.principal, &b.action)));
    if options.json {
        println!("{}", serde_json::to_string_pretty(&refused)?);
        if let Some(note) = note_of_others(tally.others) {
            eprintln!("{note}");
        }
    } else {
        print(refused, tally.others);
    }
    history.report_damage();
    Ok(ExitCode::SUCCESS)
}

impl Tally {
    /// Counts a refused call. They come newest first.
    fn count(&mut self, record: &Record) {
        let decision = refusing_decision(record);
        let pair = (principal(record), action(record, decision.as_ref()));
        if self.pairs.len() >= MOST_PAIRS && !self.pairs.contains_key(&pair) {
            self.others += 1;
            return;
        }
        let time = moment::text(record.event_time_ms);
        let counted = self.pairs.entry(pair).or_insert_with_key(|(principal, action)| Refused {
            principal: principal.clone(),
            action: action.clone(),
            calls: 0,
            first: String::new(),
            last: time.clone(),
            // In the words of the decision, or those that the caller was told.
            reason: decision.map(|trace| trace.conclusion).or_else(|| told(record)),
            last_request_id: record.request_id.clone(),
        });
        counted.calls += 1;
        counted.first = time;
    }
}

/// Who was refused: of a session, the role that it is of, since its name is one of many.
fn principal(record: &Record) -> String {
    let identity = &record.identity;
    let role = identity.session.as_ref().and_then(|session| session.issuer.as_ref());
    let role = role.filter(|issuer| issuer.kind == IdentityKind::Role).map(|issuer| &issuer.arn);
    let named = [role, identity.arn.as_ref(), identity.invoked_by.as_ref(), identity.principal_id.as_ref()];
    named.into_iter().flatten().next().map_or("unknown", String::as_str).to_owned()
}

/// The first decision that refused the call, if one is kept.
fn refusing_decision(record: &Record) -> Option<Trace> {
    history::decisions(record).into_iter().flatten().find(|trace| !trace.is_allowed)
}

/// What the caller was told, without what only `sts:DecodeAuthorizationMessage` reads.
fn told(record: &Record) -> Option<String> {
    let message = record.error_message.as_deref()?;
    let legible = message.split_once(ENCODED).map_or(message, |(legible, _)| legible);
    Some(legible.trim_end().to_owned())
}

/// Says that a list for programs does not have everything.
fn note_of_others(others: u64) -> Option<String> {
    (others > 0).then(|| {
        format!("{others} more were refused, beyond the {MOST_PAIRS} pairs of principal and action that are told apart")
    })
}

/// What was refused: what the decision was about, or the operation.
fn action(record: &Record, decision: Option<&Trace>) -> String {
    let asked = decision.and_then(|trace| trace.question.split_once(' '));
    asked.map_or_else(
        || format!("{}:{}", history::service(record), record.event_name),
        |(action, _)| action.to_owned(),
    )
}

/// Principals in the order of their most refused action, with the actions of each.
fn print(refused: Vec<Refused>, others: u64) {
    if refused.is_empty() {
        println!("No call was refused.");
        return;
    }
    let calls: u64 = refused.iter().map(|refused| refused.calls).sum::<u64>() + others;
    let mut by_principal: Vec<(String, Vec<Refused>)> = Vec::new();
    let mut places: HashMap<String, usize> = HashMap::new();
    for refused in refused {
        let place = *places.entry(refused.principal.clone()).or_insert(by_principal.len());
        match by_principal.get_mut(place) {
            Some((_, actions)) => actions.push(refused),
            None => by_principal.push((refused.principal.clone(), vec![refused])),
        }
    }
    for (principal, actions) in &by_principal {
        println!("{}", Visible(principal));
        for Refused { action, calls, last, reason, last_request_id, .. } in actions {
            println!("  {calls:>6} x {}, last {last}", Visible(action));
            if let Some(reason) = reason {
                println!("           {}", Visible(reason));
            }
            if let Some(id) = last_request_id {
                println!("           strongroom explain --request-id {}", Visible(id));
            }
        }
    }
    if others > 0 {
        println!("and {others} more, of others");
    }
    let principals = by_principal.len();
    let (call, principal) =
        (if calls == 1 { "call" } else { "calls" }, if principals == 1 { "principal" } else { "principals" });
    println!("{calls} refused {call} of {principals} {principal}");
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(event_name: String, message: &str) -> Record {
        Record { event_name, error_message: Some(message.to_owned()), ..Record::default() }
    }

    #[test]
    fn what_is_not_told_apart_is_counted_and_said() {
        let mut tally = Tally::default();
        for number in 0..MOST_PAIRS {
            tally.count(&refused(number.to_string(), "no"));
        }
        assert_eq!(note_of_others(tally.others), None);
        for number in [0, MOST_PAIRS, MOST_PAIRS + 1] {
            tally.count(&refused(number.to_string(), "no"));
        }
        let note = note_of_others(tally.others).unwrap();
        assert!(note.starts_with("2 more were refused"), "{note}");
    }

    #[test]
    fn a_reason_has_no_encoded_message() {
        let mut tally = Tally::default();
        let told =
            "You are not authorized to perform this operation. Encoded authorization failure message: AQ-x_9";
        tally.count(&refused("CreateTags".to_owned(), told));
        let reasons: Vec<_> = tally.pairs.into_values().map(|refused| refused.reason.unwrap()).collect();
        assert_eq!(reasons, ["You are not authorized to perform this operation."]);
    }
}
