//! Metric filters at work: what events say as they come in, where their text is at hand. It commits with them.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::hash::{BuildHasher, RandomState};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::Logs;
use crate::arriving::Arrival;
use crate::domain::group::Group;
use crate::domain::id::Id;
use crate::domain::metric_filter::{Compiled, MetricFilter, Rule, Said, Seen};
use crate::domain::pattern::{Event, Spent, Work};
use crate::emitting::Emitted;
use crate::error::Refusal;
use crate::repo::filter_minutes::FilterMinute;
use crate::repo::metric_filters;

const MINUTE_MS: i64 = 60_000;
const HOUR_MS: i64 = 60 * MINUTE_MS;

/// Rules that are kept ready.
const MOST_COMPILED: usize = 1_024;

/// Different dimensions that a filter may have within an hour (Logs API Reference, MetricTransformation: CloudWatch Logs
/// disables a filter that has more). Others are not counted until the hour is over. Each server counts those that it has
/// seen, also of calls that come to nothing.
const MOST_DIMENSIONS: usize = 1_000;

/// What the events of one batch may say: bytes of names and dimensions, and what the numbers of each place count as. Five
/// filters have room for each minute of a day.
const MOST_SAID: usize = 4 << 20;
const A_PLACE: usize = 200;

/// Filters whose dimensions are counted.
const MOST_COUNTED: usize = 4_096;

/// What filters are ready, and what they have said.
#[derive(Default)]
pub(crate) struct Filters {
    compiled: Mutex<HashMap<String, Arc<Compiled>>>,
    dimensions: Mutex<HashMap<(Id, String), InHour>>,
    /// What dimensions are told apart by.
    hasher: RandomState,
}

/// Dimensions of one hour, by their hashes.
struct InHour {
    hour: i64,
    seen: HashSet<u64>,
}

/// A filter that is ready.
struct Ready {
    filter: MetricFilter,
    compiled: Arc<Compiled>,
}

/// A filter that looks at a batch of events.
struct Looking {
    ready: Ready,
    work: Work,
    /// The minutes of the events, and whether any of a minute fits.
    minutes: BTreeMap<i64, bool>,
}

/// Namespace, metric, dimensions, unit and minute of samples.
type Place = (String, String, Vec<(String, String)>, String, i64);

/// How many samples, their sum, the smallest and the largest.
type Sum = [f64; 4];

/// Samples by their place.
#[derive(Default)]
struct Sums {
    by_place: BTreeMap<Place, Sum>,
    /// What the places count as.
    size: usize,
}

/// There is no room for another place.
struct Full;

/// What events say to CloudWatch.
#[derive(Debug, Default)]
pub(crate) struct Spoken {
    pub(crate) said: Vec<Emitted>,
    /// Minutes of filters with a default value, which is said once for a minute in which nothing has fitted so far.
    pub(crate) minutes: Vec<FilterMinute>,
}

/// What came of filters that looked at events.
struct Looked {
    /// Those that have not said all that they would.
    cut: BTreeSet<String>,
    /// The minutes of those with a default value.
    minutes: Vec<OfMinute>,
}

/// A minute of which a filter with a default value has looked at events.
struct OfMinute {
    /// What the filter's minutes are noted under.
    filter: String,
    at_ms: i64,
    /// What the default would say; nothing where an event fits.
    default: Option<(Place, Sum)>,
}

