//! A log group in memory, that remembers what was put under which name, can refuse, and can hang in the middle of a put.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard};

use async_trait::async_trait;
use serde_json::Value;
use strongroom_cloudtrail::{Behalf, DeliveryError, LogEvent, LogGroups, LogPlace, Obstacle};
use tokio::sync::Notify;

use crate::bucket::Hang;

#[derive(Default)]
pub(crate) struct LogGroup {
    state: Mutex<State>,
    /// Tells that a put hangs.
    pub(crate) hanging: Notify,
}

#[derive(Default)]
struct State {
    /// What was put, by stream and name.
    put: BTreeMap<(String, String), Vec<LogEvent>>,
    tried: Vec<(LogPlace, String)>,
    /// How often a put was asked for.
    asked: usize,
    refuses: Option<fn(DeliveryError) -> Obstacle>,
    hangs: Option<Hang>,
}

impl LogGroup {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    pub(crate) fn refuse(&self, with: Option<fn(DeliveryError) -> Obstacle>) {
        self.state().refuses = with;
    }

    pub(crate) fn hang(&self, at: Option<Hang>) {
        self.state().hangs = at;
    }

    /// The ids of the records that a stream has, sorted.
    pub(crate) fn event_ids(&self, stream: &str) -> Vec<String> {
        let mut ids = Vec::new();
        for ((_, _), events) in self.state().put.iter().filter(|((of, _), _)| of == stream) {
            assert!(events.is_sorted_by_key(|event| event.at_ms));
            for event in events {
                let record: Value = serde_json::from_str(&event.message).unwrap();
                ids.push(record["eventID"].as_str().unwrap().to_owned());
            }
        }
        ids.sort();
        ids
    }

    /// Where it was tried whether events may be put.
    pub(crate) fn tried(&self) -> Vec<(LogPlace, String)> {
        self.state().tried.clone()
    }

    /// How often a put was asked for, answered or not.
    pub(crate) fn asked(&self) -> usize {
        self.state().asked
    }

    fn answer(&self) -> Result<(), Obstacle> {
        let error = || DeliveryError { code: "AccessDenied".to_owned(), message: "as asked".to_owned() };
        self.state().refuses.map_or(Ok(()), |obstacle| Err(obstacle(error())))
    }

    async fn hang_at(&self, at: Hang) {
        let hangs = self.state().hangs.take_if(|hang| *hang == at).is_some();
        if hangs {
            self.hanging.notify_one();
            std::future::pending::<()>().await;
        }
    }
}

#[async_trait]
impl LogGroups for LogGroup {
    async fn try_out(&self, _behalf: &Behalf, place: &LogPlace, stream: &str) -> Result<(), Obstacle> {
        self.state().tried.push((place.clone(), stream.to_owned()));
        self.answer()
    }

    async fn put(
        &self,
        _behalf: &Behalf,
        _place: &LogPlace,
        (stream, name): (&str, &str),
        events: Vec<LogEvent>,
    ) -> Result<(), Obstacle> {
        self.state().asked += 1;
        self.answer()?;
        self.hang_at(Hang::Before).await;
        let before = self.state().put.insert((stream.to_owned(), name.to_owned()), events.clone());
        assert!(before.is_none_or(|before| before == events), "a name stands for the same events");
        self.hang_at(Hang::After).await;
        Ok(())
    }
}
