//! What the front door costs: `cargo bench -p strongroom --bench front_door`.
//!
//! Encrypt over HTTP from many connections, against the real program and, in the same run and from the same
//! load, against two servers that show what is possible: a bare hyper server that answers the same bytes,
//! and a bare server that does the unavoidable (SHA-256 and HMAC of the request, AES-GCM, one record under
//! the same group commit). The figures to quote are the ratios: of the rates, which depend on what else the machine
//! does, and of the processor's time that a request takes of both server and load, which hardly does. Both with a
//! journal that waits for the disk (`sync`) and with one that does not (`written`). Also: Decrypt by users, whose
//! policies have a say, against the root user, who has none; cold start and idle memory of the program, and how long
//! this disk takes to flush.
//!
//! `STRONGROOM_BENCH_SECONDS` sets the seconds of each measurement (default 5), `STRONGROOM_BENCH_CONNECTIONS` the
//! numbers of connections (`1,16,64,256`), `STRONGROOM_BENCH_PROGRAM` another build of the program to be measured.

#![allow(
    clippy::disallowed_macros,
    clippy::disallowed_methods,
    reason = "a bench prints and reads the clock"
)]

#[path = "../rig/http.rs"]
mod http;
mod load;
mod process;
#[path = "../rig/program.rs"]
mod program;
#[path = "../rig/request.rs"]
mod request;
mod rivals;
mod table;
mod users;

use std::time::Duration;

use anyhow::{Context as _, Result};

use crate::http::{Connection, Target};
use crate::process::Peer;
use crate::program::Program;
use crate::table::{Row, Server, measure};

/// Connections, as DESIGN's numbers are stated for 64.
const CONNECTIONS: [usize; 4] = [1, 16, 64, 256];

fn main() -> Result<()> {
    // A rival is this program again, told so by its first argument.
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    match arguments.first().map(String::as_str) {
        Some("bare") => return rivals::bare(),
        Some("unavoidable") => return rivals::unavoidable(arguments.iter().any(|one| one == "written")),
        _ => {}
    }
    let time = Duration::from_secs(asked("SECONDS").and_then(|text| text.parse().ok()).unwrap_or(5));
    let connections = match asked("CONNECTIONS") {
        None => CONNECTIONS.to_vec(),
        Some(text) => text.split(',').map(str::parse).collect::<Result<_, _>>().context("CONNECTIONS")?,
    };

    println!("disk flush (4 KiB write and fdatasync): median {:?}", process::flush_time()?);
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR"))?;
    let data = folder.path().join("data");
    let program = Program::start(&data)?;
    println!("cold start to healthy, new data folder: {:?}", program.started_in);
    drop(program);
    let program = Program::start(&data)?;
    println!("cold start to healthy, existing data:   {:?}", program.started_in);
    println!("idle memory (resident): {:.1} MB", program.resident_kb()? as f64 / 1024.0);

    println!(
        "\nMedians of 3 runs of {time:?}, server and load on the same cores. µs: the processor's time of a request, server"
    );
    println!("and load. Of bare, of unavoidable: by rate, and by the processor's time.");
    against_rivals(&program, "sync", &connections, time)?;
    by_whom(&program, &connections, time)?;
    println!("\nresident memory after the load: {:.1} MB", program.resident_kb()? as f64 / 1024.0);
    drop(program);
    let program = Program::start_with(&data, &[("STRONGROOM_JOURNAL_DURABILITY", "written")])?;
    against_rivals(&program, "written", &connections, time)
}

fn server(program: &Program) -> Server {
    Server { address: program.address, process: program.process() }
}

/// What a variable of this bench is set to.
fn asked(name: &str) -> Option<String> {
    std::env::var(format!("STRONGROOM_BENCH_{name}")).ok()
}

/// The program and its rivals, whose journal is as durable as the program's.
fn against_rivals(program: &Program, durability: &str, connections: &[usize], time: Duration) -> Result<()> {
    let (bare, unavoidable) = (Peer::start(&["bare"])?, Peer::start(&["unavoidable", durability])?);
    println!("\njournal: {durability}");
    println!(
        "{:>11} {:>15} {:>15} {:>15} {:>15} {:>15} {:>11} {:>11}",
        "connections", "bare", "unavoidable", "Encrypt", "Decrypt", "GenDataKey", "of bare", "of unav."
    );
    for &connections in connections {
        // Signed now: a signature counts for minutes.
        let [encrypt, decrypt, generate] = requests(program)?;
        let rows = [
            Row { server: bare.server(), target: encrypt.clone() },
            Row { server: unavoidable.server(), target: encrypt.clone() },
            Row { server: server(program), target: encrypt },
            Row { server: server(program), target: decrypt },
            Row { server: server(program), target: generate },
        ];
        let figures = measure(&rows, connections, time)?;
        print!("{connections:>11} ");
        for figure in &figures {
            print!("{:>8.0}, {:>2.0} µs", figure.rate, figure.cost_us);
        }
        let [bare, unavoidable, encrypt, ..] = figures.as_slice() else { anyhow::bail!("no figures") };
        for other in [bare, unavoidable] {
            let (rate, cost) = (encrypt.rate / other.rate, other.cost_us / encrypt.cost_us);
            print!(" {:>4.0}%, {:>3.0}%", 100.0 * rate, 100.0 * cost);
        }
        println!();
    }
    Ok(())
}

/// Encrypt, Decrypt and GenerateDataKey under a new key.
fn requests(program: &Program) -> Result<[Target; 3]> {
    let address = program.address;
    let mut connection = Connection::open(address)?;
    let made = connection.exchange(&request::request(address, "CreateKey", "{}")?)?;
    let key = request::text(&made["KeyMetadata"], "KeyId")?;
    let encrypt = request::encrypt(address, key)?;
    let decrypt = request::decrypt(address, &connection.exchange(&encrypt)?)?;
    let body = format!(r#"{{"KeyId":"{key}","KeySpec":"AES_256"}}"#);
    Ok([encrypt, decrypt, request::request(address, "GenerateDataKey", &body)?])
}

/// Decrypt by users whose policies have a say.
fn by_whom(program: &Program, connections: &[usize], time: Duration) -> Result<()> {
    let [_, decrypt, _] = requests(program)?;
    let askers = users::askers(program.address)?;
    println!("\nDecrypt by whom");
    print!("{:>11} ", "connections");
    for asker in &askers {
        print!("{:>27}", asker.who);
    }
    println!();
    for &connections in connections {
        let signed = askers.iter().map(|asker| asker.sign(program.address, &decrypt));
        let rows = signed.map(|target| Ok(Row { server: server(program), target: target? }));
        let figures = measure(&rows.collect::<Result<Vec<_>>>()?, connections, time)?;
        print!("{connections:>11} ");
        for figure in &figures {
            print!("{:>19.0}, {:>3.0} µs", figure.rate, figure.cost_us);
        }
        println!();
    }
    Ok(())
}
