//! Tables change forward only, once, and all servers agree on how.

use std::collections::HashMap;

use strongroom_crypto::digest::sha256;

use crate::connection::Connection;
use crate::retry::Retry;
use crate::snapshot::Applied;
use crate::transaction::Tx;
use crate::{Db, Row, Statement, StoreError, feed, meta, outbox};

/// One step of a component's tables, run once in the life of a database.
///
/// A migration that has been released is never altered: a digest of its text is kept and compared. It is
/// written in the dialect (see the crate's head) and holds any number of statements.
#[derive(Clone, Copy, Debug)]
pub struct Migration {
    /// Whose tables: a service's name.
    pub component: &'static str,
    /// 1 for the component's first, then without a gap.
    pub version: u32,
    /// What it does, in a word or two.
    pub name: &'static str,
    /// Its statements.
    pub sql: &'static str,
}

/// Why the tables and this program do not fit.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SchemaError {
    /// The database has been through a step that this program does not know.
    #[error(
        "the database was written by a newer Strongroom: it has {component} migration {version} ({name}), \
         which this one does not know; start the newer one"
    )]
    Newer {
        /// Whose tables.
        component: String,
        /// Which step.
        version: i64,
        /// What it does.
        name: String,
    },
    /// A step of this program is not the one that the database has been through.
    #[error(
        "the database has been through another {component} migration {version} ({name}) than this \
         Strongroom's: it was written by a different build"
    )]
    Altered {
        /// Whose tables.
        component: &'static str,
        /// Which step.
        version: u32,
        /// What it does.
        name: &'static str,
    },
    /// The program's own list is out of order.
    #[error("{component} migration {version} is out of order: versions count from 1 without a gap")]
    OutOfOrder {
        /// Whose tables.
        component: &'static str,
        /// Which step.
        version: u32,
    },
}

/// Where applied steps are recorded. Not a migration, as it is there before the first.
const MAKE_RECORD: &str = "
CREATE TABLE IF NOT EXISTS schema_migrations (
    component TEXT NOT NULL,
    version BIGINT NOT NULL,
    name TEXT NOT NULL,
    digest BYTEA NOT NULL,
    PRIMARY KEY (component, version)
)";

/// The store's own tables.
const OWN: &[Migration] = &[
    Migration {
        component: "store",
        version: 1,
        name: "meta",
        sql: "CREATE TABLE meta (name TEXT PRIMARY KEY, value BYTEA NOT NULL)",
    },
    Migration { component: "store", version: 2, name: "outbox", sql: outbox::TABLE },
    Migration { component: "store", version: 3, name: "changes", sql: feed::TABLE },
    Migration { component: "store", version: 4, name: "outbox writers", sql: outbox::WRITERS_TABLE },
];

const ALL: Statement = Statement::new(
    "SELECT component, version, name, digest FROM schema_migrations ORDER BY component, version",
);
const ONE: Statement =
    Statement::new("SELECT digest FROM schema_migrations WHERE component = $1 AND version = $2");
const RECORD: Statement = Statement::new(
    "INSERT INTO schema_migrations (component, version, name, digest) VALUES ($1, $2, $3, $4)",
);

/// How a migration's transaction begins. On PostgreSQL one server works while others wait; at `READ
/// COMMITTED`, because a snapshot taken before the wait would not show what the others did meanwhile. The
/// number stands for Strongroom among the advisory locks of a database.
const BEGIN_POSTGRES: &str = "
BEGIN ISOLATION LEVEL READ COMMITTED;
SET LOCAL statement_timeout = '10min';
SELECT pg_advisory_xact_lock(8321675398452129390)";
const BEGIN_SQLITE: &str = "BEGIN IMMEDIATE";

impl Db {
    /// Brings the tables of all components up to date, each component's list in its order. Steps that the
    /// database has been through are skipped; each new one is one transaction. Servers may start at once.
    ///
    /// `sets` is everything the program knows: a step in the database that is in none of them means that a
    /// newer program wrote it, and is refused before anything is changed.
    pub async fn migrate(&self, sets: &[&[Migration]]) -> Result<(), StoreError> {
        let known = in_order(sets.iter().copied().chain([OWN]))?;
        let mut applied = HashMap::new();
        for row in self.query(ALL, &[]).await? {
            let (component, version) = (row.text("component")?, row.i64("version")?);
            if known.get(component.as_str()).is_none_or(|last| version > i64::from(*last)) {
                return Err(SchemaError::Newer { component, version, name: row.text("name")? }.into());
            }
            applied.insert((component, version), row.blob("digest")?);
        }
        for set in sets {
            for migration in *set {
                if let Some(digest) = applied.get(&(migration.component.to_owned(), migration.version.into()))
                {
                    migration.expect(digest)?;
                    continue;
                }
                self.apply(migration).await?;
                // News where there was something before; a new store is nothing else than new tables.
                if applied.keys().any(|(component, _)| component != OWN[0].component) {
                    let Migration { component, version, name, .. } = *migration;
                    tracing::info!(component, version, name, "tables brought forward");
                }
            }
        }
        Ok(())
    }

