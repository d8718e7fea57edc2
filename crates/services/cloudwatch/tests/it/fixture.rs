//! CloudWatch over a database, with a clock that is moved and a topic that is listened to.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use strongroom_api_cloudwatch::{self as api, CloudWatch as _};
use strongroom_api_sns::{PublishInput, PublishResponse, Sns, errors};
use strongroom_cloudwatch::{CloudWatch, Gauge, METRIC_MIGRATIONS, MIGRATIONS, Parts};
use strongroom_crypto::random;
use strongroom_identity::{
    AccountId, Caller, Entity, Permissions, Principal, RecordDraft, Region, RequestContext, RequestId,
};
use strongroom_journal::{EventId, EventType, Journal, JournalOptions, Record, Resource};
use strongroom_outbox::Outbox;
use strongroom_policy::document::{Document, Kind as DocumentKind};
use strongroom_policy::{Authority, CallerPolicies, Policy};
use strongroom_runtime::{Clocks, ManualTime, Scheduler};
use strongroom_schema::Timestamp;
use strongroom_seal::{Purpose, Root};
use strongroom_secret::Key256;
use strongroom_service::ApiError;
use strongroom_store::{Db, OpenOptions, RowMac};
use strongroom_testkit::TestDatabase;
use tempfile::TempDir;

pub(crate) const ACCOUNT: &str = "111122223333";
pub(crate) const REGION: &str = "us-east-1";
pub(crate) const TOPIC: &str = "arn:aws:sns:us-east-1:111122223333:alarms";
pub(crate) const KEY: &str = "arn:aws:kms:us-east-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab";
pub(crate) const KEY_ID: &str = "1234abcd-12ab-34cd-56ef-1234567890ab";

pub(crate) const SECOND: i64 = 1_000;
pub(crate) const MINUTE: i64 = 60 * SECOND;
pub(crate) const HOUR: i64 = 60 * MINUTE;
pub(crate) const DAY: i64 = 24 * HOUR;

/// When everything begins: 22 July 2022, 15:00:00 UTC.
pub(crate) const START: i64 = 1_658_502_000_000;

/// The seal.
fn root() -> Root {
    Root::from_key(Key256::new([7; 32])).unwrap()
}

pub(crate) async fn open(database: &TestDatabase) -> Db {
    let db = Db::open(database.url(), &OpenOptions::default()).await.unwrap();
    db.migrate(&[MIGRATIONS, METRIC_MIGRATIONS, strongroom_deriving::MIGRATIONS]).await.unwrap();
    db
}

/// What was published, and what answers it.
#[derive(Default)]
pub(crate) struct Topics {
    pub(crate) published: Mutex<Vec<PublishInput>>,
    pub(crate) about: Mutex<Vec<Option<String>>>,
    pub(crate) refusal: Mutex<Option<ApiError>>,
}

#[async_trait]
impl Sns for Topics {
    async fn publish(
        &self,
        context: &RequestContext,
        input: PublishInput,
    ) -> Result<PublishResponse, ApiError> {
        if let Some(refusal) = &*self.refusal.lock().unwrap() {
            return Err(refusal.clone());
        }
        self.about.lock().unwrap().push(context.acts_about().map(str::to_owned));
        self.published.lock().unwrap().push(input);
        Ok(PublishResponse::default())
    }
}

impl Topics {
    /// The subjects of what was published since this was last asked.
    pub(crate) fn subjects(&self) -> Vec<String> {
        self.take().into_iter().map(|input| input.subject.unwrap()).collect()
    }

    pub(crate) fn take(&self) -> Vec<PublishInput> {
        std::mem::take(&mut self.published.lock().unwrap())
    }

    pub(crate) fn refuse(&self, refusal: Option<ApiError>) {
        *self.refusal.lock().unwrap() = refusal;
    }
}

pub(crate) fn not_authorized() -> ApiError {
    ApiError::modelled(&errors::AUTHORIZATION_ERROR_EXCEPTION, "no")
}

/// CloudWatch and what is around it.
pub(crate) struct Lab {
    pub(crate) cloudwatch: Arc<CloudWatch>,
    pub(crate) db: Db,
    pub(crate) topics: Arc<Topics>,
    pub(crate) journal: Arc<Journal>,
    pub(crate) clocks: Clocks,
    time: Arc<ManualTime>,
    scheduler: Scheduler,
    _folder: TempDir,
}

