//! `strongroom seal`: the root key rotated, and what opens it.

pub(crate) mod prompt;

use std::process::ExitCode;

use anyhow::{Context as _, Result};
use serde::{Deserialize, Serialize};
use strongroom_seal::{Root, Unlock, slots_in};

use crate::cli::{
    ConfigOptions, SealCommand, SlotAddOptions, SlotCommand, SlotKind, SlotListOptions, SlotRemoveOptions,
};
use crate::control::{self, Answer, Request};
use crate::process;
use crate::settings::{Place, Settings, secret_file};

/// What has become of a rotation, as it comes back.
#[derive(Serialize, Deserialize)]
pub(crate) struct Rotated {
    /// The epoch in use.
    pub(crate) epoch: u32,
    /// Rows sealed afresh.
    pub(crate) resealed: u64,
    /// Rows that do not open, or whose MAC does not fit.
    pub(crate) refused: u64,
    /// The first hundred of their names.
    pub(crate) names: Vec<String>,
    /// Whether the older root keys are gone.
    pub(crate) finished: bool,
}

/// `strongroom seal`.
pub(crate) fn run(command: &SealCommand) -> Result<ExitCode> {
    process::prepare();
    match command {
        SealCommand::Rotate(options) => rotate(&options.config, options.json),
        SealCommand::Slots { command } => match command {
            SlotCommand::List(options) => list(options),
            SlotCommand::Add(options) => add(options),
            SlotCommand::Remove(options) => remove(options),
        },
    }
}

fn rotate(config: &ConfigOptions, json: bool) -> Result<ExitCode> {
    let settings = Settings::read(&config.config)?;
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
    let hear = |answer| {
        if let Answer::Progress(told) = answer {
            eprintln!("{told} ...");
        }
        Ok(())
    };
    let done = runtime.block_on(control::ask(&settings, Request::SealRotate {}, hear))?;
    if json {
        println!("{}", done.expose());
        return Ok(ExitCode::SUCCESS);
    }
    let rotated: Rotated = serde_json::from_str(done.expose()).context("reading what the server told")?;
    let Rotated { epoch, resealed, refused, names, finished } = rotated;
    println!("The root key of epoch {epoch} is in use; {resealed} rows are sealed afresh under it.");
    if refused > 0 {
        println!(
            "{refused} rows do not open or were altered, and were left as they are. The older root keys stay until they are put \
             back from a backup, or removed:"
        );
        for name in names {
            println!("  {name}");
        }
    } else if finished {
        println!("The older root keys are gone.");
    } else {
        println!(
            "The older root keys stay until every server has sealed under the new one for ten minutes, so that nothing is lost \
             that was under way. A server that runs goes on with that by itself; its log says when they are gone."
        );
    }
    Ok(ExitCode::SUCCESS)
}

fn list(options: &SlotListOptions) -> Result<ExitCode> {
    let place = place(&options.config)?;
    let (epoch, slots) = slots_in(&place.seal.dir)?;
    if options.json {
        let slots: Vec<_> = slots
            .iter()
            .map(
                |slot| serde_json::json!({ "id": slot.id, "kind": slot.kind, "parameters": slot.parameters }),
            )
            .collect();
        println!("{}", serde_json::json!({ "epoch": epoch.number(), "slots": slots }));
        return Ok(ExitCode::SUCCESS);
    }
    println!("{}, root key of epoch {}:", place.seal.dir.display(), epoch.number());
    for slot in slots {
        println!("  {}  {}", slot.id, slot.kind);
    }
    Ok(ExitCode::SUCCESS)
}

fn add(options: &SlotAddOptions) -> Result<ExitCode> {
    let (place, root) = open(&options.config)?;
    let unlock = match (options.kind, &options.new_passphrase_file) {
        (SlotKind::File, _) => Unlock::File,
        (SlotKind::Passphrase, Some(file)) => Unlock::Passphrase(secret_file::read(file)?),
        (SlotKind::Passphrase, None) => Unlock::Passphrase(prompt::for_new_passphrase()?),
    };
    let id = root.add_slot(&unlock)?;
    println!("Slot {id} of the kind {} opens {} now.", unlock.kind(), place.seal.dir.display());
    Ok(ExitCode::SUCCESS)
}

fn remove(options: &SlotRemoveOptions) -> Result<ExitCode> {
    let (place, root) = open(&options.config)?;
    root.remove_slot(&options.id)?;
    println!("Slot {} opens {} no more.", options.id, place.seal.dir.display());
    println!(
        "Whoever could open it may have seen the root key, and with it the keys of all slots that were there. If that must not open \
         the seal: remove every such slot, then run strongroom seal rotate, and only then add the slots that are to stay; no backup \
         in between."
    );
    Ok(ExitCode::SUCCESS)
}

/// The seal, opened with what the configuration says. Whether a server runs makes no difference: it reads the slots anew
/// before it writes them.
fn open(config: &ConfigOptions) -> Result<(Place, Root)> {
    let place = place(config)?;
    let root = Root::open_with(&place.seal.dir, &place.seal.unlock()?).context("opening the seal")?;
    Ok((place, root))
}

fn place(config: &ConfigOptions) -> Result<Place> {
    Ok(Place::of(&Settings::read(&config.config)?))
}
