//! CloudTrail with everything that it delivers with, and a clock that is moved.

use std::path::Path;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use strongroom_api_cloudtrail::{CloudTrail as _, CreateTrailRequest, StartLoggingRequest};
use strongroom_api_kms::{GenerateDataKeyRequest, GenerateDataKeyResponse, Kms};
use strongroom_api_sns::{PublishInput, PublishResponse, Sns};
use strongroom_cloudtrail::{CloudTrail, Deliveries, MIGRATIONS, Parts, Settings};
use strongroom_history::History;
use strongroom_identity::RequestContext;
use strongroom_journal::{EventId, Journal, Record};
use strongroom_outbox::Outbox;
use strongroom_policy::Authority;
use strongroom_runtime::{Agenda as _, Clocks, Due, ManualTime};
use strongroom_secret::Key256;
use strongroom_service::ApiError;
use strongroom_store::{Db, OpenOptions, RowMac};
use strongroom_testkit::TestDatabase;
use tempfile::TempDir;

use crate::bucket::Bucket;
use crate::fixture::{ACCOUNT, NOW, REGION, context, open_journal, record, root};

pub(crate) const MINUTE: i64 = 60_000;
pub(crate) const HOUR: i64 = 60 * MINUTE;
pub(crate) const KEY: &str = "arn:aws:kms:us-east-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab";

/// SNS with one topic, and a policy that may leave CloudTrail out.
#[derive(Default)]
pub(crate) struct Topic {
    told: Mutex<Vec<String>>,
}

impl Topic {
    pub(crate) fn told(&self) -> Vec<String> {
        self.told.lock().unwrap().clone()
    }
}

#[async_trait]
impl Sns for Topic {
    async fn publish(
        &self,
        context: &RequestContext,
        input: PublishInput,
    ) -> Result<PublishResponse, ApiError> {
        assert!(context.acts_about().is_some());
        if input.topic_arn.unwrap().ends_with(":closed") {
            return Err(ApiError::front("AuthorizationError", None, None));
        }
        self.told.lock().unwrap().push(input.message);
        Ok(PublishResponse::default())
    }
}

/// KMS with one key, and a policy that may leave CloudTrail out.
#[derive(Default)]
pub(crate) struct OneKey {
    pub(crate) refuses_with: Option<&'static str>,
}

#[async_trait]
impl Kms for OneKey {
    async fn generate_data_key(
        &self,
        context: &RequestContext,
        input: GenerateDataKeyRequest,
    ) -> Result<GenerateDataKeyResponse, ApiError> {
        assert!(context.acts_about().is_some());
        assert_eq!(input.encryption_context.as_ref().unwrap().len(), 2);
        match self.refuses_with {
            None => Ok(GenerateDataKeyResponse {
                key_id: Some(if input.key_id.starts_with("arn:") { input.key_id } else { KEY.to_owned() }),
                ..Default::default()
            }),
            Some(code) => Err(ApiError::front(code, None, Some("as asked".to_owned()))),
        }
    }
}

pub(crate) async fn open(database: &TestDatabase) -> Db {
    let db = Db::open(database.url(), &OpenOptions::default()).await.unwrap();
    db.migrate(&[strongroom_deriving::MIGRATIONS, MIGRATIONS]).await.unwrap();
    db
}

/// A server: what is in memory goes with it.
pub(crate) struct World {
    pub(crate) db: Db,
    pub(crate) cloudtrail: CloudTrail,
    pub(crate) deliveries: Deliveries,
    pub(crate) bucket: Arc<Bucket>,
    pub(crate) journal: Arc<Journal>,
    pub(crate) topic: Arc<Topic>,
    time: Arc<ManualTime>,
    pub(crate) clocks: Clocks,
}

impl World {
    pub(crate) async fn new(database: &TestDatabase, folder: &TempDir) -> Self {
        Self::start(&open(database).await, folder.path(), Arc::default(), NOW, OneKey::default()).await
    }

    /// A start over what is on the disk, at a time.
    pub(crate) async fn start(db: &Db, folder: &Path, bucket: Arc<Bucket>, now_ms: i64, kms: OneKey) -> Self {
        let root = root();
        let journal = open_journal(folder);
        let time = Arc::new(ManualTime::at(now_ms));
        let clocks = Clocks::new(time.clone(), 0);
        let outbox = Arc::new(Outbox::new(db.clone(), RowMac::new(&root), journal.clone()));
        outbox.replay().await.unwrap();
        let history = History::new(journal.reader(), folder.join("index"), &Key256::new([9; 32]));
        let topic = Arc::new(Topic::default());
        let cloudtrail = CloudTrail::new(Parts {
            db: db.clone(),
            root,
            authority: Authority::new(),
            outbox,
            clocks: clocks.clone(),
            history,
            buckets: bucket.clone(),
            log_groups: bucket.logs.clone(),
            kms: Arc::new(kms),
            sns: topic.clone(),
        });
        let deliveries = Deliveries::new(&cloudtrail, journal.reader(), Settings::default());
        Self { db: db.clone(), cloudtrail, deliveries, bucket, journal, topic, time, clocks }
    }

    pub(crate) fn now(&self) -> i64 {
        self.clocks.domain_now()
    }

    /// The context of a call of the account's root user now.
    pub(crate) fn context(&self, region: &str) -> RequestContext {
        let mut context = context(ACCOUNT, region);
        context.now_ms = self.now();
        context
    }

    pub(crate) fn pass(&self, ms: i64) {
        self.time.set(self.now() + ms);
    }

    /// Does what is due now, as the scheduler does.
    pub(crate) async fn settle(&self) {
        while let Some(due) = self.next_due().await {
            self.deliveries.run(&due).await.unwrap();
        }
    }

    pub(crate) async fn next_due(&self) -> Option<Due> {
        let first = self.deliveries.first(1).await.unwrap();
        first.into_iter().next().filter(|due| due.at_ms <= self.now())
    }

    /// Makes a trail that logs.
    pub(crate) async fn trail(&self, name: &str, change: impl FnOnce(&mut CreateTrailRequest)) {
        let mut input = CreateTrailRequest {
            name: name.to_owned(),
            s3_bucket_name: "evidence".to_owned(),
            enable_log_file_validation: Some(true),
            ..Default::default()
        };
        change(&mut input);
        let context = self.context(REGION);
        self.cloudtrail.create_trail(&context, input).await.unwrap();
        self.cloudtrail.start_logging(&context, StartLoggingRequest { name: name.to_owned() }).await.unwrap();
    }

    /// Records calls of now, and answers their ids.
    pub(crate) async fn calls(&self, of: u8, count: u8) -> Vec<String> {
        let mut ids = Vec::new();
        for number in 0..count {
            let mut event_id = [of; 16];
            event_id[15] = number;
            let call = Record { event_id: EventId(event_id), event_time_ms: self.now(), ..record(0) };
            ids.push(call.event_id.to_string());
            self.journal.append(&call).await.unwrap();
        }
        ids
    }
}
