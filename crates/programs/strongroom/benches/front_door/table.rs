//! Measuring in turn.

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::Result;

use crate::http::Target;
use crate::{load, process};

/// How often each is measured.
const RUNS: usize = 3;

/// A server under load.
#[derive(Clone, Copy)]
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    pub(crate) process: u32,
}

/// What is asked of which server.
pub(crate) struct Row {
    pub(crate) server: Server,
    pub(crate) target: Target,
}

/// What came out.
pub(crate) struct Figure {
    /// Answers a second.
    pub(crate) rate: f64,
    /// The processor's time of one request, server and load together, microseconds.
    pub(crate) cost_us: f64,
}

/// Medians of all rows, measured in turn: a machine whose speed drifts treats all alike.
pub(crate) fn measure(rows: &[Row], connections: usize, time: Duration) -> Result<Vec<Figure>> {
    let mut runs: Vec<Vec<Figure>> = rows.iter().map(|_| Vec::new()).collect();
    for _ in 0..RUNS {
        for (row, runs) in rows.iter().zip(&mut runs) {
            runs.push(once(row, connections, time)?);
        }
    }
    let median_of = |runs: &Vec<Figure>| Figure {
        rate: median(runs.iter().map(|run| run.rate).collect()),
        cost_us: median(runs.iter().map(|run| run.cost_us).collect()),
    };
    Ok(runs.iter().map(median_of).collect())
}

fn once(row: &Row, connections: usize, time: Duration) -> Result<Figure> {
    let taken = || {
        Ok::<_, anyhow::Error>(process::time_of(row.server.process)? + process::time_of(std::process::id())?)
    };
    let before = taken()?;
    let load = load::run(row.server.address, &row.target, connections, time)?;
    let cost = taken()?.saturating_sub(before);
    Ok(Figure { rate: load.rate, cost_us: cost.as_secs_f64() * 1e6 / load.answers as f64 })
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
