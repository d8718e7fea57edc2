//! SNS over a database, endpoints that tell what they got, and those who call.

use std::collections::VecDeque;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use strongroom_api_kms::{
    DecryptRequest, DecryptResponse, GenerateDataKeyRequest, GenerateDataKeyResponse, Kms,
};
use strongroom_api_sns::{self as sns, Sns as _};
use strongroom_crypto::random;
use strongroom_identity::{
    AccountId, Caller, Entity, Permissions, Principal, Principals, RecordDraft, Region, RequestContext,
    RequestId, WebIdentity,
};
use strongroom_journal::{Durability, Journal, JournalOptions, Record};
use strongroom_outbox::Outbox;
use strongroom_policy::document::{Document, Kind as DocumentKind};
use strongroom_policy::{Authority, CallerPolicies, Policy};
use strongroom_runtime::{Clocks, ManualTime, ShutdownOwner};
use strongroom_schema::{Blob, Map};
use strongroom_seal::Root;
use strongroom_secret::{Key256, Secret};
use strongroom_service::ApiError;
use strongroom_sns::{Carrier, MIGRATIONS, Mail, Notifications, Parts, Undelivered};
use strongroom_store::{Db, OpenOptions, RowMac};
use strongroom_testkit::TestDatabase;
use tempfile::TempDir;
use tokio::sync::{Notify, watch};

pub(crate) const ACCOUNT: &str = "111122223333";
pub(crate) const STRANGER: &str = "444455556666";
pub(crate) const REGION: &str = "us-east-1";
pub(crate) const PUBLIC_URL: &str = "https://keys.example.com";

/// The time when a test begins.
pub(crate) const NOW: i64 = 1_700_000_000_123;

/// Longer than anything takes, on however busy a machine.
const PATIENCE: Duration = Duration::from_mins(5);

pub(crate) async fn open(database: &TestDatabase) -> Db {
    let db = Db::open(database.url(), &OpenOptions::default()).await.unwrap();
    db.migrate(&[MIGRATIONS]).await.unwrap();
    db
}

/// What came to an endpoint.
#[derive(Clone, Debug)]
pub(crate) struct Posted {
    pub(crate) url: String,
    pub(crate) headers: Vec<(&'static str, String)>,
    pub(crate) body: String,
}

impl Posted {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| *known == name).map(|(_, value)| value.as_str())
    }

    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.body).unwrap()
    }

    pub(crate) fn member(&self, name: &str) -> String {
        self.json()[name].as_str().unwrap_or_default().to_owned()
    }
}

/// Endpoints that answer what they are told to, and 200 beyond.
#[derive(Default)]
pub(crate) struct Endpoints {
    pub(crate) posted: Mutex<Vec<Posted>>,
    pub(crate) mails: Mutex<Vec<Mail>>,
    pub(crate) answers: Mutex<VecDeque<Result<u16, Undelivered>>>,
    came: Notify,
    /// Whether those whose address ends in `/slow`, or goes on after it, keep everybody waiting.
    held: watch::Sender<bool>,
}

#[async_trait]
impl Carrier for Endpoints {
    fn admits(&self, url: &str) -> bool {
        !url.contains("127.0.0.1")
    }

    fn sends_mail(&self) -> bool {
        true
    }

    async fn post(
        &self,
        url: &str,
        headers: Vec<(&'static str, String)>,
        body: Vec<u8>,
    ) -> Result<u16, Undelivered> {
        if url.contains("/slow") {
            let mut held = self.held.subscribe();
            let _let_go = held.wait_for(|held| !held).await;
        }
        let answer = self.answers.lock().unwrap().pop_front().unwrap_or(Ok(200));
        let body = String::from_utf8(body).unwrap();
        self.posted.lock().unwrap().push(Posted { url: url.to_owned(), headers, body });
        self.came.notify_waiters();
        answer
    }

    async fn mail(&self, mail: Mail) -> Result<(), Undelivered> {
        self.mails.lock().unwrap().push(mail);
        self.came.notify_waiters();
        Ok(())
    }
}

/// Users and roles of whom everybody is there.
struct Everybody;

#[async_trait]
impl Principals for Everybody {
    async fn id_of(&self, arn: &str) -> Result<Option<String>, Box<dyn std::error::Error + Send + Sync>> {
        Ok((!arn.ends_with("nobody")).then(|| "AIDACKCEVSQ6C2EXAMPLE".to_owned()))
    }

