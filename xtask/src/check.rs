//! `cargo xtask check`: the rules of the house, as far as a machine can hold them.
//!
//! Every rule reads the tree and answers a [`Report`]; all run, so that one call names everything that is
//! broken. The rules themselves are pure functions over what was read, tested on small inputs.

mod fuzz;
mod layers;
mod links;
mod manifests;
mod packages;
mod prose;
mod sizes;
mod source;
mod tools;
mod tree;
mod unsafe_code;

use std::path::Path;

use anyhow::{Result, ensure};

pub(crate) use fuzz::fuzz;

/// What one rule says about the tree.
#[derive(Debug, Default)]
struct Report {
    /// Worth knowing, and no fault.
    notes: Vec<String>,
    /// Broken rules: each says where, what is wrong and what to do.
    failures: Vec<String>,
}

impl Report {
    /// A report of failures alone.
    fn of(failures: Vec<String>) -> Self {
        Self { notes: Vec::new(), failures }
    }

    /// The same report with a note.
    fn noting(mut self, note: String) -> Self {
        self.notes.push(note);
        self
    }
}

/// A rule, under the name that its failures carry.
type Rule = (&'static str, fn(&Path) -> Result<Report>);

/// Rules that read files and ask cargo, and compile nothing.
const QUICK: &[Rule] = &[
    ("format", tools::format),
    ("layers", layers::check),
    ("manifests", manifests::check),
    ("packages", packages::check),
    ("sizes", sizes::check),
    ("unsafe", unsafe_code::check),
    ("dialect", source::check_dialect),
    ("links", links::check),
    ("prose", prose::check),
    ("generated", tools::generated),
];

/// Rules that take minutes on a cold tree.
const SLOW: &[Rule] = &[("lints", tools::lints), ("licences", tools::licences)];

/// Runs the quick rules, and the slow ones unless `quick`; fails if any rule is broken.
pub(crate) fn run(root: &Path, quick: bool) -> Result<()> {
    let slow = if quick { &[] } else { SLOW };
    let mut broken = 0;
    for (name, rule) in QUICK.iter().chain(slow) {
        let report = rule(root).unwrap_or_else(|error| Report::of(vec![format!("{error:#}")]));
        let verdict = if report.failures.is_empty() { "ok" } else { "BROKEN" };
        println!("{name:<10} {verdict}");
        for note in &report.notes {
            println!("    {note}");
        }
        for failure in &report.failures {
            println!("    {name}: {failure}");
        }
        broken += report.failures.len();
    }
    ensure!(broken == 0, "{broken} broken rule(s), listed above");
    Ok(())
}