impl Lab {
    pub(crate) async fn new(database: &TestDatabase) -> Self {
        Self::with_gauges(database, Vec::new()).await
    }

    pub(crate) async fn with_gauges(database: &TestDatabase, gauges: Vec<Arc<dyn Gauge>>) -> Self {
        let db = open(database).await;
        let folder = tempfile::tempdir().unwrap();
        let time = Arc::new(ManualTime::at(START));
        let clocks = Clocks::new(time.clone(), 0);
        let options = JournalOptions::default();
        let (_, key) = root().current_subkey(Purpose::JournalMac).unwrap();
        let opened = Journal::open(folder.path(), &options, &key, "node", START).unwrap();
        let (journal, topics) = (Arc::new(opened.journal), Arc::new(Topics::default()));
        let cloudwatch = server(&db, &journal, &clocks, &topics, gauges);
        let scheduler = Scheduler::new(clocks.clone(), vec![cloudwatch.clone()]);
        Self { cloudwatch, db, topics, journal, clocks, time, scheduler, _folder: folder }
    }

    /// Lets an account have so many metrics of its own at most.
    pub(crate) fn with_most_metrics(self, most: u32) -> Self {
        let root = root();
        let one = parts_of(&self.db, &self.journal, &self.clocks, &self.topics, Vec::new(), &root);
        let cloudwatch = Arc::new(CloudWatch::new(one).with_most_metrics(most));
        Self { cloudwatch, ..self }
    }

    /// Another server on the same store and journal.
    pub(crate) fn another(&self) -> Arc<CloudWatch> {
        server(&self.db, &self.journal, &self.clocks, &self.topics, Vec::new())
    }

    pub(crate) fn now(&self) -> i64 {
        self.clocks.domain_now()
    }

    /// Moves the clock, and does what becomes due.
    pub(crate) async fn pass(&self, millis: i64) {
        self.time.set(self.now() + millis);
        assert!(self.scheduler.settle(Duration::from_mins(1)).await);
    }

    /// Moves the clock, and nothing is done.
    pub(crate) fn wait(&self, millis: i64) {
        self.time.set(self.now() + millis);
    }

    pub(crate) fn root(&self) -> Client {
        Client {
            cloudwatch: self.cloudwatch.clone(),
            clocks: self.clocks.clone(),
            ..Client::of(self, ACCOUNT)
        }
    }

    pub(crate) fn of_account(&self, account: &str) -> Client {
        Client::of(self, account)
    }

    /// Records successful calls of KMS on a key.
    pub(crate) async fn use_key(&self, operation: &str, times: usize) {
        for _ in 0..times {
            self.journal.append(&self.key_record(operation)).await.unwrap();
        }
    }

    pub(crate) fn key_record(&self, operation: &str) -> Record {
        let key = Resource {
            account_id: Some(ACCOUNT.to_owned()),
            kind: Some("AWS::KMS::Key".to_owned()),
            arn: KEY.to_owned(),
        };
        Record {
            event_id: EventId(random::bytes().unwrap()),
            event_time_ms: self.now(),
            event_source: "kms.amazonaws.com".to_owned(),
            event_name: operation.to_owned(),
            aws_region: REGION.to_owned(),
            account_id: ACCOUNT.to_owned(),
            resources: Some(vec![key]),
            event_type: EventType::AwsApiCall,
            management: true,
            ..Record::default()
        }
    }
}

fn server(
    db: &Db,
    journal: &Arc<Journal>,
    clocks: &Clocks,
    topics: &Arc<Topics>,
    gauges: Vec<Arc<dyn Gauge>>,
) -> Arc<CloudWatch> {
    Arc::new(CloudWatch::new(parts_of(db, journal, clocks, topics, gauges, &root())))
}

fn parts_of<'r>(
    db: &Db,
    journal: &Arc<Journal>,
    clocks: &Clocks,
    topics: &Arc<Topics>,
    gauges: Vec<Arc<dyn Gauge>>,
    root: &'r Root,
) -> Parts<'r> {
    let outbox = Outbox::new(db.clone(), RowMac::new(root), journal.clone());
    Parts {
        db: db.clone(),
        points: db.clone(),
        root,
        authority: Authority::new(),
        outbox: Arc::new(outbox),
        journal: journal.reader(),
        clocks: clocks.clone(),
        sns: topics.clone(),
        gauges,
    }
}

