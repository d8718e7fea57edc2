//! The change feed: what servers on one store tell each other, so that what each keeps in memory is never older
//! than a moment.
//!
//! Whoever changes a row that somebody may keep in memory says so in the same transaction ([`Tx::announce`]). Every
//! server looks at what has been announced since it looked last and passes it to those who keep something
//! ([`Feed::on`]). A look asks for what has *become visible* since the look before, not for what has a greater
//! number: on PostgreSQL transactions commit in another order than they begin, and a reader that goes by numbers
//! passes over the late ones. See `docs/adr/0019-the-position-of-a-feed-is-a-snapshot.md`.
//!
//! A server that could not look for too long is *stale* ([`Feed::is_stale`]): what it has in memory may have been
//! revoked. It refuses what depends on that until it has looked again.

mod announcing;
mod following;
mod postgres;
mod sqlite;

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock, PoisonError, RwLock};
use std::time::Duration;

use tokio::sync::Notify;

pub(crate) use self::announcing::{STATEMENTS, TABLE};
pub use self::following::Following;
use crate::Engine;
#[cfg(doc)]
use crate::Tx;

/// What a change is about: which kind of row, by a name that no other kind has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Topic(&'static str);

impl Topic {
    /// The topic of that name, for example `kms.keys`. Meant for `const` items.
    ///
    /// # Panics
    /// When the name is empty, which in a `const` is a compile error.
    #[must_use]
    pub const fn new(name: &'static str) -> Self {
        assert!(!name.is_empty(), "a topic has a name");
        Self(name)
    }

    /// Its name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        self.0
    }
}

/// What a follower hears.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum News<'n> {
    /// What has this key has changed, or is gone. Nobody has checked the key: it only says what to forget.
    Changed(&'n str),
    /// Anything may have changed: nothing that is in memory is to be trusted.
    Anything,
}

/// Time that has passed since some moment, by a clock that nobody sets and that goes on while the machine sleeps.
pub type Uptime = Arc<dyn Fn() -> Duration + Send + Sync>;

/// How changes are followed.
#[derive(Clone)]
pub struct FeedOptions {
    /// The age of the last look at which a server on PostgreSQL is stale.
    pub stale_after: Duration,
    /// The longest time between two looks. Where the engine can wake who waits, looks come sooner.
    pub look_every: Duration,
    /// What ages are measured by.
    pub uptime: Uptime,
}

impl FeedOptions {
    /// Stale after five seconds, a look at least every quarter of a second.
    #[must_use]
    pub fn new(uptime: Uptime) -> Self {
        Self { stale_after: Duration::from_secs(5), look_every: Duration::from_millis(250), uptime }
    }

    /// Whether a look that began at that moment, as [`Feed`] notes it, is young enough.
    fn is_lately(&self, looked_at: u64) -> bool {
        let Some(looked_at) = looked_at.checked_sub(1) else { return false };
        (self.uptime)().saturating_sub(Duration::from_millis(looked_at)) <= self.stale_after
    }
}

/// The mark of what does not age.
const AGELESS: u64 = u64::MAX;

