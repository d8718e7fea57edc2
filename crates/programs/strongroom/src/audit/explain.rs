//! `strongroom explain`: why a call was refused.

use std::process::ExitCode;

use anyhow::{Result, bail};
use serde_json::value::RawValue;
use strongroom_journal::{Record, render_cloudtrail_json};
use strongroom_policy::decision::{Trace, Visible};

use super::history::{self, History};
use crate::cli::ExplainOptions;
use crate::{moment, process};

/// Tells it.
pub(crate) fn run(options: &ExplainOptions) -> Result<ExitCode> {
    process::prepare();
    let mut history = History::open(&options.place)?;
    let record = match &options.request_id {
        Some(id) => called(&mut history, id),
        None => last_refused(&mut history),
    };
    // Also where nothing was found: it may be in what could not be read.
    history.report_damage();
    let record = record?;
    if options.json {
        println!("{}", json(&record)?);
    } else {
        println!("{}", text(&record));
    }
    Ok(ExitCode::SUCCESS)
}

/// The record of a request, in its caller's account: others that share it tell less of the caller.
fn called(history: &mut History, id: &str) -> Result<Record> {
    let id = id.trim();
    let found = history.find(|record| is_named(record, id) && is_callers(record))?;
    let Some(record) = found else {
        bail!(
            "no call with request id {id} is in {}. Is it another server's? --data-dir names its folder. Calls with a wrong \
             signature are not recorded: the server's log tells of them",
            history.folder()
        )
    };
    Ok(record)
}

/// Whether that is the id of the request, in letters of whichever size: S3's are in capitals, those of others are not.
fn is_named(record: &Record, id: &str) -> bool {
    record.request_id.as_ref().is_some_and(|of_record| of_record.eq_ignore_ascii_case(id))
}

fn last_refused(history: &mut History) -> Result<Record> {
    let found = history.find(|record| history::is_refusal(record) && is_callers(record))?;
    let Some(record) = found else { bail!("no call was refused, as far as {} tells", history.folder()) };
    Ok(record)
}

fn is_callers(record: &Record) -> bool {
    record.shared_event_id.is_none() || record.identity.account_id.as_ref() == Some(&record.account_id)
}

/// For programs: the event, and the traces as they are kept.
fn json(record: &Record) -> Result<String> {
    let event = RawValue::from_string(render_cloudtrail_json(record))?;
    let decisions = RawValue::from_string(record.decisions.clone().unwrap_or_else(|| "[]".to_owned()))?;
    Ok(serde_json::to_string(&serde_json::json!({ "event": event, "decisions": decisions }))?)
}

/// For people.
fn text(record: &Record) -> String {
    let decided = match history::decisions(record) {
        Ok(traces) if traces.is_empty() => without_trace(record).to_owned(),
        Ok(traces) => {
            let texts: Vec<_> = traces.iter().map(Trace::to_string).collect();
            texts.join("\n\n")
        }
        Err(error) => {
            let kept = record.decisions.as_deref().unwrap_or_default();
            format!("How it was decided cannot be shown ({error}). As it is kept:\n{}", Visible(kept))
        }
    };
    format!("{}\n\n{decided}", summary(record))
}

/// Who called what, and what came of it.
fn summary(record: &Record) -> String {
    let identity = &record.identity;
    let who = [&identity.arn, &identity.invoked_by, &identity.principal_id];
    let who = who.into_iter().flatten().next().map_or("unknown", String::as_str);
    let key = identity.access_key_id.as_ref().map(|id| format!(", access key {id}")).unwrap_or_default();
    let outcome = match (&record.error_code, &record.error_message) {
        (None, _) => "done".to_owned(),
        (Some(code), None) => code.clone(),
        (Some(code), Some(message)) => format!("{code}: {message}"),
    };
    let call = format!(
        "{}:{} in {}, {}",
        history::service(record),
        record.event_name,
        record.aws_region,
        moment::text(record.event_time_ms),
    );
    let request = record.request_id.as_deref().unwrap_or("none");
    let caller = format!("{who}{key}, from {}", record.source_ip);
    let lines = [("call", &*call), ("request", request), ("caller", &caller), ("outcome", &outcome)];
    lines.map(|(name, text)| format!("{name:<9}{}", Visible(text))).join("\n")
}

/// What to say where no decision is kept.
fn without_trace(record: &Record) -> &'static str {
    if history::is_refusal(record) {
        "No policy refused it: it is a rule of the service, which the message above states."
    } else if record.error_code.is_some() {
        "It was not refused by a policy: it failed for the reason above."
    } else {
        "It was allowed. How decisions were made is kept of refused calls; of all of them with `strongroom dev \
         --explain-allowed`."
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_found_by_its_id_in_any_letters() {
        let record = |id: &str| Record { request_id: Some(id.to_owned()), ..Record::default() };
        assert!(is_named(&record("4XOJBLKSGFH43OOD"), "4XOJBLKSGFH43OOD"));
        assert!(is_named(
            &record("8503e2c7-1876-4ed8-b388-c8479370f657"),
            "8503E2C7-1876-4ED8-B388-C8479370F657"
        ));
        assert!(!is_named(&record("4XOJBLKSGFH43OOD"), "4XOJBLKSGFH43OO"));
        assert!(!is_named(&Record::default(), ""));
    }

    #[test]
    fn a_caller_cannot_forge_lines_or_move_the_cursor() {
        let record = Record {
            error_code: Some("AccessDenied".to_owned()),
            error_message: Some("alias/a\x1b[2J\nrequest  another".to_owned()),
            ..Record::default()
        };
        let text = summary(&record);
        assert_eq!(text.lines().count(), 4, "{text}");
        assert!(text.contains(r"alias/a\u{1b}[2J\u{a}request  another"), "{text}");
    }
}
