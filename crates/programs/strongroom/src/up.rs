//! `strongroom up`: from nothing to a key in a connected custom key store on an HSM cluster, through the public API
//! alone.

mod authority;
mod client;
pub(crate) mod cluster;
pub(crate) mod deployments;
mod folder;
pub(crate) mod key;
pub(crate) mod key_store;
mod outcome;
mod password;
mod progress;
mod site;
pub(crate) mod users;
mod walk;

use std::io::Write as _;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use anyhow::{Result, anyhow, bail};
use strongroom_client::Endpoint;
use strongroom_runtime::Clocks;
use tokio::sync::oneshot;

use crate::cli::{DevOptions, UpOptions};
use crate::data_dir::DataDir;
use crate::dev::{self, Serving};
use walk::{Wishes, walk};

pub(crate) use folder::Folder;
pub(crate) use key::ALIAS;
pub(crate) use key_store::NAME as KEY_STORE;
pub(crate) use progress::Progress;
pub(crate) use site::{Seen, Site};

pub(crate) fn run(options: &UpOptions) -> Result<ExitCode> {
    match &options.endpoint {
        Some(endpoint) => at(options, endpoint),
        None => here(options),
    }
}

/// Takes the walk at a server that runs.
fn at(options: &UpOptions, endpoint: &str) -> Result<ExitCode> {
    let clocks = Clocks::system();
    let progress = Progress::begin(clocks.clone(), options.json);
    let data = DataDir::named(&options.server.data)?;
    let folder = Folder::open(data.path())?;
    let begun_ms = clocks.real_now();
    let endpoint = Endpoint::parse(endpoint)?;
    let region = strongroom_client::region(options.region.as_deref())?;
    let site = Site::reach(endpoint, region, false, progress, clocks, Arc::default())?;
    site.progress.done(
        "server",
        begun_ms,
        &format!("found {}, account {}", site.aws.endpoint(), site.account),
    );
    say(&take(&site, &folder, options)?);
    Ok(ExitCode::SUCCESS)
}

/// Starts a server in this process, takes the walk, and serves on.
fn here(options: &UpOptions) -> Result<ExitCode> {
    let clocks = Clocks::system();
    let progress = Progress::begin(clocks.clone(), options.json);
    expect_hsmd(&options.server)?;
    let region = strongroom_client::region(options.region.as_deref())?;
    dev::in_folder(&options.server, dev::QUIET_LOG, async |data: &DataDir| {
        let folder = Folder::open(data.path())?;
        let begun_ms = clocks.real_now();
        let (serving, stopping) = Serving::start(&options.server, data).await.map_err(with_advice)?;
        progress.done("server", begun_ms, &format!("{}, data in {}", serving.url(), data.path().display()));
        let stopped = Arc::new(AtomicBool::new(false));
        let (tell, told) = oneshot::channel();
        let (url, stop, region) = (serving.url(), stopped.clone(), region.clone());
        let asked = options.clone();
        // It ends with the server at the latest: its next call has no answer then.
        thread::spawn(move || {
            let taken = Endpoint::parse(&url)
                .map_err(Into::into)
                .and_then(|endpoint| Site::reach(endpoint, region, true, progress, clocks, stop))
                .and_then(|site| take(&site, &folder, &asked));
            // Nobody listens any more where the server has stopped.
            let _ = tell.send(taken);
        });
        tokio::pin!(stopping);
        let outcome = tokio::select! {
            taken = told => taken.map_err(|_| anyhow!("the walk failed in an unknown way")).flatten(),
            () = &mut stopping => {
                stopped.store(true, Ordering::Relaxed);
                Err(anyhow!("stopped; run `strongroom up` again to go on from here"))
            }
        };
        if let Ok(text) = &outcome {
            say(text);
            if !options.json {
                say("\nPress Ctrl-C to stop; the data stays, and `strongroom up` goes on with it.\n");
            }
            stopping.await;
        }
        serving.stop().await?;
        outcome.map(|_| ExitCode::SUCCESS)
    })
}

/// Refuses to start a server that could not start an HSM.
pub(crate) fn expect_hsmd(options: &DevOptions) -> Result<()> {
    let hsmd = dev::hsmd(options)?;
    if !hsmd.is_file() {
        bail!(
            "the HSM's program {} is not there; build it (`make build`), or say where it is with --hsmd",
            hsmd.display()
        );
    }
    Ok(())
}

/// Takes the walk, and answers what to print.
fn take(site: &Site, folder: &Folder, options: &UpOptions) -> Result<String> {
    let wishes = Wishes {
        authority: options.ca_cert.clone().zip(options.ca_key.clone()),
        crypto_user: options.crypto_user.clone(),
        key_store: options.key_store_name.clone(),
        alias: options.alias.clone(),
    };
    let outcome = walk(site, folder, &wishes).map_err(|error| {
        anyhow!("{error:#}\nWhen the cause is gone, run `strongroom up` again: it goes on from here.")
    })?;
    Ok(if options.json { format!("{}\n", outcome.json()) } else { outcome.text() })
}

/// Prints. That nobody reads is no reason to stop.
pub(crate) fn say(text: &str) {
    let _ = std::io::stdout().write_all(text.as_bytes()).and_then(|()| std::io::stdout().flush());
}

/// What to do where a server does not start.
fn with_advice(error: anyhow::Error) -> anyhow::Error {
    let is_taken = error
        .chain()
        .filter_map(|cause| cause.downcast_ref::<std::io::Error>())
        .any(|cause| cause.kind() == std::io::ErrorKind::AddrInUse);
    if is_taken {
        error.context("if it is a Strongroom that listens there, say so with --endpoint")
    } else {
        error
    }
}
