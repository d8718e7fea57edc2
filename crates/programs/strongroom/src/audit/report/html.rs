//! The report as one page that needs nothing else: no script, no font, no picture.

use std::fmt::{self, Write as _};

use super::checks::Severity;
use super::outcome::{Checked, Cost, Finding, NotAsked, Outcome};
use super::text::summary;

const STYLE: &str = "body{font:15px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:70rem;padding:0 1rem;color:#16191f}\
h1{font-size:1.6rem}h2{font-size:1.15rem;margin-top:2rem}table{border-collapse:collapse;width:100%}\
th,td{text-align:left;vertical-align:top;padding:.3rem .6rem;border-bottom:1px solid #d5dbdb}\
code{font-size:.9em;overflow-wrap:anywhere}.high{color:#b3001e}.medium{color:#8a5a00}.low{color:#0b5cad}.ok{color:#1d7a3a}\
@media print{body{margin:0}}";

/// Text in HTML.
struct Escaped<'t>(&'t str);

impl fmt::Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for letter in self.0.chars() {
            match letter {
                '<' => f.write_str("&lt;")?,
                '>' => f.write_str("&gt;")?,
                '&' => f.write_str("&amp;")?,
                '"' => f.write_str("&quot;")?,
                '\'' => f.write_str("&#39;")?,
                letter => f.write_char(letter)?,
            }
        }
        Ok(())
    }
}

/// The report.
pub(super) fn of(outcome: &Outcome) -> String {
    let mut page = String::new();
    // Writing to a text does not fail.
    let _ = write(&mut page, outcome);
    page
}

fn write(out: &mut String, outcome: &Outcome) -> fmt::Result {
    let account = Escaped(&outcome.account);
    writeln!(out, "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">")?;
    writeln!(out, "<meta name=\"viewport\" content=\"width=device-width\">")?;
    writeln!(out, "<title>Audit of account {account}</title><style>{STYLE}</style></head><body>")?;
    writeln!(out, "<h1>Audit of account {account}</h1>")?;
    writeln!(
        out,
        "<p>{} at <code>{}</code>, asked by <code>{}</code> at {}.</p><p><strong>{}</strong></p>",
        Escaped(&outcome.regions.join(", ")),
        Escaped(&outcome.endpoint),
        Escaped(&outcome.caller),
        outcome.made_at,
        summary(outcome)
    )?;
    writeln!(out, "<h2>Checks</h2><table><tr><th>Check</th><th>Looked at</th><th>Found</th></tr>")?;
    outcome.checks.iter().try_for_each(|checked| line(out, checked))?;
    writeln!(out, "</table>")?;
    for severity in [Severity::High, Severity::Medium, Severity::Low] {
        let found =
            outcome.checks.iter().filter(|one| one.check.severity == severity && !one.findings.is_empty());
        found.into_iter().try_for_each(|checked| section(out, checked))?;
    }
    costs(out, &outcome.costs)?;
    not_asked(out, &outcome.not_asked)?;
    writeln!(out, "</body></html>")
}

fn line(out: &mut String, Checked { check, examined, findings }: &Checked) -> fmt::Result {
    let (class, found) = match (findings.len(), examined) {
        (0, 0) => ("", "nothing to look at".to_owned()),
        (0, _) => ("ok", "as it should be".to_owned()),
        (count, _) => (
            check.severity.name(),
            format!("<a href=\"#{}\">{count} {}</a>", check.name, check.severity.name()),
        ),
    };
    writeln!(
        out,
        "<tr><td>{}</td><td>{examined}</td><td class=\"{class}\">{found}</td></tr>",
        Escaped(check.title)
    )
}

fn section(out: &mut String, Checked { check, findings, .. }: &Checked) -> fmt::Result {
    let (name, class) = (check.name, check.severity.name());
    writeln!(out, "<h2 id=\"{name}\" class=\"{class}\">{}: not so</h2>", Escaped(check.title))?;
    writeln!(out, "<p>{}</p><table>", Escaped(check.advice))?;
    for Finding { region, resource, what, .. } in findings {
        let region = Escaped(region.as_deref().unwrap_or(""));
        writeln!(
            out,
            "<tr><td>{region}</td><td><code>{}</code></td><td>{}</td></tr>",
            Escaped(resource),
            Escaped(what)
        )?;
    }
    writeln!(out, "</table>")
}

fn costs(out: &mut String, costs: &[Cost]) -> fmt::Result {
    if costs.is_empty() {
        return Ok(());
    }
    writeln!(out, "<h2>Cost and use, 30 days</h2><p>At AWS's list prices.</p><table>")?;
    writeln!(out, "<tr><th>Region</th><th>Tag</th><th>Keys</th><th>Requests</th><th>US dollars</th></tr>")?;
    for Cost { region, tag, value, keys, requests, dollars } in costs {
        writeln!(
            out,
            "<tr><td>{}</td><td>{}={}</td><td>{keys}</td><td>{requests}</td><td>{dollars:.2}</td></tr>",
            Escaped(region),
            Escaped(tag),
            Escaped(value)
        )?;
    }
    writeln!(out, "</table>")
}

fn not_asked(out: &mut String, questions: &[NotAsked]) -> fmt::Result {
    if questions.is_empty() {
        return Ok(());
    }
    writeln!(out, "<h2>Without an answer</h2><table>")?;
    for NotAsked { region, about, why } in questions {
        let region = Escaped(region.as_deref().unwrap_or(""));
        writeln!(out, "<tr><td>{region}</td><td>{}</td><td>{}</td></tr>", Escaped(about), Escaped(why))?;
    }
    writeln!(out, "</table>")
}