/// Who calls.
#[derive(Clone)]
pub(crate) struct Client {
    pub(crate) cloudwatch: Arc<CloudWatch>,
    clocks: Clocks,
    account: AccountId,
    policies: Option<Arc<CallerPolicies>>,
}

impl Client {
    fn of(lab: &Lab, account: &str) -> Self {
        let (cloudwatch, clocks) = (lab.cloudwatch.clone(), lab.clocks.clone());
        Self { cloudwatch, clocks, account: account.parse().unwrap(), policies: None }
    }

    /// A user with a policy of these statements.
    pub(crate) fn as_user(&self, statements: &str) -> Self {
        let text = format!(r#"{{"Version":"2012-10-17","Statement":[{statements}]}}"#);
        let document = Document::parse(&text, DocumentKind::Identity).unwrap();
        let identity = vec![Arc::new(Policy::new("p", &document))];
        let policies = CallerPolicies { identity, ..CallerPolicies::default() };
        Self { policies: Some(Arc::new(policies)), ..self.clone() }
    }

    pub(crate) fn context(&self) -> RequestContext {
        let principal = match &self.policies {
            None => Principal::Root(self.account),
            Some(_) => Principal::User(Entity {
                account: self.account,
                path: "/".to_owned(),
                name: "a".to_owned(),
                id: "AIDACKCEVSQ6C2EXAMPLE".to_owned(),
            }),
        };
        let permissions = match &self.policies {
            Some(policies) => Permissions::new(policies.clone()),
            None => Permissions::none(),
        };
        let caller = Caller { permissions, ..Caller::new(principal, self.account.to_string()) };
        RequestContext::new(
            RequestId::from_random([5; 16]),
            caller,
            Region::named(REGION).unwrap(),
            self.clocks.domain_now(),
            IpAddr::V4(Ipv4Addr::LOCALHOST),
            "tests".to_owned(),
            None,
        )
    }

    /// A context with the draft of a record, as calls that change something have it.
    pub(crate) fn changing(&self) -> RequestContext {
        let event_id = random::bytes().unwrap();
        self.context().with_draft(RecordDraft { event_id, bytes: b"a draft".to_vec(), mark: None })
    }

    pub(crate) async fn put(&self, input: api::PutMetricAlarmInput) -> Result<(), ApiError> {
        self.cloudwatch.put_metric_alarm(&self.changing(), input).await.map(drop)
    }

    pub(crate) async fn compose(&self, input: api::PutCompositeAlarmInput) -> Result<(), ApiError> {
        self.cloudwatch.put_composite_alarm(&self.changing(), input).await.map(drop)
    }

    pub(crate) async fn delete(&self, names: &[&str]) -> Result<(), ApiError> {
        let alarm_names = names.iter().map(|name| (*name).to_owned()).collect();
        let input = api::DeleteAlarmsInput { alarm_names };
        self.cloudwatch.delete_alarms(&self.changing(), input).await.map(drop)
    }

    pub(crate) async fn set_state(&self, name: &str, state: &str) -> Result<(), ApiError> {
        let input = api::SetAlarmStateInput {
            alarm_name: name.to_owned(),
            state_value: api::StateValue::from(state),
            state_reason: "a rehearsal".to_owned(),
            state_reason_data: None,
        };
        self.cloudwatch.set_alarm_state(&self.changing(), input).await.map(drop)
    }

    /// The metric alarm of that name.
    pub(crate) async fn alarm(&self, name: &str) -> api::MetricAlarm {
        let input =
            api::DescribeAlarmsInput { alarm_names: Some(vec![name.to_owned()]), ..Default::default() };
        let found = self.cloudwatch.describe_alarms(&self.context(), input).await.unwrap();
        found.metric_alarms.unwrap().remove(0)
    }

    pub(crate) async fn composite(&self, name: &str) -> api::CompositeAlarm {
        let input = api::DescribeAlarmsInput {
            alarm_names: Some(vec![name.to_owned()]),
            alarm_types: Some(vec![api::AlarmType::from("CompositeAlarm")]),
            ..Default::default()
        };
        let found = self.cloudwatch.describe_alarms(&self.context(), input).await.unwrap();
        found.composite_alarms.unwrap().remove(0)
    }

    /// The state of a metric alarm.
    pub(crate) async fn state(&self, name: &str) -> String {
        self.alarm(name).await.state_value.unwrap().as_str().to_owned()
    }

    pub(crate) async fn composite_state(&self, name: &str) -> String {
        self.composite(name).await.state_value.unwrap().as_str().to_owned()
    }

    /// The history of an alarm, oldest first: kinds and summaries.
    pub(crate) async fn history(&self, name: &str) -> Vec<String> {
        self.items(name).await.into_iter().map(|item| item.history_summary.unwrap()).collect()
    }

    pub(crate) async fn items(&self, name: &str) -> Vec<api::AlarmHistoryItem> {
        let input = api::DescribeAlarmHistoryInput {
            alarm_name: Some(name.to_owned()),
            scan_by: Some(api::ScanBy::TimestampAscending),
            ..Default::default()
        };
        let found = self.cloudwatch.describe_alarm_history(&self.context(), input).await.unwrap();
        found.alarm_history_items.unwrap()
    }

    /// Puts values of the metric `Shop` `Orders`, at moments.
    pub(crate) async fn data(&self, values: &[(i64, f64)]) {
        let data = values.iter().map(|(at_ms, value)| api::MetricDatum {
            metric_name: "Orders".to_owned(),
            timestamp: Some(Timestamp::from_millis(*at_ms)),
            value: Some(*value),
            ..Default::default()
        });
        let input = api::PutMetricDataInput {
            namespace: "Shop".to_owned(),
            metric_data: Some(data.collect()),
            ..Default::default()
        };
        self.cloudwatch.put_metric_data(&self.changing(), input).await.unwrap();
    }

    /// Sums of a metric by periods of a stretch, by when they begin.
    pub(crate) async fn sums(
        &self,
        (namespace, name): (&str, &str),
        dimensions: &[(&str, &str)],
        (from_ms, until_ms): (i64, i64),
        period: i32,
    ) -> Vec<(i64, f64)> {
        let dimension = |(name, value): &(&str, &str)| api::Dimension {
            name: (*name).to_owned(),
            value: (*value).to_owned(),
        };
        let input = api::GetMetricStatisticsInput {
            namespace: namespace.to_owned(),
            metric_name: name.to_owned(),
            dimensions: Some(dimensions.iter().map(dimension).collect()),
            start_time: Timestamp::from_millis(from_ms),
            end_time: Timestamp::from_millis(until_ms),
            period,
            statistics: Some(vec![api::Statistic::Sum]),
            ..Default::default()
        };
        let found = self.cloudwatch.get_metric_statistics(&self.context(), input).await.unwrap();
        let point = |point: api::Datapoint| (point.timestamp.unwrap().as_millis(), point.sum.unwrap());
        found.datapoints.unwrap().into_iter().map(point).collect()
    }
}

/// An alarm on the sum of orders in a minute, above 3, of one out of one.
pub(crate) fn orders(name: &str) -> api::PutMetricAlarmInput {
    api::PutMetricAlarmInput {
        alarm_name: name.to_owned(),
        namespace: Some("Shop".to_owned()),
        metric_name: Some("Orders".to_owned()),
        statistic: Some(api::Statistic::Sum),
        period: Some(60),
        evaluation_periods: Some(1),
        threshold: Some(3.0),
        comparison_operator: Some(api::ComparisonOperator::GreaterThanThreshold),
        alarm_actions: Some(vec![TOPIC.to_owned()]),
        ..Default::default()
    }
}

/// A composite alarm.
pub(crate) fn composite(name: &str, rule: &str) -> api::PutCompositeAlarmInput {
    api::PutCompositeAlarmInput {
        alarm_name: name.to_owned(),
        alarm_rule: rule.to_owned(),
        alarm_actions: Some(vec![TOPIC.to_owned()]),
        ok_actions: Some(vec![TOPIC.to_owned()]),
        ..Default::default()
    }
}

/// The refusal of a call, as code and text.
pub(crate) fn refusal<T: std::fmt::Debug>(answer: Result<T, ApiError>) -> String {
    answer.unwrap_err().to_string()
}