    async fn arn_of(
        &self,
        account: AccountId,
        _: &str,
    ) -> Result<Option<String>, Box<dyn std::error::Error + Send + Sync>> {
        Ok(Some(format!("arn:aws:iam::{account}:user/a")))
    }
}

/// A KMS whose data keys are all the same, and who may be told to refuse.
#[derive(Default)]
pub(crate) struct FakeKms {
    pub(crate) refuses: Mutex<Option<&'static str>>,
    /// Operation and principal of each call.
    pub(crate) calls: Mutex<Vec<(&'static str, String)>>,
}

const DATA_KEY: [u8; 32] = [3; 32];

impl FakeKms {
    fn called(&self, operation: &'static str, context: &RequestContext) -> Result<(), ApiError> {
        assert_eq!(context.forwarded_by(), ["sns.amazonaws.com"]);
        self.calls.lock().unwrap().push((operation, context.caller.principal.arn()));
        match *self.refuses.lock().unwrap() {
            Some(code) => Err(ApiError::common(code, "no")),
            None => Ok(()),
        }
    }
}

#[async_trait]
impl Kms for FakeKms {
    async fn generate_data_key(
        &self,
        context: &RequestContext,
        _: GenerateDataKeyRequest,
    ) -> Result<GenerateDataKeyResponse, ApiError> {
        self.called("GenerateDataKey", context)?;
        Ok(GenerateDataKeyResponse {
            ciphertext_blob: Some(Blob(b"ciphertext".to_vec())),
            plaintext: Some(Secret::new(Blob(DATA_KEY.to_vec()))),
            ..Default::default()
        })
    }

    async fn decrypt(
        &self,
        context: &RequestContext,
        input: DecryptRequest,
    ) -> Result<DecryptResponse, ApiError> {
        self.called("Decrypt", context)?;
        assert_eq!(input.ciphertext_blob.unwrap().0, b"ciphertext");
        let plaintext = Some(Secret::new(Blob(DATA_KEY.to_vec())));
        Ok(DecryptResponse { plaintext, ..Default::default() })
    }
}

/// SNS and all around it.
pub(crate) struct Bench {
    pub(crate) sns: Arc<Notifications>,
    pub(crate) endpoints: Arc<Endpoints>,
    pub(crate) kms: Arc<FakeKms>,
    pub(crate) time: Arc<ManualTime>,
    pub(crate) db: Db,
    clocks: Clocks,
    journal: Arc<Journal>,
    outbox: Arc<Outbox>,
    _folder: TempDir,
}

impl Bench {
    pub(crate) async fn new(database: &TestDatabase) -> Self {
        let db = open(database).await;
        let folder = TempDir::new().unwrap();
        let options = JournalOptions {
            durability: Durability::Written,
            segment_bytes: 64 << 10,
            begins_streams: true,
            ..JournalOptions::default()
        };
        let time = Arc::new(ManualTime::at(NOW));
        let clocks = Clocks::new(time.clone(), 0);
        let key = Key256::new([9; 32]);
        let journal = Journal::open(folder.path(), &options, &key, "tests", NOW).unwrap().journal;
        let journal = Arc::new(journal);
        let outbox = Arc::new(Outbox::new(db.clone(), RowMac::new(&root()), journal.clone()));
        let (endpoints, kms) = (Arc::<Endpoints>::default(), Arc::<FakeKms>::default());
        let sns = start(&db, &clocks, &outbox, &endpoints, &kms);
        Self { sns, endpoints, kms, time, db, clocks, journal, outbox, _folder: folder }
    }

