//! An agenda in memory that writes down what was done.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use strongroom_runtime::{Agenda, BoxError, Due, TimeSource};
use tokio::sync::Semaphore;
use tokio::time::Instant;

/// Real time that passes as tokio's does, which tests stop and move.
pub(crate) struct PassingTime(pub(crate) Instant);

impl TimeSource for PassingTime {
    fn now_ms(&self) -> i64 {
        self.0.elapsed().as_millis() as i64
    }
}

/// What was done, by all agendas of a test.
#[derive(Clone, Default)]
pub(crate) struct Log(Arc<Mutex<Vec<(Instant, String)>>>);

impl Log {
    /// What was done since the last time this was asked.
    pub(crate) fn take(&self) -> Vec<String> {
        std::mem::take(&mut *self.0.lock().unwrap()).into_iter().map(|(_, line)| line).collect()
    }

    /// When things were done, in milliseconds of tokio's time since `start`.
    pub(crate) fn times(&self, start: Instant) -> Vec<u128> {
        self.0.lock().unwrap().iter().map(|(at, _)| at.duration_since(start).as_millis()).collect()
    }

    fn add(&self, line: String) {
        self.0.lock().unwrap().push((Instant::now(), line));
    }
}

/// What an item does when it is run.
#[derive(Clone)]
pub(crate) enum Deed {
    /// Nothing more.
    Once,
    /// Comes again after so many milliseconds.
    Every(i64),
    /// Fails.
    Fail,
    /// Says that it is done and stays on the agenda.
    Stay,
    /// Says when it begins, and is done when it gets a permit.
    Wait(Arc<Semaphore>),
}

pub(crate) struct Diary {
    name: &'static str,
    log: Log,
    items: Mutex<BTreeMap<Due, Deed>>,
    unreadable: Mutex<bool>,
    most_asked: Mutex<BTreeSet<u32>>,
}

impl Diary {
    pub(crate) fn new(name: &'static str, log: &Log) -> Arc<Self> {
        Arc::new(Self {
            name,
            log: log.clone(),
            items: Mutex::default(),
            unreadable: Mutex::default(),
            most_asked: Mutex::default(),
        })
    }

    pub(crate) fn add(&self, at_ms: i64, id: &str, deed: Deed) {
        self.items.lock().unwrap().insert(Due { at_ms, id: id.to_owned() }, deed);
    }

    pub(crate) fn set_unreadable(&self, unreadable: bool) {
        *self.unreadable.lock().unwrap() = unreadable;
    }

    /// The greatest number of items that were asked for at once.
    pub(crate) fn most_asked(&self) -> u32 {
        self.most_asked.lock().unwrap().last().copied().unwrap_or_default()
    }
}

#[async_trait]
impl Agenda for Diary {
    fn name(&self) -> &'static str {
        self.name
    }

    async fn first(&self, most: u32) -> Result<Vec<Due>, BoxError> {
        if *self.unreadable.lock().unwrap() {
            self.log.add(format!("{} unreadable", self.name));
            return Err("the diary is locked".into());
        }
        self.most_asked.lock().unwrap().insert(most);
        Ok(self.items.lock().unwrap().keys().take(most as usize).cloned().collect())
    }

    async fn run(&self, item: &Due) -> Result<(), BoxError> {
        let Some(deed) = self.items.lock().unwrap().get(item).cloned() else { return Ok(()) };
        self.log.add(format!("{} {}@{}", self.name, item.id, item.at_ms));
        match &deed {
            Deed::Fail => return Err("no ink".into()),
            Deed::Stay => return Ok(()),
            Deed::Wait(permits) => {
                permits.acquire().await?.forget();
                self.log.add(format!("{} {} finished", self.name, item.id));
            }
            Deed::Once | Deed::Every(_) => {}
        }
        let mut items = self.items.lock().unwrap();
        items.remove(item);
        if let Deed::Every(period) = deed {
            items.insert(Due { at_ms: item.at_ms + period, ..item.clone() }, deed);
        }
        Ok(())
    }
}
