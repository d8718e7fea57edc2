//! A journal with records in it, and CloudTrail over it.

use std::net::{IpAddr, Ipv4Addr};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use strongroom_api_cloudtrail::{
    CloudTrail as _, Event, LookupAttribute, LookupAttributeKey, LookupEventsRequest, LookupEventsResponse,
};
use strongroom_api_kms::Kms;
use strongroom_api_sns::Sns;
use strongroom_cloudtrail::{CloudTrail, Parts};
use strongroom_history::History as IndexedHistory;
use strongroom_identity::{Caller, Principal, Region, RequestContext, RequestId};
use strongroom_journal::{
    Durability, EventId, Identity, IdentityKind, Journal, JournalError, JournalOptions, Record, Resource,
};
use strongroom_outbox::Outbox;
use strongroom_policy::Authority;
use strongroom_runtime::{Clocks, ManualTime, Stopwatch};
use strongroom_schema::Timestamp;
use strongroom_seal::{Purpose, Root};
use strongroom_secret::Key256;
use strongroom_service::ApiError;
use strongroom_store::{Db, OpenOptions, RowMac};
use tempfile::TempDir;

use crate::bucket::Bucket;
use crate::log_group::LogGroup;

pub(crate) const ACCOUNT: &str = "111122223333";
pub(crate) const STRANGER: &str = "444455556666";
pub(crate) const REGION: &str = "us-east-1";
pub(crate) const FAR_REGION: &str = "eu-central-1";
pub(crate) const NOW: i64 = 1_700_000_000_000;

/// A journal and the CloudTrail that shows it.
pub(crate) struct History {
    pub(crate) journal: Arc<Journal>,
    pub(crate) index: IndexedHistory,
    pub(crate) trail: CloudTrail,
    pub(crate) directory: TempDir,
}

impl History {
    pub(crate) async fn new() -> Self {
        Self::at(tempfile::tempdir().unwrap()).await
    }

    /// A new start over the journal in that directory.
    pub(crate) async fn at(directory: TempDir) -> Self {
        let journal = open_journal(directory.path());
        let index =
            IndexedHistory::new(journal.reader(), directory.path().join("index"), &Key256::new([9; 32]));
        let db = Db::open_sqlite_ephemeral(&OpenOptions::default()).await.unwrap();
        let root = root();
        let clocks = Clocks::new(Arc::new(ManualTime::at(NOW)), 0);
        let outbox = Arc::new(Outbox::new(db.clone(), RowMac::new(&root), journal.clone()));
        let trail = CloudTrail::new(Parts {
            db,
            root,
            authority: Authority::new(),
            outbox,
            clocks,
            history: index.clone(),
            buckets: Arc::new(Bucket::default()),
            log_groups: Arc::new(LogGroup::default()),
            kms: Arc::new(NoKms),
            sns: Arc::new(NoSns),
        });
        Self { journal, index, trail, directory }
    }

    pub(crate) async fn with(records: &[Record]) -> Self {
        let history = Self::new().await;
        for record in records {
            history.append(record).await;
        }
        history
    }

    pub(crate) async fn append(&self, record: &Record) {
        self.journal.append(record).await.unwrap();
    }

    /// Looks up as the first account's root user in the first Region.
    pub(crate) async fn lookup(&self, input: LookupEventsRequest) -> Result<LookupEventsResponse, ApiError> {
        self.trail.lookup_events(&context(ACCOUNT, REGION), input).await
    }

    /// Everything that the lookup shows, page by page. Each page has at most so many events.
    pub(crate) async fn all(&self, input: LookupEventsRequest) -> Vec<Event> {
        let most = input.max_results.unwrap_or(50) as usize;
        let (mut events, mut next_token) = (Vec::new(), None);
        loop {
            let answer = self.lookup(LookupEventsRequest { next_token, ..input.clone() }).await.unwrap();
            let page = answer.events.unwrap();
            assert!(page.len() <= most);
            events.extend(page);
            next_token = answer.next_token;
            if next_token.is_none() {
                return events;
            }
        }
    }

