//! Many keys: how fast they are made, and how fast one of them is found.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Result, anyhow, bail, ensure};
use strongroom_hsm_client::Cluster;
use strongroom_hsm_proto::command::{Command, FindKeys, Result as Done, Template};

use crate::load::{self, Latencies};
use crate::work::{generate_aes, label};

/// Searches of which the latencies are told.
const SEARCHES: usize = 1_000;

/// Makes keys until there are `most`, and says how fast; then looks for some. Answers how many there are.
pub(crate) fn measure(clients: &mut [Cluster], time: Duration, most: usize) -> Result<usize> {
    let made = AtomicUsize::new(0);
    let next = || made.fetch_add(1, Ordering::Relaxed);
    let generate = || generate_aes(vec![label(&name(next()))]);
    let alone = load::run(&mut clients[..1], time, &generate)?;
    println!("token keys made by 1 client: {alone:.0}/s");
    let (first, begun) = (made.load(Ordering::Relaxed), Instant::now());
    thread::scope(|scope| {
        let fill = |client: &mut Cluster| -> Result<()> {
            while let number = next()
                && number < most
            {
                client.call(generate_aes(vec![label(&name(number))]))?;
            }
            Ok(())
        };
        let filling: Vec<_> = clients.iter_mut().map(|client| scope.spawn(move || fill(client))).collect();
        filling
            .into_iter()
            .try_for_each(|filling| filling.join().map_err(|_| anyhow!("a client panicked"))?)
    })?;
    let together = most.saturating_sub(first) as f64 / begun.elapsed().as_secs_f64();
    println!("token keys made by {} clients: {together:.0}/s, until there were {most}", clients.len());

    let found = Latencies::measure(&mut clients[0], SEARCHES, |number| find(&name(number * 7_919 % most)))?;
    println!("find by label among {most} keys: {found}");
    match clients[0].call(find(&name(most / 2)))?.result {
        Some(Done::Found(found)) => ensure!(found.total == 1, "{} keys have one label", found.total),
        other => bail!("no keys: {other:?}"),
    }
    Ok(most)
}

fn name(number: usize) -> String {
    format!("key {number}")
}

fn find(name: &str) -> Command {
    let filter = Some(Template { attributes: vec![label(name)] });
    Command::FindKeys(FindKeys { filter, after: 0, most: 10 })
}
