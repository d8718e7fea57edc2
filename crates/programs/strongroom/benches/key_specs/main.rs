//! What keys of each spec do over HTTP: `cargo bench -p strongroom --bench key_specs`.
//!
//! Signatures, MACs, RSA encryption, shared secrets, encapsulated ones and data key pairs, from many connections with
//! SigV4, policy and journal on, server and load on the same cores; and, in the same run, what `openssl speed` gets from
//! those cores, where it has the like. The figures to quote are the ratios. What the engine alone makes of a core is
//! measured by the bench `types` of `strongroom-hsm-core`.
//!
//! `STRONGROOM_BENCH_SECONDS` sets the seconds of each measurement (default 5), `STRONGROOM_BENCH_CONNECTIONS` the number
//! of connections (64), `STRONGROOM_BENCH_ONLY` the specs whose names begin so.

#![allow(
    clippy::disallowed_macros,
    clippy::disallowed_methods,
    reason = "a bench prints and reads the clock"
)]

#[path = "../rig/http.rs"]
mod http;
#[allow(dead_code, reason = "other benches ask how many answers there were")]
#[path = "../front_door/load.rs"]
mod load;
#[path = "../../../../hsm/core/benches/types/openssl.rs"]
mod openssl;
#[path = "../rig/program.rs"]
mod program;
#[allow(dead_code, reason = "other benches encrypt under symmetric keys")]
#[path = "../rig/request.rs"]
mod request;
mod work;

use std::str::FromStr;
use std::time::Duration;

use anyhow::Result;

use crate::openssl::Speeds;
use crate::program::Program;
use crate::work::{Work, of_every_spec};

/// Runs of which the median is told.
const RUNS: usize = 3;

fn main() -> Result<()> {
    // `cargo test` runs benches without this argument, only to see that they build.
    if !std::env::args().any(|argument| argument == "--bench") {
        return Ok(());
    }
    let time = Duration::from_secs(set("SECONDS").unwrap_or(5));
    let connections = set("CONNECTIONS").unwrap_or(64);
    let only: String = set("ONLY").unwrap_or_default();

    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR"))?;
    let program = Program::start(&folder.path().join("data"))?;
    println!("start of the server: {:.0?}", program.started_in);
    let cores = std::thread::available_parallelism()?.get();
    let speeds = Speeds::measure(cores, true);
    println!("openssl: openssl speed -elapsed -multi {cores}");
    println!(
        "requests/s from {connections} connections, medians of {RUNS} runs of {time:?}; server and load on the same cores"
    );
    println!("{:>24} {:>22} {:>10} {:>14} {:>12}", "spec", "operation", "rate", "openssl", "of openssl");
    for work in of_every_spec(program.address, &only)? {
        let rate = median(&program, &work, work.bounded(connections), time)?;
        let speed = work.by_openssl(&speeds);
        let (shown, ratio) = speed.map_or(("-".into(), "-".into()), |speed| {
            (format!("{speed:.0}"), format!("{:.0}%", 100.0 * rate / speed))
        });
        println!("{:>24} {:>22} {rate:>10.0} {shown:>14} {ratio:>12}", work.spec, work.operation);
    }
    println!("\nmemory of the server at the end: {:.1} MB", program.resident_kb()? as f64 / 1024.0);
    Ok(())
}

/// What a variable of this bench is set to.
fn set<T: FromStr>(name: &str) -> Option<T> {
    std::env::var(format!("STRONGROOM_BENCH_{name}")).ok()?.parse().ok()
}

fn median(program: &Program, work: &Work, connections: usize, time: Duration) -> Result<f64> {
    // Signed now: a signature counts for minutes.
    let target = request::request(program.address, work.operation, &work.body)?;
    let mut rates = Vec::new();
    for _ in 0..RUNS {
        rates.push(load::run(program.address, &target, connections, time)?.rate);
    }
    rates.sort_by(f64::total_cmp);
    Ok(rates[RUNS / 2])
}
