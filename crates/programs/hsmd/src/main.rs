//! The `strongroom-hsmd` program: one HSM of a CloudHSM cluster, in a process that denies itself all but its
//! state folder, its own port and the way to the control plane.

#![allow(clippy::disallowed_macros, reason = "a program for the terminal prints")]

mod cli;
mod clock;
mod config;
mod faults;
mod fleet;
mod node;
mod partition;
mod protections;
mod rules;
mod serve;
mod state;

use std::process::ExitCode;

use anyhow::{Context as _, Result};
use clap::Parser as _;
use strongroom_hsm_proto::tls;
use strongroom_runtime::{LogFormat, init_logging};

use crate::cli::Arguments;
use crate::clock::Clock;
use crate::config::Config;
use crate::faults::Faults;
use crate::fleet::Dialer;
use crate::node::Parts;
use crate::protections::Protections;
use crate::state::{Device, Folder};

/// How many threads may compute at a time besides those that read and write, at the most: as many as there are
/// cores do, and the others wait for a password or a file.
const MOST_BLOCKING: usize = 64;

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("strongroom-hsmd: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<()> {
    let mut config = Config::read(&Arguments::parse().config)?;
    init_logging(if config.log_json { LogFormat::Json } else { LogFormat::Text }, &config.log);
    // Before anything secret is in memory, and before the first thread.
    let protections = Protections::of_memory();
    let clock = Clock::new(config.dev);
    let now = i64::try_from(clock.real_seconds()).unwrap_or(0);
    let folder = Folder::open(&config.state, "another strongroom-hsmd")?;
    let device = Device::open(&folder, &config.device_root, &config.hsm_id, now)?;
    let ports: Vec<_> = config.planes.iter().map(std::net::SocketAddr::port).collect();
    let protections = protections.shut_in(&config.state, config.listen.port(), &ports)?;
    tracing::info!(
        hsm = config.hsm_id,
        pid = std::process::id(),
        module = strongroom_crypto::module_name(),
        "protections: {}",
        protections.line()
    );

    let tls = tls::fleet::hsm_config(device.chain(), device.key_pkcs8()?.expose(), config.plane()?.as_der())?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .max_blocking_threads(MOST_BLOCKING)
        .build()
        .context("starting the runtime")?;
    let token = config.take_token();
    runtime.block_on(node::run(Parts {
        hsm_id: config.hsm_id,
        token,
        listen: config.listen,
        folder,
        device,
        clock,
        faults: Faults::new(config.dev),
        dialer: Dialer::new(config.planes, tls),
        compact_after: config.compact_after,
    }))
}
