//! The service proper: what it is made of, and how it finds topics and subscriptions for those who may.

use std::sync::{Arc, OnceLock};

use strongroom_api_kms::Kms;
use strongroom_identity::{Action, Principal, Principals, RequestContext};
use strongroom_outbox::Outbox;
use strongroom_policy::document::Kind;
use strongroom_policy::{Authority, Authorized, Named};
use strongroom_runtime::{Clocks, Waker};
use strongroom_seal::{Purpose, Root, Sealer};
use strongroom_store::{Db, RowMac, Tx};
use tokio::sync::Notify;

use crate::carrier::Carrier;
use crate::delivery::TOPIC_RESOURCE;
use crate::delivery::bounds::PuttingDown;
use crate::domain::names::{SubscriptionName, TopicName};
use crate::domain::subscription::{Seen, Subscription};
use crate::domain::topic::{Absent, GivenPolicy, Topic};
use crate::domain::topic_policy;
use crate::encryption::Encryption;
use crate::error::Refusal;
use crate::measures::Measures;
use crate::repo;
use crate::signing::Signers;

/// What the service is made of.
pub struct Parts<'r> {
    /// The store.
    pub db: Db,
    /// The seal.
    pub root: &'r Root,
    /// Who decides.
    pub authority: Authority,
    /// Where records go.
    pub outbox: Arc<Outbox>,
    /// Both clocks.
    pub clocks: Clocks,
    /// The users and roles that policies name.
    pub principals: Arc<dyn Principals>,
    /// KMS, for encrypted topics.
    pub kms: Arc<dyn Kms>,
    /// What takes messages to their endpoints.
    pub carrier: Arc<dyn Carrier>,
    /// Where this server is reached by those who get messages: what links in them begin with, without a slash at the end.
    pub public_url: String,
}

/// The SNS service over one store and one seal.
pub struct Notifications {
    pub(crate) db: Db,
    pub(crate) mac: RowMac,
    pub(crate) authority: Authority,
    pub(crate) outbox: Arc<Outbox>,
    pub(crate) clocks: Clocks,
    pub(crate) principals: Arc<dyn Principals>,
    pub(crate) carrier: Arc<dyn Carrier>,
    pub(crate) public_url: String,
    pub(crate) encryption: Encryption,
    pub(crate) signers: Signers,
    /// Seals messages that wait.
    pub(crate) sealer: Sealer,
    pub(crate) measures: OnceLock<Arc<dyn Measures>>,
    pub(crate) putting_down: PuttingDown,
    /// Told when there may be something to deliver.
    pub(crate) nudge: Notify,
    waker: OnceLock<Waker>,
}

impl Notifications {
    /// The service, which delivers nothing before [`carry`](Self::carry).
    pub fn new(parts: Parts<'_>) -> Self {
        let Parts { db, root, authority, outbox, clocks, principals, kms, carrier, public_url } = parts;
        Self {
            mac: RowMac::new(root),
            authority,
            encryption: Encryption::new(kms, outbox.clone(), clocks.clone()),
            signers: Signers::new(db.clone(), root, clocks.clone()),
            sealer: Sealer::new(root, Purpose::Notifications),
            outbox,
            clocks,
            principals,
            carrier,
            public_url,
            measures: OnceLock::new(),
            putting_down: PuttingDown::default(),
            nudge: Notify::new(),
            waker: OnceLock::new(),
            db,
        }
    }

    /// Has `waker` woken whenever a change may have brought the next due item forward. The first one stays.
    pub fn wake(&self, waker: Waker) {
        drop(self.waker.set(waker));
    }

    /// Has what is counted taken by `measures`. The first one stays.
    pub fn measured_by(&self, measures: Arc<dyn Measures>) {
        drop(self.measures.set(measures));
    }

    /// The certificate at a path of this server, in PEM; nothing at others. An error means that nobody knows.
    pub async fn certificate_at(
        &self,
        path: &str,
    ) -> Result<Option<String>, Box<dyn std::error::Error + Send + Sync>> {
        self.signers.certificate_at(path).await.map_err(Refusal::into_cause)
    }

    /// Looks for what has become due at once: domain time was moved.
    pub fn clock_moved(&self) {
        self.nudge.notify_one();
    }

