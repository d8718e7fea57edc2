//! Logs over a database, with a clock that is moved and a KMS that is told what to answer.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use strongroom_api_kms::{
    DecryptRequest, DecryptResponse, GenerateDataKeyRequest, GenerateDataKeyResponse, Kms,
};
use strongroom_api_logs::{self as api, CloudWatchLogs as _};
use strongroom_crypto::random;
use strongroom_identity::{
    AccountId, Caller, Entity, Permissions, Principal, RecordDraft, Region, RequestContext, RequestId,
};
use strongroom_journal::{Journal, JournalOptions, Record};
use strongroom_logs::{EVENT_MIGRATIONS, Logs, MIGRATIONS, Parts};
use strongroom_outbox::Outbox;
use strongroom_policy::document::{Document, Kind as DocumentKind};
use strongroom_policy::{Authority, CallerPolicies, Policy};
use strongroom_runtime::{Clocks, ManualTime, Scheduler};
use strongroom_schema::{Blob, Map};
use strongroom_seal::Root;
use strongroom_secret::{Key256, Secret};
use strongroom_service::ApiError;
use strongroom_store::{Db, OpenOptions, RowMac};
use strongroom_testkit::TestDatabase;
use tempfile::TempDir;
use tokio::sync::Barrier;

pub(crate) const ACCOUNT: &str = "111122223333";
pub(crate) const REGION: &str = "us-east-1";
pub(crate) const KEY: &str = "arn:aws:kms:us-east-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab";

pub(crate) const SECOND: i64 = 1_000;
pub(crate) const MINUTE: i64 = 60 * SECOND;
pub(crate) const HOUR: i64 = 60 * MINUTE;
pub(crate) const DAY: i64 = 24 * HOUR;

/// When everything begins: 22 July 2024, 15:00:00 UTC.
pub(crate) const START: i64 = 1_721_660_400_000;

pub(crate) async fn open(database: &TestDatabase) -> Db {
    let db = Db::open(database.url(), &OpenOptions::default()).await.unwrap();
    db.migrate(&[MIGRATIONS, EVENT_MIGRATIONS]).await.unwrap();
    db
}

/// A call of KMS as it was seen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct KmsCall {
    pub(crate) operation: &'static str,
    pub(crate) principal: String,
    /// What the call is about (`aws:SourceArn`).
    pub(crate) about: Option<String>,
    /// The group that the encryption context names.
    pub(crate) group: String,
}

/// KMS, as far as Logs asks it.
#[derive(Default)]
pub(crate) struct FakeKms {
    pub(crate) refuses: Mutex<Option<&'static str>>,
    /// Where calls that make data keys meet, and part again, before any of them is answered.
    meet: Mutex<Option<Arc<Barrier>>>,
    pub(crate) calls: Mutex<Vec<KmsCall>>,
}

impl FakeKms {
    fn called(
        &self,
        operation: &'static str,
        context: &RequestContext,
        encryption_context: Option<&Map<String>>,
    ) -> Result<(), ApiError> {
        let group = encryption_context.and_then(|pairs| pairs.get("aws:logs:arn")).unwrap().clone();
        let about = context.acts_about().map(str::to_owned);
        let principal = context.caller.principal.service().unwrap().to_owned();
        self.calls.lock().unwrap().push(KmsCall { operation, principal, about, group });
        match *self.refuses.lock().unwrap() {
            Some("AccessDeniedException") => Err(ApiError::access_denied("no")),
            Some(code) => Err(ApiError::common(code, "no")),
            None => Ok(()),
        }
    }

    /// From now on, calls that make data keys meet there, and part there.
    pub(crate) fn meet(&self, at: Option<&Arc<Barrier>>) {
        *self.meet.lock().unwrap() = at.cloned();
    }

    pub(crate) fn refuse(&self, code: Option<&'static str>) {
        *self.refuses.lock().unwrap() = code;
    }

    /// The operations that were called since this was last asked.
    pub(crate) fn operations(&self) -> Vec<&'static str> {
        std::mem::take(&mut *self.calls.lock().unwrap()).into_iter().map(|call| call.operation).collect()
    }
}

#[async_trait]
impl Kms for FakeKms {
    async fn generate_data_key(
        &self,
        context: &RequestContext,
        input: GenerateDataKeyRequest,
    ) -> Result<GenerateDataKeyResponse, ApiError> {
        self.called("GenerateDataKey", context, input.encryption_context.as_ref())?;
        let meet = self.meet.lock().unwrap().clone();
        if let Some(meet) = meet {
            meet.wait().await;
            meet.wait().await;
        }
        let key: [u8; 32] = random::bytes().unwrap();
        Ok(GenerateDataKeyResponse {
            // What a key is, backwards.
            ciphertext_blob: Some(Blob(key.iter().rev().copied().collect())),
            plaintext: Some(Secret::new(Blob(key.to_vec()))),
            ..Default::default()
        })
    }

