//! Trails, read and changed. Every function that does so for a caller asks for permission first, or on the state that the
//! change commits on.

use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, OnceLock};

use strongroom_api_kms::Kms;
use strongroom_identity::{AccountId, Action, RequestContext};
use strongroom_outbox::{OnBehalf, Outbox};
use strongroom_policy::{Authority, Resource, Values};
use strongroom_runtime::{Clocks, Waker};
use strongroom_store::{Db, RowMac, StoreError, Tx};

use crate::delivery::HOUR_MS;
use crate::delivery::bucket::Buckets;
use crate::delivery::log_groups::LogGroups;
use crate::delivery::notices::Notices;
use crate::domain::identifier::Named;
use crate::domain::selection::CLOUDTRAIL;
use crate::domain::tags::Tags;
use crate::domain::trail::{self, Moment, Trail};
use crate::error::Refusal;
use crate::repo::{self, chains, trails};
use crate::service::Parts;
use crate::signing::Signing;

/// What records call a trail.
const TRAIL: &str = "AWS::CloudTrail::Trail";

/// What callers and deliveries share.
pub(crate) struct Trails {
    pub(crate) db: Db,
    pub(crate) mac: RowMac,
    pub(crate) authority: Authority,
    pub(crate) clocks: Clocks,
    pub(crate) outbox: Arc<Outbox>,
    pub(crate) on_behalf: OnBehalf,
    pub(crate) buckets: Arc<dyn Buckets>,
    pub(crate) log_groups: Arc<dyn LogGroups>,
    pub(crate) kms: Arc<dyn Kms>,
    pub(crate) notices: Notices,
    pub(crate) signing: Signing,
    waker: OnceLock<Waker>,
    /// Everything that happened before it was gathered by this server.
    gathered_ms: AtomicI64,
}

/// A trail, as policies see it; one that may not be there.
pub(crate) struct Target {
    pub(crate) account: AccountId,
    pub(crate) arn: String,
    pub(crate) tags: Tags,
}

impl Resource for Target {
    fn owner(&self) -> AccountId {
        self.account
    }

    fn arn(&self) -> String {
        self.arn.clone()
    }

    fn condition_key(&self, key: &str, _context: &RequestContext) -> Option<Values<'_>> {
        self.tags.get(key.strip_prefix("aws:resourcetag/")?).map(Values::text)
    }
}

impl Trails {
    pub(crate) fn new(parts: Parts) -> Self {
        let Parts { db, root, authority, outbox, clocks, buckets, log_groups, kms, sns, .. } = parts;
        let (mac, signing) = (RowMac::new(&root), Signing::new(db.clone(), &root));
        let on_behalf = OnBehalf::new(CLOUDTRAIL, outbox.clone(), clocks.clone());
        let waker = OnceLock::new();
        Self {
            db,
            mac,
            authority,
            clocks,
            outbox,
            on_behalf,
            buckets,
            log_groups,
            kms,
            notices: Notices { sns },
            signing,
            waker,
            gathered_ms: AtomicI64::new(i64::MIN),
        }
    }

    /// Whom to tell that something became due earlier.
    pub(crate) fn wake(&self, waker: Waker) {
        let _ = self.waker.set(waker);
    }

    pub(crate) fn agenda_changed(&self) {
        if let Some(waker) = self.waker.get() {
            waker.wake();
        }
    }

    /// Notes what was gathered: all that happened before `ms`.
    pub(crate) fn gathered(&self, ms: i64) {
        self.gathered_ms.store(ms, Ordering::Relaxed);
    }

    pub(crate) fn gathered_ms(&self) -> i64 {
        self.gathered_ms.load(Ordering::Relaxed)
    }

    /// The moment of a call that changes what a trail logs.
    pub(crate) fn moment(&self, context: &RequestContext) -> Moment {
        let event = context.draft().map(|draft| draft.event_id);
        Moment { now_ms: context.now_ms, event, gathered_ms: self.gathered_ms() }
    }

    /// The trails of the caller's account.
    pub(crate) async fn all(&self, context: &RequestContext) -> Result<Vec<Trail>, Refusal> {
        Ok(trails::list(&self.db, &self.mac, context.account()).await?)
    }

    /// The trail that a name or ARN names, for `A`.
    pub(crate) async fn permitted<A: Action>(
        &self,
        context: &RequestContext,
        text: &str,
    ) -> Result<Trail, Refusal> {
        let named = Named::parse(context, text)?;
        let all = self.all(context).await?;
        let found = all
            .into_iter()
            .find(|trail| (&trail.home_region, &trail.name) == (&named.region, &named.name))
            // A trail of another Region that has no shadow here is not seen from here, but by its ARN.
            .filter(|trail| named.by_arn || trail.is_in(context.region.name()));
        self.permit::<A>(context, &named, found)
    }

