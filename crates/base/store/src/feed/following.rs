//! Following: look, pass on, wait.

use std::collections::VecDeque;
use std::time::Duration;

use super::announcing::{EVERYTHING, FORGET};
use super::{Announced, FeedOptions, Found, News, postgres, sqlite};
use crate::db::Pools;
use crate::{Db, StoreError};

/// The most that one look takes in. Beyond it everything is forgotten, which costs less.
const MOST: u32 = 10_000;

/// The shortest time between two looks: many changes at once make few looks.
const PAUSE: Duration = Duration::from_millis(10);

/// How long announcements stay in the store.
const KEPT: Duration = Duration::from_mins(10);

/// The age of the last look after which what was announced since may be gone already.
const TOO_LATE: Duration = Duration::from_mins(5);

/// How often it is noted up to where announcements have been seen, and old ones are taken out.
const TIDY_EVERY: Duration = Duration::from_mins(1);

/// A process that follows the changes of its store. When it is dropped, what is in memory becomes stale.
pub struct Following {
    db: Db,
    options: FeedOptions,
    sight: Sight,
    /// When the last look began that succeeded.
    looked_at: Option<Duration>,
    /// Up to where announcements had been seen, and when; the oldest first.
    marks: VecDeque<(Duration, i64)>,
    failing: bool,
}

enum Sight {
    Sqlite(sqlite::Sight),
    Postgres(Box<postgres::Sight>),
}

impl Db {
    /// Begins to follow the changes that servers make to this store, once for each open store. What is in memory
    /// counts as current from here on; whoever follows [runs](Following::run) the answer.
    pub async fn follow_changes(&self, options: FeedOptions) -> Result<Following, StoreError> {
        let sight = match self.pools() {
            Pools::Sqlite { .. } => Sight::Sqlite(sqlite::Sight::new()),
            Pools::Postgres(pool) => {
                Sight::Postgres(Box::new(postgres::Sight::new((*pool.connect_options()).clone())))
            }
        };
        if self.feed().terms.set(options.clone()).is_err() {
            return Err(StoreError::Setup("the changes of this store are followed already".to_owned()));
        }
        let marks = VecDeque::new();
        let mut following =
            Following { db: self.clone(), options, sight, looked_at: None, marks, failing: false };
        following.look().await?;
        Ok(following)
    }
}

impl Following {
    /// Looks again and again, until `until` resolves.
    pub async fn run(mut self, until: impl Future<Output = ()>) {
        tokio::pin!(until);
        let db = self.db.clone();
        loop {
            let committed = tokio::select! {
                biased;
                () = until.as_mut() => return,
                () = db.feed().committed.notified() => true,
                () = self.sight.wait(self.options.look_every) => false,
            };
            if committed {
                self.sight.wake_others().await;
            }
            match self.look().await {
                Ok(()) if self.failing => {
                    self.failing = false;
                    tracing::info!("changes of other servers are seen again");
                }
                Ok(()) => {}
                Err(error) if self.failing => tracing::debug!(%error, "changes are still not seen"),
                Err(error) => {
                    self.failing = true;
                    tracing::warn!(%error, "changes of other servers are not seen: soon calls are refused");
                }
            }
            tokio::time::sleep(PAUSE).await;
        }
    }

    /// Looks once, and passes on what there is. What was in memory before the look is as current as the look when
    /// this returns.
    pub async fn look(&mut self) -> Result<(), StoreError> {
        let begun = (self.options.uptime)();
        if self.looked_at.is_some_and(|at| begun.saturating_sub(at) > TOO_LATE) {
            self.sight.lose();
        }
        let found = self.sight.look(&self.db).await?;
        let feed = self.db.feed();
        if found != Found::Changes(Vec::new()) {
            feed.tells(begun);
        }
        match found {
            Found::Anything => feed.tell_all(),
            Found::Changes(changes) => {
                for Announced { topic, key } in &changes {
                    if topic == EVERYTHING {
                        feed.tell_all();
                    } else {
                        feed.tell(topic, News::Changed(key));
                    }
                }
            }
        }
        self.looked_at = Some(begun);
        feed.looked(begun);
        self.tidy(begun).await;
        Ok(())
    }

    /// Takes out announcements that every server has seen or will not ask for.
    async fn tidy(&mut self, now: Duration) {
        let Some(horizon) = self.sight.horizon() else { return };
        if self.marks.back().is_some_and(|(at, _)| now.saturating_sub(*at) < TIDY_EVERY) {
            return;
        }
        self.marks.push_back((now, horizon));
        let mut before = None;
        while let Some((at, horizon)) = self.marks.front().copied()
            && now.saturating_sub(at) >= KEPT
        {
            before = Some(horizon);
            self.marks.pop_front();
        }
        if let Some(before) = before
            && let Err(error) = self.sight.forget(&self.db, before).await
        {
            tracing::warn!(%error, "old announcements stay in the store");
        }
    }
}

impl Sight {
    async fn look(&mut self, db: &Db) -> Result<Found, StoreError> {
        match self {
            Self::Sqlite(sight) => sight.look(db, MOST).await,
            Self::Postgres(sight) => sight.look(MOST).await,
        }
    }

    async fn wait(&mut self, most: Duration) {
        match self {
            Self::Sqlite(_) => tokio::time::sleep(most).await,
            Self::Postgres(sight) => sight.wait(most).await,
        }
    }

    /// Nobody but this process waits for what it does on SQLite.
    async fn wake_others(&mut self) {
        if let Self::Postgres(sight) = self {
            sight.wake_others().await;
        }
    }

    async fn forget(&mut self, db: &Db, before: i64) -> Result<(), StoreError> {
        match self {
            Self::Sqlite(_) => db.execute(FORGET, &[before.into()]).await.map(drop),
            Self::Postgres(sight) => sight.forget(before).await,
        }
    }

    fn horizon(&self) -> Option<i64> {
        match self {
            Self::Sqlite(sight) => sight.horizon(),
            Self::Postgres(sight) => sight.horizon(),
        }
    }

    fn lose(&mut self) {
        match self {
            Self::Sqlite(sight) => sight.lose(),
            Self::Postgres(sight) => sight.lose(),
        }
    }
}
