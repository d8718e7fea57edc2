//! The figures of one data folder.

use std::fs::File;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use rustix::fs::{Advice, fadvise, fdatasync};
use serde_json::Value;

use crate::FEW;
use crate::http::{Connection, Target};
use crate::program::Program;
use crate::request::{decrypt, encrypt, request};

/// Starts, of which the median counts.
const STARTS: usize = 5;

/// Decrypts under each key once it is known to the server.
const LATER_ROUNDS: usize = 5;

/// Askings for each page, of which the median counts.
const ASKINGS: usize = 21;

/// What was measured.
pub(crate) struct Figures {
    start: Duration,
    /// With nothing of the database in the kernel's memory.
    start_from_disk: Duration,
    idle_kb: u64,
    /// Decrypts under keys that neither the server nor the kernel has in memory.
    from_disk: Latencies,
    /// Decrypts under keys that the server has not used yet.
    first: Latencies,
    later: Latencies,
    busy_kb: u64,
    /// The first page of ListKeys, the one in the middle, and the last full one.
    pages: [Duration; 3],
    database_bytes: u64,
}

struct Latencies {
    median: Duration,
    p99: Duration,
}

impl Figures {
    /// Measures the server over a data folder with these keys.
    pub(crate) fn measure(data: &Path, ids: &[String]) -> Result<Self> {
        let mut starts = Vec::new();
        for _ in 0..STARTS {
            starts.push(Program::start(data)?.started_in);
        }
        // Ids are random, so that any choice of them is a random one.
        let chosen: Vec<_> = ids.iter().step_by(ids.len() / FEW).take(FEW).collect();
        let answers = encrypt_under(&Program::start(data)?, &chosen)?;

        let database = data.join("strongroom.db");
        forget(&database)?;
        let program = Program::start(data)?;
        let start_from_disk = program.started_in;
        let from_disk = decrypt_all(&program, &answers, 1)?;
        drop(program);

        let program = Program::start(data)?;
        let idle_kb = program.resident_kb()?;
        let first = decrypt_all(&program, &answers, 1)?;
        let later = decrypt_all(&program, &answers, LATER_ROUNDS)?;
        Ok(Self {
            start: median(&mut starts),
            start_from_disk,
            idle_kb,
            from_disk,
            first,
            later,
            busy_kb: program.resident_kb()?,
            pages: list(&program, ids.len())?,
            database_bytes: std::fs::metadata(&database)?.len(),
        })
    }

    /// What was measured, its unit, and how much it is.
    pub(crate) fn rows(&self) -> Vec<(&'static str, &'static str, f64)> {
        let ms = |time: Duration| time.as_secs_f64() * 1_000.0;
        let [first, middle, last] = self.pages.map(ms);
        vec![
            ("start to healthy", "ms", ms(self.start)),
            ("start to healthy, database not in memory", "ms", ms(self.start_from_disk)),
            ("resident memory after the start", "MB", self.idle_kb as f64 / 1024.0),
            ("first Decrypt, database not in memory, median", "ms", ms(self.from_disk.median)),
            ("first Decrypt, database not in memory, p99", "ms", ms(self.from_disk.p99)),
            ("first Decrypt under a key, median", "ms", ms(self.first.median)),
            ("first Decrypt under a key, p99", "ms", ms(self.first.p99)),
            ("later Decrypts, median", "ms", ms(self.later.median)),
            ("later Decrypts, p99", "ms", ms(self.later.p99)),
            ("resident memory after Decrypts under 1,000 keys", "MB", self.busy_kb as f64 / 1024.0),
            ("ListKeys of 1,000, first page", "ms", first),
            ("ListKeys of 1,000, page in the middle", "ms", middle),
            ("ListKeys of 1,000, last page", "ms", last),
            ("database", "MB", self.database_bytes as f64 / 1_000_000.0),
        ]
    }
}

/// Encrypts something under each key.
fn encrypt_under(program: &Program, ids: &[&String]) -> Result<Vec<Value>> {
    let mut connection = Connection::open(program.address)?;
    ids.iter().map(|id| connection.exchange(&encrypt(program.address, id)?)).collect()
}

/// Has the kernel read a file from the disk when it is next needed.
fn forget(path: &Path) -> Result<()> {
    let file = File::open(path)?;
    // What is not on the disk yet would stay.
    fdatasync(&file)?;
    Ok(fadvise(&file, 0, None, Advice::DontNeed)?)
}

/// Decrypts all, so many times over, on one connection.
fn decrypt_all(program: &Program, answers: &[Value], rounds: usize) -> Result<Latencies> {
    let targets = answers.iter().map(|answer| decrypt(program.address, answer));
    let targets = targets.collect::<Result<Vec<_>>>()?;
    let mut connection = Connection::open(program.address)?;
    let times = (0..rounds).flat_map(|_| &targets).map(|target| time(&mut connection, target));
    let mut times = times.collect::<Result<Vec<_>>>()?;
    times.sort();
    Ok(Latencies { median: times[times.len() / 2], p99: times[times.len() * 99 / 100] })
}

/// Walks through all pages, and then times three of them.
fn list(program: &Program, count: usize) -> Result<[Duration; 3]> {
    let mut connection = Connection::open(program.address)?;
    let mut pages = vec![request(program.address, "ListKeys", r#"{"Limit":1000}"#)?];
    let mut listed = 0;
    for at in 0.. {
        let page = connection.exchange(&pages[at])?;
        listed += page["Keys"].as_array().map_or(0, Vec::len);
        let Some(marker) = page["NextMarker"].as_str() else { break };
        let body = format!(r#"{{"Limit":1000,"Marker":"{marker}"}}"#);
        pages.push(request(program.address, "ListKeys", &body)?);
    }
    ensure!(listed == count, "{listed} keys are listed");
    let mut figures = [Duration::ZERO; 3];
    for (figure, at) in figures.iter_mut().zip([0, pages.len() / 2, pages.len() - 1]) {
        let times = (0..ASKINGS).map(|_| time(&mut connection, &pages[at]));
        *figure = median(&mut times.collect::<Result<Vec<_>>>()?);
    }
    Ok(figures)
}

fn time(connection: &mut Connection, target: &Target) -> Result<Duration> {
    let begun = Instant::now();
    connection.send(target)?;
    Ok(begun.elapsed())
}

fn median(times: &mut [Duration]) -> Duration {
    times.sort();
    times[times.len() / 2]
}
