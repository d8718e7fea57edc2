//! `strongroom audit report`: the regular audit of an account, at this server or at any other AWS endpoint.
//!
//! It only reads, through the public API and with the caller's own rights. What it may not read it names, instead of
//! passing over it.

mod alarms;
mod buckets;
mod checks;
mod clusters;
mod costs;
mod documents;
mod hsm_access;
mod hsms;
mod html;
mod identities;
mod key_policies;
mod keys;
mod outcome;
mod site;
mod text;
mod trails;

use std::fs;
use std::process::ExitCode;

use anyhow::{Context as _, Result};

pub(crate) use self::checks::Severity;
use self::outcome::{Outcome, Tally};
use self::site::Site;
use crate::cli::{ReportFormat, ReportOptions};
use crate::process;

/// Findings at or above the asked severity.
const FOUND: u8 = 1;
/// Nothing was found, and something, or all of it, could not be asked.
const NOT_ALL_ASKED: u8 = 2;

/// Makes the report.
pub(crate) fn run(options: &ReportOptions) -> ExitCode {
    process::prepare();
    make(options).unwrap_or_else(|error| {
        eprintln!("strongroom: there is no report: {error:#}");
        ExitCode::from(NOT_ALL_ASKED)
    })
}

fn make(options: &ReportOptions) -> Result<ExitCode> {
    let site = Site::reach(options)?;
    let outcome = examine(&site, options);
    let shown = match options.format {
        ReportFormat::Text => text::of(&outcome),
        ReportFormat::Json => format!("{}\n", serde_json::to_string_pretty(&outcome)?),
        ReportFormat::Html => html::of(&outcome),
    };
    match &options.output {
        Some(path) => {
            fs::write(path, shown).with_context(|| format!("writing {}", path.display()))?;
            eprintln!("{}", text::summary(&outcome));
        }
        None => print!("{shown}"),
    }
    Ok(exit_code(&outcome, options.fail_on))
}

/// Asks everything there is to ask. An area that cannot be asked is told, and the next one asked.
fn examine(site: &Site, options: &ReportOptions) -> Outcome {
    let mut tally = Tally::new(site);
    identities::examine(site, &mut tally);
    for region in site.regions() {
        let keys = keys::examine(site, region, &mut tally);
        trails::examine(site, region, &mut tally);
        alarms::examine(site, region, &mut tally);
        clusters::examine(site, region, &mut tally);
        if let Some(tag) = &options.by_tag {
            costs::examine(site, region, tag, &keys, &mut tally);
        }
    }
    tally.finish()
}

fn exit_code(outcome: &Outcome, fail_on: Severity) -> ExitCode {
    if outcome.findings().any(|finding| finding.severity >= fail_on) {
        ExitCode::from(FOUND)
    } else if outcome.is_whole() {
        ExitCode::SUCCESS
    } else {
        ExitCode::from(NOT_ALL_ASKED)
    }
}