    /// Forgets what is in memory, after the store was emptied.
    pub fn start_over(&self) {
        self.encryption.start_over();
        self.signers.start_over();
        self.nudge.notify_one();
    }

    /// Tells whoever does what is due that something may be due earlier than before.
    pub(crate) fn agenda_changed(&self) {
        if let Some(waker) = self.waker.get() {
            waker.wake();
        }
    }

    /// The topic of that name, with permission to do `A`.
    pub(crate) async fn permitted_topic<A: Action>(
        &self,
        context: &RequestContext,
        name: &TopicName,
    ) -> Result<Authorized<A, Topic>, Refusal> {
        let found = repo::topics::find(&self.db, &self.mac, name).await?;
        self.permit(context, name, found)
    }

    /// The topic of that name as a transaction sees it, with permission to do `A`.
    pub(crate) async fn load_permitted<A: Action>(
        &self,
        tx: &mut Tx<'_>,
        context: &RequestContext,
        name: &TopicName,
    ) -> Result<Topic, Refusal> {
        let found = repo::topics::load(tx, &self.mac, name).await?;
        Ok(self.permit::<A>(context, name, found)?.into_resource())
    }

    fn permit<A: Action>(
        &self,
        context: &RequestContext,
        name: &TopicName,
        found: Option<Topic>,
    ) -> Result<Authorized<A, Topic>, Refusal> {
        if let Some(topic) = found {
            context.touched(TOPIC_RESOURCE, name.account, name.to_string());
            Ok(self.authority.authorize(context, topic)?)
        } else {
            self.authority.authorize::<A, _>(context, Absent(name))?;
            Err(Refusal::no_such_topic())
        }
    }

    /// Changes a topic. Permission to do `A` is asked for on the very state that the change commits on; `act` may run more
    /// than once.
    pub(crate) async fn change_topic<A: Action>(
        &self,
        context: &RequestContext,
        name: &TopicName,
        act: impl Fn(&mut Topic) -> Result<(), Refusal> + Send + Sync,
    ) -> Result<(), Refusal> {
        let act = &act;
        self.db
            .transaction(|tx| {
                Box::pin(async move {
                    let mut topic = self.load_permitted::<A>(tx, context, name).await?;
                    act(&mut topic)?;
                    repo::topics::replace(tx, &self.mac, &mut topic).await?;
                    Ok(repo::post(tx, context.draft()).await?)
                })
            })
            .await
    }

    /// The subscription of that name, with permission to do `A`.
    pub(crate) async fn permitted_subscription<A: Action>(
        &self,
        context: &RequestContext,
        name: &SubscriptionName,
    ) -> Result<Subscription, Refusal> {
        let found = repo::subscriptions::find(&self.db, &self.mac, &name.id).await?;
        self.permit_subscription::<A>(context, name, found)
    }

    /// A subscription that was found, if it is the one of that name and the caller may do `A` to it.
    pub(crate) fn permit_subscription<A: Action>(
        &self,
        context: &RequestContext,
        name: &SubscriptionName,
        found: Option<Subscription>,
    ) -> Result<Subscription, Refusal> {
        let Some(subscription) = found.filter(|found| found.name == *name) else {
            self.authority.authorize::<A, _>(context, Absent(&name.topic))?;
            return Err(Refusal::no_such_subscription());
        };
        context.touched(TOPIC_RESOURCE, name.topic.account, name.topic.to_string());
        self.authority.authorize::<A, _>(context, Seen::by(context, &subscription))?;
        Ok(subscription)
    }

    /// A policy that a topic is to get, with those whom it names.
    pub(crate) async fn bound(&self, topic: &TopicName, text: &str) -> Result<GivenPolicy, Refusal> {
        topic_policy::check(text)?;
        let found = Named::of(text, Kind::Resource).find(&*self.principals, topic.account).await;
        // Text: an answer of AWS, quoted in public issue threads.
        let bound = found
            .map_err(Refusal::Unavailable)?
            .map_err(|_nobody| Refusal::parameter("Policy Error: PrincipalNotFound"))?;
        Ok(GivenPolicy { text: text.to_owned(), bound })
    }
}

/// Whether nobody knows who calls: without a signature.
pub(crate) fn is_anonymous(context: &RequestContext) -> bool {
    matches!(&context.caller.principal, Principal::WebIdentity(web) if web.vouched().is_none())
}
