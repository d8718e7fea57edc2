//! A node in production: what `strongroom init` has made, opened; nothing of development.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Result;
use strongroom_iam::{AccessKeys, IdentityManagement};
use strongroom_policy::Authority;
use strongroom_resealing::{GRACE, Kept};
use strongroom_runtime::{Clocks, Shutdown};
use strongroom_store::{Db, Engine};

use super::{Choices, Door, Foundation, Ground, Node, Services, beside, objects};
use crate::control::Parts;
use crate::resealing;
use crate::seed::{Garden, Seed};
use crate::settings::{JournalChoices, Place};

impl Node {
    /// Opens what is at `place`, whose data folder the caller has locked, and joins the layers. What becomes due is done
    /// until `shutdown` begins. What the seed names is there then. Beside the node comes what commands work on.
    pub(crate) async fn open(
        place: &Place,
        journal: &JournalChoices,
        choices: Choices,
        door: Door,
        seed: Option<Seed>,
        shutdown: Shutdown,
    ) -> Result<(Self, Parts)> {
        let foundation = Foundation::open(place).await?;
        // Before this server has a journal in the store.
        objects::open(&foundation.db, &place.objects).await?;
        let ground = Ground::on(foundation, &place.data, Clocks::system(), journal).await?;
        let Ground { db, root, clocks, outbox, journal, .. } = &ground;
        let history = journal.reader();
        let access_keys = Arc::new(AccessKeys::new(db.clone(), root, clocks.clone()));
        let services = Services::join(&ground, &place.data, access_keys, history, choices, &shutdown).await?;
        services.start(&ground, &shutdown).await?;
        if let Some(seed) = &seed {
            let (iam, kms) = (services.iam.clone(), services.kms.clone());
            let garden = Garden { iam, kms, outbox: outbox.clone(), clocks: clocks.clone() };
            seed.plant(&garden).await?;
        }
        let iam = services.iam.clone();
        let beside = beside::sealed(root, &services.points, &services.log_events);
        let resealing = resealing::of(&ground, &iam, beside, GRACE);
        shutdown.spawn(resealing.clone().follow(shutdown.clone()));
        let parts = Parts { place: place.clone(), ground: ground.clone(), iam, resealing };
        Ok((Self::new(&ground, &services, door, None, shutdown), parts))
    }
}

/// What whoever runs the machine has done where no server runs.
pub(crate) struct Offline {
    pub(crate) parts: Parts,
    /// The databases beside an embedded store.
    beside: Vec<Db>,
}

impl Offline {
    /// Opens what is at `place`, whose data folder the caller has locked.
    pub(crate) async fn open(place: &Place, journal: &JournalChoices) -> Result<Self> {
        let foundation = Foundation::open(place).await?;
        let Foundation { db, root, .. } = &foundation;
        let points = beside::points(db, root, &place.data).await?;
        let log_events = beside::log_events(db, root, &place.data).await?;
        let sealed = beside::sealed(root, &points, &log_events);
        let is_beside = db.engine() == Engine::Sqlite;
        let beside = if is_beside { vec![points, log_events] } else { Vec::new() };
        Self::with(foundation, place, journal, (beside, sealed)).await
    }

    /// The same on a foundation that is open and new: nothing is beside it yet.
    pub(crate) async fn on(foundation: Foundation, place: &Place, journal: &JournalChoices) -> Result<Self> {
        Self::with(foundation, place, journal, (Vec::new(), Vec::new())).await
    }

    async fn with(
        foundation: Foundation,
        place: &Place,
        journal: &JournalChoices,
        (beside, sealed): (Vec<Db>, Vec<Arc<dyn Kept>>),
    ) -> Result<Self> {
        let ground = Ground::on(foundation, &place.data, Clocks::system(), journal).await?;
        let access_keys = AccessKeys::new(ground.db.clone(), &ground.root, ground.clocks.clone());
        let history = ground.journal.reader();
        let iam = IdentityManagement::new(&access_keys, &ground.root, Authority::new(), history);
        let iam = Arc::new(iam);
        // The data folder is locked: on SQLite nobody else is at the store. On PostgreSQL somebody may be.
        let grace = match ground.db.engine() {
            Engine::Sqlite => Duration::ZERO,
            Engine::Postgres => GRACE,
        };
        let resealing = resealing::of(&ground, &iam, sealed, grace);
        Ok(Self { parts: Parts { place: place.clone(), ground, iam, resealing }, beside })
    }

    /// Flushes and closes what is on disk.
    pub(crate) async fn close(self) -> Result<()> {
        let Parts { ground, iam, resealing, .. } = self.parts;
        drop((iam, resealing));
        for db in self.beside {
            db.close().await?;
        }
        ground.close().await
    }
}
