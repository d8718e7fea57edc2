//! How long after the end of a window a trail's file is in its bucket.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};

use crate::http::Target;
use crate::load;
use crate::site::{Site, WINDOW_MS};

/// Before the end of a window: for the marker, and for the load to be under way.
const AHEAD_SECONDS: u64 = 3;
/// A file comes within this time, or something is wrong.
const PATIENCE: Duration = Duration::from_mins(2);

/// The lags of some windows.
pub(crate) struct Lags(Vec<Duration>);

impl Lags {
    pub(crate) fn print(&self, name: &str) {
        let mut sorted = self.0.clone();
        sorted.sort();
        let (median, longest) = (sorted[sorted.len() / 2], sorted[sorted.len() - 1]);
        println!("{name:>18}: median {} ms, longest {} ms", median.as_millis(), longest.as_millis());
    }
}

/// Of files with one record, while nothing else happens.
pub(crate) fn alone(site: &Site, windows: usize) -> Result<Lags> {
    (0..windows).map(|_| window(site)).collect::<Result<_>>().map(Lags)
}

/// The same while others are gathered and delivered: what the load makes.
pub(crate) fn under_load(
    site: &Site,
    target: &Target,
    (windows, connections): (usize, usize),
) -> Result<Lags> {
    let mut lags = Vec::new();
    for _ in 0..windows {
        let over = AtomicBool::new(false);
        let lag = thread::scope(|scope| {
            let load = scope.spawn(|| {
                while !over.load(Ordering::Relaxed) {
                    load::run(site.address, target, connections, Duration::from_millis(500))?;
                }
                anyhow::Ok(())
            });
            let lag = window(site);
            over.store(true, Ordering::Relaxed);
            match load.join() {
                Ok(done) => done.and(lag),
                Err(_) => anyhow::bail!("the load ended early"),
            }
        });
        lags.push(lag?);
    }
    Ok(Lags(lags))
}

/// Goes near the end of a window, makes a marker, and waits for its file.
fn window(site: &Site) -> Result<Duration> {
    site.go_to_the_end_of_a_window(AHEAD_SECONDS)?;
    let before = site.marked_files()?;
    site.mark()?;
    let marked_ms = site.now_ms()?;
    let ends_ms = marked_ms - marked_ms.rem_euclid(WINDOW_MS) + WINDOW_MS;
    let begun = Instant::now();
    let left = Duration::from_millis(u64::try_from(ends_ms - marked_ms)?);
    thread::sleep(left);
    while site.marked_files()? == before {
        ensure!(begun.elapsed() < PATIENCE, "no file after {PATIENCE:?}");
        thread::sleep(Duration::from_millis(2));
    }
    Ok(begun.elapsed().saturating_sub(left))
}
