//! Metric filters at work: what events say as they come in, where their text is at hand. It commits with them.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::Logs;
use crate::arriving::Arrival;
use crate::domain::group::Group;
use crate::domain::id::Id;
use crate::domain::metric_filter::{Compiled, MetricFilter, Rule, Said, Seen};
use crate::domain::pattern::Event;
use crate::emitting::Emitted;
use crate::error::Refusal;
use crate::repo::metric_filters;

const MINUTE_MS: i64 = 60_000;
const HOUR_MS: i64 = 60 * MINUTE_MS;

/// Rules that are kept ready.
const MOST_COMPILED: usize = 1_024;

/// Different dimensions that a filter may have within an hour (Logs API Reference, MetricTransformation: CloudWatch Logs
/// disables a filter that has more). Others are not counted until the hour is over.
const MOST_DIMENSIONS: usize = 1_000;

/// Filters whose dimensions are counted.
const MOST_COUNTED: usize = 4_096;

/// What filters are ready, and what they have said.
#[derive(Default)]
pub(crate) struct Filters {
    compiled: Mutex<HashMap<String, Arc<Compiled>>>,
    dimensions: Mutex<HashMap<(Id, String), InHour>>,
}

/// Dimensions of one hour.
struct InHour {
    hour: i64,
    seen: HashSet<Vec<(String, String)>>,
}

/// A filter that is ready.
struct Ready {
    filter: MetricFilter,
    compiled: Arc<Compiled>,
}

/// Namespace, metric, dimensions, unit and minute of samples.
type Place = (String, String, Vec<(String, String)>, String, i64);

/// How many samples, their sum, the smallest and the largest.
type Sum = [f64; 4];

/// Samples by their place.
#[derive(Default)]
struct Sums(BTreeMap<Place, Sum>);

impl Logs {
    /// What events that come into a group say to CloudWatch.
    pub(crate) async fn said_by(
        &self,
        group: &Group,
        events: &Arc<Vec<Arrival>>,
        now_ms: i64,
    ) -> Result<Vec<Emitted>, Refusal> {
        let mut sums = Sums::default();
        sums.incoming(&group.name.name, events, now_ms);
        let filters = metric_filters::of_group(&self.db, &self.mac, group.id).await?;
        let mut ready = Vec::new();
        for filter in filters {
            let compiled = self.filters.ready(&filter.rule)?;
            ready.push(Ready { filter, compiled });
        }
        if !ready.is_empty() {
            let (events, filters) = (events.clone(), self.filters.clone());
            let looked = tokio::task::spawn_blocking(move || {
                for filter in &ready {
                    filters.look(filter, &events, now_ms, &mut sums);
                }
                sums
            });
            sums = looked.await.map_err(|error| Refusal::Internal(error.into()))?;
        }
        Ok(sums.emitted(group))
    }
}

impl Filters {
    fn ready(&self, rule: &Rule) -> Result<Arc<Compiled>, Refusal> {
        let name = serde_json::to_string(rule).map_err(|error| Refusal::Internal(error.into()))?;
        if let Some(known) = lock(&self.compiled).get(&name) {
            return Ok(known.clone());
        }
        let compiled = Arc::new(rule.compile()?);
        let mut all = lock(&self.compiled);
        if all.len() >= MOST_COMPILED {
            all.clear();
        }
        all.insert(name, compiled.clone());
        Ok(compiled)
    }

    /// Has a filter look at events. Blocks a processor.
    fn look(&self, ready: &Ready, events: &[Arrival], now_ms: i64, sums: &mut Sums) {
        let mut minutes: BTreeMap<i64, bool> = BTreeMap::new();
        for event in events {
            let minute = minutes.entry(floor(event.at_ms)).or_default();
            let Some(seen) = ready.compiled.look_at(&Event::new(&event.message)) else { continue };
            *minute = true;
            if let Seen::Says(said) = seen
                && self.has_room(&ready.filter, &said, now_ms)
            {
                sums.say(&ready.filter.rule, said, event.at_ms);
            }
        }
        let Some(default) = ready.compiled.default() else { return };
        for (minute_ms, _) in minutes.into_iter().filter(|(_, fits)| !fits) {
            sums.say(&ready.filter.rule, Said { value: default, dimensions: Vec::new() }, minute_ms);
        }
    }

    /// Whether a filter has not had too many different dimensions in this hour.
    fn has_room(&self, filter: &MetricFilter, said: &Said, now_ms: i64) -> bool {
        if said.dimensions.is_empty() {
            return true;
        }
        let hour = now_ms.div_euclid(HOUR_MS);
        let mut all = lock(&self.dimensions);
        if all.len() >= MOST_COUNTED {
            all.retain(|_, counted| counted.hour == hour);
        }
        if all.len() >= MOST_COUNTED {
            all.clear();
        }
        let counted = all
            .entry((filter.group, filter.name.clone()))
            .or_insert_with(|| InHour { hour, seen: HashSet::new() });
        if counted.hour != hour {
            *counted = InHour { hour, seen: HashSet::new() };
        }
        if counted.seen.contains(&said.dimensions) {
            return true;
        }
        if counted.seen.len() >= MOST_DIMENSIONS {
            return false;
        }
        counted.seen.insert(said.dimensions.clone());
        true
    }
}

impl Sums {
    /// What Logs says of each group (CloudWatch Logs User Guide, "Monitoring with CloudWatch metrics").
    fn incoming(&mut self, group: &str, events: &[Arrival], now_ms: i64) {
        let dimensions = vec![("LogGroupName".to_owned(), group.to_owned())];
        let mut add = |name: &str, unit: &str, value: usize| {
            let place =
                ("AWS/Logs".to_owned(), name.to_owned(), dimensions.clone(), unit.to_owned(), floor(now_ms));
            self.add(place, [1.0, value as f64, value as f64, value as f64]);
        };
        add("IncomingLogEvents", "None", events.len());
        add("IncomingBytes", "Bytes", events.iter().map(|event| event.message.len()).sum());
    }

    fn say(&mut self, rule: &Rule, Said { value, dimensions }: Said, at_ms: i64) {
        let unit = rule.unit.clone().unwrap_or_else(|| "None".to_owned());
        let place = (rule.namespace.clone(), rule.metric.clone(), dimensions, unit, floor(at_ms));
        self.add(place, [1.0, value, value, value]);
    }

    fn add(&mut self, place: Place, [samples, sum, least, most]: Sum) {
        let known = self.0.entry(place).or_insert([0.0, 0.0, f64::INFINITY, f64::NEG_INFINITY]);
        let [all, total, smallest, largest] = *known;
        *known = [all + samples, total + sum, smallest.min(least), largest.max(most)];
    }

    fn emitted(self, group: &Group) -> Vec<Emitted> {
        let one =
            |((namespace, name, dimensions, unit, at_ms), [samples, sum, least, most]): (Place, Sum)| {
                Emitted {
                    account: group.name.account.to_string(),
                    region: group.name.region.to_owned(),
                    namespace,
                    name,
                    dimensions,
                    unit,
                    at_ms,
                    samples,
                    sum,
                    least,
                    most,
                }
            };
        self.0.into_iter().map(one).collect()
    }
}

fn floor(at_ms: i64) -> i64 {
    at_ms.saturating_sub(at_ms.rem_euclid(MINUTE_MS))
}

fn lock<T>(shared: &Mutex<T>) -> MutexGuard<'_, T> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}