impl Logs {
    /// What events that come into a group say to CloudWatch.
    pub(crate) async fn said_by(
        &self,
        group: &Group,
        events: &Arc<Vec<Arrival>>,
        now_ms: i64,
    ) -> Result<Spoken, Refusal> {
        let mut sums = Sums::default();
        sums.incoming(&group.name.name, events, now_ms);
        let filters = metric_filters::of_group(&self.db, &self.mac, group.id).await?;
        let mut ready = Vec::new();
        for filter in filters.into_iter().filter(|filter| !filter.rule.is_reserved()) {
            let compiled = self.filters.ready(&filter.rule)?;
            ready.push(Ready { filter, compiled });
        }
        let mut minutes = Vec::new();
        if !ready.is_empty() {
            let (events, filters) = (events.clone(), self.filters.clone());
            let looked = tokio::task::spawn_blocking(move || {
                let Looked { cut, minutes } = filters.look(ready, &events, now_ms, &mut sums);
                (sums, cut, minutes)
            });
            let cut;
            (sums, cut, minutes) = looked.await.map_err(|error| Refusal::Internal(error.into()))?;
            if !cut.is_empty() {
                let group = &group.name.name;
                tracing::warn!(group, filters = ?cut, "metric filters say less than they would of very many or very long events");
            }
        }
        let minutes = minutes.into_iter().map(|OfMinute { filter, at_ms, default }| FilterMinute {
            filter,
            at_ms,
            default: default.map(|said| emitted(group, said)),
        });
        Ok(Spoken { minutes: minutes.collect(), said: sums.emitted(group) })
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

    /// Has filters look at events. Blocks a processor.
    fn look(&self, ready: Vec<Ready>, events: &[Arrival], now_ms: i64, sums: &mut Sums) -> Looked {
        let looking = |ready: Ready| Looking { work: ready.compiled.work(), ready, minutes: BTreeMap::new() };
        let mut all: Vec<_> = ready.into_iter().map(looking).collect();
        let (mut cut, mut looked_at) = (BTreeSet::new(), Vec::new());
        for arrival in events {
            let event = Event::new(&arrival.message);
            for one in &mut all {
                let Ok(said) = one.look_at(&event, arrival.at_ms) else { continue };
                let Ready { filter, .. } = &one.ready;
                if let Some(said) = said
                    && self.has_room(filter, &said, now_ms)
                    && sums.say(&filter.rule, said, arrival.at_ms).is_err()
                {
                    cut.insert(filter.name.clone());
                }
            }
        }
        for Looking { ready: Ready { filter, compiled }, work, minutes } in all {
            if work.is_spent() {
                cut.insert(filter.name.clone());
            }
            let Some(default) = compiled.default() else { continue };
            // Whether nothing fits in a minute is not known of a filter that has not looked at all events.
            for (at_ms, fits) in minutes.into_iter().filter(|(_, fits)| *fits || !work.is_spent()) {
                let said = Said { value: default, dimensions: Vec::new() };
                let default = (!fits).then(|| said_at(&filter.rule, said, at_ms));
                if sums.make_room(default.as_ref().map(|(place, _)| place)).is_ok() {
                    looked_at.push(OfMinute { filter: filter.noted_under.clone(), at_ms, default });
                } else {
                    cut.insert(filter.name.clone());
                }
            }
        }
        Looked { cut, minutes: looked_at }
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
        let hash = self.hasher.hash_one(&said.dimensions);
        if counted.seen.len() >= MOST_DIMENSIONS {
            return counted.seen.contains(&hash);
        }
        counted.seen.insert(hash);
        true
    }
}

impl Looking {
    /// What an event says, if it fits and says something. Once the filter's work is spent it looks at no other.
    fn look_at(&mut self, event: &Event<'_>, at_ms: i64) -> Result<Option<Said>, Spent> {
        if self.work.is_spent() {
            return Err(Spent);
        }
        let seen = self.ready.compiled.look_at(event, &mut self.work)?;
        let fits = self.minutes.entry(floor(at_ms)).or_default();
        *fits |= seen.is_some();
        Ok(match seen {
            Some(Seen::Says(said)) => Some(said),
            Some(Seen::SaysNothing) | None => None,
        })
    }
}

impl Sums {
    /// What Logs says of each group (CloudWatch Logs User Guide, "Monitoring with CloudWatch metrics").
    fn incoming(&mut self, group: &str, events: &[Arrival], now_ms: i64) {
        let dimensions = vec![("LogGroupName".to_owned(), group.to_owned())];
        let mut add = |name: &str, unit: &str, value: usize| {
            let place =
                ("AWS/Logs".to_owned(), name.to_owned(), dimensions.clone(), unit.to_owned(), floor(now_ms));
            // These are the first: there is room.
            let _ = self.add(place, [1.0, value as f64, value as f64, value as f64]);
        };
        add("IncomingLogEvents", "None", events.len());
        add("IncomingBytes", "Bytes", events.iter().map(|event| event.message.len()).sum());
    }

    fn say(&mut self, rule: &Rule, said: Said, at_ms: i64) -> Result<(), Full> {
        let (place, sum) = said_at(rule, said, at_ms);
        self.add(place, sum)
    }

    /// Counts what may be said beside: a place, or that nothing is.
    fn make_room(&mut self, place: Option<&Place>) -> Result<(), Full> {
        let size = self.size.saturating_add(place.map_or(A_PLACE, size));
        if size > MOST_SAID {
            return Err(Full);
        }
        self.size = size;
        Ok(())
    }

    fn add(&mut self, place: Place, added: Sum) -> Result<(), Full> {
        if let Some(known) = self.by_place.get_mut(&place) {
            let ([all, total, smallest, largest], [samples, sum, least, most]) = (*known, added);
            *known = [all + samples, total + sum, smallest.min(least), largest.max(most)];
            return Ok(());
        }
        let size = self.size.saturating_add(size(&place));
        if size > MOST_SAID {
            return Err(Full);
        }
        self.size = size;
        self.by_place.insert(place, added);
        Ok(())
    }

    fn emitted(self, group: &Group) -> Vec<Emitted> {
        self.by_place.into_iter().map(|said| emitted(group, said)).collect()
    }
}

/// What a filter says, and where.
fn said_at(rule: &Rule, Said { value, dimensions }: Said, at_ms: i64) -> (Place, Sum) {
    let unit = rule.unit.clone().unwrap_or_else(|| "None".to_owned());
    let place = (rule.namespace.clone(), rule.metric.clone(), dimensions, unit, floor(at_ms));
    (place, [1.0, value, value, value])
}

fn emitted(group: &Group, (place, [samples, sum, least, most]): (Place, Sum)) -> Emitted {
    let (namespace, name, dimensions, unit, at_ms) = place;
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
}

fn size((namespace, name, dimensions, unit, _): &Place) -> usize {
    let of_dimensions: usize = dimensions.iter().map(|(name, value)| name.len() + value.len()).sum();
    A_PLACE + namespace.len() + name.len() + unit.len() + of_dimensions
}

fn floor(at_ms: i64) -> i64 {
    at_ms.saturating_sub(at_ms.rem_euclid(MINUTE_MS))
}

fn lock<T>(shared: &Mutex<T>) -> MutexGuard<'_, T> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}
