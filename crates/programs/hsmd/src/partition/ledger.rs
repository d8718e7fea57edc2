//! The kernel's replica and the files that keep it: whatever it says is to be persisted is, before anyone hears
//! of it.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use strongroom_hsm_cluster::{
    Admission, Admit, ClusterError, Command, CommandId, Event, Extent, FEATURE_LEVEL, JoinRequest, MemberId,
    Progress, Proposed, Replica, SealedEntry, Standing,
};
use strongroom_secret::Key256;

use super::{Core, LogError, View};
use crate::state::{Folder, Tail};

const CHECKPOINT: &str = "checkpoint";
const TAIL: &str = "tail";

/// The replica on disk. Whoever changes it holds the log's turn; whoever only asks does not have to.
pub(crate) struct Ledger {
    kept: Mutex<Kept>,
    folder: Arc<Folder>,
    view: Arc<View>,
}

struct Kept {
    replica: Replica<Core>,
    tail: Tail,
    /// The disk failed: nothing is acknowledged any more.
    is_broken: bool,
}

impl Ledger {
    /// Keeps a replica that is new here: writes it down whole.
    pub(crate) fn begin(
        replica: Replica<Core>,
        folder: Arc<Folder>,
        view: Arc<View>,
    ) -> Result<Self, LogError> {
        let tail = folder.tail(TAIL, 0).map_err(LogError::disk)?;
        let ledger = Self { kept: Mutex::new(Kept { replica, tail, is_broken: false }), folder, view };
        ledger.checkpoint(&mut ledger.kept())?;
        ledger.show(&ledger.kept());
        Ok(ledger)
    }

    /// Goes on with the replica that is in the folder, if there is one.
    pub(crate) fn recover(
        core: Core,
        folder: Arc<Folder>,
        view: Arc<View>,
    ) -> Result<Option<Self>, LogError> {
        let Some(checkpoint) = folder.read(CHECKPOINT).map_err(LogError::disk)? else { return Ok(None) };
        let tail = folder.read(TAIL).map_err(LogError::disk)?;
        let tail = tail.as_ref().map_or(&[][..], |tail| tail.expose());
        let (replica, recovered) =
            Replica::recover(&device_key(&folder), checkpoint.expose(), tail, FEATURE_LEVEL, core)?;
        let tail = folder.tail(TAIL, tail.len().saturating_sub(recovered.torn)).map_err(LogError::disk)?;
        let ledger = Self { kept: Mutex::new(Kept { replica, tail, is_broken: false }), folder, view };
        ledger.show(&ledger.kept());
        Ok(Some(ledger))
    }

    /// Asks the replica something.
    pub(crate) fn ask<T>(&self, question: impl FnOnce(&Replica<Core>) -> T) -> T {
        question(&self.kept().replica)
    }

    pub(crate) fn admit(&self, cursor: &[u8]) -> Result<Admit, ClusterError> {
        let mut kept = self.kept();
        let admitted = kept.replica.admit(cursor);
        if matches!(admitted, Ok(Admit::Forked)) {
            self.keep_halt(&mut kept);
        }
        admitted
    }

    pub(crate) fn known(&self, id: &CommandId) -> Option<Vec<u8>> {
        self.kept().replica.known(id).map(<[u8]>::to_vec)
    }

    pub(crate) fn observe(&self, log: Extent) -> Result<Standing, LogError> {
        let mut kept = self.kept();
        let standing = kept.replica.observe(log);
        self.heed(&mut kept, standing)
    }

    pub(crate) fn propose(&self, batch: &[Command], now_ms: i64) -> Result<Proposed, LogError> {
        self.sound()?;
        Ok(self.kept().replica.propose(batch, now_ms)?)
    }

    pub(crate) fn propose_join(
        &self,
        request: &JoinRequest,
        now_ms: i64,
        vouch: impl FnOnce(&JoinRequest, &[u8]) -> bool,
    ) -> Result<Admission, LogError> {
        self.sound()?;
        Ok(self.kept().replica.propose_join(request, now_ms, vouch)?)
    }

    pub(crate) fn propose_leave(&self, leaver: &MemberId, now_ms: i64) -> Result<SealedEntry, LogError> {
        self.sound()?;
        Ok(self.kept().replica.propose_leave(leaver, now_ms)?)
    }