    async fn decrypt(
        &self,
        context: &RequestContext,
        input: DecryptRequest,
    ) -> Result<DecryptResponse, ApiError> {
        self.called("Decrypt", context, input.encryption_context.as_ref())?;
        let ciphertext = input.ciphertext_blob.unwrap().0;
        let plaintext = Some(Secret::new(Blob(ciphertext.into_iter().rev().collect())));
        Ok(DecryptResponse { plaintext, ..Default::default() })
    }
}

/// Logs and what is around it.
pub(crate) struct Lab {
    pub(crate) logs: Arc<Logs>,
    pub(crate) kms: Arc<FakeKms>,
    pub(crate) db: Db,
    pub(crate) journal: Arc<Journal>,
    pub(crate) clocks: Clocks,
    time: Arc<ManualTime>,
    scheduler: Scheduler,
    _folder: TempDir,
}

impl Lab {
    pub(crate) async fn new(database: &TestDatabase) -> Self {
        let db = open(database).await;
        let folder = tempfile::tempdir().unwrap();
        let time = Arc::new(ManualTime::at(START));
        let clocks = Clocks::new(time.clone(), 0);
        let options = JournalOptions::default();
        let opened = Journal::open(folder.path(), &options, &Key256::new([3; 32]), "node", START).unwrap();
        let (journal, kms) = (Arc::new(opened.journal), Arc::<FakeKms>::default());
        let root = Root::from_key(Key256::new([7; 32])).unwrap();
        let outbox = Arc::new(Outbox::new(db.clone(), RowMac::new(&root), journal.clone()));
        let logs = Arc::new(Logs::new(Parts {
            db: db.clone(),
            events: db.clone(),
            root: &root,
            authority: Authority::new(),
            outbox,
            clocks: clocks.clone(),
            kms: kms.clone(),
        }));
        let scheduler = Scheduler::new(clocks.clone(), vec![logs.clone()]);
        Self { logs, kms, db, journal, clocks, time, scheduler, _folder: folder }
    }

    pub(crate) fn now(&self) -> i64 {
        self.clocks.domain_now()
    }

    /// Moves the clock, and does what becomes due.
    pub(crate) async fn pass(&self, millis: i64) {
        self.wait(millis);
        assert!(self.scheduler.settle(Duration::from_mins(1)).await);
    }

    /// Moves the clock, and nothing is done.
    pub(crate) fn wait(&self, millis: i64) {
        self.time.set(self.now() + millis);
    }

    pub(crate) fn root(&self) -> Client {
        self.of_account(ACCOUNT)
    }

    pub(crate) fn of_account(&self, account: &str) -> Client {
        Client {
            logs: self.logs.clone(),
            clocks: self.clocks.clone(),
            account: account.parse().unwrap(),
            policies: None,
        }
    }

    /// What was recorded.
    pub(crate) fn records(&self) -> Vec<Record> {
        let reader = self.journal.reader();
        let mut records = Vec::new();
        for listed in reader.segments().unwrap() {
            let segment = reader.segment(listed.id).unwrap().unwrap();
            for frame in segment.frames(0).unwrap() {
                records.extend(frame.unwrap().decoded().map(|(_, record)| record.unwrap()));
            }
        }
        records
    }
}

/// Who calls.
#[derive(Clone)]
pub(crate) struct Client {
    pub(crate) logs: Arc<Logs>,
    clocks: Clocks,
    account: AccountId,
    policies: Option<Arc<CallerPolicies>>,
}

impl Client {
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

    pub(crate) async fn create(&self, group: &str) -> Result<(), ApiError> {
        self.create_with(api::CreateLogGroupRequest {
            log_group_name: group.to_owned(),
            ..Default::default()
        })
        .await
    }

    pub(crate) async fn create_with(&self, input: api::CreateLogGroupRequest) -> Result<(), ApiError> {
        self.logs.create_log_group(&self.changing(), input).await.map(drop)
    }

    pub(crate) async fn delete(&self, group: &str) -> Result<(), ApiError> {
        let input = api::DeleteLogGroupRequest { log_group_name: group.to_owned() };
        self.logs.delete_log_group(&self.changing(), input).await.map(drop)
    }

