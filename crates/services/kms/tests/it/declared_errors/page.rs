//! The page `docs/compatibility/kms.md`: what came of every operation of the model.
//!
//! With `COMPATIBILITY=write` in the environment the page is written; without, one that says something else fails.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;

use super::Outcome;
use super::refusals::{Refusal, refusals};
use super::rows::Reach;
use super::specs::Made;

const PAGE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../docs/compatibility/kms.md");

const HEAD: &str = "\
# KMS, operation by operation

Every operation of AWS's model of KMS, as the tests have found it. This page is written by a test
(`crates/services/kms/tests/it/declared_errors`), which fails when the page is stale; differences that have a reason are in
[compatibility](../compatibility.md).

An operation *works* when a good call of it was answered. Of the errors that the model declares for it, each was *reached* by a call that
brings it about, with AWS's code and, where it is known, AWS's text. What no call leads to, and why, is told below; whoever rehearses
has these errors [on demand](../book/faults-on-demand.md). A store that does not answer is a `DependencyTimeoutException` where the model has
that, and a `KMSInternalException` of the other operations: clients try again upon both.
";

/// Compares the page with what came of the operations.
pub(super) fn check(outcomes: &[Outcome], specs: &[Made]) {
    let page = text(outcomes, specs);
    let path = Path::new(PAGE);
    if std::env::var_os("COMPATIBILITY").is_some_and(|value| value == "write") {
        std::fs::write(path, &page).unwrap();
    }
    let there = std::fs::read_to_string(path).unwrap_or_default();
    assert_eq!(there, page, "the page is stale: COMPATIBILITY=write writes it");
}

fn text(outcomes: &[Outcome], specs: &[Made]) -> String {
    let mut page = format!(
        "{HEAD}\n| operation | state | declared errors | reached | out of reach |\n|---|---|---|---|---|\n"
    );
    for outcome in outcomes {
        let name = outcome.operation.name;
        let state = if outcome.works { "works" } else { "not yet" };
        let all = outcome.errors.len();
        let unreached =
            |which: fn(&Reach) -> bool| outcome.errors.iter().filter(move |(_, reach)| which(reach));
        let mut out: Vec<_> = unreached(|reach| matches!(reach, Reach::OnDemand(_)))
            .map(|(code, _)| format!("`{code}`"))
            .collect();
        let external = unreached(|reach| *reach == Reach::ExternalKeyStores).count();
        let reached = all - out.len() - external;
        if external > 0 {
            out.push(format!("{external} of external key stores"));
        }
        writeln!(page, "| {name} | {state} | {all} | {reached} | {} |", out.join(", ")).unwrap();
    }
    page.push_str(&keys(specs));
    page.push_str(&refused_on_purpose());
    page.push_str(&out_of_reach(outcomes));
    page
}

/// Which keys there are, and what they do.
fn keys(specs: &[Made]) -> String {
    let mut section = "\n## Keys\n\nEach was made, and used both ways with each of its algorithms.\n\n\
         | spec | usage | algorithms | built-in | in a custom key store |\n|---|---|---|---|---|\n"
        .to_owned();
    for Made { spec, usage, algorithms, built_in, in_store } in specs {
        let algorithms = algorithms.join(", ");
        writeln!(section, "| {spec} | {usage} | {algorithms} | {built_in} | {in_store} |").unwrap();
    }
    section
}

/// What is refused although the model has it, and why.
fn refused_on_purpose() -> String {
    let mut section =
        "\n## Refused on purpose\n\n| operation | with | answers | why |\n|---|---|---|---|\n".to_owned();
    for refusal in refusals() {
        let Refusal { operation, with, code, why, .. } = refusal;
        writeln!(section, "| {operation} | {with} | `{code}` | {why} |").unwrap();
    }
    section
}

/// Errors that no call leads to.
fn out_of_reach(outcomes: &[Outcome]) -> String {
    let mut section =
        "\n## Errors out of reach\n\nExternal key stores are to come, and their errors with them.\n\n\
         | error | of | why |\n|---|---|---|\n"
            .to_owned();
    let mut reasons: BTreeMap<(&str, &str), Vec<&str>> = BTreeMap::new();
    for outcome in outcomes {
        for (code, reach) in &outcome.errors {
            if let Reach::OnDemand(why) = reach {
                reasons.entry((code, why)).or_default().push(outcome.operation.name);
            }
        }
    }
    for ((code, why), operations) in reasons {
        writeln!(section, "| `{code}` | {} | {why} |", operations.join(", ")).unwrap();
    }
    section
}
