//! The servers on one PostgreSQL, as far as they have to have a root key before it is used. On SQLite there is one.

use strongroom_crypto::{hex, random};
use strongroom_seal::{Epoch, Root};
use strongroom_store::{Db, Engine};

use crate::ResealingError;

/// Before a server's name: the newest epoch that it has and the one in which it seals, 4 bytes each, and when it said so, in
/// real milliseconds since 1970, 8 bytes; all big-endian.
const SERVER: &str = "seal.server.";
/// A server that has said nothing for so long does not run, or does not reach the store.
const SILENT_MS: i64 = 60_000;
/// After so long its name is taken out, and no transaction that it began can still commit.
const GONE_MS: i64 = 3_600_000;

/// This server among the others.
pub(crate) struct Servers {
    db: Db,
    name: String,
}

/// One of the servers.
struct Report {
    newest: Epoch,
    current: Epoch,
    at_ms: i64,
}

impl Servers {
    pub(crate) fn new(db: Db) -> Result<Self, ResealingError> {
        let name = hex::encode(&random::bytes::<8>().map_err(strongroom_seal::SealError::from)?);
        Ok(Self { db, name: format!("{SERVER}{name}") })
    }

    /// Says which epoch is the newest here, and in which this server seals.
    pub(crate) async fn report(&self, root: &Root, now_ms: i64) -> Result<(), ResealingError> {
        if self.db.engine() == Engine::Postgres {
            let (newest, current) = (root.newest_epoch().number(), root.current_epoch().number());
            let said =
                [newest.to_be_bytes().as_slice(), &current.to_be_bytes(), &now_ms.to_be_bytes()].concat();
            self.db.meta_set(&self.name, &said).await?;
        }
        Ok(())
    }

    /// Takes the name out: the server stops.
    pub(crate) async fn leave(&self) -> Result<(), ResealingError> {
        if self.db.engine() == Engine::Postgres {
            self.db.meta_remove(&self.name).await?;
        }
        Ok(())
    }

    /// How many servers that run do not have the root key of `epoch` yet.
    pub(crate) async fn without(&self, epoch: Epoch, now_ms: i64) -> Result<usize, ResealingError> {
        self.count(now_ms, SILENT_MS, |report| report.newest < epoch).await
    }

    /// How many servers may still seal something under an older one than that of `epoch`. Those that are long gone
    /// are taken out.
    pub(crate) async fn may_be_before(&self, epoch: Epoch, now_ms: i64) -> Result<usize, ResealingError> {
        for (name, said) in self.db.meta_list(SERVER).await? {
            if read(&said).is_none_or(|report| now_ms.saturating_sub(report.at_ms) > GONE_MS) {
                self.db.meta_remove(&name).await?;
            }
        }
        self.count(now_ms, GONE_MS, |report| report.current < epoch).await
    }

    async fn count(
        &self,
        now_ms: i64,
        patience_ms: i64,
        is_behind: impl Fn(&Report) -> bool,
    ) -> Result<usize, ResealingError> {
        let reports = self.db.meta_list(SERVER).await?.into_iter().filter_map(|(_, said)| read(&said));
        let speaks = |report: &Report| now_ms.saturating_sub(report.at_ms) <= patience_ms;
        Ok(reports.filter(|report| speaks(report) && is_behind(report)).count())
    }
}

fn read(said: &[u8]) -> Option<Report> {
    let (newest, rest) = said.split_first_chunk()?;
    let (current, at_ms) = rest.split_first_chunk()?;
    let epoch = |bytes| Epoch::new(u32::from_be_bytes(bytes));
    let at_ms = i64::from_be_bytes(at_ms.try_into().ok()?);
    Some(Report { newest: epoch(*newest), current: epoch(*current), at_ms })
}
