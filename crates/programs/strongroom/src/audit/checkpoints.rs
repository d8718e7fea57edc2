//! `strongroom audit checkpoint` and `strongroom audit key`: what a stranger needs to verify a journal.

use std::process::ExitCode;

use anyhow::{Context as _, Result, bail};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use strongroom_crypto::ed25519::PublicKey;
use strongroom_journal::{export_from_store, newest_checkpoint, newest_checkpoints_in};
use strongroom_seal::Root;

use super::journals::Journals;
use crate::cli::{ExportOptions, PlaceOptions};
use crate::journal_keeping::verification_key;
use crate::process;
use crate::settings::Place;

/// Prints the newest checkpoint, of each server where several share a store.
pub(crate) fn print_newest(options: &PlaceOptions) -> Result<ExitCode> {
    process::prepare();
    let journals = Journals::named(options)?;
    let newest: Vec<_> = match &journals {
        Journals::Folder(folder) => newest_checkpoint(folder).map(Vec::from_iter),
        Journals::Store(stored) => newest_checkpoints_in(&stored.db)
            .map(|newest| newest.into_iter().map(|(_, checkpoint)| checkpoint).collect()),
    }
    .context("reading the journal's checkpoints")?;
    if newest.is_empty() {
        bail!(
            "{} has no checkpoint yet: a server signs one every minute in which something was recorded, and when it stops",
            journals.place()
        );
    }
    let texts: Vec<_> = newest.iter().map(ToString::to_string).collect();
    print!("{}", texts.join("\n"));
    Ok(ExitCode::SUCCESS)
}

/// Writes the journals of a store to folders, for whoever verifies them without it.
pub(crate) fn export(options: &ExportOptions) -> Result<ExitCode> {
    process::prepare();
    let Journals::Store(stored) = Journals::named(&options.place)? else {
        bail!("the journal is in a folder already, and can be copied as it is");
    };
    let servers = export_from_store(&stored.db, &options.folder).context("writing the journals")?;
    for server in servers {
        println!("{}", options.folder.join(server).display());
    }
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
