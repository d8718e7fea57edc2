//! What was restored, tested as a server would use it.

use anyhow::{Context as _, Result, bail};
use strongroom_journal::Report;

use crate::audit::verification::trust_of;
use crate::node::Foundation;
use crate::settings::Place;

/// What the tests saw.
pub(super) struct Tested {
    /// The journal, in which everything is as it was written.
    pub(super) journal: Report,
}

/// Opens everything that is sealed, and verifies the journal. The seal has been held against the store already.
pub(super) async fn test(foundation: &Foundation, place: &Place) -> Result<Tested> {
    let trust = trust_of(&foundation.root);
    let folder = place.data.journal();
    let journal = tokio::task::block_in_place(|| strongroom_journal::verify(&folder, &trust, |_| {}))
        .context("verifying the journal that was restored")?;
    if let Some(first) = journal.first_break() {
        bail!("the journal in the backup is not as it was written: {first}");
    }
    Ok(Tested { journal })
}
