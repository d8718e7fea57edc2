//! The report for a terminal.

use std::fmt::Write as _;

use strongroom_policy::decision::Visible;

use super::checks::Severity;
use super::outcome::{Checked, Cost, NotAsked, Outcome};

/// The report.
pub(super) fn of(outcome: &Outcome) -> String {
    let mut text = String::new();
    // Writing to a text does not fail.
    let _ = write(&mut text, outcome);
    text
}

fn write(out: &mut String, outcome: &Outcome) -> std::fmt::Result {
    let Outcome { account, caller, endpoint, regions, made_at, checks, not_asked, costs } = outcome;
    writeln!(out, "Account {account} at {endpoint}, {}", regions.join(", "))?;
    writeln!(out, "asked by {} at {made_at}\n", Visible(caller))?;
    for severity in [Severity::High, Severity::Medium, Severity::Low] {
        let found = checks.iter().filter(|one| one.check.severity == severity && !one.findings.is_empty());
        found.into_iter().try_for_each(|one| check(out, one))?;
    }
    for Cost { region, tag, value, keys, requests, dollars } in costs {
        let value = if value.is_empty() { "(no such tag)" } else { value };
        writeln!(
            out,
            "{region}  {}={}  {keys} keys, {requests} requests in 30 days, ${dollars:.2} at AWS's list prices",
            Visible(tag),
            Visible(value)
        )?;
    }
    if !costs.is_empty() {
        writeln!(out)?;
    }
    for NotAsked { region, about, why } in not_asked {
        let place = region.as_ref().map(|region| format!(" in {region}")).unwrap_or_default();
        writeln!(out, "NOT ASKED: {}{place}: {}", Visible(about), Visible(why))?;
    }
    writeln!(out, "{}", summary(outcome))
}

fn check(out: &mut String, Checked { check, examined, findings }: &Checked) -> std::fmt::Result {
    let of = findings.len();
    writeln!(
        out,
        "{}  {}: not so for {of} of {examined}   [{}]",
        check.severity.name().to_uppercase(),
        check.title,
        check.name
    )?;
    for finding in findings {
        let region = finding.region.as_ref().map(|region| format!("{region}  ")).unwrap_or_default();
        writeln!(out, "      {region}{}: {}", Visible(&finding.resource), Visible(&finding.what))?;
    }
    writeln!(out, "      -> {}\n", check.advice)
}

/// One line that says it all.
pub(super) fn summary(outcome: &Outcome) -> String {
    let count = |severity| outcome.findings().filter(|finding| finding.severity == severity).count();
    let (high, medium, low) = (count(Severity::High), count(Severity::Medium), count(Severity::Low));
    let examined: usize = outcome.checks.iter().map(|checked| checked.examined).sum();
    let asked = outcome.not_asked.len();
    format!(
        "{examined} looks, {high} high, {medium} medium, {low} low findings; {asked} questions without an answer"
    )
}
