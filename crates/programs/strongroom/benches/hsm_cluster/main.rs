//! What HSM clusters do: `cargo bench -p strongroom --bench hsm_cluster`, after
//! `cargo build --release -p strongroom-hsmd` (`make bench` does both).
//!
//! The real server and the real HSMs, clusters of one, two and three of them, used over TLS: by 1 to 64 clients,
//! each of which asks one thing after the other, and by a pool, which asks for 64 things at a time over one
//! connection to each HSM. `openssl speed` runs on the same cores before each size, and the figures to
//! quote are the ratios. Also: how long a call takes that does nothing, how many keys are made in a second, and
//! with 16,000 keys how long it takes to find one and to join, and how much memory an HSM needs.
//!
//! `STRONGROOM_BENCH_SECONDS` sets the seconds of each measurement (default 3), `STRONGROOM_BENCH_HSM_KEYS` the
//! number of keys (default 16,000). `STRONGROOM_BENCH_ONLY=rsa`, `p256`, `gcm` or `noop` does that alone, with
//! two HSMs and 64 clients, over and over, for a profiler.

#![allow(
    clippy::disallowed_macros,
    clippy::disallowed_methods,
    reason = "a bench prints and reads the clock"
)]

#[path = "../rig/cluster.rs"]
mod cluster;
#[path = "../rig/http.rs"]
mod http;
mod keys;
mod load;
mod memory;
mod openssl;
#[path = "../rig/processes.rs"]
mod processes;
#[path = "../rig/program.rs"]
mod program;
mod work;

use std::env;
use std::fmt::Display;
use std::path::Path;
use std::str::FromStr;
use std::time::Duration;

use anyhow::Result;
use strongroom_hsm_client::{Cluster, Options};
use strongroom_hsm_proto::command::{Command, Role};

use crate::cluster::{HsmCluster, PASSWORD, create_user, credentials, log_in};
use crate::load::{Latencies, Pooled};
use crate::openssl::Speeds;
use crate::processes::HsmProcess;
use crate::program::Program;
use crate::work::Work;

/// A kind of work.
type Kind = fn(&Work) -> Command;

/// Zones of HSMs, in the order in which they are added.
const ZONES: [&str; 3] = ["us-east-1a", "us-east-1b", "us-east-1c"];

/// Clients at a time, as DESIGN's numbers are stated for 64.
const CLIENTS: [usize; 4] = [1, 4, 16, 64];

/// The crypto user that all clients are.
const USER: &str = "bench";

/// Calls of which the latencies are told.
const CALLS: usize = 2_000;

fn main() -> Result<()> {
    let seconds = setting("STRONGROOM_BENCH_SECONDS", 3);
    let time = Duration::from_secs(seconds);
    let most_keys = setting("STRONGROOM_BENCH_HSM_KEYS", 16_000);
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR"))?;
    let data = folder.path().join("data");
    let program = Program::start(&data)?;
    let _hsms = Hsms(&data);
    let cluster = HsmCluster::first_use(program.address, &folder.path().join("owner"), &ZONES)?;
    println!("start of the server: {:.0?}", program.started_in);
    log_in(cluster.options()?, "admin", Role::Admin)?.call(create_user(USER, PASSWORD))?;
    let work = Work::prepare(&mut client(&cluster, 1)?)?;
    if let Ok(only) = env::var("STRONGROOM_BENCH_ONLY") {
        cluster.add_hsm(ZONES[1])?;
        return again_and_again(&cluster, work, &only, time);
    }

    println!(
        "\nper second, in {seconds} s each; clients, server and HSMs on the same cores; % of openssl beside it"
    );
    let columns = ["RSA-2048", "P-256", "AES-GCM 1 KiB", "no-op"];
    println!("{:>5} {:>8} {}", "HSMs", "clients", columns.map(|name| format!("{name:>16}")).join(" "));
    for count in 1..=ZONES.len() {
        match count {
            1 => {}
            2 => join(&cluster, ZONES[1], 5, &data)?,
            _ => {
                let made = keys::measure(&mut clients(&cluster, count - 1)?, time, most_keys)?;
                println!("memory of each HSM with {made} keys: {}", memory::told(&data)?);
                join(&cluster, ZONES[2], made, &data)?;
            }
        }
        rates(&cluster, work, count, time)?;
    }
    println!("\nmemory of each HSM at the end: {}", memory::told(&data)?);
    println!("memory of the server at the end: {:.1} MB", program.resident_kb()? as f64 / 1024.0);
    Ok(())
}

