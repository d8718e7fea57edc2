//! `strongroom audit checkpoint` and `strongroom audit key`: what a stranger needs to verify a journal.

use std::process::ExitCode;

use anyhow::{Context as _, Result};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use strongroom_crypto::ed25519::PublicKey;
use strongroom_journal::newest_checkpoint;
use strongroom_seal::Root;

use crate::cli::PlaceOptions;
use crate::journal_keeping::verification_key;
use crate::process;
use crate::settings::Place;

/// Prints the newest checkpoint.
pub(crate) fn print_newest(options: &PlaceOptions) -> Result<ExitCode> {
    process::prepare();
    let journal = Place::named(options)?.data.journal();
    let newest = newest_checkpoint(&journal).context("reading the journal's checkpoints")?;
    let newest = newest.with_context(|| {
        format!(
            "{} has no checkpoint yet: a server signs one every minute in which something was recorded, and when it stops",
            journal.display()
        )
    })?;
    print!("{newest}");
    Ok(ExitCode::SUCCESS)
}

/// Prints the public key that verifies checkpoints.
pub(crate) fn print_key(options: &PlaceOptions) -> Result<ExitCode> {
    process::prepare();
    let place = Place::named(options)?;
    let root =
        Root::open_with(&place.seal.dir, &place.seal.unlock()?).context("the key comes from the seal")?;
    print!("{}", pem(&verification_key(&root, root.current_epoch())?));
    Ok(ExitCode::SUCCESS)
}

/// A public key as RFC 7468 has it. Its one line of base64 is short of the 64 characters that fit.
fn pem(key: &PublicKey) -> String {
    format!("-----BEGIN PUBLIC KEY-----\n{}\n-----END PUBLIC KEY-----\n", STANDARD.encode(key.to_spki()))
}
