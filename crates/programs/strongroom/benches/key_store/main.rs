//! What KMS does with keys that live in an HSM cluster: `cargo bench -p strongroom --bench key_store`, after
//! `cargo build --release -p strongroom-hsmd` (`make bench` does both).
//!
//! The real server and two real HSMs with a connected key store; Encrypt, Decrypt and GenerateDataKey over HTTP with
//! SigV4 from many connections, and, in the same run and from the same load, with a key of KMS's own. The figures to
//! quote are the ratios. Then one HSM is killed in the middle of it, which no caller may see, and what each HSM did is
//! read from the HSMs' own counts.
//!
//! `STRONGROOM_BENCH_SECONDS` sets the seconds of each measurement (default 5). `STRONGROOM_BENCH_ONLY=Encrypt`,
//! `Decrypt` or `GenerateDataKey` does that alone, with 64 connections and a key in the HSMs, over and over, for a
//! profiler.

#![allow(
    clippy::disallowed_macros,
    clippy::disallowed_methods,
    reason = "a bench prints and reads the clock"
)]

#[path = "../rig/cluster.rs"]
mod cluster;
mod counts;
#[path = "../rig/http.rs"]
mod http;
#[path = "../rig/key_store.rs"]
mod key_store;
#[path = "../front_door/load.rs"]
mod load;
#[path = "../rig/processes.rs"]
mod processes;
#[path = "../rig/program.rs"]
mod program;
#[path = "../rig/request.rs"]
mod request;

use std::env;
use std::net::SocketAddr;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};

use crate::cluster::HsmCluster;
use crate::http::{Connection, Target};
use crate::key_store::KeyStore;
use crate::processes::HsmProcess;
use crate::program::Program;

/// Zones of the HSMs.
const ZONES: [&str; 2] = ["us-east-1a", "us-east-1b"];

/// Connections, as DESIGN's numbers are stated for 64.
const CONNECTIONS: [usize; 3] = [1, 16, 64];

/// Runs of which the median is told.
const RUNS: usize = 3;

fn main() -> Result<()> {
    let seconds = env::var("STRONGROOM_BENCH_SECONDS").ok().and_then(|text| text.parse().ok()).unwrap_or(5);
    let time = Duration::from_secs(seconds);
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR"))?;
    let data = folder.path().join("data");
    let program = Program::start(&data)?;
    let _hsms = Hsms(&data);
    println!("start of the server: {:.0?}", program.started_in);
    let cluster = HsmCluster::first_use(program.address, &folder.path().join("owner"), &ZONES)?;
    cluster.add_hsm(ZONES[1])?;
    let store = KeyStore::create(&cluster, "bench")?;
    let begun = Instant::now();
    store.connect()?;
    println!("the key store connects in: {:.0?}", begun.elapsed());

    let in_hsms = Requests::prepare(program.address, &store.create_key()?)?;
    let built_in = Requests::prepare(program.address, &built_in_key(program.address)?)?;
    if let Ok(only) = env::var("STRONGROOM_BENCH_ONLY") {
        return again_and_again(program.address, &in_hsms, &only, time);
    }

    println!(
        "\nrequests/s with a key in two HSMs (with a key of KMS's own; the one of the other), medians of {RUNS} runs of \
         {seconds} s; server, HSMs and load on the same cores"
    );
    println!("{:>12} {}", "connections", Requests::NAMES.map(|name| format!("{name:>26}")).join(" "));
    let before = counts::of(&cluster)?;
    for connections in CONNECTIONS {
        let mut cells = Vec::new();
        for (hsm, own) in in_hsms.all().into_iter().zip(built_in.all()) {
            // In turn, several times over: a machine whose speed drifts treats both alike.
            let mut runs = [Vec::new(), Vec::new()];
            for _ in 0..RUNS {
                for (target, runs) in [hsm, own].into_iter().zip(&mut runs) {
                    runs.push(load::run(program.address, target, connections, time)?.rate);
                }
            }
            let [hsm, own] = runs.map(median);
            cells.push(format!("{hsm:>10.0} ({own:>7.0}; {:>3.0}%)", 100.0 * hsm / own));
        }
        println!("{connections:>12} {}", cells.join(" "));
    }
    println!(
        "operations computed by each HSM meanwhile: {}",
        counts::between(&before, &counts::of(&cluster)?)
    );

    println!("\none HSM of two is killed in the middle, 64 connections:");
    for (name, target) in Requests::NAMES.iter().zip(in_hsms.all()) {
        let rate = with_a_kill(program.address, target, time, &data)?;
        println!("{name:>16}: {rate:.0}/s, and no caller saw an error");
        both_serve(&cluster)?;
    }
    println!("\nmemory of the server at the end: {:.1} MB", program.resident_kb()? as f64 / 1024.0);
    Ok(())
}

/// The load over and over, until it is stopped.
fn again_and_again(address: SocketAddr, requests: &Requests, only: &str, time: Duration) -> Result<()> {
    let at = Requests::NAMES.iter().position(|name| *name == only).context("no such operation")?;
    loop {
        let load = load::run(address, requests.all()[at], 64, time)?;
        println!("{only}: {} answers, {:.0}/s", load.answers, load.rate);
    }
}

/// The load, in the middle of which an HSM is killed. Any caller's error ends the bench.
fn with_a_kill(address: SocketAddr, target: &Target, time: Duration, data: &Path) -> Result<f64> {
    thread::scope(|scope| {
        let load = scope.spawn(|| load::run(address, target, 64, time));
        thread::sleep(time / 2);
        let hsms = HsmProcess::all(data)?;
        hsms.first().context("no HSM runs")?.kill()?;
        Ok(load.join().map_err(|_| anyhow::anyhow!("the load panicked"))??.rate)
    })
}

/// Waits until the HSM that was killed is back.
fn both_serve(cluster: &HsmCluster) -> Result<()> {
    cluster::wait("both HSMs to serve", || {
        let active = cluster.hsms()?.iter().filter(|hsm| hsm.state == "ACTIVE").count();
        Ok((active == ZONES.len() && counts::of(cluster)?.len() == ZONES.len()).then_some(()))
    })
}

/// A key that KMS keeps itself.
fn built_in_key(address: SocketAddr) -> Result<String> {
    let made = Connection::open(address)?.exchange(&request::request(address, "CreateKey", "{}")?)?;
    Ok(request::text(&made["KeyMetadata"], "KeyId")?.to_owned())
}

/// What is asked of one key.
struct Requests {
    encrypt: Target,
    decrypt: Target,
    generate: Target,
}

impl Requests {
    const NAMES: [&str; 3] = ["Encrypt", "Decrypt", "GenerateDataKey"];

    fn prepare(address: SocketAddr, key: &str) -> Result<Self> {
        let encrypt = request::encrypt(address, key)?;
        let decrypt = request::decrypt(address, &Connection::open(address)?.exchange(&encrypt)?)?;
        let body = format!(r#"{{"KeyId":"{key}","KeySpec":"AES_256"}}"#);
        Ok(Self { encrypt, decrypt, generate: request::request(address, "GenerateDataKey", &body)? })
    }

    fn all(&self) -> [&Target; 3] {
        [&self.encrypt, &self.decrypt, &self.generate]
    }
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
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