/// Adds an HSM. Nobody has logged in to it yet when its memory is told.
fn join(cluster: &HsmCluster, zone: &str, keys: usize, data: &Path) -> Result<()> {
    let before = HsmProcess::all(data)?;
    let joined_in = cluster.add_hsm(zone)?;
    let after = HsmProcess::all(data)?;
    let newcomers: Vec<_> = after.into_iter().filter(|hsm| !before.contains(hsm)).collect();
    println!("an HSM joins, {keys} keys: {joined_in:.0?}; its memory: {}", memory::of(&newcomers)?);
    Ok(())
}

/// The rows of one size of the cluster.
fn rates(cluster: &HsmCluster, work: Work, hsms: usize, time: Duration) -> Result<()> {
    let openssl = Speeds::measure(time)?;
    println!("{openssl}");
    let mut clients = clients(cluster, hsms)?;
    let latencies = Latencies::measure(&mut clients[0], CALLS, |_| work.nothing())?;
    println!("a call that does nothing, {hsms} HSMs: {latencies}");
    let row = |who: &str, mut rate: Box<dyn FnMut(Kind) -> Result<f64> + '_>| {
        let cells = [
            beside(rate(Work::rsa)?, openssl.rsa),
            beside(rate(Work::p256)?, openssl.p256),
            beside(rate(Work::gcm)?, openssl.gcm),
            format!("{:.0}", rate(Work::nothing)?),
        ];
        println!("{hsms:>5} {who:>8} {}", cells.map(|cell| format!("{cell:>16}")).join(" "));
        anyhow::Ok(())
    };
    for count in CLIENTS {
        let clients = &mut clients[..count];
        row(&count.to_string(), Box::new(|kind| load::run(clients, time, &|| kind(&work))))?;
    }
    drop(clients);
    let pooled = Pooled::connect(options(cluster, hsms)?, credentials(USER, Role::CryptoUser))?;
    row("pool", Box::new(|kind| pooled.run(CLIENTS[CLIENTS.len() - 1], time, move || kind(&work))))
}

/// A rate, and what it is of openssl's.
fn beside(rate: f64, openssl: f64) -> String {
    format!("{rate:.0} {:>4.0}%", 100.0 * rate / openssl)
}

/// One kind of work alone, until it is stopped.
fn again_and_again(cluster: &HsmCluster, work: Work, only: &str, time: Duration) -> Result<()> {
    let kind: Kind = match only {
        "rsa" => Work::rsa,
        "p256" => Work::p256,
        "gcm" => Work::gcm,
        _ => Work::nothing,
    };
    let mut clients = clients(cluster, 2)?;
    loop {
        println!("{only}: {:.0}/s", load::run(&mut clients, time, &|| kind(&work))?);
    }
}

/// As many clients as there ever are at a time.
fn clients(cluster: &HsmCluster, hsms: usize) -> Result<Vec<Cluster>> {
    (0..CLIENTS[CLIENTS.len() - 1]).map(|_| client(cluster, hsms)).collect()
}

/// A client that is logged in at all HSMs.
fn client(cluster: &HsmCluster, hsms: usize) -> Result<Cluster> {
    log_in(options(cluster, hsms)?, USER, Role::CryptoUser)
}

fn options(cluster: &HsmCluster, hsms: usize) -> Result<Options> {
    // A key cannot be on two HSMs where there is one.
    Ok(Options { check_key_availability: hsms > 1, ..cluster.options()? })
}

fn setting<T: FromStr + Display>(name: &str, default: T) -> T {
    env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(default)
}

/// The HSMs of a data folder, which end with the bench.
struct Hsms<'a>(&'a Path);

impl Drop for Hsms<'_> {
    fn drop(&mut self) {
        for hsm in HsmProcess::all(self.0).unwrap_or_default() {
            // Already gone is as good.
            drop(hsm.kill());
        }
    }
}