    /// The ids of everything that the lookup shows.
    pub(crate) async fn ids(&self, input: LookupEventsRequest) -> Vec<String> {
        self.all(input).await.into_iter().map(|event| event.event_id.unwrap()).collect()
    }
}

/// KMS that nobody asks.
struct NoKms;

impl Kms for NoKms {}

/// SNS that nobody asks.
struct NoSns;

impl Sns for NoSns {}

/// The seal.
pub(crate) fn root() -> Root {
    Root::from_key(Key256::new([9; 32])).unwrap()
}

/// Opens the journal of that directory, as a start of a server does: in a new stream. A server that was cut off in this
/// process may still be reading it on another thread, which a dead process would not: that is waited for.
pub(crate) fn open_journal(directory: &Path) -> Arc<Journal> {
    let options = JournalOptions {
        durability: Durability::Written,
        segment_bytes: 1 << 16,
        ..JournalOptions::default()
    };
    let (_, key) = root().current_subkey(Purpose::JournalMac).unwrap();
    let watch = Stopwatch::start();
    loop {
        match Journal::open(&directory.join("journal"), &options, &key, "node", NOW) {
            Err(JournalError::InUse { .. }) if watch.elapsed() < Duration::from_secs(30) => {
                std::thread::sleep(Duration::from_millis(5));
            }
            opened => return Arc::new(opened.unwrap().journal),
        }
    }
}

pub(crate) fn context(account: &str, region: &str) -> RequestContext {
    let caller = Caller::new(Principal::Root(account.parse().unwrap()), "AKIA".to_owned());
    let id = RequestId::from_random([5; 16]);
    let address = IpAddr::V4(Ipv4Addr::LOCALHOST);
    let region = Region::named(region).unwrap();
    RequestContext::new(id, caller, region, NOW, address, String::new(), None)
}

pub(crate) fn everything() -> LookupEventsRequest {
    LookupEventsRequest::default()
}

/// Looks for events by one attribute.
pub(crate) fn by(key: LookupAttributeKey, value: &str) -> LookupEventsRequest {
    let attribute = LookupAttribute { attribute_key: key, attribute_value: value.to_owned() };
    LookupEventsRequest { lookup_attributes: Some(vec![attribute]), ..everything() }
}

/// Looks for events between two times, in seconds after [`NOW`].
pub(crate) fn between(start: Option<i64>, end: Option<i64>) -> LookupEventsRequest {
    let moment = |after: i64| Timestamp::from_millis(NOW + 1000 * after);
    LookupEventsRequest { start_time: start.map(moment), end_time: end.map(moment), ..everything() }
}

/// A record of the account's root user, told apart by its number, a second later than the one before.
pub(crate) fn record(number: u8) -> Record {
    Record {
        event_id: event_id(number),
        event_time_ms: NOW + 1000 * i64::from(number),
        event_source: "kms.amazonaws.com".to_owned(),
        event_name: "Encrypt".to_owned(),
        aws_region: REGION.to_owned(),
        account_id: ACCOUNT.to_owned(),
        identity: Identity {
            kind: Some(IdentityKind::Root),
            principal_id: Some(ACCOUNT.to_owned()),
            arn: Some(format!("arn:aws:iam::{ACCOUNT}:root")),
            account_id: Some(ACCOUNT.to_owned()),
            access_key_id: Some("AKIAIOSFODNN7EXAMPLE".to_owned()),
            ..Identity::default()
        },
        source_ip: "127.0.0.1".to_owned(),
        user_agent: Some("tests".to_owned()),
        read_only: true,
        management: true,
        ..Record::default()
    }
}

pub(crate) fn event_id(number: u8) -> EventId {
    let mut id = [0xab; 16];
    id[15] = number;
    EventId(id)
}

/// The ids of records of these numbers.
pub(crate) fn ids(numbers: impl IntoIterator<Item = u8>) -> Vec<String> {
    numbers.into_iter().map(|number| event_id(number).to_string()).collect()
}

pub(crate) fn resource(kind: Option<&str>, arn: &str) -> Resource {
    Resource { account_id: Some(ACCOUNT.to_owned()), kind: kind.map(str::to_owned), arn: arn.to_owned() }
}
