//! `strongroom audit`, and `strongroom explain`.

pub(crate) mod denied;
pub(crate) mod explain;
pub(crate) mod failures;
mod history;
pub(crate) mod since;

use std::process::ExitCode;

use anyhow::{Context as _, Result};
use strongroom_journal::{Progress, Report};
use strongroom_seal::{Epoch, Purpose, Root};
use strongroom_secret::Key256;

use crate::cli::PlaceOptions;
use crate::process;
use crate::settings::Place;

/// Records between two lines of progress.
const PROGRESS_EVERY: u64 = 1_000_000;

/// Walks the journal and says what is wrong with it.
pub(crate) fn verify(options: &PlaceOptions) -> Result<ExitCode> {
    process::prepare();
    let place = Place::named(options)?;
    let journal = place.data.journal();
    let root = Root::open_with(&place.seal.dir, &place.seal.unlock()?)
        .context("the journal is verified with the seal that it was written under")?;
    let mut next_line = PROGRESS_EVERY;
    let progress = |progress: &Progress| {
        if progress.records >= next_line {
            eprintln!("{} records verified ...", progress.records);
            next_line += PROGRESS_EVERY;
        }
    };
    let key = |epoch| Some(Key256::clone(&root.subkey(Purpose::JournalMac, Epoch::new(epoch)).ok()?));
    let report = strongroom_journal::verify(&journal, key, progress)?;
    for finding in &report.findings {
        println!("{finding}");
    }
    println!("{}", summary(&report));
    Ok(if report.is_intact() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn summary(report: &Report) -> String {
    let seen = format!(
        "{} records in {} frames, {} segments, {} streams",
        report.records, report.frames, report.segments, report.streams
    );
    if report.is_intact() {
        format!("The journal is intact: {seen}.")
    } else if report.cut_short {
        format!(
            "THE JOURNAL IS NOT AS IT WAS WRITTEN. Verification stopped at the thousandth finding, after {seen}."
        )
    } else {
        format!(
            "THE JOURNAL IS NOT AS IT WAS WRITTEN. As written are {seen}; the findings above name the rest."
        )
    }
}
