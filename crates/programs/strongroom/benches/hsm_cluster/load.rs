//! Clients that ask for the same again and again, and how long it takes.

use std::fmt;
use std::sync::Barrier;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, anyhow};
use strongroom_hsm_client::{Cluster, Credentials, Options, Pool};
use strongroom_hsm_proto::command::Command;
use strongroom_runtime::{Clocks, ShutdownOwner};
use tokio::runtime::Runtime;

/// Has all clients ask for `time`, each for one thing after the other; answers per second.
pub(crate) fn run(
    clients: &mut [Cluster],
    time: Duration,
    command: &(dyn Fn() -> Command + Sync),
) -> Result<f64> {
    let ready = Barrier::new(clients.len());
    let begun = Instant::now();
    let answered = thread::scope(|scope| {
        let ask = |client| ask(client, time, &ready, command);
        let asking: Vec<_> = clients.iter_mut().map(|client| scope.spawn(move || ask(client))).collect();
        let answered =
            asking.into_iter().map(|asking| asking.join().map_err(|_| anyhow!("a client panicked"))?);
        answered.sum::<Result<u64>>()
    })?;
    Ok(answered as f64 / begun.elapsed().as_secs_f64())
}

fn ask(
    client: &mut Cluster,
    time: Duration,
    ready: &Barrier,
    command: &(dyn Fn() -> Command + Sync),
) -> Result<u64> {
    ready.wait();
    let begun = Instant::now();
    let mut answered = 0;
    while begun.elapsed() < time {
        client.call(command())?;
        answered += 1;
    }
    Ok(answered)
}

/// One client that has many calls under way.
pub(crate) struct Pooled {
    pool: Pool,
    runtime: Runtime,
    _shutdown: ShutdownOwner,
}

impl Pooled {
    pub(crate) fn connect(options: Options, credentials: Credentials) -> Result<Self> {
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
        let shutdown = ShutdownOwner::new();
        let pool = runtime.block_on(async {
            let pool = Pool::new(options, Some(credentials), Clocks::system(), shutdown.handle())?;
            pool.connect().await?;
            anyhow::Ok(pool)
        })?;
        Ok(Self { pool, runtime, _shutdown: shutdown })
    }

    /// Asks for `time`, so many calls at a time; answers per second.
    pub(crate) fn run(
        &self,
        calls: usize,
        time: Duration,
        command: impl Fn() -> Command + Copy + Send + Sync + 'static,
    ) -> Result<f64> {
        let begun = Instant::now();
        let asking: Vec<_> = (0..calls)
            .map(|_| {
                let pool = self.pool.clone();
                self.runtime.spawn(async move {
                    let mut answered = 0_u64;
                    while begun.elapsed() < time {
                        pool.call(command()).await?;
                        answered += 1;
                    }
                    anyhow::Ok(answered)
                })
            })
            .collect();
        let mut answered = 0;
        for asking in asking {
            answered += self.runtime.block_on(asking)??;
        }
        Ok(answered as f64 / begun.elapsed().as_secs_f64())
    }
}

/// How long single calls take.
pub(crate) struct Latencies {
    median: Duration,
    p99: Duration,
}

impl Latencies {
    /// Asks so many times on one client.
    pub(crate) fn measure(
        client: &mut Cluster,
        calls: usize,
        mut command: impl FnMut(usize) -> Command,
    ) -> Result<Self> {
        let mut times = Vec::with_capacity(calls);
        for number in 0..calls {
            let command = command(number);
            let begun = Instant::now();
            client.call(command).context("a single call")?;
            times.push(begun.elapsed());
        }
        times.sort();
        Ok(Self { median: times[times.len() / 2], p99: times[times.len() * 99 / 100] })
    }
}

impl fmt::Display for Latencies {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "median {:.0?}, p99 {:.0?}", self.median, self.p99)
    }
}
