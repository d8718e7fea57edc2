//! The service and what it is made of.

use std::sync::{Arc, OnceLock};

use strongroom_api_sns::Sns;
use strongroom_deriving::{Followed, Follower};
use strongroom_identity::{AccountId, Action, RequestContext};
use strongroom_journal::Reader;
use strongroom_outbox::{OnBehalf, Outbox};
use strongroom_policy::{Authority, Resource, Values};
use strongroom_runtime::{Clocks, Shutdown, Waker};
use strongroom_seal::Root;
use strongroom_store::{Db, RowMac, StoreError};

use crate::directory::Directory;
use crate::domain::alarm::Alarm;
use crate::domain::home::Home;
use crate::domain::metric::Metric;
use crate::domain::statistic::StatisticSet;
use crate::emitted::Counting;
use crate::error::Refusal;
use crate::feeding::Feeder;
use crate::gauges::Gauge;
use crate::quota::{MOST_METRICS, Quota};
use crate::repo::points::{At, Samples};
use crate::watching::Ticks;

/// CloudWatch, as policies and records name it.
const SERVICE_PRINCIPAL: &str = "cloudwatch.amazonaws.com";

/// Requests that compute at the same time: what others need processors for goes on beside them.
const COMPUTING: usize = 2;

/// What CloudWatch is made of.
pub struct Parts<'r> {
    /// The store, for alarms.
    pub db: Db,
    /// The database of points: on SQLite a file of its own, with PostgreSQL the store.
    pub points: Db,
    /// The root of the rows' MACs.
    pub root: &'r Root,
    /// Who decides what callers may do.
    pub authority: Authority,
    /// Where what it does itself is recorded.
    pub outbox: Arc<Outbox>,
    /// What is counted.
    pub journal: Reader,
    /// Domain time.
    pub clocks: Clocks,
    /// Who hears of alarms.
    pub sns: Arc<dyn Sns>,
    /// What is measured every minute.
    pub gauges: Vec<Arc<dyn Gauge>>,
}

/// The CloudWatch service.
pub struct CloudWatch {
    pub(crate) db: Db,
    pub(crate) points: Db,
    pub(crate) mac: RowMac,
    pub(crate) authority: Authority,
    pub(crate) clocks: Clocks,
    pub(crate) sns: Arc<dyn Sns>,
    pub(crate) on_behalf: OnBehalf,
    pub(crate) counting: Arc<Follower<Counting>>,
    pub(crate) gauges: Vec<Arc<dyn Gauge>>,
    pub(crate) directory: Directory,
    pub(crate) ticks: Ticks,
    /// One delivers at a time.
    pub(crate) delivering: tokio::sync::Mutex<()>,
    /// Places for requests that compute.
    pub(crate) computing: Arc<tokio::sync::Semaphore>,
    /// How many metrics an account may have.
    pub(crate) quota: Quota,
    waker: OnceLock<Waker>,
    pub(crate) feeder: OnceLock<Arc<dyn Feeder>>,
}

/// A sample that somebody else has taken: of an AWS service's own metrics, or of what log events say.
#[derive(Clone, Debug, PartialEq)]
pub struct Emission {
    /// Whose metric it is.
    pub account: AccountId,
    /// The Region's name.
    pub region: &'static str,
    /// For example `AWS/SNS`.
    pub namespace: String,
    /// For example `NumberOfMessagesPublished`.
    pub name: String,
    /// Names and values of the dimensions.
    pub dimensions: Vec<(String, String)>,
    /// One of CloudWatch's units, for example `Count`.
    pub unit: &'static str,
    /// When, in milliseconds of domain time.
    pub at_ms: i64,
    /// What was measured.
    pub value: f64,
}

/// While it is held, CloudWatch counts nothing of the journal.
pub struct Quiet<'c> {
    rest: strongroom_deriving::AtRest<'c>,
}

impl CloudWatch {
    /// The service of these parts. What it does by itself begins with [`follow`](Self::follow) and the scheduler.
    pub fn new(parts: Parts<'_>) -> Self {
        let Parts { db, points, root, authority, outbox, journal, clocks, sns, gauges } = parts;
        let mac = RowMac::new(root);
        let on_behalf = OnBehalf::new(SERVICE_PRINCIPAL, outbox, clocks.clone());
        let counting = Arc::new(Follower::new(points.clone(), journal, Arc::new(Counting), root));
        let directory = Directory::new(db.clone(), mac.clone());
        let ticks = Ticks::beginning_at(clocks.domain_now());
        Self {
            db,
            points,
            mac,
            authority,
            clocks,
            sns,
            on_behalf,
            counting,
            gauges,
            directory,
            ticks,
            delivering: tokio::sync::Mutex::default(),
            computing: Arc::new(tokio::sync::Semaphore::new(COMPUTING)),
            quota: Quota::of(MOST_METRICS),
            waker: OnceLock::new(),
            feeder: OnceLock::new(),
        }
    }