type Follower = Box<dyn Fn(News<'_>) + Send + Sync>;

/// A store's feed, as this process sees it.
pub struct Feed {
    engine: Engine,
    followers: RwLock<Vec<(Topic, Follower)>>,
    terms: OnceLock<FeedOptions>,
    /// When the last look that was taken in began, in milliseconds of uptime; one more, so that 0 is never.
    looked_at: AtomicU64,
    /// The same of the last look that had something to tell, before it was told.
    told_at: AtomicU64,
    /// Woken by commits of this process that announced something.
    committed: Notify,
}

impl Feed {
    pub(crate) fn new(engine: Engine) -> Self {
        Self {
            engine,
            followers: RwLock::default(),
            terms: OnceLock::new(),
            looked_at: AtomicU64::new(0),
            told_at: AtomicU64::new(0),
            committed: Notify::new(),
        }
    }

    /// Has `follower` told of changes of that topic, this process's own included, as long as the feed is followed.
    /// It is called by the task that follows, and does not wait.
    pub fn on(&self, topic: Topic, follower: impl Fn(News<'_>) + Send + Sync + 'static) {
        let mut followers = self.followers.write().unwrap_or_else(PoisonError::into_inner);
        followers.push((topic, Box::new(follower)));
    }

    /// Whether what is in memory follows the store: changes are followed, and have been looked at lately.
    pub fn is_current(&self) -> bool {
        self.terms.get().is_some_and(|terms| self.is_lately(terms))
    }

    /// Whether what is in memory may be of the past: changes are followed, and have not been looked at for longer
    /// than is allowed. Never on SQLite, where one process writes, and never before anybody follows: what such a
    /// process does is its owner's business.
    pub fn is_stale(&self) -> bool {
        self.terms.get().is_some_and(|terms| !self.is_lately(terms))
    }

    /// How old the last look is; nothing before there was one.
    pub fn age(&self) -> Option<Duration> {
        let terms = self.terms.get()?;
        let looked_at = self.looked_at.load(Ordering::Acquire).checked_sub(1)?;
        Some((terms.uptime)().saturating_sub(Duration::from_millis(looked_at)))
    }

    /// A mark of how old what is in memory is at this moment; `None` if it is [stale](Self::is_stale). Whoever acts on
    /// what he finds there asks afterwards whether it still [holds](Self::holds).
    pub fn mark(&self) -> Option<u64> {
        let Some(terms) = self.terms.get().filter(|_| self.engine == Engine::Postgres) else {
            return Some(AGELESS);
        };
        let looked_at = self.looked_at.load(Ordering::Acquire);
        Some(looked_at).filter(|looked_at| terms.is_lately(*looked_at))
    }

    /// Whether what was in memory at the mark may still be acted on: it is no older than is allowed, or it is still the
    /// same, because no look since had anything to tell and the last one is young enough. What takes longer than that is
    /// not refused for it; what slept through a change is.
    pub fn holds(&self, mark: u64) -> bool {
        let Some(terms) = self.terms.get().filter(|_| mark != AGELESS) else { return mark == AGELESS };
        // In this order: whatever looks up to the last one had to tell is seen.
        let looked_at = self.looked_at.load(Ordering::Acquire);
        let is_same = self.told_at.load(Ordering::Acquire) < mark;
        terms.is_lately(mark) || (is_same && terms.is_lately(looked_at))
    }

    fn is_lately(&self, terms: &FeedOptions) -> bool {
        self.engine == Engine::Sqlite || terms.is_lately(self.looked_at.load(Ordering::Acquire))
    }

    fn tell(&self, topic: &str, news: News<'_>) {
        let followers = self.followers.read().unwrap_or_else(PoisonError::into_inner);
        followers.iter().filter(|(of, _)| of.name() == topic).for_each(|(_, follower)| follower(news));
    }

    fn tell_all(&self) {
        let followers = self.followers.read().unwrap_or_else(PoisonError::into_inner);
        followers.iter().for_each(|(_, follower)| follower(News::Anything));
    }

    /// A look that began then has something to tell.
    fn tells(&self, at: Duration) {
        self.told_at.store(noted(at), Ordering::Release);
    }

    /// What a look that began then had to tell has been told.
    fn looked(&self, at: Duration) {
        self.looked_at.store(noted(at), Ordering::Release);
    }

    /// A transaction of this process that announced something has been committed.
    pub(crate) fn committed(&self) {
        self.committed.notify_one();
    }
}

/// A moment as marks have it.
fn noted(at: Duration) -> u64 {
    u64::try_from(at.as_millis()).unwrap_or(u64::MAX).saturating_add(1)
}

/// What a look found.
#[derive(Debug, PartialEq, Eq)]
enum Found {
    /// What was announced, in an order in which nothing comes before what it followed upon.
    Changes(Vec<Announced>),
    /// Nobody can say what has changed since: the first look, or one too late, or there was too much.
    Anything,
}

/// One announcement.
#[derive(Debug, PartialEq, Eq)]
struct Announced {
    topic: String,
    key: String,
}