    /// Changes the trail that a name or ARN names, in its home Region. Permission to do `A` is asked for on the very state
    /// that the change commits on; `act` may run more than once. Answers the trail as it is then.
    pub(crate) async fn change<A: Action>(
        &self,
        context: &RequestContext,
        text: &str,
        act: impl Fn(&mut Trail) -> Result<(), Refusal> + Send + Sync,
    ) -> Result<Trail, Refusal> {
        let named = &Named::parse(context, text)?;
        let act = &act;
        let changed = self.db.transaction(|tx| {
            Box::pin(async move {
                let (account, region, name) = (context.account(), &named.region, &named.name);
                let found = trails::find(tx, &self.mac, account, region, name).await?;
                let before = self.permit::<A>(context, named, found)?;
                if before.home_region != context.region.name() {
                    return Err(Refusal::not_at_home(&before.arn(), &before.home_region));
                }
                let mut trail = before.clone();
                act(&mut trail)?;
                let due_ms = trail.deleted_ms;
                trails::update(tx, &self.mac, &trail, due_ms).await?;
                self.keep_chains(tx, &before, &trail).await?;
                repo::post(tx, context.draft()).await?;
                Ok(trail)
            })
        });
        let changed = changed.await;
        self.agenda_changed();
        changed
    }

    /// Permission to do `A` to a trail, found or not.
    fn permit<A: Action>(
        &self,
        context: &RequestContext,
        named: &Named,
        found: Option<Trail>,
    ) -> Result<Trail, Refusal> {
        let account = context.account();
        let arn = trail::arn(account, &named.region, &named.name);
        let tags = found.as_ref().map(|trail| trail.tags.clone()).unwrap_or_default();
        self.authority.authorize::<A, _>(context, Target { account, arn: arn.clone(), tags })?;
        let trail = found.ok_or_else(|| Refusal::unknown_trail(&arn, account))?;
        context.touched(TRAIL, account, arn);
        Ok(trail)
    }

    /// Permission to do `A` to what there is none of in any account.
    pub(crate) fn permit_nothing<A: Action>(
        &self,
        context: &RequestContext,
        arn: &str,
    ) -> Result<(), Refusal> {
        let target = Target { account: context.account(), arn: arn.to_owned(), tags: Tags::default() };
        self.authority.authorize::<A, _>(context, target)?;
        Ok(())
    }

    /// Permission to make a trail.
    pub(crate) fn permit_new<A: Action>(&self, context: &RequestContext, name: &str) -> Result<(), Refusal> {
        let account = context.account();
        let arn = trail::arn(account, context.region.name(), name);
        context.touched(TRAIL, account, arn.clone());
        self.authority.authorize::<A, _>(context, Target { account, arn, tags: Tags::default() })?;
        Ok(())
    }

    /// Keeps a new trail.
    pub(crate) async fn add(&self, context: &RequestContext, trail: &Trail) -> Result<(), Refusal> {
        self.db
            .transaction(|tx| {
                Box::pin(async move {
                    let all = trails::all_of(tx, &self.mac, &trail.account.to_string()).await?;
                    expect_room(&all, trail)?;
                    if !trails::insert(tx, &self.mac, trail).await? {
                        return Err(Refusal::trail_exists(&trail.name, trail.account));
                    }
                    repo::post(tx, context.draft()).await?;
                    Ok(())
                })
            })
            .await
    }

    /// Refuses a trail for which there is no room, or whose name is taken, before anything is tried for it.
    pub(crate) async fn expect_room(&self, trail: &Trail) -> Result<(), Refusal> {
        expect_room(&trails::list(&self.db, &self.mac, trail.account).await?, trail)
    }
}

impl Trails {
    /// Begins the chain of digests of a trail that signs from now on, and has one that does not any more end soon.
    async fn keep_chains(&self, tx: &mut Tx<'_>, before: &Trail, after: &Trail) -> Result<(), StoreError> {
        let signs = |trail: &Trail| trail.settings.is_validated && trail.is_logging();
        let now_ms = self.clocks.domain_now();
        match (signs(before), signs(after)) {
            (false, true) => {
                let start_ms = now_ms.saturating_sub(now_ms.rem_euclid(1000));
                let window = (start_ms, start_ms.saturating_add(HOUR_MS));
                chains::begin(tx, &after.id, &after.home_region, window).await
            }
            (true, false) => chains::hurry(tx, &after.id, now_ms).await,
            _ => Ok(()),
        }
    }
}

/// Of the trails of an account, those in one Region are counted, shadows too.
fn expect_room(all: &[Trail], new: &Trail) -> Result<(), Refusal> {
    let others: Vec<_> = all.iter().filter(|trail| trail.deleted_ms.is_none()).collect();
    if others.iter().any(|trail| (&trail.home_region, &trail.name) == (&new.home_region, &new.name)) {
        return Err(Refusal::trail_exists(&new.name, new.account));
    }
    let count = |region: &str| others.iter().filter(|trail| trail.is_in(region)).count();
    if count(&new.home_region) >= trail::MOST_IN_REGION {
        return Err(Refusal::too_many_trails(new.account, &new.home_region));
    }
    Ok(())
}