    pub(crate) fn propose_snapshot(&self, now_ms: i64) -> Result<SealedEntry, LogError> {
        self.sound()?;
        Ok(self.kept().replica.propose_snapshot(now_ms)?)
    }

    pub(crate) fn propose_retire(
        &self,
        (incarnation, epoch): (u32, u32),
        now_ms: i64,
    ) -> Result<SealedEntry, LogError> {
        self.sound()?;
        Ok(self.kept().replica.propose_retire(incarnation, epoch, now_ms)?)
    }

    /// The entry under way is in the log.
    pub(crate) fn appended(&self) -> Result<Progress, LogError> {
        let mut kept = self.kept();
        let progress = kept.replica.appended();
        let progress = self.heed(&mut kept, progress)?;
        self.keep(&mut kept, &progress)?;
        Ok(progress)
    }

    /// Takes entries of the log.
    pub(crate) fn replay(&self, first: u64, entries: &[Vec<u8>]) -> Result<Progress, LogError> {
        let mut kept = self.kept();
        let progress = kept.replica.replay(first, entries);
        let progress = self.heed(&mut kept, progress)?;
        self.keep(&mut kept, &progress)?;
        Ok(progress)
    }

    /// Takes a snapshot in the place of entries that are gone.
    pub(crate) fn catch_up(&self, snapshot: &[u8]) -> Result<(), LogError> {
        let mut kept = self.kept();
        let caught_up = kept.replica.catch_up(snapshot);
        self.heed(&mut kept, caught_up)?;
        self.checkpoint(&mut kept)?;
        self.show(&kept);
        Ok(())
    }

    /// Writes everything down, so that the next start is quick.
    pub(crate) fn write_down(&self) -> Result<(), LogError> {
        self.checkpoint(&mut self.kept())
    }

    /// A replica that halts now is halted after the next start, too.
    fn heed<T>(&self, kept: &mut Kept, result: Result<T, ClusterError>) -> Result<T, LogError> {
        if matches!(result, Err(ClusterError::Halted(_))) {
            self.keep_halt(kept);
        }
        Ok(result?)
    }

    fn keep_halt(&self, kept: &mut Kept) {
        if let Err(error) = self.checkpoint(kept) {
            tracing::error!(%error, "that the HSM has halted could not be written down");
        }
    }

    fn keep(&self, kept: &mut Kept, progress: &Progress) -> Result<(), LogError> {
        if !progress.persist.is_empty()
            && let Err(error) = kept.tail.add(&progress.persist)
        {
            kept.is_broken = true;
            return Err(LogError::Disk(error.to_string()));
        }
        for event in &progress.events {
            match event {
                Event::Joined(member) => tracing::info!(%member, "an HSM has joined the cluster"),
                Event::Left(member) => tracing::info!(%member, "an HSM has left the cluster"),
                Event::EpochTurned { epoch } => tracing::info!(epoch, "the partition key has been changed"),
                event => tracing::debug!(?event, "the log has brought"),
            }
        }
        if kept.replica.checkpoint_due() {
            self.checkpoint(kept)?;
        }
        self.show(kept);
        Ok(())
    }

    fn checkpoint(&self, kept: &mut Kept) -> Result<(), LogError> {
        let checkpoint = kept.replica.checkpoint(&device_key(&self.folder))?;
        let written = self.folder.write(CHECKPOINT, &checkpoint).map_err(LogError::disk);
        let cleared =
            written.and_then(|()| kept.tail.clear().map_err(|error| LogError::Disk(error.to_string())));
        kept.is_broken |= cleared.is_err();
        cleared
    }

    fn show(&self, kept: &Kept) {
        self.view.moved(kept.replica.head(), kept.replica.cursor().ok());
    }

    fn sound(&self) -> Result<(), LogError> {
        if self.kept().is_broken {
            Err(LogError::Disk("an earlier write to the state folder failed".to_owned()))
        } else {
            Ok(())
        }
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        // A panic between the replica and its files leaves the tail behind; the next start replays the log.
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn device_key(folder: &Folder) -> Key256 {
    folder.seal().clone()
}