    /// SNS as a server that has just started has it: nothing in memory.
    pub(crate) fn restart(&mut self) {
        self.sns = start(&self.db, &self.clocks, &self.outbox, &self.endpoints, &self.kms);
    }

    pub(crate) fn root(&self) -> Client {
        Client::new(&self.sns, ACCOUNT)
    }

    /// Delivers until what is asked for has come.
    pub(crate) async fn deliver_until(&self, done: impl Fn(&Endpoints) -> bool) {
        let owner = ShutdownOwner::new();
        owner.handle().spawn(self.sns.clone().carry(owner.handle()));
        let waiting = async {
            loop {
                let came = self.endpoints.came.notified();
                if done(&self.endpoints) {
                    return;
                }
                let _again = tokio::time::timeout(Duration::from_millis(50), came).await;
                self.sns.clock_moved();
            }
        };
        tokio::time::timeout(PATIENCE, waiting).await.expect("it never came");
        assert!(owner.finish(PATIENCE).await);
    }

    /// Delivers until so many requests have come altogether.
    pub(crate) async fn deliver(&self, posted: usize) -> Vec<Posted> {
        self.deliver_until(|endpoints| endpoints.posted.lock().unwrap().len() >= posted).await;
        self.posted()
    }

    /// Has slow endpoints keep everybody waiting.
    pub(crate) fn hold(&self) {
        self.endpoints.held.send_replace(true);
    }

    /// Delivers until an address has got something while slow endpoints are held; then lets these go.
    pub(crate) async fn deliver_held(&self, wanted: impl Fn(&str) -> bool) {
        self.deliver_until(|endpoints| {
            let came = endpoints.posted.lock().unwrap().iter().any(|posted| wanted(&posted.url));
            if came {
                endpoints.held.send_replace(false);
            }
            came
        })
        .await;
    }

    pub(crate) fn posted(&self) -> Vec<Posted> {
        self.endpoints.posted.lock().unwrap().clone()
    }

    pub(crate) fn answer(&self, answers: impl IntoIterator<Item = Result<u16, Undelivered>>) {
        self.endpoints.answers.lock().unwrap().extend(answers);
    }

    pub(crate) fn move_clock(&self, ms: u64) {
        self.clocks.advance(ms);
    }

    /// What is recorded.
    pub(crate) fn records(&self) -> Vec<Record> {
        self.journal.reader().records(None).unwrap().map(|record| record.unwrap().1).collect()
    }

    /// A confirmed subscription of the root user, and its ARN. Nothing else may be on its way.
    pub(crate) async fn subscribed(&self, topic: &str, protocol: &str, endpoint: &str) -> String {
        self.subscribed_with(topic, protocol, endpoint, &[]).await
    }

    pub(crate) async fn subscribed_with(
        &self,
        topic: &str,
        protocol: &str,
        endpoint: &str,
        attributes: &[(&str, &str)],
    ) -> String {
        let root = self.root();
        root.subscribe(topic, protocol, endpoint, attributes).await.unwrap();
        let before = self.posted().len();
        self.deliver_until(|endpoints| endpoints.posted.lock().unwrap().len() > before).await;
        let token = self.posted().last().unwrap().member("Token");
        self.endpoints.posted.lock().unwrap().clear();
        root.confirm(topic, &token).await.unwrap()
    }
}

fn root() -> Root {
    Root::from_key(Key256::new([7; 32])).unwrap()
}

fn start(
    db: &Db,
    clocks: &Clocks,
    outbox: &Arc<Outbox>,
    endpoints: &Arc<Endpoints>,
    kms: &Arc<FakeKms>,
) -> Arc<Notifications> {
    Arc::new(Notifications::new(Parts {
        db: db.clone(),
        root: &root(),
        authority: Authority::new(),
        outbox: outbox.clone(),
        clocks: clocks.clone(),
        principals: Arc::new(Everybody),
        kms: kms.clone(),
        carrier: endpoints.clone(),
        public_url: PUBLIC_URL.to_owned(),
    }))
}

/// Who calls.
#[derive(Clone)]
pub(crate) struct Client {
    sns: Arc<Notifications>,
    principal: Principal,
    policies: Option<Arc<CallerPolicies>>,
    about: Option<String>,
}

impl Client {
    /// The root user of an account.
    pub(crate) fn new(sns: &Arc<Notifications>, account: &str) -> Self {
        let principal = Principal::Root(account.parse().unwrap());
        Self { sns: sns.clone(), principal, policies: None, about: None }
    }