    pub(crate) async fn stream(&self, group: &str, stream: &str) -> Result<(), ApiError> {
        let (log_group_name, log_stream_name) = (group.to_owned(), stream.to_owned());
        let input = api::CreateLogStreamRequest { log_group_name, log_stream_name };
        self.logs.create_log_stream(&self.changing(), input).await.map(drop)
    }

    pub(crate) async fn delete_stream(&self, group: &str, stream: &str) -> Result<(), ApiError> {
        let (log_group_name, log_stream_name) = (group.to_owned(), stream.to_owned());
        let input = api::DeleteLogStreamRequest { log_group_name, log_stream_name };
        self.logs.delete_log_stream(&self.changing(), input).await.map(drop)
    }

    pub(crate) async fn retain(&self, group: &str, retention_in_days: i32) -> Result<(), ApiError> {
        let input = api::PutRetentionPolicyRequest { log_group_name: group.to_owned(), retention_in_days };
        self.logs.put_retention_policy(&self.changing(), input).await.map(drop)
    }

    /// The groups whose names begin so.
    pub(crate) async fn groups(&self, prefix: &str) -> Vec<api::LogGroup> {
        let input = api::DescribeLogGroupsRequest {
            log_group_name_prefix: Some(prefix.to_owned()),
            ..Default::default()
        };
        self.logs.describe_log_groups(&self.context(), input).await.unwrap().log_groups.unwrap()
    }

    pub(crate) async fn group(&self, name: &str) -> api::LogGroup {
        let found = self.groups(name).await;
        found.into_iter().find(|group| group.log_group_name.as_deref() == Some(name)).unwrap()
    }

    /// Puts events at moments.
    pub(crate) async fn put(
        &self,
        (group, stream): (&str, &str),
        events: &[(i64, &str)],
    ) -> Result<api::PutLogEventsResponse, ApiError> {
        let event = |(timestamp, message): &(i64, &str)| api::InputLogEvent {
            timestamp: *timestamp,
            message: (*message).to_owned(),
        };
        let input = api::PutLogEventsRequest {
            log_group_name: group.to_owned(),
            log_stream_name: stream.to_owned(),
            log_events: events.iter().map(event).collect(),
            ..Default::default()
        };
        self.logs.put_log_events(&self.context(), input).await
    }

    pub(crate) async fn get(
        &self,
        (group, stream): (&str, &str),
        asked: api::GetLogEventsRequest,
    ) -> Result<api::GetLogEventsResponse, ApiError> {
        let input = api::GetLogEventsRequest {
            log_group_name: Some(group.to_owned()),
            log_stream_name: stream.to_owned(),
            ..asked
        };
        self.logs.get_log_events(&self.context(), input).await
    }

    /// The texts of a stream's events, oldest first.
    pub(crate) async fn texts(&self, place: (&str, &str)) -> Result<Vec<String>, ApiError> {
        let asked = api::GetLogEventsRequest { start_from_head: Some(true), ..Default::default() };
        let found = self.get(place, asked).await?;
        Ok(found.events.unwrap().into_iter().map(|event| event.message.unwrap()).collect())
    }

    pub(crate) async fn filter(
        &self,
        group: &str,
        asked: api::FilterLogEventsRequest,
    ) -> Result<api::FilterLogEventsResponse, ApiError> {
        let input = api::FilterLogEventsRequest { log_group_name: Some(group.to_owned()), ..asked };
        self.logs.filter_log_events(&self.context(), input).await
    }

    pub(crate) async fn associate(&self, group: &str, key: &str) -> Result<(), ApiError> {
        let input = api::AssociateKmsKeyRequest {
            log_group_name: Some(group.to_owned()),
            kms_key_id: key.to_owned(),
            resource_identifier: None,
        };
        self.logs.associate_kms_key(&self.changing(), input).await.map(drop)
    }

    pub(crate) async fn disassociate(&self, group: &str) -> Result<(), ApiError> {
        let input = api::DisassociateKmsKeyRequest {
            log_group_name: Some(group.to_owned()),
            resource_identifier: None,
        };
        self.logs.disassociate_kms_key(&self.changing(), input).await.map(drop)
    }
}

/// Code and text of a refusal.
pub(crate) fn refused<T: std::fmt::Debug>(outcome: Result<T, ApiError>) -> (String, String) {
    let error = outcome.expect_err("it was to be refused");
    (error.code().to_owned(), error.message().unwrap_or_default().to_owned())
}

/// The ARN of a group, as policies of streams need it.
pub(crate) fn group_arn(name: &str) -> String {
    format!("arn:aws:logs:{REGION}:{ACCOUNT}:log-group:{name}")
}
