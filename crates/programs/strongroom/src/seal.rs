//! `strongroom seal`: the root key rotated, and what opens it.

pub(crate) mod prompt;

use std::process::ExitCode;

use anyhow::{Context as _, Result, bail};
use serde::{Deserialize, Serialize};
use strongroom_seal::{Root, SlotInfo, Unlock, slots_in};

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
    let place = Place::of(&settings);
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
    println!("What opens it (remove who should not, and rotate again):");
    show(&slots_in(&place.seal.dir)?.1);
    Ok(ExitCode::SUCCESS)
}

fn show(slots: &[SlotInfo]) {
    for SlotInfo { id, kind, key_was_shared, .. } in slots {
        let told = if *key_was_shared { "  its key may be known to others: make it anew" } else { "" };
        println!("  {id}  {kind}{told}");
    }
}

fn list(options: &SlotListOptions) -> Result<ExitCode> {
    let place = place(&options.config)?;
    let (epoch, slots) = slots_in(&place.seal.dir)?;
    if options.json {
        let slots: Vec<_> = slots
            .iter()
            .map(|slot| {
                serde_json::json!({
                    "id": slot.id,
                    "kind": slot.kind,
                    "parameters": slot.parameters,
                    "key_was_shared": slot.key_was_shared,
                })
            })
            .collect();
        println!("{}", serde_json::json!({ "epoch": epoch.number(), "slots": slots }));
        return Ok(ExitCode::SUCCESS);
    }
    println!("{}, root key of epoch {}:", place.seal.dir.display(), epoch.number());
    show(&slots);
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
    // Of the last slot there is more to say.
    let is_last = slots_in(&place.seal.dir)?.1.len() == 1;
    if root.opened_by().as_ref() == Some(&options.id) && !is_last && !options.force {
        bail!(
            "slot {} is the one that the configuration opens: without it the server does not start again. Let [seal] name \
             another slot first, or say --force",
            options.id
        );
    }
    root.remove_slot(&options.id)?;
    println!("Slot {} opens {} no more.", options.id, place.seal.dir.display());
    println!(
        "Whoever could open it may have seen the root key. If he must not open what is sealed from now on: run strongroom seal \
         rotate; the new root key is out of his reach, whatever copy of the seal's folder he has."
    );
    let (_, slots) = slots_in(&place.seal.dir)?;
    if slots.iter().any(|slot| slot.key_was_shared) {
        println!("That is not so for these slots, which an early version has made:");
        show(&slots);
        println!("See The seal, in the book, for how they are made anew.");
    }
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