    pub(crate) fn of_account(&self, account: &str) -> Self {
        Self::new(&self.sns, account)
    }

    /// Nobody in particular, following a link.
    pub(crate) fn nobody(&self) -> Self {
        let account = self.principal.account();
        Self { principal: Principal::WebIdentity(WebIdentity::unknown(account)), ..self.clone() }
    }

    /// A service that works for the account.
    pub(crate) fn service(&self, name: &'static str, about: &str) -> Self {
        let principal = Principal::Service { account: self.principal.account(), name };
        Self { principal, about: Some(about.to_owned()), ..self.clone() }
    }

    /// A user with a policy of these statements.
    pub(crate) fn user(&self, statements: &str) -> Self {
        let text = format!(r#"{{"Version":"2012-10-17","Statement":[{statements}]}}"#);
        let document = Document::parse(&text, DocumentKind::Identity).unwrap();
        let identity = vec![Arc::new(Policy::new("p", &document))];
        let policies = Some(Arc::new(CallerPolicies { identity, ..CallerPolicies::default() }));
        let principal = Principal::User(Entity {
            account: self.principal.account(),
            path: "/".to_owned(),
            name: "a".to_owned(),
            id: "AIDACKCEVSQ6C2EXAMPLE".to_owned(),
        });
        Self { principal, policies, ..self.clone() }
    }

    pub(crate) fn context(&self) -> RequestContext {
        let permissions = match &self.policies {
            Some(policies) => Permissions::new(policies.clone()),
            None => Permissions::none(),
        };
        let caller = Caller { permissions, ..Caller::new(self.principal.clone(), "AKIAEXAMPLE") };
        let context = RequestContext::new(
            RequestId::from_random([5; 16]),
            caller,
            Region::named(REGION).unwrap(),
            NOW,
            IpAddr::V4(Ipv4Addr::LOCALHOST),
            "tests".to_owned(),
            None,
        );
        let draft =
            RecordDraft { event_id: random::bytes().unwrap(), bytes: b"a draft".to_vec(), mark: None };
        let context = context.with_draft(draft);
        match &self.about {
            Some(arn) => context.about(arn),
            None => context,
        }
    }

    pub(crate) async fn create(&self, name: &str, attributes: &[(&str, &str)]) -> Result<String, ApiError> {
        let input = sns::CreateTopicInput {
            name: name.to_owned(),
            attributes: Some(map(attributes)),
            ..Default::default()
        };
        Ok(self.sns.create_topic(&self.context(), input).await?.topic_arn.unwrap())
    }

    pub(crate) async fn topic(&self, name: &str) -> String {
        self.create(name, &[]).await.unwrap()
    }

    pub(crate) async fn delete(&self, topic: &str) -> Result<(), ApiError> {
        let input = sns::DeleteTopicInput { topic_arn: topic.to_owned() };
        self.sns.delete_topic(&self.context(), input).await.map(drop)
    }

    pub(crate) async fn set(&self, topic: &str, name: &str, value: &str) -> Result<(), ApiError> {
        let input = sns::SetTopicAttributesInput {
            topic_arn: topic.to_owned(),
            attribute_name: name.to_owned(),
            attribute_value: Some(value.to_owned()),
        };
        self.sns.set_topic_attributes(&self.context(), input).await.map(drop)
    }

    pub(crate) async fn attributes(&self, topic: &str) -> Result<Map<String>, ApiError> {
        let input = sns::GetTopicAttributesInput { topic_arn: topic.to_owned() };
        Ok(self.sns.get_topic_attributes(&self.context(), input).await?.attributes.unwrap())
    }

    pub(crate) async fn subscribe(
        &self,
        topic: &str,
        protocol: &str,
        endpoint: &str,
        attributes: &[(&str, &str)],
    ) -> Result<String, ApiError> {
        let input = sns::SubscribeInput {
            topic_arn: topic.to_owned(),
            protocol: protocol.to_owned(),
            endpoint: Some(endpoint.to_owned()),
            attributes: Some(map(attributes)),
            return_subscription_arn: None,
        };
        Ok(self.sns.subscribe(&self.context(), input).await?.subscription_arn.unwrap())
    }

    pub(crate) async fn confirm(&self, topic: &str, token: &str) -> Result<String, ApiError> {
        let input = sns::ConfirmSubscriptionInput {
            topic_arn: topic.to_owned(),
            token: token.to_owned(),
            authenticate_on_unsubscribe: None,
        };
        Ok(self.sns.confirm_subscription(&self.context(), input).await?.subscription_arn.unwrap())
    }

    pub(crate) async fn confirm_guarded(&self, topic: &str, token: &str) -> Result<String, ApiError> {
        let input = sns::ConfirmSubscriptionInput {
            topic_arn: topic.to_owned(),
            token: token.to_owned(),
            authenticate_on_unsubscribe: Some("true".to_owned()),
        };
        Ok(self.sns.confirm_subscription(&self.context(), input).await?.subscription_arn.unwrap())
    }

    pub(crate) async fn unsubscribe(&self, subscription: &str) -> Result<(), ApiError> {
        let input = sns::UnsubscribeInput { subscription_arn: subscription.to_owned() };
        self.sns.unsubscribe(&self.context(), input).await.map(drop)
    }

    pub(crate) async fn listed(&self, topic: &str) -> Vec<sns::Subscription> {
        let input = sns::ListSubscriptionsByTopicInput { topic_arn: topic.to_owned(), next_token: None };
        self.sns.list_subscriptions_by_topic(&self.context(), input).await.unwrap().subscriptions.unwrap()
    }

    pub(crate) async fn subscription(&self, arn: &str) -> Result<Map<String>, ApiError> {
        let input = sns::GetSubscriptionAttributesInput { subscription_arn: arn.to_owned() };
        Ok(self.sns.get_subscription_attributes(&self.context(), input).await?.attributes.unwrap())
    }

    pub(crate) async fn publish(&self, topic: &str, message: &str) -> Result<String, ApiError> {
        self.publish_with(topic, sns::PublishInput { message: message.to_owned(), ..Default::default() })
            .await
    }

    pub(crate) async fn publish_with(
        &self,
        topic: &str,
        input: sns::PublishInput,
    ) -> Result<String, ApiError> {
        let input = sns::PublishInput { topic_arn: Some(topic.to_owned()), ..input };
        Ok(self.sns.publish(&self.context(), input).await?.message_id.unwrap())
    }

    pub(crate) fn api(&self) -> &Notifications {
        &self.sns
    }
}

pub(crate) fn map(pairs: &[(&str, &str)]) -> Map<String> {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

/// The code and the text of a refusal.
pub(crate) fn refused<T: std::fmt::Debug>(answer: Result<T, ApiError>) -> (String, String) {
    let error = answer.unwrap_err();
    (error.query_code().to_owned(), error.message().unwrap_or_default().to_owned())
}