    /// Brings the tables to where another store's were: through the steps of `applied`, and no other. Those of the store
    /// itself are there already, and may be further.
    pub(crate) async fn migrate_to(
        &self,
        sets: &[&[Migration]],
        applied: &[Applied],
    ) -> Result<(), StoreError> {
        let _ = in_order(sets.iter().copied().chain([OWN]))?;
        let all = || sets.iter().copied().chain([OWN]).flatten();
        for Applied { component, version, name, digest } in applied {
            let known = all().find(|known| known.component == component && known.version == *version);
            let Some(known) = known else {
                let (component, version, name) = (component.clone(), (*version).into(), name.clone());
                return Err(SchemaError::Newer { component, version, name }.into());
            };
            known.expect(digest)?;
        }
        for migration in all() {
            if applied
                .iter()
                .any(|step| step.component == migration.component && step.version == migration.version)
            {
                self.apply(migration).await?;
            }
        }
        Ok(())
    }

    /// Makes the tables that the store itself needs, if they are not there.
    pub(crate) async fn make_own_tables(&self) -> Result<(), StoreError> {
        let mut retry = Retry::new(self.line());
        loop {
            match self.try_make_record().await {
                Err(StoreError::Conflict) if retry.again().await => {}
                Err(error) => return Err(error),
                Ok(()) => break,
            }
        }
        for migration in OWN {
            self.apply(migration).await?;
        }
        Ok(())
    }

    async fn try_make_record(&self) -> Result<(), StoreError> {
        let mut tx = Tx::begin(self, self.pick(BEGIN_SQLITE, BEGIN_POSTGRES)).await?;
        tx.run(MAKE_RECORD).await?;
        tx.commit().await
    }

    async fn apply(&self, migration: &Migration) -> Result<(), StoreError> {
        let mut retry = Retry::new(self.line());
        loop {
            match self.try_apply(migration).await {
                Err(StoreError::Conflict) if retry.again().await => {}
                answer => return answer,
            }
        }
    }

    async fn try_apply(&self, migration: &Migration) -> Result<(), StoreError> {
        let Migration { component, version, name, sql } = *migration;
        let mut tx = Tx::begin(self, self.pick(BEGIN_SQLITE, BEGIN_POSTGRES)).await?;
        if let Some(row) = tx.query_opt(ONE, &[component.into(), version.into()]).await? {
            let digest = row.blob("digest")?;
            tx.roll_back().await;
            return Ok(migration.expect(&digest)?);
        }
        tx.run(sql).await?;
        tx.execute(RECORD, &[component.into(), version.into(), name.into(), sha256(sql.as_bytes()).into()])
            .await?;
        tx.commit().await?;
        tracing::debug!(component, version, name, "a migration was applied");
        Ok(())
    }
}

/// The steps that the tables have been through, as this connection sees them.
pub(crate) async fn applied_in(connection: &mut Connection) -> Result<Vec<Applied>, StoreError> {
    let rows = connection.query(ALL, &[]).await?;
    let applied = |row: &Row| {
        Ok(Applied {
            component: row.text("component")?,
            version: u32::try_from(row.i64("version")?)
                .map_err(|error| StoreError::column("version", error))?,
            name: row.text("name")?,
            digest: row.blob("digest")?,
        })
    };
    rows.iter().map(applied).collect()
}

impl Migration {
    fn expect(&self, digest: &[u8]) -> Result<(), SchemaError> {
        if sha256(self.sql.as_bytes()) == digest {
            return Ok(());
        }
        Err(SchemaError::Altered { component: self.component, version: self.version, name: self.name })
    }
}

/// The last version of each component.
fn in_order<'s>(
    sets: impl Iterator<Item = &'s [Migration]>,
) -> Result<HashMap<&'static str, u32>, SchemaError> {
    let mut last = HashMap::new();
    for &Migration { component, version, .. } in sets.flatten() {
        let last = last.entry(component).or_insert(0);
        if version != *last + 1 {
            return Err(SchemaError::OutOfOrder { component, version });
        }
        *last = version;
    }
    Ok(last)
}

impl Db {
    /// The store's own statements, for the test that shows every statement to both engines.
    pub const STATEMENTS: &[&[Statement]] =
        &[meta::STATEMENTS, outbox::STATEMENTS, feed::STATEMENTS, &[ALL, ONE, RECORD]];
}
