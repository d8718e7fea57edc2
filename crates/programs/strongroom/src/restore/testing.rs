//! What was restored, tested as a server would use it.

use anyhow::{Context as _, Result, bail};
use strongroom_journal::Report;
use strongroom_resealing::Totals;
use strongroom_seal::Root;

use crate::audit::verification::trust_of;
use crate::control::Parts;
use crate::settings::Place;

/// Names of rows that are told, at the most.
const MOST_TOLD: usize = 5;

/// Verifies the journal that was restored: hashes, links, MACs and checkpoints.
pub(super) fn verify_journal(root: &Root, place: &Place) -> Result<Report> {
    let (trust, folder) = (trust_of(root), place.data.journal());
    let report = tokio::task::block_in_place(|| strongroom_journal::verify(&folder, &trust, |_| {}));
    let report = report.context("verifying the journal that was restored")?;
    if let Some(first) = report.first_break() {
        bail!("the journal in the backup is not as it was written: {first}");
    }
    Ok(report)
}

/// Opens everything that is sealed in the store, and checks the MACs of all rows.
pub(super) async fn open_everything(parts: &Parts) -> Result<Totals> {
    let totals = parts.resealing.check(&|_| {}).await.context("opening what is sealed in the store")?;
    if totals.refused > 0 {
        let names: Vec<_> = totals.names.iter().take(MOST_TOLD).map(String::as_str).collect();
        bail!(
            "{} rows in the backup do not open, or have a wrong MAC; the first: {}",
            totals.refused,
            names.join(", ")
        );
    }
    Ok(totals)
}
