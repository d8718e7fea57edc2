//! What the front door costs: `cargo bench -p strongroom --bench front_door`.
//!
//! Encrypt over HTTP from many connections, against the real program and, in the same run and from the same
//! load, against two servers that show what is possible: a bare hyper server that answers the same bytes,
//! and a bare server that does the unavoidable (SHA-256 and HMAC of the request, AES-GCM, one record under
//! the same group commit). The figures to quote are the ratios. Also: Decrypt by users, whose policies have a say,
//! against the root user, who has none; cold start and idle memory of the program, and how long this disk takes to
//! flush.
//!
//! `STRONGROOM_BENCH_SECONDS` sets the seconds of each measurement (default 5).

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
mod users;

use std::time::Duration;

use anyhow::{Context as _, Result};

use crate::http::{Connection, Target};
use crate::process::Peer;
use crate::program::Program;

/// Connections, as DESIGN's numbers are stated for 64.
const CONNECTIONS: [usize; 3] = [1, 16, 64];

fn main() -> Result<()> {
    // A rival is this program again, told so by its first argument.
    let mut arguments = std::env::args().skip(1);
    match arguments.next().as_deref() {
        Some("bare") => return rivals::bare(),
        Some("unavoidable") => return rivals::unavoidable(),
        _ => {}
    }
    let seconds =
        std::env::var("STRONGROOM_BENCH_SECONDS").ok().and_then(|text| text.parse().ok()).unwrap_or(5);
    let time = Duration::from_secs(seconds);

    println!("disk flush (4 KiB write and fdatasync): median {:?}", process::flush_time()?);
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR"))?;
    let data = folder.path().join("data");
    let program = Program::start(&data)?;
    println!("cold start to healthy, new data folder: {:?}", program.started_in);
    drop(program);
    let again = Program::start(&data)?;
    println!("cold start to healthy, existing data:   {:?}", again.started_in);
    println!("idle memory (resident): {:.1} MB", again.resident_kb()? as f64 / 1024.0);

    let mut connection = Connection::open(again.address)?;
    let made = connection.exchange(&request::request(again.address, "CreateKey", "{}")?)?;
    let key = request::text(&made["KeyMetadata"], "KeyId")?;
    let encrypt = request::encrypt(again.address, key)?;
    let decrypt = request::decrypt(again.address, &connection.exchange(&encrypt)?)?;
    let body = format!(r#"{{"KeyId":"{key}","KeySpec":"AES_256"}}"#);
    let generate = request::request(again.address, "GenerateDataKey", &body)?;
    let (bare, unavoidable) = (Peer::start("bare")?, Peer::start("unavoidable")?);

    println!("\nrequests/s, medians of 3 runs of {seconds} s, server and load on the same cores");
    println!(
        "{:>12} {:>10} {:>13} {:>10} {:>10} {:>10} {:>9} {:>9}",
        "connections", "bare", "unavoidable", "Encrypt", "Decrypt", "GenDataKey", "of bare", "of unav."
    );
    for connections in CONNECTIONS {
        let rows: [(&str, std::net::SocketAddr, &Target); 5] = [
            ("bare", bare.address, &encrypt),
            ("unavoidable", unavoidable.address, &encrypt),
            ("Encrypt", again.address, &encrypt),
            ("Decrypt", again.address, &decrypt),
            ("GenerateDataKey", again.address, &generate),
        ];
        // In turn, three times over: a machine whose speed drifts treats all alike.
        let mut runs = rows.map(|_| Vec::new());
        for _ in 0..3 {
            for (at, (name, address, target)) in rows.iter().enumerate() {
                let rate =
                    load::run(*address, target, connections, time).with_context(|| (*name).to_owned())?;
                runs[at].push(rate);
            }
        }
        let [bare, unavoidable, encrypt, decrypt, generate] = runs.map(median);
        println!(
            "{connections:>12} {bare:>10.0} {unavoidable:>13.0} {encrypt:>10.0} {decrypt:>10.0} {generate:>10.0} {:>8.0}% {:>8.0}%",
            100.0 * encrypt / bare,
            100.0 * encrypt / unavoidable
        );
    }
    let askers = users::decrypts(again.address, &decrypt)?;
    println!("\nDecrypt by whom, requests/s as above");
    print!("{:>12} ", "connections");
    for asker in &askers {
        print!("{:>24}", asker.who);
    }
    println!();
    for connections in CONNECTIONS {
        let mut runs = vec![Vec::new(); askers.len()];
        for _ in 0..3 {
            for (at, asker) in askers.iter().enumerate() {
                runs[at].push(load::run(again.address, &asker.decrypt, connections, time)?);
            }
        }
        print!("{connections:>12} ");
        for rates in runs {
            print!("{:>24.0}", median(rates));
        }
        println!();
    }
    println!("\nresident memory after the load: {:.1} MB", again.resident_kb()? as f64 / 1024.0);
    Ok(())
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