    /// Lets an account have so many metrics of its own in a Region: a million, if nothing is said.
    #[must_use]
    pub fn with_most_metrics(mut self, most: u32) -> Self {
        self.quota = Quota::of(most);
        self
    }

    /// Names what is to be told when there is something new to wait for.
    pub fn wake(&self, waker: Waker) {
        // There is one scheduler.
        let _ = self.waker.set(waker);
    }

    pub(crate) fn tell_scheduler(&self) {
        if let Some(waker) = self.waker.get() {
            waker.wake();
        }
    }

    /// Counts what is written into the journal, until the shutdown begins.
    pub async fn follow(self: Arc<Self>, shutdown: Shutdown) {
        self.counting.clone().follow(shutdown).await;
    }

    /// How far the journal has been counted: retention must not drop what has not been.
    pub fn counting(&self) -> Arc<dyn Followed> {
        self.counting.clone()
    }

    /// Keeps samples of others.
    pub async fn emit(&self, emissions: &[Emission]) -> Result<(), StoreError> {
        let samples = &samples_of(emissions);
        if samples.is_empty() {
            return Ok(());
        }
        self.points.transaction(|tx| Box::pin(async move { samples.write(tx).await })).await
    }

    /// Waits for what is being counted, and keeps from counting more.
    pub async fn quiet(&self) -> Quiet<'_> {
        Quiet { rest: self.counting.rest().await }
    }

    /// Forgets all metrics, before the store is emptied. Where the points are in the store, they go with it.
    pub async fn forget_metrics(&self, _quiet: &Quiet<'_>) -> Result<(), StoreError> {
        self.points.clear(&[]).await
    }

    /// Goes on with what `journal` shows, after the store has been emptied.
    pub fn start_over(&self, quiet: Quiet<'_>, journal: Reader) {
        self.counting.start_over(quiet.rest, journal);
        self.directory.forget();
        self.ticks.begin_at(self.clocks.domain_now());
    }

    /// Permission to do `A` to what is about no alarm.
    pub(crate) fn permit<A: Action>(&self, context: &RequestContext) -> Result<(), Refusal> {
        let everything = strongroom_policy::Everything(context.account());
        Ok(self.authority.authorize::<A, _>(context, everything).map(drop)?)
    }

    /// Permission to do `A` to the alarm of that name, there or not.
    pub(crate) fn permit_alarm<A: Action>(
        &self,
        context: &RequestContext,
        name: &str,
        alarm: Option<&Alarm>,
    ) -> Result<(), Refusal> {
        let home = Home::of(context);
        let protected = Protected { home, name, alarm };
        Ok(self.authority.authorize::<A, _>(context, protected).map(drop)?)
    }
}

/// The samples that emissions are.
pub(crate) fn samples_of(emissions: &[Emission]) -> Samples {
    let mut samples = Samples::default();
    for emission in emissions {
        let home = Home { account: emission.account, region: emission.region };
        let names = (emission.namespace.clone(), emission.name.clone());
        let metric = Metric::with(names.0, names.1, emission.dimensions.clone());
        let at = At { ms: emission.at_ms, unit: emission.unit, is_fine: false };
        if emission.value.is_finite() {
            samples.add(home, &metric, at, &StatisticSet::of(emission.value, 1.0));
        }
    }
    samples
}

/// An alarm as policies see it.
struct Protected<'a> {
    home: Home,
    name: &'a str,
    alarm: Option<&'a Alarm>,
}

impl Resource for Protected<'_> {
    fn owner(&self) -> AccountId {
        self.home.account
    }

    fn arn(&self) -> String {
        self.home.alarm_arn(self.name)
    }

    fn serves_others(&self, _action: &str) -> bool {
        false
    }

    fn condition_key(&self, key: &str, _context: &RequestContext) -> Option<Values<'_>> {
        let tag = key.strip_prefix("aws:resourcetag/")?;
        let tags = &self.alarm?.body.tags;
        let found: Vec<&str> = tags
            .iter()
            .filter(|(name, _)| name.eq_ignore_ascii_case(tag))
            .map(|(_, value)| value.as_str())
            .collect();
        (!found.is_empty()).then(|| Values::texts(found))
    }
}
