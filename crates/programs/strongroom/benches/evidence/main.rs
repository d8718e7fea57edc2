//! What evidence costs: `cargo bench -p strongroom --bench evidence`.
//!
//! Decrypt over HTTP from many connections, against the real program: first with what is always derived of the journal
//! (metrics, last uses, the index of events), then with a trail of all Regions and an alarm besides. Told are the rates, how long
//! everything that is derived takes to catch up once the load is over (together that is the sustained rate), the processor's time
//! of a call and the journal's share of it, and what a record takes on the disk. Then the lag of a trail's delivery: from the
//! moment at which a file is due until it is in its bucket, without other load and under it.
//!
//! `STRONGROOM_BENCH_SECONDS` sets the seconds of each load (default 10), `STRONGROOM_BENCH_CONNECTIONS` the number of
//! connections (64), `STRONGROOM_BENCH_WINDOWS` how many deliveries are waited for (5), `STRONGROOM_BENCH_PROGRAM` another build
//! of the program to be measured.

#![allow(
    clippy::disallowed_macros,
    clippy::disallowed_methods,
    reason = "a bench prints and reads the clock"
)]

#[path = "../rig/http.rs"]
mod http;
mod lag;
#[path = "../front_door/load.rs"]
mod load;
#[path = "../rig/program.rs"]
mod program;
#[path = "../rig/request.rs"]
mod request;
mod site;
mod threads;

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use strongroom_journal::Reader;

use crate::http::{Connection, Target};
use crate::program::Program;
use crate::site::Site;
use crate::threads::Usage;

fn main() -> Result<()> {
    let time = Duration::from_secs(asked("SECONDS")?.unwrap_or(10));
    let connections = asked("CONNECTIONS")?.unwrap_or(64);
    let windows = asked("WINDOWS")?.unwrap_or(5);
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR"))?;
    let data = folder.path().join("data");
    let program = Program::start(&data)?;
    let site = Site::new(program.address);
    let decrypt = decrypt(&program)?;

    println!("started in {:?}", program.started_in);
    println!("Decrypt over {connections} connections for {time:?}; server and load on the same cores");
    println!(
        "{:>22} {:>12} {:>12} {:>12} {:>14} {:>14} {:>10}",
        "derived", "calls/s", "caught up", "sustained", "µs of a call", "journal, µs", "share"
    );
    let plain = measure(&program, &site, &decrypt, (connections, time))?;
    plain.print("metrics, uses, index");
    site.begin_trail()?;
    site.put_alarm()?;
    let everything = measure(&program, &site, &decrypt, (connections, time))?;
    everything.print("with trail and alarm");
    println!(
        "a trail and an alarm take {:.1} µs of a call's {:.1} ({:.0}%)",
        everything.call_us - plain.call_us,
        everything.call_us,
        100.0 * (everything.call_us - plain.call_us) / everything.call_us
    );
    let (records, bytes) = journal(&data.join("journal"))?;
    println!("{records} records in the journal, {:.0} bytes each", bytes as f64 / records as f64);

    println!(
        "\nLag of delivery, from the end of a window until its file is in the bucket, {windows} windows"
    );
    lag::alone(&site, windows)?.print("no other load");
    lag::under_load(&site, &decrypt, (windows, connections))?.print("under that load");
    println!("resident memory at the end: {:.1} MB", program.resident_kb()? as f64 / 1024.0);
    Ok(())
}

/// A number that a variable of this bench is set to.
fn asked<T: std::str::FromStr>(name: &str) -> Result<Option<T>> {
    let text = std::env::var(format!("STRONGROOM_BENCH_{name}")).ok();
    text.map(|text| text.parse().ok().with_context(|| format!("{name}: {text}"))).transpose()
}

/// What a load brought.
struct Measured {
    rate: f64,
    caught_up: Duration,
    sustained: f64,
    /// The server's processor time of one call, and the journal's threads' part of it.
    call_us: f64,
    journal_us: f64,
}

impl Measured {
    fn print(&self, derived: &str) {
        let Self { rate, caught_up, sustained, call_us, journal_us } = self;
        let (caught_up, share) = (caught_up.as_secs_f64(), 100.0 * journal_us / call_us);
        println!(
            "{derived:>22} {rate:>12.0} {caught_up:>11.2}s {sustained:>12.0} {call_us:>14.1} {journal_us:>14.1} {share:>9.0}%"
        );
    }
}

fn measure(
    program: &Program,
    site: &Site,
    decrypt: &Target,
    (connections, time): (usize, Duration),
) -> Result<Measured> {
    // What was left to be derived is not this load's.
    site.catch_up(0)?;
    let followers = site.followers()?;
    let (before, derived, begun) = (Usage::of(program.process())?, site.derived()?, Instant::now());
    let load = load::run(site.address, decrypt, connections, time)?;
    let ended = Instant::now();
    // Each follower has each record.
    site.catch_up(derived + load.answers * followers)?;
    let took = Usage::of(program.process())?.since(&before);
    let micros = |time: Duration| time.as_secs_f64() * 1e6 / load.answers as f64;
    Ok(Measured {
        rate: load.rate,
        caught_up: ended.elapsed(),
        sustained: load.answers as f64 / begun.elapsed().as_secs_f64(),
        call_us: micros(took.all),
        journal_us: micros(took.journal),
    })
}

/// A Decrypt under a new key.
fn decrypt(program: &Program) -> Result<Target> {
    let address = program.address;
    let mut connection = Connection::open(address)?;
    let made = connection.exchange(&request::request(address, "CreateKey", "{}")?)?;
    let key = request::text(&made["KeyMetadata"], "KeyId")?;
    request::decrypt(address, &connection.exchange(&request::encrypt(address, key)?)?)
}

/// The records of a journal, and the bytes that their frames take.
fn journal(folder: &Path) -> Result<(u64, u64)> {
    let reader = Reader::open(folder)?;
    let (mut records, mut bytes) = (0, 0);
    for listed in reader.segments()? {
        let Some(segment) = reader.segment(listed.id)? else { continue };
        for frame in segment.heads(0)?.frames {
            records += u64::from(frame.count);
            bytes += u64::from(frame.length);
        }
    }
    Ok((records, bytes))
}
