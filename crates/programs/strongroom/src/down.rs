//! `strongroom down`: undoes what `up` has made, as far as AWS's rules let it, and says what stays.

mod own;
mod undo;

use std::process::ExitCode;
use std::sync::Arc;
use std::thread;

use anyhow::{Result, anyhow, bail, ensure};
use strongroom_client::Endpoint;
use strongroom_runtime::Clocks;
use tokio::sync::oneshot;

use crate::cli::DownOptions;
use crate::data_dir::DataDir;
use crate::dev::{self, Serving};
use crate::up::{Folder, Progress, Site, expect_hsmd};
use undo::{say_all_is_gone, undo};

pub(crate) fn run(options: &DownOptions) -> Result<ExitCode> {
    let clocks = Clocks::system();
    let progress = Progress::begin(clocks.clone(), false);
    ensure!(
        !options.server.ephemeral,
        "--ephemeral starts a server in which `strongroom up` has made nothing"
    );
    let data = DataDir::named(&options.server.data)?;
    match Folder::find(data.path()) {
        Some(folder) if folder.state().exists() => {}
        Some(folder) if folder.taken_down().exists() => {
            say_all_is_gone(&folder);
            return Ok(ExitCode::SUCCESS);
        }
        _ => bail!("`strongroom up` has made nothing in {}", data.path().display()),
    }
    if let Some(endpoint) = &options.endpoint {
        let folder = Folder::open(data.path())?;
        let site = reach(options, endpoint, false, progress, clocks)?;
        return undo(&site, &folder, options).map(|()| ExitCode::SUCCESS);
    }
    expect_hsmd(&options.server)?;
    dev::in_folder(&options.server, dev::QUIET_LOG, async |data: &DataDir| {
        let folder = Folder::open(data.path())?;
        let (serving, stopping) = Serving::start(&options.server, data).await?;
        let (tell, told) = oneshot::channel();
        let (url, options) = (serving.url(), options.clone());
        thread::spawn(move || {
            let done =
                reach(&options, &url, true, progress, clocks).and_then(|site| undo(&site, &folder, &options));
            // Nobody listens any more where the server has stopped.
            let _ = tell.send(done);
        });
        let done = tokio::select! {
            done = told => done.unwrap_or_else(|_| Err(anyhow!("the work failed in an unknown way"))),
            () = stopping => Err(anyhow!("stopped; run `strongroom down` again to go on from here")),
        };
        serving.stop().await?;
        done.map(|()| ExitCode::SUCCESS)
    })
}

fn reach(
    options: &DownOptions,
    endpoint: &str,
    is_own: bool,
    progress: Progress,
    clocks: Clocks,
) -> Result<Site> {
    let region = strongroom_client::region(options.region.as_deref())?;
    Site::reach(Endpoint::parse(endpoint)?, region, is_own, progress, clocks, Arc::default())
}
