//! What was restored, tested as a server would use it.

use anyhow::{Context as _, Result};
use strongroom_journal::{JournalError, Report, verify_store};
use strongroom_resealing::Totals;

use crate::audit::verification::trust_of;
use crate::control::Parts;
use crate::node::Foundation;
use crate::settings::Place;

/// Verifies the journals that were restored, in the folder and in the store: hashes, links, MACs and checkpoints.
pub(super) fn verify_journal(foundation: &Foundation, place: &Place) -> Result<Report> {
    let (trust, folder) = (trust_of(&foundation.root), place.data.journal());
    let report = tokio::task::block_in_place(|| {
        let stored = verify_store(&foundation.db, &trust, |_| {})?.journals;
        let in_folder = folder.is_dir().then(|| strongroom_journal::verify(&folder, &trust, |_| {}));
        let reports = stored.into_iter().map(|(_, report)| report).chain(in_folder.transpose()?);
        Ok::<_, JournalError>(reports.reduce(Report::and).unwrap_or_default())
    });
    report.context("verifying the journal that was restored")
}

/// Opens everything that is sealed in the store, and checks the MACs of all rows.
pub(super) async fn open_everything(parts: &Parts) -> Result<Totals> {
    parts.resealing.check(&|_| {}).await.context("opening what is sealed in the store")
}
