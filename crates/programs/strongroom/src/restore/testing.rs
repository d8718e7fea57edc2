//! What was restored, tested as a server would use it.

use anyhow::{Context as _, Result};
use strongroom_journal::Report;
use strongroom_resealing::Totals;
use strongroom_seal::Root;

use crate::audit::verification::trust_of;
use crate::control::Parts;
use crate::settings::Place;

/// Verifies the journal that was restored: hashes, links, MACs and checkpoints.
pub(super) fn verify_journal(root: &Root, place: &Place) -> Result<Report> {
    let (trust, folder) = (trust_of(root), place.data.journal());
    let report = tokio::task::block_in_place(|| strongroom_journal::verify(&folder, &trust, |_| {}));
    report.context("verifying the journal that was restored")
}

/// Opens everything that is sealed in the store, and checks the MACs of all rows.
pub(super) async fn open_everything(parts: &Parts) -> Result<Totals> {
    parts.resealing.check(&|_| {}).await.context("opening what is sealed in the store")
}
